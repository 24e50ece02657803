"""Clients of AWS services, made with boto3, which is imported when the first one is made."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import urlsplit

from imagebuilders.aws import faults
from imagebuilders.aws.settings import can_be_sent
from imagebuilders.control_files import read_control_file
from imagebuilders.exceptions import ConfigurationError, ControlFileError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from imagebuilders.aws.settings import AWSSettings

_SENT_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
"""Environment variables whose values stand in requests as they are."""

_AWS_DOMAINS = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "api.amazonwebservices.eu",
    "api.aws.ic.gov",
    "api.aws.scloud",
    "api.cloud-aws.adc-e.uk",
    "api.aws.hci.ic.gov",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "csp.hci.ic.gov",
    "cloud.adc-e.uk",
)
"""Under which the services of AWS's partitions stand; any other is somebody else's."""


class ClientMeta(Protocol):
    """What a client knows of itself."""

    @property
    def endpoint_url(self) -> str:
        """The address it asks."""
        ...


class ServiceClient(Protocol):
    """What every client of boto3 has besides the service's own methods."""

    @property
    def meta(self) -> ClientMeta:
        """What it knows of itself."""
        ...

    def close(self) -> None:
        """Close its connections."""
        ...


def open_client(
    service: str,
    settings: AWSSettings,
    *,
    extra: str,
    connections: int,
    options: Mapping[str, object],
) -> ServiceClient:
    """Make a client; the first request opens the first connection.

    Nothing below the client repeats a request, so that the caller's retry policy is the only
    one. A service that is not AWS's own is sent no checksum beyond what its protocol asks for:
    many refuse the checksums that botocore adds by default.

    Args:
        service: the service's name, as in boto3.
        settings: who to be, and where to ask.
        extra: the extra of this package that installs boto3.
        connections: how many are kept open.
        options: further fields of `botocore.config.Config`.

    Raises:
        ConfigurationError: boto3 is not installed, the profile is unknown, a credential of the
            environment cannot be sent, or the bundle of authorities cannot be read.
    """
    try:
        boto3 = import_module("boto3")
        sessions = import_module("botocore.session")
    except ImportError as error:
        raise ConfigurationError(
            f"the package 'boto3' is needed, which is not installed ({error}): "
            f"pip install 'imagebuilders[{extra}]'."
        ) from error
    if settings.key is None and not settings.anonymous:
        _check_environment()
    try:
        core = sessions.get_session()
        loader = model_loader(core.get_config_variable("data_path"))
        core.register_component("data_loader", loader)
        session = boto3.Session(
            botocore_session=core,
            aws_access_key_id=_revealed(settings.key),
            aws_secret_access_key=_revealed(settings.secret),
            aws_session_token=_revealed(settings.token),
            profile_name=settings.profile,
            region_name=settings.region,
        )
        # Each session adds boto3's own folder once more.
        loader.search_paths[:] = dict.fromkeys(loader.search_paths)
        bundle = core.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
        client = _client_for_its_endpoint(
            session.client, service, settings, {"max_pool_connections": connections, **options}
        )
    except (faults.botocore_errors(), ValueError) as error:
        raise ConfigurationError(faults.describe(error)) from error
    if client.meta.endpoint_url.startswith("https:"):
        _check_bundle(bundle if settings.verify is True else settings.verify)
    return client


def is_aws(address: str) -> bool:
    """Tell whether an address is a service of AWS itself."""
    host = urlsplit(address).hostname or ""
    return any(host == domain or host.endswith(f".{domain}") for domain in _AWS_DOMAINS)


class ModelLoader(Protocol):
    """What reads botocore's descriptions of services, and keeps what it read."""

    @property
    def search_paths(self) -> list[str]:
        """The folders that it reads in."""
        ...


@cache
def model_loader(data_path: str | None = None) -> ModelLoader:
    """Return the one loader of all sessions: each would read a thousand files anew.

    Args:
        data_path: further folders to read in, as the AWS configuration's `data_path` names them.
    """
    made = import_module("botocore.loaders").create_loader(data_path)
    return cast(ModelLoader, made)


def _client_for_its_endpoint(
    make: Callable[..., object],
    service: str,
    settings: AWSSettings,
    options: Mapping[str, object],
) -> ServiceClient:
    general: dict[str, object] = {
        "connect_timeout": settings.connect_timeout,
        "read_timeout": settings.read_timeout,
        "retries": {"mode": "standard", "total_max_attempts": 1},
        **options,
    }
    if settings.anonymous:
        general["signature_version"] = import_module("botocore").UNSIGNED

    def make_with(config: Mapping[str, object]) -> ServiceClient:
        client = make(
            service,
            endpoint_url=settings.endpoint_url,
            # Without a value, the environment's and the profile's bundles count.
            verify=None if settings.verify is True else settings.verify,
            config=import_module("botocore.config").Config(**config),
        )
        return cast(ServiceClient, client)

    if settings.endpoint_url is not None:
        return make_with({**general, **_options_for(settings.endpoint_url)})
    client = make_with(general)
    # Only a client knows its address: that may also come from the environment or the profile.
    special = _options_for(client.meta.endpoint_url)
    if not special:
        return client
    client.close()
    return make_with({**general, **special})


def _options_for(address: str) -> dict[str, object]:
    """Return what a client needs besides, because of the address that it asks."""
    if is_aws(address):
        return {}
    options: dict[str, object] = {
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    if _is_loopback(urlsplit(address).hostname or ""):
        options["proxies"] = {}  # a proxy would ask its own machine
    return options


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_bundle(bundle: object) -> None:
    """Read the bundle of authorities now: later it would look like a fault of the connection."""
    if not isinstance(bundle, str):
        return
    try:
        read_control_file(bundle)  # OpenSSL would wait for a pipe
        ssl.create_default_context(cafile=bundle)
    except (ControlFileError, OSError, ValueError) as error:  # an SSLError is an OSError
        if isinstance(error, ControlFileError):
            reason = error.reason
        else:
            reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"the bundle of certificate authorities {bundle!r} cannot be used: {reason}. "
            "It is named by verify, or by AWS_CA_BUNDLE or ca_bundle in the AWS configuration."
        ) from error


def _check_environment() -> None:
    """See whether the credentials of the environment can be sent."""
    for variable in _SENT_VARIABLES:
        if not can_be_sent(os.environ.get(variable, "")):
            raise ConfigurationError(
                f"{variable} is not printable ASCII without white space. Correct the environment "
                "variable: look for a line break at its end.",
                key=variable,
            )


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
