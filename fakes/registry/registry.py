"""The registry as an object: options, starting and stopping, looking in, breaking it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ..checks import (
    check_count,
    check_flag,
    check_function,
    check_items,
    check_passwords,
    check_pattern,
    check_seconds,
    check_text,
    checked_list,
)
from ..clock import Clock, seconds
from ..http.addresses import host_and_port, listen_tcp
from ..http.control import controlled
from ..http.conversation import Conversation
from ..http.crashes import Crashes
from ..http.messages import BadRequestError, ConnectionCutError, Request, Response
from ..http.server import Server
from ..records import Newest
from .auth import AccessControl, AuthKind, RepositoryRule
from .blobs import BlobEndpoints
from .control import SteeredRegistry
from .dispatch import Dispatcher, Limits
from .errors import FakeRegistryCrashError, NotInRegistryError, OciError
from .faults import Faults
from .image import Image, read_image
from .listings import ListingEndpoints
from .manifests import MANIFEST_LIMIT, ManifestEndpoints, ManifestPolicy
from .manners import Manners
from .names import Reference
from .records import RecordedRequest
from .storage import Manifest, Storage
from .uploads import UploadEndpoints

if TYPE_CHECKING:
    import os

    import requests

    from ..http.certificates import Certificate
    from .seed import SeedImage

IN_PROCESS_HOST = "registry.test"
"""The host under which a registry that does not listen is reached in-process."""


class FakeRegistry:
    """An OCI registry in memory: the whole distribution spec 1.1, real clients welcome.

    As a context manager it listens on a free port of 127.0.0.1:

        with FakeRegistry() as registry:
            push_image(f"{registry.address}/team/app:1.0")
            assert registry.tags("team/app") == ["1.0"]

    Without a socket, `session()` gives a `requests.Session` that talks to it in-process, and
    `handle()` answers a single request. Any number of registries live side by side.

    Args:
        auth: `none`, `basic` or `bearer` (tokens with scopes from the registry's own `/token`).
        users: password by user name; needed unless `auth` is `none`.
        anonymous_pull: whether pulling needs no user. Docker Engine pulls anonymously only
            from a registry with `bearer`: that is how its client works with any registry.
        rules: what holds for which repositories; the first that matches. Later ones are given by
            `on_repository`.
        read_only: refuse pushes and deletes with 405. Can be changed later.
        storage_limit: the most bytes to keep; a push beyond gets 403 DENIED.
        deletes: whether deleting is on; when off, deletes get 405.
        referrers_api: whether the referrers API exists; when off, clients fall back to the
            tag schema.
        verify_references: refuse a manifest whose blobs or manifests have not been pushed.
        manifest_limit: the most bytes of a manifest; beyond it 413.
        page_size: the most entries of one listing; the rest follows by `Link`.
        token_lifetime: how long a bearer token is good, in seconds.
        identity_tokens: whether `/token` gives identity tokens, which `docker login` keeps in place
            of the password, and takes them.
        keep_records: how many of the newest requests are remembered; and of the manifests that no
            tag leads to any more, how many are kept in each repository, with their blobs (a
            hundred in any case). All of them when left out; a registry that lives long needs a
            bound.
        manners: the ways of a registry, as in `Manners.ecr()`; Docker's own when left out.
        tls: serve HTTPS with a certificate made on the spot (needs `imagebuilders[tls]`).
        control: let the registry be steered by JSON below `/_double/`; no login is needed there.
        host: the address to listen on.
        port: the port to listen on; 0 for any that is free.
        clock: tells when tokens end: a `ManualClock`, or a function that returns seconds since
            the epoch; the machine's clock when left out.
        sleep: waits when a fault asks for a delay. By default the clock does, if it is one that
            can; else closing the registry ends the wait.

    Raises:
        TypeError: an option is of a wrong type.
        ValueError: an option is out of range, or the options do not go together.
    """

    def __init__(
        self,
        *,
        auth: AuthKind | str = AuthKind.NONE,
        users: Mapping[str, str] | None = None,
        anonymous_pull: bool = False,
        rules: Sequence[RepositoryRule] = (),
        read_only: bool = False,
        storage_limit: int | None = None,
        deletes: bool = True,
        referrers_api: bool = True,
        verify_references: bool = True,
        manifest_limit: int = MANIFEST_LIMIT,
        page_size: int | None = None,
        token_lifetime: float = 300.0,
        identity_tokens: bool = False,
        keep_records: int | None = None,
        manners: Manners | None = None,
        tls: bool = False,
        control: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | Callable[[], float] | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        kind = AuthKind(auth)
        check_passwords("users", users)
        check_flag("anonymous_pull", anonymous_pull)
        check_items("rules", rules, RepositoryRule)
        check_flag("read_only", read_only)
        check_count("storage_limit", storage_limit, least=0, optional=True)
        check_flag("deletes", deletes)
        check_flag("referrers_api", referrers_api)
        check_flag("verify_references", verify_references)
        check_count("manifest_limit", manifest_limit, least=0)
        check_count("page_size", page_size, least=1, optional=True)
        check_seconds("token_lifetime", token_lifetime)
        check_flag("identity_tokens", identity_tokens)
        check_count("keep_records", keep_records, least=0, optional=True)
        check_flag("tls", tls)
        check_flag("control", control)
        check_text("host", host)
        check_count("port", port, least=0, most=65535)
        if not isinstance(clock, Clock) and clock is not None:
            check_function("clock", clock)
        if sleep is not None:
            check_function("sleep", sleep)
        if kind is not AuthKind.NONE and not users:
            raise ValueError(f"auth={kind.value!r} needs users, as in users={{'name': 'password'}}")
        if kind is AuthKind.NONE and users:
            raise ValueError("users are never asked for with auth='none': say 'basic' or 'bearer'")
        if manners is not None and not isinstance(manners, Manners):
            raise TypeError(f"manners is a Manners, not {type(manners).__name__}")
        ways = manners or Manners.docker_registry()
        self._closing = Event()
        wait = sleep or (clock.sleep if isinstance(clock, Clock) else self._closing.wait)

        def wired() -> tuple[Storage, AccessControl, Dispatcher]:
            storage = Storage(storage_limit)
            gate = AccessControl(
                kind,
                dict(users or {}),
                anonymous_pull,
                token_lifetime=token_lifetime,
                identity_tokens=identity_tokens,
                clock=seconds(clock),
            )
            # Of those given here the first counts.
            for rule in reversed(rules):
                gate.rules.add(rule)
            policy = ManifestPolicy(verify_references, manifest_limit, referrers_api, keep_records)
            dispatcher = Dispatcher(
                gate=gate,
                limits=Limits(read_only, deletes, referrers_api),
                faults=Faults(wait, gate.expired),
                blobs=BlobEndpoints(storage),
                uploads=UploadEndpoints(storage, ways),
                manifests=ManifestEndpoints(storage, policy),
                listings=ListingEndpoints(storage, page_size),
                manners=ways,
            )
            return storage, gate, dispatcher

        self._wired = wired
        self._storage, self._gate, self._dispatcher = wired()
        self._listen = (host.strip("[]"), port)
        self._address = IN_PROCESS_HOST
        self._records: list[RecordedRequest] = Newest(keep_records)
        self.crashes = Crashes("FakeRegistry", FakeRegistryCrashError)
        self._server: Server | None = None
        self._certificate: Certificate | None = None
        self._wants_tls = tls
        self._answer_all = (
            controlled(self._answer, SteeredRegistry(self)) if control else self._answer
        )

    # --- starting and stopping ------------------------------------------------

    def start(self) -> FakeRegistry:
        """Listen. Does nothing when it listens already.

        Raises:
            OSError: the address cannot be listened on.
        """
        if self._server is None:
            self._closing.clear()
            context = None
            if self._wants_tls:
                from ..http.certificates import make_certificate

                self._certificate = self._certificate or make_certificate(self._listen[0])
                context = self._certificate.server_context()
            listener = listen_tcp(*self._listen)
            self._address = host_and_port(listener)
            self._server = Server(
                listener, self._serve, name="fake-registry", tls=context, patience=None
            )
        return self

    def close(self) -> None:
        """Stop listening and end each connection. What was pushed can still be looked at.

        Raises:
            FakeRegistryCrashError: the double itself failed while it answered a request.
        """
        if self._server is not None:
            self._closing.set()
            self._server.close()
            self._server = None
        self.crashes.check()

    def reset(self) -> None:
        """Forget everything, as if the registry had just been made.

        What was pushed and seeded, uploads, tokens, faults and records are gone, and it can be
        written to as at first; it listens on where it did, and who is connected stays so.
        """
        self._storage, self._gate, self._dispatcher = self._wired()
        self._records.clear()

    def __enter__(self) -> FakeRegistry:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`, what stands before the first slash of an image's name.

        A registry that does not listen has the address `registry.test`, which only
        `session()` can reach.
        """
        return IN_PROCESS_HOST if self._server is None else self._address

    @property
    def url(self) -> str:
        """The address with its scheme, as in `http://127.0.0.1:49153`."""
        return f"{'https' if self._wants_tls else 'http'}://{self.address}"

    @property
    def certificate(self) -> Certificate:
        """The certificate that clients have to trust.

        Raises:
            ValueError: the registry has no TLS, or was never started.
        """
        if self._certificate is None:
            raise ValueError("no certificate: use FakeRegistry(tls=True) and start it")
        return self._certificate

    def __repr__(self) -> str:
        state = self.url if self._server else "not listening"
        return f"<FakeRegistry {state}, {len(self._storage.repositories)} repositories>"

    # --- in-process -----------------------------------------------------------

    def handle(self, request: Request) -> Response:
        """Answer one request without a socket.

        Raises:
            ConnectionCutError: a fault cut the connection.
            FakeRegistryCrashError: the double itself failed.
        """
        self.crashes.check()
        try:
            return self._dispatcher.answer(request, self._records)
        except ConnectionCutError:
            raise
        except Exception as error:
            raise self.crashes.keep(f"{request.method} {request.path}", error) from error

    def session(self) -> requests.Session:
        """A `requests.Session` whose requests to `url` reach this registry in-process.

        Close it after use, or use it in a `with` statement.
        """
        from ..http.in_process import in_process_session

        return in_process_session(self.url, self.handle)

    def _serve(self, connection: socket.socket) -> None:
        Conversation(connection, self._answer_all).run()

    def _answer(self, request: Request) -> Response:
        """Answer for the socket: a defect of the double is kept for the test to see."""
        try:
            return self._dispatcher.answer(request, self._records)
        except (ConnectionCutError, BadRequestError):
            raise
        except Exception as error:
            self.crashes.keep(f"{request.method} {request.path}", error)
            text = f"The FakeRegistry itself failed, which is no answer of a registry: {error!r}\n"
            body = text.encode()
            fields = {"Content-Type": "text/plain", "Content-Length": str(len(body))}
            return Response.of(500, fields, body)

    # --- looking in -----------------------------------------------------------

    @property
    def repositories(self) -> list[str]:
        """The names of all repositories, sorted."""
        self.crashes.check()
        with self._storage.lock:
            return sorted(self._storage.repositories)

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository, sorted; none for a repository nobody pushed to."""
        self.crashes.check()
        with self._storage.lock:
            found = self._storage.repositories.get(repository)
            return sorted(found.tags) if found else []

    def manifest(self, reference: str) -> Manifest:
        """The manifest or index that a tag or digest stands for.

        Args:
            reference: as in `team/app:1.0` or `team/app@sha256:…`; the registry's own address
                may stand before it.

        Raises:
            NotInRegistryError: there is none.
            ValueError: `reference` is malformed.
        """
        self.crashes.check()
        wanted = Reference.parse(reference, self.address)
        try:
            return self._storage.manifest(wanted.repository, wanted.target)
        except OciError as error:
            raise NotInRegistryError(
                f"no manifest {wanted} in the registry; it has {self._inventory()}",
                registry=self.address,
            ) from error

    def __contains__(self, reference: object) -> bool:
        """Whether there is a manifest of that name."""
        if not isinstance(reference, str):
            return False
        try:
            self.manifest(reference)
        except (NotInRegistryError, ValueError):
            return False
        return True

    def blob(self, digest: str) -> bytes:
        """The content of a blob, whichever repository it is in.

        Raises:
            NotInRegistryError: there is none.
        """
        self.crashes.check()
        content = self._storage.find_blob(digest)
        if content is None:
            raise NotInRegistryError(f"no blob {digest} in the registry", registry=self.address)
        return bytes(content)

    def image(self, reference: str, platform: str | None = None) -> Image:
        """An image: its configuration and the files of all its layers together.

        Args:
            reference: as for `manifest`.
            platform: which one of a multi-platform image, as in `linux/arm64`; the first
                image by default.

        Raises:
            NotInRegistryError: there is none, or none for that platform.
            ValueError: it is no image, or its layers cannot be read.
        """
        return read_image(self, self.manifest(reference), platform)

    @property
    def requests(self) -> list[RecordedRequest]:
        """All requests so far, in the order in which they were answered."""
        self.crashes.check()
        return list(self._records)

    def forget_requests(self) -> None:
        """Begin the record of requests anew; all else stays."""
        self._records.clear()

    @property
    def used_bytes(self) -> int:
        """How much is kept; content that repositories share counts once."""
        return self._storage.used

    @property
    def open_uploads(self) -> int:
        """How many uploads were begun and neither finished nor cancelled."""
        return self._dispatcher.uploads.open_sessions

    def _inventory(self) -> str:
        with self._storage.lock:
            found = [
                f"{name}:{tag}"
                for name, repository in sorted(self._storage.repositories.items())
                for tag in sorted(repository.tags)
            ]
        shown = ", ".join(found[:10]) + (", …" if len(found) > 10 else "")
        return shown or "no tags at all"

    # --- filling and breaking -------------------------------------------------

    def seed(
        self,
        reference: str,
        source: str | os.PathLike[str] | SeedImage | None = None,
        **content: Any,
    ) -> Manifest:
        """Put an image in, past authentication, rules and limits.

        Args:
            reference: the name and tag it gets.
            source: an OCI layout (a folder, or a tar of one), a `docker save` tar, or a
                `SeedImage`.
            content: short for a `SeedImage`: `files=…, env=…, cmd=…`.

        Returns:
            The manifest or index now under that name.

        Raises:
            TypeError: the content has a word that a `SeedImage` has not.
            ValueError: the source is no image, or not one of `source` and `content` was given.
        """
        from .seed import seed

        given = {name: value for name, value in content.items() if value is not None}
        return seed(self._storage, Reference.parse(reference, self.address), source, given)

    def on_repository(
        self,
        pattern: str,
        *,
        pull: Collection[str] | None = None,
        push: Collection[str] | None = None,
        delete: Collection[str] | None = None,
        immutable_tags: bool = False,
    ) -> None:
        """Give the repositories whose name matches a rule; the newest that matches counts.

        Args:
            pattern: a glob over the whole name, as in `team-a/*`; `*` matches slashes too.
            pull: the users who may pull; `None` for whoever is let in, an empty one for nobody.
            push: who may push.
            delete: who may delete.
            immutable_tags: whether a tag, once pushed, may not move to another manifest.

        Raises:
            TypeError: an argument is of a wrong type.
        """
        check_pattern("pattern", pattern)
        check_flag("immutable_tags", immutable_tags)
        for name, who in (("pull", pull), ("push", push), ("delete", delete)):
            if who is not None:
                checked_list(name, who, "users")
        self._gate.rules.add(RepositoryRule(pattern, pull, push, delete, immutable_tags))

    @property
    def faults(self) -> Faults:
        """Faults on demand: `registry.faults.status(503, method="PUT", times=2)`."""
        return self._dispatcher.faults

    @property
    def read_only(self) -> bool:
        """Whether pushes and deletes are refused."""
        return self._dispatcher.limits.read_only

    @read_only.setter
    def read_only(self, value: bool) -> None:
        check_flag("read_only", value)
        self._dispatcher.limits.read_only = value

    def expire_tokens(self) -> None:
        """End every bearer token given out so far."""
        self._gate.expire_tokens()
