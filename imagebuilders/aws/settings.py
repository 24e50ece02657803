"""Settings of every component that asks AWS, or a service with an AWS protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

if TYPE_CHECKING:
    from typing_extensions import Self

_DAY = 24 * 60 * 60.0


class AWSSettings(BaseModel):
    """Who to be, where to ask, and how long to wait.

    Without `key`, `profile` and `anonymous`, credentials are found the way all AWS tools find
    them: environment variables, the shared files, single sign-on, a container's or an
    instance's role.

    Attributes:
        key: access key id; together with `secret`.
        secret: secret access key.
        token: session token of temporary credentials.
        profile: a profile of the shared AWS files; may assume a role or sign on by SSO.
        anonymous: send unsigned requests.
        endpoint_url: address of another service that speaks the protocol.
        region: the AWS region.
        verify: whether to check certificates, or the path of a bundle of authorities. With
            `True`, the bundle that `AWS_CA_BUNDLE` names counts, if it is set.
        connect_timeout: seconds to wait for a connection, at most a day.
        read_timeout: seconds to wait for an answer, at most a day.
        attempts: how often a request is made in all when its fault may pass.
    """

    key: SecretStr | None = None
    secret: SecretStr | None = None
    token: SecretStr | None = None
    profile: str | None = None
    anonymous: bool = False
    endpoint_url: str | None = None
    region: str | None = None
    verify: bool | str = True
    connect_timeout: float = Field(default=10.0, gt=0, le=_DAY)
    read_timeout: float = Field(default=60.0, gt=0, le=_DAY)
    attempts: int = Field(default=5, ge=1, le=20)

    @field_validator("*")
    @classmethod
    def _utf8(cls, value: object) -> object:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if isinstance(text, str):
            try:
                text.encode()
            except UnicodeEncodeError:
                raise ValueError("must be text that UTF-8 has bytes for") from None
        return value

    @field_validator("key", "token")
    @classmethod
    def _can_be_sent(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not can_be_sent(value.get_secret_value()):
            raise ValueError(
                "must be printable ASCII without white space; look for a line break at its end"
            )
        return value

    @field_validator("endpoint_url")
    @classmethod
    def _an_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("must be an http:// or https:// address")
        if parts.username is not None or parts.password is not None:
            raise ValueError("must not hold credentials; use key and secret")
        return url

    @field_validator("verify")
    @classmethod
    def _a_switch_or_a_path(cls, verify: bool | str) -> bool | str:
        # An environment variable's value is text.
        if isinstance(verify, str) and verify.lower() in ("true", "false"):
            return verify.lower() == "true"
        if verify == "" or (isinstance(verify, str) and "\0" in verify):
            raise ValueError("must be true, false or the path of a bundle of authorities")
        return verify

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        if (self.key is None) != (self.secret is None):
            raise ValueError("key and secret belong together: give both, or neither")
        if self.token is not None and self.key is None:
            raise ValueError("token needs key and secret")
        ways = [self.key is not None, self.profile is not None, self.anonymous]
        if sum(ways) > 1:
            raise ValueError("give only one of key and secret, profile, or anonymous")
        return self


def can_be_sent(credential: str) -> bool:
    """Tell whether a credential can stand in a request's headers.

    An HTTP library would quote one that cannot in its error.
    """
    return all("!" <= character <= "~" for character in credential)
