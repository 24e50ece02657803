"""One session for several builds of one context.

The daemon, which sees that they ask for the same folder of the same session, copies it once. What
else a build has is served under a name of its own; what only that build may have, such as its
secrets, is served by a session of that build, which takes the folders from the shared one.

Another context has another session, on the same connection to the daemon. A session knows folders
by name, and frontends ask for the context by one fixed name: the attribute `contextkey` is passed
over by Engines 26.1 and 28.5, and counts on 20.10 for the question for the ignore file alone
(`dockerfilekey`, in contrast, counts on all, so that Dockerfiles share a session). A context that
is handed to the frontend as an input, `local://NAME`, could have a name of its own on all of them.
But then the daemon asks for the whole folder in place of the files that the Dockerfile copies, and
a client cannot tell it which these are: triggers of a base image copy, too. Sending more would
cost far more than a session, which takes one request.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import field
from typing import TYPE_CHECKING, Protocol

from imagebuilders.buildkit.session.auth import CredentialSource, RegistryAuth
from imagebuilders.buildkit.session.file_sync import FileSync
from imagebuilders.buildkit.session.secrets import Secrets
from imagebuilders.buildkit.session.session import Service, Session
from imagebuilders.buildkit.session.ssh import Agent, SSHAgents
from imagebuilders.buildkit.session.synced_folders import SyncedFolder
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.masking import SecretMask
from imagebuilders.sharing import sharing_build

if TYPE_CHECKING:
    from imagebuilders.buildkit.control.client import ControlClient
    from imagebuilders.exceptions import ImageBuilderError

_CONTEXT, _DOCKERFILE = "context", "dockerfile"
_DOCKERFILE_KEY = "dockerfilekey"
_NAMED = "context:"
_LOCAL = "local:"
_SESSION_OF = "local-sessionid:"
_DIGITS = 16
_COPY_END_SECONDS = 2.0


class SessionNeeds(Protocol):
    """What a daemon may ask for during a build; see `ImageBuild`."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Attributes of the Dockerfile frontend, some of which name folders."""
        ...

    @property
    def folders(self) -> Mapping[str, SyncedFolder]:
        """The folders by name."""
        ...

    @property
    def shared_key(self) -> str:
        """Stands for the folders in the daemon's memory of them."""
        ...

    @property
    def secrets(self) -> Mapping[str, Callable[[], bytes]]:
        """What reads each secret."""
        ...

    @property
    def agents(self) -> Mapping[str, Agent]:
        """The SSH agents."""
        ...

    @property
    def credentials(self) -> CredentialSource | None:
        """Knows who to be at which registry."""
        ...

    @property
    def registries(self) -> Sequence[str] | None:
        """The registries that the build is known to use; `None` if that is not known."""
        ...

    @property
    def masked(self) -> Sequence[bytes]:
        """Further secrets that are not to be shown."""
        ...

    @property
    def services(self) -> Sequence[Service]:
        """Further services."""
        ...


@dataclass(frozen=True)
class ServedBuild:
    """A build whose session is open.

    Attributes:
        session_id: the session.
        attributes: the build's attributes, with the names that its folders have in the session.
        mask: knows the secrets that were handed out.
    """

    session_id: str
    attributes: Mapping[str, str]
    mask: SecretMask
    _names: Collection[str]
    _files: FileSync
    _before: Mapping[str, ImageBuilderError] = field(default_factory=dict)

    @property
    def failure(self) -> ImageBuilderError | None:
        """Why a folder of the build could not be sent since it began.

        Copies that the end of the build breaks off are waited for, for a moment.
        """
        self._files.wait_for_copies(self._names, _COPY_END_SECONDS)
        for name in self._names:
            found = self._files.failures.get(name)
            if found is not None and found is not self._before.get(name):
                return found
        return None


@contextmanager
def served(client: ControlClient, build: SessionNeeds) -> Iterator[ServedBuild]:
    """Serve what a build may ask for during the block.

    Raises:
        TransportError: the connection broke.
    """
    sharing = sharing_build()
    if sharing is not None:
        context = build.folders.get(_CONTEXT)
        state = b"" if context is None else context.state()
        session = sharing.shared.get(
            ("session", id(client), state),
            lambda: closing(SharedSession(client, build.shared_key)),
        )
        with session.serving(build) as found:
            yield found
        return
    mask = _mask(build)
    files = FileSync(build.folders)
    own = Session([files, *_services(build, mask)], shared_key=build.shared_key)
    with client.attached(own):
        yield ServedBuild(own.id, build.attributes, mask, build.folders, files)


class SharedSession:
    """The session of several builds of one context with one daemon. For several threads."""

    def __init__(self, client: ControlClient, shared_key: str) -> None:
        """Make a session; it is opened with the first build.

        Args:
            client: the daemon.
            shared_key: stands for the folders in the daemon's memory of them.
        """
        self._client = client
        self._shared_key = shared_key
        self._lock = threading.Lock()
        self._folders = _Folders()
        self._files = FileSync({})
        self._mask = SecretMask()
        self._credentials: CredentialSource | None = None
        self._registries: set[str] = set()
        self._id: str | None = None
        self._open = ExitStack()

    @contextmanager
    def serving(self, build: SessionNeeds) -> Iterator[ServedBuild]:
        """Serve what a build may ask for during the block.

        Raises:
            TransportError: the connection broke.
        """
        with self._lock:
            names = self._folders.names(build.folders)
            for name, folder in build.folders.items():
                self._files.add(names[name], folder)
            session_id = self._opened(build)
            self._registries.update(build.registries or ())
        attributes = _renamed(build.attributes, names)
        before = dict(self._files.failures)
        if self._is_common(build):
            yield ServedBuild(
                session_id, attributes, self._mask, names.values(), self._files, before
            )
            return
        mask = _mask(build)
        services = [self._files, *_services(build, mask)]
        own = Session(services, shared_key=self._shared_key)
        # Daemons that do not know of it copy the folders from the build's own session.
        attributes.update((f"{_SESSION_OF}{name}", session_id) for name in names.values())
        with self._client.attached(own):
            yield ServedBuild(own.id, attributes, mask, names.values(), self._files, before)

    def close(self) -> None:
        """Close the session."""
        self._open.close()

    def _opened(self, build: SessionNeeds) -> str:
        if self._id is None:
            self._credentials = build.credentials
            services: list[Service] = [self._files, Secrets({}), SSHAgents({})]
            if self._credentials is not None:
                services.append(
                    RegistryAuth(
                        self._credentials, expected=self._registries, handed_out=self._mask.add
                    )
                )
            session = Session(services, shared_key=self._shared_key)
            self._open.enter_context(self._client.attached(session))
            self._id = session.id
        return self._id

    def _is_common(self, build: SessionNeeds) -> bool:
        """Tell whether nothing is in a build that others must not have."""
        if build.secrets or build.agents or build.services or build.masked:
            return False
        if build.registries is None:
            return False
        return build.credentials is self._credentials


def _mask(build: SessionNeeds) -> SecretMask:
    mask = SecretMask()
    for secret in build.masked:
        mask.add(secret)
    return mask


def _services(build: SessionNeeds, mask: SecretMask) -> list[Service]:
    services: list[Service] = [
        Secrets(build.secrets, mask.add),
        SSHAgents(build.agents),
        *build.services,
    ]
    if build.credentials is not None:
        auth = RegistryAuth(build.credentials, expected=build.registries, handed_out=mask.add)
        services.append(auth)
    return services


class _Folders:
    """The names under which folders are served."""

    def __init__(self) -> None:
        self._states: dict[str, bytes] = {}

    def names(self, folders: Mapping[str, SyncedFolder]) -> dict[str, str]:
        """Return the name of each folder, which only a folder that is the same has."""
        return {name: self._name(name, folder.state()) for name, folder in folders.items()}

    def _name(self, name: str, state: bytes) -> str:
        if self._states.setdefault(name, state) == state:
            return name
        digest = hashlib.sha256(state).hexdigest()[:_DIGITS]
        return self._name(f"{name}-{digest}", state)


def _renamed(attributes: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    """Return attributes that name the folders as they are served."""
    renamed = dict(attributes)
    for key, value in attributes.items():
        name = value.removeprefix(_LOCAL)
        if key.startswith(_NAMED) and value.startswith(_LOCAL) and name in names:
            renamed[key] = _LOCAL + names[name]
    dockerfile = names.get(_DOCKERFILE, _DOCKERFILE)
    if dockerfile != _DOCKERFILE:
        renamed[_DOCKERFILE_KEY] = dockerfile
    return renamed
