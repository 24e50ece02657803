"""The S3 store and boto3 itself, with a service that is not AWS's."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3_lookalike import S3LookAlike

from fakes.http.certificates import Certificate, make_certificate
from imagebuilders.artifact_stores import (
    S3ArtifactStore,
    S3ArtifactStoreConfig,
    upload_build_context,
)
from imagebuilders.build_context import BuildContext
from imagebuilders.exceptions import ArtifactExistsError, ArtifactStoreError, UploadError

MIB = 1024 * 1024


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide this machine's own AWS settings, and those of its proxies."""
    for name in os.environ:
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws-credentials"))


@pytest.fixture
def service() -> Iterator[S3LookAlike]:
    """A service over plain HTTP."""
    with S3LookAlike() as service:
        yield service


@pytest.fixture(scope="module")
def certificate() -> Certificate:
    """What the service over TLS shows."""
    return make_certificate("127.0.0.1")


@pytest.fixture
def tls_service(certificate: Certificate) -> Iterator[S3LookAlike]:
    """A service over TLS."""
    with S3LookAlike(certificate.server_context()) as service:
        yield service


@pytest.fixture
def bundle(certificate: Certificate, tmp_path: Path) -> str:
    """A file with the authority of the service over TLS."""
    return str(certificate.write(tmp_path / "ca.pem"))


@pytest.fixture
def context() -> BuildContext:
    """A small context."""
    context = BuildContext()
    context.add_file("FROM scratch\n", "Dockerfile")
    return context


def _store(url: str | None, **settings: object) -> S3ArtifactStore:
    given = {"key": "key", "secret": "hidden", "region": "us-east-1", "attempts": 3, **settings}
    given |= {"path": "s3://bucket/prefix", "endpoint_url": url}
    return S3ArtifactStore(S3ArtifactStoreConfig.model_validate(given))


def _works(store: S3ArtifactStore, service: S3LookAlike, context: BuildContext) -> bool:
    """Tell whether uploads of one part and of more arrive, and the first is found again."""
    with store:
        path = upload_build_context(context, store, "contexts")
        assert upload_build_context(context, store, "contexts") == path
        content = os.urandom(MIB) * 11
        store.publish("large", [content])
        with store.open("large") as file:
            assert file.read() == content
    return service.objects["/bucket/prefix/large"] == content and len(service.objects) == 2


def test_a_service_without_new_headers_works(service: S3LookAlike, context: BuildContext) -> None:
    """No checksum and no trailer is sent; a condition only until it was refused."""
    assert _works(_store(service.url), service, context)
    assert service.refused == ["If-None-Match"]


def test_a_service_without_new_headers_works_over_tls(
    tls_service: S3LookAlike, bundle: str, context: BuildContext
) -> None:
    """Over TLS, where botocore would send trailers, it is the same."""
    assert _works(_store(tls_service.url, verify=bundle), tls_service, context)
    assert tls_service.refused == ["If-None-Match"]


@pytest.mark.parametrize("where", ["environment", "profile"])
def test_an_endpoint_may_come_from_the_aws_settings(
    service: S3LookAlike,
    context: BuildContext,
    where: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What AWS's own tools take for the address counts, and is no AWS either."""
    if where == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", service.url)
        store = _store(None)
    else:
        (tmp_path / "aws-config").write_text(
            f"[profile mine]\nendpoint_url = {service.url}\nregion = us-east-1\n"
            "aws_access_key_id = key\naws_secret_access_key = hidden\n"
        )
        store = _store(None, key=None, secret=None, region=None, profile="mine")
    assert _works(store, service, context)


def test_a_loopback_service_is_asked_directly(
    service: S3LookAlike, context: BuildContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy cannot reach this machine's loopback, and is not shown what is sent there."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert _works(_store(service.url), service, context)


def test_where_conditions_are_refused_nothing_is_replaced(service: S3LookAlike) -> None:
    """A look takes the condition's place."""
    with _store(service.url) as store:
        store.publish("file", [b"old"], replace=False)
        with pytest.raises(ArtifactExistsError):
            store.publish("file", [b"new"], replace=False)
    assert service.objects == {"/bucket/prefix/file": b"old"}


@pytest.mark.parametrize("named_by", ["verify", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
@pytest.mark.parametrize("kind", ["missing", "no certificates", "pipe"])
def test_a_bundle_that_cannot_be_used_is_named_at_once(
    context: BuildContext,
    named_by: str,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The file is named, and nothing is tried again."""
    bundle = tmp_path / "authorities.pem"
    if kind == "pipe":
        os.mkfifo(bundle)
    elif kind == "no certificates":
        bundle.write_text("nothing of use")
    settings = {}
    if named_by == "verify":
        settings["verify"] = str(bundle)
    else:
        monkeypatch.setenv(named_by, str(bundle))
    caplog.set_level(logging.WARNING, "imagebuilders")
    with _store("https://127.0.0.1:9", **settings) as store:
        with pytest.raises(UploadError, match=str(bundle)):
            upload_build_context(context, store, "contexts")
        with pytest.raises(ArtifactStoreError, match=str(bundle)):
            store.exists("file")
    assert caplog.messages == []


def test_the_bundle_of_the_environment_counts(
    tls_service: S3LookAlike, bundle: str, context: BuildContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without `verify`, AWS_CA_BUNDLE is used, as by AWS's own tools."""
    monkeypatch.setenv("AWS_CA_BUNDLE", bundle)
    assert _works(_store(tls_service.url), tls_service, context)


def test_a_certificate_of_nobody_known_is_refused(
    tls_service: S3LookAlike, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong certificate does not get better: one attempt, and a word on the certificate."""
    with (
        _store(tls_service.url) as store,
        pytest.raises(UploadError, match=r"(?i)certificate verify failed"),
    ):
        store.publish("file", [b"x"])
    assert caplog.messages == []


def test_certificates_need_not_be_checked(
    tls_service: S3LookAlike, context: BuildContext, recwarn: pytest.WarningsRecorder
) -> None:
    """`verify=False` takes any certificate."""
    assert _works(_store(tls_service.url, verify=False), tls_service, context)
    assert {warning.category.__name__ for warning in recwarn} <= {"InsecureRequestWarning"}


def test_an_unknown_profile_is_the_stores_error() -> None:
    """Settings that cannot be used here are told as a store's error, with the name."""
    store = _store(None, key=None, secret=None, profile="nobody")
    with pytest.raises(ArtifactStoreError, match="nobody"):
        store.exists("file")
