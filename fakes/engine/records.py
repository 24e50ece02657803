"""What an engine double remembers of each request."""

from __future__ import annotations

from dataclasses import dataclass

from .. import records


@dataclass(frozen=True, kw_only=True)
class RequestRecord(records.RequestRecord):
    """One request to the engine: what was asked, and the status it got.

    Attributes:
        path: decoded, without the version prefix.
        query: the parameters, each with its values.
    """

    query: dict[str, list[str]]

    @property
    def parameters(self) -> dict[str, list[str]]:
        """The same as `query`."""
        return self.query

    @property
    def body_size(self) -> int:
        """The same as `request_size`."""
        return self.request_size
