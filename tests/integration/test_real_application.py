"""A web shop with several stages and a large context, built and pushed as a user would."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from testbed.engine import Engine
from testbed.image_files import ImageFile, read_image_files
from testbed.tools import ClientTool

from imagebuilders import BuildContext, DefaultContainerRegistry, LocalImageBuilder

_DOCKERFILE = """\
ARG BASE
FROM ${BASE} AS base
ENV LANG=C.UTF-8

FROM base AS assets
ARG RELEASE=unknown
WORKDIR /build
COPY assets/*.css parts/
RUN cat parts/*.css > bundle.css \\
 && echo "/* release ${RELEASE} */" >> bundle.css

FROM base AS catalogue
COPY . /context
RUN cd /context && find . -type f | sort > /context.list
RUN cd /context/catalogue && find . -type f | sort | xargs sha256sum > /catalogue.sums

FROM base AS runtime
ARG RELEASE
ARG COMMIT
LABEL org.opencontainers.image.version="${RELEASE}" \\
      org.opencontainers.image.revision=${COMMIT}
RUN mkdir -p /srv/static /srv/run && chown 1000:1000 /srv/run
COPY --from=assets /build/bundle.css /srv/static/bundle.css
COPY --from=catalogue /catalogue.sums /context.list /srv/
COPY --chown=1000:1000 shop /srv/shop
COPY catalogue/ /srv/catalogue/
COPY ["release notes.txt", "logs/keep.log", "/srv/"]
WORKDIR /srv
ENV RELEASE=${RELEASE} PORT=8080
EXPOSE 8080/tcp 9000/udp
VOLUME ["/srv/run"]
USER 1000:1000
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --retries=2 CMD wget -q -O /dev/null http://127.0.0.1:8080/ || exit 1
ENTRYPOINT ["sh", "shop/entry.sh"]
CMD ["serve", "--port", "8080"]

FROM runtime AS broken
RUN echo "this stage is not asked for" && false
"""

_IGNORE = """\
# what the image must not have
.git
**/node_modules
**/*.pyc
**/__pycache__
logs/*
!logs/keep.log
*.md
tmp/
"""

_ENTRY = """\
#!/bin/sh
cd /srv/catalogue && sha256sum -c /srv/catalogue.sums > /tmp/check || exit 1
echo "release $RELEASE as $(id -u): $*; $(wc -l < /tmp/check) files"
"""


@dataclass(frozen=True)
class Application:
    """The application's folder, and what of it the context must hold."""

    folder: Path
    kept: dict[str, bytes]


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Application:
    """About 100 MB that go in and 60 MB that must not."""
    folder = tmp_path_factory.mktemp("shop")
    source = random.Random(20)
    kept = {
        "Dockerfile": _DOCKERFILE.encode(),
        ".dockerignore": _IGNORE.encode(),
        "shop/entry.sh": _ENTRY.encode(),
        "logs/keep.log": b"kept by an exception\n",
        "release notes.txt": "a name with a space, in UTF-8: \u00e9\n".encode(),
        "assets/a.css": b"a { color: red }\n",
        "assets/b.css": b"b { color: blue }\n",
    }
    kept |= {f"shop/module_{n}.py": f"NUMBER = {n}\n".encode() for n in range(60)}
    kept |= {f"catalogue/{n:03}/photo.raw": source.randbytes(1_000_000) for n in range(100)}
    ignored = {
        ".git/objects/pack": source.randbytes(20_000_000),
        "web/node_modules/lib/index.js": source.randbytes(20_000_000),
        "tmp/scratch": source.randbytes(20_000_000),
        "logs/access.log": b"noise\n" * 1000,
        "shop/__pycache__/module_1.pyc": b"\0" * 100,
        "README.md": b"# Shop\n",
    }
    for name, content in (kept | ignored).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "shop/entry.sh").chmod(0o755)
    return Application(folder, kept)


def _is_file(entry: ImageFile, content: bytes) -> bool:
    return entry.kind == "file" and entry.content == content


def test_application_is_built_pushed_and_read_back(
    every_engine: Engine,
    application: Application,
    client_tool: Callable[[str], ClientTool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The digest is the registry's, and the image has the files and settings it should."""
    engine, registry = every_engine, every_engine.registry
    monkeypatch.setenv("DOCKER_HOST", engine.docker_host)
    context = BuildContext(root=str(application.folder))
    context.add_file("generated\n", destination="shop/generated.txt")
    options = {
        "buildargs": {"BASE": engine.busybox, "RELEASE": "2.5", "COMMIT": "c0ffee"},
        "labels": {"team": "shop"},
        "target": "runtime",
    }
    name = f"{registry.address}/team/shop:2.5"
    container_registry = DefaultContainerRegistry(uri=f"{registry.address}/team")
    try:
        pushed = LocalImageBuilder().build(name, context, options, container_registry)
        again = LocalImageBuilder().build(name, context, options, container_registry)
    finally:
        container_registry.close()

    manifest = registry.manifest("team/shop", "2.5")
    assert pushed == f"{registry.address}/team/shop@{manifest.digest}"
    assert again == pushed
    crane = client_tool("crane")
    assert crane.run("digest", "--insecure", name).stdout.strip() == manifest.digest

    _check_settings(registry.image_config("team/shop", manifest.digest))
    _check_files(read_image_files(registry, "team/shop", manifest.digest), application)

    # A machine that has never seen the image runs it from the digest alone.
    engine.client.images.remove(name, force=True)
    engine.client.images.pull(f"{registry.address}/team/shop", tag=manifest.digest)
    said = engine.client.containers.run(pushed, ["hello"], remove=True)
    assert said == b"release 2.5 as 1000: hello; 100 files\n"


def _check_settings(image_config: dict[str, object]) -> None:
    settings = image_config["config"]
    assert isinstance(settings, dict)
    assert {"LANG=C.UTF-8", "RELEASE=2.5", "PORT=8080"} <= set(settings["Env"])
    assert settings["Labels"] == {
        "org.opencontainers.image.version": "2.5",
        "org.opencontainers.image.revision": "c0ffee",
        "team": "shop",
    }
    assert settings["User"] == "1000:1000"
    assert settings["WorkingDir"] == "/srv"
    assert settings["Entrypoint"] == ["sh", "shop/entry.sh"]
    assert settings["Cmd"] == ["serve", "--port", "8080"]
    assert set(settings["ExposedPorts"]) == {"8080/tcp", "9000/udp"}
    assert set(settings["Volumes"]) == {"/srv/run"}
    assert settings["StopSignal"] == "SIGINT"
    assert settings["Healthcheck"]["Retries"] == 2


def _check_files(files: dict[str, ImageFile], application: Application) -> None:
    kept = application.kept
    expected = {
        f"srv/{name}": content
        for name, content in kept.items()
        if name.startswith(("shop/", "catalogue/"))
    }
    expected |= {
        "srv/shop/generated.txt": b"generated\n",
        "srv/keep.log": kept["logs/keep.log"],
        "srv/release notes.txt": kept["release notes.txt"],
        "srv/static/bundle.css": b"".join(
            [kept["assets/a.css"], kept["assets/b.css"], b"/* release 2.5 */\n"]
        ),
    }
    found = {
        path for path, entry in files.items() if path.startswith("srv/") and entry.kind == "file"
    }
    assert found == {*expected, "srv/catalogue.sums", "srv/context.list"}
    sent = files["srv/context.list"].content.decode().splitlines()
    assert set(sent) == {f"./{name}" for name in (*kept, "shop/generated.txt")}
    # Compared one by one: a difference of 100 MB is no message to read.
    assert [name for name in expected if not _is_file(files[name], expected[name])] == []
    assert files["srv/shop/entry.sh"].mode == 0o755
    assert files["srv/shop/entry.sh"].owner == (1000, 1000)
    assert files["srv/catalogue/000/photo.raw"].owner == (0, 0)
    assert files["srv/run"].owner == (1000, 1000)


def test_wrong_stage_fails_with_its_output(
    engine: Engine, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage that fails is not part of the image, and fails when it is asked for."""
    from imagebuilders.exceptions import BuildError

    monkeypatch.setenv("DOCKER_HOST", engine.docker_host)
    with pytest.raises(BuildError) as failure:
        LocalImageBuilder().build(
            "shop:broken",
            BuildContext(root=str(application.folder)),
            {"buildargs": {"BASE": engine.busybox, "RELEASE": "2.5"}, "target": "broken"},
        )
    assert failure.value.exit_code == 1
    assert "this stage is not asked for" in str(failure.value)
