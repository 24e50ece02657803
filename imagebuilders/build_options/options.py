"""`DockerBuildOptions`: the options of a build, checked and typed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from imagebuilders.build_options import reading
from imagebuilders.build_options.cli_flags import render_cli_flags
from imagebuilders.build_options.field_types import (
    Annotations,
    Attestations,
    Caches,
    Hosts,
    Limits,
    OneAttestation,
    Outputs,
    Secrets,
    SSHAgents,
    Text,
    Ulimits,
)
from imagebuilders.build_options.image_details import Annotation, Attestation
from imagebuilders.build_options.limits import ContainerLimits
from imagebuilders.build_options.names import canonical_names
from imagebuilders.build_options.values import (
    BuildCache,
    BuildOutput,
    BuildSecret,
    HostAddress,
    SSHAgent,
    Ulimit,
)
from imagebuilders.exceptions import BuildOptionsError
from imagebuilders.validation import findings

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Value = TypeVar("Value")
    Spellings: TypeAlias = (
        str | Value | Mapping[str, object] | Sequence[str | Value | Mapping[str, object]] | None
    )


_SHOWING = ("plain", "tty", "rawjson")
_SILENT = ("quiet", "none")


class DockerBuildOptions(BaseModel):
    """Options of a build, under the Docker SDK's keyword names.

    Beside these stand the options that only BuildKit knows (`secrets`, `ssh`,
    `cache_to`, `outputs`, …); a builder that cannot honour them says so. The flags' own names
    are taken too, with `_` for `-`: `add_host`, `shm_size`, `build_arg`.

    Values may be given as the SDK takes them or as `docker build` spells them:

        DockerBuildOptions(buildargs={"V": "1"}, extra_hosts=["db:10.0.0.2"],
                           container_limits={"memory": "512m"},
                           secrets=["id=tok,env=TOK"])

    Raises:
        BuildOptionsError: an option is unknown or has a wrong value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    dockerfile: Annotated[str | None, BeforeValidator(reading.path)] = None
    """The Dockerfile, relative to the context's root, or outside it."""
    buildargs: Annotated[dict[str, str | None], BeforeValidator(reading.arguments)] = Field(
        default_factory=dict
    )
    """Values for `ARG`; `None` leaves the Dockerfile's default. Not shown in `repr`."""
    labels: Annotated[dict[str, str], BeforeValidator(reading.labels)] = Field(default_factory=dict)
    """Labels of the image."""
    target: Text | None = None
    """The stage to build."""
    platform: Annotated[str | None, BeforeValidator(reading.platforms)] = None
    """The platform, as `os[/arch[/variant]]`; several are joined by commas (BuildKit only)."""
    cache_from: Caches = ()
    """Where to look for cached steps."""
    pull: bool | None = None
    """Whether to look for newer base images."""
    nocache: bool | None = None
    """Whether to build every step anew."""
    network_mode: Text | None = None
    """The network of `RUN` steps: `default`, `none`, `host`, or a network's name."""
    extra_hosts: Hosts = ()
    """Additional lines of `/etc/hosts` while steps run. A host may have several addresses."""
    container_limits: Limits = ContainerLimits()
    """Limits of the containers that run the steps, under the SDK's names or as in
    `cpu-quota=50000`."""
    shmsize: Annotated[int | None, BeforeValidator(reading.size)] = None
    """The size of `/dev/shm` while steps run, in bytes or as in `64m`."""
    ulimit: Ulimits = ()
    """Limits of the processes of steps, as in `nofile=1024:2048`."""
    squash: bool | None = None
    """Whether to make one layer of all (engines with experimental features)."""
    isolation: Text | None = None
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

    tags: Annotated[tuple[str, ...], BeforeValidator(reading.texts)] = ()
    """Further names of the image, beside the one that it is built under. They are not pushed."""

    secrets: Secrets = ()
    """Secrets for `RUN --mount=type=secret`; BuildKit only."""
    ssh: SSHAgents = ()
    """Agents for `RUN --mount=type=ssh`; BuildKit only."""
    cache_to: Caches = ()
    """Where to store cached steps; BuildKit only."""
    outputs: Outputs = ()
    """What becomes of the result; BuildKit only."""
    build_contexts: Annotated[dict[str, str], BeforeValidator(reading.contexts)] = Field(
        default_factory=dict
    )
    """Further contexts by name: folders, images (`docker-image://…`), `oci-layout://…`, git, or
    `target:NAME` for another build of the same `build_many`; BuildKit only."""
    no_cache_filter: Annotated[tuple[str, ...], BeforeValidator(reading.names)] = ()
    """Stages whose steps are built anew; BuildKit only."""
    attest: Attestations = ()
    """What is to be attested of the image, as in `type=sbom`; nothing by default. BuildKit only."""
    sbom: Annotated[OneAttestation, BeforeValidator(reading.sbom)] = None
    """Whether to attest what is in the image, or how; BuildKit only."""
    provenance: Annotated[OneAttestation, BeforeValidator(reading.provenance)] = None
    """Whether to attest how the image was built, or how, as in `mode=max`; BuildKit only."""
    annotations: Annotations = ()
    """Annotations of the image, as in `key=value` or `index:key=value`; BuildKit only."""
    allow: Annotated[tuple[str, ...], BeforeValidator(reading.entitlements)] = ()
    """What steps may do: `network.host`, `security.insecure`, `device`; BuildKit only."""
    cgroup_parent: Text | None = None
    """The parent of the control groups that steps run in."""
    policy: Annotated[tuple[str, ...], BeforeValidator(reading.policies)] = ()
    """`disabled=true`: policies beside a Dockerfile are not evaluated, and not warned of."""

    load: bool | None = None
    """Whether the image is put into the engine's store beside what `outputs` say."""
    push: bool | None = None
    """Whether the image is pushed, under each of its names, to the registries that these name."""
    iidfile: Annotated[str | None, BeforeValidator(reading.path)] = None
    """The file that the image's ID is written to."""
    metadata_file: Annotated[str | None, BeforeValidator(reading.path)] = None
    """The file that what the builder says of the result is written to, as JSON."""
    call: Text | None = None
    """What is asked of the Dockerfile in place of a build; a build itself takes `build` alone."""
    progress: Literal["", "auto", "plain", "tty", "quiet", "rawjson", "none"] | None = None
    """What the command line shows; for a builder, `quiet` and `none` are `quiet=True`."""

    reproducible: bool | None = None
    """Whether the context's files have times that depend on nothing but their content, and so
    every change of a file is seen by BuildKit, whatever its own time. With BuildKit the image's
    own times are fixed, too: at `SOURCE_DATE_EPOCH` or the beginning of 1980."""

    if TYPE_CHECKING:
        # Wider than the fields' own types: the other spellings are taken too.
        def __init__(
            self,
            *,
            dockerfile: str | os.PathLike[str] | None = ...,
            buildargs: Mapping[str, str | None] | Sequence[str] | None = ...,
            labels: Mapping[str, str] | Sequence[str] | str | None = ...,
            target: str | None = ...,
            platform: str | Sequence[str] | None = ...,
            cache_from: Spellings[BuildCache] = ...,
            pull: bool | None = ...,
            nocache: bool | None = ...,
            network_mode: str | None = ...,
            extra_hosts: Mapping[str, str] | Sequence[str | HostAddress] | None = ...,
            container_limits: ContainerLimits
            | Mapping[str, int | str]
            | Sequence[str]
            | None = ...,
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
            tags: str | Sequence[str] | None = ...,
            secrets: Spellings[BuildSecret] = ...,
            ssh: Spellings[SSHAgent] = ...,
            cache_to: Spellings[BuildCache] = ...,
            outputs: Spellings[BuildOutput] = ...,
            ulimit: Spellings[Ulimit] = ...,
            build_contexts: Mapping[str, str | os.PathLike[str]] | Sequence[str] | None = ...,
            no_cache_filter: str | Sequence[str] | None = ...,
            reproducible: bool | None = ...,
            attest: Spellings[Attestation] = ...,
            sbom: bool | str | Mapping[str, object] | Attestation | None = ...,
            provenance: bool | str | Mapping[str, object] | Attestation | None = ...,
            annotations: Mapping[str, str] | Sequence[str | Annotation] | str | None = ...,
            allow: str | Sequence[str] | None = ...,
            cgroup_parent: str | None = ...,
            policy: str | Sequence[str] | None = ...,
            load: bool | None = ...,
            push: bool | None = ...,
            iidfile: str | os.PathLike[str] | None = ...,
            metadata_file: str | os.PathLike[str] | None = ...,
            call: str | None = ...,
            progress: str | None = ...,
            # The flags' own names.
            file: str | os.PathLike[str] | None = ...,
            build_arg: Mapping[str, str | None] | Sequence[str] | None = ...,
            label: Mapping[str, str] | Sequence[str] | str | None = ...,
            no_cache: bool | None = ...,
            network: str | None = ...,
            add_host: Mapping[str, str] | Sequence[str | HostAddress] | None = ...,
            shm_size: int | str | None = ...,
            secret: Spellings[BuildSecret] = ...,
            output: Spellings[BuildOutput] = ...,
            annotation: Mapping[str, str] | Sequence[str | Annotation] | str | None = ...,
            resource: Mapping[str, int | str] | Sequence[str] | str | None = ...,
            build_context: Mapping[str, str | os.PathLike[str]] | Sequence[str] | None = ...,
        ) -> None: ...

    else:

        def __init__(self, **options: object) -> None:
            """Check the options; see the class."""
            given = canonical_names(options, known=type(self).model_fields)
            try:
                super().__init__(**given)
            except ValidationError as error:
                found = findings(error, DockerBuildOptions)
                # `from None`: pydantic's text quotes the input, which may be a secret.
                raise BuildOptionsError(
                    f"The build options are wrong: {'; '.join(map(str, found))}.",
                    option=found[0].key[0] if found[0].key else None,
                    problems={".".join(finding.key): finding.message for finding in found},
                ) from None
            if self.quiet and self.progress in _SHOWING:
                raise BuildOptionsError(
                    f"The options 'quiet' and 'progress' exclude each other: {self.progress!r} "
                    "shows what is to be quiet.",
                    option="progress",
                )

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
        # The names before Python sees them: one may be no text.
        given: dict[str, Any] = canonical_names(options or {}, known=cls.model_fields)
        return cls(**given)

    @property
    def tells_steps(self) -> bool:
        """Whether a builder reports steps and their output."""
        return not self.quiet and self.progress not in _SILENT

    def to_cli_flags(self) -> list[str]:
        """Return the options that are set as flags of `docker build`.

        Options of the HTTP exchange alone (`timeout`, `encoding`, `use_config_proxy`) have no
        flag. Build arguments stand in clear.

        Raises:
            BuildOptionsError: a secret comes from a function.
        """
        return render_cli_flags(self)

    def __repr_args__(self) -> Iterable[tuple[str | None, object]]:
        """Show what was set; of the build arguments, which often hold tokens, only the names."""
        for name in type(self).model_fields:
            if name in self.model_fields_set:
                yield name, sorted(self.buildargs) if name == "buildargs" else getattr(self, name)
