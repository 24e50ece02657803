"""Who may do what: no authentication, basic, or bearer tokens with scopes.

The bearer flow is that of the distribution project's token specification: a request without
a token gets a challenge, the client asks `/token` for the scope named there, and comes back.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from fnmatch import fnmatchcase
from itertools import islice
from urllib.parse import parse_qs

from ..http.messages import Request, Response
from ..rules import Rules
from .errors import OciError
from .names import is_repository
from .routes import DELETES, PULLS, PUSHES, Operation, Route, find

SERVICE = "fake-registry"
_ACTIONS = ("pull", "push", "delete")
_FORM_BYTES = 64 * 1024
_FORGOTTEN_AT_ONCE = 2
"""So many tokens are looked at for each new one: more than are made."""


class AuthKind(str, Enum):
    """How a client proves who it is."""

    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"

    @classmethod
    def _missing_(cls, value: object) -> None:
        raise ValueError(f"auth is one of {', '.join(kind.value for kind in cls)}, not {value!r}")


@dataclass(frozen=True)
class RepositoryRule:
    """What holds for the repositories whose whole name matches a pattern.

    For each action: `None` allows whoever is let in at all, a collection allows the users
    named there and nobody else, so that an empty one forbids the action to all.

    Attributes:
        pattern: a glob over the whole name, as in `team-a/*`; `*` matches slashes too.
        pull: who may pull.
        push: who may push.
        delete: who may delete.
        immutable_tags: whether a tag, once pushed, may not move to another manifest.
    """

    pattern: str
    pull: Collection[str] | None = None
    push: Collection[str] | None = None
    delete: Collection[str] | None = None
    immutable_tags: bool = False

    def allows(self, action: str, user: str | None) -> bool:
        """Whether a user (`None`: anonymous) may do that."""
        who = {"pull": self.pull, "push": self.push, "delete": self.delete}[action]
        return who is None or (user is not None and user in who)


@dataclass(frozen=True)
class _Token:
    user: str | None
    grants: frozenset[tuple[str, str]]
    expires: float


@dataclass
class AccessControl:
    """Lets requests in, or does not.

    Attributes:
        kind: how clients prove who they are.
        users: password by user name.
        anonymous_pull: whether pulling needs no user.
        rules: the newest rule whose pattern matches a repository holds for it.
        token_lifetime: how long a bearer token is good, in seconds.
        identity_tokens: whether who logs in gets an identity token, and tokens in exchange for it.
        clock: seconds since the epoch.
    """

    kind: AuthKind
    users: Mapping[str, str] = field(repr=False)
    anonymous_pull: bool
    token_lifetime: float
    identity_tokens: bool
    clock: Callable[[], float]
    rules: Rules[RepositoryRule] = field(default_factory=Rules)
    _tokens: dict[str, _Token] = field(default_factory=dict, repr=False)
    _identities: dict[str, str] = field(default_factory=dict, repr=False)

    def rule(self, repository: str) -> RepositoryRule | None:
        """The rule that holds for a repository."""
        return self.rules.first(lambda rule: fnmatchcase(repository, rule.pattern))

    def enter(self, request: Request, route: Route) -> str | None:
        """Let a request in.

        Returns:
            The user's name; `None` for an anonymous client.

        Raises:
            OciError: UNAUTHORIZED with the challenge, or DENIED.
        """
        if self.kind is AuthKind.BEARER:
            return self._enter_with_token(request, route)
        user = self._user(request)
        if self.kind is AuthKind.BASIC and user is None:
            pulls = route.operation in PULLS
            if request.headers.get("Authorization") or not (self.anonymous_pull and pulls):
                raise self.challenge(request, route)
        name, actions = _needed(route)
        denied = [action for action in actions if not self._permits(user, name, action)]
        if denied:
            raise OciError("DENIED", {"repository": name, "actions": denied})
        return user

    def may_read(self, request: Request, repository: str) -> bool:
        """Whether the client of a request that was let in may read another repository."""
        return self._permits(self._user(request), repository, "pull")

    def check_mount(self, request: Request, route: Route, source: str) -> None:
        """Ask for a token that covers the source of a mount too, if the user can have one.

        Raises:
            OciError: UNAUTHORIZED with a challenge for both repositories.
        """
        token = self._tokens.get(_credentials(request, "bearer"))
        if self.kind is not AuthKind.BEARER or token is None or not source:
            return
        if (source, "pull") not in token.grants and self._permits(token.user, source, "pull"):
            raise self.challenge(request, route, "insufficient_scope")

    def token(self, request: Request) -> Response:
        """A token for the scopes asked for, as far as the user may have them.

        GET /token is for users with passwords. POST /token exchanges an identity token for one, or
        takes the password in a form, if there are identity tokens here
        (https://distribution.github.io/distribution/spec/auth/oauth/).

        Raises:
            OciError: UNAUTHORIZED, the credentials are wrong or needed and missing.
        """
        if request.method == "POST":
            return self._exchanged(_form(request))
        user = self._basic_user(request)
        if user is None and (request.headers.get("Authorization") or not self.anonymous_pull):
            raise _stranger()
        is_login = request.parameter("offline_token") == "true"
        document = self._document(user, request.parameters("scope"), gives_identity=is_login)
        return Response.json(200, {"token": document["access_token"], **document})

    def _exchanged(self, form: Mapping[str, str]) -> Response:
        """Answer POST /token."""
        if not self.identity_tokens:
            raise OciError("UNSUPPORTED")
        grant = form.get("grant_type", "")
        if grant == "refresh_token":
            user = self._identities.get(form.get("refresh_token", ""))
        elif grant == "password":
            user = self._known_user(form.get("username", ""), form.get("password", ""))
        else:
            raise OciError("UNSUPPORTED", {"grant_type": grant}, status=400)
        if user is None:
            raise _stranger()
        is_login = form.get("access_type") == "offline"
        document = self._document(user, [form.get("scope", "")], gives_identity=is_login)
        return Response.json(200, document)

    def _document(
        self, user: str | None, scopes: Collection[str], *, gives_identity: bool
    ) -> dict[str, object]:
        """Make a token; return what is said of it."""
        grants: set[tuple[str, str]] = set()
        for scope in " ".join(scopes).split():
            grants |= self._granted(user, scope)
        text = secrets.token_urlsafe(24)
        now = self.clock()
        self._forget_ended(now)
        self._tokens[text] = _Token(user, frozenset(grants), now + self.token_lifetime)
        issued = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        document: dict[str, object] = {
            "access_token": text,
            "expires_in": int(self.token_lifetime),
            "issued_at": issued,
        }
        if self.identity_tokens and gives_identity and user is not None:
            document["refresh_token"] = self._identity_of(user)
        return document

    def _identity_of(self, user: str) -> str:
        """Return a user's identity token; there is one for each, and it does not end."""
        for text, owner in self._identities.items():
            if owner == user:
                return text
        text = secrets.token_urlsafe(24)
        self._identities[text] = user
        return text

    def _forget_ended(self, now: float) -> None:
        """Forget tokens that are past their time, oldest first: they are refused all the same."""
        for text, token in list(islice(self._tokens.items(), _FORGOTTEN_AT_ONCE)):
            if token.expires > now:
                break
            self._tokens.pop(text, None)

    def expire_tokens(self) -> None:
        """End every token given out so far."""
        self._tokens = {
            text: _Token(token.user, token.grants, self.clock() - 1)
            for text, token in self._tokens.items()
        }

    def challenge(self, request: Request, route: Route, error: str = "") -> OciError:
        """The 401 that tells a client how to come back.

        Args:
            request: the request, for the address of the token service.
            route: what was asked for.
            error: a bearer error: `invalid_token` or `insufficient_scope`.
        """
        if self.kind is not AuthKind.BEARER:
            value = f'Basic realm="{SERVICE}"'
        else:
            value = f'Bearer realm="{request.base_url}/token",service="{SERVICE}"'
            scopes = _scopes(request, route)
            value += f',scope="{" ".join(scopes)}"' if scopes else ""
            value += f',error="{error}"' if error else ""
        detail = {"operation": route.operation.value, "repository": route.repository}
        return OciError("UNAUTHORIZED", detail, headers={"WWW-Authenticate": value})

    def expired(self, request: Request) -> OciError:
        """The challenge as if the client's credentials had just run out."""
        error = "invalid_token" if self.kind is AuthKind.BEARER else ""
        return self.challenge(request, find(request.method, request.path), error)

    def _enter_with_token(self, request: Request, route: Route) -> str | None:
        text = _credentials(request, "bearer")
        if not text:
            raise self.challenge(request, route)
        token = self._tokens.get(text)
        if token is None or token.expires <= self.clock():
            raise self.challenge(request, route, "invalid_token")
        name, actions = _needed(route)
        if any((name, action) not in token.grants for action in actions):
            raise self.challenge(request, route, "insufficient_scope")
        return token.user

    def _granted(self, user: str | None, scope: str) -> set[tuple[str, str]]:
        """What of `repository:NAME:pull,push` a user gets. `*` asks for everything."""
        kind, _, rest = scope.partition(":")
        name, _, listed = rest.rpartition(":")
        if kind == "registry":
            return {("", "catalog")} if user is not None else set()
        if kind.partition("(")[0] != "repository":
            return set()
        actions = _ACTIONS if "*" in listed.split(",") else tuple(listed.split(","))
        return {
            (name, action)
            for action in actions
            if action in _ACTIONS and self._permits(user, name, action)
        }

    def _permits(self, user: str | None, repository: str, action: str) -> bool:
        anonymous = self.kind is not AuthKind.NONE and user is None
        if anonymous and not (self.anonymous_pull and action == "pull"):
            return False
        if action == "catalog":
            return True
        rule = self.rule(repository)
        return rule is None or rule.allows(action, user)

    def _user(self, request: Request) -> str | None:
        if self.kind is AuthKind.BEARER:
            token = self._tokens.get(_credentials(request, "bearer"))
            return token.user if token else None
        return self._basic_user(request) if self.kind is AuthKind.BASIC else None

    def _basic_user(self, request: Request) -> str | None:
        try:
            decoded = base64.b64decode(_credentials(request, "basic"), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return None
        user, _, password = decoded.partition(":")
        return self._known_user(user, password)

    def _known_user(self, user: str, password: str) -> str | None:
        known = self.users.get(user)
        if known is None or not hmac.compare_digest(known.encode(), password.encode()):
            return None
        return user


def _stranger() -> OciError:
    return OciError("UNAUTHORIZED", headers={"WWW-Authenticate": f'Basic realm="{SERVICE}"'})


def _form(request: Request) -> dict[str, str]:
    """Return the fields of a form, the first of each name.

    Raises:
        OciError: it is larger than any.
    """
    content = bytearray()
    for piece in request.body:
        content += piece
        if len(content) > _FORM_BYTES:
            raise OciError("SIZE_INVALID", status=413)
    fields = parse_qs(content.decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _credentials(request: Request, scheme: str) -> str:
    kind, _, value = request.headers.get("Authorization").partition(" ")
    return value.strip() if kind.lower() == scheme else ""


def _needed(route: Route) -> tuple[str, tuple[str, ...]]:
    """The repository and the actions that a request needs; no actions: being let in will do."""
    if route.operation is Operation.CATALOG:
        return "", ("catalog",)
    if route.operation in PULLS:
        return route.repository, ("pull",)
    if route.operation in PUSHES:
        return route.repository, ("pull", "push")
    if route.operation in DELETES:
        return route.repository, ("delete",)
    return "", ()


def _scopes(request: Request, route: Route) -> list[str]:
    """What a challenge asks the client to get a token for."""
    if route.operation is Operation.CATALOG:
        return ["registry:catalog:*"]
    name, actions = _needed(route)
    if not is_repository(name):
        return []
    scopes = [f"repository:{name}:{','.join(actions)}"]
    source = request.parameter("from")
    if route.operation is Operation.START_UPLOAD and is_repository(source):
        scopes.append(f"repository:{source}:pull")
    return scopes
