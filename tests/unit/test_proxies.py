"""Which proxy a connection goes through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.exceptions import ConfigurationError
from imagebuilders.proxies import Proxy, find_proxy, is_loopback

PROXIED = {"HTTP_PROXY": "http://proxy:3128", "HTTPS_PROXY": "http://secure:3128"}


def _find(
    environ: dict[str, str], host: str = "engine.example", *, tls: bool = False
) -> Proxy | None:
    return find_proxy(host, 2375, tls=tls, environ=environ)


@pytest.mark.parametrize(
    ("tls", "environ", "expected"),
    [
        (False, PROXIED, "http://proxy:3128"),
        (True, PROXIED, "http://secure:3128"),
        (False, {"http_proxy": "proxy"}, "http://proxy:80"),
        (False, {"HTTP_PROXY": "one:1", "http_proxy": "two:2"}, "http://one:1"),
        (False, {"HTTP_PROXY": "", "http_proxy": "two:2"}, "http://two:2"),
        (False, {"HTTP_PROXY": "https://proxy"}, "https://proxy:443"),
        (False, {"HTTP_PROXY": "http://[::1]:1"}, "http://[::1]:1"),
        (True, {"HTTP_PROXY": "http://proxy:3128"}, None),
        (False, {"ALL_PROXY": "http://proxy:3128"}, None),
        (False, {"HTTP_PROXY": "http://proxy:1", "REQUEST_METHOD": "GET"}, None),
        (False, {}, None),
    ],
)
def test_variable(tls: bool, environ: dict[str, str], expected: str | None) -> None:
    """Each kind of connection has its variable; no other counts."""
    proxy = _find(environ, tls=tls)
    assert (proxy and proxy.url) == expected


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.1.2.3", "::1"]
)
@pytest.mark.parametrize("tls", [True, False])
def test_this_machine_is_asked_directly(host: str, tls: bool) -> None:
    """No proxy sees what goes to an engine on this machine."""
    assert _find(PROXIED, host, tls=tls) is None


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("*", "any.example", True),
        ("engine.example", "engine.example", True),
        ("engine.example", "a.engine.example", True),
        ("engine.example", "myengine.example", False),
        (".example", "engine.example", True),
        (".engine.example", "engine.example", False),
        ("*.engine.example", "a.engine.example", True),
        ("*.engine.example", "engine.example", False),
        ("ENGINE.example", "engine.EXAMPLE", True),
        ("engine.example:2375", "engine.example", True),
        ("engine.example:9", "engine.example", False),
        ("other, engine.example", "engine.example", True),
        (" , ,", "engine.example", False),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/99", "10.1.2.3", False),
        ("10.0.0.0/8", "engine.example", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:2375", "10.1.2.3", True),
        ("10.1.2.3:9", "10.1.2.3", False),
        ("fe80::1", "fe80::1", True),
        ("[fe80::1]:2375", "fe80::1", True),
        ("[fe80::1]:9", "fe80::1", False),
        ("fe80::/10", "fe80::1", True),
        ("10.1.2.3", "::ffff:10.1.2.3", True),
        (":2375", "engine.example", False),
    ],
)
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_exceptions(variable: str, no_proxy: str, host: str, direct: bool) -> None:
    """Names, domains, addresses and networks are read as Go reads them."""
    assert (_find({**PROXIED, variable: no_proxy}, host) is None) is direct


def test_credentials() -> None:
    """They become a header, and are shown nowhere else."""
    proxy = _find({"HTTP_PROXY": "http://me:s%40cret@proxy:1"})
    assert proxy is not None
    assert proxy.authorization == "Basic bWU6c0BjcmV0"
    assert proxy.url == "http://proxy:1"
    assert "bWU6" not in repr(proxy)


@pytest.mark.parametrize("password", ["\udcff", "%ff"])
def test_credentials_that_are_not_utf8(password: str) -> None:
    """The bytes count, as they stand in the environment or are escaped."""
    proxy = _find({"HTTP_PROXY": f"http://me:{password}@proxy:1"})
    assert proxy is not None
    assert proxy.authorization == "Basic bWU6/w=="


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("socks5://me:s3cret@proxy:1", "socks5:// is not supported"),
        ("http://me:s3cret@proxy:port", "malformed"),
        ("http://", "no host"),
        ("http://me:s3cret@a b", "host is malformed"),
        ("http://me:s3cret@\udcff", "host is malformed"),
    ],
)
def test_unusable_proxy(value: str, words: str) -> None:
    """The error names the variable; the value may hold a password."""
    with pytest.raises(ConfigurationError, match=f"the proxy in HTTP_PROXY .*{words}") as caught:
        _find({"HTTP_PROXY": value})
    assert "s3cret" not in str(caught.value)
    assert caught.value.file == "HTTP_PROXY"


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_environment_is_read(proxy: str, excluded: str) -> None:
    """It names a proxy, none, or one that cannot be used."""
    try:
        _find({"HTTP_PROXY": proxy, "NO_PROXY": excluded})
    except ConfigurationError:
        return


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("LocalHost", True),
        ("127.0.0.1", True),
        ("[::1]", True),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_this_machine_is_known_by_its_name(host: str, expected: bool) -> None:
    """No name is looked up."""
    assert is_loopback(host) is expected
