"""Builds that fail, on real engines."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from testbed.engine import Engine

from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.container_registries import DefaultContainerRegistry
from imagebuilders.events import (
    ContextProgress,
    Event,
    listen,
)
from imagebuilders.exceptions import BuildContextError, BuildError, BuildOptionsError

pytestmark = pytest.mark.usefixtures("docker_config")

MIB = 1024 * 1024


def test_a_failed_command_tells_code_and_output(
    every_engine: Engine, builder: LocalImageBuilder
) -> None:
    """The last lines are there, standard error too."""
    context = BuildContext()
    context.add_file(
        f"FROM {every_engine.busybox}\nRUN seq 5; echo no rule >&2; exit 3\n", "Dockerfile"
    )
    with pytest.raises(BuildError, match=r"at step 2/2: RUN seq 5") as caught:
        builder.build("failed:1", context, {"nocache": True})
    assert caught.value.exit_code == 3
    assert "no rule" in caught.value.output
    assert "5" in caught.value.output
    assert "1" in caught.value.log
    assert not every_engine.client.containers.list(all=True)


@pytest.mark.parametrize(
    ("dockerfile", "complaint"),
    [
        ("FROM {base}\nFETCH x\n", r"line 2: unknown instruction: FETCH"),
        ("FROM {base}\nCOPY\n", r"COPY requires at least two arguments"),
        ("RUN x\n", r"no build stage in current context"),
        ("", r"cannot be empty"),
        ("FROM 127.0.0.1:9/none\n", r"at step 1/1: FROM 127\.0\.0\.1:9/none\n.*refused"),
        ("FROM {base}\nCOPY --from=none /a /b\n", r"at step 2/2: COPY --from=none"),
    ],
)
def test_a_faulty_dockerfile_is_an_error_in_the_engines_words(
    every_engine: Engine, builder: LocalImageBuilder, dockerfile: str, complaint: str
) -> None:
    """With the line, or the step."""
    context = BuildContext()
    context.add_file(dockerfile.format(base=every_engine.busybox), "Dockerfile")
    with pytest.raises(BuildError, match=complaint) as caught:
        builder.build("faulty:1", context)
    assert "faulty:1 was not built" in str(caught.value)


def test_a_missing_dockerfile_is_found_before_anything_is_sent(
    builder: LocalImageBuilder, root: Path
) -> None:
    """The context's folder is named."""
    told: list[Event] = []
    with listen(told.append), pytest.raises(BuildContextError, match=str(root)):
        builder.build("none:1", BuildContext(str(root)))
    assert told == []


def test_a_file_that_cannot_be_archived_is_found_before_anything_is_sent(
    builder: LocalImageBuilder, root: Path
) -> None:
    """A named pipe would hang whoever reads it."""
    (root / "Dockerfile").write_text("FROM scratch\n")
    os.mkfifo(root / "pipe")
    with pytest.raises(BuildContextError, match="named pipe"):
        builder.build("pipe:1", BuildContext(str(root)))


def test_a_file_that_changes_while_it_is_sent_is_an_error(
    every_engine: Engine, builder: LocalImageBuilder, root: Path
) -> None:
    """The engine makes no image of half a context."""
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    for number in range(8):
        (root / f"{number}.bin").write_bytes(b"x" * 4 * MIB)

    def shrink(event: Event) -> None:
        if isinstance(event, ContextProgress):
            (root / "7.bin").write_bytes(b"")

    with listen(shrink), pytest.raises(Exception, match=r"7\.bin") as caught:
        builder.build("changed:1", BuildContext(str(root)))
    assert type(caught.value).__name__ == "ContextChangedError"
    assert not every_engine.client.images.list("changed:1")


def test_a_private_base_image_is_pulled_with_the_users_credentials(
    every_engine: Engine, builder: LocalImageBuilder, docker_config: Path
) -> None:
    """As after `docker login`; without it the engine is refused."""
    server = every_engine.registry_with_auth
    assert server.credentials is not None
    login = f"{server.credentials.username}:{server.credentials.password}"
    auth = {"auth": base64.b64encode(login.encode()).decode()}
    docker_config.write_text(json.dumps({"auths": {server.address: auth}}))
    base = f"{server.address}/private/base:1"
    every_engine.client.images.get(every_engine.busybox).tag(base)
    registry = DefaultContainerRegistry(uri=server.address, docker_client=every_engine.client)
    registry.push_image(base)
    every_engine.client.images.remove(base)
    context = BuildContext()
    context.add_file(f"FROM {base}\nENV A=1\n", "Dockerfile")
    builder.build("private:1", context)
    every_engine.client.images.remove("private:1")
    every_engine.client.images.remove(base)
    docker_config.unlink()
    with pytest.raises(BuildError, match=r"at step 1/2: FROM .*/private/base:1"):
        builder.build("private:1", context, {"pull": True})


def test_what_needs_buildkit_is_refused(builder: LocalImageBuilder) -> None:
    """A secret is not left out in silence."""
    with pytest.raises(BuildOptionsError, match="needs BuildKit"):
        builder.build("secret:1", BuildContext(), {"secrets": ["id=tok,env=TOK"]})
