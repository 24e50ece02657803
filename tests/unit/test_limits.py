"""How much, how often and how long: the limits that are documented or come from elsewhere."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import pytest
from package_parts import modules_of
from pydantic import BaseModel, ValidationError

from imagebuilders.artifact_stores.config import BaseArtifactStoreConfig
from imagebuilders.artifact_stores.remote import RemoteArtifactStoreConfig
from imagebuilders.artifact_stores.retries import RetryPolicy as StoreRetries
from imagebuilders.artifact_stores.s3.config import S3ArtifactStoreConfig
from imagebuilders.aws.settings import AWSSettings
from imagebuilders.base_image_builder import BaseImageBuilderConfig
from imagebuilders.build_options.options import DockerBuildOptions
from imagebuilders.buildkit_image_builder import BuildKitImageBuilderConfig
from imagebuilders.container_registries.base import BaseContainerRegistryConfig
from imagebuilders.distribution.retries import RetryPolicy
from imagebuilders.exceptions import BuildOptionsError

KIB, MIB, GIB = 1024, 1024**2, 1024**3
INT64 = 2**63 - 1

SIZES = {
    # What is read into memory, or taken from somebody else's server or disk.
    "auth.MAX_OUTPUT_BYTES": 16 * MIB,
    "auth._COMPLAINT_LENGTH": 300,
    "aws._MAX_LINE_CHARS": 16 * MIB,
    "build_options.MAX_SECRET_BYTES": 500 * KIB,  # BuildKit's
    "buildkit._MAX_DETAIL_BYTES": 8 * MIB,
    "buildkit.MAX_FAILURE_BYTES": 16 * MIB,
    "buildkit.MAX_MESSAGE_BYTES": {256 * KIB, 32 * MIB},  # OpenSSH's, and our own for gRPC
    "buildkit.MAX_KEY_BYTES": 64 * KIB,
    "buildkit.MAX_LOG_CHARS": 64 * MIB,
    "buildkit.MAX_NAME_CHARS": 8 * KIB,
    "buildkit.MAX_LARGE_BYTES": 64 * MIB,
    "buildkit._MAX_FRAME_BYTES": 16 * KIB,  # RFC 9113, 4.2
    "buildkit.MAX_HEADER_BYTES": 4 * MIB,
    "buildkit.MAX_OUTPUT_BYTES": 1 * MIB,
    "cache_misses.MAX_FILE_BYTES": 64 * MIB,
    "cache_misses.MAX_FOLDER_BYTES": 256 * MIB,
    "connections._MAX_ANSWER_BYTES": 1 * MIB,
    "connections._MAX_SAID_BYTES": 64 * KIB,
    "connections._MAX_HEAD_BYTES": 64 * KIB,
    "connections._SHOWN_CHARACTERS": {300, 500},
    "context.BLOCK": 512,  # of a tar archive
    "context.RECORD": 10 * KIB,
    "context.LARGE_CONTEXT": 50 * MIB,
    "context.MAX_FILE_SIZE": 256 * MIB,
    "context.MAX_FOLDER_SIZE": 512 * MIB,
    "context.HELD_SIZE": 4 * MIB,
    "context.HELD_TOTAL": 32 * MIB,
    "context.MAX_LINE_LENGTH": 64 * KIB,  # bufio.Scanner's
    "control_files.MAX_SIZE": 16 * MIB,
    "diagnosis.FULL_BYTES": 256 * MIB,
    "diagnosis.LOW_BYTES": 2 * GIB,
    "distribution._SHOWN_CHARS": 500,
    "distribution.MAX_TOKEN_BYTES": 1 * MIB,
    "distribution.ERROR_BODY_BYTES": 64 * KIB,
    "distribution.MAX_PAGE_BYTES": 16 * MIB,
    "distribution.MAX_BLOB_IN_MEMORY": 64 * MIB,
    "distribution.MAX_CHUNK_BYTES": 512 * MIB,
    "distribution.DEFAULT_CHUNK_BYTES": 16 * MIB,
    "docker._MAX_ANSWER_BYTES": 16 * MIB,
    "docker.MAX_MESSAGE_CHARS": 16 * MIB,
    "docker.MAX_LINE_CHARS": 64 * KIB,
    "docker.MAX_ANSWER_BYTES": 16 * MIB,
    "docker.MAX_EXPLANATION_BYTES": 64 * KIB,
    "dockerfile._LONGEST_LINE": {64 * KIB - 1, 160},  # bufio.Scanner's, and that of an excerpt
    "evaluation.MAX_FILE_BYTES": 10 * MIB,
    "inspection.MAX_TEXT_BYTES": 256 * KIB,
    "masking.MAX_HELD_BYTES": 64 * KIB,
    "oci.MAX_CONFIG_BYTES": 8 * MIB,
    "oci.MAX_DOCUMENT_BYTES": 4 * MIB,  # the distribution specification's
    "oci.MAX_ARCHIVE_BYTES": 64 * GIB,
    "oci.MAX_TREE_BYTES": 4 * GIB,
    "oci.MAX_META_BYTES": 1 * MIB,
}
COUNTS = {
    "artifact_stores.MOST_PARTS": 10_000,  # S3's
    "aws._MAX_PAGES": 1_000,
    "aws.MAX_LINES": 10_000,
    "bake._MAX_DEPTH": 50,
    "build_options.MAX_NUMBER": INT64,
    "bake.MAX_VALUES": 100_000,
    "buildkit.SHOWN_OUTPUT_LINES": 20,
    "buildkit.MAX_RECORDS": 100_000,
    "buildkit.MAX_PARTS": 100_000,
    "buildkit.MAX_WARNINGS": 10_000,
    "buildkit.MAX_ENTRIES": 1_000_000,
    "buildkit.MAX_PATH_BYTES": 4095,  # Linux's PATH_MAX, without the zero
    "buildkit.MAX_STEPS": 10_000,
    "buildkit.MAX_INPUTS": 1_000,
    "buildkit.MAX_STREAMS": 128,
    "buildkit._MAX_HOST_CHARS": 300,
    "buildkit._MAX_NANOSECONDS": INT64,
    "buildkit.REQUEST_IDENTITIES": 11,  # of the agents' protocol
    "buildkit.SIGN_REQUEST": 13,
    "buildkit._RSA_SHA2_256": 2,
    "buildkit._RSA_SHA2_512": 4,
    "buildkit._CANCEL": 8,  # RFC 9113, 7
    "buildkit.PREFACE_BYTES": 24,  # RFC 9113, 3.4
    "buildkit._GOAWAY_TYPE": 7,
    "buildkit._STREAM_BITS": 2**31 - 1,
    "cache_misses._MAX_LINKS": 255,
    "cache_misses.MAX_BUILDS": 5,
    "connections.MAX_INTERIM_ANSWERS": 100,
    "connections.PLAIN_PORT": 2375,
    "connections.TLS_PORT": 2376,
    "diagnosis._MAX_WARNINGS": 10,
    "distribution._SHOWN_ERRORS": 3,
    "dockerfile._LARGEST_RETRIES": 2**31 - 1,
    "dockerfile._LARGEST_DESCRIPTOR": 2**64 - 1,
    "evaluation._LARGEST": {65535, 2**32 - 1, 2**63},
    "evaluation._LINKS": 255,
    "evaluation._MOST_LINKS": 255,
    "inspection.MAX_TEXT_LINES": 200,
    "context.MAX_LINKS": 255,
    "context.MAX_STEPS": 100_000,
    "context.MAX_NAME": 255,  # Linux's NAME_MAX
    "context.MAX_PATH": 4095,
    "context.MAX_REPEAT": 1000,  # RE2's
    "folder_opener.MOST_OPEN": 32,
    "distribution.MAX_PAGES": 100_000,
    "distribution.MAX_REDIRECTS": 5,
    "distribution._MAX_RENEWALS": 3,
    "docker.SHOWN_OUTPUT_LINES": 20,
    "docker._MAX_EXIT_CODE": 2**32 - 1,  # Windows'
    "docker._MAX_BYTES": INT64,
    "base_image_builder.MAX_PARALLEL": 4,
    "masking.MIN_CHARS": 4,
    "masking.MIN_LINE_CHARS": 8,
    "oci._MAX_LINKS": {255, 40},  # docker's, and Linux' own
    "oci.MAX_INT": INT64,
    "oci.MAX_NAME_CHARS": 255,
    "oci._MAX_NUMBER": INT64,
    "oci.MAX_ENTRIES": 10_000_000,
    "oci.MAX_STRETCHES": 100_000,
}
SECONDS = {
    "artifact_stores.STALE_AFTER": 86_400.0,
    "artifact_stores.LONGEST_WAIT": 900.0,
    "artifact_stores.LONGEST_PRESIGNED": 604_800,  # S3's: a week
    "auth.TIMEOUT_SECONDS": 30,
    "aws.FIRST_DELAY": 0.5,
    "aws.LONGEST_DELAY": 20.0,
    "aws.UNSEEN_SECONDS": 60.0,
    "aws.LOG_GRACE_SECONDS": 10.0,
    "aws.MARGIN": 900.0,
    "aws.UNCHECKED_SECONDS": 60.0,
    "diagnosis.CLOCK_DIFFERENCE_SECONDS": 60,
    "buildkit.DISK_USAGE_SECONDS": 300.0,
    "buildkit.ANSWER_SECONDS": {30.0, 60.0},
    "buildkit.SESSION_IDLE_SECONDS": 60.0,
    "buildkit.FIRST_STATUS_SECONDS": 0.5,
    "buildkit.STATUS_SECONDS": 5.0,
    "buildkit.STUCK_SECONDS": 5.0,
    "buildkit.CONNECT_SECONDS": 10.0,
    "buildkit.PRIOR_KNOWLEDGE_SECONDS": 5.0,
    "buildkit.READY_SECONDS": 20.0,
    "buildkit.HEALTH_SECONDS": 2.0,
    "buildkit.ONLY_SECONDS": 10.0,
    "buildkit.LIST_SECONDS": 20.0,
    "buildkit.HELD_SECONDS": 60.0,
    "buildkit.CLOSING_SECONDS": 2.0,
    "buildkit.IDLE_SECONDS": 320.0,
    "buildkit.CALL_SECONDS": 30.0,
    "connections.EXIT_SECONDS": 3,
    "connections.PING_TIMEOUT_SECONDS": 5,
    "connections.CONNECT_SECONDS": 30,
    "connections.UPGRADE_SECONDS": 20.0,
    "distribution.LEAST_LIFETIME": 60,
    "distribution.MOST_LIFETIME": 1_000_000_000,
    "distribution.CONNECT_TIMEOUT": 10.0,
    "distribution.IDLE_TIMEOUT": 60.0,
    "docker.CONNECT_SECONDS": 60.0,
    "docker.REQUEST_TIMEOUT_SECONDS": 60,
    "docker.SEND_TIMEOUT_SECONDS": 600,
    "docker.EXPLANATION_SECONDS": 30,
}
VERSIONS = {
    # The first that can do it.
    "build_options.WITH_CACHES": (4, 4),
    "build_options.WITH_SECRETS": (4, 0),
    "buildkit._WITH_SPACE_LIMITS": (0, 17),
    "buildkit._WITH_RESOURCES": (0, 31),
    "buildkit._API_OF_28": (1, 48),
    "buildkit._API_OF_23": (1, 42),
    "buildkit._API_OF_26": (1, 45),
    "connections.OLDEST_API_VERSION": (1, 24),
    "docker.WITH_HERE_DOCUMENTS": (4, 8),
    # What is kept on disk or in an image, and compared with what another version wrote.
    "cache_misses.FORMAT": 1,
    "oci.SCHEMA_VERSION": 2,
    "unchanged.FORMAT": 1,
}


@pytest.mark.parametrize("limits", [SIZES, COUNTS, SECONDS, VERSIONS], ids=lambda _: "limits")
def test_limits(limits: dict[str, object]) -> None:
    """They are those of the protocols, and those that users and their servers have come to know."""
    wanted = {path: value if isinstance(value, set) else {value} for path, value in limits.items()}
    found = {}
    for path in wanted:
        part, _, name = path.partition(".")
        defined = {vars(each)[name] for each in modules_of(part) if name in vars(each)}
        found[path] = defined & wanted[path]
    assert found == wanted


def test_exit_codes_of_the_command_line() -> None:
    """One for a failure, two for wrong usage, three for a difference; else the shell's own."""
    found = {
        name: {vars(each)[name] for each in modules_of("cli") if name in vars(each)}
        for name in ("FAILED", "WRONG_USAGE", "INTERRUPTED", "OUTPUT_CLOSED", "DIFFERENT")
    }
    assert found == {
        "FAILED": {1},
        "WRONG_USAGE": {2},
        "INTERRUPTED": {130},
        "OUTPUT_CLOSED": {141},
        "DIFFERENT": {3},
    }


@pytest.mark.parametrize("policy", ["aws.faults._TRANSIENT", "distribution.retries.TRANSIENT"])
def test_statuses_after_which_a_request_is_repeated(policy: str) -> None:
    """The server was busy, slow or broken for a moment; every other answer is final."""
    module, _, name = f"imagebuilders.{policy}_STATUSES".rpartition(".")
    assert getattr(import_module(module), name) == {408, 429, 500, 502, 503, 504}


def test_retries() -> None:
    """A store waits from a fifth of a second to ten, a registry from half a second to a minute."""
    store, registry = StoreRetries(), RetryPolicy()
    assert (store.attempts, store.first_delay, store.longest_delay) == (5, 0.2, 10.0)
    assert (registry.attempts, registry.first_wait, registry.longest_wait) == (5, 0.5, 60.0)


@pytest.mark.parametrize(
    ("settings", "name", "default", "taken", "refused"),
    [
        (AWSSettings, "anonymous", False, [], []),
        (AWSSettings, "verify", True, [], []),
        (AWSSettings, "connect_timeout", 10.0, [0.5, 86_400.0], [0, 86_400.5]),
        (AWSSettings, "read_timeout", 60.0, [0.5, 86_400.0], [0, 86_400.5]),
        (AWSSettings, "attempts", 5, [1, 20], [0, 21]),
        (RemoteArtifactStoreConfig, "attempts", 5, [1, 20], [0, 21]),
        (
            S3ArtifactStoreConfig,
            "part_size",
            8 * MIB,
            [5 * MIB, 5 * GIB],
            [5 * MIB - 1, 5 * GIB + 1],
        ),
        (S3ArtifactStoreConfig, "concurrency", 4, [1, 32], [0, 33]),
        (BaseContainerRegistryConfig, "idle_timeout", 600.0, [0.5, 1e9, None], [0, math.inf]),
        (BuildKitImageBuilderConfig, "start_timeout", 30.0, [0.5, 1e9], [0, math.inf]),
    ],
)
def test_settings(
    settings: type[BaseModel], name: str, default: object, taken: list[Any], refused: list[Any]
) -> None:
    """Who says nothing gets what is documented; the bounds are taken, and nothing past them."""
    needed = {
        RemoteArtifactStoreConfig: {"path": "memory://x"},
        S3ArtifactStoreConfig: {"path": "s3://x"},
        BaseContainerRegistryConfig: {"uri": "localhost:5000"},
    }
    given: dict[str, Any] = needed.get(settings, {})
    assert getattr(settings(**given), name) == default
    for value in taken:
        assert getattr(settings(**given, **{name: value}), name) == value
    for value in refused:
        with pytest.raises(ValidationError):
            settings(**given, **{name: value})


@pytest.mark.parametrize(
    "settings",
    [
        BaseArtifactStoreConfig,
        BaseImageBuilderConfig,
        BuildKitImageBuilderConfig,
        DockerBuildOptions,
    ],
)
def test_settings_are_checked_and_kept(settings: type[BaseModel]) -> None:
    """A misspelled name is refused, and what was accepted cannot be changed."""
    with pytest.raises((ValidationError, BuildOptionsError), match="nonsense"):
        settings.model_validate({"nonsense": 1})
    name = next(iter(settings.model_fields), "nonsense")
    with pytest.raises(ValidationError):
        setattr(settings(), name, None)
