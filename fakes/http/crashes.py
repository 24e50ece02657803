"""Defects of a double itself, kept until the test sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .messages import ConnectionCutError


class Crashes:
    """The failures of one double that are no answers of what it doubles.

    Args:
        double: the name of its class.
        error: what tells of one: neither an answer nor a connection error, so that no code under
            test takes it for one.
    """

    def __init__(self, double: str, error: Callable[[str], Exception]) -> None:
        self._double = double
        self._error = error
        self._kept: list[tuple[str, Exception]] = []

    def keep(self, where: str, error: Exception) -> Exception:
        """Keep what happened while a request was answered; the error that tells of it.

        Args:
            where: the request's method and path.
            error: what happened.
        """
        self._kept.append((where, error))
        return self._told(where, error)

    def watched(self, where: str, body: Iterable[bytes]) -> Iterator[bytes]:
        """A body that breaks the connection when the double fails in the midst of it."""
        return _Watched(self, where, body)

    @property
    def told(self) -> list[str]:
        """What tells of each."""
        return [str(self._told(*kept)) for kept in self._kept]

    def clear(self) -> None:
        """Forget all of them."""
        self._kept.clear()

    def check(self) -> None:
        """Tell of the first failure.

        Raises:
            Exception: there was one: `FakeDockerEngineCrashError`, `FakeRegistryCrashError`,
                `ScriptError`.
        """
        if self._kept:
            where, error = self._kept[0]
            raise self._told(where, error) from error

    def _told(self, where: str, error: Exception) -> Exception:
        return self._error(
            f"the {self._double} itself failed while it answered {where}: {error!r}. "
            "This is a defect of the double, not of the code under test."
        )


class _Watched(Iterator[bytes]):
    """No generator, because the body shall hear that it is closed before its first piece too."""

    def __init__(self, crashes: Crashes, where: str, body: Iterable[bytes]) -> None:
        self._crashes, self._where, self._pieces = crashes, where, iter(body)

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except (ConnectionCutError, StopIteration):
            raise
        except Exception as error:
            self._crashes.keep(self._where, error)
            raise ConnectionCutError(str(error)) from error

    def close(self) -> None:
        """Close the body."""
        if (close := getattr(self._pieces, "close", None)) is not None:
            close()
