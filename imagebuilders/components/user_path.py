"""Settings that are paths of the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from imagebuilders.user_folders import expand_home

UserPath: TypeAlias = Annotated[Path, AfterValidator(lambda path: Path(expand_home(str(path))))]
"""A file's path, in which a leading `~` is the user's home folder."""
