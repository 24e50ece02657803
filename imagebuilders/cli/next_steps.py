"""What to type next, for the errors that people meet in their first hour.

The words that are looked for are those of engines, BuildKit, registries and systems; of a command
that a step ran only what it says of the machine counts, as what it says of its own work may sound
the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from imagebuilders.exceptions import (
    AttemptFailure,
    BuildError,
    ConnectionFailure,
    EngineNotFoundError,
    ImageBuilderError,
    ImageNameError,
    RegistryConnectionError,
)
from imagebuilders.lazy_dataclass import dataclass

DOCTOR = "imagebuilders doctor"


@dataclass(frozen=True)
class _Rule:
    """What to do when some words are in an error.

    Attributes:
        words: finds them.
        step: returns what to do; it is given the host that the error is about, if it names one.
        is_of_machine: what a command of a step says counts, too.
    """

    words: re.Pattern[str]
    step: Callable[[str], str]
    is_of_machine: bool = False


def _rule(words: str, step: Callable[[str], str], *, is_of_machine: bool = False) -> _Rule:
    return _Rule(re.compile(words, re.IGNORECASE), step, is_of_machine)


_RULES = (
    _rule(
        r"target stage .* could not be found|no such stage",
        lambda _: "imagebuilders build PATH --call targets   (lists the stages)",
    ),
    _rule(
        r"no space left on device|disk quota exceeded",
        lambda _: (
            "imagebuilders cache prune   (the disk is full; `docker system df` shows by what)"
        ),
        is_of_machine=True,
    ),
    _rule(
        r"rosetta error",
        lambda _: "softwareupdate --install-rosetta   (or turn Rosetta off in Docker Desktop)",
        is_of_machine=True,
    ),
    _rule(
        r"exec format error",
        lambda _: (
            "docker run --privileged --rm tonistiigi/binfmt --install all   "
            "(the machine lacks an emulator for the platform)"
        ),
        is_of_machine=True,
    ),
    _rule(
        r"toomanyrequests|too many requests|pull rate limit",
        lambda host: f"docker login{host}   (who is logged in may pull more)",
    ),
    _rule(
        r"proxyconnect|proxy authentication required|\b407\b.*proxy|cannot connect to proxy",
        lambda host: f"{_doctor(host)}   (the proxy refuses; see HTTPS_PROXY and NO_PROXY)",
    ),
    _rule(
        r"x509: |certificate (verify failed|has expired|signed by unknown|is not trusted)",
        lambda host: f"{_doctor(host)}   (it says where the authority's certificate belongs)",
    ),
    _rule(
        r"\b401\b|unauthorized|authentication required|no basic auth credentials"
        r"|insufficient_scope|authorization failed|access to the resource is denied",
        lambda host: f"docker login{host}",
    ),
    _rule(
        r"no such host|i/o timeout|connection refused|network is unreachable"
        r"|temporary failure in name resolution|server gave HTTP response to HTTPS client",
        lambda host: _doctor(host),
    ),
)


def next_step(error: BaseException) -> str | None:
    """Return what to type next; `None` where that is not known.

    Args:
        error: the error; those that it was caused by count as well.
    """
    for each in _chain(error):
        found = _of_class(each)
        if found is not None:
            return found
    first = error
    if not isinstance(first, ImageBuilderError) or isinstance(first, ImageNameError):
        return None
    own, machine = _texts(first)
    host = _host(first, own)
    base = _missing_base(own)
    if base and _HUB_REFUSED.search(own):  # so the hub answers for what is not there, too
        return f"imagebuilders inspect docker://{base}   (if its name is right: docker login{host})"
    for rule in _RULES:
        if rule.words.search(f"{own}\n{machine}" if rule.is_of_machine else own):
            return rule.step(host)
    return (
        f"imagebuilders inspect docker://{base}   (see whether its name is right)" if base else None
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__


def _of_class(error: BaseException) -> str | None:
    if isinstance(error, EngineNotFoundError):
        if any(each.failure is AttemptFailure.NOT_ALLOWED for each in error.attempts):
            return (
                "sudo usermod -aG docker $USER   (and log in anew; see also imagebuilders doctor)"
            )
        return f"{DOCTOR}   (or build without an engine: --builder daemonless)"
    if isinstance(error, RegistryConnectionError):
        host = f" {error.registry}" if error.registry else ""
        why = {
            ConnectionFailure.CERTIFICATE: "   (it says where the authority's certificate belongs)",
            ConnectionFailure.PROXY: "   (the proxy refuses; see HTTPS_PROXY and NO_PROXY)",
        }
        return f"{_doctor(host)}{why.get(error.failure, '')}"
    return None


def _doctor(host: str) -> str:
    return f"{DOCTOR} --registry{host}" if host else DOCTOR


def _texts(error: ImageBuilderError) -> tuple[str, str]:
    """Return an error's own words, and those of a command that a step ran."""
    text = str(error)
    if not isinstance(error, BuildError):
        return text, ""
    own = text.partition("\nThe step's last output:")[0]
    if error.excerpt:
        own = own.replace(error.excerpt, "")
    printed = "\n".join(error.output)
    # What a command's failure is called quotes the command, which may hold any words.
    return ("", f"{own}\n{printed}") if error.exit_code is not None else (own, printed)


_NAMED = re.compile(
    r"(?:metadata for|resolve image|pull access denied for|manifest for|HEAD \"https?://"
    r"|GET \"https?://|https?://)\s*([a-z0-9][\w.:/@-]*)",
    re.IGNORECASE,
)


def _host(error: ImageBuilderError, text: str) -> str:
    """Return the registry that an error is about, behind a space; empty for the hub, or none."""
    registry = getattr(error, "registry", None)
    if not isinstance(registry, str) or not registry:
        found = _NAMED.search(text)
        first = found[1].partition("/")[0] if found else ""
        registry = first if re.search(r"[.:]", first) or first == "localhost" else ""
    is_hub = registry.endswith(("docker.io", "docker.com"))
    return "" if not registry or is_hub else f" {registry}"


_HUB_REFUSED = re.compile(r"pull access denied|insufficient_scope")
_BASE = re.compile(
    r"(?:metadata for |pull access denied for |manifest for )([a-z0-9][\w./-]*(?::[\w.-]*\w)?)"
)


def _missing_base(text: str) -> str:
    """Return the name of a base image that is not there."""
    if not re.search(r"not found|does not exist|manifest unknown|pull access denied", text):
        return ""
    found = _BASE.search(text)
    return found[1].removeprefix("docker.io/library/") if found else ""
