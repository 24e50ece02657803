"""Pulls and pushes in scenarios, and what of their streams a client can rely on.

An engine tells the progress of several layers at once, and only the newest word of each: what
comes between a layer's first and its last status may be missing from one stream and present in
the next.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from imagebuilders.oci.media_types import OCI_INDEX

from .context import pack
from .session import Session

if TYPE_CHECKING:
    from ...registry.registry import FakeRegistry
    from ...registry.storage import Manifest

Message = dict[str, Any]

NOBODY = base64.urlsafe_b64encode(b"{}").decode()
"""The header of somebody without credentials."""

# Said of a layer on the way, unless something newer is to be said before it was sent.
_PASSING = frozenset(
    {
        "Waiting",
        "Pushing",
        "Downloading",
        "Verifying Checksum",
        "Download complete",
        "Extracting",
    }
)
# Layers are moved side by side, so that they begin and end in any order.
_BEGUN = "Pulling fs layer"
_ENDED = re.compile("Pushed|Layer already exists|Mounted from .*|Pull complete")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# What differs from run to run in the paths of requests.
_ACCIDENTAL = re.compile(r"(?<=/blobs/uploads/)[^/?]+|sha256:[0-9a-f]{64}")


def login(username: str, password: str, **more: str) -> str:
    """The header of somebody with credentials."""
    return encoded({"username": username, "password": password, **more})


def encoded(document: object) -> str:
    """A document in the form of `X-Registry-Auth` and `X-Registry-Config`."""
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode()


def reliable(messages: Iterable[Message], known: Sequence[str] = ()) -> list[Message]:
    """The messages that come in every run, those of layers side by side in order.

    Args:
        messages: all.
        known: the names of layers in the order of those that did not come up before.
    """
    order: list[str] = []
    result: list[Message] = []
    together: list[Message] = []
    for message in messages:
        status, item = str(message.get("status", "")), str(message.get("id", ""))
        if status in _PASSING:
            continue
        begins, ends = status == _BEGUN, _ENDED.fullmatch(status) is not None
        if together and (begins, ends) != _kind(together[0]):
            together = _in_order(together, [*order, *known])
            result += together
            order += [str(each["id"]) for each in together]
            together = []
        if begins or ends:
            together.append(message)
            continue
        order.append(item)
        result.append(message)
    return result + _in_order(together, [*order, *known])


def _kind(message: Message) -> tuple[bool, bool]:
    begins = message["status"] == _BEGUN
    return begins, not begins


def _in_order(together: list[Message], order: Sequence[str]) -> list[Message]:
    # In an order of their own, an engine tells of layers under names that came up before.
    def place(message: Message) -> tuple[int, str]:
        item = str(message["id"])
        known = order.index(item) if item in order else len(order)
        return known, str(message["status"])

    return sorted(together, key=place)


class Transfers:
    """A scenario's hands for pulls and pushes.

    Layers are other ones in each run, for an engine remembers for ever which registry had which.

    Args:
        session: the scenario's.
        options: of the registry; see `fakes.FakeRegistry`.
    """

    def __init__(self, session: Session, **options: Any) -> None:
        self._session = session
        self._salt = secrets.token_hex(8)
        self.registry: FakeRegistry = session.registry(**options)
        self.address = self.registry.address
        # Digests in the order in which they came up; their own order is another in each run.
        self._digests: list[str] = []

    # --- images ---------------------------------------------------------------

    def content(self, word: str) -> str:
        """A file's content that gzip makes to some hundred bytes, whoever's gzip it is."""
        parts = (f"{self._salt} {word} {number}".encode() for number in range(6))
        return "".join(hashlib.sha256(part).hexdigest() for part in parts)

    def build(self, name: str, *words: str, env: str = "1") -> None:
        """Let the engine have an image of this registry, with a layer for each word.

        Args:
            name: without the registry's address.
            words: of each a file is made.
            env: a variable, so that images of the same layers differ.
        """
        copies = [f"COPY {word} /{word}" for word in words]
        dockerfile = "\n".join(["FROM scratch", *copies, f"ENV made={env}"])
        context = {"Dockerfile": dockerfile, **{word: self.content(word) for word in words}}
        self._session.request(
            "POST",
            "/build",
            params={"t": f"{self.address}/{name}", "rm": "1"},
            data=pack(context),
            headers={"Content-Type": "application/x-tar"},
        )

    def seed(self, name: str, *words: str, env: str = "1", **more: Any) -> Manifest:
        """Let the registry have an image, with a layer for each word.

        Args:
            name: without the registry's address.
            words: of each a file is made.
            env: a variable, so that images of the same layers differ.
            more: of `fakes.registry.SeedImage`.
        """
        from ...registry.seed import SeedImage

        layers = [{word: self.content(word)} for word in words]
        manifest = self.registry.seed(name, SeedImage(layers=layers, env={"made": env}, **more))
        self._digests.append(manifest.digest)
        return manifest

    def put(self, name: str, document: Message) -> None:
        """Let the registry have a manifest or an index.

        Args:
            name: repository and tag.
            document: with its media type.
        """
        repository, _, tag = name.partition(":")
        response = self.registry.session().put(
            f"{self.registry.url}/v2/{repository}/manifests/{tag}",
            data=json.dumps(document, separators=(",", ":")).encode(),
            headers={"Content-Type": document["mediaType"]},
            timeout=10,
        )
        response.raise_for_status()

    def index(self, name: str, manifests: Mapping[str, Manifest], kind: str = OCI_INDEX) -> None:
        """Let the registry have an index.

        Args:
            name: repository and tag.
            manifests: by platform, as in `linux/amd64`.
            kind: its media type.
        """
        entries = []
        for platform, manifest in manifests.items():
            system, _, rest = platform.partition("/")
            architecture, _, variant = rest.partition("/")
            entry: Message = {"architecture": architecture, "os": system}
            if variant:
                entry["variant"] = variant
            entries.append({**described(manifest), "platform": entry})
        self.put(name, {"schemaVersion": 2, "mediaType": kind, "manifests": entries})

    def tag(self, old: str, new: str) -> None:
        """Let the engine have an image of this registry under a second name of it."""
        self._session.request(
            "POST",
            f"/images/{self.address}/{old}/tag",
            params={"repo": f"{self.address}/{new}"},
        )

    # --- trouble --------------------------------------------------------------

    def failing(self, statuses: Iterable[int], path: str, method: str = "*") -> Iterator[int]:
        """Let the registry answer with one status after the other, and then be well again.

        Args:
            statuses: with which it fails.
            path: a pattern for the paths of the requests.
            method: theirs; any when left out.
        """
        for status in statuses:
            fault = self.registry.faults.status(status, path=path, method=method, times=None)
            yield status
            self.registry.faults.remove(fault)

    # --- moving them ----------------------------------------------------------

    def push(self, name: str, auth: str | None = NOBODY, **query: str) -> None:
        """Push and note the stream.

        Args:
            name: without the registry's address; with the tag, if one is to be named.
            auth: `X-Registry-Auth`.
            query: further parameters.
        """
        repository, _, tag = name.partition(":")
        params = {"tag": tag, **query} if tag else query
        path = f"/images/{self.address}/{repository}/push"
        self._transfer(f"push {name}", path, params, auth, repository)

    def pull(self, name: str, auth: str | None = None, **query: str) -> None:
        """Pull and note the stream; as `push`."""
        repository, _, tag = name.partition(":")
        if "@" in name:
            repository, _, tag = name.partition("@")
        params = {"fromImage": f"{self.address}/{repository}", **query}
        if tag:
            params["tag"] = tag
        self._transfer(f"pull {repository}", "/images/create", params, auth, repository)

    def _transfer(
        self,
        what: str,
        path: str,
        params: Mapping[str, str],
        auth: str | None,
        repository: str,
    ) -> None:
        headers = {} if auth is None else {"X-Registry-Auth": auth}
        response = self._session.request("POST", path, params=dict(params), headers=headers)
        self._digests += _DIGEST.findall(response.text)
        seen: Message = {"status": response.status_code}
        if response.status_code == 200:
            lines = response.text.splitlines()
            messages = (json.loads(line) for line in lines if line.strip())
            seen["messages"] = reliable(messages, self._layers(repository))
        else:
            seen["body"] = response.json()
        self._session.note(what, seen)

    def _layers(self, repository: str) -> list[str]:
        """The layers that the registry has in a repository, as containerd's store names them."""
        names = [f"{repository}:{tag}" for tag in self.registry.tags(repository)]
        documents: list[Any] = [self.registry.manifest(name).document for name in names]
        layers = [layer for document in documents for layer in document.get("layers") or ()]
        return [str(layer["digest"]).partition(":")[2][:12] for layer in layers]

    def inspect(self, name: str, auth: str | None = None) -> None:
        """Note what the engine says the registry has under a name."""
        headers = {} if auth is None else {"X-Registry-Auth": auth}
        self._session.call("GET", f"/distribution/{self.address}/{name}/json", headers=headers)

    def remove(self, name: str, **query: str) -> None:
        """Remove a name of this registry from the engine, and note what went."""
        self._session.call("DELETE", f"/images/{self.address}/{name}", params=query)

    def from_image(
        self,
        name: str,
        steps: str = "ENV x=1",
        *,
        auths: Mapping[str, object] | None = None,
        **query: str,
    ) -> None:
        """Build on an image of this registry and note the stream.

        Args:
            name: without the registry's address.
            steps: what comes after `FROM`.
            auths: the user and password for each registry.
            query: further parameters.
        """
        headers = {"Content-Type": "application/x-tar"}
        if auths is not None:
            headers["X-Registry-Config"] = encoded(auths)
        response = self._session.request(
            "POST",
            "/build",
            params={"t": "built:1", "rm": "1", **query},
            data=pack({"Dockerfile": f"FROM {self.address}/{name}\n{steps}"}),
            headers=headers,
        )
        lines = [json.loads(line) for line in response.text.splitlines() if line.strip()]
        self._session.note("build", {"status": response.status_code, "messages": reliable(lines)})

    # --- looking --------------------------------------------------------------

    def requests(self) -> None:
        """Note what the registry was asked, sorted: layers are moved side by side.

        How many of them are refused before the engine knows how to log in is chance.
        """
        lines = sorted(
            f"{r.status} {r.method} {_ACCIDENTAL.sub('<…>', r.path)}"
            for r in self.registry.requests
        )
        self._session.note("asked of the registry", refusals_once(lines))

    def named(self, *names: str) -> None:
        """Note the names and digests of images of this registry."""
        for name in names:
            response = self._session.request("GET", f"/images/{self.address}/{name}/json")
            document = response.json()
            seen = document
            if response.status_code == 200:
                seen = self._names(document, "Id", "Parent")
            self._session.note("named", {"name": name, "seen": seen})

    def listed(self) -> None:
        """Note the lines of the image list, without those that are not the scenario's."""
        lines = [
            self._names(line, "Id", "ParentId")
            for line in self._session.request("GET", "/images/json").json()
            if not self._session.kept_names & set(line.get("RepoTags") or [])
        ]
        self._session.note("list", sorted(lines, key=self._place))

    def _place(self, line: Message) -> str:
        """Where a line stands: by its tags, digests in the order in which they came up."""
        text = json.dumps(line["RepoTags"])
        for number, digest in enumerate(self._digests):
            text = text.replace(digest, f"{number:04d}")
        return text

    def _names(self, document: Message, *keys: str) -> Message:
        digests = document.get("RepoDigests")
        if digests:
            digests = sorted(digests, key=self._age)
        return {
            **{key: document.get(key) for key in keys},
            "RepoTags": document.get("RepoTags"),
            "RepoDigests": digests,
        }

    def _age(self, name: str) -> tuple[str, int]:
        repository, _, digest = name.partition("@")
        return repository, self._digests.index(digest) if digest in self._digests else -1


def refusals_once(lines: Sequence[str]) -> list[str]:
    """Sorted requests, each kind of those for blobs that were refused with 401 once."""
    return [
        line
        for line, before in zip(lines, ("", *lines), strict=False)
        if line != before or not (line.startswith("401 ") and "/blobs/" in line)
    ]


def described(manifest: Manifest) -> Message:
    """A manifest's descriptor."""
    return {
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": len(manifest.content),
    }
