"""Other people's clients work with the fake registry as with a real one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from testbed.engine import Engine
from testbed.tools import ClientTool, ToolError

from fakes.registry import AuthKind, FakeRegistry, Operation, SeedImage
from imagebuilders.oci.media_types import DOCKER_MANIFEST

_USER, _PASSWORD = "alice", "s3cret"
_GREETING = SeedImage(files={"/greeting": "hello\n"}, command=["/bin/cat", "/greeting"])
_CONTAINERFILE = "FROM scratch\nCOPY greeting /greeting\nLABEL by=test\n"


@pytest.fixture(params=list(AuthKind), ids=lambda kind: kind.value)
def double(request: pytest.FixtureRequest) -> Iterator[FakeRegistry]:
    """A fake registry with each kind of authentication."""
    users = {} if request.param is AuthKind.NONE else {_USER: _PASSWORD}
    with FakeRegistry(auth=request.param, users=users) as registry:
        yield registry


@dataclass(frozen=True)
class Client:
    """A client of the toolbox, logged in where the registry wants it."""

    tool: ClientTool
    registry: FakeRegistry
    insecure: Sequence[str]
    environment: Mapping[str, str] | None = None

    def login(self, *command: str) -> None:
        """Log in; harmless where no login is asked for."""
        words = command or ("login",)
        flags = ["-u", _USER, "-p", _PASSWORD]
        self.run(*words, *self.insecure, *flags, self.registry.address)

    def run(self, *arguments: str, check: bool = True) -> str:
        """Run a command and return what it printed."""
        return self.tool.run(*arguments, environment=self.environment, check=check).stdout


class TestDockerEngine:
    """Docker Engines 20.10, 26.1 and 28.5 with their own command line."""

    @pytest.fixture
    def docker(self, every_engine: Engine, double: FakeRegistry) -> Iterator[Callable[..., str]]:
        """Runs `docker` in the engine, which reaches the double under its address."""
        port = int(double.address.rpartition(":")[2])

        def run(*arguments: str) -> str:
            return every_engine.cli(*arguments).stdout

        with every_engine.forwarded(port):
            run("login", "-u", _USER, "-p", _PASSWORD, double.address)
            try:
                yield run
            finally:
                run("logout", double.address)

    def test_push_and_pull(
        self, every_engine: Engine, double: FakeRegistry, docker: Callable[..., str]
    ) -> None:
        """What was pushed is what the registry has, and it comes back by tag and by digest."""
        name = f"{double.address}/team/busybox"
        for tag in ("1", "2"):
            docker("tag", every_engine.busybox, f"{name}:{tag}")
            assert "digest: sha256:" in docker("push", f"{name}:{tag}")
        image = double.image("team/busybox:1")
        assert any(path.endswith("bin/sh") for path in image.paths)
        docker("rmi", f"{name}:1", f"{name}:2")
        assert image.digest in docker("pull", f"{name}@{image.digest}")
        docker("pull", "-a", name)
        listed = docker("images", "--format", "{{.Tag}}", name).split()
        assert {"1", "2"} <= set(listed)
        docker("rmi", f"{name}:1", f"{name}:2")

    def test_pulling_what_is_missing_fails(
        self, double: FakeRegistry, docker: Callable[..., str]
    ) -> None:
        """The engine understands the double's refusal."""
        with pytest.raises(ToolError, match=r"not found|manifest unknown"):
            docker("pull", f"{double.address}/team/nothing:1")

    def test_manifest_inspect(self, double: FakeRegistry, docker: Callable[..., str]) -> None:
        """The command line reads a manifest by itself."""
        image = replace(_GREETING, media_type=DOCKER_MANIFEST)  # 20.10 reads no other
        manifest = double.seed("team/greeting:1", image)
        said = docker("manifest", "inspect", "--insecure", f"{double.address}/team/greeting:1")
        assert json.loads(said)["config"]["digest"] == manifest.document["config"]["digest"]  # type: ignore[index]

    def test_a_layer_is_mounted_and_not_pushed_again(
        self, every_engine: Engine, double: FakeRegistry, docker: Callable[..., str]
    ) -> None:
        """A second repository gets the layers of the first without an upload of them."""
        for repository in ("one/busybox", "two/busybox"):
            name = f"{double.address}/{repository}:1"
            docker("tag", every_engine.busybox, name)
            docker("push", name)
            docker("rmi", name)
        layers = double.image("two/busybox:1").layers
        assert layers == double.image("one/busybox:1").layers
        sent = [
            record.query
            for record in double.requests
            if record.operation is Operation.FINISH_UPLOAD and record.repository == "two/busybox"
        ]
        assert not any(layer.replace(":", "%3A") in query for query in sent for layer in layers)


class TestCrane:
    """crane."""

    @pytest.fixture
    def crane(self, client_tool: Callable[[str], ClientTool], double: FakeRegistry) -> Client:
        """Logged in."""
        client = Client(client_tool("crane"), double, ["--insecure"])
        client.login("auth", "login")
        return client

    def test_copy_tag_list_and_delete(self, crane: Client, double: FakeRegistry) -> None:
        """Everyday commands of crane."""
        seeded = double.seed("team/greeting:1", _GREETING)
        name = f"{double.address}/team/greeting"
        run = crane.run
        assert run("digest", "--insecure", f"{name}:1").strip() == seeded.digest
        run("copy", "--insecure", f"{name}:1", f"{double.address}/other/copy:2")
        assert double.manifest("other/copy:2").digest == seeded.digest
        run("tag", "--insecure", f"{name}:1", "latest")
        assert run("ls", "--insecure", name).split() == ["1", "latest"]
        assert run("catalog", "--insecure", double.address).split() == [
            "other/copy",
            "team/greeting",
        ]
        run("validate", "--insecure", "--remote", f"{name}:latest")
        run("delete", "--insecure", f"{name}@{seeded.digest}")
        assert double.tags("team/greeting") == []

    def test_append_makes_an_image(
        self, crane: Client, double: FakeRegistry, tmp_path: Path
    ) -> None:
        """A layer on top of a seeded image, with its compression and its digest."""
        double.seed("team/greeting:1", _GREETING)
        folder = "/tmp/registry-clients-crane"
        (tmp_path / "farewell").write_text("bye\n")
        crane.tool.put(tmp_path / "farewell", f"{folder}/farewell")
        crane.tool.toolbox.tool("tar").run("-cf", f"{folder}/layer.tar", "-C", folder, "farewell")
        base = f"{double.address}/team/greeting:1"
        new = f"{double.address}/team/greeting:2"
        crane.run("append", "--insecure", "-b", base, "-f", f"{folder}/layer.tar", "-t", new)
        image = double.image("team/greeting:2")
        assert image.paths == ["/farewell", "/greeting"]
        assert image.read("/farewell") == b"bye\n"


class TestSkopeo:
    """skopeo."""

    @pytest.fixture
    def skopeo(self, client_tool: Callable[[str], ClientTool], double: FakeRegistry) -> Client:
        """Logged in."""
        client = Client(client_tool("skopeo"), double, ["--tls-verify=false"])
        client.login()
        return client

    def test_inspect_copy_and_delete(self, skopeo: Client, double: FakeRegistry) -> None:
        """Between repositories, into Docker's format and back."""
        seeded = double.seed("team/greeting:1", _GREETING)
        name = f"docker://{double.address}/team/greeting:1"
        inspected = json.loads(skopeo.run("inspect", "--tls-verify=false", name))
        assert inspected["Digest"] == seeded.digest
        copy = f"docker://{double.address}/team/docker:1"
        flags = ("--src-tls-verify=false", "--dest-tls-verify=false")
        skopeo.run("copy", *flags, "--format", "v2s2", name, copy)
        assert "docker.distribution.manifest.v2" in double.manifest("team/docker:1").media_type
        tags = json.loads(skopeo.run("list-tags", "--tls-verify=false", name.rpartition(":")[0]))
        assert tags["Tags"] == ["1"]
        skopeo.run("delete", "--tls-verify=false", name)
        assert double.tags("team/greeting") == []

    def test_a_layout_goes_there_and_back(self, skopeo: Client, double: FakeRegistry) -> None:
        """To an OCI layout on disk, and from it into another registry's name."""
        double.seed("team/greeting:1", _GREETING)
        layout = f"oci:/tmp/registry-clients-{double.address.rpartition(':')[2]}:1"
        name = f"docker://{double.address}/team"
        skopeo.run("copy", "--src-tls-verify=false", f"{name}/greeting:1", layout)
        skopeo.run("copy", "--dest-tls-verify=false", layout, f"{name}/back:1")
        assert double.image("team/back:1").read("/greeting") == b"hello\n"


class TestOras:
    """oras: artifacts and what refers to what."""

    @pytest.fixture
    def oras(self, client_tool: Callable[[str], ClientTool], double: FakeRegistry) -> Client:
        """Logged in."""
        client = Client(client_tool("oras"), double, ["--plain-http"])
        client.login()
        return client

    def test_attach_discover_and_copy(self, oras: Client, double: FakeRegistry) -> None:
        """A signature is found under its image and copied with it."""
        folder = "/tmp/registry-clients-oras"
        oras.tool.put_text("signed", f"{folder}/signature.txt")
        seeded = double.seed("team/greeting:1", _GREETING)
        name = f"{double.address}/team/greeting:1"
        kind = "application/vnd.example.signature"
        oras.tool.run(
            "attach",
            "--plain-http",
            "--artifact-type",
            kind,
            name,
            "signature.txt",
            workdir=folder,
        )
        found = json.loads(oras.run("discover", "--plain-http", "--format", "json", name))
        referrers = found.get("referrers") or found["manifests"]
        assert [entry["artifactType"] for entry in referrers] == [kind]
        copy = f"{double.address}/other/greeting:1"
        oras.run("cp", "-r", "--from-plain-http", "--to-plain-http", name, copy)
        assert double.manifest("other/greeting:1").digest == seeded.digest
        copied = double.manifest(f"other/greeting@{referrers[0]['digest']}")
        assert copied.subject == seeded.digest
        assert not any(tag.startswith("sha256-") for tag in double.tags("other/greeting"))

    def test_push_pull_and_tags(self, oras: Client, double: FakeRegistry) -> None:
        """A file becomes an artifact and a file again."""
        folder = "/tmp/registry-clients-oras"
        oras.tool.put_text("data", f"{folder}/data.txt")
        name = f"{double.address}/team/data"
        oras.tool.run("push", "--plain-http", f"{name}:1,latest", "data.txt", workdir=folder)
        assert oras.run("repo", "tags", "--plain-http", name).split() == ["1", "latest"]
        oras.run("pull", "--plain-http", "-o", f"{folder}/pulled", f"{name}:1")
        assert oras.tool.fetch(f"{folder}/pulled/data.txt") == b"data"
        oras.run("manifest", "delete", "--plain-http", "--force", f"{name}:1")
        assert double.tags("team/data") == []


@pytest.mark.parametrize("name", ["buildah", "podman"])
def test_builders_build_push_and_pull(
    client_tool: Callable[[str], ClientTool], double: FakeRegistry, name: str
) -> None:
    """buildah and podman push what they built, and pull it again."""
    # The one driver that works on whatever file system the container is on.
    environment = {"STORAGE_DRIVER": "vfs", "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}
    client = Client(client_tool(name), double, ["--tls-verify=false"], environment)
    folder = f"/tmp/registry-clients-{name}"
    client.tool.put_text("hello\n", f"{folder}/greeting")
    client.tool.put_text(_CONTAINERFILE, f"{folder}/Containerfile")
    client.login()
    image = f"{double.address}/team/{name}:1"
    client.run("build", "--isolation=chroot", "-t", image, folder)
    client.run("push", "--tls-verify=false", image)
    pushed = double.image(f"team/{name}:1")
    assert pushed.read("/greeting") == b"hello\n"
    assert pushed.labels["by"] == "test"
    client.run("rmi", image)
    client.run("pull", "--tls-verify=false", image)
    if name == "podman":
        found = client.run("search", "--tls-verify=false", "--list-tags", f"{image[:-2]}")
        assert "1" in found
    client.run("rmi", image)


def test_a_stranger_is_refused(client_tool: Callable[[str], ClientTool]) -> None:
    """A wrong password gets nobody in; nothing of it is kept in the records."""
    with FakeRegistry(auth="bearer", users={_USER: _PASSWORD}) as registry:
        registry.seed("team/greeting:1", _GREETING)
        name = f"docker://{registry.address}/team/greeting:1"
        with pytest.raises(ToolError, match=r"unauthorized|authentication"):
            client_tool("skopeo").run(
                "inspect", "--tls-verify=false", "--creds", f"{_USER}:wrong", name
            )
        assert all("wrong" not in str(record) for record in registry.requests)


def test_anyone_may_pull_where_that_is_wanted(
    every_engine: Engine, client_tool: Callable[[str], ClientTool]
) -> None:
    """Anonymous pull by an engine and by crane; a push is refused."""
    with FakeRegistry(auth="bearer", users={_USER: _PASSWORD}, anonymous_pull=True) as registry:
        manifest = registry.seed("team/greeting:1", _GREETING)
        name = f"{registry.address}/team/greeting"
        crane = client_tool("crane")
        assert crane.run("digest", "--insecure", f"{name}:1").stdout.strip() == manifest.digest
        with pytest.raises(ToolError, match=r"UNAUTHORIZED|unauthorized|401"):
            crane.run("tag", "--insecure", f"{name}:1", "2")
        with every_engine.forwarded(int(registry.address.rpartition(":")[2])):
            assert manifest.digest in every_engine.cli("pull", f"{name}:1").stdout
            every_engine.cli("rmi", f"{name}:1")


def test_clients_trust_the_certificate_made_on_the_spot(
    client_tool: Callable[[str], ClientTool], tmp_path: Path
) -> None:
    """Over HTTPS with verification: crane copies, a stranger to the certificate does not."""
    with FakeRegistry(tls=True, auth="bearer", users={_USER: _PASSWORD}) as registry:
        registry.seed("team/greeting:1", _GREETING)
        crane = client_tool("crane")
        bundle = "/tmp/registry-clients-ca.crt"
        crane.put(registry.certificate.write(tmp_path / "ca.crt"), bundle)
        name = f"{registry.address}/team/greeting"
        with pytest.raises(ToolError, match="certificate"):
            crane.run("digest", f"{name}:1")
        trusting = {"SSL_CERT_FILE": bundle}
        crane.run(
            *("auth", "login", "-u", _USER, "-p", _PASSWORD, registry.address),
            environment=trusting,
        )
        crane.run("copy", f"{name}:1", f"{registry.address}/other/copy:2", environment=trusting)
        assert "other/copy:2" in registry


def test_an_engine_builds_from_and_pushes_to_https(engine: Engine, tmp_path: Path) -> None:
    """BuildKit pulls the base image with a password, and the daemon pushes the result."""
    with FakeRegistry(tls=True, auth="basic", users={_USER: _PASSWORD}) as registry:
        registry.seed("team/greeting:1", _GREETING)
        certificate = registry.certificate.write(tmp_path / "ca.crt").read_text()
        folder = f"/etc/docker/certs.d/{registry.address}"
        container = engine.container
        container.exec(["mkdir", "-p", folder, "/tmp/registry-clients"])
        container.exec(["sh", "-c", f"cat > {folder}/ca.crt <<'END'\n{certificate}END\n"])
        dockerfile = f"FROM {registry.address}/team/greeting:1\nCOPY Dockerfile /\n"
        container.exec(["sh", "-c", f"printf '{dockerfile}' > /tmp/registry-clients/Dockerfile"])
        name = f"{registry.address}/team/built:1"
        with engine.forwarded(int(registry.address.rpartition(":")[2])):
            engine.cli("login", "-u", _USER, "-p", _PASSWORD, registry.address)
            engine.cli("build", "-t", name, "/tmp/registry-clients")
            engine.cli("push", name)
            engine.cli("logout", registry.address)
            engine.cli("rmi", name)
        assert registry.image("team/built:1").paths == ["/Dockerfile", "/greeting"]
