"""The user's folders: home, Docker's settings, data and cache.

Nothing is looked up before it is asked for: a user without a home folder (an unknown user ID
without `HOME`, as in many containers) meets an error only where a folder is really needed.
"""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Mapping
from pathlib import Path

from imagebuilders.exceptions import ConfigurationError

DOCKER_CONFIG_VARIABLE = "DOCKER_CONFIG"
CACHE_FOLDER_VARIABLE = "IMAGEBUILDERS_CACHE_DIR"


def find_home(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the user's home folder: `HOME`, else the one of the system's user database.

    Args:
        environ: the environment to read; the process's own by default.

    Returns:
        The folder, which need not exist; `None` when the user has none.
    """
    home = (os.environ if environ is None else environ).get("HOME")
    if not home:
        try:
            home = pwd.getpwuid(os.getuid()).pw_dir
        except KeyError:
            return None
    return Path(home) if home else None


def docker_config_directory(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the folder of Docker's settings: `DOCKER_CONFIG`, else `~/.docker`.

    Args:
        environ: the environment to read; the process's own by default.

    Returns:
        The folder, which need not exist; `None` when the user has no home folder.
    """
    given = (os.environ if environ is None else environ).get(DOCKER_CONFIG_VARIABLE)
    if given:
        return Path(given)
    home = find_home(environ)
    return None if home is None else home / ".docker"


def user_data_folder() -> Path:
    """Return the folder for this user's data: `XDG_DATA_HOME`, or the system's usual place.

    https://specifications.freedesktop.org/basedir-spec/latest/

    Raises:
        ConfigurationError: the user has no home folder.
    """
    chosen = os.environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(chosen):  # the specification: a relative path is to be ignored
        return Path(chosen)
    home = find_home()
    if home is None:
        raise ConfigurationError(
            "the user has no home folder to keep archives in: set HOME or XDG_DATA_HOME, or name "
            "the artifact store's path, as in IMAGEBUILDERS_ARTIFACT_STORE__PATH"
        )
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    return home / ".local" / "share"


def user_cache_folder() -> Path | None:
    """Return the folder for this user's caches: `XDG_CACHE_HOME`, else `~/.cache`.

    Returns:
        The folder; `None` when the user has no home folder.
    """
    chosen = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(chosen):
        return Path(chosen)
    home = find_home()
    return None if home is None else home / ".cache"


def own_cache_folder() -> Path | None:
    """Return the folder of what is remembered between runs.

    `IMAGEBUILDERS_CACHE_DIR` names it, else it lies in the user's cache folder.

    Returns:
        The folder, which need not exist; `None` when the user has no home folder.
    """
    given = os.environ.get(CACHE_FOLDER_VARIABLE)
    if given:
        return Path(given)
    base = user_cache_folder()
    return None if base is None else base / "imagebuilders"


def expand_home(path: str) -> str:
    """Replace a leading `~` by the user's home folder, and `~name` by that of the user `name`.

    Raises:
        ConfigurationError: there is no such user, or the user has no home folder.
    """
    if not path.startswith("~"):
        return path
    name, slash, rest = path[1:].partition("/")
    if name:
        try:
            return f"{pwd.getpwnam(name).pw_dir}{slash}{rest}"
        except KeyError:
            raise ConfigurationError(
                f"{path!r} names the home folder of the user {name!r}, whom this system does not "
                "know: give a path without '~'"
            ) from None
    home = find_home()
    if home is None:
        raise ConfigurationError(
            f"{path!r} is in the user's home folder, and there is none: set HOME, or give a path "
            "without '~'"
        )
    return f"{home}{slash}{rest}"
