"""Requests to a service of AWS: what is repeated, and what becomes of errors."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError  # type: ignore[import-untyped]
from pytest_mock import MockerFixture

from imagebuilders.aws.calls import AWSCalls, items_at, text_at
from imagebuilders.aws.settings import AWSSettings
from imagebuilders.exceptions import AWSError


def _answer(code: str, status: int = 400) -> Exception:
    error: Exception = ClientError(
        {
            "Error": {"Code": code, "Message": "said the service"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        },
        "Operation",
    )
    return error


@pytest.fixture
def client(mocker: MockerFixture) -> Any:
    """A client of boto3 that answers as a test says."""
    made = mocker.Mock(name="client")
    mocker.patch("imagebuilders.aws.calls.open_client", return_value=made)
    return made


@pytest.fixture
def pauses() -> list[float]:
    """How long was waited."""
    return []


@pytest.fixture
def calls(client: Any, pauses: list[float]) -> AWSCalls:
    """Requests to CodeBuild, with three attempts."""
    settings = AWSSettings(region="us-east-1", attempts=3)
    return AWSCalls("codebuild", settings, sleep=pauses.append)


def test_what_may_pass_is_repeated(calls: AWSCalls, client: Any, pauses: list[float]) -> None:
    """A throttled request and one without an answer are made again, after growing pauses."""
    client.start_build.side_effect = [
        _answer("ThrottlingException"),
        EndpointConnectionError(endpoint_url="https://x"),
        {"build": {"id": "a:1"}},
    ]
    assert calls.call("start_build", projectName="a") == {"build": {"id": "a:1"}}
    assert [call.kwargs for call in client.start_build.call_args_list] == [{"projectName": "a"}] * 3
    assert len(pauses) == 2
    assert 0 <= pauses[0] <= 0.5
    assert 0 <= pauses[1] <= 1.0


def test_attempts_end(calls: AWSCalls, client: Any) -> None:
    """The error says that it may pass, and what the service answered."""
    client.start_build.side_effect = _answer("InternalFailure", 500)
    with pytest.raises(AWSError, match=r"start_build failed: .*InternalFailure") as caught:
        calls.call("start_build")
    assert caught.value.is_transient
    assert client.start_build.call_count == 3


def test_a_refusal_is_final(calls: AWSCalls, client: Any) -> None:
    """It is raised at once, and survives pickling."""
    client.start_build.side_effect = _answer("AccessDeniedException")
    with pytest.raises(AWSError) as caught:
        calls.call("start_build")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.service, again.operation, again.code, again.is_transient) == (
        *("codebuild", "start_build", "AccessDeniedException"),
        False,
    )
    assert client.start_build.call_count == 1


def test_a_defect_is_not_hidden(calls: AWSCalls, client: Any) -> None:
    """What is not botocore's is raised as it is."""
    client.start_build.side_effect = ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        calls.call("start_build")


def test_connections_are_closed_and_opened_again(calls: AWSCalls, client: Any) -> None:
    """Closing is final for the connections alone."""
    client.start_build.return_value = {}
    calls.call("start_build")
    calls.close()
    calls.close()
    assert client.close.call_count == 1
    assert calls.call("start_build") == {}


def test_a_copy_has_connections_of_its_own(client: Any) -> None:
    """Pickling carries the settings, not the client."""
    calls = AWSCalls("ecr", AWSSettings(region="us-east-1"))
    client.m.return_value = {}
    calls.call("m")
    copy = pickle.loads(pickle.dumps(calls))
    copy.close()
    assert client.close.call_count == 0


def test_reading_answers() -> None:
    """Missing and ill-typed parts of an answer are as if they were not there."""
    assert text_at({"a": {"b": "c"}}, "a", "b") == "c"
    assert text_at({"a": ["b"]}, "a", "b") == ""
    assert text_at({"a": 5}, "a") == ""
    assert items_at({"a": [{"b": 1}, "x"]}, "a") == [{"b": 1}]
    assert items_at({"a": "x"}, "a") == []
