"""A busybox image made of Debian's static busybox."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile

import docker

_ROOT_FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}


def archive(host: docker.DockerClient, tools_image: str, name: str) -> bytes:
    """A ``docker load`` archive of a busybox image, taken from an image that has busybox."""
    container = host.containers.create(tools_image, ["busybox", "--list-full"])
    try:
        chunks, _ = container.get_archive("/usr/bin/busybox")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            member = tar.extractfile("busybox")
            assert member is not None
            program = member.read()
        container.start()
        container.wait()
        applets = container.logs(stdout=True, stderr=False).decode().split()
    finally:
        container.remove(force=True, v=True)
    return _image_archive(_layer(program, applets), name, str(host.version()["Arch"]))


def _layer(program: bytes, applets: list[str]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as tar:
        folders = {"bin", "sbin", "usr", "usr/bin", "usr/sbin", "etc", "root", "tmp", "proc", "sys"}
        for folder in sorted(folders | {"dev", "var"}):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(info)
        _add_file(tar, "bin/busybox", program, 0o755)
        for path, text in _ROOT_FILES.items():
            _add_file(tar, path, text.encode(), 0o644)
        for applet in sorted(set(applets) - {"bin/busybox"}):
            info = tarfile.TarInfo(applet)
            if applet.rpartition("/")[0] not in folders:
                continue
            info.type, info.linkname = tarfile.SYMTYPE, "/bin/busybox"
            tar.addfile(info)
    return output.getvalue()


def _image_archive(layer: bytes, name: str, architecture: str) -> bytes:
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": architecture,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"Cmd": ["sh"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "busybox-static"}],
        }
    ).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": [name], "Layers": [f"{digest}/layer.tar"]}]
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.GNU_FORMAT) as tar:
        _add_file(tar, config_name, config, 0o644)
        _add_file(tar, f"{digest}/layer.tar", layer, 0o644)
        _add_file(tar, "manifest.json", json.dumps(manifest).encode(), 0o644)
    return output.getvalue()


def _add_file(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    info = tarfile.TarInfo(path)
    info.size, info.mode = len(content), mode
    tar.addfile(info, io.BytesIO(content))
