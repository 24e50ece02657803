"""Logging in, credentials, what a registry has, and builds on a registry's images."""

from __future__ import annotations

from typing import Any

from imagebuilders.oci.media_types import DOCKER_MANIFEST, OCI_INDEX

from ..registry import scenario
from ..session import Session
from ..transfers import Transfers, encoded, login

USERS = {"alice": "correct horse"}
ALICE = login("alice", "correct horse")
WRONG = login("alice", "wrong")


def _log_in(s: Session, address: str, user: str = "alice", password: str = USERS["alice"]) -> None:
    document = {"username": user, "password": password, "serveraddress": address}
    s.call("POST", "/auth", json=document)


# --- logging in ---------------------------------------------------------------


@scenario
def log_in_basic(s: Session) -> None:
    """Right, wrong and none."""
    t = Transfers(s, auth="basic", users=USERS)
    _log_in(s, t.address)
    _log_in(s, t.address, "alice", "wrong")
    _log_in(s, t.address, "bob")
    _log_in(s, t.address, "", "")
    t.requests()


@scenario
def log_in_bearer(s: Session) -> None:
    """Right, wrong and none, by token."""
    t = Transfers(s, auth="bearer", users=USERS)
    _log_in(s, t.address)
    _log_in(s, t.address, "alice", "wrong")
    _log_in(s, t.address, "", "")
    t.requests()


@scenario
def log_in_without_authentication(s: Session) -> None:
    """A registry that takes everybody."""
    t = Transfers(s)
    _log_in(s, t.address)
    _log_in(s, t.address, "", "")


@scenario
def log_in_with_a_scheme(s: Session) -> None:
    """Addresses that are not just host and port."""
    t = Transfers(s, auth="basic", users=USERS)
    for address in ("http://{}", "https://{}", "{}/", "http://{}/v2/", "{}/team"):
        _log_in(s, address.format(t.address))


@scenario
def log_in_nowhere(s: Session) -> None:
    """Nobody listens, and what is no address."""
    for address in ("127.0.0.1:1", "http://127.0.0.1:1", "localhost:1", "UPPER case"):
        _log_in(s, address)


@scenario
def log_in_bad_request(s: Session) -> None:
    """What is no document."""
    s.call("POST", "/auth", data=b"{nope", headers={"Content-Type": "application/json"})
    s.call("POST", "/auth", data=b"[]", headers={"Content-Type": "application/json"})


@scenario
def log_in_at_a_failing_registry(s: Session) -> None:
    """Statuses that say neither yes nor no."""
    t = Transfers(s)
    for _ in t.failing((403, 404, 429, 500, 503), path="/v2/"):
        _log_in(s, t.address)


@scenario
def log_in_token_service_fails(s: Session) -> None:
    """The registry's token service does not work."""
    t = Transfers(s, auth="bearer", users=USERS)
    for _ in t.failing((403, 500), path="/token"):
        _log_in(s, t.address)


@scenario
def log_in_identity_token(s: Session) -> None:
    """A token instead of a password."""
    t = Transfers(s, auth="basic", users=USERS)
    document = {"identitytoken": "something", "serveraddress": t.address}
    s.call("POST", "/auth", json=document)


# --- credentials of pushes and pulls ------------------------------------------


@scenario
def push_basic(s: Session) -> None:
    """Without, with wrong and with right credentials."""
    t = Transfers(s, auth="basic", users=USERS)
    t.build("app:1", "a")
    t.push("app:1")
    t.push("app:1", WRONG)
    t.push("app:1", ALICE)
    t.requests()


@scenario
def push_bearer(s: Session) -> None:
    """With right credentials, by token; an engine tries wrong ones for 50 seconds."""
    t = Transfers(s, auth="bearer", users=USERS)
    t.build("app:1", "a")
    t.push("app:1", ALICE)
    t.requests()


def _pulls(s: Session, auth: str) -> None:
    t = Transfers(s, auth=auth, users=USERS)
    t.seed("app:1", "a")
    t.pull("app:1")
    t.pull("app:1", WRONG)
    t.pull("app:1", ALICE)
    t.pull("nope:1", ALICE)


@scenario
def pull_basic(s: Session) -> None:
    """Without, with wrong and with right credentials."""
    _pulls(s, "basic")


@scenario
def pull_bearer(s: Session) -> None:
    """Without, with wrong and with right credentials, by token."""
    _pulls(s, "bearer")


@scenario
def pull_anonymous(s: Session) -> None:
    """Pulling is for everybody, pushing is not."""
    t = Transfers(s, auth="bearer", users=USERS, anonymous_pull=True)
    t.seed("app:1", "a")
    t.pull("app:1")
    t.tag("app:1", "app:2")
    t.push("app:2")


@scenario
def forms_of_credentials(s: Session) -> None:
    """The forms in which a client may send them."""
    import base64

    t = Transfers(s, auth="basic", users=USERS)
    t.seed("app:1", "a")
    pair = base64.b64encode(b"alice:correct horse").decode()
    for document in (
        {"username": "alice", "password": "correct horse", "serveraddress": "elsewhere.example"},
        {"auth": pair},
        {"username": "alice"},
        {"identitytoken": "something"},
        {"registrytoken": "something"},
        {"username": 1},
    ):
        t.pull("app:1", encoded(document))
    t.pull("app:1", ALICE.rstrip("="))


@scenario
def denied_repository(s: Session) -> None:
    """A user who may not do everything."""
    from ....registry.auth import RepositoryRule

    for kind in ("basic", "bearer"):
        rules = [RepositoryRule("secret/*", pull=(), push=()), RepositoryRule("read/*", push=())]
        t = Transfers(s, auth=kind, users=USERS, rules=rules)
        t.seed("secret/app:1", "a")
        t.seed("read/app:1", "b")
        t.pull("secret/app:1", ALICE)
        t.pull("read/app:1", ALICE)
        t.build("read/app:2", "c")
        t.push("read/app:2", ALICE)
        t.inspect("secret/app:1", ALICE)
        t.registry.close()


# --- what a registry has ------------------------------------------------------


@scenario
def inspect_manifest(s: Session) -> None:
    """An image by tag and by digest."""
    t = Transfers(s)
    digest = t.seed("app:1", "a", media_type=DOCKER_MANIFEST).digest
    t.seed("app:latest", "b")
    t.inspect("app:1")
    t.inspect(f"app@{digest}")
    t.inspect("app")
    t.requests()


@scenario
def inspect_other_architecture(s: Session) -> None:
    """The platform is that of the configuration."""
    t = Transfers(s)
    t.seed("app:1", "a", architecture="arm64", os="plan9")
    t.inspect("app:1")


@scenario
def inspect_index(s: Session) -> None:
    """The platforms of an index."""
    t = Transfers(s)
    one = t.seed("app:amd64", "a", env="amd64")
    two = t.seed("app:arm64", "b", env="arm64", architecture="arm64")
    t.index("app:1", {"linux/amd64": one, "linux/arm64/v8": two})
    t.inspect("app:1")
    t.put("app:empty", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
    t.inspect("app:empty")


@scenario
def inspect_missing(s: Session) -> None:
    """Nothing of that tag, repository or digest, and names that are none."""
    t = Transfers(s)
    t.seed("app:1", "a")
    t.inspect("app:2")
    t.inspect("nope:1")
    t.inspect("app@sha256:" + "1" * 64)
    t.inspect("UPPER:1")
    s.call("GET", "/distribution/127.0.0.1:1/app:1/json")
    s.call("GET", "/distribution/" + "1" * 64 + "/json")


@scenario
def inspect_pushed(s: Session) -> None:
    """What the engine pushed itself."""
    t = Transfers(s)
    t.build("app:1", "a")
    t.push("app:1")
    t.inspect("app:1")


@scenario
def inspect_with_credentials(s: Session) -> None:
    """Without, with wrong and with right credentials."""
    for kind in ("basic", "bearer"):
        t = Transfers(s, auth=kind, users=USERS)
        t.seed("app:1", "a")
        t.inspect("app:1")
        t.inspect("app:1", WRONG)
        t.inspect("app:1", ALICE)
        t.inspect("nope:1", ALICE)
        t.registry.close()


@scenario
def inspect_bad_header(s: Session) -> None:
    """What is no `X-Registry-Auth`."""
    t = Transfers(s)
    t.seed("app:1", "a")
    for auth in ("", "%%%", "bm9uc2Vuc2U=", "W10="):
        t.inspect("app:1", auth)


@scenario
def inspect_failures(s: Session) -> None:
    """What a registry in trouble answers."""
    t = Transfers(s)
    t.seed("app:1", "a")
    for _ in t.failing((403, 404, 429, 500, 503), path="/v2/*/manifests/*"):
        t.inspect("app:1")


# --- builds -------------------------------------------------------------------


@scenario
def build_on_it(s: Session) -> None:
    """The first step of a build pulls, the next build does not."""
    t = Transfers(s)
    t.seed("base:1", "a")
    t.from_image("base:1")
    t.from_image("base:1")
    t.requests()
    t.listed()


@scenario
def build_on_a_digest(s: Session) -> None:
    """An image by its digest."""
    t = Transfers(s)
    digest = t.seed("base:1", "a").digest
    t.from_image(f"base@{digest}")
    t.listed()


@scenario
def build_with_pull(s: Session) -> None:
    """A newer image is looked for."""
    t = Transfers(s)
    t.seed("base:1", "a", env="one")
    t.from_image("base:1", pull="1")
    t.from_image("base:1", pull="1")
    t.seed("base:1", "b", env="two")
    t.from_image("base:1")
    t.from_image("base:1", pull="1")
    t.listed()


@scenario
def build_for_a_platform(s: Session) -> None:
    """The image of that platform is taken."""
    t = Transfers(s)
    one = t.seed("base:amd64", "a", env="amd64")
    two = t.seed("base:arm64", "b", env="arm64", architecture="arm64")
    t.index("base:1", {"linux/amd64": one, "linux/arm64": two})
    t.from_image("base:1", "", platform="linux/arm64")
    document = s.request("GET", "/images/built:1/json").json()
    s.note("platform", [document.get("Os"), document.get("Architecture")])


@scenario
def build_copies_from_it(s: Session) -> None:
    """`COPY --from` pulls as well."""
    t = Transfers(s)
    t.seed("base:1", "a")
    s.build(f"FROM scratch\nCOPY --from={t.address}/base:2 /a /b", look=False)


@scenario
def build_on_what_is_missing(s: Session) -> None:
    """Nothing of that tag or repository, and nobody there."""
    t = Transfers(s)
    t.seed("base:1", "a")
    t.from_image("base:2")
    t.from_image("nope:1")
    s.build("FROM 127.0.0.1:1/base:1", look=False)


@scenario
def build_with_credentials(s: Session) -> None:
    """Without, with wrong and with right credentials, and with another registry's."""
    for kind in ("basic", "bearer"):
        t = Transfers(s, auth=kind, users=USERS)
        t.seed("base:1", "a")
        right = {"username": "alice", "password": "correct horse"}
        t.from_image("base:1")
        t.from_image("base:1", auths={})
        t.from_image("base:1", auths={t.address: {**right, "password": "wrong"}})
        t.from_image("base:1", auths={"elsewhere.example": right})
        t.from_image("base:1", auths={t.address: right})
        _clean(s, t)
        t.from_image("base:1", auths={f"http://{t.address}/v2/": right})
        _clean(s, t)
        t.registry.close()


def _clean(s: Session, t: Transfers) -> None:
    for name in ("built:1", f"{t.address}/base:1"):
        s.request("DELETE", f"/images/{name}")


@scenario
def build_with_a_bad_header(s: Session) -> None:
    """What is no `X-Registry-Config` is not looked at."""
    t = Transfers(s)
    t.seed("base:1", "a")
    for header in ("", "%%%", "bm9uc2Vuc2U=", "W10="):
        response: Any = s.request(
            "POST",
            "/build",
            params={"remote": "", "dockerfile": "nope", "t": "built:1"},
            data=b"\0" * 1024,
            headers={"Content-Type": "application/x-tar", "X-Registry-Config": header},
        )
        s.note("build", [response.status_code, response.json()])
