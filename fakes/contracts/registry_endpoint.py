"""A registry's HTTP interface as the contract talks to it: any registry, by plain requests."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import requests

from imagebuilders.oci.media_types import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST

from ..registry.names import digest_of

UNKNOWN_DIGEST = digest_of(b"nobody ever pushed this")
"""The digest of a blob or manifest that no registry has."""
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class PushedImage:
    """An image that was pushed.

    Attributes:
        repository: where to.
        digest: the manifest's digest.
        content: the manifest's bytes.
        media_type: the manifest's type.
        layers: the layers' digests.
    """

    repository: str
    digest: str
    content: bytes
    media_type: str
    layers: tuple[str, ...]


@dataclass
class RegistryEndpoint:
    """A registry to talk to.

    Attributes:
        url: as in `http://127.0.0.1:5000`.
        credentials: user name and password, where the registry asks for them.
        session: the session that requests go through; close it after use.
    """

    url: str
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    session: requests.Session = field(default_factory=requests.Session)
    _authorizations: dict[str, str] = field(default_factory=dict, repr=False)

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        body: bytes | Sequence[bytes] | None = None,
    ) -> requests.Response:
        """Send a request; a challenge is answered once, redirects are not followed.

        Where a token service refuses the credentials, its answer is the answer.

        Args:
            method: the method.
            path: a path or a whole URL, as a Location header may have it.
            headers: header fields.
            parameters: the query, added to one that is there.
            body: bytes, or pieces that are sent in chunks.
        """
        url = path if "://" in path else self.url + path
        scope = f"{method} {url.partition('?')[0]}"
        response = self._send_once(method, url, headers, parameters, body, scope)
        if response.status_code == 401 and self.credentials:
            refusal = self._log_in(scope, response.headers["WWW-Authenticate"])
            if refusal is not None:
                return refusal
            response = self._send_once(method, url, headers, parameters, body, scope)
        return response

    def new_repository(self) -> str:
        """A name that nobody has used."""
        return f"contract/{uuid.uuid4().hex}"

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository, in the registry's order."""
        answer = self.send("GET", f"/v2/{repository}/tags/list")
        assert answer.status_code == 200, answer.text
        return [str(tag) for tag in answer.json()["tags"]]

    def push_blob(self, repository: str, content: bytes, algorithm: str = "sha256") -> str:
        """Upload a blob at once and return its digest."""
        digest = digest_of(content, algorithm)
        started = self.send("POST", f"/v2/{repository}/blobs/uploads/")
        assert started.status_code == 202, started.text
        finished = self.send(
            "PUT", started.headers["Location"], parameters={"digest": digest}, body=content
        )
        assert finished.status_code == 201, finished.text
        return digest

    def push_manifest(
        self, repository: str, target: str, content: bytes, media_type: str = OCI_MANIFEST
    ) -> requests.Response:
        """Upload a manifest."""
        return self.send(
            "PUT",
            f"/v2/{repository}/manifests/{target}",
            headers={"Content-Type": media_type},
            body=content,
        )

    def push_image(
        self, repository: str, tag: str, layers: Iterable[bytes] = (b"a layer",), **extra: object
    ) -> PushedImage:
        """Upload a small image; `extra` goes into its manifest."""
        config = self.push_blob(repository, b'{"architecture":"amd64","os":"linux"}')
        digests = tuple(self.push_blob(repository, layer) for layer in layers)
        content = manifest_of(config, digests, **extra)
        pushed = self.push_manifest(repository, tag, content)
        assert pushed.status_code == 201, pushed.text
        return PushedImage(repository, digest_of(content), content, OCI_MANIFEST, digests)

    def _send_once(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        parameters: Mapping[str, str] | Iterable[tuple[str, str]] | None,
        body: bytes | Sequence[bytes] | None,
        scope: str,
    ) -> requests.Response:
        fields = dict(headers or {})
        if scope in self._authorizations:
            fields["Authorization"] = self._authorizations[scope]
        data = body if body is None or isinstance(body, bytes) else iter(body)
        return self.session.request(
            method, url, headers=fields, params=parameters, data=data, allow_redirects=False
        )

    def _log_in(self, scope: str, challenge: str) -> requests.Response | None:
        """Get what a challenge asks for; the token service's answer if it refuses."""
        assert self.credentials is not None
        if not challenge.lower().startswith("bearer"):
            prepared = requests.Request("GET", self.url, auth=self.credentials).prepare()
            self._authorizations[scope] = str(prepared.headers["Authorization"])
            return None
        wanted = dict(_PARAMETER.findall(challenge))
        token = self.session.get(
            wanted["realm"],
            params={key: wanted[key] for key in ("service", "scope") if key in wanted},
            auth=self.credentials,
        )
        if token.status_code != 200:
            return token
        self._authorizations[scope] = f"Bearer {token.json()['token']}"
        return None


def manifest_of(config: str, layers: Iterable[str], /, **extra: object) -> bytes:
    """An OCI manifest. Sizes are those of the digests' content only as far as checks need them."""
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": config, "size": 37},
        "layers": [{"mediaType": OCI_LAYER, "digest": layer, "size": 7} for layer in layers],
        **extra,
    }
    return json.dumps(document).encode()


def error_code(response: requests.Response) -> str:
    """The code of the first error in an error document."""
    errors = response.json()["errors"]
    assert {"code", "message"} <= errors[0].keys()
    return str(errors[0]["code"])
