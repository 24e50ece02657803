"""Where a component has its Docker client from, in each process that the component gets to.

A client's connections belong to the process that opened them: a forked child that used its
parent's would read the answers to its parent's requests.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, Protocol

from imagebuilders.exceptions import ConfigurationError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    import docker

    from imagebuilders.connections.probe import FoundEngine


class ClientSource:
    """The client that a component was given, or one that is made when it is first needed.

    In a forked child, and in a process that the component was pickled to, a given client is
    replaced by one for the same engine; one that was made here is made anew. A deep copy shares a
    given client. Who gave a client closes it; any other is closed by `close`.
    """

    def __init__(self, given: object = None, *, owner: str) -> None:
        """Take a client.

        Args:
            given: the client; `None` when one is to be made.
            owner: the class of the component, for errors.

        Raises:
            ConfigurationError: what was given is not a `docker.DockerClient`.
        """
        if given is not None:
            _check_kind(given, owner)
        self._owner = owner
        self._given: Any = given
        self._engine: _Engine | None = None
        self._is_given = given is not None
        self._inherited: Any = None
        self._start()

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._client: docker.DockerClient | None = None
        _sources.add(self)

    @property
    def is_given(self) -> bool:
        """Whether there is a given client, or was one in the process that this one comes from."""
        return self._is_given

    def client(
        self,
        make: Callable[[], docker.DockerClient],
        prepare: Callable[[docker.DockerClient], None] | None = None,
    ) -> docker.DockerClient:
        """Return the client, the same each time.

        Args:
            make: makes a client, when none was given.
            prepare: what to do with the client before it is used for the first time; when it
                raises, the client is not kept.

        Raises:
            ConfigurationError: a client was given in another process, and its engine cannot be
                told from it.
        """
        with self._lock:
            if self._client is None:
                client = self._given_here() if self._is_given else make()
                try:
                    if prepare is not None:
                        prepare(client)
                except BaseException:
                    self._close(client)
                    raise
                self._client = client
            return self._client

    @contextmanager
    def lend(self) -> Iterator[docker.DockerClient]:
        """Lend the client that was given for one task; one that stands for it is closed after it.

        Raises:
            ConfigurationError: as in `client`.
        """
        client = self._given_here()
        try:
            yield client
        finally:
            self._close(client)

    def close(self) -> None:
        """Close the client, unless it is the one that was given."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            self._close(client)

    def _close(self, client: docker.DockerClient) -> None:
        if client is not self._given:
            client.close()

    def _given_here(self) -> docker.DockerClient:
        if self._given is not None:
            client: docker.DockerClient = self._given
            return client
        if self._engine is None:
            raise ConfigurationError(
                f"The docker_client that this {self._owner} was given belongs to the process that "
                "made it, and the address of its engine cannot be told from it. Give the "
                f"{self._owner} of this process a client that was made here."
            )
        return self._engine.open()

    def _leave_parent(self) -> None:
        """Start anew in a forked child."""
        # Kept, for its end would close what the parent uses: the process of an ssh command, say.
        self._inherited = (self._client, self._given)
        if self._given is not None:
            self._engine, self._given = _engine_of(self._given), None
        self._start()

    def __getstate__(self) -> dict[str, object]:
        engine = self._engine if self._given is None else _engine_of(self._given)
        return {"_owner": self._owner, "_engine": engine, "_is_given": self._is_given}

    def __setstate__(self, state: Mapping[str, object]) -> None:
        self._given = self._inherited = None
        vars(self).update(state)
        self._start()

    def __deepcopy__(self, _memo: object) -> ClientSource:
        copied = ClientSource(self._given, owner=self._owner)
        copied._is_given, copied._engine = self._is_given, self._engine
        return copied


class _Engine(Protocol):
    """What another process needs to reach a client's engine."""

    def open(self) -> docker.DockerClient:
        """Make a client for the engine; nothing is sent yet."""
        ...


@dataclass(frozen=True)
class _EngineOfSDK:
    """The engine of a client that the Docker SDK's own constructor made."""

    base_url: str
    version: str
    timeout: float
    verify: bool | str
    certificate: str | tuple[str, str] | None
    headers: Mapping[str, str] = field(repr=False)  # a proxy before the engine may want a secret

    def open(self) -> docker.DockerClient:
        """Make a client for the engine; nothing is sent yet."""
        import docker

        client = docker.DockerClient(
            base_url=self.base_url,
            version=self.version,
            timeout=self.timeout,  # type: ignore[arg-type]  # requests takes a float
        )
        client.api.verify, client.api.cert = self.verify, self.certificate
        client.api.headers.update(self.headers)
        return client


@dataclass(frozen=True)
class _EngineFound:
    """The engine of a client that this package made."""

    found: FoundEngine

    def open(self) -> docker.DockerClient:
        """Make a client for the engine; nothing is sent yet."""
        from imagebuilders.docker.client import EngineClient

        return EngineClient(self.found)


def _engine_of(client: docker.DockerClient) -> _Engine | None:
    """Return what leads to a client's engine; `None` when the way there is unknown."""
    from requests.adapters import HTTPAdapter

    from imagebuilders.docker.client import EngineClient

    if isinstance(client, EngineClient):
        return _EngineFound(replace(client.found, connection=None))
    api: Any = client.api  # a `requests.Session`, with attributes that its types do not have
    adapter = api.get_adapter(api.base_url)
    socket_path = getattr(adapter, "socket_path", None)
    if isinstance(socket_path, str):
        base_url = f"unix://{socket_path}"
    elif type(adapter) is HTTPAdapter:
        base_url = str(api.base_url)
    else:
        return None
    return _EngineOfSDK(
        base_url, api.api_version, api.timeout, api.verify, api.cert, dict(api.headers)
    )


def _check_kind(given: object, owner: str) -> None:
    import docker

    if isinstance(given, docker.DockerClient):
        return
    hint = ""
    if isinstance(given, docker.APIClient):
        hint = ", which is the SDK's low-level client: give the DockerClient that has it as its api"
    elif isinstance(given, str):
        hint = ": for an engine's address make one by docker.DockerClient(base_url=…)"
    raise ConfigurationError(
        f"The docker_client of a {owner} is a docker.DockerClient, such as docker.from_env() "
        f"returns, not {type(given).__name__}{hint}.",
        key="docker_client",
    )


# Weakly: a source lives as long as its component.
_sources: weakref.WeakSet[ClientSource] = weakref.WeakSet()


def _leave_parents() -> None:
    for source in list(_sources):
        source._leave_parent()


os.register_at_fork(after_in_child=_leave_parents)
