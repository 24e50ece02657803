"""What CodeBuild is asked for one build: the buildspec, the machine, secrets and logins."""

from __future__ import annotations

import os
import secrets as random_secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from imagebuilders.aws.code_build import buildspec
from imagebuilders.aws.code_build.checks import has_docker_server, named_ecr_hosts
from imagebuilders.aws.code_build.references import SecretReference
from imagebuilders.aws.code_build.request import Environment, Machine, start_request
from imagebuilders.build_options.buildx_command import (
    needs_container_driver,
    render_buildx_command,
)
from imagebuilders.container_registries.ecr import ECRContainerRegistry
from imagebuilders.context.archive import fixed_mtime

if TYPE_CHECKING:
    from imagebuilders.aws.code_build.context import SentContext
    from imagebuilders.aws_image_builder_config import AWSImageBuilderConfig
    from imagebuilders.build_options import DockerBuildOptions
    from imagebuilders.container_registries import BaseContainerRegistry


def request_for_build(
    config: AWSImageBuilderConfig,
    names: tuple[str, ...],
    options: DockerBuildOptions,
    context: SentContext,
    archive: str,
    *,
    registry: BaseContainerRegistry,
    project: Mapping[str, object],
) -> dict[str, object]:
    """Return the arguments of `start_build`, with a token that no other build has.

    Args:
        config: the builder's settings.
        names: the names that are pushed.
        options: how the image is built.
        context: the context, and how its Dockerfile is sent.
        archive: where the context's archive is in S3.
        registry: where the image is pushed to.
        project: the project, as far as it is known.
    """
    environment = Environment()
    for variable, value in config.environment.items():
        environment.add(variable, value)
    command = _command(config, names, options, environment)
    found = context.snapshot.dockerfile
    content = b"" if found is None else found.content
    plan = buildspec.BuildPlan(
        archive=archive,
        dockerfile=context.dockerfile,
        keeps_dockerfile=context.keeps_dockerfile,
        command=command,
        logins=_logins(
            config, registry, environment, [content.decode("utf-8", "replace"), *command]
        ),
        # As with other builders, what was not asked for is not attested.
        variables={"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
        needs_builder=needs_container_driver(options),
        buildkit_image=config.buildkit_image,
    )
    return start_request(
        config.project,
        buildspec.render_buildspec(plan),
        token=random_secrets.token_hex(16),
        machine=_machine(config, project),
        environment=environment,
    )


def _command(
    config: AWSImageBuilderConfig,
    names: tuple[str, ...],
    options: DockerBuildOptions,
    environment: Environment,
) -> list[str]:
    """Return the words of `docker buildx build`; its secrets become variables."""
    secrets = {
        secret.id: environment.add_secret(SecretReference.parse(config.secrets[secret.id]))
        for secret in options.secrets
    }
    has_epoch = options.reproducible or os.environ.get("SOURCE_DATE_EPOCH")
    return render_buildx_command(
        options,
        names=names,
        context=buildspec.CONTEXT,
        dockerfile=buildspec.DOCKERFILE,
        metadata_file=buildspec.METADATA,
        secrets=secrets,
        source_date_epoch=str(fixed_mtime()) if has_epoch else "",
    )


def _machine(config: AWSImageBuilderConfig, project: Mapping[str, object]) -> Machine:
    """Return what the build runs on."""
    privileged = config.privileged
    if privileged is None and not has_docker_server(project):
        privileged = True
    return Machine(
        image=config.image,
        environment_type=config.environment_type,
        compute_type=config.compute_type,
        service_role=config.service_role,
        is_privileged=privileged,
        build_minutes=config.build_timeout,
        queue_minutes=config.queued_timeout,
    )


def _logins(
    config: AWSImageBuilderConfig,
    registry: BaseContainerRegistry,
    environment: Environment,
    texts: list[str],
) -> list[buildspec.Login | buildspec.ECRLogin]:
    """Return where the build logs in: at the registry, and where its base images are."""
    hosts = named_ecr_hosts(texts)
    if isinstance(registry, ECRContainerRegistry):
        hosts[registry.address] = registry.config.host
    logins: list[buildspec.Login | buildspec.ECRLogin] = [
        buildspec.ECRLogin(name, host.region, host.is_public) for name, host in hosts.items()
    ]
    for host, reference in config.registry_credentials.items():
        secret = SecretReference.parse(reference)
        user = environment.add_secret(secret, key="username")
        password = environment.add_secret(secret, key="password")
        logins.append(buildspec.Login(host, user, password))
    return logins
