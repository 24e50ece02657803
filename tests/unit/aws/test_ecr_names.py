"""What the hosts of ECR say, in every partition."""

from __future__ import annotations

import pytest

from imagebuilders.aws.ecr.names import ECRHost, parse_ecr_host

ACCOUNT = "123456789012"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("dkr.ecr.eu-central-1.amazonaws.com", ECRHost(ACCOUNT, "eu-central-1")),
        ("dkr.ecr.cn-north-1.amazonaws.com.cn", ECRHost(ACCOUNT, "cn-north-1")),
        ("dkr.ecr.us-gov-west-1.amazonaws.com", ECRHost(ACCOUNT, "us-gov-west-1")),
        ("dkr.ecr.us-iso-east-1.c2s.ic.gov", ECRHost(ACCOUNT, "us-iso-east-1")),
        ("dkr.ecr.us-isob-east-1.sc2s.sgov.gov", ECRHost(ACCOUNT, "us-isob-east-1")),
        ("dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", ECRHost(ACCOUNT, "eu-isoe-west-1")),
        ("dkr.ecr.us-isof-south-1.csp.hci.ic.gov", ECRHost(ACCOUNT, "us-isof-south-1")),
        ("dkr.ecr.eusc-de-east-1.amazonaws.eu", ECRHost(ACCOUNT, "eusc-de-east-1")),
        ("dkr.ecr-fips.us-east-1.amazonaws.com", ECRHost(ACCOUNT, "us-east-1", is_fips=True)),
        ("dkr-ecr.us-west-2.on.aws", ECRHost(ACCOUNT, "us-west-2", is_dual_stack=True)),
        (
            "dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
            ECRHost(ACCOUNT, "cn-north-1", is_dual_stack=True),
        ),
        (
            "dkr-ecr.eusc-de-east-1.on.amazonwebservices.eu",
            ECRHost(ACCOUNT, "eusc-de-east-1", is_dual_stack=True),
        ),
        (
            "dkr-ecr-fips.us-east-1.on.aws",
            ECRHost(ACCOUNT, "us-east-1", is_fips=True, is_dual_stack=True),
        ),
    ],
)
def test_private_hosts(host: str, expected: ECRHost) -> None:
    """Account, region and kind of address are read off each partition's names."""
    assert parse_ecr_host(f"{ACCOUNT}.{host}") == expected


@pytest.mark.parametrize("host", ["public.ecr.aws", "ECR-public.aws.com"])
def test_the_public_registry(host: str) -> None:
    """It has no account, and gives its tokens in one region."""
    assert parse_ecr_host(host) == ECRHost("", "us-east-1", is_public=True)


@pytest.mark.parametrize(
    "host",
    [
        "localhost:5000",
        "ghcr.io",
        "12345.dkr.ecr.eu-central-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com.evil.example",
        f"x{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr.eu-central-1.on.aws",
        f"{ACCOUNT}.dkr-ecr.eu-central-1.amazonaws.com",
        f"{ACCOUNT}.dkr.ecr..amazonaws.com",
    ],
)
def test_other_hosts(host: str) -> None:
    """What only looks like one of ECR is none: it would be sent a token."""
    assert parse_ecr_host(host) is None
