"""A build as the arguments of CodeBuild's `start_build`.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
"""

from __future__ import annotations

from collections.abc import Mapping

from imagebuilders.aws.code_build.references import SecretReference
from imagebuilders.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Machine:
    """What a build runs on; nothing given leaves it to the project.

    Attributes:
        image: the image of the build environment.
        environment_type: as in `LINUX_CONTAINER`.
        compute_type: as in `BUILD_GENERAL1_SMALL`.
        service_role: the ARN of the role that the build has.
        is_privileged: whether the build may run Docker itself; `None` leaves it.
        build_minutes: for how long the build may run.
        queue_minutes: for how long it may wait to begin.
    """

    image: str | None = None
    environment_type: str | None = None
    compute_type: str | None = None
    service_role: str | None = None
    is_privileged: bool | None = None
    build_minutes: int | None = None
    queue_minutes: int | None = None


class Environment:
    """The environment variables of a build; of secrets it holds the names alone."""

    def __init__(self) -> None:
        self.variables: list[Mapping[str, str]] = []

    def add(self, name: str, value: str) -> None:
        """Add a variable whose value everybody may read who may look at the build."""
        self.variables.append({"name": name, "value": value, "type": "PLAINTEXT"})

    def add_secret(self, reference: SecretReference, *, key: str = "") -> str:
        """Add a variable that CodeBuild fills with a secret; return its name.

        Args:
            reference: where the secret is kept.
            key: which of the secret's values it is, if it is an object of several.
        """
        name = f"IMAGEBUILDERS_SECRET_{len(self.variables)}"
        named = SecretReference(reference.kind, f"{reference.name}:{key}") if key else reference
        self.variables.append(named.variable(name))
        return name


def start_request(
    project: str, buildspec: str, *, token: str, machine: Machine, environment: Environment
) -> dict[str, object]:
    """Return the arguments of `start_build`.

    Args:
        project: the project's name.
        buildspec: what the build does.
        token: tells this build from others: a second request with it starts none.
        machine: what it runs on.
        environment: its environment variables.
    """
    optional = {
        "imageOverride": machine.image,
        "environmentTypeOverride": machine.environment_type,
        "computeTypeOverride": machine.compute_type,
        "serviceRoleOverride": machine.service_role,
        "privilegedModeOverride": machine.is_privileged,
        "timeoutInMinutesOverride": machine.build_minutes,
        "queuedTimeoutInMinutesOverride": machine.queue_minutes,
        "environmentVariablesOverride": environment.variables or None,
    }
    return {
        "projectName": project,
        "sourceTypeOverride": "NO_SOURCE",
        "secondarySourcesOverride": [],
        "artifactsOverride": {"type": "NO_ARTIFACTS"},
        "secondaryArtifactsOverride": [],
        "buildspecOverride": buildspec,
        "idempotencyToken": token,
        **{name: value for name, value in optional.items() if value is not None},
    }
