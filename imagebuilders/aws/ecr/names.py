"""The hosts of Amazon ECR: which account's registry they are, and where it is asked for tokens.

https://docs.aws.amazon.com/general/latest/gr/ecr.html
"""

from __future__ import annotations

import re

from imagebuilders.lazy_dataclass import dataclass

PUBLIC_HOSTS = frozenset({"public.ecr.aws", "ecr-public.aws.com"})
PUBLIC_REGION = "us-east-1"
"""Where tokens of public registries are had, wherever one is."""

_PRIVATE = re.compile(
    r"(?P<account>[0-9]{12})\.dkr(?P<dual>[.-])ecr(?P<fips>-fips)?\."
    r"(?P<region>[a-z0-9][a-z0-9-]*)\."
    r"(?P<domain>amazonaws\.com(?:\.cn)?|on\.aws|on\.amazonwebservices\.(?:com\.cn|eu)"
    r"|amazonaws\.eu"
    r"|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)\Z"
)


@dataclass(frozen=True)
class ECRHost:
    """What a registry's host says of it.

    Attributes:
        account_id: the account whose registry it is; empty for a public one.
        region: where it is.
        is_public: whether it is a public registry.
        is_fips: whether it is reached by validated cryptography.
        is_dual_stack: whether it is reached by IPv6, too.
    """

    account_id: str
    region: str
    is_public: bool = False
    is_fips: bool = False
    is_dual_stack: bool = False


def parse_ecr_host(host: str) -> ECRHost | None:
    """Read the host of a registry; `None` when it is not one of ECR.

    Args:
        host: the registry's domain, as in an image's name.
    """
    host = host.lower()
    if host in PUBLIC_HOSTS:
        return ECRHost("", PUBLIC_REGION, is_public=True)
    found = _PRIVATE.match(host)
    if found is None:
        return None
    is_dual_stack = found["dual"] == "-"
    if is_dual_stack != found["domain"].startswith("on."):
        return None
    return ECRHost(
        found["account"],
        found["region"],
        is_fips=found["fips"] is not None,
        is_dual_stack=is_dual_stack,
    )
