"""URLs as Go reads them: what is wrong with one, in the words of its package `net/url`."""

from __future__ import annotations

import re

from imagebuilders.go_text import quote

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(.*)", re.DOTALL)
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})[^%]{0,2}")
_NOT_IN_HOSTS = re.compile(r"[\x00-\x20\x7f<>\"\\^`{|}]")
_LARGEST_PORT = 65535


def shown_url(url: str) -> str:
    """Return a URL as errors show it: without a password."""
    match = _URL.fullmatch(url)
    if match is None or "@" not in match[2]:
        return url
    userinfo, _, host = match[2].rpartition("@")
    user, colon, _ = userinfo.partition(":")
    return f"{match[1]}://{user}:***@{host}{match[3]}" if colon else url


def problem_of_url(url: str) -> str:
    """Return why a URL cannot be asked for, before anything is sent; empty if it can."""
    match = _URL.fullmatch(url)
    if match is None:
        return ""
    scheme, authority, rest = match.groups()
    host = authority.rpartition("@")[2]
    malformed = _problem_of_host(host) or _problem_of_escapes(rest.partition("#")[0].split("?")[0])
    if malformed:
        return f"parse {quote(url)}: {malformed}"
    name, _, port = host.rpartition(":") if _has_port(host) else (host, "", "")
    if not name:
        shown = f"{scheme}:" if not rest else url
        return f"Get {quote(shown)}: http: no Host in request URL"
    if port and int(port) > _LARGEST_PORT:
        return f"Get {quote(shown_url(url))}: dial tcp: address {port}: invalid port"
    return ""


def _problem_of_host(host: str) -> str:
    if host.startswith("["):
        if "]" not in host:
            return "missing ']' in host"
        port = host[host.rindex("]") + 1 :]
        return f"invalid port {quote(port)} after host" if not _is_port(port) else ""
    if _has_port(host):
        port = host[host.rindex(":") :]
        if not _is_port(port):
            return f"invalid port {quote(port)} after host"
    if found := _NOT_IN_HOSTS.search(host):
        return f"invalid character {quote(found[0])} in host name"
    return _problem_of_escapes(host)


def _problem_of_escapes(text: str) -> str:
    found = _ESCAPE.search(text)
    return f"invalid URL escape {quote(found[0])}" if found else ""


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]


def _is_port(text: str) -> bool:
    """Whether a text is empty, or a colon and digits."""
    return not text or (text[0] == ":" and text[1:].strip("0123456789") == "")
