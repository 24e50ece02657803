"""Registries that refuse, fail and break off.

An engine tries some transfers five times and waits longer each time, 50 seconds in all. Only
failures that it takes as final are here, or those that happen once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ..registry import scenario
from ..session import Session
from ..transfers import Transfers, login

USERS = {"alice": "correct horse"}
ALICE = login("alice", "correct horse")

Break = Callable[[Transfers], object]


def _pushes(s: Session, *breaks: Break) -> Transfers:
    """Push to a registry that is broken in each of some ways; the registry."""
    t = Transfers(s)
    for number, make in enumerate(breaks):
        t.registry.faults.clear()
        t.build(f"app{number}:1", f"a{number}")
        make(t)
        t.push(f"app{number}:1")
    return t


def _pulls(s: Session, *breaks: Break, of: Transfers | None = None) -> None:
    """Pull from a registry that is broken in each of some ways."""
    t = of or Transfers(s)
    for number, make in enumerate(breaks):
        t.registry.faults.clear()
        t.seed(f"app{number}:1", f"a{number}")
        make(t)
        t.pull(f"app{number}:1")


def _status(status: int, method: str, path: str, **more: float) -> Break:
    def make(t: Transfers) -> object:
        return t.registry.faults.status(
            status, method=method, path=path, times=None, retry_after=more.get("retry_after")
        )

    return make


_PING = ("GET", "/v2/")
_MANIFEST = "/v2/*/manifests/*"
_BLOB = "/v2/*/blobs/*"
_UPLOAD = "/v2/*/blobs/uploads/*"
_STATUSES = (400, 403, 404, 405, 413, 429, 500, 502, 503, 504)


@scenario
def push_ping(s: Session) -> None:
    """The registry's first answer."""
    _pushes(s, *(_status(status, *_PING) for status in _STATUSES))


@scenario
def pull_ping(s: Session) -> None:
    """The registry's first answer."""
    _pulls(s, *(_status(status, *_PING) for status in _STATUSES))


@scenario
def push_manifest(s: Session) -> None:
    """The manifest is refused: that is final."""
    _pushes(s, *(_status(status, "PUT", _MANIFEST) for status in _STATUSES))


@scenario
def pull_manifest(s: Session) -> None:
    """The manifest is not given."""
    _pulls(s, *(_status(status, "*", _MANIFEST) for status in _STATUSES))


@scenario
def pull_manifest_get(s: Session) -> None:
    """The manifest is there when asked for, and then it is not."""
    _pulls(s, *(_status(status, "GET", _MANIFEST) for status in (403, 404, 429, 500, 503)))


@scenario
def push_upload_refused(s: Session) -> None:
    """Refusals of a layer that are final."""
    _pushes(
        s,
        *(_status(status, "POST", _UPLOAD) for status in (403, 404, 405, 429)),
        *(_status(status, "PATCH", _UPLOAD) for status in (403, 405, 429)),
        *(_status(status, "PUT", _UPLOAD) for status in (403, 405, 429)),
    )


@scenario
def push_check_fails(s: Session) -> None:
    """The registry does not say whether it has a blob."""
    _pushes(s, *(_status(status, "HEAD", _BLOB) for status in (400, 403, 404, 429)))


@scenario
def push_check_of_a_known_layer_fails(s: Session) -> None:
    """Then it is sent again."""
    t = Transfers(s)
    t.build("app:1", "a")
    t.push("app:1")
    t.registry.faults.status(500, method="HEAD", path=_BLOB, times=1)
    t.push("app:1")
    t.requests()


@scenario
def pull_layer(s: Session) -> None:
    """A layer is not given, and that is final."""
    t = Transfers(s)
    for number, status in enumerate((403, 404, 405, 429)):
        layers: Any = t.seed(f"app{number}:1", f"a{number}").document["layers"]
        path = f"*/blobs/{layers[0]['digest']}"
        t.registry.faults.status(status, method="GET", path=path, times=None)
        t.pull(f"app{number}:1")


@scenario
def pull_configuration(s: Session) -> None:
    """The configuration is not given, and that is final."""
    t = Transfers(s)
    t.build("app:1")
    t.push("app:1")
    t.remove("app:1")
    for _ in t.failing((403, 404, 405, 429), method="GET", path=_BLOB):
        t.pull("app:1")


@scenario
def too_many_requests(s: Session) -> None:
    """A word on when to come again changes nothing."""
    ping, manifest = (_status(429, *where, retry_after=1) for where in (_PING, ("*", _MANIFEST)))
    registry = _pushes(s, ping, manifest)
    _pulls(s, ping, manifest, of=registry)


@scenario
def own_words(s: Session) -> None:
    """Codes and words that are the registry's own."""
    t = Transfers(s)
    for number, (code, words) in enumerate(
        (
            ("DENIED", "you are not on the list"),
            ("QUOTA_EXCEEDED", "no room"),
            ("DENIED", ""),
            ("MANIFEST_INVALID", "nope"),
            ("TOOMANYREQUESTS", "slow down"),
        )
    ):
        t.build(f"app{number}:1", f"a{number}")
        fault = t.registry.faults.status(
            403, method="PUT", path=_MANIFEST, code=code, message=words, times=None
        )
        t.push(f"app{number}:1")
        t.registry.faults.remove(fault)


@scenario
def push_once_failed(s: Session) -> None:
    """A layer that is not taken at first is sent again after a while."""
    t = Transfers(s)
    t.build("app:1", "a")
    t.registry.faults.status(500, method="PATCH", path=_UPLOAD, times=1)
    t.push("app:1")
    t.requests()


@scenario
def pull_once_failed(s: Session) -> None:
    """A layer that breaks off is asked for again after a while."""
    t = Transfers(s)
    layers: Any = t.seed("app:1", "a").document["layers"]
    t.registry.faults.cut(20, method="GET", path=f"*/blobs/{layers[0]['digest']}", times=1)
    t.pull("app:1")
    t.requests()


@scenario
def push_cut(s: Session) -> None:
    """The connection breaks when the manifest is sent."""
    _pushes(s, lambda t: t.registry.faults.cut(method="PUT", path=_MANIFEST, times=None))


@scenario
def pull_cut(s: Session) -> None:
    """The manifest breaks off."""
    _pulls(s, lambda t: t.registry.faults.cut(10, method="GET", path=_MANIFEST, times=None))


@scenario
def token_expires(s: Session) -> None:
    """A new one is asked for."""
    t = Transfers(s, auth="bearer", users=USERS)
    t.build("app:1", "a")
    t.registry.faults.expire_token(method="PUT", path=_MANIFEST, times=1)
    t.push("app:1", ALICE)
    t.requests()
    t.remove("app:1")
    t.registry.faults.expire_token(path=_MANIFEST, times=1)
    t.pull("app:1", ALICE)


@scenario
def token_is_never_taken(s: Session) -> None:
    """The registry refuses each token."""
    t = Transfers(s, auth="bearer", users=USERS)
    t.build("app:1", "a")
    t.registry.faults.expire_token(method="PUT", path=_MANIFEST, times=None)
    t.push("app:1", ALICE)
    t.seed("app:2", "b")
    t.registry.faults.expire_token(path=_MANIFEST, times=None)
    t.pull("app:2", ALICE)


@scenario
def token_service_fails(s: Session) -> None:
    """The registry's token service does not work."""
    t = Transfers(s, auth="bearer", users=USERS)
    t.seed("app:1", "a")
    for _ in t.failing((403, 404, 429, 500), path="/token"):
        t.pull("app:1", ALICE)


@scenario
def read_only(s: Session) -> None:
    """The registry takes nothing."""
    t = Transfers(s, read_only=True)
    t.build("app:1", "a")
    t.push("app:1")


@scenario
def no_room(s: Session) -> None:
    """The registry is full."""
    t = Transfers(s, storage_limit=10)
    t.build("app:1", "a")
    t.push("app:1")


@scenario
def immutable_tag(s: Session) -> None:
    """A tag that may not move."""
    from ....registry.auth import RepositoryRule

    rules = [RepositoryRule("app", immutable_tags=True)]
    t = Transfers(s, rules=rules)
    t.build("app:1", "a")
    t.push("app:1")
    t.build("app:1", "b")
    t.push("app:1")


@scenario
def nobody_there(s: Session) -> None:
    """A registry that was and is not, for a push, a pull and a look."""
    t = Transfers(s)
    t.build("app:1", "a")
    t.push("app:1")
    s.request("POST", f"/images/{t.address}/app:1/tag", params={"repo": "127.0.0.1:1/app:1"})
    path = "/images/127.0.0.1:1/app/push"
    answer = s.request("POST", path, params={"tag": "1"}, headers={"X-Registry-Auth": "e30="})
    # Which blob is asked for first is chance.
    text = re.sub(r"(?<=blobs/)sha256:\w+", "<digest>", answer.text)
    lines = [json.loads(line) for line in text.splitlines()]
    s.note(f"POST {path}", {"status": answer.status_code, "messages": lines})
    s.stream("POST", "/images/create", params={"fromImage": "127.0.0.1:1/app", "tag": "1"})
    s.stream("POST", "/images/create", params={"fromImage": "localhost:1/app", "tag": "1"})
    s.call("DELETE", "/images/127.0.0.1:1/app:1")
