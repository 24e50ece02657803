"""A user's registry credentials during one build: each source is asked once per registry."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

from imagebuilders.auth.config_file import DockerConfigFile
from imagebuilders.auth.credential_helper import ask_helper, list_helper
from imagebuilders.auth.credentials import Credentials, domain_of, server_key
from imagebuilders.auth.environment import read_variable
from imagebuilders.exceptions import ConfigurationError, RegistryError

_T = TypeVar("_T")


class Keychain:
    """Answers who to be at which registry, in the order in which the `docker` command looks.

    First come credentials that were given to it, then those of `DOCKER_AUTH_CONFIG`, then the
    registry's own credential helper or else the general one, then the entries of `config.json`.
    Nothing is read or asked before it is needed, and nothing twice: a keychain keeps what it
    learnt, failures included, so it should live no longer than a build. It may be used by several
    threads.
    """

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        """Make a keychain.

        Args:
            environ: the environment to read; the process's own by default.
        """
        self._given: dict[str, Credentials] = {}
        self._config = _Once(lambda: DockerConfigFile.load(environ))
        self._variable = _Once(lambda: read_variable(environ))
        self._answers: dict[tuple[str, str], _Once[Credentials | None]] = {}
        self._lists: dict[str, _Once[list[str]]] = {}
        self._lock = threading.Lock()

    @property
    def config(self) -> DockerConfigFile:
        """Docker's configuration file.

        Raises:
            ConfigurationError: it cannot be read or is not what it should be.
        """
        return self._config.value()

    def with_credentials(self, registry: str, credentials: Credentials) -> Keychain:
        """Return a keychain with the same sources, in which these credentials count first.

        Args:
            registry: the registry's domain, with its port.
            credentials: who to be there.
        """
        keychain = copy.copy(self)
        keychain._given = {**self._given, domain_of(registry): credentials}
        return keychain

    def credentials_for(self, registry: str) -> Credentials | None:
        """Return the credentials for a registry; `None` when there are none.

        Args:
            registry: the registry's domain, with its port.

        Raises:
            RegistryError: a credential helper failed, or the registry's entry is malformed.
            ConfigurationError: Docker's configuration file cannot be read.
        """
        domain = domain_of(registry)
        return self._known(domain) or self._look_up(
            domain, server_key(domain), self.config.helper_for(domain)
        )

    def all_credentials(self) -> Iterator[tuple[str, Credentials] | RegistryError]:
        """Return all credentials, each with its registry's domain, as a build's engine needs them.

        What cannot be found out is returned as an error in its place: a broken helper need not
        stop a build that does not use it.

        Raises:
            ConfigurationError: Docker's configuration file cannot be read.
        """
        config = self.config
        store = config.credentials_store
        listed: dict[str, str] = {}
        if store is not None:
            try:
                for key in self._list(store):
                    # A store may keep several keys of one registry, such as Docker Hub's tokens.
                    if domain_of(key) not in listed or key == server_key(domain_of(key)):
                        listed[domain_of(key)] = key
            except RegistryError as error:
                yield error
        names = (*self._given, *self._from_variable(), *config.auths, *config.malformed)
        domains = map(domain_of, (*names, *listed, *config.credential_helpers))
        for domain in dict.fromkeys(domains):
            helper, key = config.helper_for(domain), server_key(domain)
            if not config.has_own_helper(domain):
                # What the store does not list it does not have; if it failed, it would again.
                key = listed.get(domain, key)
                helper = helper if domain in listed else None
            try:
                found = self._known(domain) or self._look_up(domain, key, helper)
            except RegistryError as error:
                yield error
                continue
            if found:
                yield domain, found

    def problem(self) -> str | None:
        """Say why `DOCKER_AUTH_CONFIG` does not count; `None` when it does or is not set."""
        try:
            self._variable.value()
        except ConfigurationError as error:
            return str(error)
        return None

    def _known(self, domain: str) -> Credentials | None:
        return self._given.get(domain) or _entry(self._from_variable(), domain)

    def _look_up(self, domain: str, key: str, helper: str | None) -> Credentials | None:
        found = None if helper is None else self._ask(helper, key)
        return found or self._from_file(domain)

    def _from_variable(self) -> Mapping[str, Credentials]:
        try:
            return self._variable.value()
        except ConfigurationError:
            return {}  # as `docker` does, which only says so

    def _from_file(self, domain: str) -> Credentials | None:
        config = self.config
        found = _entry(config.auths, domain)
        if found:
            return found
        for name, reason in config.malformed.items():
            if domain_of(name) == domain:
                raise RegistryError(
                    f"Docker's configuration file {config.path}: the entry {name!r} under 'auths' "
                    f"is malformed: {reason}. Run `docker login {domain}` to write it anew.",
                    registry=domain,
                )
        return None

    def _ask(self, helper: str, key: str) -> Credentials | None:
        with self._lock:
            once = self._answers.setdefault((helper, key), _Once(lambda: ask_helper(helper, key)))
        return once.value()

    def _list(self, helper: str) -> list[str]:
        with self._lock:
            once = self._lists.setdefault(helper, _Once(lambda: list_helper(helper)))
        return once.value()


def _entry(entries: Mapping[str, Credentials], domain: str) -> Credentials | None:
    """Return a registry's entry; that of its very key counts before those of URLs."""
    key = server_key(domain)
    if entries.get(key):
        return entries[key]
    named = (found for name, found in entries.items() if found and domain_of(name) == domain)
    return next(named, None)


class _Once(Generic[_T]):
    """Something that is found out once, by whichever thread asks first; the others wait for it."""

    def __init__(self, find: Callable[[], _T]) -> None:
        self._find = find
        self._lock = threading.Lock()
        self._found: list[_T] = []
        self._error: ConfigurationError | RegistryError | None = None

    def value(self) -> _T:
        """Return it, or raise the error that it was."""
        with self._lock:
            if self._error is not None:
                # Not the very object: each raise would add to its traceback.
                error = copy.copy(self._error)
                raise error from self._error.__cause__
            if not self._found:
                try:
                    self._found.append(self._find())
                except (ConfigurationError, RegistryError) as error:
                    self._error = error
                    raise
            return self._found[0]


_shared: ContextVar[Keychain | None] = ContextVar("imagebuilders_keychain", default=None)


@contextmanager
def shared_keychain() -> Iterator[Keychain]:
    """Let all that happens in the block, in its thread, use one keychain.

    A block inside another uses the outer one's: a build, its login and its push ask once.
    """
    keychain = _shared.get()
    if keychain is not None:
        yield keychain
        return
    keychain = Keychain()
    token = _shared.set(keychain)
    try:
        yield keychain
    finally:
        _shared.reset(token)
