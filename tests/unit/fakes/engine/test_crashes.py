"""A defect of the engine double is told as one."""

from __future__ import annotations

import io
from contextlib import ExitStack

import docker.errors
import pytest
import requests
import urllib3
from pytest_mock import MockerFixture

from fakes import FakeDockerClient, FakeDockerEngine
from fakes.contracts.engine.context import pack
from fakes.engine import FakeDockerEngineCrashError
from fakes.http.messages import Request

_BROKEN = (requests.exceptions.RequestException, urllib3.exceptions.ProtocolError)
_WORDS = r"the FakeDockerEngine itself failed while it answered GET /images/json: ZeroDivision"


@pytest.fixture
def broken(engine: FakeDockerEngine, mocker: MockerFixture) -> FakeDockerEngine:
    """An engine whose list of images fails, and whose builds fail at their first step."""
    mocker.patch.object(engine.images, "all", side_effect=ZeroDivisionError)
    mocker.patch.object(engine.faults, "before_step", side_effect=ZeroDivisionError)
    return engine


def test_a_crash_is_answered_and_told(broken: FakeDockerEngine, client: FakeDockerClient) -> None:
    """The client gets 500 with words that say whose fault it is; who looks in gets the cause."""
    with pytest.raises(docker.errors.APIError, match=_WORDS) as refused:
        client.images.list()
    assert refused.value.status_code == 500
    assert broken.requests[-1].status == 500
    assert client.ping()
    for look in (lambda: broken.image("x"), lambda: broken.image_tree("x"), lambda: broken.events):
        with pytest.raises(FakeDockerEngineCrashError, match=_WORDS) as told:
            look()
        assert isinstance(told.value.__cause__, ZeroDivisionError)


def test_a_crash_in_the_midst_of_an_answer(
    broken: FakeDockerEngine, client: FakeDockerClient
) -> None:
    """The connection breaks, for the status is sent already."""
    content = io.BytesIO(pack({"Dockerfile": "FROM scratch\nENV a=b\n"}))
    stream = client.api.build(fileobj=content, custom_context=True, decode=True)
    with pytest.raises(_BROKEN):
        list(stream)
    with pytest.raises(FakeDockerEngineCrashError, match=r"POST /build: ZeroDivisionError"):
        broken.crashes.check()


def test_a_crash_without_a_socket(broken: FakeDockerEngine) -> None:
    """It is raised where the request was made."""
    with pytest.raises(FakeDockerEngineCrashError, match=_WORDS):
        broken.handle(Request("GET", "/images/json"))


def test_a_crash_ends_serving_with_its_error(broken: FakeDockerEngine) -> None:
    """Another process saw the 500; the test sees the defect."""
    served = ExitStack()
    client = docker.DockerClient(served.enter_context(broken.serve()), version="1.41")
    with pytest.raises(docker.errors.APIError, match="500"):
        client.images.list()
    client.close()
    with pytest.raises(FakeDockerEngineCrashError, match=_WORDS):
        served.close()


def test_planned_faults_are_no_crashes(engine: FakeDockerEngine, client: FakeDockerClient) -> None:
    """A connection that was to break is what the test wanted."""
    engine.faults.drop("GET /_ping")
    with pytest.raises(requests.exceptions.ConnectionError):
        client.ping()
    engine.crashes.check()
