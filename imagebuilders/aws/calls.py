"""Requests to one AWS service: repeated while their faults may pass, with errors of our own."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, cast

from imagebuilders.aws import faults
from imagebuilders.aws.clients import open_client
from imagebuilders.exceptions import AWSError

if TYPE_CHECKING:
    from imagebuilders.aws.clients import ServiceClient
    from imagebuilders.aws.settings import AWSSettings

logger = logging.getLogger(__name__)

FIRST_DELAY = 0.5
LONGEST_DELAY = 20.0
"""Seconds; each pause is drawn between zero and a limit that doubles from the first to the last."""


class AWSCalls:
    """Makes requests to a service. The client is made for the first one.

    Nothing below it repeats a request, so that `attempts` of the settings is what counts. It may
    be used by several threads.
    """

    def __init__(
        self,
        service: str,
        settings: AWSSettings,
        *,
        extra: str = "aws",
        options: Mapping[str, object] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Note what is needed; nothing is asked yet.

        Args:
            service: the service's name, as in boto3.
            settings: who to be, where to ask, and how often.
            extra: the extra of this package that installs boto3.
            options: further fields of `botocore.config.Config`.
            sleep: waits for so many seconds.
        """
        self._service = service
        self._settings = settings
        self._extra = extra
        self._options = dict(options or {})
        self._sleep = sleep
        self._client: ServiceClient | None = None
        self._lock = Lock()
        self._process = os.getpid()

    def call(self, operation: str, **arguments: object) -> Mapping[str, object]:
        """Make a request, again while its fault may pass.

        Args:
            operation: the method of boto3's client.
            arguments: its arguments, as boto3 names them.

        Raises:
            AWSError: the service refused it, or did not answer.
            ConfigurationError: boto3 is not installed, or the settings cannot be used here.
        """
        method: Callable[..., Mapping[str, object]] = getattr(self._opened(), operation)
        failures = 0
        while True:
            try:
                return method(**arguments)
            except Exception as error:
                failures += 1
                wrapped = self._wrapped(operation, error)
                if not wrapped.is_transient or failures >= self._settings.attempts:
                    raise wrapped from error
                limit = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (failures - 1))
                pause = random.uniform(0.0, limit)  # noqa: S311  (no secret)
                logger.info("%s Trying again in %.1f s.", wrapped, pause)
            self._sleep(pause)

    def close(self) -> None:
        """Close the connections; new ones are opened when it is used again."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def __getstate__(self) -> dict[str, object]:
        """Return what a copy needs: it opens connections of its own."""
        own = ("_client", "_lock", "_process")
        return {name: value for name, value in vars(self).items() if name not in own}

    def __setstate__(self, state: Mapping[str, object]) -> None:
        vars(self).update(state)
        self._begin()

    def _begin(self) -> None:
        self._client = None
        self._lock = Lock()
        self._process = os.getpid()

    def _opened(self) -> ServiceClient:
        if self._process != os.getpid():
            self._begin()  # connections, and locks that another thread held, are the parent's
        with self._lock:
            if self._client is None:
                self._client = open_client(
                    self._service,
                    self._settings,
                    extra=self._extra,
                    connections=10,
                    options=self._options,
                )
            return self._client

    def _wrapped(self, operation: str, error: Exception) -> AWSError:
        """Return the error of our own; what is not botocore's is a defect and raised as it is."""
        if not (faults.is_answer(error) or isinstance(error, faults.botocore_errors())):
            raise error
        return AWSError(
            f"{self._service}: {operation} failed: {faults.describe(error)}",
            service=self._service,
            operation=operation,
            code=faults.code(error) if faults.is_answer(error) else "",
            is_transient=faults.is_transient(error),
        )


def text_at(answer: Mapping[str, object], *keys: str) -> str:
    """Return a text in an answer, empty when it is not there.

    Args:
        answer: the answer.
        keys: where it stands, from outside inward.
    """
    found: object = answer
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""


def items_at(answer: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    """Return the objects of a list in an answer; none when it is not there."""
    found = answer.get(key)
    if not isinstance(found, list):
        return []
    return [cast("Mapping[str, object]", item) for item in found if isinstance(item, Mapping)]
