"""Where the output of a container goes, and the options of that which an engine refuses."""

from __future__ import annotations

import re
from typing import Any

from ..errors import ApiError
from ..versions import ByVersion, EngineVersion

_COMMON = frozenset({"mode", "max-buffer-size", "cache-disabled", "cache-max-size"}) | frozenset(
    {"cache-max-file", "cache-compress"}
)
_TAGS = ("labels", "labels-regex", "env", "env-regex", "tag")
# The options of each driver that are checked when a container is made; others are taken.
_OPTIONS: dict[str, frozenset[str]] = {
    "json-file": frozenset({"max-file", "max-size", "compress", *_TAGS}),
    "local": frozenset({"max-file", "max-size", "compress"}),
    "journald": frozenset(_TAGS),
    "syslog": frozenset(
        {
            *("env", "env-regex", "labels", "labels-regex", "tag"),
            *("syslog-address", "syslog-facility", "syslog-tls-ca-cert", "syslog-tls-cert"),
            *("syslog-tls-key", "syslog-tls-skip-verify", "syslog-format"),
        }
    ),
    "fluentd": frozenset(
        {
            *_TAGS,
            *("fluentd-address", "fluentd-async", "fluentd-async-connect", "fluentd-buffer-limit"),
            *("fluentd-async-reconnect-interval", "fluentd-max-retries", "fluentd-retry-wait"),
            *("fluentd-request-ack", "fluentd-sub-second-precision"),
        }
    ),
    "awslogs": frozenset(
        {
            *("awslogs-region", "awslogs-endpoint", "awslogs-group", "awslogs-stream", "tag"),
            *("awslogs-create-group", "awslogs-create-stream", "awslogs-credentials-endpoint"),
            *("awslogs-datetime-format", "awslogs-multiline-pattern", "awslogs-format"),
            *("awslogs-force-flush-interval-seconds", "awslogs-max-buffered-events"),
        }
    ),
    "splunk": frozenset(
        {
            *_TAGS,
            *("splunk-url", "splunk-token", "splunk-source", "splunk-sourcetype", "splunk-index"),
            *("splunk-capath", "splunk-caname", "splunk-insecureskipverify", "splunk-format"),
            *("splunk-verify-connection", "splunk-gzip", "splunk-gzip-level", "splunk-index"),
            "splunk-index-acknowledgment",
        }
    ),
}
# What each of these cannot do without.
_NEEDED = {
    "gelf": ("gelf-address", "gelf-address is a required parameter"),
    "awslogs": ("awslogs-group", "must specify a value for log opt 'awslogs-group'"),
}
_ALONE = frozenset({"none", "gelf"})
_DRIVERS = ByVersion(
    frozenset({*_OPTIONS, *_ALONE, "gcplogs", "logentries"}),
    {"28.0": frozenset({*_OPTIONS, *_ALONE})},
)
_SIZE = re.compile(r"\d+(\.\d+)? ?[kKmMgGtTpP]?[iI]?[bB]?")


def check_log_driver(given: dict[str, Any], version: EngineVersion) -> None:
    """Refuse a driver that there is not, and options that it does not have.

    Raises:
        ApiError: 400.
    """
    kind, options = given.get("Type") or "json-file", dict(given.get("Config") or {})
    if kind == "none":
        return
    _check_mode(options)
    if kind == "logentries" and version >= "23.0" and version < "28.0":
        raise ApiError(400, "the logentries logging driver has been deprecated and removed")
    if kind not in _DRIVERS.of(version):
        raise ApiError(400, f'error looking up logging plugin {kind}: plugin "{kind}" not found')
    known = _OPTIONS.get(kind)
    for name in sorted(options.keys() - _COMMON):
        if known is not None and name not in known:
            where = "log driver local" if kind == "local" else f"{kind} log driver"
            raise ApiError(400, f"unknown log opt '{name}' for {where}")
    if kind in _NEEDED and not options.get(_NEEDED[kind][0]):
        raise ApiError(400, _NEEDED[kind][1])


def _check_mode(options: dict[str, str]) -> None:
    mode, size = options.get("mode") or "", options.get("max-buffer-size")
    if mode not in ("", "blocking", "non-blocking"):
        raise ApiError(400, f"logger: logging mode not supported: {mode}")
    if size is None:
        return
    if mode != "non-blocking":
        raise ApiError(
            400, "logger: max-buffer-size option is only supported with 'mode=non-blocking'"
        )
    if not _SIZE.fullmatch(size):
        raise ApiError(400, f"error parsing option max-buffer-size: invalid size: '{size}'")


def log_refusal(given: dict[str, Any]) -> str:
    """Why a driver cannot be opened when its container starts; empty when it can."""
    if (given.get("Type") or "json-file") != "json-file":
        return ""
    options = given.get("Config") or {}
    size, files = options.get("max-size"), options.get("max-file")
    if size is not None and not _SIZE.fullmatch(size):
        return f"invalid size: '{size}'"
    if files is not None:
        if not re.fullmatch(r"[+-]?\d+", files):
            return f'strconv.Atoi: parsing "{files}": invalid syntax'
        if int(files) < 1:
            return "max-file cannot be less than 1"
    if options.get("compress") == "true" and (size is None or int(files or 1) < 2):
        return "compress cannot be true when max-file is less than 2 or max-size is not set"
    return ""
