"""Where the active stack is asked for."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

from imagebuilders.stack.stack import Stack, activated_stack

if TYPE_CHECKING:
    from collections.abc import Hashable

    from imagebuilders.stack.configuration import StackConfiguration


class Client:
    """Returns the active stack. Clients hold nothing: make one whenever it is needed."""

    @property
    def active_stack(self) -> Stack:
        """The stack of the innermost `Stack.activate` block, else the one the settings describe.

        The stack made from settings is kept until they change: the working
        directory, the stack file, or an environment variable. Its components are made when they
        are first asked for; settings of a component that is wrong are told then, by a
        `ConfigurationError` or a `FlavorError`.

        Raises:
            ConfigurationError: the stack file cannot be read, or it or a variable names a table
                or key that is none of a stack's.
        """
        activated = activated_stack()
        return _configured_stack() if activated is None else activated

    @property
    def configuration(self) -> StackConfiguration | None:
        """What the active stack was made from; `None` when code put it together."""
        return self.active_stack.configuration


_lock = threading.RLock()
_kept: tuple[Hashable, Stack] | None = None


def _configured_stack() -> Stack:
    # Imported here: code that brings its own stack does not need pydantic-settings.
    from imagebuilders.stack.configuration import configuration_from, working_directory
    from imagebuilders.stack.configured_stack import ConfiguredStack
    from imagebuilders.stack.environment import EnvironmentSettings
    from imagebuilders.stack.flavors import FlavorCatalog
    from imagebuilders.stack.stack_file import find_stack_file

    global _kept
    directory = working_directory()
    file = find_stack_file(directory)
    settings = EnvironmentSettings.read()
    folders = {name: os.environ.get(name, "") for name in ("HOME", "XDG_DATA_HOME")}
    read = (
        directory,
        None if file is None else (str(file.path), file.raw),
        tuple(sorted({**settings.variables, **folders}.items())),
        tuple(sys.path),  # where flavors come from
    )
    with _lock:
        if _kept is None or _kept[0] != read:
            catalog = FlavorCatalog.installed()
            configuration = configuration_from(directory, file, settings, catalog)
            _kept = (read, ConfiguredStack(configuration))
        return _kept[1]
