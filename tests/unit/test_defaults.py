"""What holds where a caller says nothing."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from package_parts import modules_of

from imagebuilders.context.entries import Entry
from imagebuilders.oci.file_tree import File

DEFAULTS: dict[str, dict[str, object]] = {
    "archivable.Archivable.iter_archive": {"keep_mtimes": False},
    "archivable.Archivable.write_archive": {"use_gzip": True, "keep_mtimes": False},
    "artifact_stores.BaseArtifactStore.publish": {"replace": True},
    "artifact_stores.ObjectUpload.__init__": {"replace": True},
    "artifact_stores.S3ArtifactStore.presigned_url": {"expires_in": 3600},
    "auth.decode": {"single": False},
    "aws.ECRLogin": {"is_public": False},
    "aws.BuildPlan": {"needs_builder": False},
    "aws.BuildState": {"is_complete": False},
    "aws.Limits": {"poll": 3.0, "patience": 600.0},
    "aws.ECRHost": {"is_public": False, "is_fips": False, "is_dual_stack": False},
    "aws.ensure_repository": {"is_immutable": False},
    "aws.TokenSource.__init__": {"is_public": False},
    "aws_image_builder.AWSImageBuilder.build": {
        "explain_cache": False,
        "skip_unchanged": False,
    },
    "base_image_builder.BaseImageBuilder.build_many": {"max_parallel": 4},
    "bake.read_env_file": {"is_raw": False},
    "bake.substitute": {"depth": 0},
    "bake.TargetBuild": {"is_linked": False, "pushes": False},
    "build_context.BuildContext.digest": {"use_cache": True},
    "build_context.BuildContext.iter_archive": {"keep_mtimes": False},
    "build_context.BuildContext.entries": {"rewrite_ignore_files": True},
    "build_context.BuildContext.snapshot": {"rewrite_ignore_files": True},
    "build_options.BuildJob": {"will_push": False},
    "build_options.parse_size": {"unlimited": False},
    "build_options.parse_pairs": {"bare": False},
    "buildkit.prune": {
        "include_internal": False,
        "reserved_space": 0,
        "max_used_space": 0,
        "min_free_space": 0,
    },
    "buildkit.build_folders": {"has_content_times": False},
    "buildkit.DaemonFeatures": {"has_exporters": True, "has_resources": True},
    "buildkit.OpenDaemon": {"has_space_limits": True},
    "buildkit.EngineFeatures": {
        "has_containerd_store": False,
        "has_limits": True,
        "has_contexts": True,
        "has_several_outputs": True,
        "has_resources": False,
    },
    "buildkit.OutlineMount": {"is_required": False},
    "buildkit.BuildTarget": {"is_default": False},
    "buildkit.pin_build": {"is_pinned": True},
    "buildkit.plan_outputs": {"is_index": False, "push": False},
    "buildkit.ContentFolder": {"writable": False},
    "buildkit.LocalFolder.__init__": {"has_content_times": False},
    "buildkit.Call.send": {"last": False},
    "buildkit.CallMachine.send": {"last": False},
    "buildkit.FrameFilter.__init__": {"skip": 0},
    "buildkit.Http2Connection.send_headers": {"ended": False},
    "buildkit.Http2Connection.send_data": {"ended": False},
    "buildkit.Step": {
        "number": 0,
        "total": 0,
        "is_cached": False,
        "is_shown_running": False,
    },
    "cache_misses.BuiltStep": {"ignores_cache": False},
    "cache_misses.ToldStep": {"is_cached": False, "is_finished": False},
    "cache_misses.CacheExplanation.finish": {"failed": False},
    "cache_misses.StepRecord": {"is_known": True},
    "cache_misses.Scope.set": {"are_arguments": False},
    "cache_misses.StepInputs": {"is_known": True, "fetches": False},
    "cli.Flag": {"is_repeated": False, "is_hidden": False},
    "cli.DockerfileCall": {"as_json": False, "ignores_status": False},
    "cli.progress": {"are_many": False},
    "cli.Node": {"is_folder": False, "size": 0, "files": 0},
    "cli.Row": {"cached": False, "is_step": False},
    "connections.Address": {"tls": False},
    "connections.parse_address": {"tls": False},
    "connections.Candidate": {"binding": False},
    "connections.TLSFiles": {"verify": True},
    "context.largest_folders": {"limit": 10},
    "context.archive_stream": {"keep_mtimes": False, "keep_modes": False},
    "context.FoundDockerfile": {"mode": 0o644},
    "context.Folder.files": {"start": 0, "at": 0},
    "context.Pattern.__init__": {"line": 0},
    "context.compile_pattern": {"line": 0},
    "context.RemoteSource": {"has_dockerfile": True},
    "context.IgnoreRules.judge": {"parent_hits": 0},
    "context.ContextSnapshot.digest": {"use_cache": True},
    "context.ContextSnapshot.hashed_entries": {"use_cache": True},
    "context.ContextSnapshot.iter_archive": {"keep_mtimes": False, "keep_modes": False},
    "context.tar_stream": {"keep_modes": False},
    "control_files.read_control_file": {"allow_streams": False},
    "daemon_image_builder.DaemonImageBuilder.build": {
        "explain_cache": False,
        "skip_unchanged": False,
    },
    "extended_image_builder.ExtendedImageBuilder.abuild": {
        "explain_cache": False,
        "skip_unchanged": False,
    },
    "extended_image_builder.ExtendedImageBuilder.build_many": {
        "explain_cache": False,
        "skip_unchanged": False,
    },
    "extended_image_builder.ExtendedImageBuilder.abuild_many": {
        "explain_cache": False,
        "skip_unchanged": False,
        "max_parallel": 4,
    },
    "distribution.Timeouts": {"connect": 10.0, "idle": 60.0},
    "distribution.Transport.__init__": {"check_names": True},
    "distribution.Sender.send": {"retry": True},
    "distribution.RegistrySession.request": {"retry": True},
    "docker.BuildProgress.__init__": {"removes_containers": True},
    "docker.DockerStream.__init__": {"removes_containers": True},
    "docker.EngineContext.archive": {"compress": False, "keep_mtimes": True},
    "dockerfile.excerpt": {"end_line": 0, "around": 2},
    "dockerfile.read_exec_form": {"whole": True},
    "dockerfile.Form": {"exec_form": False},
    "dockerfile.read_instruction": {"depth": 0},
    "dockerfile.Grammar": {
        "here_documents": True,
        "here_document_spaces": True,
        "whole_json": True,
        "flag_escape": True,
        "word_before_modifier": False,
    },
    "dockerfile.HealthCheck": {
        "interval": 0,
        "timeout": 0,
        "start_period": 0,
        "start_interval": 0,
        "retries": 0,
    },
    "dockerfile.expand": {"keep_escapes": False, "keep_unset": False},
    "dockerfile.HereDocument": {
        "expand": True,
        "strip_tabs": False,
        "descriptor": 0,
        "terminated": True,
    },
    "dockerfile.Problem": {"line": 0, "end_line": 0},
    "dockerfile.Instruction": {"line": 0, "end_line": 0, "exec_form": False},
    "evaluation.CopyOptions": {"contents": True, "follow": True},
    "evaluation.Daemon": {
        "merges": True,
        "compares": True,
        "umask": 0,
        "clamps_archives": True,
        "touches_etc": False,
    },
    "evaluation.difference": {"compares": True},
    "evaluation.GitReference": {"submodules": True, "fetch_by_commit": False},
    "evaluation.LintOptions": {"skip_all": False, "experimental_all": False, "fails": False},
    "evaluation.ResolveOptions": {"prefix_platform": False, "all_stages": False},
    "evaluation.PathSource": {"unpack": False},
    "evaluation.UrlSource": {"unpack": False},
    "evaluation.GitSource": {"keep_git_dir": False, "submodules": True, "fetch_by_commit": False},
    "evaluation.Copy": {"makes_layer": False, "trigger": False, "link": False, "parents": False},
    "evaluation.Add": {"makes_layer": False, "trigger": False, "link": False, "parents": False},
    "evaluation.Mount": {"read_only": False, "required": False, "size": 0},
    "evaluation.Device": {"required": False},
    "evaluation.Run": {"makes_layer": False, "trigger": False, "exec_form": False},
    "events.ContextProgress": {"done": False, "total": 0},
    "events.StepProgress": {"current": 0, "total": 0, "done": False},
    "events.StepFinished": {"cached": False},
    "events.BuildFinished": {"seconds": 0.0, "steps": 0, "cached_steps": 0},
    "events.LayerProgress": {"current": 0, "total": 0},
    "events.UploadProgress": {"total": 0, "done": False},
    "events.Notice": {"line": 0},
    "events.CacheMissed": {"line": 0},
    "exceptions.AWSError.__init__": {"is_transient": False},
    "exceptions.EvaluationError.__init__": {"line": 0, "end_line": 0},
    "exceptions.LayerFormatError.__init__": {"is_truncated": False},
    "exceptions.RegistryConnectionError.__init__": {"is_transient": False},
    "exceptions.RegistryResponseError.__init__": {"status": 0},
    "inspection.ImageDifference": {"same_layers": 0},
    "inspection.compare_images": {"with_text": False},
    "oci.TarStyle": {"has_type_bits": False},
    "oci.UnpackRules": {
        "follows_dangling": True,
        "refuses_escapes": False,
        "keeps_inside": False,
        "keeps_kinds": False,
    },
    "oci.resolve": {"follow_last": True},
    "oci.HistoryEntry": {"empty_layer": False},
    "oci.ImageLayout.add": {"tags": ("latest",)},
    "oci.TarEntry": {
        "mode": 0o644,
        "uid": 0,
        "gid": 0,
        "mtime": 0,
        "size": 0,
        "device": (0, 0),
    },
    "proxies.Proxy": {"tls": False},
    "sharing.Shared.as_current": {"is_needed": False},
    "stack.FlavorCatalog.__init__": {"built_in": False},
}


def _found(path: str) -> Iterator[Any]:
    """Yield what has a qualified name in the modules of a part of the package."""
    part, _, name = path.partition(".")
    for module in modules_of(part):
        found: Any = module
        for each in name.split("."):
            found = inspect.getattr_static(found, each, None)
        if getattr(found, "__module__", None) == module.__name__:
            yield found


@pytest.mark.parametrize("path", DEFAULTS)
def test_defaults(path: str) -> None:
    """Calls without an argument, and values without a field, mean what is documented."""
    (found,) = _found(path)
    parameters = inspect.signature(found).parameters
    defaults = {name: parameters[name].default for name in DEFAULTS[path]}
    assert defaults == DEFAULTS[path]
    assert list(map(type, defaults.values())) == list(map(type, DEFAULTS[path].values()))


def test_a_file_that_says_nothing_of_itself() -> None:
    """It may be read by all and written by root, is empty, and was never changed."""
    file, entry = File._field_defaults, Entry._field_defaults
    assert [file[name] for name in ("mode", "uid", "gid", "mtime")] == [0o644, 0, 0, 0]
    assert (file["device"], file["inode"]) == ((0, 0), 0)
    assert [entry[name] for name in ("mode", "size", "ctime_ns")] == [0o644, 0, 0]
    assert (entry["inode"], entry["device"]) == (0, 0)
