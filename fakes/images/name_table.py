"""Names that lead to images, found from both sides."""

from __future__ import annotations


class NameTable:
    """Names of one kind, each of one image; an image can have several."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}
        self._names: dict[str, set[str]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._ids

    def get(self, name: str) -> str | None:
        """The id of the image that has a name."""
        return self._ids.get(name)

    def set(self, name: str, image_id: str) -> None:
        """Give an image a name, taken from whatever had it."""
        self.remove(name)
        self._ids[name] = image_id
        self._names.setdefault(image_id, set()).add(name)

    def remove(self, name: str) -> None:
        """Forget a name, if it is known."""
        image_id = self._ids.pop(name, None)
        if image_id is not None:
            names = self._names[image_id]
            names.discard(name)
            if not names:
                del self._names[image_id]

    def drop(self, image_id: str) -> None:
        """Forget every name of an image."""
        for name in self._names.pop(image_id, ()):
            del self._ids[name]

    def of(self, image_id: str) -> list[str]:
        """The names of an image, sorted."""
        return sorted(self._names.get(image_id, ()))

    def items(self) -> dict[str, str]:
        """Every name with the id of its image."""
        return dict(self._ids)
