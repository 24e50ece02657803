"""Dockerfiles and what real BuildKit daemons made of them, to judge evaluation by.

`tests/data/buildkit_cases` holds 646 Dockerfiles (`cases.json.gz`), the bases they begin with
(`bases.json`), and the outcomes of five daemons, recorded on 2026-11-29 and 30: buildkitd 0.32.2,
Docker 28.5.2 with the containerd image store and with overlay2, Docker 26.1.5 and 20.10.24. Of the
last two are missing what needs a registry, xz, or a client that sends names as 20.10 reads them.
`variants.json.gz` holds neighbours of these cases, as Docker 28.5.2 with each of its image
stores made them on 2026-11-30, without those that a network or chance decides.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from imagebuilders.evaluation.frontend import Frontend
from imagebuilders.evaluation.lint import LintWarning
from imagebuilders.evaluation.options import ResolveOptions
from imagebuilders.evaluation.platforms import PlatformResolutions, resolve_platforms
from imagebuilders.evaluation.resolution import Resolution
from imagebuilders.exceptions import EvaluationError, ImageBuilderError
from imagebuilders.oci.image_config import ImageConfig
from imagebuilders.oci.platform import Platform

Case = Mapping[str, Any]
Outcome = Mapping[str, Any]

_FOLDER = Path(__file__).parents[1] / "data" / "buildkit_cases"
_HUB = "docker.io/library/"


@dataclass(frozen=True)
class Look:
    """A daemon whose outcomes are there.

    Attributes:
        name: as in the name of the file with its outcomes.
        frontend: the version of the frontend built into it.
    """

    name: str
    frontend: Frontend


LOOKS = (
    Look("0.32", Frontend(1, 26)),
    Look("28.5", Frontend(1, 19)),
    Look("28.5-graph", Frontend(1, 19)),
    Look("26.1", Frontend(1, 7)),
    Look("20.10", Frontend(1, 2)),
)


@cache
def cases() -> Mapping[str, Case]:
    """Return the cases by their names."""
    return {case["id"]: case for case in _load("cases.json.gz")}


@cache
def expected(look: str) -> Mapping[str, Outcome]:
    """Return what a daemon made of the cases, by their names."""
    outcomes: Mapping[str, Outcome] = _load(f"expected-{look}.json.gz")
    return outcomes


@cache
def variants() -> Mapping[str, Case]:
    """Return the neighbours of the cases, by their names."""
    content: Mapping[str, Case] = _load("variants.json.gz")["cases"]
    return content


def variant_outcomes(look: str) -> Mapping[str, Outcome]:
    """Return what a daemon made of the neighbours, by their names; none if nobody asked it."""
    content: Mapping[str, Outcome] = _load("variants.json.gz")["outcomes"].get(look, {})
    return content


@cache
def bases() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return the images of each base, one for each platform."""
    content: Mapping[str, Sequence[Mapping[str, Any]]] = json.loads(
        (_FOLDER / "bases.json").read_text()
    )["bases"]
    return content


def _load(name: str) -> Any:
    return json.loads(gzip.decompress((_FOLDER / name).read_bytes()))


def dockerfile_of(case: Case) -> bytes:
    """Return the Dockerfile of a case."""
    if "dockerfile_base64" in case:
        return base64.b64decode(case["dockerfile_base64"])
    return str(case["dockerfile"]).encode()


def ignore_lines_of(case: Case) -> tuple[str, ...]:
    """Return the patterns of a case's ignore file."""
    text = case.get("dockerfile_dockerignore", case.get("dockerignore", ""))
    lines = (line.strip() for line in text.split("\n") if not line.startswith("#"))
    return tuple(line for line in lines if line)


def platforms_of(case: Case) -> list[Platform]:
    """Return the platforms that a case is built for; none for the daemon's own."""
    text = case.get("platform", "")
    return [Platform.parse(part) for part in text.split(",")] if text else []


def options_of(case: Case, look: Look) -> ResolveOptions:
    """Return what a case asks for, without its platform."""
    contexts = {
        name: f"docker-image://{given['ref']}" if given["type"] == "image" else f"local:{name}"
        for name, given in case.get("named_contexts", {}).items()
    }
    return ResolveOptions(
        target=case.get("target", ""),
        build_args=case.get("build_args", {}),
        labels=case.get("labels", {}),
        named_contexts=contexts,
        ignore_lines=ignore_lines_of(case),
        hostname=case.get("options", {}).get("hostname", ""),
        frontend=look.frontend,
    )


class BaseImages:
    """The bases as a registry holds them."""

    def config(self, reference: str, platform: Platform) -> bytes:
        """Return the configuration of a base.

        Raises:
            ImageBuilderError: there is no such base, or none for the platform.
        """
        return json.dumps(config_of(self.image(reference, platform))).encode()

    def image(self, reference: str, platform: Platform) -> Mapping[str, Any]:
        """Return a base's image for a platform.

        Raises:
            ImageBuilderError: there is no such base, or none for the platform.
        """
        name, _, tag = reference.removeprefix(_HUB).partition(":")
        images = bases().get(name, ()) if tag == "latest" and reference.startswith(_HUB) else ()
        if not images:
            raise ImageBuilderError(f"{reference}: not found")
        if len(images) == 1:
            return images[0]
        for image in images:
            if platform.runs(Platform(**image["platform"])):
                return image
        raise ImageBuilderError("no match for platform in manifest: not found")


def config_of(image: Mapping[str, Any]) -> dict[str, Any]:
    """Return a base's configuration, with stand-ins for the digests of its layers."""
    digests = [hashlib.sha256(json.dumps(layer).encode()).hexdigest() for layer in image["layers"]]
    rest = {key: image[key] for key in ("created", "config", "history", "author") if key in image}
    diff_ids = [f"sha256:{digest}" for digest in digests]
    return {**image["platform"], **rest, "rootfs": {"type": "layers", "diff_ids": diff_ids}}


def resolved(case: Case, look: Look) -> tuple[PlatformResolutions | None, Outcome]:
    """Resolve a case.

    Returns:
        What it was resolved to, `None` if it could not be; and the outcome as far as it is known
        from that: error, warnings, configuration and history.
    """
    warnings: list[LintWarning] = []
    try:
        found = resolve_platforms(
            dockerfile_of(case),
            options_of(case, look),
            BaseImages(),
            platforms_of(case),
            warn=warnings.append,
        )
    except EvaluationError as error:
        return None, {"ok": False, "error": error.message, "warnings": _warnings(warnings)}
    images = {str(resolution.platform): _image(resolution) for resolution in found.resolutions}
    outcome: dict[str, Any] = {"ok": True, "warnings": _warnings(warnings)}
    if found.is_index:
        return found, {**outcome, "platforms": images}
    return found, {**outcome, **next(iter(images.values()))}


def _warnings(warnings: Collection[LintWarning]) -> list[dict[str, Any]]:
    return [
        {"rule": found.rule, "line": found.lines.first if found.lines else 0, "text": found.text}
        for found in dict.fromkeys(warnings)
    ]


def _image(resolution: Resolution) -> dict[str, Any]:
    return described(resolution.target_stage.image)


def described(image: ImageConfig) -> dict[str, Any]:
    """Return configuration and history in the form of an outcome."""
    config = json.loads(image.to_bytes())
    history = config.pop("history", [])
    for left_out in ("created", "rootfs"):
        config.pop(left_out, None)
    for entry in history:
        entry.pop("created", None)
    return {"config": config, "history": history}


# --- comparison --------------------------------------------------------------


def differences(
    wanted: Outcome, found: Outcome, *, parts: Collection[str] = ("config", "history")
) -> list[str]:
    """Return how an outcome differs from a daemon's, one line each.

    Args:
        wanted: the daemon's outcome.
        found: the outcome to judge.
        parts: of an image that are compared: `config`, `history`, `layers`, `tree`.
    """
    if wanted["ok"] != found["ok"]:
        words = found.get("error") or wanted.get("error")
        return [f"ok: expected {wanted['ok']}, got {found['ok']} ({words})"]
    lines = []
    if not wanted["ok"]:
        accepted = [wanted["error"], *wanted.get("error_also", [])]
        if not {found["error"], *found.get("error_also", [])}.intersection(accepted):
            lines.append(f"error: expected {accepted[0]!r}, got {found['error']!r}")
    elif "platforms" in wanted:
        lines += _platform_differences(wanted["platforms"], found.get("platforms", {}), parts)
    else:
        lines += _image_differences(wanted, found, parts)
    return [*lines, *warning_differences(wanted, found)]


def _platform_differences(
    wanted: Mapping[str, Outcome], found: Mapping[str, Outcome], parts: Collection[str]
) -> Iterator[str]:
    for platform in sorted({*wanted, *found}):
        if platform in wanted and platform in found:
            for line in _image_differences(wanted[platform], found[platform], parts):
                yield f"{platform} {line}"
        else:
            yield f"platform {platform}: {'missing' if platform in wanted else 'unexpected'}"


def _image_differences(wanted: Outcome, found: Outcome, parts: Collection[str]) -> Iterator[str]:
    if "config" in parts:
        yield from _value_differences("config", wanted["config"], found.get("config"))
    if "history" in parts:
        yield from _value_differences("history", wanted["history"], found.get("history", []))
    if "layers" in parts:
        yield from _layer_differences(wanted["layers"], found.get("layers", []))
    if "tree" in parts:
        yield from _entry_differences("tree", wanted["tree"], found.get("tree", []))


def _value_differences(where: str, wanted: Any, found: Any) -> Iterator[str]:
    """Return differences as deep as both values are objects or lists of one length."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted({*wanted, *found}):
            if key not in found:
                yield f"{where}.{key}: missing, expected {wanted[key]!r}"
            elif key not in wanted:
                yield f"{where}.{key}: unexpected {found[key]!r}"
            else:
                yield from _value_differences(f"{where}.{key}", wanted[key], found[key])
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            yield from _value_differences(f"{where}[{number}]", one, other)
    elif wanted != found:
        yield f"{where}: expected {wanted!r}, got {found!r}"


def _layer_differences(
    wanted: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    if len(wanted) != len(found):
        yield f"layers: expected {len(wanted)}, got {len(found)}"
    for number, (one, other) in enumerate(zip(wanted, found, strict=False)):
        if "base" in one or "base" in other:
            yield from _value_differences(f"layers[{number}]", one.get("base"), other.get("base"))
        else:
            yield from _entry_differences(f"layers[{number}]", one["entries"], other["entries"])


def _entry_differences(
    where: str, wanted: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    left = {entry["path"]: dict(entry) for entry in wanted}
    right = {entry["path"]: dict(entry) for entry in found}
    for path in sorted({*left, *right}):
        if path not in right:
            yield f"{where} {path!r}: missing, expected {left[path]!r}"
        elif path not in left:
            yield f"{where} {path!r}: unexpected {right[path]!r}"
        elif not path.rpartition("/")[2].startswith(".wh."):  # a whiteout is its name
            if "mtime" not in left[path]:  # made during the build: any time
                right[path].pop("mtime", None)
            yield from _value_differences(f"{where} {path!r}", left[path], right[path])


def warning_differences(wanted: Outcome, found: Outcome) -> Iterator[str]:
    """Return which warnings are missing, and which were not expected."""
    theirs, ours = (
        Counter((told["line"], told["rule"], told["text"]) for told in outcome["warnings"])
        for outcome in (wanted, found)
    )
    for warning in sorted((theirs - ours).elements()):
        yield f"warnings: missing {warning}"
    for warning in sorted((ours - theirs).elements()):
        yield f"warnings: unexpected {warning}"


_WHILE_FILES_ARE_COPIED = re.compile(
    r"failed to compute cache key|failed to load cache key|^(lstat|mkdir|open) (MOUNT)?/|"
    r"^Error processing tar file|^cannot (copy|replace) to|^too many links$|^unexpected EOF$|"
    r"includepatterns|"
    r"^invalid user index|^invalid entry name|did not complete successfully|^secret |^no SSH key"
)


def fails_later(outcome: Outcome) -> bool:
    """Whether a daemon resolved the Dockerfile, and failed when its steps were done."""
    return not outcome["ok"] and bool(_WHILE_FILES_ARE_COPIED.search(outcome["error"]))
