"""Builds and pushes `examples/storefront`, twice, and shows what is sent.

The Docker Engine found is used, with BuildKit where it has it; where none answers, the engine that
this package brings for tests takes its place. The registry is a double in this process. What it
makes is gone when it ends: the image, the archive, and what is remembered of the files.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fakes import FakeDockerClient, FakeDockerEngine, FakeRegistry
from imagebuilders import (
    BuildContext,
    DefaultContainerRegistry,
    LocalArtifactStore,
    LocalImageBuilder,
    Stack,
)
from imagebuilders.artifact_stores.upload import upload_build_context
from imagebuilders.docker.client import connect, engine_version
from imagebuilders.events import (
    BuildFinished,
    ContextProgress,
    Event,
    Notice,
    StepOutput,
    StepStarted,
    UploadProgress,
    listen,
)
from imagebuilders.exceptions import EngineNotFoundError, ImageBuilderError

if TYPE_CHECKING:
    import docker

APPLICATION = Path(__file__).parent / "storefront"


@contextmanager
def docker_client() -> Iterator[docker.DockerClient]:
    """Give a client of the engine found, else of the double; say which in the first line."""
    try:
        client = connect()
    except EngineNotFoundError as error:
        tried = ", ".join(attempt.address for attempt in error.attempts)
        print(
            "Building with the embedded double, which runs no RUN: no Docker Engine answers "
            f"(tried {tried})."
        )
        client = FakeDockerClient(FakeDockerEngine())
    else:
        print(f"Building with {engine_version(client)}.")
    try:
        yield client
    finally:
        client.close()


def remove(client: docker.DockerClient, image_name: str) -> None:
    """Remove the image of the demonstration from the engine, if it was built."""
    if client.images.list(image_name):
        client.images.remove(image_name)


class Account:
    """Prints a build's steps and counts what is sent."""

    def __init__(self) -> None:
        self.uploaded = self.sent = 0
        self.is_buildkit = True
        self.finished: BuildFinished | None = None
        self._told: set[str] = set()

    def __call__(self, event: Event) -> None:
        """Take an event."""
        match event:
            case Notice(message=message):
                print(f"  note: {message}")
            case UploadProgress(bytes_sent=sent, done=True):
                self.uploaded = sent
            case ContextProgress(bytes_sent=sent, done=True, step_id=step_id):
                self.sent = sent
                self.is_buildkit = bool(step_id)  # a classic build sends all before its first step
                print(f"  context to the engine: {sent:,} bytes")
            case StepStarted(number=number, total=total, instruction=instruction) if number:
                if event.step_id not in self._told:  # it may begin anew
                    self._told.add(event.step_id)
                    stage = f"{event.stage} " if event.stage else ""
                    print(f"  {stage}{number}/{total} {instruction.splitlines()[0]}")
            case StepOutput(number=number, line=line) if number and line:
                print(f"      {line}")
            case BuildFinished():
                self.finished = event


def build_and_push(stack: Stack, image_name: str) -> tuple[Account, str]:
    """Archive, upload, build and push once; give the account and the image's reference."""
    account = Account()
    with listen(account):
        context = BuildContext(root=str(APPLICATION))
        print(f"  context digest: {context.digest()}")
        archive = upload_build_context(context, stack.artifact_store, "build-contexts")
        print(f"  sent to the artifact store: {account.uploaded:,} bytes, {Path(archive).name}")
        pushed = stack.image_builder.build(
            image_name, context, {"buildargs": {"VERSION": "1.0"}}, stack.container_registry
        )
    return account, pushed


def bytes_received(registry: FakeRegistry) -> int:
    """Count the bytes of layers and configs that were sent to the registry so far."""
    return sum(
        request.request_size for request in registry.requests if "/blobs/uploads/" in request.path
    )


def bytes_of_content() -> int:
    """Count the bytes of the files that the Dockerfile copies."""
    files = BuildContext(root=str(APPLICATION)).get_files()
    sources = [Path(source) for name, source in files.items() if name != "Dockerfile"]
    return sum(source.stat().st_size for source in sources if source.is_file())


def main() -> int:
    """Run the demonstration."""
    with (
        tempfile.TemporaryDirectory() as folder,
        docker_client() as client,
        FakeRegistry() as registry,
        ExitStack() as ending,
    ):
        stack = Stack(
            image_builder=LocalImageBuilder(),
            artifact_store=LocalArtifactStore(path=folder),
            container_registry=DefaultContainerRegistry(uri=registry.address, docker_client=client),
        )
        # Hashes of files are remembered for the next build; a demonstration has none.
        os.environ["XDG_CACHE_HOME"] = str(Path(folder, "cache"))
        image_name = f"{registry.address}/storefront:1.0"
        ending.callback(remove, client, image_name)

        print(f"\nWhat goes into the context of {APPLICATION.name}, by its .dockerignore:")
        for name in BuildContext(root=str(APPLICATION)).get_files():
            print(f"  {name}")

        print("\nFirst build:")
        before, first = build_and_push(stack, image_name)
        print(f"  pushed: {first}")
        print(f"  the registry holds: {registry.manifest(image_name).digest}")
        received = bytes_received(registry)
        print(f"  layers and config sent to the registry: {received:,} bytes")

        print("\nSecond build, nothing changed:")
        account, second = build_and_push(stack, image_name)
        print(f"  pushed: {second}")
        sent_again = bytes_received(registry) - received
        if (finished := account.finished) is not None:
            print(f"  steps from the cache: {finished.cached_steps} of {finished.steps}")
        print(f"  sent to the artifact store: {account.uploaded} bytes")
        print(f"  layers and config sent to the registry: {sent_again} bytes")
        unchanged = second == first and not account.uploaded and not sent_again
        outcome = "Nothing was sent again."
        if account.is_buildkit:
            unchanged = unchanged and account.sent < bytes_of_content()
            outcome += (
                f" (By {account.sent:,} bytes of names, times and sizes, BuildKit saw that the "
                f"context is unchanged; the first build sent {before.sent:,} bytes of it.)"
            )
        else:
            outcome += " (A classic build asks for the context each time.)"
        if not unchanged:
            outcome = "Something was sent again that should not have been."
        print(f"\n{outcome}")
        return 0 if unchanged else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ImageBuilderError as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except BrokenPipeError:
        # The reader went away; what is still buffered goes nowhere instead of into an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
