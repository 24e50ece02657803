"""What is advised after a registry's refusal, for the words that engines are known to pass on."""

from __future__ import annotations

import pytest

from imagebuilders.docker.registry_errors import advise

REGISTRY = "r.example:5000"
GENERAL = "See the log of the registry"


@pytest.mark.parametrize(
    "words",
    [
        "denied: Your authorization token has expired. Reauthenticate and try again.",
        "unauthorized: token has expired",
        "ExpiredToken: the security token included in the request is expired",
    ],
)
def test_expired_login(words: str) -> None:
    """A login that has expired is renewed, not replaced by that of another user."""
    advice = advise(words, REGISTRY)
    assert "has expired" in advice
    assert f"docker login {REGISTRY}" in advice


@pytest.mark.parametrize(
    "words",
    [
        "name unknown: The repository with name 'app' does not exist in the registry with id '1'",
        'name unknown: Repository "team" not found',
        "unauthorized: project team not found: project team not found",
        "NAME_UNKNOWN: repository name not known to registry",
    ],
)
def test_missing_repository(words: str) -> None:
    """Some registries have repositories made beforehand."""
    assert "create the repository" in advise(words, REGISTRY)


@pytest.mark.parametrize(
    "words",
    [
        "error parsing HTTP 413 response body: invalid character '<' looking for beginning of "
        'value: "<html><title>413 Request Entity Too Large</title></html>"',
        "unexpected status from PUT request to https://r.example/v2/a: 413 Payload Too Large",
    ],
)
def test_layer_that_a_proxy_finds_too_large(words: str) -> None:
    """The limit is the proxy's, whose page the engine could not read."""
    assert "too large for a proxy" in advise(words, REGISTRY)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: "
            "current time 2026-01-02T00:00:00Z is after 2026-01-01T00:00:00Z",
            "out of date",
        ),
        ("x509: certificate is valid for other.example, not r.example", "for other names"),
        (
            "x509: cannot validate certificate for 10.0.0.1 because it doesn't contain any IP SANs",
            "for other names",
        ),
        (
            "x509: certificate relies on legacy Common Name field, use SANs instead",
            "for other names",
        ),
        ("x509: certificate signed by unknown authority", f"certs.d/{REGISTRY}/ca.crt"),
        ("tls: failed to verify certificate: x509: ECDSA verification failure", "ca.crt"),
        ("remote error: tls: bad certificate", "client.cert"),
        ("remote error: tls: handshake failure", "version or cipher"),
        ("tls: protocol version not supported", "version or cipher"),
    ],
)
def test_certificate(words: str, advice: str) -> None:
    """Another CA helps only against one that is not known."""
    found = advise(words, REGISTRY)
    assert advice in found
    assert ("ca.crt" in found) is ("ca.crt" in advice)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("http: server gave HTTP response to HTTPS client", "speaks plain HTTP"),
        ("tls: first record does not look like a TLS handshake", "speaks plain HTTP"),
        ("Client sent an HTTP request to an HTTPS server.", "speaks HTTPS"),
        ("400 The plain HTTP request was sent to HTTPS port", "speaks HTTPS"),
    ],
)
def test_plain_http_and_https(words: str, advice: str) -> None:
    """Which of the two speaks plain HTTP decides what to set."""
    assert advice in advise(words, REGISTRY)


@pytest.mark.parametrize(
    "words",
    [
        "proxyconnect tcp: dial tcp 10.1.1.1:3128: connect: connection refused",
        "proxyconnect tcp: tls: first record does not look like a TLS handshake",
        "proxyconnect tcp: dial tcp: lookup proxy.example: no such host",
        'Get "https://r.example/v2/": Proxy Authentication Required',
    ],
)
def test_proxy(words: str) -> None:
    """What failed is the way, not the registry."""
    advice = advise(words, REGISTRY)
    assert "proxy" in advice
    assert "whether it is up" not in advice


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("an image does not exist locally with the tag: app", "Build the image"),
        ("denied: requested access to the resource is denied", "docker login"),
        (
            "pull access denied for app, repository does not exist or may require 'docker login'",
            "docker login",
        ),
        ("insufficient_scope: authorization failed", "docker login"),
        ("unexpected status from HEAD request to https://r/v2/: 403 Forbidden", "docker login"),
        ("unknown: unauthorized to access repository: a/b, action: push", "docker login"),
        ("toomanyrequests: You have reached your pull rate limit.", "limits how often"),
        ("denied: adding 1.0 GiB of storage, which will exceed the configured upper limit", "room"),
        ("write /var/lib/registry/x: no space left on device", "room"),
        (
            "tag invalid: The image tag '1' already exists in the 'app' repository and cannot be "
            "overwritten because the tag is immutable.",
            "under a tag that is not in use",
        ),
        ("unsupported: The operation is unsupported.", "takes no pushes"),
        ("unknown: The system is in read only mode.", "takes no pushes"),
        ("net/http: TLS handshake timeout", "slow or unreachable"),
        ("dial tcp: lookup r.example: Temporary failure in name resolution", "cannot reach"),
        ("EOF", "cannot reach"),
        ("received unexpected HTTP status: 503 Service Unavailable", "itself failed"),
        ("error parsing HTTP 404 response body: invalid character '<'", "is not a registry"),
        ("the Docker Engine went away during the push", "whether the engine is running"),
        ("manifest invalid: manifest invalid", GENERAL),
    ],
)
def test_other_causes(words: str, advice: str) -> None:
    """Each cause has its own advice; what nobody knows has the logs."""
    assert advice in advise(words, REGISTRY)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ('Get "https://r.example:403/v2/": dial tcp: lookup r.example: no such host', "reach"),
        ("dial tcp 10.0.0.1:413: connect: connection refused", "reach"),
        ("dial tcp [fe80::1]:429: connect: no route to host", "reach"),
        ("Get http://timeout.example/v2/x509: 500 Internal Server Error", "itself failed"),
        ("quota.example:5000: connection refused", "reach"),
        ("sha256:413 digest: mismatch, size: 429", GENERAL),
    ],
)
def test_numbers_and_names_are_no_causes(words: str, advice: str) -> None:
    """Ports, digests, sizes, URLs and the registry's own name are not what happened."""
    assert advice in advise(words, "quota.example:5000")
