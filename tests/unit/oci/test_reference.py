"""Image names by the grammar of the distribution project."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuilders.exceptions import ImageNameError
from imagebuilders.oci.reference import (
    ImageReference,
    is_repository_path,
    parse_build_target,
    split_domain,
)

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "domain", "path", "tag", "digest", "familiar"),
    [
        ("ubuntu", "docker.io", "library/ubuntu", None, None, "ubuntu"),
        ("ubuntu:22.04", "docker.io", "library/ubuntu", "22.04", None, "ubuntu:22.04"),
        ("library/ubuntu", "docker.io", "library/ubuntu", None, None, "ubuntu"),
        ("docker.io/ubuntu", "docker.io", "library/ubuntu", None, None, "ubuntu"),
        ("index.docker.io/u/app", "docker.io", "u/app", None, None, "u/app"),
        ("docker.io/library/a/b", "docker.io", "library/a/b", None, None, "library/a/b"),
        ("localhost/app", "localhost", "app", None, None, "localhost/app"),
        ("localhost:5000/a:1", "localhost:5000", "a", "1", None, "localhost:5000/a:1"),
        ("ghcr.io/a/b_c/d--e:v1", "ghcr.io", "a/b_c/d--e", "v1", None, "ghcr.io/a/b_c/d--e:v1"),
        ("Registry/app", "Registry", "app", None, None, "Registry/app"),
        ("[::1]:5000/app", "[::1]:5000", "app", None, None, "[::1]:5000/app"),
        (f"a/b@{DIGEST}", "docker.io", "a/b", None, DIGEST, f"a/b@{DIGEST}"),
        (f"x.y/b:1@{DIGEST}", "x.y", "b", "1", DIGEST, f"x.y/b:1@{DIGEST}"),
        ("a__b", "docker.io", "library/a__b", None, None, "a__b"),
    ],
)
def test_a_name_is_split_into_its_parts(
    text: str, domain: str, path: str, tag: str | None, digest: str | None, familiar: str
) -> None:
    """Docker Hub's short names are completed, and shortened again when shown."""
    reference = ImageReference.parse(text)
    assert reference == ImageReference(domain, path, tag, digest)
    assert str(reference) == familiar


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "it has no repository"),
        (":tag", "it has no repository"),
        ("App", "'App' has upper case letters; write 'app'"),
        ("ghcr.io/Team/app", "has upper case letters; write 'team/app'"),
        ("a b", "may have lower case letters"),
        ("-a", "may have lower case letters"),
        ("a..b", "may have lower case letters"),
        ("a___b", "may have lower case letters"),
        ("a//b", "may have lower case letters"),
        ("a/", "may have lower case letters"),
        ("a:", "the tag ''"),
        ("a:b c", "the tag 'b c'"),
        ("a:-x", "the tag '-x'"),
        ("a:" + "x" * 129, "at most 128"),
        ("a:b:c", "may have lower case letters"),
        ("a@", "'' after '@' is no digest"),
        ("a@sha256:123", "'sha256:123' after '@' is no digest"),
        ("a@md5:" + "0" * 32, "is no digest"),
        ("https://ghcr.io/a", "is no registry address"),
        ("ex_ample.com/a", "'ex_ample.com' is no registry address"),
        ("localhost:/a", "'localhost:' is no registry address"),
        ("a" * 64, "looks like an image ID"),
        ("a/" + "b" * 254, "at most 255 are allowed"),
        ("app\n", "may have lower case letters"),
        ("app:1\n", "the tag '1\\n'"),
    ],
)
def test_a_malformed_name_is_an_error_that_says_which_part(text: str, complaint: str) -> None:
    """The error is a `ValueError` with the name and the part at fault."""
    with pytest.raises(ImageNameError, match=re.escape(complaint)) as caught:
        ImageReference.parse(text)
    assert isinstance(caught.value, ValueError)
    assert caught.value.image_name == text


component = st.from_regex(r"[a-z0-9]{1,3}((\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}", fullmatch=True)
domains = st.from_regex(r"[a-zA-Z0-9]{1,4}(\.[a-z0-9]{1,3}){1,2}(:[0-9]{1,4})?", fullmatch=True)


@settings(max_examples=40, deadline=None)
@given(
    st.none() | domains,
    st.lists(component, min_size=1, max_size=3),
    st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}", fullmatch=True),
    st.booleans(),
)
def test_every_name_of_the_grammar_survives_a_round_trip(
    domain: str | None, components: list[str], tag: str | None, has_digest: bool
) -> None:
    """What is parsed and shown is parsed to the same again."""
    if domain is None and len(components) > 1:
        components = ["team", *components]  # a first component with a dot would be a domain
    text = "/".join(([domain] if domain else []) + components)
    text += f":{tag}" if tag else ""
    text += f"@{DIGEST}" if has_digest else ""
    first = ImageReference.parse(text)
    assert ImageReference.parse(str(first)) == first
    assert first.tag == tag
    assert (first.digest is not None) == has_digest


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet="aA0.:/@_- é\n", max_size=12))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    """No text raises anything but `ImageNameError`, and what passes fits the grammar."""
    try:
        reference = ImageReference.parse(text)
    except ImageNameError:
        return
    assert is_repository_path(reference.path)
    assert split_domain(reference.repository) == (reference.domain, reference.path)


def test_the_name_to_build_gets_the_tag_latest() -> None:
    """A name without a tag means `latest`, as everywhere."""
    assert str(parse_build_target("ghcr.io/a/b")) == "ghcr.io/a/b:latest"
    assert str(parse_build_target("app:2")) == "app:2"


def test_a_name_gets_a_tag_or_a_digest() -> None:
    """`latest` where it has neither; a digest takes the place of a tag."""
    shown = {"a": "a:latest", "a:1": "a:1", f"a@{DIGEST}": f"a@{DIGEST}"}
    for text, tagged in shown.items():
        assert str(ImageReference.parse(text).tagged()) == tagged
    assert str(ImageReference.parse("x.y/a:1").with_digest(DIGEST)) == f"x.y/a@{DIGEST}"
    assert ImageReference.parse("a:1").full_repository == "docker.io/library/a"


def test_a_digest_cannot_be_built() -> None:
    """The error offers the same name without the digest."""
    with pytest.raises(ImageNameError, match="only known once the image is built: give app:1"):
        parse_build_target(f"app:1@{DIGEST}")


def test_a_name_that_is_no_text_is_an_error() -> None:
    """As when a caller left out a setting."""
    with pytest.raises(ImageNameError, match="must be a text, as in 'app:1', not NoneType"):
        ImageReference.parse(None)  # type: ignore[arg-type]
