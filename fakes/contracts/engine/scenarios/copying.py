"""COPY: what goes where, with which modes, owners and times."""

from __future__ import annotations

from ..context import Entry, Files, directory, symlink
from ..registry import dockerfiles, scenario
from ..session import Session

_TREE: dict[str, object] = {
    "a.txt": "a",
    "b.txt": "bb",
    "c.md": "ccc",
    "x[1].txt": "brackets",
    "sp ace": "space",
    "d/e/f.txt": "f",
    "d/g.txt": "g",
    "d/empty": directory(),
    "own": Entry(b"own", 0o600, 1000, 1001),
    "exe": Entry(b"#!x", 0o755),
    "suid": Entry(b"s", 0o6755),
    "sticky": directory(0o1777),
    "sticky/in": "in",
    "late": Entry(b"late", mtime=1_600_001_234),
    "link": symlink("a.txt"),
    "dlink": symlink("d"),
    "broken": symlink("nowhere"),
    "abs": symlink("/a.txt"),
    "up": symlink("../../a.txt"),
    "loop": symlink("loop"),
    "d/inner": symlink("g.txt"),
    "d/outer": symlink("../a.txt"),
    "h1": "hard",
    "h2": Entry(hard_link="h1"),
    "private": directory(0o700, 5, 6),
    "private/p": Entry(b"p", 0o640, 7, 8),
}

dockerfiles(
    "copying",
    {
        name: f"FROM scratch\n{body}"
        for name, body in {
            "file_to_file": "COPY a.txt /z",
            "file_to_directory": "COPY a.txt /z/",
            "file_to_root": "COPY a.txt /",
            "file_to_dot": "COPY a.txt .",
            "file_relative": "COPY a.txt z/y",
            "file_into_workdir": "WORKDIR /w\nCOPY a.txt .\nCOPY b.txt sub/",
            "file_twice": "COPY a.txt /z\nCOPY b.txt /z",
            "same_file_again": "COPY a.txt /z\nCOPY a.txt /z",
            "two_files": "COPY a.txt b.txt /z/",
            "two_files_without_slash": "COPY a.txt b.txt /z",
            "two_files_to_existing_without_slash": "WORKDIR /z\nCOPY a.txt b.txt /z",
            "same_names": "COPY d/g.txt d/e/f.txt d/g.txt /z/",
            "directory": "COPY d /z",
            "directory_slash": "COPY d/ /z/",
            "directory_to_root": "COPY d /",
            "directory_into_existing": "COPY sticky /z\nCOPY d /z",
            "directory_and_file": "COPY d a.txt /z/",
            "everything": "COPY . /",
            "everything_to_folder": "COPY . /all/",
            "nested": "COPY d/e/f.txt /z/y/x/",
            "leading_slash": "COPY /a.txt /z",
            "leading_dot": "COPY ./a.txt ./d/ /z/",
            "dotdot_inside": "COPY d/../a.txt /z",
            "dotdot_outside": "COPY ../a.txt /z",
            "absolute_dotdot": "COPY /../a.txt /z",
            "star": "COPY *.txt /z/",
            "star_one_match": "COPY c* /z",
            "star_many_without_slash": "COPY *.txt /z",
            "star_no_match": "COPY *.nope /z/",
            "star_directories": "COPY d/* /z/",
            "question_mark": "COPY ?.txt /z/",
            "class": "COPY [ab].txt /z/",
            "negated_class": "COPY [^a].txt /z/",
            "range_class": "COPY [a-b].* /z/",
            "escaped_brackets": "COPY x[[]1].txt /z/",
            "bad_pattern": "COPY [a /z/",
            "star_and_missing": "COPY a.txt nope* /z/",
            "missing": "COPY nope /z",
            "missing_among_others": "COPY a.txt nope /z/",
            "spaces_json": 'COPY ["sp ace", "/z y/"]',
            "json_many": 'COPY ["a.txt", "b.txt", "/z/"]',
            "mode_kept": "COPY exe own /z/",
            "set_id_bits": "COPY suid /z",
            "owner_reset": "COPY own /z",
            "directory_modes": "COPY private /z\nCOPY sticky /y",
            "star_directory_modes": "COPY pri* /z",
            "mtime_kept": "COPY late /z",
            "symlink_followed": "COPY link /z",
            "symlink_to_directory_followed": "COPY dlink /z",
            "symlink_broken": "COPY broken /z",
            "symlink_absolute": "COPY abs /z",
            "symlink_upwards": "COPY up /z",
            "symlink_loop": "COPY loop /z",
            "symlink_in_directory_kept": "COPY d /z",
            "symlink_by_star": "COPY *link /z/",
            "hard_links": "COPY h1 h2 /z/",
            "hard_link_by_star": "COPY h? /z/",
            "chown_numbers": "COPY --chown=5:6 a.txt d /z/",
            "chown_user_only": "COPY --chown=5 a.txt /z",
            "chown_directory": "COPY --chown=5:6 d /z/y",
            "chown_file_in_new_folders": "COPY --chown=5:6 a.txt /z/y/x",
            "chown_existing_directory": "COPY d /z\nCOPY --chown=5:6 d /z",
            "chown_name_without_passwd": "COPY --chown=me a.txt /z",
            "chown_too_many_parts": "COPY --chown=1:2:3 a.txt /z",
            "chown_empty": "COPY --chown= a.txt /z",
            "onto_a_directory": "COPY d /z\nCOPY a.txt /z",
            "onto_a_directory_with_slash": "COPY d /z\nCOPY a.txt /z/",
            "below_a_file": "COPY a.txt /z\nCOPY b.txt /z/y",
            "slash_onto_a_file": "COPY a.txt /z\nCOPY b.txt /z/",
            "directory_onto_a_file": "COPY a.txt /z\nCOPY d /z",
            "file_over_symlink": "COPY d /z\nCOPY a.txt /z/inner",
            "into_symlinked_directory": "COPY . /all/\nCOPY c.md /all/dlink/new",
            "directory_over_symlink": "COPY . /all/\nCOPY sticky /all/dlink",
            "directory_replaces_file_inside": "COPY d/g.txt /z/e\nCOPY d /z",
            "file_replaces_directory_inside": "COPY d/e /z/g.txt\nCOPY d /z",
            "through_broken_symlink": "COPY . /all/\nCOPY a.txt /all/broken",
            "dest_with_dotdot": "COPY a.txt /x/../z",
            "dest_with_double_slash": "COPY a.txt //z//y",
            "dest_upwards_of_root": "COPY a.txt ../../z",
            "long_name": "COPY a.txt /" + "n" * 120,
            "long_path": "COPY a.txt /" + "p" * 90 + "/" + "q" * 90,
            "long_unsplittable": "COPY a.txt /" + "p" * 160 + "/" + "q" * 60,
            "unicode_name": "COPY a.txt /ü/ñ",
            "empty_directory": "COPY d/empty /z",
            "many_layers": "COPY a.txt /1\nCOPY a.txt /2\nCOPY a.txt /3\nCOPY a.txt /4",
            "trailing_slash_on_file_source": "COPY a.txt/ /z",
        }.items()
    },
    _TREE,  # type: ignore[arg-type]
)


@scenario
def ignored_dockerfile(s: Session) -> None:
    """The daemon hides the Dockerfile and the ignore file when the ignore file names them."""
    s.build(
        "FROM scratch\nCOPY . /",
        {".dockerignore": "Dockerfile\n.dockerignore\nkept\n", "kept": "1", "a": "2"},
    )


@scenario
def ignored_by_star(s: Session) -> None:
    """A star with exceptions."""
    s.build("FROM scratch\nCOPY . /", {".dockerignore": "*\n!a\n", "a": "2", "b": "3"})


@scenario
def gzipped_context(s: Session) -> None:
    """A compressed body."""
    import gzip

    from ..context import pack

    body = gzip.compress(pack({"Dockerfile": "FROM scratch\nCOPY a /", "a": "1"}), mtime=0)
    s.build(None, body=body)


@scenario
def names_with_dot_slash(s: Session) -> None:
    """Entries that begin with `./`, and an entry for the root."""
    s.build(None, {".": directory(), "./Dockerfile": "FROM scratch\nCOPY . /x/", "./d/a": "1"})


@scenario
def file_without_folder_entry(s: Session) -> None:
    """A file whose folder has no entry of its own."""
    import io
    import tarfile

    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, text in {"Dockerfile": "FROM scratch\nCOPY d /d", "d/a": "1"}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(text), 1_600_000_000
            archive.addfile(info, io.BytesIO(text.encode()))
    s.build(None, body=stream.getvalue())


@scenario
def fifo(s: Session) -> None:
    """A named pipe in a directory."""
    s.build("FROM scratch\nCOPY d /z", {"d/p": Entry(fifo=True), "d/a": "1"})


@scenario
def owners_by_name(s: Session) -> None:
    """Names are looked up in the image."""
    users = "root:x:0:0::/:/bin/sh\nme:x:55:66::/:/bin/sh\n"
    group = "root:x:0:\nus:x:77:\nme:x:88:\n"
    s.build(
        "FROM scratch\nCOPY etc /etc\nCOPY --chown=me:us a /1\nCOPY --chown=me a /2\n"
        "COPY --chown=me:5 a /3\nCOPY --chown=nobody a /4",
        {"etc/passwd": users, "etc/group": group, "a": "1"},
    )


@scenario
def unknown_group(s: Session) -> None:
    """A group nobody knows."""
    s.build(
        "FROM scratch\nCOPY etc /etc\nCOPY --chown=1:nope a /1",
        {"etc/passwd": "", "etc/group": "us:x:77:\n", "a": "1"},
    )


@scenario
def pax_times(s: Session) -> None:
    """A context whose times have fractions, in the PAX format."""
    import io
    import tarfile

    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, text in {"a": "1", "Dockerfile": "FROM scratch\nCOPY a /"}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(text), 1_600_000_000.75
            archive.addfile(info, io.BytesIO(text.encode()))
    s.build(None, body=stream.getvalue())


@scenario
def two_broken_links_to_one_place(s: Session) -> None:
    """A link that leads nowhere counts by its own path."""
    files: Files = {"p/c": "1", "p/q/d": symlink("../a"), "p/e": symlink("a")}
    s.build(
        "FROM scratch\nCOPY p /z",
        files,
    )


@scenario
def empty_copy_then_a_full_one(s: Session) -> None:
    """The engine loses its way after a COPY that changes nothing."""
    files: Files = {"e": directory(), "a": "a layer that no other scenario makes"}
    s.build("FROM scratch\nCOPY e /\nCOPY a /", files)


@scenario
def empty_directory_again(s: Session) -> None:
    """A directory that is copied into anew gets a new time."""
    files: Files = {"e": directory()}
    s.build("FROM scratch\nCOPY e /z\nCOPY e /z", files)


@scenario
def circular_destination(s: Session) -> None:
    """A destination whose links lead round in circles."""
    files: Files = {"d/a": symlink("a"), "b": "1"}
    s.build("FROM scratch\nCOPY d /\nCOPY b /a", files)
    s.build("FROM scratch\nCOPY d /\nWORKDIR /a/x", files)
