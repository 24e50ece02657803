"""Breaking the registry on purpose."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http.client import BadStatusLine, HTTPConnection, IncompleteRead
from typing import Any

import pytest
import requests

from fakes.contracts.registry_endpoint import RegistryEndpoint
from fakes.registry import ConnectionCutError, FakeRegistry, Response
from fakes.registry.names import digest_of

Ask = Callable[..., Response]


def test_a_status_comes_as_often_as_asked_for(ask: Ask, registry: FakeRegistry) -> None:
    """Twice, then the registry is well again."""
    fault = registry.faults.status(503, times=2, message="out of order")
    answers = [ask(registry, "GET", "/v2/") for _ in range(3)]
    assert [answer.status for answer in answers] == [503, 503, 200]
    assert json.loads(bytes(answers[0].body)) == {
        "errors": [{"code": "UNKNOWN", "message": "out of order"}]
    }
    assert fault.hits == 2
    assert [record.faults for record in registry.requests] == [("status",), ("status",), ()]


def test_faults_choose_their_requests(ask: Ask, registry: FakeRegistry) -> None:
    """By method and path, after a number of others, for ever."""
    registry.faults.status(404, method="put", path="/v2/*/manifests/*", times=None, skip=1)
    assert ask(registry, "GET", "/v2/a/manifests/1").status == 404
    assert ask(registry, "PUT", "/v2/a/manifests/1").status == 400
    for _ in range(3):
        refused = ask(registry, "PUT", "/v2/a/b/manifests/1")
        assert json.loads(bytes(refused.body))["errors"][0]["code"] == "NAME_UNKNOWN"


def test_faults_have_the_words_of_all_doubles(ask: Ask, registry: FakeRegistry) -> None:
    """An endpoint says method and path; what answers keeps the others waiting."""
    failing = registry.faults.fail("GET /v2/", 502, "bad gateway", skip=1)
    dropped = registry.faults.drop("/v2/")
    with pytest.raises(ConnectionCutError):
        ask(registry, "GET", "/v2/")
    answer = ask(registry, "GET", "/v2/")
    assert (answer.status, failing.hits, dropped.hits) == (502, 1, 1)
    assert [record.status for record in registry.requests] == [0, 502]


def test_an_answer_does_not_use_up_other_faults(ask: Ask, registry: FakeRegistry) -> None:
    """Two failures in a row are two requests; a delay goes with either."""
    waited: list[float] = []
    registry = FakeRegistry(sleep=waited.append)
    registry.faults.delay(1)
    for status in (503, 429):
        registry.faults.status(status)
    answers = [ask(registry, "GET", "/v2/").status for _ in range(3)]
    assert answers == [503, 429, 200]
    assert waited == [1]
    assert registry.requests[0].faults == ("delay", "status")


def test_too_many_requests_say_when_to_come_back(ask: Ask, registry: FakeRegistry) -> None:
    """429 with Retry-After in seconds."""
    registry.faults.too_many_requests(retry_after=3, path="/v2/")
    answer = ask(registry, "GET", "/v2/")
    assert (answer.status, answer.headers.get("Retry-After")) == (429, "3")
    assert json.loads(bytes(answer.body))["errors"][0]["code"] == "TOOMANYREQUESTS"


def test_faults_can_be_taken_back(ask: Ask, registry: FakeRegistry) -> None:
    """One, or all."""
    fault = registry.faults.status(503, times=None)
    other = registry.faults.delay(0)
    assert list(registry.faults) == [fault, other]
    registry.faults.remove(fault)
    assert ask(registry, "GET", "/v2/").status == 200
    registry.faults.clear()
    assert len(registry.faults) == 0


def test_a_delay_waits_by_the_clock_given(ask: Ask) -> None:
    """No test has to sleep."""
    waited: list[float] = []
    registry = FakeRegistry(sleep=waited.append)
    registry.faults.delay(30, times=2)
    for _ in range(3):
        assert ask(registry, "GET", "/v2/").status == 200
    assert waited == [30, 30]


def test_closing_ends_a_delay() -> None:
    """A test that gave up does not wait for it."""
    with FakeRegistry() as registry:
        fault = registry.faults.delay(600)
        connection = HTTPConnection(registry.address, timeout=100)
        connection.request("GET", "/v2/")
        while not fault.hits:
            time.sleep(0.001)
        began = time.monotonic()
    assert time.monotonic() - began < 90
    connection.close()


def test_an_upload_is_cut_and_goes_on(served: FakeRegistry) -> None:
    """What came before the cut stays; a client can resume."""
    content = b"0123456789" * 1000
    with requests.Session() as session:
        endpoint = RegistryEndpoint(served.url, session=session)
        location = endpoint.send("POST", "/v2/app/blobs/uploads/").headers["Location"]
        served.faults.cut(after=4000, method="PATCH")
        with pytest.raises(requests.ConnectionError):
            endpoint.send("PATCH", location, body=content)
        status = endpoint.send("GET", location)
        assert status.headers["Range"] == "0-3999"
        endpoint.send("PATCH", location, body=content[4000:])
        done = endpoint.send("PUT", location, parameters={"digest": digest_of(content)})
    assert done.status_code == 201
    cut = served.requests[1]
    assert (cut.status, cut.request_size, cut.faults) == (0, 4000, ("cut",))


@pytest.mark.parametrize("size", [0, 10, 100_000])
def test_a_download_is_cut(served: FakeRegistry, size: int) -> None:
    """After so many bytes of the body, although the head promised more."""
    content = bytes(200_000)
    with requests.Session() as session:
        digest = RegistryEndpoint(served.url, session=session).push_blob("app", content)
    served.faults.cut(after_bytes=size, path="/v2/*/blobs/*")
    connection = HTTPConnection(served.address, timeout=5)
    connection.request("GET", f"/v2/app/blobs/{digest}")
    answer = connection.getresponse()
    assert answer.headers["Content-Length"] == "200000"
    with pytest.raises(IncompleteRead) as caught:
        answer.read()
    assert len(caught.value.partial) == size
    connection.close()


def test_a_cut_before_the_first_byte_of_a_request(served: FakeRegistry) -> None:
    """No answer at all."""
    served.faults.cut(method="POST")
    connection = HTTPConnection(served.address, timeout=5)
    connection.request("POST", "/v2/app/blobs/uploads/?digest=sha256:" + "0" * 64, body=b"x")
    with pytest.raises((BadStatusLine, ConnectionError)):
        connection.getresponse()
    connection.close()


def test_cuts_in_process_are_connection_errors(ask: Ask, registry: FakeRegistry) -> None:
    """Through `session()` as `requests` has them, through `handle()` by their own name."""
    registry.faults.cut(method="POST", times=2)
    path = f"/v2/app/blobs/uploads/?digest={digest_of(b'x')}"
    with pytest.raises(ConnectionCutError):
        ask(registry, "POST", path, b"x")
    with registry.session() as session:
        with pytest.raises(requests.ConnectionError):
            session.post(registry.url + path, data=b"x")
        assert session.post(registry.url + path, data=b"x").status_code == 201
        registry.faults.cut(method="GET")
        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            session.get(f"{registry.url}/v2/app/blobs/{digest_of(b'x')}")


def test_a_corrupted_blob_has_the_right_length_only(ask: Ask, registry: FakeRegistry) -> None:
    """Once, for the blob that was named; what is kept stays whole."""
    layer = registry.seed("app:1", files={"/a": "b"}).descriptors("layers")[0]
    digest = str(layer["digest"])
    registry.faults.corrupt(digest)
    path = f"/v2/app/blobs/{digest}"
    bad, good = (bytes(ask(registry, "GET", path).body) for _ in range(2))
    assert len(bad) == len(good) == layer["size"]
    assert digest_of(bad) != digest == digest_of(good)
    registry.faults.corrupt()
    missing = ask(registry, "GET", f"/v2/app/blobs/{digest_of(b'')}")
    assert json.loads(bytes(missing.body))["errors"][0]["code"] == "BLOB_UNKNOWN"


@pytest.mark.parametrize(
    ("auth", "challenge"), [("bearer", 'error="invalid_token"'), ("basic", 'Basic realm="')]
)
def test_credentials_run_out_in_the_middle(ask: Ask, auth: str, challenge: str) -> None:
    """401 with a fresh challenge, once, for the request that was chosen."""
    registry = FakeRegistry(auth=auth, users={"alice": "s3cret"})
    registry.faults.expire_token(method="PUT", times=2)
    answer = ask(registry, "PUT", "/v2/app/manifests/1", Authorization="Basic YWxpY2U6czNjcmV0")
    assert answer.status == 401
    assert challenge in answer.headers.get("WWW-Authenticate")
    odd = ask(registry, "PUT", "/v2/%0d%0aX/manifests/1").headers.get("WWW-Authenticate")
    assert odd.isprintable()


def test_a_refusal_has_its_words_again_after_a_head(ask: Ask, registry: FakeRegistry) -> None:
    """The answer to HEAD has no body; the next one has, and each header once."""
    registry.faults.status(403, times=None, message="not you")
    head, get = (ask(registry, method, "/v2/a/manifests/1") for method in ("HEAD", "GET"))
    assert (head.status, bytes(head.body)) == (403, b"")
    assert json.loads(bytes(get.body))["errors"][0]["message"] == "not you"
    assert len(get.headers.get_all("Docker-Distribution-Api-Version")) == 1


@pytest.mark.parametrize(
    ("add", "error", "message"),
    [
        (lambda f: f.status(503, path="v2/*"), ValueError, r"path begins with / or \*"),
        (lambda f: f.status(503, path=None), TypeError, "path is a str, not None"),
        (
            lambda f: f.status(503, method="PSUH"),
            ValueError,
            r"method is \* or one of GET, .*'PSUH'",
        ),
        (lambda f: f.status(503, method=None), TypeError, "method is a str, not None"),
        (lambda f: f.status(503, times=0), ValueError, "times is 1 or more or None, not 0"),
        (lambda f: f.status(503, times="2"), TypeError, "times is an int or None, not '2'"),
        (lambda f: f.status(503, skip=-1), ValueError, "skip is 0 or more, not -1"),
        (lambda f: f.status(201), ValueError, "status is 400 to 599, not 201"),
        (lambda f: f.status("503"), TypeError, "status is an int, not '503'"),
        (lambda f: f.status(503, code=1), TypeError, "code is a str, not 1"),
        (lambda f: f.status(503, message=b"no"), TypeError, "message is a str, not b'no'"),
        (lambda f: f.too_many_requests("3"), TypeError, "retry_after is a number"),
        (lambda f: f.delay(-1), ValueError, "seconds is 0 seconds or more, not -1"),
        (lambda f: f.delay("1"), TypeError, "seconds is a number of seconds, not '1'"),
        (lambda f: f.delay(float("inf")), ValueError, "seconds is 0 seconds or more, not inf"),
        (lambda f: f.cut(after=-1), ValueError, "after_bytes is 0 or more, not -1"),
        (lambda f: f.cut(1.5), TypeError, "after_bytes is an int, not 1.5"),
        (lambda f: f.corrupt(b"sha256:1"), TypeError, "digest is a str"),
        (lambda f: f.corrupt(""), ValueError, "digest is a digest, a tag or a glob"),
        (lambda f: f.expire_token(path="token"), ValueError, "unlike 'token'"),
    ],
)
def test_a_fault_that_could_never_strike_is_refused(
    registry: FakeRegistry, add: Callable[[Any], object], error: type[Exception], message: str
) -> None:
    """Where it is asked for, and none is added."""
    with pytest.raises(error, match=message):
        add(registry.faults)
    assert len(registry.faults) == 0
