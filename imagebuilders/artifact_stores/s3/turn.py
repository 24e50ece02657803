"""Which of several clients sends a new object, when they all begin at the same time.

Each begins a multipart upload for the object's key, and then lists those that are under way for
it. Only who is alone there sends. Of clients that see each other the one whose upload was begun
first goes on, or else the one with the least identifier; the others take theirs back and wait for
the object. A client that began later than another one looked always sees that one, so never do
two believe that they are alone. No object, tag or table is needed for it, and what a client that
died leaves has no parts: the lifecycle rule for incomplete uploads removes it.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from imagebuilders.artifact_stores.s3 import faults
from imagebuilders.artifact_stores.s3.multipart import begin, take_back
from imagebuilders.cancellation import stopped_by
from imagebuilders.exceptions import ArtifactExistsError, UploadError
from imagebuilders.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from imagebuilders.artifact_stores.s3.multipart import Request

logger = logging.getLogger(__name__)

LONGEST_SILENCE = 30.0
"""Seconds in which a client that sends has begun, or sent a part; else it is passed over."""

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True)
class _Upload:
    """A multipart upload that is under way."""

    id: str
    initiated: datetime

    @property
    def rank(self) -> tuple[datetime, str]:
        return self.initiated, self.id


class Turn:
    """This client's turn to send an object.

    Args:
        request: makes requests, again as often as is useful.
        key: the object's key.
        object_settings: what is asked for the object, as boto3 names it.
        is_there: whether the object is there.
        sleep: waits for so many seconds.

    Attributes:
        is_refused: whether the service refused to tell who is to send, and will do so again.
    """

    def __init__(
        self,
        request: Request,
        key: str,
        *,
        object_settings: Mapping[str, object],
        is_there: Callable[[], bool],
        sleep: Callable[[float], None],
    ) -> None:
        self._request = request
        self._key = key
        self._object_settings = object_settings
        self._is_there = is_there
        self._sleep = sleep
        self._begun = datetime.min.replace(tzinfo=timezone.utc)
        self._begun_here = time.monotonic()
        self._lives: dict[str, _Life] = {}
        self._stopped = threading.Event()
        self.is_refused = False

    def take(self) -> str | None:
        """Wait until this client may send.

        Returns:
            The multipart upload that it began; to be completed, or taken back. `None` where it is
            not known who is to send: the service did not begin such an upload, or list them.

        Raises:
            ArtifactExistsError: the object is there; another client sent it.
            UploadError: the service cannot be reached, or the wait was broken off.
        """
        with stopped_by(self._stopped.set):
            while True:
                own = self._begin()
                if own is None:
                    return None
                try:
                    is_mine = self._contest(own)
                except BaseException:
                    take_back(self._request, self._key, own)
                    raise
                if is_mine:
                    return own
                take_back(self._request, self._key, own)
                if is_mine is None:
                    return None
                self._await_other()

    def _begin(self) -> str | None:
        self._begun_here = time.monotonic()
        try:
            # When no answer comes there may be an upload whose name nobody knows. This client
            # would wait for it as for another's.
            return begin(self._request, self._key, self._object_settings, repeat_lost=False)
        except UploadError as error:
            self._note_refusal(error)
            return None

    def _note_refusal(self, error: UploadError) -> None:
        self.is_refused = faults.is_answer(error) and not faults.is_transient(error)
        logger.info("Whether another client sends %s, too, is not known: %s", self._key, error)

    def _contest(self, own: str) -> bool | None:
        """Tell whether this client's upload is the one; `None` where it cannot be known."""
        for pause in _pauses():
            uploads = self._uploads()
            mine = None if uploads is None else uploads.pop(own, None)
            if uploads is None:
                return None
            if mine is None:
                self.is_refused = True  # what it lists is not what is under way
                return None
            self._begun = mine.initiated
            others = [one for one in uploads.values() if self._is_alive(one)]
            if any(one.rank < mine.rank for one in others):
                return False
            self._check_absent()
            if not others:
                return True
            # They take theirs back now; or one was alone before this client began, and sends.
            self._pause(pause)
        raise AssertionError("there is always one more pause")

    def _await_other(self) -> None:
        """Return when nobody sends any more."""
        logger.info("Another client sends %s; waiting for it.", self._key)
        for pause in _pauses():
            self._check_absent()
            uploads = self._uploads()
            if not any(self._is_alive(one) for one in (uploads or {}).values()):
                return
            self._pause(pause)

    def _check_absent(self) -> None:
        if self._is_there():
            raise ArtifactExistsError(f"{self._key} is there already.", path=self._key)

    def _pause(self, seconds: float) -> None:
        self._sleep(seconds)
        if self._stopped.is_set():
            raise UploadError(f"The upload of {self._key} was given up.", path=self._key)

    def _uploads(self) -> dict[str, _Upload] | None:
        """Return the uploads of the key that are under way; `None` where they cannot be seen."""
        found: dict[str, _Upload] = {}
        marker: dict[str, object] = {}
        while True:
            try:
                answer = self._request("list_multipart_uploads", {"Prefix": self._key, **marker})
            except UploadError as error:
                if not faults.is_answer(error):
                    raise
                self._note_refusal(error)
                return None
            for entry in _entries(answer, "Uploads"):
                initiated = entry.get("Initiated")
                if entry.get("Key") == self._key and isinstance(initiated, datetime):
                    upload = _Upload(str(entry.get("UploadId")), initiated)
                    found[upload.id] = upload
            marker = {
                "KeyMarker": answer.get("NextKeyMarker"),
                "UploadIdMarker": answer.get("NextUploadIdMarker"),
            }
            if not answer.get("IsTruncated") or not all(marker.values()):
                return found

    def _is_alive(self, upload: _Upload) -> bool:
        """Tell whether the client of an upload does something."""
        life = self._lives.setdefault(upload.id, _Life(upload.initiated))
        # By the service's clock: it said when this client's own upload began.
        now = self._begun + timedelta(seconds=time.monotonic() - self._begun_here)
        if life.is_silent(now):
            life.hear(self._parts(upload), now)
        return not life.is_silent(now)

    def _parts(self, upload: _Upload) -> list[datetime]:
        """Return when each part of an upload arrived, as far as it can be seen."""
        found: list[datetime] = []
        marker: dict[str, object] = {}
        while True:
            try:
                answer = self._request(
                    "list_parts", {"Key": self._key, "UploadId": upload.id, **marker}
                )
            except UploadError as error:
                if faults.is_answer(error):
                    return found
                raise
            times = (entry.get("LastModified") for entry in _entries(answer, "Parts"))
            found += [one for one in times if isinstance(one, datetime)]
            marker = {"PartNumberMarker": answer.get("NextPartNumberMarker")}
            if not answer.get("IsTruncated") or not all(marker.values()):
                return found


class _Life:
    """When a client last did something, by the service's clock."""

    def __init__(self, initiated: datetime) -> None:
        self._last = initiated
        self._parts = 0

    def is_silent(self, now: datetime) -> bool:
        return (now - self._last).total_seconds() > LONGEST_SILENCE

    def hear(self, parts: list[datetime], now: datetime) -> None:
        if len(parts) > self._parts:
            self._parts = len(parts)
            self._last = min(max(parts), now)  # whatever a service says of the future


def _pauses() -> Iterator[float]:
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(_LONGEST_PAUSE, pause * 1.5)


def _entries(answer: Mapping[str, object], name: str) -> Iterator[Mapping[str, object]]:
    listed = answer.get(name)
    for entry in listed if isinstance(listed, list) else []:
        if isinstance(entry, Mapping):
            yield entry
