"""What needs BuildKit."""

from __future__ import annotations

import pytest

from imagebuilders.dockerfile import buildkit_features, parse


@pytest.mark.parametrize(
    ("dockerfile", "found"),
    [
        ("FROM a\nRUN <<EOF\napt\nEOF\n", ["a here-document (RUN <<EOF) in line 2"]),
        ("FROM a\nCOPY <<-'E' /x\n\tRUN <<X\n\tE\nRUN --mount=type=ssh a", [
            "a here-document (COPY <<E) in line 2", "RUN --mount in line 5",
        ]),
        ("run cat <<EOF >/x\nEOF", ["a here-document (RUN <<EOF) in line 1"]),
        ("COPY --link a b\n", ["COPY --link in line 1"]),
        ("# \x0c page\r\nRUN \\ \r\n --mount=a b\r\n", ["RUN --mount in line 2"]),
        ("COPY --from=b --chmod=755 a b\n", ["COPY --chmod in line 1"]),
        ("# c\nRUN \\\n  --mount=type=cache,target=/x \\\n  --network=none a\nADD --link a b", [
            "RUN --mount in line 2", "RUN --network in line 2", "ADD --link in line 5",
        ]),
        ("ONBUILD RUN --mount=a b", ["RUN --mount in line 1"]),
        ("FROM a\nCOPY --from=b --chown=1 a b\nRUN a --mount\nRUN x \\", []),
        ("FROM a\nENV A=<<EOF\nRUN test 1 << 2\n", []),
        ("# syntax=docker/dockerfile:1\nFROM a", []),
        ("#syntax=docker.io/docker/dockerfile-upstream@sha256:1\nFROM a", []),
        ("#!x\n# syntax=docker/dockerfiles:1\nFROM a", [
            "the frontend docker/dockerfiles:1 in line 1",
        ]),
        ("", []),
    ],
)  # fmt: skip
def test_what_only_buildkit_reads(dockerfile: str, found: list[str]) -> None:
    """Here-documents, flags and other frontends, with the line their instruction begins in."""
    assert list(map(str, buildkit_features(parse(dockerfile.encode())))) == found
