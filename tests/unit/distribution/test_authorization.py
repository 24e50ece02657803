"""Who the registry client says it is, to whom, and how often it asks."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from registry_clients import (
    ClientFactory,
    Login,
    Logins,
    Reply,
    ScriptedTransport,
    Sent,
    Waits,
    scripted_repository,
)

from fakes import FakeRegistry
from fakes.registry import RepositoryRule
from imagebuilders.auth.credentials import Credentials
from imagebuilders.auth.keychain import Keychain
from imagebuilders.exceptions import (
    RegistryAccessError,
    RegistryContentError,
    RegistryNotFoundError,
)

_USERS = {"ann": "s3cret"}
_ANN = Login("ann", "s3cret")
_DIGEST = "sha256:" + "1" * 64
_REALM = "https://auth.example/token"
_CHALLENGE = f'Bearer realm="{_REALM}",service="registry.example"'


@pytest.fixture
def protected(fake_registry_factory: type[FakeRegistry], waits: Waits) -> FakeRegistry:
    """A registry with tokens that are good for two minutes."""
    return fake_registry_factory(auth="bearer", users=_USERS, token_lifetime=120, clock=waits.clock)


def _tokens(registry: FakeRegistry) -> int:
    return sum(request.path == "/token" for request in registry.requests)


# --- against the double --------------------------------------------------------------


def test_nobody_is_asked_for_credentials_without_need(
    fake_registry: FakeRegistry, new_client: ClientFactory
) -> None:
    """A registry that asks for none gets none."""
    logins = Logins(_ANN)
    client = new_client(fake_registry, credentials=logins)
    client.ping()
    client.repository("team/app").upload_blob(b"{}")
    assert logins.asked == []
    assert not any("authorization" in request.headers for request in fake_registry.requests)


def test_credentials_are_asked_for_once(protected: FakeRegistry, new_client: ClientFactory) -> None:
    """By the registry's domain."""
    logins = Logins(_ANN)
    client = new_client(protected, credentials=logins)
    for path in ("team/a", "team/b"):
        client.repository(path).upload_blob(b"{}")
    assert logins.asked == [protected.address]


def test_a_keychain_answers_who_to_be(protected: FakeRegistry, new_client: ClientFactory) -> None:
    """With what it was given, or with what Docker's configuration file has."""
    ann = Credentials(username="ann", password="s3cret")
    keychain = Keychain({"DOCKER_CONFIG": "/nonexistent"}).with_credentials(protected.address, ann)
    new_client(protected, credentials=keychain).ping()


def test_a_token_is_used_until_it_ends(
    protected: FakeRegistry, new_client: ClientFactory, waits: Waits
) -> None:
    """Not one request is refused in between."""
    repository = new_client(protected, credentials=Logins(_ANN)).repository("team/app")
    digest = repository.upload_blob(b"{}").digest
    assert repository.blob_size(digest) == 2
    known = _tokens(protected)
    refused = sum(request.status == 401 for request in protected.requests)
    waits.now += 119
    assert repository.blob_size(digest) == 2
    assert _tokens(protected) == known
    assert sum(request.status == 401 for request in protected.requests) == refused
    waits.now += 2
    assert repository.blob_size(digest) == 2
    assert _tokens(protected) == known + 1


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH"])
def test_a_token_that_ends_early_is_replaced(
    protected: FakeRegistry, new_client: ClientFactory, method: str
) -> None:
    """Even while something is uploaded."""
    repository = new_client(protected, credentials=Logins(_ANN)).repository("team/app")
    repository.upload_blob(b"{}")
    fault = protected.faults.expire_token(method=method)
    digest = repository.upload_blob(b"0123456789", chunk_size=4).digest
    assert repository.read_blob(digest) == b"0123456789"
    assert fault.hits == 1


def test_a_registry_that_refuses_each_token_is_told(
    protected: FakeRegistry, new_client: ClientFactory
) -> None:
    """It is not asked forever."""
    repository = new_client(protected, credentials=Logins(_ANN)).repository("team/app")
    fault = protected.faults.expire_token(path="/v2/team/*", times=None)
    with pytest.raises(RegistryAccessError, match="answered 401"):
        repository.blob_size(_DIGEST)
    assert fault.hits == 2


def test_a_right_that_one_lacks_is_told(
    fake_registry_factory: type[FakeRegistry], new_client: ClientFactory
) -> None:
    """Whichever way the registry says it."""
    for kind in ("basic", "bearer"):
        registry = fake_registry_factory(
            auth=kind, users=_USERS, rules=[RepositoryRule("team/*", push=[])]
        )
        repository = new_client(registry, credentials=Logins(_ANN)).repository("team/app")
        with pytest.raises(RegistryNotFoundError):
            repository.read_manifest("1")
        with pytest.raises(RegistryAccessError):
            repository.upload_blob(b"{}")


def test_everybody_pulls_where_nobody_must_log_in(
    fake_registry_factory: type[FakeRegistry], new_client: ClientFactory
) -> None:
    """With an anonymous token."""
    registry = fake_registry_factory(auth="bearer", users=_USERS, anonymous_pull=True)
    registry.seed("team/app:1", files={"/a": "b"})
    repository = new_client(registry).repository("team/app")
    assert repository.resolve("1").digest
    with pytest.raises(RegistryAccessError, match="docker login"):
        repository.upload_blob(b"{}")


def test_a_blob_that_may_not_be_read_is_not_mounted(
    fake_registry_factory: type[FakeRegistry], new_client: ClientFactory
) -> None:
    """It is uploaded then, by whoever wants that."""
    registry = fake_registry_factory(
        auth="bearer", users=_USERS, rules=[RepositoryRule("secret/*", pull=[])]
    )
    registry.seed("secret/app:1", files={"/a": "b"})
    digest = registry.image("secret/app:1").layers[0]
    repository = new_client(registry, credentials=Logins(_ANN)).repository("team/app")
    assert not repository.mount_blob(digest, "secret/app")
    assert registry.open_uploads == 0


# --- what no double plays ------------------------------------------------------------


def _registry(
    challenge: str,
    token: Callable[[Sent], Reply] = lambda _: Reply(body=b'{"token":"t"}'),
    *,
    wanted: str = "Bearer t",
) -> ScriptedTransport:
    """A registry with this challenge, which lets in whoever shows what is wanted."""

    def answer(sent: Sent) -> Reply:
        if not sent.url.startswith("https://registry.example/"):
            return token(sent)
        if sent.headers.get("Authorization") != wanted:
            return Reply(401, {"WWW-Authenticate": challenge})
        return Reply(headers={"Content-Length": "7"})

    return ScriptedTransport(answer)


def _asked(transport: ScriptedTransport) -> list[Sent]:
    return [sent for sent in transport.sent if "auth.example" in sent.url]


def test_a_token_is_asked_for_what_is_wanted() -> None:
    """Service, scopes and account in the query, beside what the realm has; the password apart."""
    challenge = f'Bearer realm="{_REALM}?x=y",service="s",scope="repository:other:pull a:b:c"'
    transport = _registry(challenge)
    assert scripted_repository(transport, login=_ANN).blob_size(_DIGEST) == 7
    (asked,) = _asked(transport)
    assert asked.method == "GET"
    assert sorted(parse_qsl(urlsplit(asked.url).query)) == [
        ("account", "ann"),
        ("scope", "a:b:c"),
        ("scope", "repository:other:pull"),
        ("scope", "repository:team/app:pull"),
        ("service", "s"),
        ("x", "y"),
    ]
    assert asked.headers["Authorization"] == "Basic " + base64.b64encode(b"ann:s3cret").decode()


def test_nobody_asks_for_a_token_as_nobody() -> None:
    """Without a word about who it is."""
    transport = _registry(_CHALLENGE)
    assert scripted_repository(transport).blob_size(_DIGEST) == 7
    (asked,) = _asked(transport)
    assert "Authorization" not in asked.headers
    assert "account" not in asked.url


def test_an_identity_token_is_exchanged() -> None:
    """By POST, so that it stands in no URL."""
    transport = _registry(_CHALLENGE, lambda _: Reply(body=b'{"access_token":"t"}'))
    login = Login(identity_token="refresh me")
    assert scripted_repository(transport, login=login).blob_size(_DIGEST) == 7
    (asked,) = _asked(transport)
    assert (asked.method, asked.url) == ("POST", _REALM)
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["refresh_token"],
        "service": ["registry.example"],
        "client_id": ["imagebuilders"],
        "refresh_token": ["refresh me"],
        "scope": ["repository:team/app:pull"],
    }


def test_a_registry_token_is_sent_as_it_is() -> None:
    """The token service is not asked."""
    transport = _registry(_CHALLENGE, wanted="Bearer mine")
    login = Login(registry_token="mine")
    assert scripted_repository(transport, login=login).blob_size(_DIGEST) == 7
    assert _asked(transport) == []


def test_a_registry_token_that_is_refused_is_not_sent_forever() -> None:
    """Once is enough."""
    transport = _registry(_CHALLENGE, wanted="Bearer another")
    with pytest.raises(RegistryAccessError):
        scripted_repository(transport, login=Login(registry_token="mine")).blob_size(_DIGEST)
    assert len(transport.sent) == 2


def test_a_registry_may_ask_for_more_rights_later() -> None:
    """Each time for what it names then."""
    wider = f'{_CHALLENGE},scope="repository:base:pull",error="insufficient_scope"'

    def answer(sent: Sent) -> Reply:
        if "auth.example" in sent.url:
            scopes = parse_qs(urlsplit(sent.url).query)["scope"]
            return Reply(body=json.dumps({"token": str(len(scopes))}).encode())
        challenges = {None: _CHALLENGE, "Bearer 1": wider}
        shown = sent.headers.get("Authorization")
        if shown in challenges:
            return Reply(401, {"WWW-Authenticate": challenges[shown]})
        return Reply(headers={"Content-Length": "7"})

    transport = ScriptedTransport(answer)
    assert scripted_repository(transport, login=_ANN).blob_size(_DIGEST) == 7
    assert len(_asked(transport)) == 2


@pytest.mark.parametrize(
    "challenge",
    ["", "Negotiate", "Bearer", 'Bearer service="s"', 'Digest realm="x"', "="],
)
def test_a_challenge_that_cannot_be_met_is_told(challenge: str) -> None:
    """As a refusal."""
    with pytest.raises(RegistryAccessError, match="answered 401"):
        scripted_repository(_registry(challenge), login=_ANN).blob_size(_DIGEST)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"token":""}',
        b'{"token":7}',
        b'{"token":"a\\r\\nX: y"}',
        b'{"token":"a b"}',
        b'{"token":"\\u00e4"}',
        b'{"token":"' + b"t" * 2_000_000 + b'"}',
    ],
    ids=lambda body: ascii(body[:30]),
)
def test_a_token_that_cannot_be_used_is_told(body: bytes) -> None:
    """It never becomes a part of a request's head."""
    transport = _registry(_CHALLENGE, lambda _: Reply(body=body))
    with pytest.raises(RegistryContentError):
        scripted_repository(transport, login=_ANN).blob_size(_DIGEST)
    assert not any("Authorization" in sent.headers for sent in transport.sent[2:])


@pytest.mark.parametrize("lifetime", ["1", "-5", "null", '"300"', "1e99", "true", "9" * 30])
def test_an_odd_lifetime_is_a_minute(lifetime: str, waits: Waits) -> None:
    """What the token specification has as the least."""
    body = b'{"token":"t","expires_in":%s}' % lifetime.encode()
    transport = _registry(_CHALLENGE, lambda _: Reply(body=body))
    repository = scripted_repository(transport, login=_ANN, waits=waits)
    repository.blob_size(_DIGEST)
    waits.now += 59
    repository.blob_size(_DIGEST)
    assert len(_asked(transport)) == 1
    waits.now += 2
    repository.blob_size(_DIGEST)
    assert len(_asked(transport)) == 2


def test_a_token_service_that_refuses_is_told_by_its_name() -> None:
    """With its own words."""
    refusal = Reply(401, {}, b'{"details":"incorrect username or password"}')
    transport = _registry(_CHALLENGE, lambda _: refusal)
    with pytest.raises(
        RegistryAccessError, match=r"no token .* auth\.example answered 401: incorrect username"
    ) as caught:
        scripted_repository(transport, login=_ANN).blob_size(_DIGEST)
    assert caught.value.registry == "registry.example"


# --- to whom ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "realm",
    [
        "http://auth.example/token",
        "http://127.0.0.1/token",
        "ftp://auth.example/token",
        "https://ann:x@auth.example/token",
        "https://[::1/token",
        "https://auth.example:99999/token",
        "https://auth.example/to\x1bken",
    ],
)
def test_a_realm_that_is_not_safe_gets_nothing(realm: str) -> None:
    """Credentials for a registry with TLS go nowhere without it."""
    transport = _registry(f'Bearer realm="{realm}"')
    with pytest.raises(RegistryContentError):
        scripted_repository(transport, login=_ANN).blob_size(_DIGEST)
    assert len(transport.sent) == 1


def test_a_realm_without_tls_belongs_to_a_registry_without_tls() -> None:
    """When it is the same host."""

    def answer(sent: Sent) -> Reply:
        if "/token" in sent.url:
            return Reply(body=b'{"token":"t"}')
        if "Authorization" in sent.headers:
            return Reply(headers={"Content-Length": "7"})
        return Reply(401, {"WWW-Authenticate": 'Bearer realm="/token"'})

    transport = ScriptedTransport(answer)
    assert scripted_repository(transport, login=_ANN, plain_http=True).blob_size(_DIGEST) == 7


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "is_told_who"),
    [
        ("https://cdn.example/blob", False),
        ("https://registry.example:444/blob", False),
        ("https://registry.example.evil/blob", False),
        ("https://registry.example:443/blob", True),
        ("/elsewhere", True),
        ("//registry.example/elsewhere", True),
    ],
)
def test_a_redirect_takes_no_credentials_along(
    status: int, location: str, is_told_who: bool
) -> None:
    """Unless it stays with the registry."""

    def answer(sent: Sent) -> Reply:
        if "/v2/" not in sent.url:
            return Reply(headers={"Content-Length": "7"})
        if "Authorization" not in sent.headers:
            return Reply(401, {"WWW-Authenticate": "Basic realm=x"})
        return Reply(status, {"Location": location})

    transport = ScriptedTransport(answer)
    assert scripted_repository(transport, login=_ANN).blob_size(_DIGEST) == 7
    assert ("Authorization" in transport.sent[-1].headers) is is_told_who


def test_a_host_that_a_redirect_led_to_cannot_ask_who_we_are() -> None:
    """Its 401 is an error."""

    def answer(sent: Sent) -> Reply:
        if "cdn.example" in sent.url:
            return Reply(401, {"WWW-Authenticate": "Basic realm=x"})
        return Reply(307, {"Location": "https://cdn.example/blob"})

    transport = ScriptedTransport(answer)
    with pytest.raises(RegistryAccessError):
        scripted_repository(transport, login=_ANN).blob_size(_DIGEST)
    assert not any("Authorization" in sent.headers for sent in transport.sent)


@pytest.mark.parametrize(
    ("location", "complaint"),
    [
        ("http://cdn.example/blob", "without TLS"),
        ("file:///etc/passwd", "not of http or https"),
        ("https://ann:x@cdn.example/", "malformed address"),
        ("https://[x/", "malformed address"),
        ("/v2/team/app/blobs/" + _DIGEST, "more than 5 times"),
    ],
)
def test_a_redirect_that_is_not_safe_is_not_followed(location: str, complaint: str) -> None:
    """Nor one in a circle."""
    transport = ScriptedTransport(lambda _: Reply(302, {"Location": location}))
    with pytest.raises(RegistryContentError, match=complaint):
        scripted_repository(transport).blob_size(_DIGEST)
    assert len(transport.sent) <= 6


def test_an_upload_elsewhere_takes_no_credentials_along() -> None:
    """A registry may name another host for the content."""

    def answer(sent: Sent) -> Reply:
        if "store.example" in sent.url:
            return Reply(201)
        if "Authorization" not in sent.headers:
            return Reply(401, {"WWW-Authenticate": "Basic realm=x"})
        if sent.method == "HEAD":
            return Reply(404)
        return Reply(202, {"Location": "https://store.example/upload?state=x"})

    transport = ScriptedTransport(answer)
    scripted_repository(transport, login=_ANN).upload_blob(b"{}")
    last = transport.sent[-1]
    assert last.url.startswith("https://store.example/upload?state=x&digest=sha256%3A")
    assert "Authorization" not in last.headers


@pytest.mark.parametrize(("status", "is_followed"), [(301, False), (302, False), (307, True)])
def test_a_redirect_of_what_is_written_keeps_the_content(status: int, is_followed: bool) -> None:
    """Or is an error: it must not become a request to read."""

    def answer(sent: Sent) -> Reply:
        if sent.url.endswith("/elsewhere"):
            return Reply(201)
        return Reply(status, {"Location": "/elsewhere"})

    transport = ScriptedTransport(answer)
    repository = scripted_repository(transport)
    if is_followed:
        repository.write_manifest(b"{}", "a/b", "1")
        assert (transport.sent[-1].method, transport.sent[-1].body) == ("PUT", b"{}")
    else:
        with pytest.raises(Exception, match=f"answered {status}"):
            repository.write_manifest(b"{}", "a/b", "1")


def test_docker_hub_is_asked_where_it_is() -> None:
    """By the name under which its credentials are kept."""
    transport = ScriptedTransport(lambda _: Reply(headers={"Content-Length": "7"}))
    scripted_repository(transport, registry="docker.io").blob_size(_DIGEST)
    assert transport.sent[0].url.startswith("https://registry-1.docker.io/v2/team/app/")
