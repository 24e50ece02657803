"""Options as flags of `docker build`.

https://docs.docker.com/reference/cli/docker/buildx/build/
"""

from __future__ import annotations

from collections.abc import Iterable

from imagebuilders.build_options.fields import OptionValues
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
    limits = options.container_limits
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
    add("--memory", given(limits.memory))
    add("--memory-swap", given(limits.memswap))
    add("--cpu-shares", given(limits.cpushares))
    add("--cpuset-cpus", given(limits.cpusetcpus))
    add("--shm-size", given(options.shmsize))
    add("--ulimit", options.ulimit)
    add("--isolation", given(options.isolation))
    add("--secret", options.secrets)
    add("--ssh", options.ssh)
    add("--cache-to", options.cache_to)
    add("--output", options.outputs)
    add("--no-cache-filter", options.no_cache_filter)
    switches = {
        "--pull": options.pull,
        "--no-cache": options.nocache,
        "--squash": options.squash,
        "--force-rm": options.forcerm,
        "--quiet": options.quiet,
        "--compress": options.gzip or options.encoding == "gzip",
    }
    flags += [flag for flag, value in switches.items() if value]
    if options.rm is False:
        flags.append("--rm=false")
    return flags
