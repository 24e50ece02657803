"""COPY and ADD: files of the context, of a stage or of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.engine.builder.bases import refused_download
from fakes.engine.builder.commit import commit_files
from fakes.engine.builder.copy import combined_sum, copy_pick, destination, parse_owner, select
from fakes.engine.builder.state import StageState
from fakes.engine.builder.steps import needs_buildkit
from fakes.engine.dockerfile.instructions import Instruction
from fakes.engine.errors import StepError
from fakes.engine.images.store import chain_ids

if TYPE_CHECKING:
    from fakes.engine.builder.build import Build


def copy_step(build: Build, state: StageState, instruction: Instruction) -> None:
    """One COPY or ADD.

    Raises:
        StepError: when something cannot be copied.
    """
    keyword = instruction.keyword.upper()
    if instruction.flags.get("chmod"):
        raise needs_buildkit("chmod")
    origin = instruction.flags.get("from", "")
    source = build.stage_or_image(origin) if origin else build.context
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
    if flag and build.engine.version >= "23.0":
        flag += " "
    config = state.config.copy()
    comment = f"{keyword} {flag}{combined_sum(picks)} in {target} "
    config.cmd = [*state.shell(), f"#(nop) {comment}"]
    if build.probe(state, config):
        return
    if state.image is None and build.options.platform is not None:
        _, state.architecture, state.variant = build.options.platform
    overlay = build.overlay(state)
    overlay.full = build.engine.faults.disk_is_full(instruction.keyword)
    owner = parse_owner(chown or "0:0", overlay)
    for pick in picks:
        copy_pick(
            overlay,
            source,
            pick,
            destination(state.config.working_dir, target),
            owner=None if origin and not chown else owner,
            extract=keyword == "ADD",
        )
    before = state.image
    with build.engine.lock:
        known = {chain for other in build.store.all() for chain in chain_ids(other)}
        image = commit_files(build.engine, state, config, overlay)
        grew = len(image.layers) > len(before.layers if before else ())
        if grew and before is not None and before.id in build.hollow:
            # The engine loses track of the layers when a COPY that changed nothing
            # is followed by one that does.
            chain = chain_ids(image)[-1]
            if chain not in known:
                build.store.drop(image.id)
                raise StepError(
                    "failed to export image: failed to create image: failed to get layer "
                    f"{chain}: layer does not exist"
                )
    if not grew:
        build.hollow.add(image.id)
    state.image = image
