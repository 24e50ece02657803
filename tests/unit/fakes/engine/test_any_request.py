"""Whatever is asked of networks, volumes, events and lists, the engine answers."""

from __future__ import annotations

import json
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import FakeDockerEngine
from fakes.engine.versions import VERSIONS
from fakes.http.messages import Headers, Request

_words = st.one_of(
    st.sampled_from(
        ("one", "bridge", "none", "10.1.0.0/24", "10.1.0.0/33", "10.1.0.9", "fd00::/64", "nope",
         "true", "1h", "2000-01-01", "2000-02-31T10:00+01:00", "[", "(", "é", "9" * 30, "null")
    ),
    st.text(max_size=4),
)  # fmt: skip
_fields = st.sampled_from(
    ("Name", "name", "Driver", "Scope", "Labels", "Options", "DriverOpts", "IPAM", "Config",
     "Subnet", "IPRange", "Gateway", "AuxiliaryAddresses", "Container", "EndpointConfig",
     "IPAMConfig", "IPv4Address", "Aliases", "Force", "Internal")
)  # fmt: skip
_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), _words),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.one_of(_fields, _words), inner, max_size=3)
    ),
    max_leaves=8,
)
_ipam = st.fixed_dictionaries(
    {"Config": st.lists(st.dictionaries(_fields, _words, max_size=3), max_size=2)}
)
_networks = st.fixed_dictionaries({"Name": _words}, optional={"IPAM": _ipam, "Labels": _values})
_bodies = st.one_of(_values, _networks).map(lambda value: json.dumps(value).encode())
_filter_names = st.sampled_from(
    ("name", "id", "label", "label!", "driver", "type", "scope", "dangling", "until", "all",
     "event", "image", "container", "network", "volume", "reference", "before", "since")
)  # fmt: skip
_filters = st.one_of(
    st.dictionaries(_filter_names, st.lists(_words, max_size=2), max_size=2),
    st.dictionaries(_filter_names, _values, max_size=2),
    _values,
).map(json.dumps)
_posts = st.sampled_from(
    ("/networks/create", "/networks/one/connect", "/networks/one/disconnect", "/volumes/create")
)
_gets = st.sampled_from(
    (
        ("GET", "/networks"),
        ("GET", "/volumes"),
        ("GET", "/images/json"),
        ("GET", "/events?since=0&until=1"),
        ("POST", "/networks/prune"),
        ("POST", "/volumes/prune"),
        ("POST", "/images/prune"),
        ("POST", "/build/prune"),
    )
)


@settings(max_examples=40)
@given(
    version=st.sampled_from(list(VERSIONS)),
    bodies=st.lists(st.tuples(_posts, _bodies), max_size=4),
    lists=st.lists(st.tuples(_gets, _filters), max_size=3),
)
def test_every_request_gets_an_answer(
    version: str,
    bodies: list[tuple[str, bytes]],
    lists: list[tuple[tuple[str, str], str]],
) -> None:
    """A document, and one with a message when it is refused."""
    engine = FakeDockerEngine(version)
    engine.networks.create({"Name": "one"})
    kind = {"content-type": "application/json"}
    requests = [Request("POST", path, Headers(kind.items()), [body]) for path, body in bodies]
    for (method, path), filters in lists:
        query = f"{'&' if '?' in path else '?'}filters={quote(filters)}"
        requests.append(Request(method, path + query))
    for request in requests:
        answer = engine.handle(request)
        whole = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
        if answer.status >= 400:
            assert isinstance(json.loads(whole)["message"], str)
