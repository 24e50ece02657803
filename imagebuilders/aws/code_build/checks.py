"""What is looked at before a build is sent to CodeBuild."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping

from imagebuilders.aws.calls import text_at
from imagebuilders.aws.ecr.names import ECRHost, parse_ecr_host
from imagebuilders.exceptions import ConfigurationError

_ECR_NAME = re.compile(r"[0-9]{12}\.dkr[.-]ecr[a-z0-9.-]*")


def is_on_this_machine(host: str) -> bool:
    """Return whether a registry's domain leads to the machine that asks."""
    name = host.rpartition(":")[0] if re.search(r":[0-9]+\Z", host) else host
    name = name.strip("[]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def check_project(
    project: Mapping[str, object], *, environment_type: str | None, compute_type: str | None
) -> None:
    """See whether a project can build images at all.

    Args:
        project: the project as CodeBuild has it.
        environment_type, compute_type: what is asked for in place of the project's own.

    Raises:
        ConfigurationError: its environment runs no Docker.
    """
    kind = environment_type or text_at(project, "environment", "type")
    if kind and not kind.startswith(("LINUX", "ARM")):
        raise ConfigurationError(
            f"The CodeBuild project {text_at(project, 'name')!r} has the environment {kind}, which "
            "builds no Linux images. Let the setting 'environment_type' say LINUX_CONTAINER or "
            "ARM_CONTAINER, or name another project.",
            key="environment_type",
        )
    compute = compute_type or text_at(project, "environment", "computeType")
    if "LAMBDA" in kind or compute.startswith("BUILD_LAMBDA"):
        raise ConfigurationError(
            f"The CodeBuild project {text_at(project, 'name')!r} computes on Lambda, which runs no "
            "Docker. Let the settings 'environment_type' and 'compute_type' say others, as in "
            "LINUX_CONTAINER and BUILD_GENERAL1_SMALL, or name another project.",
            key="compute_type",
        )


def has_docker_server(project: Mapping[str, object]) -> bool:
    """Return whether a project has a Docker server of its own, beside its builds."""
    environment = project.get("environment")
    return isinstance(environment, Mapping) and bool(environment.get("dockerServer"))


def writes_no_log(project: Mapping[str, object]) -> bool:
    """Return whether a project's builds write nothing to CloudWatch."""
    logs = project.get("logsConfig")
    found = logs.get("cloudWatchLogs") if isinstance(logs, Mapping) else None
    return isinstance(found, Mapping) and found.get("status") == "DISABLED"


def named_ecr_hosts(texts: Iterable[str]) -> dict[str, ECRHost]:
    """Return the private registries of ECR that texts name, by their hosts."""
    found = {}
    for text in texts:
        for name in _ECR_NAME.findall(text):
            host = parse_ecr_host(name)
            if host is not None:
                found[name] = host
    return found
