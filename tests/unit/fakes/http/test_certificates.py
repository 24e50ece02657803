"""Certificates that are made on the spot."""

from __future__ import annotations

import datetime
import sys

import pytest
from pytest_mock import MockerFixture

from fakes.http.certificates import make_certificate
from imagebuilders.exceptions import ConfigurationError


class _Frozen(datetime.datetime):
    """What libraries that freeze time put in the place of Python's own class."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> _Frozen:
        return cls(2012, 1, 14, tzinfo=tz)


def test_it_is_good_where_the_time_is_frozen(mocker: MockerFixture) -> None:
    """Clients judge it by the machine's time, whatever Python says."""
    x509 = pytest.importorskip("cryptography.x509")
    now = datetime.datetime.now(datetime.timezone.utc)
    mocker.patch("datetime.datetime", _Frozen)
    made = x509.load_pem_x509_certificate(make_certificate("localhost").certificate)
    mocker.stopall()
    assert made.not_valid_before_utc < now < made.not_valid_after_utc


@pytest.mark.parametrize("host", ["10.0.0.1", "fe80::1", "registry.example"])
def test_it_is_for_the_host_that_is_listened_on(host: str) -> None:
    """Beside those by which a loopback interface is called."""
    x509 = pytest.importorskip("cryptography.x509")
    made = x509.load_pem_x509_certificate(make_certificate(host).certificate)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    shown = [str(name.value) for name in names]
    assert shown == ["localhost", "127.0.0.1", "::1", host]


def test_without_the_package_that_makes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra to install."""
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ConfigurationError, match=r"imagebuilders\[tls\]"):
        make_certificate("localhost")
