"""Builds and pushes `examples/storefront`, twice, and shows what is sent.

The Docker Engine found is used; where none answers, the engine that this package
brings for tests takes its place. The registry is a double in this process.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
    ContextProgress,
    Event,
    StepCached,
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


class Account:
    """Prints a build's steps and counts what is sent."""

    def __init__(self) -> None:
        self.uploaded = self.steps = self.cached = 0

    def __call__(self, event: Event) -> None:
        """Take an event."""
        match event:
            case UploadProgress(bytes_sent=sent, done=True):
                self.uploaded = sent
            case ContextProgress(bytes_sent=sent, done=True):
                print(f"  context to the engine: {sent:,} bytes")
            case StepStarted(number=number, total=total, instruction=instruction):
                self.steps = total
                print(f"  {number}/{total} {instruction.splitlines()[0]}")
            case StepCached():
                self.cached += 1
            case StepOutput(number=number, line=line) if number and line:
                print(f"      {line}")


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


def main() -> int:
    """Run the demonstration."""
    with (
        docker_client() as client,
        FakeRegistry() as registry,
        tempfile.TemporaryDirectory() as folder,
    ):
        stack = Stack(
            image_builder=LocalImageBuilder(),
            artifact_store=LocalArtifactStore(path=folder),
            container_registry=DefaultContainerRegistry(uri=registry.address, docker_client=client),
        )
        image_name = f"{registry.address}/storefront:1.0"

        print(f"\nWhat goes into the context of {APPLICATION.name}, by its .dockerignore:")
        for name in BuildContext(root=str(APPLICATION)).get_files():
            print(f"  {name}")

        print("\nFirst build:")
        _, first = build_and_push(stack, image_name)
        print(f"  pushed: {first}")
        print(f"  the registry holds: {registry.manifest(image_name).digest}")
        received = bytes_received(registry)
        print(f"  layers and config sent to the registry: {received:,} bytes")

        print("\nSecond build, nothing changed:")
        account, second = build_and_push(stack, image_name)
        print(f"  pushed: {second}")
        sent_again = bytes_received(registry) - received
        print(f"  steps from the cache: {account.cached}")
        print(f"  sent to the artifact store: {account.uploaded} bytes")
        print(f"  layers and config sent to the registry: {sent_again} bytes")
        unchanged = second == first and not account.uploaded and not sent_again
        print(
            "\nNothing was sent again. (The engine itself asks for the context at each build of "
            "its classic builder.)"
            if unchanged
            else "\nSomething was sent again that should not have been."
        )
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
