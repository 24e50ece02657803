"""Who may do what."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from fakes.registry import FakeRegistry, RepositoryRule, Response
from fakes.registry.names import digest_of

Ask = Callable[..., Response]
USERS = {"alice": "s3cret", "bob": "hunter:2"}
_EMPTY = digest_of(b"")


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


ALICE = _basic("alice", "s3cret")
BOB = _basic("bob", "hunter:2")


def _token(ask: Ask, registry: FakeRegistry, scope: str, authorization: str = ALICE) -> str:
    fields = {"Authorization": authorization} if authorization else {}
    answer = ask(registry, "GET", f"/token?service=fake-registry&scope={scope}", **fields)
    assert answer.status == 200, bytes(answer.body)
    return f"Bearer {json.loads(bytes(answer.body))['token']}"


# --- basic -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    ["", "Basic", "Basic !", "Basic " + base64.b64encode(b"\xff\xff").decode(), "Bearer x",
     _basic("alice", "wrong"), _basic("nobody", "s3cret"), _basic("alice", "")],
)  # fmt: skip
def test_basic_refuses_strangers(ask: Ask, authorization: str) -> None:
    """401 with a challenge."""
    registry = FakeRegistry(auth="basic", users=USERS)
    fields = {"Authorization": authorization} if authorization else {}
    answer = ask(registry, "GET", "/v2/", **fields)
    assert (answer.status, answer.headers.get("WWW-Authenticate")) == (
        401,
        'Basic realm="fake-registry"',
    )


@pytest.mark.parametrize("authorization", [ALICE, BOB, ALICE.replace("Basic", "basic")])
def test_basic_lets_users_in(ask: Ask, authorization: str) -> None:
    """A password may have a colon."""
    registry = FakeRegistry(auth="basic", users=USERS)
    assert ask(registry, "GET", "/v2/", Authorization=authorization).status == 200
    assert ask(registry, "GET", "/v2/_catalog", Authorization=authorization).status == 200


def test_basic_with_anonymous_pull(ask: Ask) -> None:
    """Reading needs nobody, pushing somebody; a wrong password is refused all the same."""
    registry = FakeRegistry(auth="basic", users=USERS, anonymous_pull=True)
    registry.seed("app:1", files={"/a": "b"})
    assert ask(registry, "GET", "/v2/app/manifests/1").status == 200
    assert ask(registry, "POST", "/v2/app/blobs/uploads/").status == 401
    assert ask(registry, "GET", "/v2/").status == 401
    wrong = _basic("alice", "wrong")
    assert ask(registry, "GET", "/v2/app/manifests/1", Authorization=wrong).status == 401


# --- bearer ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/app/manifests/1", ',scope="repository:app:pull"'),
        ("HEAD", f"/v2/a/b/blobs/{_EMPTY}", ',scope="repository:a/b:pull"'),
        ("PUT", "/v2/app/manifests/1", ',scope="repository:app:pull,push"'),
        ("DELETE", "/v2/app/manifests/1", ',scope="repository:app:delete"'),
        ("GET", "/v2/_catalog", ',scope="registry:catalog:*"'),
        ("GET", "/v2/", ""),
        (
            "POST",
            f"/v2/app/blobs/uploads/?mount={_EMPTY}&from=other",
            ',scope="repository:app:pull,push repository:other:pull"',
        ),
    ],
)
def test_the_challenge_names_the_scope(ask: Ask, method: str, path: str, scope: str) -> None:
    """And the token service at the address that the client used."""
    registry = FakeRegistry(auth="bearer", users=USERS)
    answer = ask(registry, method, path, Host="127.0.0.1:5000")
    expected = f'Bearer realm="http://127.0.0.1:5000/token",service="fake-registry"{scope}'
    assert (answer.status, answer.headers.get("WWW-Authenticate")) == (401, expected)


def test_a_token_opens_what_it_was_asked_for(ask: Ask) -> None:
    """And nothing else."""
    registry = FakeRegistry(auth="bearer", users=USERS)
    registry.seed("app:1", files={"/a": "b"})
    token = _token(ask, registry, "repository:app:pull")
    assert ask(registry, "GET", "/v2/", Authorization=token).status == 200
    assert ask(registry, "GET", "/v2/app/manifests/1", Authorization=token).status == 200
    refused = ask(registry, "POST", "/v2/app/blobs/uploads/", Authorization=token)
    assert refused.status == 401
    assert 'error="insufficient_scope"' in refused.headers.get("WWW-Authenticate")
    assert registry.requests[-1].user is None
    assert registry.requests[-2].user == "alice"


@pytest.mark.parametrize(
    ("scope", "repositories", "actions"),
    [
        ("repository:app:*", ["app"], {"pull", "push", "delete"}),
        ("repository:app:pull,push%20repository:other:pull", ["app", "other"], {"pull"}),
        ("repository:app:pull&scope=repository:other:pull", ["app", "other"], {"pull"}),
        ("repository(plugin):app:pull", ["app"], {"pull"}),
    ],
)
def test_scopes_come_in_many_shapes(
    ask: Ask, scope: str, repositories: list[str], actions: set[str]
) -> None:
    """`*`, several in one parameter, the parameter repeated."""
    registry = FakeRegistry(auth="bearer", users=USERS)
    token = _token(ask, registry, scope)
    requests = {
        "pull": ("GET", "/v2/{}/tags/list", 404),
        "push": ("POST", "/v2/{}/blobs/uploads/", 202),
        "delete": ("DELETE", "/v2/{}/manifests/1", 404),
    }
    for repository in repositories:
        for action in actions:
            method, path, status = requests[action]
            answer = ask(registry, method, path.format(repository), Authorization=token)
            assert answer.status == status


@pytest.mark.parametrize("scope", ["", "nonsense", "repository:app:", "repository:app:fly"])
def test_a_scope_that_means_nothing_gets_a_token_that_opens_nothing(ask: Ask, scope: str) -> None:
    """As at `docker login`, where no scope is asked for."""
    registry = FakeRegistry(auth="bearer", users=USERS)
    token = _token(ask, registry, scope)
    assert ask(registry, "GET", "/v2/", Authorization=token).status == 200
    assert ask(registry, "GET", "/v2/app/tags/list", Authorization=token).status == 401


def test_a_token_says_how_long_it_is_good_and_then_ends(ask: Ask) -> None:
    """By the registry's clock."""
    now = [1000.0]
    registry = FakeRegistry(auth="bearer", users=USERS, token_lifetime=60, clock=lambda: now[0])
    answer = ask(registry, "GET", "/token?offline_token=true", Authorization=ALICE)
    document = json.loads(bytes(answer.body))
    assert document["token"] == document["access_token"]
    assert document["expires_in"] == 60
    assert document["issued_at"] == "1970-01-01T00:16:40Z"
    assert "refresh_token" not in document
    token = f"Bearer {document['token']}"
    now[0] += 59
    assert ask(registry, "GET", "/v2/", Authorization=token).status == 200
    now[0] += 1
    ended = ask(registry, "GET", "/v2/", Authorization=token)
    assert 'error="invalid_token"' in ended.headers.get("WWW-Authenticate")


def test_all_tokens_can_be_ended_at_once(ask: Ask) -> None:
    """A client has to get a new one in the middle of its work."""
    registry = FakeRegistry(auth="bearer", users=USERS)
    token = _token(ask, registry, "repository:app:pull")
    registry.expire_tokens()
    assert ask(registry, "GET", "/v2/app/tags/list", Authorization=token).status == 401
    token = _token(ask, registry, "repository:app:pull")
    assert ask(registry, "GET", "/v2/app/tags/list", Authorization=token).status == 404


def test_strangers_get_no_token(ask: Ask) -> None:
    """Neither with a wrong password nor without one; nor does a made-up token work."""
    registry = FakeRegistry(auth="bearer", users=USERS)
    assert ask(registry, "GET", "/token").status == 401
    assert ask(registry, "GET", "/token", Authorization=_basic("alice", "x")).status == 401
    assert ask(registry, "GET", "/v2/", Authorization="Bearer made-up").status == 401


def test_anonymous_clients_get_a_token_for_pulling_only(ask: Ask) -> None:
    """Where anonymous pull is allowed; a wrong password gets none even there."""
    registry = FakeRegistry(auth="bearer", users=USERS, anonymous_pull=True)
    token = _token(ask, registry, "repository:app:pull,push", authorization="")
    assert ask(registry, "GET", "/v2/app/tags/list", Authorization=token).status == 404
    assert ask(registry, "POST", "/v2/app/blobs/uploads/", Authorization=token).status == 401
    catalog = _token(ask, registry, "registry:catalog:*", authorization="")
    assert ask(registry, "GET", "/v2/_catalog", Authorization=catalog).status == 401
    catalog = _token(ask, registry, "registry:catalog:*")
    assert ask(registry, "GET", "/v2/_catalog", Authorization=catalog).status == 200
    assert ask(registry, "GET", "/token", Authorization=_basic("alice", "x")).status == 401


@pytest.mark.parametrize("auth", ["none", "basic"])
def test_other_registries_have_no_token_service(ask: Ask, auth: str) -> None:
    """404."""
    registry = FakeRegistry(auth=auth, users={} if auth == "none" else USERS)
    assert ask(registry, "GET", "/token", Authorization=ALICE).status == 404


# --- identity tokens -------------------------------------------------------------


def _posted(ask: Ask, registry: FakeRegistry, **form: str) -> Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return ask(registry, "POST", "/token", urlencode(form).encode(), **headers)


@pytest.mark.parametrize("way", ["get", "post"])
def test_who_logs_in_gets_an_identity_token(ask: Ask, way: str) -> None:
    """By either way that clients have; it is exchanged for tokens with the user's rights."""
    registry = FakeRegistry(
        auth="bearer",
        users=USERS,
        identity_tokens=True,
        rules=[RepositoryRule("app", push=["alice"])],
    )
    if way == "get":
        answer = ask(registry, "GET", "/token?offline_token=true", Authorization=ALICE)
    else:
        login = {"username": "alice", "password": "s3cret", "access_type": "offline"}
        answer = _posted(ask, registry, grant_type="password", **login)
    identity = json.loads(bytes(answer.body))["refresh_token"]
    scope = "repository:app:pull,push"
    answer = _posted(ask, registry, grant_type="refresh_token", refresh_token=identity, scope=scope)
    document = json.loads(bytes(answer.body))
    assert "refresh_token" not in document
    token = f"Bearer {document['access_token']}"
    assert ask(registry, "POST", "/v2/app/blobs/uploads/", Authorization=token).status == 202
    other = ask(registry, "POST", "/v2/other/blobs/uploads/", Authorization=token)
    assert other.status == 401


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({}, 400),
        ({"grant_type": "fly"}, 400),
        ({"grant_type": "refresh_token"}, 401),
        ({"grant_type": "refresh_token", "refresh_token": "made-up"}, 401),
        ({"grant_type": "password", "username": "alice", "password": "x"}, 401),
        ({"grant_type": "password", "username": "x" * 70_000}, 413),
    ],
    ids=["nothing", "unknown", "no-token", "made-up", "wrong-password", "too-large"],
)
def test_what_is_exchanged_for_no_token(ask: Ask, form: dict[str, str], status: int) -> None:
    """Strangers, unknown grants, and forms that are too large."""
    registry = FakeRegistry(auth="bearer", users=USERS, identity_tokens=True)
    assert _posted(ask, registry, **form).status == status


def test_a_registry_without_identity_tokens_takes_none(ask: Ask) -> None:
    """405, as before there were any."""
    registry = FakeRegistry(auth="bearer", users=USERS)
    assert _posted(ask, registry, grant_type="refresh_token").status == 405


# --- rules -----------------------------------------------------------------------

RULES = [
    RepositoryRule("team/secret", pull=["alice"], push=["alice"], delete=[]),
    RepositoryRule("team/*", push=["alice"]),
]


@pytest.mark.parametrize(
    ("who", "repository", "pull", "push", "delete"),
    [
        (ALICE, "team/secret", True, True, False),
        (BOB, "team/secret", False, False, False),
        (ALICE, "team/app", True, True, True),
        (BOB, "team/app", True, False, True),
        (BOB, "bob/app", True, True, True),
    ],
)
@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_rules_hold_for_the_repositories_they_match(
    ask: Ask, auth: str, who: str, repository: str, pull: bool, push: bool, delete: bool
) -> None:
    """The first that matches; with a password it is 403, with a token one without the scope."""
    registry = FakeRegistry(auth=auth, users=USERS, rules=RULES)
    refusal = 403 if auth == "basic" else 401
    for allowed, method, path, status in (
        (pull, "GET", "tags/list", 404),
        (push, "POST", "blobs/uploads/", 202),
        (delete, "DELETE", "manifests/1", 404),
    ):
        scope = f"repository:{repository}:*"
        authorization = who if auth == "basic" else _token(ask, registry, scope, who)
        answer = ask(registry, method, f"/v2/{repository}/{path}", Authorization=authorization)
        if not pull and method == "POST":
            allowed = False
        assert answer.status == (status if allowed else refusal)


def test_rules_can_forbid_without_any_login(ask: Ask) -> None:
    """Nobody may push to a mirror."""
    registry = FakeRegistry(rules=[RepositoryRule("mirror/*", push=())])
    assert ask(registry, "POST", "/v2/mirror/app/blobs/uploads/").status == 403
    assert ask(registry, "POST", "/v2/app/blobs/uploads/").status == 202


@pytest.mark.parametrize("auth", ["basic", "bearer"])
@pytest.mark.parametrize("source", ["&from=team/secret", ""])
def test_a_mount_reads_only_what_its_user_may_read(ask: Ask, auth: str, source: str) -> None:
    """Else it becomes an upload, and says nothing of what is there."""
    registry = FakeRegistry(auth=auth, users=USERS, rules=RULES)
    layer = str(
        registry.seed("team/secret:1", files={"/a": "b"}).descriptors("layers")[0]["digest"]
    )
    for who, status in ((BOB, 202), (ALICE, 201)):
        path = f"/v2/app/blobs/uploads/?mount={layer}{source}"
        scope = "repository:app:*%20repository:team/secret:pull"
        authorization = who if auth == "basic" else _token(ask, registry, scope, who)
        assert ask(registry, "POST", path, Authorization=authorization).status == status


def test_a_mount_asks_for_a_token_that_covers_its_source(ask: Ask) -> None:
    """401 names both repositories, where the user may read the source."""
    registry = FakeRegistry(auth="bearer", users=USERS)
    token = _token(ask, registry, "repository:app:pull,push")
    path = f"/v2/app/blobs/uploads/?mount={_EMPTY}&from=other"
    answer = ask(registry, "POST", path, Authorization=token)
    assert answer.status == 401
    assert "repository:other:pull" in answer.headers.get("WWW-Authenticate")
