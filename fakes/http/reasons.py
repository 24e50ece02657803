"""The words of status codes, as servers in Go have them; Python's differ between its versions."""

from __future__ import annotations

from http import HTTPStatus

_OF_GO = {
    413: "Request Entity Too Large",
    414: "Request URI Too Long",
    416: "Requested Range Not Satisfiable",
    418: "I'm a teapot",
    422: "Unprocessable Entity",
}

REASONS = {status.value: status.phrase for status in HTTPStatus} | _OF_GO
"""The reason phrase of each code (Go's `net/http.StatusText`)."""
