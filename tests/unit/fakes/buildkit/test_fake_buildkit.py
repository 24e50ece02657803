"""The BuildKit double that stands alone, as remote builders use it."""

from __future__ import annotations

import json
import ssl
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes import FakeBuildKit, FakeRegistry
from fakes.http.certificates import make_certificate
from imagebuilders import BuildContext, BuildKitImageBuilder
from imagebuilders.buildkit import connect
from imagebuilders.connections.tls import TLSFiles
from imagebuilders.distribution import RegistryClient
from imagebuilders.exceptions import BuildError, PushError
from imagebuilders.oci.manifest import Index, Manifest

BOTH = "linux/amd64,linux/arm64"


@pytest.fixture
def builder(fake_buildkit: FakeBuildKit, fake_buildkit_host: str) -> BuildKitImageBuilder:
    """A builder on a daemon that knows a base for two platforms."""
    fake_buildkit.seed_image("base:1", platforms=("linux/amd64", "linux/arm64"))
    return BuildKitImageBuilder(addresses=fake_buildkit_host)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry that asks who one is."""
    with FakeRegistry(auth="basic", users={"ci": "pass"}) as registry:
        yield registry


def _context(dockerfile: str = "FROM base:1\nRUN make\nCOPY f /\n") -> BuildContext:
    context = BuildContext()
    context.add_file(dockerfile, "Dockerfile")
    context.add_file("content", "f")
    return context


def test_a_build_for_two_platforms_is_pushed(
    fake_buildkit: FakeBuildKit, builder: BuildKitImageBuilder, open_registry: FakeRegistry
) -> None:
    """The registry has an index of two images, each with its layers."""
    fake_buildkit.on_run("make", files={"/made": "1"})
    name = f"{open_registry.address}/team/app:1"
    pushed = builder.build(name, _context(), {"platform": BOTH, "push": True})
    with RegistryClient(open_registry.address) as client:
        repository = client.repository("team/app")
        index = repository.read_manifest("1").parse()
        assert isinstance(index, Index)
        assert [str(entry.platform) for entry in index.manifests] == BOTH.split(",")
        for entry in index.manifests:
            manifest = repository.read_manifest(entry.digest).parse()
            assert isinstance(manifest, Manifest)
            assert len(manifest.layers) == 3
            assert repository.blob_size(manifest.config.digest) == manifest.config.size
        assert pushed == f"{open_registry.address}/team/app@{repository.resolve('1').digest}"
    for platform in BOTH.split(","):
        assert fake_buildkit.image_tree(name, platform).read_text("/made") == "1"
    assert [record.tags for record in fake_buildkit.records] == [[name]]


@pytest.fixture
def open_registry() -> Iterator[FakeRegistry]:
    """A registry that asks nothing."""
    with FakeRegistry() as registry:
        yield registry


def test_a_base_of_a_registry(
    fake_buildkit: FakeBuildKit, builder: BuildKitImageBuilder, open_registry: FakeRegistry
) -> None:
    """It is pulled for real, and so is what was pushed before."""
    name = f"{open_registry.address}/team/base:1"
    builder.build(name, _context(), {"push": True})
    kept = {"outputs": "type=image,name=app:1"}
    builder.build("app:1", _context(f"FROM {name}\nCOPY f /again\n"), kept)
    tree = fake_buildkit.image_tree("app:1")
    assert tree.read_text("/f") == tree.read_text("/again") == "content"
    with pytest.raises(BuildError, match="not found"):
        builder.build("a:1", _context(f"FROM {open_registry.address}/team/missing:1\n"), kept)
    with pytest.raises(BuildError, match="connection refused"):
        builder.build("a:1", _context("FROM 127.0.0.1:1/team/base:1\n"), kept)


def test_a_registry_refuses_a_push(builder: BuildKitImageBuilder, registry: FakeRegistry) -> None:
    """The build fails, and says which."""
    with pytest.raises(PushError, match="401 Unauthorized"):
        builder.build(f"{registry.address}/team/app:1", _context(), {"push": True})
    with pytest.raises(PushError, match="connection refused"):
        builder.build("127.0.0.1:1/team/app:1", _context(), {"push": True})


def test_other_hosts_are_out_of_reach(builder: BuildKitImageBuilder) -> None:
    """Neither a base nor a push goes to a host that was not given; the words name both ways."""
    kept = {"outputs": "type=image,name=app:1"}
    words = r"fake BuildKit: ghcr\.io is out of its reach; .*registries=.* network=True"
    with pytest.raises(BuildError, match=words):
        builder.build("app:1", _context("FROM ghcr.io/team/base:1\nRUN make\n"), kept)
    with pytest.raises(PushError, match=words):
        builder.build("ghcr.io/team/app:1", _context(), {"push": True})
    builder.build("app:1", _context(), {**kept, "cache_from": "type=registry,ref=ghcr.io/c:1"})


def test_names_lead_to_registries_that_were_given(open_registry: FakeRegistry) -> None:
    """Bases come from them and pushes go there; the names stay what they are."""
    buildkit = FakeBuildKit(registries={"ghcr.io": open_registry, "docker.io": open_registry.url})
    buildkit.seed_image("base:1")
    with buildkit.serve() as address:
        builder = BuildKitImageBuilder(addresses=address)
        builder.build("ghcr.io/team/base:1", _context(), {"push": True})
        assert open_registry.tags("team/base") == ["1"]
        text = "FROM ghcr.io/team/base:1 AS one\nFROM team/base:1\nCOPY --from=one f /again\n"
        builder.build("app:1", _context(text), {"outputs": "type=image,name=app:1"})
    assert buildkit.image_tree("app:1").read_text("/again") == "content"


def test_a_registry_that_was_given_wrongly() -> None:
    """It is refused where it is given."""
    with pytest.raises(TypeError, match=r"registries: 'ghcr\.io'"):
        FakeBuildKit(registries={"ghcr.io": 5000})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="network"):
        FakeBuildKit(network="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["oci", "docker"])
def test_archives_for_the_client(builder: BuildKitImageBuilder, tmp_path: Path, kind: str) -> None:
    """They hold a layout; one for Docker has its own list as well."""
    target = tmp_path / "app.tar"
    builder.build("team/app:1", _context(), {"outputs": f"type={kind},dest={target}"})
    with tarfile.open(target) as archive:
        names = archive.getnames()
        index = json.load(archive.extractfile("index.json"))  # type: ignore[arg-type]
        digest = index["manifests"][0]["digest"]
        assert f"blobs/{digest.replace(':', '/')}" in names
        assert index["manifests"][0]["annotations"]["io.containerd.image.name"] == (
            "docker.io/team/app:1"
        )
        assert ("manifest.json" in names) == (kind == "docker")
        if kind == "docker":
            (listed,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
            assert listed["RepoTags"] == ["docker.io/team/app:1"]
            assert set(listed["Layers"]) <= set(names)


def test_a_layout_in_a_folder(builder: BuildKitImageBuilder, tmp_path: Path) -> None:
    """The daemon writes blobs into the client's store, and the client the index."""
    target = tmp_path / "layout"
    builder.build("app:1", _context(), {"outputs": f"type=oci,dest={target},tar=false"})
    index = json.loads((target / "index.json").read_text())
    digest = index["manifests"][0]["digest"].replace(":", "/")
    manifest = json.loads((target / "blobs" / digest).read_text())
    assert len(manifest["layers"]) == 3


def test_provenance_makes_an_index(
    builder: BuildKitImageBuilder, open_registry: FakeRegistry
) -> None:
    """Beside the image stands a manifest that attests it."""
    name = f"{open_registry.address}/team/app:1"
    builder.build(name, _context(), {"push": True, "provenance": "mode=min"})
    with RegistryClient(open_registry.address) as client:
        repository = client.repository("team/app")
        index = repository.read_manifest("1").parse()
        assert isinstance(index, Index)
        image, attestation = index.manifests
        assert attestation.annotations["vnd.docker.reference.digest"] == str(image.digest)
        manifest = repository.read_manifest(attestation.digest).parse()
        assert isinstance(manifest, Manifest)
        statement = json.loads(repository.read_blob(manifest.layers[0].digest))
    assert statement["subject"][0]["digest"]["sha256"] in str(image.digest)


def test_images_by_digest_and_options_of_the_exporter(
    builder: BuildKitImageBuilder, open_registry: FakeRegistry
) -> None:
    """Docker's media types, and layers that are not compressed."""
    name = f"{open_registry.address}/team/app"
    outputs = f"type=image,name={name}:1,push=true,oci-mediatypes=false,compression=uncompressed"
    builder.build(f"{name}:1", _context(), {"outputs": outputs})
    with RegistryClient(open_registry.address) as client:
        manifest = client.repository("team/app").read_manifest("1").parse()
    assert isinstance(manifest, Manifest)
    assert "docker" in manifest.media_type
    assert all(layer.media_type.endswith("diff.tar") for layer in manifest.layers)


def test_clients_have_to_show_a_certificate(tmp_path: Path) -> None:
    """By TLS with certificates on both sides, as daemons on a network are."""
    pytest.importorskip("cryptography")
    certificate = make_certificate("localhost")
    context = certificate.server_context()
    context.set_alpn_protocols(["h2"])
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=certificate.certificate.decode())
    ca = certificate.write(tmp_path / "ca.pem")
    key = tmp_path / "key.pem"
    key.write_bytes(certificate.key)
    with FakeBuildKit().serve("tcp://127.0.0.1:0", tls=context) as address:
        files = TLSFiles(ca=ca, certificate=ca, key=key)
        with connect(address, tls=files) as client:
            assert client.version() == "v0.32.2"


def test_seeds_and_rules(fake_buildkit: FakeBuildKit) -> None:
    """What cannot be is told at once, and what was not needed at the end."""
    with pytest.raises(ValueError, match="UPPER"):
        fake_buildkit.seed_image("UPPER")
    with pytest.raises(LookupError, match="names: none"):
        fake_buildkit.image_tree("app:1")
    fake_buildkit.on_run("never")
    with pytest.raises(AssertionError, match="on_run"):
        fake_buildkit.assert_all_rules_used()
    fake_buildkit.reset()
    fake_buildkit.assert_all_rules_used()
    assert repr(fake_buildkit) == "<FakeBuildKit 0.32, 0 builds>"


def test_caches_of_others(
    fake_buildkit: FakeBuildKit, builder: BuildKitImageBuilder, open_registry: FakeRegistry
) -> None:
    """One that cannot be imported is told of, and no failure."""
    cache = f"{open_registry.address}/team/cache:1"
    options = {"outputs": "type=cacheonly", "cache_from": [f"type=registry,ref={cache}"]}
    builder.build("app:1", _context(), options)
    told = [vertex for status in fake_buildkit.builds[-1].told for vertex in status.vertexes]
    errors = [vertex.error for vertex in told if vertex.name.startswith("importing cache")]
    assert errors[-1].startswith("failed to configure registry cache importer")
