"""An OCI registry in memory, which real clients cannot tell from a real one."""

from __future__ import annotations

from ..http.certificates import Certificate
from ..http.messages import ConnectionCutError, Headers, Request, Response
from .auth import AuthKind, RepositoryRule
from .errors import FakeRegistryCrashError, NotInRegistryError
from .faults import Fault, Faults
from .image import Image, ImageFile
from .manners import Manners
from .records import RecordedRequest
from .registry import FakeRegistry
from .routes import Operation
from .seed import SeedImage
from .storage import Manifest

__all__ = [
    "AuthKind",
    "Certificate",
    "ConnectionCutError",
    "FakeRegistry",
    "FakeRegistryCrashError",
    "Fault",
    "Faults",
    "Headers",
    "Image",
    "ImageFile",
    "Manifest",
    "Manners",
    "NotInRegistryError",
    "Operation",
    "RecordedRequest",
    "RepositoryRule",
    "Request",
    "Response",
    "SeedImage",
]
