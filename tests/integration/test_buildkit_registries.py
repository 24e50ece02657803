"""Private registries that BuildKit pulls from, and that images are pushed to, for real."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed.engine import Engine
from testbed.image_reading import read_file

from fakes import FakeRegistry
from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.container_registries import DefaultContainerRegistry
from imagebuilders.exceptions import BuildError

USER, PASSWORD = "builder", "correct horse"


@pytest.fixture
def token_registry(buildkit_engine: Engine) -> Iterator[FakeRegistry]:
    """A registry that wants a token of its own token server, reached by the engine."""
    with (
        FakeRegistry(auth="bearer", users={USER: PASSWORD}) as registry,
        buildkit_engine.forwarded(int(registry.address.rpartition(":")[2])),
    ):
        yield registry


def test_basic_registry(
    buildkit_engine: Engine, docker_config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The base is pulled with the login of Docker's settings, which nothing else shows."""
    server = buildkit_engine.registry_with_auth
    _pull_and_push(buildkit_engine, server.address, docker_config, caplog)
    found = server.manifest("team/made", "1")
    assert found.content["layers"]


def test_token_registry(
    buildkit_engine: Engine,
    token_registry: FakeRegistry,
    docker_config: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The same with a registry whose token server knows the login."""
    _pull_and_push(buildkit_engine, token_registry.address, docker_config, caplog)
    paths = [request.path for request in token_registry.requests]
    assert any(path.startswith("/token") for path in paths)


@pytest.mark.parametrize("kind", ["basic", "token"])
def test_wrong_login(
    request: pytest.FixtureRequest, buildkit_engine: Engine, docker_config: Path, kind: str
) -> None:
    """The error names the registry, and not the password."""
    if kind == "token":
        address = request.getfixturevalue("token_registry").address
    else:
        address = buildkit_engine.registry_with_auth.address
    _login(docker_config, address, "not the password")
    context = BuildContext()
    context.add_file(f"FROM {address}/team/base:absent\nRUN true\n", "Dockerfile")
    builder = LocalImageBuilder(docker_client=buildkit_engine.client, builder="buildkit")
    with pytest.raises(BuildError, match=address) as caught:
        builder.build("refused:1", context)
    assert "not the password" not in str(caught.value)


def test_login_of_the_given_registry(buildkit_engine: Engine, docker_config: Path) -> None:
    """The login of the registry that is pushed to is good for its base images as well."""
    server = buildkit_engine.registry_with_auth
    name = _push_base(buildkit_engine, server.address)
    context = BuildContext()
    context.add_file(f"FROM {name}\nRUN true\n", "Dockerfile")
    registry = DefaultContainerRegistry(
        uri=server.address, username=USER, password=PASSWORD, docker_client=buildkit_engine.client
    )
    pushed = LocalImageBuilder(builder="buildkit").build(
        f"{server.address}/team/given:1", context, {"pull": True}, registry
    )
    digest = server.manifest("team/given", "1").digest
    assert pushed == f"{server.address}/team/given@{digest}"


def _pull_and_push(
    engine: Engine, address: str, docker_config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name = _push_base(engine, address)
    _login(docker_config, address, PASSWORD)
    mark = os.urandom(8).hex()
    context = BuildContext()
    context.add_file(f"FROM {name}\nRUN echo {mark} > /made\n", "Dockerfile")
    registry = DefaultContainerRegistry(uri=address, docker_client=engine.client)
    builder = LocalImageBuilder(builder="buildkit")
    image = f"{address}/team/made:1"
    with caplog.at_level(logging.DEBUG):
        pushed = builder.build(image, context, {"pull": True}, registry)
    assert pushed.startswith(f"{address}/team/made@sha256:")
    assert PASSWORD not in caplog.text
    # What the registry has is what was built.
    engine.client.images.remove(image, force=True)
    auth = {"username": USER, "password": PASSWORD}
    engine.client.images.pull(f"{address}/team/made", tag="1", auth_config=auth)
    assert read_file(engine, image, "/made").content.decode() == f"{mark}\n"


def _push_base(engine: Engine, address: str) -> str:
    """Give a registry a base image that the engine itself does not keep under that name."""
    name = f"{address}/team/base:1"
    auth = {"username": USER, "password": PASSWORD}
    engine.client.images.get(engine.busybox).tag(name)
    said = engine.client.images.push(name, auth_config=auth)
    assert "error" not in said, said
    engine.client.images.remove(name)
    return name


def _login(config: Path, address: str, password: str) -> None:
    encoded = base64.b64encode(f"{USER}:{password}".encode()).decode()
    config.write_text(json.dumps({"auths": {address: {"auth": encoded}}}))
