"""Options as flags of `docker build`.

https://docs.docker.com/reference/cli/docker/buildx/build/
"""

from __future__ import annotations

from collections.abc import Iterable

from imagebuilders.build_options.fields import OptionValues
from imagebuilders.build_options.image_details import Attestation
from imagebuilders.build_options.limits import RESOURCES
from imagebuilders.build_options.parsing import format_fields
from imagebuilders.exceptions import BuildOptionsError


def render_cli_flags(options: OptionValues) -> list[str]:
    """Return the options that are set as words to be put after `docker build`.

    Options of the HTTP exchange alone (`timeout`, `encoding`, `use_config_proxy`) have no flag.
    Build arguments stand in clear.

    Raises:
        BuildOptionsError: a secret comes from a function, which no command can call.
    """
    flags: list[str] = []

    def add(flag: str, values: Iterable[object]) -> None:
        for value in values:
            flags.extend((flag, str(value)))

    def given(value: object) -> list[object]:
        return [] if value is None else [value]

    for secret in options.secrets:
        if secret.get is not None:
            raise BuildOptionsError(
                f"The secret {secret.id!r} comes from a function of this program, which the "
                "command cannot call: take it from env or src.",
                option="secrets",
            )
    limits = options.container_limits.as_dict()
    add("--file", given(options.dockerfile))
    add(
        "--build-arg",
        (key if value is None else f"{key}={value}" for key, value in options.buildargs.items()),
    )
    add("--label", (f"{key}={value}" for key, value in options.labels.items()))
    add("--tag", options.tags)
    add("--target", given(options.target))
    add("--platform", given(options.platform))
    add("--cache-from", (cache.image or cache for cache in options.cache_from))
    add("--network", given(options.network_mode))
    add("--add-host", options.extra_hosts)
    add("--build-context", (f"{key}={value}" for key, value in options.build_contexts.items()))
    for flag, name in RESOURCES.items():
        add(f"--{flag}", given(limits.get(name)))
    add("--cgroup-parent", given(options.cgroup_parent or None))
    add("--shm-size", given(options.shmsize))
    add("--ulimit", options.ulimit)
    add("--isolation", given(options.isolation))
    add("--secret", options.secrets)
    add("--ssh", options.ssh)
    add("--cache-to", options.cache_to)
    add("--output", options.outputs)
    add("--no-cache-filter", options.no_cache_filter)
    add("--attest", options.attest)
    for attestation in (options.sbom, options.provenance):
        if attestation is not None:
            add(f"--{attestation.type}", [_without_type(attestation)])
    add("--annotation", options.annotations)
    add("--allow", options.allow)
    add("--policy", options.policy)
    add("--iidfile", given(options.iidfile))
    add("--metadata-file", given(options.metadata_file))
    add("--call", given(options.call))
    add("--progress", given(options.progress))
    switches = {
        "--pull": options.pull,
        "--no-cache": options.nocache,
        "--squash": options.squash,
        "--force-rm": options.forcerm,
        "--quiet": options.quiet,
        "--load": options.load,
        "--push": options.push,
        "--compress": options.gzip or options.encoding == "gzip",
    }
    flags += [flag for flag, value in switches.items() if value]
    if options.rm is False:
        flags.append("--rm=false")
    return flags


def _without_type(attestation: Attestation) -> str:
    """Return what the flag of an attestation's own type says."""
    if attestation.is_disabled:
        return "false"
    return format_fields(attestation.attributes) or "true"
