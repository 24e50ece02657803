"""Images made from a description, without a Dockerfile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from imagebuilders.oci.file_tree import File, Tree, implied_directories

from ..checks import check_files, check_text, check_words, checked_list
from .base_files import account_files, base_folders, homes, shadow_files
from .config import DEFAULT_PATH, ImageDocument, RunConfig, history_entry
from .image import Image
from .layers import difference
from .seeds import described_files
from .seeds import exposed_ports as port_names

_SETTINGS = ("etc/", "usr/lib/")


def seeded_image(
    engine_version: str,
    created: int,
    *,
    files: Mapping[str, str | bytes] | None = None,
    env: Mapping[str, str] | None = None,
    cmd: Sequence[str] | None = None,
    entrypoint: Sequence[str] | None = None,
    working_dir: str = "",
    user: str = "",
    labels: Mapping[str, str] | None = None,
    exposed_ports: Sequence[str] = (),
    on_build: Sequence[str] = (),
    architecture: str = "amd64",
    comment: str = "",
    accounts: Sequence[str] = (),
    programs: Mapping[str, bytes] | None = None,
    variant: str = "",
) -> Image:
    """An image of one layer; without files, what a base image has, and the programs.

    Raises:
        TypeError: an argument is of a wrong type.
    """
    check_files(files, removes=False)
    check_words("env", env)
    check_words("labels", labels)
    texts = {"working_dir": working_dir, "user": user, "architecture": architecture}
    for name, value in {**texts, "comment": comment}.items():
        check_text(name, value)
    names = checked_list("accounts", accounts or (), "names of accounts")
    ports = checked_list("exposed_ports", exposed_ports or (), "ports as in '80/tcp'")
    now = created // 1_000_000_000
    tree: Tree = base_folders(now) if files is None else {}
    if files is None:
        for path, data in (programs or {}).items():
            mode = 0o644 if path.startswith(_SETTINGS) else 0o755
            tree[path] = File("file", mode, mtime=now, data=data)
    tree |= homes(names, now)
    given: Mapping[str, str | bytes] = files or {}
    if files is None or names:
        has_bash = "bin/bash" in tree
        accounts_given = account_files(names, root_shell="/bin/bash" if has_bash else "/bin/sh")
        given = {**accounts_given, **given}
        if has_bash:  # as Debian's base packages leave it
            tree |= shadow_files(accounts_given["/etc/passwd"], accounts_given["/etc/group"], now)
    tree |= described_files(given, now)
    implied_directories(tree)
    layer = difference({}, tree, set())
    layers = (layer,) if tree else ()
    pairs = [f"{name}={value}" for name, value in (env or {}).items()]
    if "PATH" not in (env or {}):
        pairs.insert(0, DEFAULT_PATH)
    config = RunConfig(
        env=pairs,
        cmd=checked_list("cmd", cmd) if cmd is not None else ["/bin/sh"],
        entrypoint=checked_list("entrypoint", entrypoint) if entrypoint is not None else None,
        working_dir=working_dir,
        user=user,
        labels=dict(labels) if labels else None,
        exposed_ports={port: {} for port in port_names(ports)} or None,
        on_build=checked_list("on_build", on_build or (), "instructions") or None,
    )
    document = ImageDocument(
        architecture=architecture,
        variant=variant,
        config=config,
        container_config=RunConfig(),
        created=created,
        comment=comment,
        docker_version=engine_version,
        history=[history_entry(created, "/bin/sh -c #(nop) ADD file in / ", empty=not tree)],
        diff_ids=[item.diff_id for item in layers],
    )
    image = Image(document.to_bytes(), layers)
    image.remember_tree(tree)
    return image
