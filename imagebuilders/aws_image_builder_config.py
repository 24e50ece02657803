"""The settings of the AWS image builder."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from imagebuilders.aws.code_build.references import SecretReference
from imagebuilders.aws.settings import AWSSettings
from imagebuilders.base_image_builder import BaseImageBuilderConfig

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def _reference(text: str) -> str:
    """Check where a secret is kept."""
    SecretReference.parse(text)
    return text


Reference = Annotated[str, AfterValidator(_reference)]
"""Where a secret is kept: `secretsmanager:NAME[:KEY]`, `ssm:NAME`, or an ARN."""


class AWSImageBuilderConfig(AWSSettings, BaseImageBuilderConfig):
    """Settings of the AWS image builder: those of all AWS components, and its own."""

    project: str = Field(min_length=2, max_length=150)
    """The CodeBuild project whose role, network and defaults builds have."""
    image: str | None = None
    """The image of the build environment, with docker, buildx and aws; by default the
    project's."""
    environment_type: (
        Literal["LINUX_CONTAINER", "ARM_CONTAINER", "LINUX_EC2", "ARM_EC2", "LINUX_GPU_CONTAINER"]
        | None
    ) = None
    """x86 (`LINUX_CONTAINER`) or ARM (`ARM_CONTAINER`); by default the project's."""
    compute_type: str | None = Field(default=None, pattern=r"^[A-Z0-9_]+$")
    """How large the machine is, as in `BUILD_GENERAL1_MEDIUM`; by default the project's."""
    service_role: str | None = None
    """The ARN of the role that builds have; by default the project's."""
    privileged: bool | None = None
    """Whether the build may run Docker itself; by default so, unless the project has a Docker
    server, which its builds use then."""
    build_timeout: int | None = Field(default=None, ge=5, le=2160)
    """Minutes that a build may run; by default the project's."""
    queued_timeout: int | None = Field(default=None, ge=5, le=480)
    """Minutes that a build may wait to begin; by default the project's."""
    wait_timeout: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Seconds after which this side stops a build; without limit by default."""
    poll_interval: float = Field(default=3.0, gt=0, le=300)
    """Seconds between one look at a build and the next."""
    patience: float = Field(default=600.0, gt=0, allow_inf_nan=False)
    """Seconds for which AWS may be out of reach while a build runs, before it is given up."""
    stream_logs: bool = True
    """Whether to read the build's log in CloudWatch, and tell its steps as events."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Further environment variables of the build, which whoever may look at it can read."""
    secrets: dict[str, Reference] = Field(default_factory=dict)
    """Where each secret of `RUN --mount=type=secret` is kept, by its ID:
    `secretsmanager:NAME[:KEY]`, `ssm:NAME`, or an ARN."""
    registry_credentials: dict[str, Reference] = Field(default_factory=dict)
    """Secrets of Secrets Manager with `username` and `password`, by the host of the registry that
    they are for. ECR needs none."""
    buildkit_image: str | None = None
    """The image of BuildKit, for builds that Docker's own builder cannot do; by default what
    `docker buildx create` takes."""
    context_folder: str = "code-build-contexts"
    """The folder for archives of contexts, below the artifact store's path."""

    @field_validator("environment")
    @classmethod
    def _names_of_variables(cls, given: dict[str, str]) -> dict[str, str]:
        for name in given:
            if _VARIABLE.match(name) is None or name.startswith("CODEBUILD_"):
                raise ValueError(f"{name!r} is not a name that an environment variable may have")
        return given

    @field_validator("registry_credentials")
    @classmethod
    def _objects(cls, given: dict[str, str]) -> dict[str, str]:
        for host, reference in given.items():
            if SecretReference.parse(reference).kind != "SECRETS_MANAGER":
                raise ValueError(
                    f"name a secret of Secrets Manager for {host}, with username and password"
                )
        return given
