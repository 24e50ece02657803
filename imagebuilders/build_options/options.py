"""`DockerBuildOptions`: the options of a build, checked and typed."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from imagebuilders.build_options.values import (
    BuildCache,
    BuildOutput,
    BuildSecret,
    ContainerLimits,
    SSHAgent,
    as_sequence,
    parse_build_arguments,
    parse_pairs,
    parse_size,
)
from imagebuilders.exceptions import BuildOptionsError
from imagebuilders.validation import findings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Value = TypeVar("Value")
    Spellings: TypeAlias = (
        str | Value | Mapping[str, object] | Sequence[str | Value | Mapping[str, object]] | None
    )


def _each(kind: type[Any]) -> Callable[[object], object]:
    """Make a validator that reads one or several values in the CLI's spelling."""

    def read(value: object) -> object:
        if value is None:
            return ()
        items = []
        for item in as_sequence(value):
            if isinstance(item, Mapping):
                items.append(_from_mapping(kind, item))
            else:
                items.append(kind.parse(item) if isinstance(item, str) else item)
        return tuple(items)

    return read


def _from_mapping(kind: type[Any], item: Mapping[str, object]) -> object:
    """Read a mapping with the keys of the CLI's spelling."""
    from imagebuilders.build_options.values import format_fields

    return kind.parse(format_fields([(str(key), str(value)) for key, value in item.items()]))


def _unless_none(read: Callable[[Any], object]) -> Callable[[object], object]:
    return lambda value: None if value is None else read(value)


def _labels(value: object) -> object:
    return {} if value is None else parse_pairs(value, what="K=V")


def _hosts(value: object) -> object:
    return {} if value is None else parse_pairs(value, what="host:ip", separators="=:")


def _arguments(value: object) -> object:
    return {} if value is None else parse_build_arguments(value)


def _path(value: object) -> object:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _limits(value: object) -> object:
    if value is None or isinstance(value, ContainerLimits):
        return value or ContainerLimits()
    if not isinstance(value, Mapping):
        raise ValueError("give a dict with memory, memswap, cpushares, cpusetcpus")
    return ContainerLimits.parse(value)


class DockerBuildOptions(BaseModel):
    """Options of a build, under the Docker SDK's keyword names.

    Beside these stand the options that only BuildKit knows (`secrets`, `ssh`,
    `cache_to`, `outputs`); a builder that cannot honour them says so.

    Values may be given as the SDK takes them or as `docker build` spells them:

        DockerBuildOptions(buildargs={"V": "1"}, extra_hosts=["db:10.0.0.2"],
                           container_limits={"memory": "512m"},
                           secrets=["id=tok,env=TOK"])

    Raises:
        BuildOptionsError: an option is unknown or has a wrong value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    dockerfile: Annotated[str | None, BeforeValidator(_path)] = None
    """The Dockerfile, relative to the context's root, or outside it."""
    buildargs: Annotated[dict[str, str | None], BeforeValidator(_arguments)] = Field(
        default_factory=dict
    )
    """Values for `ARG`; `None` leaves the Dockerfile's default. Not shown in `repr`."""
    labels: Annotated[dict[str, str], BeforeValidator(_labels)] = Field(default_factory=dict)
    """Labels of the image."""
    target: str | None = None
    """The stage to build."""
    platform: str | None = None
    """The platform, as `os[/arch[/variant]]`."""
    cache_from: Annotated[tuple[BuildCache, ...], BeforeValidator(_each(BuildCache))] = ()
    """Where to look for cached steps."""
    pull: bool | None = None
    """Whether to look for newer base images."""
    nocache: bool | None = None
    """Whether to build every step anew."""
    network_mode: str | None = None
    """The network of `RUN` steps: `default`, `none`, `host`, or a network's name."""
    extra_hosts: Annotated[dict[str, str], BeforeValidator(_hosts)] = Field(default_factory=dict)
    """Additional lines of `/etc/hosts` while steps run: host name to address."""
    container_limits: Annotated[ContainerLimits, BeforeValidator(_limits)] = ContainerLimits()
    """Limits of the containers that run the steps."""
    shmsize: Annotated[int | None, BeforeValidator(_unless_none(parse_size))] = None
    """The size of `/dev/shm` while steps run, in bytes or as in `64m`."""
    squash: bool | None = None
    """Whether to make one layer of all (engines with experimental features)."""
    isolation: str | None = None
    """The isolation of Windows containers."""
    rm: bool | None = None
    """Whether to remove the containers of successful steps; a builder's default is to do so."""
    forcerm: bool | None = None
    """Whether to remove the containers of failed steps; a builder's default is to do so."""
    use_config_proxy: bool | None = None
    """Whether to give steps the proxies of Docker's configuration file; on by default."""
    quiet: bool | None = None
    """Whether to report no steps and no output."""
    timeout: Annotated[float | None, Field(gt=0, allow_inf_nan=False)] = None
    """Seconds the engine may be silent; without limit by default."""
    gzip: bool | None = None
    """Whether to compress the context on its way to the engine."""
    encoding: str | None = None
    """`gzip` is the same as `gzip=True`; the SDK's other values need a context of one's own."""

    secrets: Annotated[tuple[BuildSecret, ...], BeforeValidator(_each(BuildSecret))] = ()
    """Secrets for `RUN --mount=type=secret`; BuildKit only."""
    ssh: Annotated[tuple[SSHAgent, ...], BeforeValidator(_each(SSHAgent))] = ()
    """Agents for `RUN --mount=type=ssh`; BuildKit only."""
    cache_to: Annotated[tuple[BuildCache, ...], BeforeValidator(_each(BuildCache))] = ()
    """Where to store cached steps; BuildKit only."""
    outputs: Annotated[tuple[BuildOutput, ...], BeforeValidator(_each(BuildOutput))] = ()
    """What becomes of the result; BuildKit only."""

    BUILDKIT_ONLY: ClassVar[tuple[str, ...]] = ("secrets", "ssh", "cache_to", "outputs")

    if TYPE_CHECKING:
        # Wider than the fields' own types: the other spellings are taken too.
        def __init__(
            self,
            *,
            dockerfile: str | os.PathLike[str] | None = ...,
            buildargs: Mapping[str, str | None] | Sequence[str] | None = ...,
            labels: Mapping[str, str] | Sequence[str] | None = ...,
            target: str | None = ...,
            platform: str | None = ...,
            cache_from: Spellings[BuildCache] = ...,
            pull: bool | None = ...,
            nocache: bool | None = ...,
            network_mode: str | None = ...,
            extra_hosts: Mapping[str, str] | Sequence[str] | None = ...,
            container_limits: ContainerLimits | Mapping[str, int | str] | None = ...,
            shmsize: int | str | None = ...,
            squash: bool | None = ...,
            isolation: str | None = ...,
            rm: bool | None = ...,
            forcerm: bool | None = ...,
            use_config_proxy: bool | None = ...,
            quiet: bool | None = ...,
            timeout: float | None = ...,
            gzip: bool | None = ...,
            encoding: str | None = ...,
            secrets: Spellings[BuildSecret] = ...,
            ssh: Spellings[SSHAgent] = ...,
            cache_to: Spellings[BuildCache] = ...,
            outputs: Spellings[BuildOutput] = ...,
        ) -> None: ...

    else:

        def __init__(self, **options: object) -> None:
            """Check the options; see the class."""
            _check_names(options, known=type(self).model_fields)
            try:
                super().__init__(**options)
            except ValidationError as error:
                found = findings(error, DockerBuildOptions)
                # `from None`: pydantic's text quotes the input, which may be a secret.
                raise BuildOptionsError(
                    f"The build options are wrong: {'; '.join(map(str, found))}.",
                    option=found[0].key[0] if found[0].key else None,
                    problems={".".join(finding.key): finding.message for finding in found},
                ) from None

    @classmethod
    def from_any(
        cls, options: Mapping[str, object] | DockerBuildOptions | None
    ) -> DockerBuildOptions:
        """Take options in any of the forms builders accept.

        Raises:
            BuildOptionsError: an option is unknown or has a wrong value.
        """
        if isinstance(options, DockerBuildOptions):
            return options
        if options is not None and not isinstance(options, Mapping):
            raise BuildOptionsError(
                f"Build options are a dict or DockerBuildOptions, not {type(options).__name__}."
            )
        given: dict[str, Any] = dict(options or {})  # what it holds is checked by the class
        _check_names(given, known=cls.model_fields)  # before Python: a name may be no text
        return cls(**given)

    def to_sdk_kwargs(self) -> dict[str, object]:
        """Give the options that are set as keyword arguments of the SDK's `images.build`.

        Raises:
            BuildOptionsError: an option is set that a classic build cannot honour.
        """
        for name in self.BUILDKIT_ONLY:
            if getattr(self, name):
                raise BuildOptionsError(
                    f"The option {name!r} needs BuildKit: the classic build of a Docker Engine "
                    "cannot take it. Leave it out, or use a builder that builds with BuildKit.",
                    option=name,
                )
        if self.platform is not None and "," in self.platform:
            raise BuildOptionsError(
                "The option 'platform' names several platforms, which needs BuildKit: the classic "
                "build of a Docker Engine takes one.",
                option="platform",
                problems={"platform": "the classic build of a Docker Engine takes one platform"},
            )
        if self.encoding not in (None, "gzip"):
            raise BuildOptionsError(
                "The option 'encoding' is for contexts compressed by the caller; here the builder "
                "makes the archive, and compresses it with gzip=True.",
                option="encoding",
                suggestion="gzip",
            )
        kwargs: dict[str, object] = {}
        for name in self._SDK_PLAIN:
            value = getattr(self, name)
            if value is not None and value != {}:
                kwargs[name] = value
        if self.cache_from:
            kwargs["cache_from"] = [self._cache_image(cache) for cache in self.cache_from]
        if limits := self.container_limits.as_dict():
            kwargs["container_limits"] = limits
        return kwargs

    _SDK_PLAIN: ClassVar[tuple[str, ...]] = (
        "dockerfile",
        "buildargs",
        "labels",
        "target",
        "platform",
        "pull",
        "nocache",
        "network_mode",
        "extra_hosts",
        "shmsize",
        "squash",
        "isolation",
        "rm",
        "forcerm",
        "use_config_proxy",
        "quiet",
        "timeout",
        "gzip",
        "encoding",
    )

    def to_cli_flags(self) -> list[str]:
        """Give the options that are set as flags of `docker build`.

        Options of the HTTP exchange alone (`timeout`, `encoding`,
        `use_config_proxy`) have no flag. Build arguments stand in clear.
        """
        flags: list[str] = []

        def add(flag: str, values: Iterable[object]) -> None:
            for value in values:
                flags.extend((flag, str(value)))

        def given(value: object) -> list[object]:
            return [] if value is None else [value]

        add("--file", given(self.dockerfile))
        add(
            "--build-arg",
            (key if value is None else f"{key}={value}" for key, value in self.buildargs.items()),
        )
        add("--label", (f"{key}={value}" for key, value in self.labels.items()))
        add("--target", given(self.target))
        add("--platform", given(self.platform))
        add("--cache-from", (cache.image or cache for cache in self.cache_from))
        add("--network", given(self.network_mode))
        add("--add-host", (f"{host}:{address}" for host, address in self.extra_hosts.items()))
        limits = self.container_limits
        add("--memory", given(limits.memory))
        add("--memory-swap", given(limits.memswap))
        add("--cpu-shares", given(limits.cpushares))
        add("--cpuset-cpus", given(limits.cpusetcpus))
        add("--shm-size", given(self.shmsize))
        add("--isolation", given(self.isolation))
        add("--secret", self.secrets)
        add("--ssh", self.ssh)
        add("--cache-to", self.cache_to)
        add("--output", self.outputs)
        switches = {
            "--pull": self.pull,
            "--no-cache": self.nocache,
            "--squash": self.squash,
            "--force-rm": self.forcerm,
            "--quiet": self.quiet,
            "--compress": self.gzip or self.encoding == "gzip",
        }
        flags += [flag for flag, value in switches.items() if value]
        if self.rm is False:
            flags.append("--rm=false")
        return flags

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        """Show what was set; of the build arguments, which often hold tokens, only the names."""
        for name in type(self).model_fields:
            if name in self.model_fields_set:
                yield name, sorted(self.buildargs) if name == "buildargs" else getattr(self, name)

    def _cache_image(self, cache: BuildCache) -> str:
        if cache.image is None:
            raise BuildOptionsError(
                f"The option 'cache_from' with type={cache.type} and attributes needs BuildKit: "
                "the classic build of a Docker Engine takes names of images.",
                option="cache_from",
            )
        return cache.image


_SET_BY_THE_BUILDER = {
    "path": "the build context",
    "fileobj": "the build context",
    "custom_context": "the build context",
    "tag": "the image name",
    "decode": "the builder",
}

# What people write instead, after the flags of `docker build`.
_FLAG_NAMES = {
    "file": "dockerfile",
    "network": "network_mode",
    "add_host": "extra_hosts",
    "secret": "secrets",
    "output": "outputs",
    "compress": "gzip",
    "memory": "container_limits",
    "memory_swap": "container_limits",
    "cpu_shares": "container_limits",
    "cpuset_cpus": "container_limits",
    "args": "buildargs",
}


def _check_names(options: Mapping[str, object], *, known: Iterable[str]) -> None:
    names = list(known)
    for name in options:
        if name in names:
            continue
        if name in _SET_BY_THE_BUILDER:
            raise BuildOptionsError(
                f"The build option {name!r} cannot be given here: {_SET_BY_THE_BUILDER[name]} "
                "decides it.",
                option=name,
            )
        plain = str(name).lstrip("-").replace("-", "_").lower()
        near = difflib.get_close_matches(plain, names, n=1)
        suggestion = _FLAG_NAMES.get(plain) or (near[0] if near else None)
        hint = f" Did you mean {suggestion!r}?" if suggestion else ""
        raise BuildOptionsError(
            f"There is no build option {name!r}.{hint}", option=str(name), suggestion=suggestion
        )
