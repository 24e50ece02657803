"""Bringing images to where they go: layers side by side, then what names them, the tag last.

So whatever ends a build early, no name stands for an image that is not whole.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial

from imagebuilders.daemonless.destinations import Destination, Progress
from imagebuilders.daemonless.images import DeliveredImage
from imagebuilders.daemonless.new_layers import NewLayer, NewLayers
from imagebuilders.events import Event, LayerProgress
from imagebuilders.lazy_dataclass import dataclass
from imagebuilders.oci.descriptor import Descriptor
from imagebuilders.oci.digest import Digest
from imagebuilders.side_by_side import Tell, run_side_by_side

_UPLOADS = 4
_REPORTED_BYTES = 4 * 1024 * 1024
"""Progress is told each time when so many bytes more were written."""


@dataclass(frozen=True)
class _Task:
    """A layer that has to be brought."""

    layer: Descriptor
    bring: Callable[[Progress], str]


def deliver(
    image: DeliveredImage,
    destination: Destination,
    new_layers: NewLayers,
    tell: Callable[[Event], None],
) -> None:
    """Bring an image to one place.

    Args:
        image: the image.
        destination: the place.
        new_layers: makes the image's own layers, as far as they have to be brought.
        tell: what to do with events.

    Raises:
        RegistryError, OSError: the place does not take something.
        ImageBuilderError: a layer cannot be read or made.
    """
    if destination.is_named(image.descriptor):
        return
    if not destination.has_image(image.descriptor):
        _bring(_tasks(image, destination, new_layers), tell)
        for finished in image.images:
            destination.write_blob(finished.config, finished.config_descriptor.digest)
        for blob in image.blobs:
            destination.write_blob(blob, Digest.of(blob))
        for content, descriptor in image.parts:
            destination.write_manifest(content, descriptor)
    destination.name_image(image.content, image.descriptor)


def _tasks(image: DeliveredImage, destination: Destination, new_layers: NewLayers) -> list[_Task]:
    """Return what has to be done for each layer, once."""
    tasks: dict[Digest, _Task] = {}
    for finished in image.images:
        evaluated = finished.evaluated
        # The new layers first: they take longest.
        for layer in evaluated.layers:
            descriptor = new_layers.names(layer).descriptor
            bring = partial(_write, layer, destination, new_layers)
            tasks.setdefault(descriptor.digest, _Task(descriptor, bring))
    for base in [finished.evaluated.base for finished in image.images]:
        if base is not None:
            for descriptor in base.manifest.layers:
                bring = partial(destination.take_over, descriptor, base)
                tasks.setdefault(descriptor.digest, _Task(descriptor, bring))
    return list(tasks.values())


def _write(
    layer: NewLayer, destination: Destination, new_layers: NewLayers, progress: Progress
) -> str:
    descriptor = new_layers.names(layer).descriptor
    if not new_layers.is_made(layer) and destination.has_blob(descriptor):
        return "Already there"
    with closing(new_layers.open(layer)) as blob:
        destination.write_layer(descriptor, blob, progress)
    return "Written"


def _bring(tasks: Sequence[_Task], tell: Callable[[Event], None]) -> None:
    """Do all tasks, several at a time."""
    waiting: queue.SimpleQueue[_Task] = queue.SimpleQueue()
    for task in tasks:
        waiting.put(task)

    def work(tell: Tell) -> None:
        while True:
            try:
                task = waiting.get_nowait()
            except queue.Empty:
                return
            told = _Told(task.layer, tell)
            told.end(task.bring(told))

    run_side_by_side([work] * min(_UPLOADS, len(tasks)), tell)


class _Told:
    """Tells how far a layer is."""

    def __init__(self, layer: Descriptor, tell: Tell) -> None:
        self._layer = layer
        self._tell = tell
        self._reported = 0

    def __call__(self, written: int) -> None:
        if written - self._reported >= _REPORTED_BYTES:
            self._reported = written
            self._emit("Writing", written)

    def end(self, status: str) -> None:
        """Tell that it is there."""
        self._emit(status, self._layer.size)

    def _emit(self, status: str, current: int) -> None:
        name = self._layer.digest.encoded[:12]
        self._tell(LayerProgress(name, status, current, self._layer.size))
