"""An OCI registry in memory, which real clients cannot tell from a real one."""

from __future__ import annotations

from fakes.registry.auth import AuthKind, RepositoryRule
from fakes.registry.errors import FakeRegistryCrashError, NotInRegistryError
from fakes.registry.faults import Fault, Faults
from fakes.registry.image import Image, ImageFile
from fakes.registry.messages import ConnectionCutError, Headers, Request, Response
from fakes.registry.records import RecordedRequest
from fakes.registry.registry import FakeRegistry
from fakes.registry.routes import Operation
from fakes.registry.seed import SeedImage
from fakes.registry.storage import Manifest
from fakes.registry.tls import Certificate

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
    "NotInRegistryError",
    "Operation",
    "RecordedRequest",
    "RepositoryRule",
    "Request",
    "Response",
    "SeedImage",
]
