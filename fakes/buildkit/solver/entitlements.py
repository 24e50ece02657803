"""What a build may do only if its client and the daemon allow it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from imagebuilders.buildkit.transport.errors import CallError
from imagebuilders.buildkit.transport.status import Code, RpcStatus
from imagebuilders.evaluation.steps import Run

if TYPE_CHECKING:
    from imagebuilders.evaluation.steps import Stage


def check_entitlements(stages: Iterable[Stage], granted: Collection[str]) -> None:
    """See whether the commands of a build may do what they ask for.

    Args:
        stages: of the build.
        granted: what the client granted, as in `security.insecure`.

    Raises:
        CallError: one may not.
    """
    for stage in stages:
        for step in stage.steps if stage.needed else ():
            if isinstance(step, Run):
                wanted = {
                    "network.host": step.network == "host",
                    "security.insecure": step.security == "insecure",
                }
                for name, is_wanted in wanted.items():
                    if is_wanted and name not in granted:
                        words = f"failed to load LLB: {name} is not allowed"
                        raise CallError(RpcStatus(Code.UNKNOWN, words))
