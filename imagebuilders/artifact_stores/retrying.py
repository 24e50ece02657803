"""How a store makes a request: again while its fault may pass, and with errors of our own."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeVar

from imagebuilders.artifact_stores import faults
from imagebuilders.artifact_stores.chunks import SourceError
from imagebuilders.artifact_stores.operations import VERBS, Operation
from imagebuilders.artifact_stores.paths import join, relative_to
from imagebuilders.artifact_stores.retries import RetryPolicy
from imagebuilders.exceptions import (
    ArtifactAccessError,
    ArtifactNotFoundError,
    ArtifactStoreError,
    ImageBuilderError,
)

logger = logging.getLogger(__name__)

_Result = TypeVar("_Result")


class RetryingOperations(ABC):
    """The part of a store that makes requests; what their faults mean may be overridden."""

    @property
    @abstractmethod
    def path(self) -> str:
        """The store's own path."""

    @property
    def retry_policy(self) -> RetryPolicy:
        """How often, and after which pause, a request is made again after a transient fault."""
        return RetryPolicy()

    def _whole(self, path: str) -> str:
        """Give the whole path for a path argument, as messages show it."""
        return join(self.path, relative_to(self.path, path))

    def _is_transient(self, error: Exception) -> bool:
        """Tell whether a request that failed with `error` is worth another attempt."""
        return faults.is_transient(error)

    def _is_absent(self, error: Exception) -> bool:
        """Tell whether `error` only says that there is no such file."""
        return isinstance(error, FileNotFoundError)

    def _hides_absence(self, error: Exception) -> bool:  # noqa: ARG002  (to be overridden)
        """Tell whether `error` refuses access, and would be the same were there no such file."""
        return False

    def _describe(self, error: Exception) -> str:
        """Say what `error` means, without any secret."""
        return faults.describe(error)

    def _attempt(
        self,
        operation: Operation,
        path: str,
        request: Callable[[], _Result],
        *,
        repeat: bool = True,
        error_class: type[ArtifactStoreError] = ArtifactStoreError,
    ) -> _Result:
        """Make a request, again if its fault may pass; raise only the package's own errors."""
        policy = self.retry_policy
        whole = self._whole(path)
        failed = 0

        def note(error: Exception, failures: int, pause: float) -> None:
            nonlocal failed
            failed = failures
            logger.warning(
                "Could not %s %s: %s Trying again in %.1f s (%d of %d attempts made).",
                VERBS[operation],
                whole,
                self._sentence(error),
                pause,
                failures,
                policy.attempts,
            )

        try:
            return policy.call(
                request,
                is_transient=lambda error: repeat and self._is_own_transient(error),
                before_pause=note,
            )
        except (ImageBuilderError, SourceError):
            raise
        except Exception as error:
            raise self._error(
                operation, path, error, attempts=failed + 1, error_class=error_class
            ) from error

    def _is_own_transient(self, error: Exception) -> bool:
        return not isinstance(error, (ImageBuilderError, SourceError)) and self._is_transient(error)

    def _error(
        self,
        operation: Operation,
        path: str,
        error: Exception,
        *,
        attempts: int = 1,
        error_class: type[ArtifactStoreError] = ArtifactStoreError,
    ) -> ArtifactStoreError:
        if isinstance(error, ArtifactStoreError):
            return error
        if error_class is ArtifactStoreError and self._is_absent(error):
            return self._not_found(operation, path)
        if error_class is ArtifactStoreError and self._hides_absence(error):
            error_class = ArtifactAccessError
        whole = self._whole(path)
        often = f" after {attempts} attempts" if attempts > 1 else ""
        return error_class(
            f"Could not {VERBS[operation]} {whole}{often}: {self._sentence(error)}", path=whole
        )

    def _sentence(self, error: Exception) -> str:
        text = self._describe(error)
        return text if text.endswith(".") else f"{text}."

    def _not_found(self, operation: Operation, path: str) -> ArtifactNotFoundError:
        whole = self._whole(path)
        return ArtifactNotFoundError(
            f"Could not {VERBS[operation]} {whole}: there is no such file or folder.", path=whole
        )
