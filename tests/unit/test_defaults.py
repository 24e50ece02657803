"""What holds where a caller says nothing."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import pytest

from imagebuilders.context.entries import Entry
from imagebuilders.oci.file_tree import File

DEFAULTS: dict[str, dict[str, object]] = {
    "archivable.Archivable.iter_archive": {"keep_mtimes": False},
    "archivable.Archivable.write_archive": {"use_gzip": True, "keep_mtimes": False},
    "artifact_stores.base.BaseArtifactStore.publish": {"replace": True},
    "artifact_stores.s3.upload.ObjectUpload.__init__": {"replace": True},
    "auth.go_fields.decode": {"single": False},
    "bake.env_file.read_env_file": {"is_raw": False},
    "bake.interpolation.substitute": {"depth": 0},
    "bake.tasks.TargetBuild": {"is_linked": False, "pushes": False},
    "build_context.BuildContext.digest": {"use_cache": True},
    "build_context.BuildContext.iter_archive": {"keep_mtimes": False},
    "build_context.BuildContext.entries": {"rewrite_ignore_files": True},
    "build_context.BuildContext.snapshot": {"rewrite_ignore_files": True},
    "build_options.job.BuildJob": {"will_push": False},
    "build_options.parsing.parse_size": {"unlimited": False},
    "build_options.parsing.parse_pairs": {"bare": False},
    "buildkit.build_cache.prune": {
        "include_internal": False,
        "reserved_space": 0,
        "max_used_space": 0,
        "min_free_space": 0,
    },
    "buildkit.build_folders.build_folders": {"has_content_times": False},
    "buildkit.daemon_features.DaemonFeatures": {"has_exporters": True, "has_resources": True},
    "buildkit.engine_client.OpenDaemon": {"has_space_limits": True},
    "buildkit.engine_features.EngineFeatures": {
        "has_containerd_store": False,
        "has_limits": True,
        "has_contexts": True,
        "has_several_outputs": True,
        "has_resources": False,
    },
    "buildkit.frontend_answers.OutlineMount": {"is_required": False},
    "buildkit.frontend_answers.BuildTarget": {"is_default": False},
    "buildkit.history.pin_build": {"is_pinned": True},
    "buildkit.outputs.plan_outputs": {"is_index": False, "push": False},
    "buildkit.session.content.ContentFolder": {"writable": False},
    "buildkit.session.synced_folders.LocalFolder.__init__": {"has_content_times": False},
    "buildkit.transport.call.Call.send": {"last": False},
    "buildkit.transport.calls.CallMachine.send": {"last": False},
    "buildkit.transport.frames.FrameFilter.__init__": {"skip": 0},
    "buildkit.transport.http2.Http2Connection.send_headers": {"ended": False},
    "buildkit.transport.http2.Http2Connection.send_data": {"ended": False},
    "cache_misses.explanation.CacheExplanation.finish": {"failed": False},
    "cache_misses.records.StepRecord": {"is_known": True},
    "cache_misses.scope.Scope.set": {"are_arguments": False},
    "cache_misses.step_inputs.StepInputs": {"is_known": True, "fetches": False},
    "cli.build_flags.Flag": {"is_repeated": False, "is_hidden": False},
    "cli.dockerfile_call.DockerfileCall": {"as_json": False, "ignores_status": False},
    "cli.progress.progress": {"are_many": False},
    "connections.address.Address": {"tls": False},
    "connections.address.parse_address": {"tls": False},
    "connections.candidates.Candidate": {"binding": False},
    "connections.tls.TLSFiles": {"verify": True},
    "context.advice.largest_folders": {"limit": 10},
    "context.archive.archive_stream": {"keep_mtimes": False, "keep_modes": False},
    "context.dockerfile_lookup.FoundDockerfile": {"mode": 0o644},
    "context.folder.Folder.files": {"start": 0, "at": 0},
    "context.patterns.Pattern.__init__": {"line": 0},
    "context.patterns.compile_pattern": {"line": 0},
    "context.remote.RemoteSource": {"has_dockerfile": True},
    "context.rules.IgnoreRules.judge": {"parent_hits": 0},
    "context.snapshot.ContextSnapshot.digest": {"use_cache": True},
    "context.snapshot.ContextSnapshot.hashed_entries": {"use_cache": True},
    "context.snapshot.ContextSnapshot.iter_archive": {"keep_mtimes": False, "keep_modes": False},
    "context.tar_stream.tar_stream": {"keep_modes": False},
    "control_files.read_control_file": {"allow_streams": False},
    "daemon_image_builder.DaemonImageBuilder.build": {
        "explain_cache": False,
        "skip_unchanged": False,
    },
    "daemon_image_builder.DaemonImageBuilder.abuild": {
        "explain_cache": False,
        "skip_unchanged": False,
    },
    "daemon_image_builder.DaemonImageBuilder.build_many": {
        "explain_cache": False,
        "skip_unchanged": False,
    },
    "daemon_image_builder.DaemonImageBuilder.abuild_many": {
        "explain_cache": False,
        "skip_unchanged": False,
    },
    "distribution.sender.Sender.send": {"retry": True},
    "distribution.session.RegistrySession.request": {"retry": True},
    "docker.build_progress.BuildProgress.__init__": {"removes_containers": True},
    "docker.build_stream.DockerStream.__init__": {"removes_containers": True},
    "docker.context_files.EngineContext.archive": {"compress": False, "keep_mtimes": True},
    "dockerfile.excerpts.excerpt": {"end_line": 0, "around": 2},
    "dockerfile.exec_form.read_exec_form": {"whole": True},
    "dockerfile.forms.Form": {"exec_form": False},
    "dockerfile.forms.read_instruction": {"depth": 0},
    "dockerfile.grammar.Grammar": {
        "here_documents": True,
        "here_document_spaces": True,
        "whole_json": True,
        "flag_escape": True,
        "word_before_modifier": False,
    },
    "dockerfile.health_check.HealthCheck": {
        "interval": 0,
        "timeout": 0,
        "start_period": 0,
        "start_interval": 0,
        "retries": 0,
    },
    "dockerfile.shell_words.expand": {"keep_escapes": False, "keep_unset": False},
    "dockerfile.values.HereDocument": {
        "expand": True,
        "strip_tabs": False,
        "descriptor": 0,
        "terminated": True,
    },
    "dockerfile.values.Problem": {"line": 0, "end_line": 0},
    "dockerfile.values.Instruction": {"line": 0, "end_line": 0, "exec_form": False},
    "events.ContextProgress": {"done": False, "total": 0},
    "events.StepProgress": {"current": 0, "total": 0, "done": False},
    "events.StepFinished": {"cached": False},
    "events.BuildFinished": {"seconds": 0.0, "steps": 0, "cached_steps": 0},
    "events.LayerProgress": {"current": 0, "total": 0},
    "events.UploadProgress": {"total": 0, "done": False},
    "events.Notice": {"line": 0},
    "events.CacheMissed": {"line": 0},
    "exceptions.LayerFormatError.__init__": {"is_truncated": False},
    "exceptions.RegistryConnectionError.__init__": {"is_transient": False},
    "exceptions.RegistryResponseError.__init__": {"status": 0},
    "oci.file_tree.resolve": {"follow_last": True},
    "oci.image_config.HistoryEntry": {"empty_layer": False},
    "oci.layer.members": {"skip_unknown": False},
    "oci.layout.ImageLayout.add": {"tags": ("latest",)},
    "oci.tar_header.TarEntry": {
        "mode": 0o644,
        "uid": 0,
        "gid": 0,
        "mtime": 0,
        "size": 0,
        "device": (0, 0),
    },
    "proxies.Proxy": {"tls": False},
    "sharing.Shared.as_current": {"is_needed": False},
    "stack.flavors.FlavorCatalog.__init__": {"built_in": False},
}


def _parameters(path: str) -> dict[str, Any]:
    module, _, name = path.rpartition(".")
    names = [name]
    while module.rpartition(".")[2][:1].isupper():
        module, _, name = module.rpartition(".")
        names.insert(0, name)
    found: Any = import_module(f"imagebuilders.{module}")
    for name in names:
        found = inspect.getattr_static(found, name)
    return {each.name: each.default for each in inspect.signature(found).parameters.values()}


@pytest.mark.parametrize("path", DEFAULTS)
def test_defaults(path: str) -> None:
    """Calls without an argument, and values without a field, mean what is documented."""
    parameters = _parameters(path)
    expected = DEFAULTS[path]
    found = {name: parameters[name] for name in expected}
    assert found == expected
    assert list(map(type, found.values())) == list(map(type, expected.values()))


def test_a_file_that_says_nothing_of_itself() -> None:
    """It may be read by all and written by root, is empty, and was never changed."""
    file, entry = File._field_defaults, Entry._field_defaults
    assert [file[name] for name in ("mode", "uid", "gid", "mtime")] == [0o644, 0, 0, 0]
    assert (file["device"], file["inode"]) == ((0, 0), 0)
    assert [entry[name] for name in ("mode", "size", "ctime_ns")] == [0o644, 0, 0]
    assert (entry["inode"], entry["device"]) == (0, 0)
