"""Where secrets of builds are kept, as users write it and as CodeBuild takes it."""

from __future__ import annotations

import pytest

from imagebuilders.aws.code_build.references import SecretReference

_SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf"


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("secretsmanager:db", "SECRETS_MANAGER", "db"),
        ("secretsmanager:db:password", "SECRETS_MANAGER", "db:password"),
        ("secretsmanager:db:password:AWSPREVIOUS", "SECRETS_MANAGER", "db:password:AWSPREVIOUS"),
        (_SECRET, "SECRETS_MANAGER", _SECRET),
        (f"{_SECRET}:password", "SECRETS_MANAGER", f"{_SECRET}:password"),
        ("ssm:token", "PARAMETER_STORE", "token"),
        ("ssm:/team/token", "PARAMETER_STORE", "/team/token"),
        ("arn:aws:ssm:eu-west-1:123456789012:parameter/a/b", "PARAMETER_STORE", "/a/b"),
        ("arn:aws-cn:ssm:cn-north-1:123456789012:parameter/a", "PARAMETER_STORE", "/a"),
        ("secretsmanager:" + "n" * 2048, "SECRETS_MANAGER", "n" * 2048),
    ],
)
def test_where_a_secret_is_kept(text: str, kind: str, name: str) -> None:
    """A service and a name in it, or an ARN; CodeBuild fills a variable with it."""
    found = SecretReference.parse(text)
    assert (found.kind, found.name) == (kind, name)
    assert found.variable("TOKEN") == {"name": "TOKEN", "value": name, "type": kind}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2",
        "vault:db",
        "secretsmanager:",
        "ssm",
        "ssm:",
        "ssm:a b",
        "ssm:tök",
        "ssm:a\n",
        "secretsmanager:" + "n" * 2049,
        "arn:",
        "arn:aws:ssm",
        "arn:aws:s3:::bucket",
    ],
)
def test_what_names_no_secret(text: str) -> None:
    """It may be the secret itself: the error does not show it."""
    with pytest.raises(ValueError, match="name a secret as secretsmanager:NAME") as caught:
        SecretReference.parse(text)
    assert "hunter" not in str(caught.value)
