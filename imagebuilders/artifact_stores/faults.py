"""What went wrong below a store: whether it may pass, and how to say it."""

from __future__ import annotations

import errno

# Besides these, an fsspec file system says "busy" (a service's 503) with EBUSY, and "the
# service failed" (its 500) with EREMOTEIO.
_TRANSIENT = frozenset(
    code
    for name in (
        "EAGAIN",
        "EBUSY",
        "ECONNABORTED",
        "ECONNREFUSED",
        "ECONNRESET",
        "EHOSTUNREACH",
        "ENETDOWN",
        "ENETRESET",
        "ENETUNREACH",
        "EPIPE",
        "EREMOTEIO",
        "ETIMEDOUT",
    )
    if (code := getattr(errno, name, None)) is not None
)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_transient(error: BaseException) -> bool:
    """Tell whether the same request may well succeed a little later."""
    if isinstance(error, (TimeoutError, ConnectionError)):
        return True
    if isinstance(error, OSError):
        return error.errno in _TRANSIENT
    # Until Python 3.11 asyncio had a TimeoutError of its own, and fsspec's derives from it.
    return any(base.__name__ == "TimeoutError" for base in type(error).__mro__)


def describe(error: BaseException) -> str:
    """Say in a sentence what failed and, where it is known, what to do."""
    if isinstance(error, OSError):
        if error.errno in _FULL:
            return (
                "no space is left there, or a quota is used up. "
                "Free some space, or choose another path for the artifact store."
            )
        if error.errno == errno.EFBIG:
            return (
                "the file is larger than the file system or this process's limit allows. "
                "Raise the limit, choose another path for the artifact store, "
                "or keep large files out with an ignore file."
            )
        if isinstance(error, PermissionError):
            return (
                f"permission denied ({_words(error)}). "
                "Check the rights on the path, or the credentials."
            )
        if isinstance(error, (NotADirectoryError, FileExistsError)):
            return (
                f"{_words(error)}: something stands there that is no folder, where a folder "
                "should be. Remove it, or choose another path for the artifact store."
            )
        if isinstance(error, (FileNotFoundError, IsADirectoryError)):
            return f"{_words(error)}."
    return f"{type(error).__name__}: {_words(error)}"


def _words(error: BaseException) -> str:
    # Without the paths that str() appends: the caller names the path in its own way.
    if isinstance(error, OSError) and error.strerror:
        return str(error.strerror).rstrip(".")
    return str(error).rstrip(".") or "no reason given"
