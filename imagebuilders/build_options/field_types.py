"""The types of options' fields, each with the validator that reads what is given."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, GetPydanticSchema
from pydantic_core import core_schema

from imagebuilders.build_options import reading
from imagebuilders.build_options.image_details import Annotation, Attestation
from imagebuilders.build_options.limits import ContainerLimits
from imagebuilders.build_options.parsing import encodable
from imagebuilders.build_options.values import (
    BuildCache,
    BuildOutput,
    BuildSecret,
    HostAddress,
    SSHAgent,
    Ulimit,
)

_AS_READ = GetPydanticSchema(lambda kind, _: core_schema.is_instance_schema(kind))
"""Beside a class of values: the readers make them, and nothing looks into their fields again."""

Text: TypeAlias = Annotated[str, AfterValidator(encodable)]
Limits: TypeAlias = Annotated[ContainerLimits, _AS_READ, BeforeValidator(reading.limits)]
OneAttestation: TypeAlias = Annotated[Attestation, _AS_READ] | None
Caches: TypeAlias = Annotated[
    tuple[Annotated[BuildCache, _AS_READ], ...], BeforeValidator(reading.each(BuildCache))
]
Hosts: TypeAlias = Annotated[
    tuple[Annotated[HostAddress, _AS_READ], ...], BeforeValidator(reading.hosts)
]
Ulimits: TypeAlias = Annotated[
    tuple[Annotated[Ulimit, _AS_READ], ...], BeforeValidator(reading.ulimits)
]
Secrets: TypeAlias = Annotated[
    tuple[Annotated[BuildSecret, _AS_READ], ...], BeforeValidator(reading.secrets)
]
SSHAgents: TypeAlias = Annotated[
    tuple[Annotated[SSHAgent, _AS_READ], ...], BeforeValidator(reading.each(SSHAgent))
]
Outputs: TypeAlias = Annotated[
    tuple[Annotated[BuildOutput, _AS_READ], ...], BeforeValidator(reading.each(BuildOutput))
]
Attestations: TypeAlias = Annotated[
    tuple[Annotated[Attestation, _AS_READ], ...], BeforeValidator(reading.each(Attestation))
]
Annotations: TypeAlias = Annotated[
    tuple[Annotated[Annotation, _AS_READ], ...], BeforeValidator(reading.image_annotations)
]
