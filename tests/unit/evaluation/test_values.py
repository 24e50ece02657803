"""The values of flags and instructions: mounts, ports, modes, signals, names, Go's texts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.evaluation.file_modes import check_mode
from imagebuilders.evaluation.frontend import NEWEST, Frontend
from imagebuilders.evaluation.git_sources import GitReference, parse_git
from imagebuilders.evaluation.go_values import duration, quoted_character, quoted_words
from imagebuilders.evaluation.image_names import full_name, parse_name
from imagebuilders.evaluation.lint import DESCRIPTIONS, Linter, LintOptions, parse_lint_options
from imagebuilders.evaluation.mounts import resolve_mounts
from imagebuilders.evaluation.paths import normalize, working_dir
from imagebuilders.evaluation.platform_names import parse_platform
from imagebuilders.evaluation.ports import read_ports
from imagebuilders.evaluation.stages import StageState
from imagebuilders.evaluation.steps import ContextOrigin, Lines, Mount, ScratchOrigin
from imagebuilders.evaluation.symbolic_mode import SymbolicMode
from imagebuilders.exceptions import EvaluationError
from imagebuilders.go_text import parse_duration

HERE = Lines(1, 1)
SILENT = Linter(LintOptions(), None)


def mounts(*values: str, frontend: Frontend = NEWEST) -> tuple[Mount, ...]:
    """The mounts of a RUN in `/w`, whose variables have the value `cache`."""
    sources = [StageState("scratch", None, dispatched=True) for _ in values]
    return resolve_mounts(values, sources, "/w", lambda word: word.replace("$V", "cache"), frontend)


def test_kinds_of_mounts() -> None:
    """Each with its defaults."""
    assert mounts("target=a", "type=cache,target=/c/", "type=tmpfs,target=/t,size=1.5k") == (
        Mount("bind", "/w/a", ContextOrigin(), read_only=True),
        Mount("cache", "/c/", ScratchOrigin(), id="/c", sharing="shared"),
        Mount("tmpfs", "/t", None, size=1536),
    )
    assert mounts("type=secret,id=a,env=A", "type=secret,target=/x/b,mode=0400", "type=ssh") == (
        Mount("secret", "", id="a", env="A", read_only=True),
        Mount("secret", "/x/b", id="b", mode=0o400, read_only=True),
        Mount("ssh", "/run/buildkit/ssh_agent.0", read_only=True),
    )
    assert mounts("type=secret,id=a/b")[0].target == "/run/secrets/b"
    assert not mounts("rw,target=/a")[0].read_only
    assert mounts("type=cache,ro,target=/a")[0].read_only


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("type=nope,target=/a", 'unsupported mount type "nope"'),
        ("type=cach,target=/a", r'unsupported mount type "cach" \(did you mean cache\?\)'),
        ("nope", "invalid field 'nope' must be a key=value pair"),
        ("tagret=/a", r"unexpected key 'tagret' in 'tagret=/a' \(did you mean target\?\)"),
        ("required,target=/a", "unexpected key 'required' for mount type 'bind'"),
        ("type=cache,size=1,target=/a", "unexpected key 'size' for mount type 'cache'"),
        ("type=tmpfs,size=x,target=/a", "invalid value for size: x"),
        ("type=cache,sharing=no,target=/a", 'unsupported sharing value "no"'),
        ("type=cache,mode=9,target=/a", "invalid value 9 for mode"),
        ("uid=1,target=/a", 'uid not allowed for "bind" type mounts'),
        ("sharing=shared,target=/a", "invalid cache sharing set for bind mount"),
        ("type=secret", "invalid secret mount. one of source, target required"),
        ("type=secret,id=a,src=b", "both source and id can't be set"),
        ("type=secret,from=x,id=a", "secret mount should not have a from"),
        ("type=ssh,src=a", "ssh does not support source"),
        ("target=/", 'invalid mount target "/"'),
        ("ro=x,target=/a", "invalid value for ro: x"),
    ],
)
def test_malformed_mounts(value: str, message: str) -> None:
    """In the frontend's words."""
    with pytest.raises(EvaluationError, match=f"^{message}$"):
        mounts(value)


@pytest.mark.parametrize(
    ("minor", "value", "message"),
    [
        (7, "type=secret,id=a,env=A", "unexpected key 'env' in 'env=A'"),
        (7, "type=cach,target=/a", r'unsupported mount type "cach" \(did you mean cache\?\)'),
        (2, "type=cach,target=/a", 'unsupported mount type "cach"'),
        (2, "type=$V,target=/a", r'unsupported mount type "\$V"'),
        (2, "tagret=/a", "unexpected key 'tagret' in 'tagret=/a'"),
        (2, "type=tmpfs,target=/a,size=1m", "unexpected key 'size' in 'size=1m'"),
        (2, "type=secret,id=a,sharing=shared", "invalid cache sharing set for secret mount"),
        (26, "type=secret,id=a,sharing=shared", "secret mount should not define sharing"),
    ],
)
def test_malformed_mounts_of_older_frontends(minor: int, value: str, message: str) -> None:
    """They know fewer keys, replace no variables, and give no hints."""
    with pytest.raises(EvaluationError, match=f"^{message}$"):
        mounts(value, frontend=Frontend(1, minor))
    assert mounts("type=$V,target=/a", frontend=Frontend(1, 3))[0].kind == "cache"


@given(st.integers(0, 65535), st.integers(0, 40), st.sampled_from(["", "/tcp", "/UDP", "/sctp"]))
def test_ports_are_spread(first: int, more: int, protocol: str) -> None:
    """Each port of a range, with its protocol in lower case."""
    last = min(first + more, 65535)
    found = read_ports(f"{first}-{last}{protocol}", SILENT, HERE)
    name = protocol[1:].lower() or "tcp"
    assert found == [f"{port}/{name}" for port in range(first, last + 1)]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("", 'invalid port: "": no port specified'),
        ("80/x", 'invalid port: "80/x": invalid proto: x'),
        ("9-8", "invalid containerPort: 9-8"),
        ("x:80", "invalid hostPort: x"),
        ("1.2.3:1:80", "invalid IP address: 1.2.3"),
        ("[::1:1:80", "invalid IP address [::1: address [::1:: missing ']' in address"),
        ("[::1]x:1:80", "invalid IP address [::1]x: address [::1]x:: missing port in address"),
        ("1-3:80-81", "invalid ranges specified for container and host Ports: 80-81 and 1-3"),
    ],
)
def test_malformed_ports(word: str, message: str) -> None:
    """In the frontend's words."""
    with pytest.raises(EvaluationError) as raised:
        read_ports(word, SILENT, HERE)
    assert raised.value.message == message


@given(st.integers(0, 0o7777))
def test_octal_modes(mode: int) -> None:
    """Every one is taken, with or without a leading zero."""
    check_mode(f"{mode:o}")
    check_mode(f"0{mode:o}")


@given(st.lists(st.from_regex(r"[augo]{0,3}([+=-][rwxXst]{0,3}){1,2}", fullmatch=True), min_size=1))
def test_symbolic_modes(clauses: list[str]) -> None:
    """Every list of clauses is one; with an operator less it is none."""
    check_mode(",".join(clauses))
    with pytest.raises(EvaluationError, match="invalid syntax"):
        check_mode(",".join([*clauses, "u"]))


@given(st.text("augo+-=rwxXst,q", max_size=8))
def test_modes_are_taken_or_refused(text: str) -> None:
    """Whatever is written, there is an answer; what is taken can be applied to a file."""
    try:
        check_mode(text)
    except EvaluationError:
        return
    assert 0 <= SymbolicMode.parse(text).apply(0o644, is_folder=False) <= 0o7777


@given(st.integers(-(2**63) + 1, 2**63 - 1))
def test_durations_are_read_back(nanoseconds: int) -> None:
    """What is written means the same."""
    assert abs(parse_duration(duration(nanoseconds)) - nanoseconds) <= 512


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (2_000_000, "2ms"),
        (90 * 10**9, "1m30s"),
        (3600 * 10**9, "1h0m0s"),
        (-1_500_000_000, "-1.5s"),
    ],
)
def test_durations(nanoseconds: int, text: str) -> None:
    """As Go writes them."""
    assert duration(nanoseconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *[(2, r"'\x02'"), (39, r"'\''"), (34, "'\"'"), (10, r"'\n'"), (92, r"'\\'"), (65, "'A'")],
        *[(0x10FFFF, r"'\U0010ffff'"), (0x110000, "'\ufffd'"), (-1, "'\ufffd'")],
        (0xD800, "'\ufffd'"),
    ],
)
def test_quoted_characters(number: int, text: str) -> None:
    """As Go quotes a number."""
    assert quoted_character(number) == text


def test_quoted_words() -> None:
    """As Go quotes a list."""
    assert quoted_words(["a b", 'c"']) == r'["a b" "c\""]'


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://x.example/r.git", GitReference("https://x.example/r.git")),
        ("http://x.example/r.git#v1:a/..", GitReference("http://x.example/r.git", "v1", "")),
        ("git://x.example/r#:sub", GitReference("git://x.example/r", "", "sub")),
        ("git@x.example:r.git#b", GitReference("git@x.example:r.git", "b")),
        (
            "https://x.example/r.git?tag=v1&subdir=d&submodules=false&keep-git-dir",
            GitReference(
                "https://x.example/r.git", "refs/tags/v1", "d", "", True, submodules=False
            ),
        ),
    ],
)
def test_repositories(text: str, found: GitReference) -> None:
    """By URL or as ssh writes them."""
    assert parse_git(text) == found


@pytest.mark.parametrize(
    "text", ["a.git", "./x.git", "github.com/a/b", "https://x.example/r.tar", "ftp://x/r.git"]
)
def test_no_repositories(text: str) -> None:
    """Paths, and URLs of files."""
    assert parse_git(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("alpine", "docker.io/library/alpine:latest"),
        ("a/b:1", "docker.io/a/b:1"),
        (f"x.example/a@sha256:{'1' * 64}", f"x.example/a@sha256:{'1' * 64}"),
    ],
)
def test_full_names(text: str, name: str) -> None:
    """With domain, and a tag or digest."""
    assert full_name(parse_name(text)) == name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid reference format"),
        ("Base", "invalid reference format: repository name (library/Base) must be lowercase"),
        ("a:b:c", "invalid reference format"),
        (
            "1" * 64,
            f"invalid repository name ({'1' * 64}), cannot specify 64-byte hexadecimal strings",
        ),
        ("a" * 300, "repository name must not be more than 255 characters"),
    ],
)
def test_malformed_names(text: str, message: str) -> None:
    """In the words of Go's package."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_name(text)


def test_lint_options() -> None:
    """Rules by name or all of them; what is unknown is refused."""
    assert parse_lint_options("skip=A, B;error=true") == LintOptions(
        skipped=frozenset({"A", "B"}), fails=True
    )
    assert parse_lint_options("skip=all;experimental=all") == LintOptions(
        skip_all=True, experimental_all=True
    )
    for text, message in [
        ("nope", 'invalid check option "nope"'),
        ("x=1", 'invalid check option "x"'),
        ("error=x", 'failed to parse check option "error=x": strconv.ParseBool'),
    ]:
        with pytest.raises(ValueError, match=message):
            parse_lint_options(text)


def test_every_rule_has_a_page() -> None:
    """But for one, and none that is not described."""
    assert len(DESCRIPTIONS) == 22


@pytest.mark.parametrize(
    ("current", "path", "found"),
    [
        ("/a", "b/../c", "/a/c"),
        ("/a", "/b//./c/", "/b//./c/"),
        ("", "b", "/b"),
        ("/a", "", "/a"),
    ],
)
def test_working_directories(current: str, path: str, found: str) -> None:
    """A relative one is cleaned, an absolute one is not."""
    assert working_dir(current, path, "linux") == found


def test_paths_without_a_folder_above_begin_at_the_root() -> None:
    """Also where the folder that a relative one begins at is relative."""
    assert normalize("app", "x", "linux", keep_slash=False) == "/app/x"
    assert normalize("/app", "x", "linux", keep_slash=False) == "/app/x"


def test_windows_paths() -> None:
    """Without the drive, which is C:, and with backslashes for WORKDIR alone."""
    assert working_dir("C:\\a", "b", "windows") == "\\a\\b"
    assert normalize("/", "c:\\x\\", "windows", keep_slash=True) == "/x/"
    with pytest.raises(EvaluationError, match="not on the system drive"):
        normalize("/", "d:\\x", "windows", keep_slash=False)
    with pytest.raises(EvaluationError, match="UNC paths"):
        normalize("/", "\\\\h\\x", "windows", keep_slash=False)


# --- platforms ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("arm", "linux/arm/v7"),
        ("linux/arm64/v8", "linux/arm64"),
        ("windows(10.0.17763)/amd64", "windows/amd64"),
    ],
)
def test_names_of_platforms(text: str, platform: str) -> None:
    """As they are usually written, a version of Windows included."""
    found = parse_platform(text)
    assert str(found) == platform
    assert found.os_version == ("10.0.17763" if "(" in text else "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("linux/a*", '"linux/a*": wildcards not yet supported: invalid argument'),
        ("nope", '"nope": unknown operating system or architecture: invalid argument'),
        ("a/b/c/d", '"a/b/c/d": cannot parse platform specifier: invalid argument'),
        ("/x", '"" is an invalid OS component of "/x": OSAndVersion specifier component'),
        ("linux/", '"" is an invalid component of "linux/": platform specifier component'),
    ],
)
def test_names_of_no_platform(text: str, message: str) -> None:
    """In BuildKit's words."""
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        parse_platform(text)
