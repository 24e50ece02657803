"""Clients of AWS services: what they ask, as whom, and what cannot be opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore  # type: ignore[import-untyped]
import pytest

from imagebuilders.aws.clients import is_aws, open_client
from imagebuilders.aws.settings import AWSSettings
from imagebuilders.exceptions import ConfigurationError


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide this machine's own AWS settings."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")


def _open(**settings: object) -> Any:
    given = AWSSettings.model_validate({"region": "us-east-1", **settings})
    return open_client("s3", given, extra="s3", connections=3, options={})


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://s3.amazonaws.com", True),
        ("https://s3.cn-north-1.amazonaws.com.cn", True),
        ("https://bucket.vpce-1.s3.us-east-1.vpce.amazonaws.com", True),
        ("https://amazonaws.com.example.org", False),
        ("https://notamazonaws.com", False),
        ("http://127.0.0.1:9000", False),
        ("", False),
    ],
)
def test_which_addresses_are_aws(address: str, expected: bool) -> None:
    """Its domains and what is below them; nothing that only looks like one."""
    assert is_aws(address) is expected


def test_each_partition_is_aws() -> None:
    """By the names of both kinds that botocore knows."""
    found = json.loads(
        Path(botocore.__file__).with_name("data").joinpath("partitions.json").read_text("utf-8")
    )
    suffixes = {
        partition["outputs"][kind]
        for partition in found["partitions"]
        for kind in ("dnsSuffix", "dualStackDnsSuffix")
    }
    assert len(suffixes) > 6
    assert {suffix for suffix in suffixes if not is_aws(f"https://s3.x-y-1.{suffix}")} == set()


def test_aws_gets_what_botocore_sends_by_default() -> None:
    """On AWS itself, objects are protected by checksums; nothing is repeated below."""
    client = _open(key="id", secret="hidden", token="more")
    config = client.meta.config
    assert config.request_checksum_calculation == "when_supported"
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert config.max_pool_connections == 3
    client.close()


@pytest.mark.parametrize(
    ("address", "proxies"),
    [
        ("http://localhost:9000", {}),
        ("http://minio.localhost:9000", {}),
        ("http://[::1]:9000", {}),
        ("https://s3.example.org", None),
        ("http://10.0.0.1:9000", None),
    ],
)
def test_another_service_gets_the_least(address: str, proxies: object) -> None:
    """No optional checksums; and no proxy where none could reach it."""
    client = _open(key="id", secret="hidden", endpoint_url=address)
    assert client.meta.config.request_checksum_calculation == "when_required"
    assert client.meta.config.response_checksum_validation == "when_required"
    assert client.meta.config.proxies == proxies
    client.close()


def test_an_anonymous_client_signs_nothing() -> None:
    """Public buckets need no credentials."""
    client = _open(anonymous=True)
    assert client.meta.config.signature_version is botocore.UNSIGNED
    client.close()


def test_settings_that_botocore_refuses_are_the_packages_own_error() -> None:
    """Nothing of botocore's comes out, and the error has its words."""
    with pytest.raises(ConfigurationError, match="nobody"):
        _open(profile="nobody")
    with pytest.raises(ConfigurationError, match=r"region"):
        _open(region="not a region!", key="id", secret="hidden")


@pytest.mark.parametrize("variable", ["AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"])
def test_credentials_of_the_environment_that_cannot_be_sent(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are refused before a library quotes them; those of the settings count before them."""
    monkeypatch.setenv(variable, "hidden\n")
    with pytest.raises(ConfigurationError, match=f"{variable} is not printable") as caught:
        _open()
    assert "hidden" not in str(caught.value)
    _open(key="id", secret="other").close()
    _open(anonymous=True).close()
