"""The S3 client underneath the store: s3fs, made, asked and closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from imagebuilders.artifact_stores.filesystem import FileSystem
from imagebuilders.exceptions import ArtifactStoreError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Awaitable

    from pydantic import SecretStr

    from imagebuilders.artifact_stores.s3 import S3ArtifactStoreConfig

_Result = TypeVar("_Result")


class _Closable(Protocol):
    async def close(self) -> None: ...


class S3FileSystem(FileSystem, Protocol):
    """What the store asks of `s3fs.S3FileSystem`."""

    @property
    def loop(self) -> AbstractEventLoop:
        """The event loop, in a thread of its own, that makes the requests."""
        ...

    @property
    def s3(self) -> _Closable:
        """The aiobotocore client."""
        ...

    def call_s3(self, method: str, **arguments: object) -> Mapping[str, object]:
        """Make one request and wait for its answer, at most `timeout` seconds."""
        ...


class _Body(Protocol):
    async def read(self) -> bytes: ...


class S3Client:
    """Makes single requests. Nothing below it repeats them: the store's retry policy does."""

    def __init__(
        self, filesystem: S3FileSystem, *, connect_timeout: float, read_timeout: float
    ) -> None:
        self.filesystem = filesystem
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout

    def request(self, method: str, **arguments: object) -> Mapping[str, object]:
        """Make a request, named as in boto3's S3 client.

        Raises:
            TimeoutError: it took longer than `time_limit` allows for its body.
        """
        from asyncio import TimeoutError as AsyncTimeoutError  # before 3.11 not the built-in

        body = arguments.get("Body", b"")
        limit = self.time_limit(len(body) if isinstance(body, bytes | memoryview) else 0)
        # The client's own read timeout does not count while it waits for "100 Continue".
        try:
            return self.filesystem.call_s3(method, timeout=limit, **arguments)
        except AsyncTimeoutError as error:
            raise TimeoutError(f"no answer within {limit:g} s") from error

    def time_limit(self, sent: int) -> float:
        """Give the seconds that a request may take which sends so many bytes.

        That is the time to connect and to answer, and the time of an answer again for each MiB.
        """
        return self._connect_timeout + self._read_timeout * (1 + -(-sent // 2**20))

    def read(self, answer: Mapping[str, object]) -> bytes:
        """Read the body of a `get_object` answer."""
        return self._wait(cast(_Body, answer["Body"]).read)

    def close(self) -> None:
        """Close all connections."""
        with suppress(Exception):
            self._wait(self.filesystem.s3.close)

    def _wait(self, make: Callable[[], Awaitable[_Result]]) -> _Result:
        sync = cast("Callable[..., _Result]", import_module("fsspec.asyn").sync)
        return sync(self.filesystem.loop, make)


def connect(config: S3ArtifactStoreConfig) -> S3Client:
    """Make a client; the first request opens the first connection.

    Raises:
        ArtifactStoreError: s3fs is not installed.
    """
    try:
        s3fs = import_module("s3fs")
    except ImportError as error:
        raise ArtifactStoreError(
            f"The S3 artifact store ({config.path}) needs the package 's3fs', which is not "
            f"installed ({error}): pip install 'imagebuilders[s3]'.",
            path=config.path,
        ) from error
    filesystem = s3fs.S3FileSystem(
        skip_instance_cache=True,
        use_listings_cache=False,
        anon=config.anonymous,
        key=_revealed(config.key),
        secret=_revealed(config.secret),
        token=_revealed(config.token),
        endpoint_url=config.endpoint_url,
        client_kwargs=_given(region_name=config.region, verify=config.verify),
        config_kwargs={
            "connect_timeout": config.connect_timeout,
            "read_timeout": config.read_timeout,
            "max_pool_connections": config.concurrency + 2,
            "retries": {"mode": "standard", "total_max_attempts": 1},
            "s3": {"addressing_style": config.addressing_style},
        },
        **_given(profile=config.profile),
    )
    filesystem.retries = 1
    return S3Client(
        cast(S3FileSystem, filesystem),
        connect_timeout=config.connect_timeout,
        read_timeout=config.read_timeout,
    )


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def _given(**settings: object) -> dict[str, object]:
    return {name: value for name, value in settings.items() if value is not None}
