"""Proxies from the environment, as Go's programs read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuilders.distribution.proxies import is_loopback, proxy_for
from imagebuilders.exceptions import ConfigurationError

_PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("url", "environ", "expected"),
    [
        ("https://r.example/v2/", {"HTTPS_PROXY": _PROXY}, _PROXY),
        ("https://r.example/v2/", {"https_proxy": _PROXY}, _PROXY),
        ("https://r.example/v2/", {"HTTPS_PROXY": _PROXY, "https_proxy": "http://x"}, _PROXY),
        ("https://r.example/v2/", {"HTTPS_PROXY": "", "https_proxy": _PROXY}, _PROXY),
        ("https://r.example/v2/", {"HTTP_PROXY": _PROXY, "ALL_PROXY": _PROXY}, None),
        ("http://r.example/v2/", {"HTTP_PROXY": "proxy.example:3128"}, _PROXY),
        ("http://r.example/v2/", {"HTTP_PROXY": _PROXY, "REQUEST_METHOD": "GET"}, None),
        ("http://r.example/v2/", {"http_proxy": _PROXY, "REQUEST_METHOD": "GET"}, _PROXY),
        ("http://r.example/v2/", {}, None),
        ("http://localhost:5000/v2/", {"HTTP_PROXY": _PROXY}, None),
        ("http://127.8.9.1:5000/v2/", {"HTTP_PROXY": _PROXY}, None),
        ("http://[::1]:5000/v2/", {"HTTP_PROXY": _PROXY}, None),
        ("https://localhost/v2/", {"HTTPS_PROXY": _PROXY}, None),
    ],
)
def test_the_proxy_is_that_of_the_scheme(
    url: str, environ: dict[str, str], expected: str | None
) -> None:
    """Upper case counts first; a header that a web server took over does not count."""
    assert proxy_for(url, environ) == expected


@pytest.mark.parametrize(
    ("host", "excluded", "is_excluded"),
    [
        ("r.example", "r.example", True),
        ("r.example", "other.example, R.Example ", True),
        ("a.r.example", "r.example", True),
        ("a.r.example", ".r.example", True),
        ("r.example", ".r.example", False),
        ("a.r.example", "*.r.example", True),
        ("ar.example", "r.example", False),
        ("r.example:5000", "r.example:5000", True),
        ("r.example:5001", "r.example:5000", False),
        ("r.example", "r.example:443", True),
        ("r.example", "*", True),
        ("r.example", ",,", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("10.1.2.3:5000", "10.1.2.3", True),
        ("10.1.2.3:5000", "10.1.2.3:5001", False),
        ("[fd00::1]", "fd00::/8", True),
        ("[fd00::1]:5000", "[fd00::1]:5000", True),
        ("[fd00::1]", "fd00::2", False),
        ("r.example", "10.0.0.0/8, 10.0.0.0/99, fd00::1", False),
    ],
)
def test_hosts_are_excluded(host: str, excluded: str, is_excluded: bool) -> None:
    """By name with its subdomains, address, network and port."""
    environ = {"HTTPS_PROXY": _PROXY, "NO_PROXY": excluded}
    assert (proxy_for(f"https://{host}/v2/", environ) is None) is is_excluded


@pytest.mark.parametrize("value", ["http://", "http://:3128", "http://[x", "http://a:99999"])
def test_a_malformed_proxy_is_told(value: str) -> None:
    """By the variable's name."""
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY is not the URL of a proxy") as caught:
        proxy_for("https://r.example/", {"HTTPS_PROXY": value})
    assert caught.value.file == "HTTPS_PROXY"


def test_another_kind_of_proxy_is_told_without_its_password() -> None:
    """It is not quietly gone around."""
    with pytest.raises(ConfigurationError, match="of the kind 'socks5'") as caught:
        proxy_for("https://r.example/", {"https_proxy": "socks5://ann:s3cret@proxy.example"})
    assert "s3cret" not in str(caught.value)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_environment_is_read(proxy: str, excluded: str) -> None:
    """It names a proxy, none, or one that cannot be used."""
    try:
        proxy_for("https://r.example/", {"HTTPS_PROXY": proxy, "NO_PROXY": excluded})
    except ConfigurationError:
        return


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("LocalHost", True),
        ("127.0.0.1", True),
        ("[::1]", True),
        ("localhost.x", False),
        ("", False),
    ],
)
def test_this_machine_is_known_by_its_name(host: str, expected: bool) -> None:
    """No name is looked up."""
    assert is_loopback(host) is expected
