"""All looks at a set-up, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from imagebuilders.auth.keychain import Keychain
from imagebuilders.diagnosis.credentials import look_at_credentials
from imagebuilders.diagnosis.daemons import look_at_daemons
from imagebuilders.diagnosis.engine import look_at_engine
from imagebuilders.diagnosis.finding import Area, Finding, Severity
from imagebuilders.diagnosis.folders import look_at_folders
from imagebuilders.diagnosis.program import look_at_program
from imagebuilders.diagnosis.registries import look_at_registries
from imagebuilders.exceptions import ImageBuilderError
from imagebuilders.stack import Client
from imagebuilders.stack.stack import Stack

if TYPE_CHECKING:
    from imagebuilders.base_image_builder import BaseImageBuilder
    from imagebuilders.container_registries import BaseContainerRegistry


def diagnose(registries: Sequence[str] = (), *, platform: str | None = None) -> Iterator[Finding]:
    """Look at everything that a build with the active stack needs, and tell what was found.

    Nothing is changed, built or pushed. Engines, daemons, credential helpers and registries are
    asked short questions; each finding is yielded as soon as it is known.

    Args:
        registries: domains of registries to look at, beside that of the stack.
        platform: a platform that has to be built for, as in `linux/arm64`.
    """
    yield from look_at_program()
    keychain = Keychain()
    stack: Stack | None = None
    builder: BaseImageBuilder | None = None
    registry: BaseContainerRegistry | None = None
    try:
        stack = Client().active_stack
        builder, registry = stack.image_builder, stack.container_registry
        yield Finding(Area.STACK, Severity.FINE, _in_words(stack, builder, registry))
    except ImageBuilderError as error:
        yield Finding(
            Area.STACK,
            Severity.ERROR,
            f"The active stack cannot be used. {error}",
            "Correct the stack file or the variable; this shows what is read from where.",
            "imagebuilders stack show",
        )
    if stack is not None:
        yield from _look_at_store(stack)
    yield from look_at_engine(keychain, builder)
    yield from look_at_daemons(builder, platform)
    yield from look_at_credentials(keychain)
    yield from look_at_registries(keychain, registry, registries)
    yield from look_at_folders()


def _in_words(
    stack: Stack, builder: BaseImageBuilder, registry: BaseContainerRegistry | None
) -> str:
    where = f"pushes to {registry.uri}" if registry is not None else "has no container registry"
    return f"The stack {stack.name!r} builds with {type(builder).__name__} and {where}."


def _look_at_store(stack: Stack) -> Iterator[Finding]:
    try:
        store = stack.artifact_store
    except ImageBuilderError as error:
        yield Finding(
            Area.STACK,
            Severity.WARNING,
            f"The artifact store cannot be used. {error}",
            "Builders that send contexts away need it; correct its settings.",
            "imagebuilders stack show",
        )
    else:
        kind = type(store).__name__
        yield Finding(Area.STACK, Severity.FINE, f"Contexts that are kept go to {kind}.")
