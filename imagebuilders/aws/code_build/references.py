"""Secrets that a build fetches by itself: they are named, and never sent.

https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env
"""

from __future__ import annotations

import re

from imagebuilders.lazy_dataclass import dataclass

_SCHEMES = {"secretsmanager": "SECRETS_MANAGER", "ssm": "PARAMETER_STORE"}
_NAME = re.compile(r"[\x21-\x7e]{1,2048}\Z")


@dataclass(frozen=True)
class SecretReference:
    """Where a secret is kept.

    Attributes:
        kind: `SECRETS_MANAGER` or `PARAMETER_STORE`, as CodeBuild calls them.
        name: the secret, as CodeBuild takes it: of Secrets Manager `name[:key[:stage[:version]]]`.
    """

    kind: str
    name: str

    @classmethod
    def parse(cls, text: str) -> SecretReference:
        """Read `secretsmanager:NAME[:KEY]`, `ssm:NAME`, or the ARN of one of either.

        Raises:
            ValueError: it is none of these; the text does not show it, as it may be a secret.
        """
        if text.startswith("arn:"):
            service = text.split(":", 3)[2] if text.count(":") >= 3 else ""
            kind, name = _SCHEMES.get(service, ""), text
            if service == "ssm":
                name = text.rpartition(":parameter")[2]
        else:
            scheme, _, name = text.partition(":")
            kind = _SCHEMES.get(scheme, "")
        if not kind or _NAME.match(name) is None:
            raise ValueError(
                "name a secret as secretsmanager:NAME, secretsmanager:NAME:KEY, ssm:NAME, or by "
                "its ARN; its text does not belong here"
            )
        return cls(kind, name)

    def variable(self, name: str) -> dict[str, str]:
        """Return an environment variable that CodeBuild fills with the secret."""
        return {"name": name, "value": self.name, "type": self.kind}
