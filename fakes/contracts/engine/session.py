"""A scenario's hands: it does things to an engine and notes what it sees."""

from __future__ import annotations

import glob
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import docker.errors
import requests
from docker.api.client import APIClient

from .context import Files, pack
from .effects import Effects
from .image_view import view
from .normal import Normaliser

if TYPE_CHECKING:
    from ...registry.registry import FakeRegistry

Observation = dict[str, Any]

_INSPECT_DROPPED = (
    "GraphDriver",
    "Metadata",
    "Created",
    "Container",
    "DockerVersion",
    "Size",
    "VirtualSize",
)

# Where what a scenario can leave behind is listed, and what names it there; containers first,
# for they hold on to the others.
_LISTS: Mapping[str, tuple[str, str]] = {
    "containers": ("/containers/json?all=1", "Id"),
    "networks": ("/networks", "Id"),
    "volumes": ("/volumes", "Name"),
}


class Session:
    """One run of one scenario.

    Attributes:
        api: the SDK's low-level client.
        notes: what was seen, in order, normalised.

    Args:
        api: the engine's client.
        base: the name of an image that the engine has.
        shared: the engine has things of somebody else's, which `clean` leaves.
        effects: the engine, if it must be told what commands do.
        registry_port: a port of 127.0.0.1 that is the same for the engine and this
            process; 0 for any, when they share the loopback interface.
    """

    def __init__(
        self,
        api: APIClient,
        base: str = "busybox:latest",
        *,
        shared: bool = True,
        effects: Effects | None = None,
        registry_port: int = 0,
    ) -> None:
        self.api = api
        self.base = base
        self.notes: list[Observation] = []
        self._normal = Normaliser()
        self._effects = effects
        self._registry_port = registry_port
        self._open = ExitStack()
        # What is there already belongs to somebody else.
        self.kept_names = {base}
        self._kept: dict[str, set[str]] = {kind: set() for kind in _LISTS}
        if shared:
            self.kept_names |= {name for i in api.images() for name in i.get("RepoTags") or []}
            self._kept = {kind: self._listed(kind) for kind in _LISTS}

    def close(self) -> None:
        """Stop what the scenario started beside the engine."""
        self._open.close()

    # --- what surrounds the engine --------------------------------------------

    def given_container(self, *command: str, **effects: Any) -> list[str]:
        """A container's command, whose effects are told to an engine that executes nothing.

        Args:
            command: its words; a real engine really does what `effects` says of it.
            effects: as for `fakes.FakeDockerEngine.on_container`.
        """
        if self._effects is not None:
            self._effects.on_container(command=_literal(command), **effects)
        return list(command)

    def given_exec(self, *command: str, **effects: Any) -> list[str]:
        """A command for a running container; as `given_container`."""
        if self._effects is not None:
            self._effects.on_exec(_literal(command), **effects)
        return list(command)

    def given_run(self, command: str, **effects: Any) -> str:
        """A RUN's command; as `given_container`."""
        if self._effects is not None:
            self._effects.on_run(glob.escape(command), **effects)
        return command

    def registry(self, **options: Any) -> FakeRegistry:
        """A registry that the engine reaches, shown as `<registry>`; one at a time.

        Args:
            options: of `fakes.FakeRegistry`.
        """
        from ...registry.registry import FakeRegistry

        registry = FakeRegistry(port=self._registry_port, **options).start()
        self._open.callback(registry.close)
        self._normal.mask(registry.address, "registry")
        return registry

    def note(self, what: str, value: object) -> None:
        """Keep something that was seen."""
        self.notes.append({"what": what, "seen": self._normal.value(value)})

    # --- raw requests ---------------------------------------------------------

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """A request to the API, its answer not looked at."""
        url = f"{self.api.base_url}/v{self.api.api_version}{path}"
        return self.api.request(method, url, timeout=60, **options)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """A request whose status and document are noted; the document."""
        response = self.request(method, path, **options)
        document = _document(response)
        self.note(
            f"{method} {self._normal.text(path)}",
            {"status": response.status_code, "body": document},
        )
        return document

    def stream(self, method: str, path: str, **options: Any) -> list[Observation]:
        """A request whose stream of messages is noted; the messages."""
        try:
            response = self.request(method, path, **options)
        except requests.exceptions.RequestException:
            self.note(f"{method} {self._normal.text(path)}", "the connection broke")
            return []
        if response.status_code != 200:
            self.note(
                f"{method} {self._normal.text(path)}",
                {"status": response.status_code, "body": _document(response)},
            )
            return []
        messages = [json.loads(line) for line in response.text.splitlines() if line.strip()]
        self.note(
            f"{method} {self._normal.text(path)}", {"status": 200, "messages": _joined(messages)}
        )
        return messages

    # --- builds ---------------------------------------------------------------

    def build(
        self,
        dockerfile: str | None,
        files: Files | None = None,
        /,
        *,
        tag: str = "scenario:1",
        more_tags: tuple[str, ...] = (),
        look: bool = True,
        body: bytes | None = None,
        **options: Any,
    ) -> str | None:
        """Build, note the stream, then note the image; its id.

        Args:
            dockerfile: put into the context as `Dockerfile`; `None` for none.
            files: the rest of the context.
            tag: the name; empty for none.
            more_tags: further names.
            look: note the image as well.
            body: sent instead of the context.
            options: further query parameters; dicts and lists are sent as JSON.
        """
        context: dict[str, Any] = {} if dockerfile is None else {"Dockerfile": dockerfile}
        context.update(files or {})
        query: dict[str, Any] = {"t": [tag, *more_tags], "rm": "1"} if tag else {"rm": "1"}
        for name, value in options.items():
            query[name] = json.dumps(value) if isinstance(value, dict | list) else value
        messages = self.stream(
            "POST",
            "/build",
            params=query,
            data=body if body is not None else pack(context),
            headers={"Content-Type": "application/x-tar"},
        )
        image = next((m["aux"]["ID"] for m in reversed(messages) if "aux" in m), None)
        if image is not None and look:
            self.look(image)
        return image

    def look(self, name: str) -> None:
        """Note an image's document, history, layers and files."""
        response = self.request("GET", f"/images/{name}/get")
        if response.status_code == 200:
            self.note("image", view(response.content))
            return
        self.note("save", {"status": response.status_code, "body": _document(response)})
        document = self.request("GET", f"/images/{name}/json").json()
        self.note("inspect", {k: v for k, v in document.items() if k not in _INSPECT_DROPPED})

    def inspect(self, name: str) -> None:
        """Note what runs in a container of an image, and the newest lines of its history."""
        document = self.request("GET", f"/images/{name}/json").json()
        configs = {k: document.get(k) for k in ("Config", "ContainerConfig")}
        for config in configs.values():
            if config and config.get("Env"):
                config["Env"] = [e for e in config["Env"] if not e.startswith("PATH=")]
        self.note("config", configs)
        history = self.request("GET", f"/images/{name}/history").json()
        below = self.request("GET", f"/images/{self.base}/history").json()
        # Containerd's store says `null` of an image that has none.
        lines = None if history is None else history[: -len(below) or None]
        self.note("history", lines and [line["CreatedBy"] for line in lines])

    def failing(self, what: str, action: Callable[[], object]) -> None:
        """Note the SDK's error of something that is to fail."""
        try:
            action()
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            self.note(what, {"error": type(error).__name__, "message": _explanation(error)})
        else:
            self.note(what, "no error")

    def _listed(self, kind: str) -> set[str]:
        """The ids or names of what the engine has of a kind."""
        path, key = _LISTS[kind]
        response = self.request("GET", path)
        document = response.json() if response.status_code == 200 else []
        lines = document.get("Volumes") if isinstance(document, dict) else document
        return {str(line[key]) for line in lines or []}

    # --- cleaning -------------------------------------------------------------

    def clean(self) -> None:
        """Take away what the scenario made, so that the next one finds no cache."""
        for kind in _LISTS:
            for name in self._listed(kind) - self._kept[kind]:
                self.request("DELETE", f"/{kind}/{name}", params={"force": "1", "v": "1"})
        for image in self.api.images():
            for name in image.get("RepoTags") or []:
                if name not in self.kept_names and name != "<none>:<none>":
                    self.request("DELETE", f"/images/{name}", params={"force": "1"})
        for _ in range(3):
            removed = self.request("POST", "/images/prune").json().get("ImagesDeleted")
            if not removed:
                break


def _literal(command: Sequence[str]) -> str:
    return glob.escape(" ".join(command))


def _document(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text


def _explanation(error: Exception) -> str:
    explanation = getattr(error, "explanation", None)
    return str(explanation if explanation else error)


def _joined(messages: Iterable[Observation]) -> list[Any]:
    """Messages with consecutive pieces of text joined: where they are cut does not matter."""
    result: list[Any] = []
    for message in messages:
        if set(message) == {"stream"}:
            if result and isinstance(result[-1], str):
                result[-1] += message["stream"]
            else:
                result.append(message["stream"])
        else:
            result.append(message)
    return [item.splitlines() if isinstance(item, str) else item for item in result]
