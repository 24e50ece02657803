"""How much, how often and how long: the limits that are documented or come from elsewhere."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import pytest
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
    "auth.credential_helper.MAX_OUTPUT_BYTES": 16 * MIB,
    "build_options.secret_sources.MAX_SECRET_BYTES": 500 * KIB,  # BuildKit's
    "buildkit.control.failure._MAX_DETAIL_BYTES": 8 * MIB,
    "buildkit.history.MAX_FAILURE_BYTES": 16 * MIB,
    "buildkit.session.ssh.MAX_MESSAGE_BYTES": 256 * KIB,  # OpenSSH's
    "buildkit.session.ssh_keys.MAX_KEY_BYTES": 64 * KIB,
    "buildkit.step_log.MAX_LOG_CHARS": 64 * MIB,
    "buildkit.steps.MAX_NAME_CHARS": 8 * KIB,
    "buildkit.transport.calls.MAX_LARGE_BYTES": 64 * MIB,
    "buildkit.transport.frames._MAX_FRAME_BYTES": 16 * KIB,  # RFC 9113, 4.2
    "buildkit.transport.http2.MAX_HEADER_BYTES": 4 * MIB,
    "buildkit.transport.http2.MAX_OUTPUT_BYTES": 1 * MIB,
    "buildkit.transport.messages.MAX_MESSAGE_BYTES": 32 * MIB,
    "cache_misses.records.MAX_FILE_BYTES": 64 * MIB,
    "cache_misses.records.MAX_FOLDER_BYTES": 256 * MIB,
    "connections.container_exec._MAX_ANSWER_BYTES": 1 * MIB,
    "connections.container_exec._MAX_SAID_BYTES": 64 * KIB,
    "connections.probe._MAX_ANSWER_BYTES": 1 * MIB,
    "connections.upgrade._MAX_HEAD_BYTES": 64 * KIB,
    "context.advice.LARGE_CONTEXT": 50 * MIB,
    "context.cache_file.MAX_FILE_SIZE": 256 * MIB,
    "context.digest_cache.MAX_FOLDER_SIZE": 512 * MIB,
    "context.extra_files.HELD_SIZE": 4 * MIB,
    "context.extra_files.HELD_TOTAL": 32 * MIB,
    "context.ignore_file.MAX_LINE_LENGTH": 64 * KIB,  # bufio.Scanner's
    "control_files.MAX_SIZE": 16 * MIB,
    "distribution.authorization.MAX_TOKEN_BYTES": 1 * MIB,
    "distribution.failures.ERROR_BODY_BYTES": 64 * KIB,
    "distribution.paging.MAX_PAGE_BYTES": 16 * MIB,
    "distribution.repository.MAX_BLOB_IN_MEMORY": 64 * MIB,
    "distribution.upload_session.MAX_CHUNK_BYTES": 512 * MIB,
    "distribution.uploads.DEFAULT_CHUNK_BYTES": 16 * MIB,
    "docker.build_engine._MAX_ANSWER_BYTES": 16 * MIB,
    "docker.json_stream.MAX_MESSAGE_CHARS": 16 * MIB,
    "docker.output_lines.MAX_LINE_CHARS": 64 * KIB,
    "docker.stream.MAX_ANSWER_BYTES": 16 * MIB,
    "docker.stream.MAX_EXPLANATION_BYTES": 64 * KIB,
    "dockerfile.parser._LONGEST_LINE": 64 * KIB - 1,  # bufio.Scanner's, without the line break
    "masking.MAX_HELD_BYTES": 64 * KIB,
    "oci.image_config.MAX_CONFIG_BYTES": 8 * MIB,
    "oci.json_document.MAX_DOCUMENT_BYTES": 4 * MIB,  # the distribution specification's
    "oci.layer.MAX_ARCHIVE_BYTES": 64 * GIB,
    "oci.layer.MAX_TREE_BYTES": 4 * GIB,
    "oci.tar_reader.MAX_META_BYTES": 1 * MIB,
}
COUNTS = {
    "artifact_stores.s3.multipart.MOST_PARTS": 10_000,  # S3's
    "bake.compose_model._MAX_DEPTH": 50,
    "bake.interpolation._MAX_DEPTH": 50,
    "bake.yaml_text.MAX_VALUES": 100_000,
    "buildkit.build_errors.SHOWN_OUTPUT_LINES": 20,
    "buildkit.history.MAX_RECORDS": 100_000,
    "buildkit.progress.MAX_PARTS": 100_000,
    "buildkit.progress.MAX_WARNINGS": 10_000,
    "buildkit.session.folder_receiver.MAX_ENTRIES": 1_000_000,
    "buildkit.session.folder_receiver.MAX_PATH_BYTES": 4095,  # Linux's PATH_MAX, without the zero
    "buildkit.session.sync_paths.MAX_LINKS": 255,
    "buildkit.session.sync_paths.MAX_STEPS": 100_000,
    "buildkit.steps.MAX_INPUTS": 1_000,
    "buildkit.steps.MAX_STEPS": 10_000,
    "buildkit.transport.http2.MAX_STREAMS": 128,
    "cache_misses.copied_files._MAX_LINKS": 255,
    "cache_misses.records.MAX_BUILDS": 5,
    "connections.http1.MAX_INTERIM_ANSWERS": 100,
    "context.extra_files.MAX_NAME": 255,  # Linux's NAME_MAX
    "context.extra_files.MAX_PATH": 4095,
    "context.go_regexp.MAX_REPEAT": 1000,  # RE2's
    "context.opener.MOST_OPEN": 32,
    "distribution.paging.MAX_PAGES": 100_000,
    "distribution.sender.MAX_REDIRECTS": 5,
    "distribution.session._MAX_RENEWALS": 3,
    "docker.build_progress.SHOWN_OUTPUT_LINES": 20,
    "docker.build_progress._MAX_EXIT_CODE": 2**32 - 1,  # Windows'
    "docker.layers._MAX_BYTES": INT64,
    "many_builds.MAX_PARALLEL": 4,
    "masking.MIN_CHARS": 4,
    "masking.MIN_LINE_CHARS": 8,
    "oci.file_tree._MAX_LINKS": 255,
    "oci.json_document.MAX_INT": INT64,
    "oci.reference.MAX_NAME_CHARS": 255,
    "oci.tar_header._MAX_NUMBER": INT64,
    "oci.tar_reader.MAX_ENTRIES": 10_000_000,
    "oci.tar_sparse.MAX_STRETCHES": 100_000,
}
SECONDS = {
    "artifact_stores.temporary.STALE_AFTER": 86_400.0,
    "auth.credential_helper.TIMEOUT_SECONDS": 30,
    "buildkit.build_cache.DISK_USAGE_SECONDS": 300.0,
    "buildkit.control.client.ANSWER_SECONDS": 30.0,
    "buildkit.control.client.SESSION_IDLE_SECONDS": 60.0,
    "buildkit.control.solve.FIRST_STATUS_SECONDS": 0.5,
    "buildkit.control.solve.STATUS_SECONDS": 5.0,
    "buildkit.control.solve.STUCK_SECONDS": 5.0,
    "buildkit.daemon.CONNECT_SECONDS": 10.0,
    "buildkit.engine.PRIOR_KNOWLEDGE_SECONDS": 5.0,
    "buildkit.engine.READY_SECONDS": 20.0,
    "buildkit.fleet_build.HEALTH_SECONDS": 2.0,
    "buildkit.fleet_build.ONLY_SECONDS": 10.0,
    "buildkit.kubernetes_pods.LIST_SECONDS": 20.0,
    "buildkit.linked_builds.HELD_SECONDS": 60.0,
    "buildkit.session.ssh_socket.CONNECT_SECONDS": 10.0,
    "buildkit.transport.channel.ANSWER_SECONDS": 60.0,
    "buildkit.transport.channel.CLOSING_SECONDS": 2.0,
    "buildkit.transport.channel.IDLE_SECONDS": 320.0,
    "buildkit.transport.link.CALL_SECONDS": 30.0,
    "connections.command.EXIT_SECONDS": 3,
    "connections.discovery.PING_TIMEOUT_SECONDS": 5,
    "connections.ssh.CONNECT_SECONDS": 30,
    "connections.upgrade.UPGRADE_SECONDS": 20.0,
    "distribution.authorization.LEAST_LIFETIME": 60,
    "distribution.authorization.MOST_LIFETIME": 1_000_000_000,
    "distribution.transport.CONNECT_TIMEOUT": 10.0,
    "distribution.transport.IDLE_TIMEOUT": 60.0,
    "docker.build_engine.CONNECT_SECONDS": 60.0,
    "docker.client.REQUEST_TIMEOUT_SECONDS": 60,
    "docker.connection.SEND_TIMEOUT_SECONDS": 600,
    "docker.stream.EXPLANATION_SECONDS": 30,
}
VERSIONS = {
    # The first that can do it.
    "build_options.podman_query.WITH_CACHES": (4, 4),
    "build_options.podman_query.WITH_SECRETS": (4, 0),
    "buildkit.build_cache._WITH_SPACE_LIMITS": (0, 17),
    "buildkit.control.client._WITH_RESOURCES": (0, 31),
    "buildkit.engine_client._API_OF_28": (1, 48),
    "buildkit.engine_features._API_OF_23": (1, 42),
    "buildkit.engine_features._API_OF_26": (1, 45),
    "connections.engine_version.OLDEST_API_VERSION": (1, 24),
    "docker.podman_build.WITH_HERE_DOCUMENTS": (4, 8),
    # What is kept on disk or in an image, and compared with what another version wrote.
    "cache_misses.records.FORMAT": 1,
    "oci.manifest.SCHEMA_VERSION": 2,
    "unchanged.build_key.FORMAT": 1,
}


@pytest.mark.parametrize("limits", [SIZES, COUNTS, SECONDS, VERSIONS], ids=lambda _: "limits")
def test_limits(limits: dict[str, object]) -> None:
    """They are those of the protocols, and those that users and their servers have come to know."""
    found = {}
    for path in limits:
        module, _, name = path.rpartition(".")
        found[path] = getattr(import_module(f"imagebuilders.{module}"), name)
    assert found == limits


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
