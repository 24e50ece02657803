"""COPY and ADD: files of the context, of a stage or of an image."""

from __future__ import annotations

import re

from ...buildkit.solver.downloads import refused_download
from ..dockerfile.instructions import Instruction
from ..errors import StepError
from ..filesystem.overlay import Overlay, Owner
from ..images.content_store import has_content
from .base_images import stage_or_image
from .cache import probe
from .commit import commit_files
from .context import Source
from .copy import combined_sum, copy_pick, destination, parse_owner, select
from .messages import Messages
from .state import BuildState, StageState
from .steps import needs_buildkit

_MAKES_ACCOUNTS = re.compile(r"\b(adduser|useradd|addgroup|groupadd)\b")


def copy_step(build: BuildState, state: StageState, instruction: Instruction) -> Messages:
    """One COPY or ADD.

    Raises:
        StepError: when something cannot be copied.
    """
    keyword = instruction.keyword.upper()
    if instruction.flags.get("chmod"):
        raise needs_buildkit("chmod")
    origin = instruction.flags.get("from", "")
    source: Source = build.context
    if origin:
        source = yield from stage_or_image(build, origin)
    *sources, target = instruction.arguments
    for path in sources:
        if path.startswith(("http://", "https://")):
            reason = (
                "source can't be a URL for COPY" if keyword == "COPY" else refused_download(path)
            )
            raise StepError(f"{keyword} failed: {reason}")
    picks = select(sources, source, keyword)
    if len(picks) > 1 and not target.endswith("/"):
        raise StepError(
            f"When using {keyword} with more than one source file, "
            "the destination must be a directory and end with a /"
        )
    chown = instruction.flags.get("chown", "")
    flag = f"--chown={chown}" if chown else ""
    if flag and build.host.state.version >= "23.0":
        flag += " "
    config = state.config.copy()
    comment = f"{keyword} {flag}{combined_sum(picks)} in {target} "
    config.cmd = [*state.shell(), f"#(nop) {comment}"]
    if (yield from probe(build, state, config)):
        return
    if state.image is None and build.options.platform is not None:
        platform = build.options.platform
        state.architecture, state.variant = platform.architecture, platform.variant
    overlay = build.overlay(state)
    overlay.name_as_copied_to()
    overlay.full = build.host.faults.disk_is_full(instruction.keyword)
    owner = _owner(state, chown or "0:0", overlay)
    for pick in picks:
        copy_pick(
            overlay,
            source,
            pick,
            destination(state.config.working_dir, target),
            owner=None if origin and not chown else owner,
            extract=keyword == "ADD",
        )
    before, images = state.image, build.host.images
    with images.lock:
        is_hollow = before is not None and before.id in build.hollow
        known = {chain for other in images.all() for chain in other.chain_ids if is_hollow}
        image = commit_files(images, state, config, overlay)
        grew = len(image.layers) > len(before.layers if before else ())
        if grew and is_hollow and not has_content(images.state):
            # The engine loses track of the layers when a COPY that changed nothing
            # is followed by one that does.
            chain = image.chain_ids[-1]
            if chain not in known:
                images.drop(image.id)
                raise StepError(
                    "failed to export image: failed to create image: failed to get layer "
                    f"{chain}: layer does not exist"
                )
    if not grew:
        build.hollow.add(image.id)
    state.image = image


def _owner(state: StageState, chown: str, overlay: Overlay) -> Owner:
    """The owner that is asked for; where accounts may only seem to be missing, that is said.

    Raises:
        StepError: the image has no such account.
    """
    try:
        return parse_owner(chown, overlay)
    except StepError as error:
        commands = [line for line in state.recorded if _MAKES_ACCOUNTS.search(line)]
        if not commands:
            raise
        raise StepError(
            f"{error.message} (the engine double executed nothing of 'RUN {commands[-1]}': give "
            "the base image the account by accounts=[...] of seed_hub() or seed_image(), or the "
            "step its effects by on_run())"
        ) from error
