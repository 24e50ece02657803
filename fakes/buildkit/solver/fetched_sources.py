"""What ADD fetches, as vertices of their own: first it is looked at, then it comes if it must.

Before that daemons ask the client how to be let in: `util/gitutil` and `source/http` of
https://github.com/moby/buildkit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imagebuilders.buildkit.transport.errors import CallError, TransportError
from imagebuilders.evaluation.downloads import STEP_FAILURE
from imagebuilders.exceptions import EvaluationError, ImageBuilderError

from .urls import problem_of_url

if TYPE_CHECKING:
    from imagebuilders.evaluation.questions import Download
    from imagebuilders.evaluation.steps import GitSource, UrlSource
    from imagebuilders.evaluation.trees import Folder

    from ..script import ScriptedBuild
    from .graph import Graph
    from .image_loads import ImageLoads
    from .look import Look
    from .progress import Progress
    from .remote_contents import RemoteContents


class FetchedSources:
    """Fetches what the steps of one image name by address.

    It is an `imagebuilders.evaluation` `Downloads`, and its `repositories` are `Repositories`.

    Args:
        remote: what lies there.
        graph: the vertices.
        progress: is told.
        loads: tells that a source comes, once a step needs it.
        ask: asks the client how to be let in, of some names.
        look: what the daemon looks like.
    """

    def __init__(
        self,
        remote: RemoteContents,
        graph: Graph,
        progress: Progress,
        loads: ImageLoads,
        ask: Callable[[Sequence[str]], None],
        look: Look,
    ) -> None:
        self._remote = remote
        self._graph = graph
        self._progress = progress
        self._loads = loads
        self._ask = ask
        self._look = look
        self.repositories = _FetchedRepositories(self)

    @contextmanager
    def fetch(self, source: UrlSource) -> Iterator[Download]:
        """Return what lies at a URL.

        Raises:
            ImageBuilderError: it cannot be fetched.
        """
        with ExitStack() as stack:
            with self._looking_at(source, http_secrets(source.url, self._look)):
                answer = stack.enter_context(self._remote.downloads.fetch(source))
            yield answer

    def fetch_repository(self, source: GitSource) -> Folder:
        """Return the files of a repository.

        Raises:
            EvaluationError: it cannot be fetched.
        """
        try:
            with self._looking_at(source, git_secrets(source.remote, self._look)):
                return self._remote.repositories.fetch(source)
        except ImageBuilderError as error:
            raise EvaluationError(f"{STEP_FAILURE}{error}") from error

    @contextmanager
    def _looking_at(self, source: UrlSource | GitSource, secrets: Sequence[str]) -> Iterator[None]:
        vertex = self._graph.of_source(source)
        with self._progress.running(vertex):
            self._ask(secrets)
            yield
        self._loads.found(vertex)


class _FetchedRepositories:
    """Repositories; it is an `imagebuilders.evaluation` `Repositories`."""

    def __init__(self, sources: FetchedSources) -> None:
        self._sources = sources

    def fetch(self, source: GitSource) -> Folder:
        """Return the files of a repository.

        Raises:
            EvaluationError: it cannot be fetched.
        """
        return self._sources.fetch_repository(source)


def http_secrets(url: str, look: Look) -> list[str]:
    """Return the secrets that are asked for before a URL is."""
    if problem_of_url(url):
        return []
    host = urlsplit(url).hostname or ""
    names = ("HTTP_AUTH_HEADER", "HTTP_AUTH_TOKEN")
    return [f"{name}_{host}" for name in names] if look.asks_for_http_secrets else []


def git_secrets(remote: str, look: Look) -> list[str]:
    """Return the secrets that are asked for before a repository is."""
    if problem_of_url(remote):
        return []
    parts = urlsplit(remote)
    if parts.scheme not in ("http", "https"):
        return []
    names = ["GIT_AUTH_HEADER", "GIT_AUTH_TOKEN"]
    of_host = [f"{name}.{parts.netloc.rpartition('@')[2]}" for name in names]
    return [*of_host, *names] if look.asks_for_git_secrets_of_hosts else names


def ask_for_secrets(build: ScriptedBuild, names: Sequence[str]) -> None:
    """Ask a build's client for secrets that it need not have; the first that it has is enough."""
    for name in names if build.request.Session else ():
        with suppress(CallError, TransportError):
            build.session.secret(name)
            return


def ask_for_url(build: ScriptedBuild, look: Look, url: str) -> None:
    """Ask a build's client how to be let in at a URL."""
    ask_for_secrets(build, http_secrets(url, look))
