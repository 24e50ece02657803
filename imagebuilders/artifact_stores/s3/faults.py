"""What the errors of an S3 service mean.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from imagebuilders.artifact_stores import faults
from imagebuilders.aws import faults as aws_faults

_TRANSIENT_CODES = frozenset(
    {
        "BadDigest",  # damaged on its way
        "IncompleteBody",  # cut on its way
        "XAmzContentSHA256Mismatch",
    }
)
_CONFLICT_CODES = frozenset({"409", "ConditionalRequestConflict", "OperationAborted"})
_ABSENT_CODES = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound"})
_DENIED_CODES = frozenset({"403", "AccessDenied", "Forbidden"})


def is_answer(error: BaseException) -> bool:
    """Tell whether an error is the service's answer, rather than the lack of one."""
    return aws_faults.is_answer(error)


def is_transient(error: BaseException) -> bool:
    """Tell whether the same request may well succeed a little later."""
    if aws_faults.code(error) in _TRANSIENT_CODES | _CONFLICT_CODES:
        return True
    return faults.is_transient(error) or aws_faults.is_transient(error)


def is_absent(error: BaseException) -> bool:
    """Tell whether an error only says that there is no such object."""
    return isinstance(error, FileNotFoundError) or aws_faults.code(error) in _ABSENT_CODES


def is_denied(error: BaseException) -> bool:
    """Tell whether the service refused access.

    That is also the answer for a missing object to whoever may not list the bucket.
    """
    return isinstance(error, PermissionError) or aws_faults.code(error) in _DENIED_CODES


def is_there_already(error: BaseException) -> bool:
    """Tell whether a write that must not replace anything was refused for that reason."""
    return aws_faults.code(error) in ("PreconditionFailed", "412")


def is_of_an_empty_object(error: BaseException) -> bool:
    """Tell whether a range was refused because the object has no bytes."""
    return aws_faults.code(error) in ("InvalidRange", "416")


def is_conflict(error: BaseException) -> bool:
    """Tell whether another write of the same object came between, and ended an upload.

    After such an answer to its completion, a multipart upload is to be begun anew:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    return aws_faults.code(error) in _CONFLICT_CODES or aws_faults.code(error) == "NoSuchUpload"


def may_mind_conditions(error: BaseException) -> bool:
    """Tell whether a service may have refused a write because of its condition.

    Services answer a header that they do not implement with 501, or with one of several 400s.
    """
    return aws_faults.status(error) in (400, 501) and not is_transient(error)


def describe(error: BaseException) -> str:
    """Say in a sentence what failed and, where it is known, what to do."""
    if isinstance(error, RecursionError):
        # botocore asks where the bucket is, and is redirected again, up to Python's limit.
        return (
            "the service redirects every request, and does not say where the bucket is. Correct "
            "endpoint_url (https:// rather than http://, perhaps) or region."
        )
    if not aws_faults.is_answer(error):
        own = type(error).__module__.partition(".")[0] != "botocore"
        return faults.describe(error) if own else aws_faults.describe(error)
    if aws_faults.code(error) == "NoSuchBucket":
        return "the bucket does not exist. Create it, or correct the store's path."
    if is_denied(error):
        return (
            f"access denied ({aws_faults.words(error)}). The credentials need s3:GetObject, "
            "s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload there, and s3:ListBucket "
            "on the bucket."
        )
    return aws_faults.describe_answer(error)
