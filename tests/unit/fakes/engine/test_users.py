"""Whom containers may run as: accounts of the image, and those that a RUN may have made."""

from __future__ import annotations

from collections.abc import Callable

import docker.errors
import pytest

from fakes import FakeDockerClient, FakeDockerEngine

Build = Callable[..., str]


@pytest.fixture(autouse=True)
def _base(engine: FakeDockerEngine) -> None:
    engine.seed_hub("base:1", accounts=["app"])


@pytest.mark.parametrize("user", ["", "root", "www-data", "nobody:nogroup", "app", "12", "12:99"])
def test_accounts_of_the_image(client: FakeDockerClient, user: str) -> None:
    """Those of the base image, those of the seed, and any number."""
    client.images.pull("base:1")
    container = client.containers.create("base:1", "true", user=user)
    container.start()
    assert container.wait()["StatusCode"] == 0


def test_an_account_that_nobody_made(client: FakeDockerClient, build: Build) -> None:
    """A name that only the instruction USER speaks of is not there."""
    container = client.containers.create(build("FROM base:1\nUSER worker"), "true")
    with pytest.raises(docker.errors.APIError, match="unable to find user worker"):
        container.start()


def test_an_account_that_a_run_may_have_made(client: FakeDockerClient, build: Build) -> None:
    """No RUN is executed, so what one says that it makes is taken for granted."""
    image = build("FROM base:1\nRUN adduser --system worker\nUSER worker")
    container = client.containers.create(image, "true")
    container.start()
    assert container.wait()["StatusCode"] == 0


def test_part_of_a_word_is_no_account(client: FakeDockerClient, build: Build) -> None:
    """The name must stand in the command as a word."""
    image = build("FROM base:1\nRUN adduser worker-two\nUSER worker")
    with pytest.raises(docker.errors.APIError, match="unable to find user worker"):
        client.containers.create(image, "true").start()
