"""What is wrong with a stack's settings, told with the file or variable that says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imagebuilders.components.component import StackComponentType
from imagebuilders.exceptions import ConfigurationError
from imagebuilders.stack.environment import EnvironmentSettings
from imagebuilders.stack.stack_file import StackFile
from imagebuilders.stack.variables import variable_name
from imagebuilders.validation import REQUIRED, Finding


def file_error(
    file: StackFile, found: Sequence[Finding], extra: Sequence[str] = ()
) -> ConfigurationError:
    """Make one error of what is wrong in a stack file.

    Args:
        file: the stack file.
        found: what is wrong in it, at least one finding.
        extra: further lines, about what stands elsewhere.
    """
    lines = [f"{file.path}: {file.dotted(*finding.key)}: {finding.message}" for finding in found]
    return ConfigurationError(
        "\n".join((*lines, *extra)),
        file=str(file.path),
        key=file.dotted(*found[0].key),
        allowed=found[0].allowed,
    )


def component_error(
    kind: StackComponentType,
    file: StackFile | None,
    variables: EnvironmentSettings,
    origins: Mapping[str, str],
    found: Sequence[Finding],
) -> ConfigurationError:
    """Make one error of what is wrong with a component; each finding names its origin.

    Args:
        kind: which component.
        file: the stack file, if there is one.
        variables: the environment variables.
        origins: for each key that was given, the file or the variable that gave it.
        found: what is wrong, at least one finding.
    """
    of_file, of_variables = [], []
    for finding in found:
        origin = origins.get(finding.key[0]) if finding.key else None
        placed = Finding((kind.value, *finding.key), finding.message, finding.allowed)
        if origin is None or (file is not None and origin == str(file.path)):
            of_file.append(placed)
        else:
            of_variables.append((variables.variable_for(kind, finding.key), placed))
    lines = [f"{origin}: {finding.message}" for origin, finding in of_variables]
    if file is not None and of_file:
        return file_error(file, of_file, lines)
    for finding in of_file:
        advice = f"; set {variable_name(*finding.key)}"
        lines.append(f"{finding}{advice if finding.message == REQUIRED else ''}")
    first = of_variables[0][1] if of_variables else of_file[0]
    return ConfigurationError(
        "\n".join(lines),
        file=of_variables[0][0] if of_variables else None,
        key=".".join(first.key),
        allowed=first.allowed,
    )
