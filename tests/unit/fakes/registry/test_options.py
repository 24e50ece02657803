"""Options of the registry: what they take, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.registry import FakeRegistry


def test_options_that_do_not_go_together_are_refused() -> None:
    """Each error says what to write instead."""
    with pytest.raises(ValueError, match="needs users"):
        FakeRegistry(auth="bearer")
    with pytest.raises(ValueError, match="say 'basic' or 'bearer'"):
        FakeRegistry(users={"alice": "s3cret"})
    with pytest.raises(ValueError, match="telepathy"):
        FakeRegistry(auth="telepathy")


@pytest.mark.parametrize(
    ("option", "value", "error", "message"),
    [
        ("storage_limit", "1GB", TypeError, "an int or None, not '1GB'"),
        ("storage_limit", -1, ValueError, "0 or more or None, not -1"),
        ("manifest_limit", None, TypeError, "an int, not None"),
        ("page_size", 0, ValueError, "1 or more or None, not 0"),
        ("page_size", True, TypeError, "an int or None, not True"),
        ("port", 99999, ValueError, "0 to 65535, not 99999"),
        ("token_lifetime", "x", TypeError, "a number of seconds, not 'x'"),
        ("token_lifetime", float("nan"), ValueError, "0 seconds or more, not nan"),
        ("read_only", "yes", TypeError, "True or False, not 'yes'"),
        ("anonymous_pull", 1, TypeError, "True or False, not 1"),
        ("deletes", None, TypeError, "True or False, not None"),
        ("referrers_api", "no", TypeError, "True or False, not 'no'"),
        ("verify_references", 0, TypeError, "True or False, not 0"),
        ("tls", "on", TypeError, "True or False, not 'on'"),
        ("host", None, TypeError, "a str, not None"),
        ("clock", 12, TypeError, "a function, not 12"),
        ("sleep", 0.1, TypeError, "a function, not 0.1"),
        ("rules", "team/*", TypeError, "a sequence of RepositoryRule, not 'team/"),
        ("rules", ["team/*"], TypeError, "a sequence of RepositoryRule, and 'team/"),
    ],
)
def test_a_wrong_option_is_refused_at_once(
    option: str, value: object, error: type[Exception], message: str
) -> None:
    """The error names the option, what it takes and what was given."""
    with pytest.raises(error) as caught:
        FakeRegistry(**{option: value})  # type: ignore[arg-type]
    assert str(caught.value).startswith(f"{option} is {message}")


@pytest.mark.parametrize("users", [["s3cret"], "s3cret", {"alice": b"s3cret"}, {1: "s3cret"}])
def test_users_that_are_no_mapping_are_refused(users: object) -> None:
    """Without showing a password."""
    with pytest.raises(TypeError, match="users is a mapping of names to passwords") as caught:
        FakeRegistry(auth="basic", users=users)  # type: ignore[arg-type]
    assert "s3cret" not in str(caught.value)


def test_read_only_is_switched_by_true_and_false_alone(registry: FakeRegistry) -> None:
    """Any other value would be taken for one of them."""
    with pytest.raises(TypeError, match="read_only is True or False, not 'no'"):
        registry.read_only = "no"  # type: ignore[assignment]
    assert not registry.read_only


@pytest.mark.parametrize(
    "options",
    [
        {"storage_limit": 0},
        {"storage_limit": None},
        {"manifest_limit": 0},
        {"page_size": 1},
        {"page_size": None},
        {"keep_records": 0},
        {"keep_records": None},
        {"port": 0},
        {"port": 65535},
    ],
    ids=repr,
)
def test_the_least_and_the_most_of_options(options: dict[str, Any]) -> None:
    """What just makes sense is taken."""
    FakeRegistry(**options)
