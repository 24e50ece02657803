"""Flags of instructions that only some versions know, or only BuildKit."""

from __future__ import annotations

from ..context import Files, pack
from ..registry import dockerfiles

_FILES: Files = {"a": "a", "t.tar": pack({"x": "x"}), "d/b": "b"}

_LINES = {
    "run_network_none": "RUN --network=none true",
    "run_network_odd": "RUN --network=odd true",
    "run_network_without_value": "RUN --network true",
    "run_network_twice": "RUN --network=none --network=host true",
    "run_security": "RUN --security=insecure true",
    "run_security_and_network": "RUN --security=sandbox --network=none true",
    "run_mount": "RUN --mount=type=cache,target=/x true",
    "run_device": "RUN --device=odd true",
    "run_unknown": "RUN --nope=1 true",
    "run_in_capitals": "RUN --NETWORK=none true",
    "run_json": 'RUN --network=none ["true"]',
    "copy_link": "COPY --link a /",
    "copy_link_false": "COPY --link=false a /",
    "copy_parents": "COPY --parents d/b /",
    "copy_exclude": "COPY --exclude=b d /",
    "copy_chmod": "COPY --chmod=755 a /",
    "copy_chown_twice": "COPY --chown=1 --chown=2 a /",
    "copy_chown_of_minus_one": "COPY --chown=-1 a /",
    "copy_chown_of_minus_one_twice": "COPY --chown=-1:-1 a /",
    "copy_chown_large": "COPY --chown=4294967295 a /",
    "copy_chown_too_large": "COPY --chown=4294967296 a /",
    "copy_unknown": "COPY --nope a /",
    "add_checksum": "ADD --checksum=sha256:0 a /",
    "add_keep_git": "ADD --keep-git-dir=true a /",
    "add_link": "ADD --link a /",
    "add_exclude": "ADD --exclude=b d /",
    "add_from": "ADD --from=nope a /",
    "add_unpack_false": "ADD --unpack=false t.tar /",
    "add_unpack_false_of_a_file": "ADD --unpack=false a /",
    "add_unpack_false_of_a_folder": "ADD --unpack=false d /",
    "add_unpack_true": "ADD --unpack=true t.tar /",
    "add_unpack": "ADD --unpack t.tar /",
    "add_unpack_odd": "ADD --unpack=odd t.tar /",
    "add_chmod": "ADD --chmod=755 a /",
    "workdir_flag": "WORKDIR --x=1 /w",
    "env_flag": "ENV --x=1",
    "label_flag": "LABEL --x=1 a=b",
    "cmd_flag": "CMD --x=1 a",
    "expose_flag": "EXPOSE --x=1 80",
    "user_flag": "USER --x=1",
    "volume_flag": "VOLUME --x=1 /v",
    "stopsignal_flag": "STOPSIGNAL --x=1 9",
    "arg_flag": "ARG --x=1",
    "shell_flag": 'SHELL --x=1 ["a"]',
    "entrypoint_flag": "ENTRYPOINT --x=1 a",
    "health_odd": "HEALTHCHECK --odd=1 CMD true",
    "health_start_interval": "HEALTHCHECK --start-interval=5s CMD true",
    "health_twice": "HEALTHCHECK --interval=1s --interval=2s CMD true",
    "health_none_with_flag": "HEALTHCHECK --interval=1s NONE",
    "onbuild_run_flag": "ONBUILD RUN --network=none true",
    "onbuild_copy_link": "ONBUILD COPY --link a /",
    "onbuild_flag": "ONBUILD --x=1 RUN true",
    "here_document_copied": "COPY <<EOF /x\nhello\nEOF",
    "syntax_line_late": "# syntax=docker/dockerfile:1\nCOPY a /",
}

dockerfiles(
    "seldom_flags",
    {name: f"FROM scratch\n{line}\n" for name, line in _LINES.items()},
    _FILES,
)
dockerfiles(
    "seldom_flags",
    {
        "from_platform": "FROM --platform=linux/arm64 scratch\nCOPY a /\n",
        "from_platform_odd": "FROM --platform=a/b/c/d scratch\nCOPY a /\n",
        "from_unknown": "FROM --odd=1 scratch\nCOPY a /\n",
        "from_without_value": "FROM --platform scratch\nCOPY a /\n",
        "syntax_line": "# syntax=docker/dockerfile:1\nFROM scratch\nCOPY a /\n",
        "check_line": "# check=error=true\nFROM scratch\nCOPY a /\n",
        "escape_line": "# escape=`\nFROM scratch\nCOPY a `\n /\n",
        "escape_line_odd": "# escape=x\nFROM scratch\nCOPY a /\n",
    },
    _FILES,
)
