"""Seeds of what lies on other machines, as every double with a BuildKit takes them."""

from __future__ import annotations

from collections.abc import Mapping

from ...checks import check_text
from .remote_contents import RemoteContents

_AN_ADDRESS = "the address of a repository, a str as in 'https://example.com/team/app.git'"
_A_URL = "a URL, a str as in 'https://example.com/app.tar.gz'"


class RemoteSeedDouble:
    """A double that is told what lies on other machines; it goes to no network itself."""

    def _remote_contents(self) -> RemoteContents:
        """Return what is seeded."""
        raise NotImplementedError

    def seed_repository(self, url: str, files: Mapping[str, str | bytes], *, ref: str = "") -> None:
        """Let there be a git repository, for build contexts and ADD.

        Args:
            url: its address, without what stands behind `#`; how it is reached does not count.
            files: what is in it, by path.
            ref: the branch, tag or commit that has these files; every one when left out.

        Raises:
            TypeError: the address is no text.
            ValueError: the engine has no BuildKit that evaluates Dockerfiles.
        """
        check_text("url", url, _AN_ADDRESS)
        self._remote_contents().repositories.add(url, files, ref)

    def seed_download(self, url: str, content: str | bytes) -> None:
        """Let something lie at a URL, for build contexts and ADD.

        Args:
            url: where.
            content: the file.

        Raises:
            TypeError: the URL is no text.
            ValueError: the engine has no BuildKit that evaluates Dockerfiles.
        """
        check_text("url", url, _A_URL)
        self._remote_contents().downloads.add(url, content)
