"""The variables of a container's processes, as a daemon puts them together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...images.config import RunConfig

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where programs are looked for in an image that does not say it."""


def process_variables(
    config: RunConfig, links: Iterable[str] = (), added: Iterable[str] = (), *, tty: bool = False
) -> dict[str, str]:
    """Return the variables of a process, in the order that it is given them.

    Args:
        config: what its container runs.
        links: pairs as in `A=1` that tell of linked containers.
        added: pairs for this process alone.
        tty: it has a terminal.
    """
    variables = {"PATH": _PATH}
    if config.hostname:
        variables["HOSTNAME"] = config.hostname
    if tty:
        variables["TERM"] = "xterm"
    variables |= _split(links)
    return overridden(overridden(variables, config.env or ()), added)


def overridden(variables: Mapping[str, str], pairs: Iterable[str]) -> dict[str, str]:
    """Return variables with others in their place.

    A name without a value takes away what was there before all of the pairs.

    Args:
        variables: what is there.
        pairs: as in `A=1`; of a name that is there twice, the last one counts.
    """
    result = dict(variables)
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if equals:
            result[name] = value
        elif name in variables:
            result.pop(name, None)
    return result


def _split(pairs: Iterable[str]) -> dict[str, str]:
    parts = (pair.partition("=") for pair in pairs)
    return {name: value for name, _, value in parts}
