"""Which ways into an image take a file's capabilities along."""

from __future__ import annotations

import io
import tarfile

from ..registry import scenario
from ..session import Session

_PREFIX = "SCHILY.xattr."
_ATTRIBUTES = {
    f"{_PREFIX}security.capability": "\x01\x00\x00\x02\x00\x04" + "\x00" * 14,
    f"{_PREFIX}user.note": "x",
}
_DOCKERFILE = b"""FROM scratch AS one
ADD in.tar /x/
FROM scratch
COPY ping /context/
COPY folder /contextfolder
COPY --from=one /x/ping /file/
COPY --from=one /x /folder
COPY --from=one --chown=1:1 /x /owned
ADD in.tar /added/
"""


def _tar(*members: tuple[str, bytes, dict[str, str]]) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data, attributes in members:
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = len(data), attributes
            archive.addfile(info, io.BytesIO(data))
    return output.getvalue()


def _layers(saved: bytes) -> dict[str, list[str]]:
    """The attributes that each file has in the layers of an image."""
    found: dict[str, list[str]] = {}
    with tarfile.open(fileobj=io.BytesIO(saved)) as image:
        for member in image:
            content = image.extractfile(member) if member.isreg() else None
            if content is None:
                continue
            try:
                layer = tarfile.open(fileobj=io.BytesIO(content.read()))  # noqa: SIM115
            except tarfile.TarError:
                continue
            with layer:
                for entry in layer:
                    if entry.isreg():
                        names = [key for key in entry.pax_headers if key.startswith(_PREFIX)]
                        found[entry.name] = sorted(name.removeprefix(_PREFIX) for name in names)
    return found


@scenario
def of_a_build(s: Session) -> None:
    """An archive that is added and a folder of another stage; nothing else."""
    inner = _tar(("ping", b"1", {next(iter(_ATTRIBUTES)): next(iter(_ATTRIBUTES.values()))}))
    context = _tar(
        ("Dockerfile", _DOCKERFILE, {}),
        ("ping", b"1", _ATTRIBUTES),
        ("folder/ping", b"1", _ATTRIBUTES),
        ("in.tar", inner, {}),
    )
    s.request(
        "POST",
        "/build",
        params={"t": "scenario:1", "rm": "1"},
        data=context,
        headers={"Content-Type": "application/x-tar"},
    )
    s.note("attributes", _layers(s.request("GET", "/images/scenario:1/get").content))
