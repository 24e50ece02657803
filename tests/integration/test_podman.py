"""Builds by Podman, which answers as a Docker Engine does."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from testbed.engine import Engine

from imagebuilders import BuildContext, LocalImageBuilder
from imagebuilders.buildkit.builder_choice import BuilderSetting
from imagebuilders.container_registries import DefaultContainerRegistry
from imagebuilders.distribution import RegistryClient
from imagebuilders.events import Event, Notice, StepOutput, listen
from imagebuilders.exceptions import BuildError, BuildKitError, BuildOptionsError

pytestmark = pytest.mark.usefixtures("docker_config")

SECRET = "correct-horse-battery"


def _build(
    podman: Engine,
    dockerfile: str,
    options: Mapping[str, object] | None = None,
    builder: BuilderSetting = "auto",
) -> list[Event]:
    """Build an image of the name app:1; return what was told."""
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    context.add_file("content\n", "file")
    events: list[Event] = []
    with listen(events.append):
        LocalImageBuilder(docker_client=podman.client, builder=builder).build(
            "app:1", context, {"nocache": True, **(options or {})}
        )
    return events


def _printed(events: list[Event]) -> list[str]:
    return [event.line for event in events if isinstance(event, StepOutput) and event.number]


def test_a_build(podman: Engine) -> None:
    """Steps, output, labels and the context come through; one notice says what built."""
    events = _build(
        podman,
        f"FROM {podman.busybox}\nARG WHO\nCOPY file /file\nRUN echo $WHO && cat /file\n",
        {"buildargs": {"WHO": "me"}, "labels": {"team": "web"}},
    )
    assert _printed(events) == ["me", "content"]
    assert podman.client.images.get("app:1").labels["team"] == "web"
    (notice,) = [event for event in events if isinstance(event, Notice)]
    assert notice.message == "Built with Podman's own builder: Podman has no BuildKit."
    events = _build(podman, f"FROM {podman.busybox}\nRUN true\n", builder="classic")
    assert not [event for event in events if isinstance(event, Notice)]


def test_a_failing_step(podman: Engine) -> None:
    """The error has its exit code, its output and its line."""
    with pytest.raises(BuildError) as caught:
        _build(podman, f"FROM {podman.busybox}\nRUN echo made; exit 7\n")
    assert caught.value.exit_code == 7
    assert list(caught.value.output) == ["made"]
    assert "> 2 | RUN echo made; exit 7" in str(caught.value)


def test_here_documents(podman: Engine) -> None:
    """Podman reads them, of COPY and of RUN."""
    events = _build(
        podman,
        f"FROM {podman.busybox}\nCOPY <<EOF /made\nfrom here\nEOF\n"
        "RUN <<EOF\ncat /made\necho twice\nEOF\n",
    )
    assert _printed(events) == ["from here", "twice"]


def test_secrets(podman: Engine) -> None:
    """A step that mounts one sees it; it is in no other place, in no layer and in no event."""
    events = _build(
        podman,
        f"FROM {podman.busybox}\n"
        "RUN --mount=type=secret,id=token cd /run/secrets && cat token && echo && wc -c < token\n"
        "COPY . /context\n"
        "RUN find /context -type f | sort; ls /run/secrets 2>/dev/null; true\n",
        {"secrets": [{"id": "token", "get": SECRET.encode}]},
    )
    assert _printed(events) == ["****", str(len(SECRET)), "/context/Dockerfile", "/context/file"]
    assert SECRET not in repr(events)
    assert SECRET.encode() not in b"".join(podman.client.images.get("app:1").save())
    with pytest.raises(BuildError) as caught:
        _build(
            podman,
            f"FROM {podman.busybox}\nRUN --mount=type=secret,id=t cat /run/secrets/t; false\n",
            {"secrets": [{"id": "t", "get": SECRET.encode}]},
        )
    assert list(caught.value.output) == ["****"]
    assert SECRET not in repr((caught.value, caught.value.log))


def test_limits_hosts_and_networks(podman: Engine) -> None:
    """They are passed on in the form that Podman reads."""
    dockerfile = f"FROM {podman.busybox}\nRUN ulimit -n; grep db /etc/hosts; ls /sys/class/net\n"
    options = {"ulimit": ["nofile=512:1024"], "extra_hosts": ["db:10.1.2.3"]}
    events = _build(podman, dockerfile, {**options, "network_mode": "none"})
    # What the step writes to its two outputs may come in either order.
    assert {"512", "lo"} <= set(_printed(events))
    assert "eth0" not in _printed(events)
    events = _build(podman, dockerfile, {**options, "network_mode": "host"})
    words = [line.split() for line in _printed(events)]
    assert ["10.1.2.3", "db"] in words
    assert ["eth0"] in words


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ssh", ["default=/nowhere"]),
        ("outputs", ["type=tar,dest=never.tar"]),
        ("build_contexts", {"base": "docker-image://other:1"}),
        ("no_cache_filter", ["stage"]),
        ("network_mode", "bridge"),
        ("cache_from", ["app:1"]),
    ],
)
def test_what_podman_does_not_take_is_refused(podman: Engine, name: str, value: object) -> None:
    """By name, before anything is sent."""
    with pytest.raises(BuildOptionsError, match="Podman") as caught:
        _build(podman, f"FROM {podman.busybox}\n", {name: value})
    assert caught.value.option == name


def test_only_buildkit(podman: Engine) -> None:
    """The setting, and what only BuildKit can tell, are refused in words."""
    with pytest.raises(BuildError, match=r"Podman Engine .* offers no BuildKit"):
        _build(podman, f"FROM {podman.busybox}\n", builder="buildkit")
    context = BuildContext()
    context.add_file("FROM scratch\n", "Dockerfile")
    with pytest.raises(BuildKitError, match=r"Podman Engine .* offers no BuildKit"):
        LocalImageBuilder(docker_client=podman.client).check(context)


def test_a_push(podman: Engine) -> None:
    """The digest that comes back is the registry's; steps can be cached there."""
    registry = podman.registry
    context = BuildContext()
    context.add_file(f"FROM {podman.busybox}\nRUN head -c 8 /dev/urandom > /r\n", "Dockerfile")
    name = f"{registry.address}/team/app:1"
    builder = LocalImageBuilder()
    target = DefaultContainerRegistry(uri=registry.address, docker_client=podman.client)
    cache = f"{registry.address}/team/cache"
    reference = builder.build(name, context, {"cache_to": [cache], "cache_from": [cache]}, target)
    with RegistryClient(registry.address) as client:
        digest = client.repository("team/app").resolve("1").digest
    assert reference == f"{registry.address}/team/app@{digest}"
