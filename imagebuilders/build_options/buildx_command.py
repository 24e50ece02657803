"""Options as a command of `docker buildx build` that another machine is to run.

It has the context in a folder of its own, and nothing of this machine: no agent, no file and no
environment variable. https://docs.docker.com/reference/cli/docker/buildx/build/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from imagebuilders.build_options.buildkit_attributes import TARGET_SCHEME, check_buildkit
from imagebuilders.build_options.cli_flags import render_cli_flags
from imagebuilders.build_options.image_details import chosen_attestations
from imagebuilders.build_options.parsing import parse_switch
from imagebuilders.build_options.values import BuildOutput, BuildSecret
from imagebuilders.exceptions import BuildOptionsError

if TYPE_CHECKING:
    from imagebuilders.build_options.options import DockerBuildOptions

ADDRESSES = ("docker-image://", "http://", "https://", "git://", "ssh://", "git@")
"""What a further context begins with that any machine can fetch."""

_HERE = {
    "ssh": "the agents and keys of this machine",
    "iidfile": "an image that is on this machine",
    "load": "an engine on this machine",
    "outputs": "what becomes of the result beside the push",
    "timeout": "the silence of an engine; the builder has time limits of its own",
}
_KEYS = frozenset(
    {"access_key_id", "secret_access_key", "session_token", "token", "account_key", "ghtoken"}
)


def check_elsewhere(options: DockerBuildOptions, secrets: Mapping[str, object]) -> None:
    """See whether another machine can honour the options.

    Args:
        options: the options.
        secrets: what the other machine has of secrets, by their IDs.

    Raises:
        BuildOptionsError: one is about this machine, or has no meaning in BuildKit.
    """
    check_buildkit(options)
    for name, meaning in _HERE.items():
        if getattr(options, name):
            raise _not_elsewhere(name, f"it is about {meaning}")
    for secret in options.secrets:
        if secret.id not in secrets:
            raise BuildOptionsError(
                f"The secret {secret.id!r} is not sent to another machine as text. Put it into "
                "Secrets Manager or Parameter Store, and name it in the builder's setting "
                f"'secrets', as in secrets={{{secret.id!r}: 'secretsmanager:NAME'}}.",
                option="secrets",
            )
    for option in ("cache_from", "cache_to"):
        for cache in getattr(options, option):
            if cache.type == "local":
                raise _not_elsewhere(option, "a cache of type 'local' is a folder of this machine")
            if any(name in _KEYS for name, _ in cache.attributes):
                raise _not_elsewhere(
                    option,
                    "it holds credentials, which would be sent as text; let the build's "
                    "role have access",
                )
    for name, value in options.build_contexts.items():
        if value.startswith(TARGET_SCHEME) or not value.startswith(ADDRESSES):
            raise _not_elsewhere(
                "build_contexts", f"the context {name!r} is on this machine ({value!r})"
            )


def _not_elsewhere(option: str, why: str) -> BuildOptionsError:
    return BuildOptionsError(
        f"The option {option!r} cannot be used when another machine builds: {why}. Leave it out, "
        "or build with an image builder on this machine.",
        option=option,
    )


def render_buildx_command(
    options: DockerBuildOptions,
    *,
    names: Sequence[str],
    context: str,
    dockerfile: str,
    metadata_file: str,
    secrets: Mapping[str, str],
    source_date_epoch: str = "",
) -> list[str]:
    """Return the words of a command that builds and pushes, and tells its progress as JSON.

    Args:
        options: the options; `check_elsewhere` has seen them.
        names: the names that the image is pushed under.
        context: the folder with the context.
        dockerfile: the Dockerfile's path.
        metadata_file: where the command writes what is said of the result.
        secrets: the environment variable that holds each secret, by its ID.
        source_date_epoch: the time of all files in the image, in seconds since 1970.
    """
    arguments = {name: value for name, value in options.buildargs.items() if value is not None}
    attributes = [("name", ",".join(names)), ("push", "true")]
    if source_date_epoch and "SOURCE_DATE_EPOCH" not in arguments:
        arguments["SOURCE_DATE_EPOCH"] = source_date_epoch
        attributes.append(("rewrite-timestamp", "true"))
    rendered = options.model_copy(
        update={
            "dockerfile": dockerfile,
            "buildargs": arguments,
            "tags": (),
            "secrets": tuple(
                BuildSecret(secret.id, env=secrets[secret.id]) for secret in options.secrets
            ),
            "outputs": (BuildOutput("image", tuple(attributes)),),
            # What means nothing to buildx, or is said in another way.
            **dict.fromkeys(
                ("squash", "isolation", "rm", "forcerm", "gzip", "encoding", "load", "push")
            ),
            "quiet": None,
            "progress": "rawjson",
            "metadata_file": metadata_file,
        }
    )
    return ["docker", "buildx", "build", *render_cli_flags(rendered), "--", context]


def needs_container_driver(options: DockerBuildOptions) -> bool:
    """Return whether an engine's own builder may be unable to do it.

    That is a build for several platforms, one whose cache is exported, and one that is attested:
    engines without containerd's store cannot keep an index.
    """
    is_attested = bool(chosen_attestations(options.attest, options.sbom, options.provenance))
    is_multi = "," in (options.platform or "") or parse_switch(
        options.buildargs.get("BUILDKIT_MULTI_PLATFORM") or ""
    )
    exports = any(cache.type != "inline" for cache in options.cache_to)
    return bool(is_multi or is_attested or exports or options.reproducible)
