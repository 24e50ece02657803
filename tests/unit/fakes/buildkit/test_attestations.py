"""What the BuildKit doubles attest of their results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes import FakeBuildKit, FakeRegistry
from imagebuilders import BuildContext, BuildKitImageBuilder
from imagebuilders.buildkit import connect
from imagebuilders.buildkit.history import CONTENT_SERVICE
from imagebuilders.buildkit.proto import content_pb2
from imagebuilders.distribution import RegistryClient
from imagebuilders.exceptions import BuildError
from imagebuilders.oci.manifest import Index, Manifest

DOCKERFILE = "FROM base:1\nARG A\nRUN --mount=type=secret,id=token fetch\n"
OPTIONS = {"buildargs": {"A": "given"}, "secrets": [{"id": "token", "get": lambda: "s3cret"}]}


@pytest.fixture
def builder(fake_buildkit: FakeBuildKit, fake_buildkit_host: str) -> BuildKitImageBuilder:
    """A builder on a daemon that knows a base for two platforms."""
    fake_buildkit.seed_image("base:1", platforms=("linux/amd64", "linux/arm64"))
    fake_buildkit.seed_image("docker/buildkit-syft-scanner:stable-1")
    return BuildKitImageBuilder(addresses=fake_buildkit_host)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    """A registry for everybody."""
    with FakeRegistry() as registry:
        yield registry


def _context() -> BuildContext:
    context = BuildContext()
    context.add_file(DOCKERFILE, "Dockerfile")
    return context


def _statements(registry: FakeRegistry) -> dict[str, list[dict[str, Any]]]:
    """Return what is attested of an image, by the digest of its manifest."""
    found = {}
    with RegistryClient(registry.address) as client:
        repository = client.repository("app")
        index = repository.read_manifest("1").parse()
        assert isinstance(index, Index)
        for entry in index.manifests:
            subject = entry.annotations.get("vnd.docker.reference.digest")
            if subject:
                manifest = repository.read_manifest(entry.digest).parse()
                assert isinstance(manifest, Manifest)
                layers = [repository.read_blob(layer.digest) for layer in manifest.layers]
                found[subject] = [json.loads(layer) for layer in layers]
    return found


def test_provenance_and_a_bill_of_each_image(
    builder: BuildKitImageBuilder, registry: FakeRegistry
) -> None:
    """They tell what was asked for and used; secrets by their names alone."""
    name = f"{registry.address}/app:1"
    asked = {"provenance": "mode=max", "sbom": True, "platform": "linux/amd64,linux/arm64"}
    builder.build(name, _context(), {**OPTIONS, **asked, "push": True})
    found = _statements(registry)
    assert len(found) == 2
    for subject, (provenance, bill) in found.items():
        assert provenance["subject"][0]["digest"] == {"sha256": subject.removeprefix("sha256:")}
        definition = provenance["predicate"]["buildDefinition"]
        request = definition["externalParameters"]["request"]
        assert request["args"]["build-arg:A"] == "given"
        assert request["secrets"] == [{"id": "token"}]
        (used,) = definition["resolvedDependencies"]
        assert used["uri"].startswith("pkg:docker/base@1?platform=linux%2F")
        assert bill["predicateType"] == "https://spdx.dev/Document"
        assert bill["predicate"]["packages"][0]["name"] == "library/base"
        assert "s3cret" not in json.dumps([provenance, bill])


@pytest.mark.parametrize(
    ("asked", "version"),
    [("mode=min", "v1"), ("mode=max,version=v0.2", "v0.2"), ("mode=min,version=v0.2", "v0.2")],
)
def test_little_provenance_does_not_tell_arguments(
    builder: BuildKitImageBuilder, registry: FakeRegistry, asked: str, version: str
) -> None:
    """In either version of it."""
    name = f"{registry.address}/app:1"
    builder.build(name, _context(), {**OPTIONS, "provenance": asked, "push": True})
    ((provenance,),) = _statements(registry).values()
    assert provenance["predicateType"] == f"https://slsa.dev/provenance/{version}"
    assert ("given" in json.dumps(provenance)) is ("max" in asked)


def test_files_of_a_result_have_it_beside_them(
    builder: BuildKitImageBuilder, tmp_path: Path
) -> None:
    """Each attestation in a file of its own."""
    target = tmp_path / "out"
    asked = {"provenance": "mode=max", "sbom": True, "outputs": f"type=local,dest={target}"}
    builder.build("app:1", _context(), {**OPTIONS, **asked})
    provenance = json.loads((target / "provenance.json").read_text())
    assert provenance["predicateType"] == "https://slsa.dev/provenance/v1"
    assert json.loads((target / "sbom.spdx.json").read_text())["predicate"]["packages"]


def test_a_scanner_that_is_not_there(builder: BuildKitImageBuilder) -> None:
    """The build fails before it builds anything."""
    asked = {"sbom": "generator=127.0.0.1:1/no/scanner:1", "outputs": "type=cacheonly"}
    with pytest.raises(BuildError, match="failed to resolve source metadata for 127"):
        builder.build("app:1", _context(), {**OPTIONS, **asked})


def test_the_history_keeps_provenance(
    fake_buildkit: FakeBuildKit, fake_buildkit_host: str, builder: BuildKitImageBuilder
) -> None:
    """Of every build that succeeds, whether it was asked for or not; it can be read there."""
    builder.build("app:1", _context(), {**OPTIONS, "outputs": "type=cacheonly"})
    (kept,) = fake_buildkit.history.records[-1].Result.Attestations
    assert kept.annotations["in-toto.io/predicate-type"] == "https://slsa.dev/provenance/v1"
    with connect(fake_buildkit_host) as client:
        asked = content_pb2.InfoRequest(digest=kept.digest).SerializeToString()
        answer = client.channel.unary(f"{CONTENT_SERVICE}Info", asked, timeout=10)
    assert content_pb2.InfoResponse.FromString(answer).info.size == kept.size
    content = json.loads(fake_buildkit.history.blobs[kept.digest])
    assert content["buildDefinition"]["resolvedDependencies"]
