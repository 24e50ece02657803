"""A client of container registries: the OCI distribution specification over HTTP."""

from imagebuilders.distribution.client import RegistryClient, Timeouts
from imagebuilders.distribution.credentials import CredentialSource, RegistryCredentials
from imagebuilders.distribution.manifests import StoredManifest
from imagebuilders.distribution.repository import Repository
from imagebuilders.distribution.retries import RetryPolicy
from imagebuilders.distribution.tls import TLSFiles

__all__ = [
    "CredentialSource",
    "RegistryClient",
    "RegistryCredentials",
    "Repository",
    "RetryPolicy",
    "StoredManifest",
    "TLSFiles",
    "Timeouts",
]
