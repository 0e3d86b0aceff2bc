"""Roles, users, groups and policies in YAML, as people write them:

    roles:
      - name: app
        trust: ec2                      # a service, an account, an ARN, a list of them, or a document
        profile: true                   # an instance profile of the same name
        policies:
          - AmazonS3ReadOnlyAccess      # of AWS, or of this file, by its name; any other by its ARN
          - name: jobs                  # an inline policy
            document: {Version: 2012-10-17, Statement: [...]}
    users:
      - {name: ann, groups: [developers], keys: true}
    groups:
      - {name: developers, policies: [PowerUserAccess]}
    policies:
      - {name: jobs, document: {...}}

`${AWS::AccountId}` is the account's id, wherever it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from locum import policy
from locum.cli.accounts.model import Account, Group, Policy, Profile, Role, User
from locum.cli.inits.nodes import Field, read
from locum.core.arn import iam_arn
from locum.policy import MalformedPolicy, PolicyKind
from locum.state import managed
from locum.state.service_principals import is_service_principal

_NAME: Final = re.compile(r"[A-Za-z0-9_+=,.@-]{1,128}")
_PATH: Final = re.compile(r"/(?:[!-~]+/)?")
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_ACCOUNT_ID: Final = "${AWS::AccountId}"
_LISTS: Final = ("policies", "groups", "users", "roles")
_MEMBERS: Final = {
    "policies": ("name", "path", "document", "description", "tags"),
    "groups": ("name", "path", "policies"),
    "users": ("name", "path", "groups", "policies", "boundary", "tags", "keys"),
    "roles": (
        *("name", "path", "trust", "description", "max_session_duration", "policies", "boundary", "tags", "profile"),
    ),
}


class Identities(NamedTuple):
    """What a file has: the identities, and the names of users who get an access key."""

    account: Account
    keys: tuple[str, ...]


def identities(file: str, text: str, account: str) -> Identities:
    """The identities in the YAML `text`, for an account. Raises ConfigurationError."""
    top = read(file, text).only(_LISTS)
    reading = _Reading(account)
    made = {kind: reading.all(kind, top[kind]) for kind in _LISTS if kind in top}
    return Identities(Account(id=account, **made, profiles=reading.profiles), tuple(reading.keys))


class _Reading:
    """Makes entities of fields. `keys` and `profiles` are those that were asked for beside them."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._policies: dict[str, str] = {}
        self.keys: list[str] = []
        self.profiles: dict[str, Profile] = {}
        self._makers: Mapping[str, Callable[[dict[str, Field]], Any]] = {
            "policies": self._policy,
            "groups": self._group,
            "users": self._user,
            "roles": self._role,
        }

    def all(self, kind: str, field: Field) -> dict[str, Any]:
        """The entities of a list, by their names in lower case."""
        found: dict[str, Any] = {}
        for item in field.items():
            members = item.only(_MEMBERS[kind])
            if "name" not in members:
                raise item.error("has no name")
            key = self._name(members["name"]).lower()
            if key in found:
                raise members["name"].error("is there twice")
            found[key] = self._makers[kind](members)
        return found

    def _name(self, field: Field) -> str:
        name = field.text()
        if not _NAME.fullmatch(name):
            raise field.error(f"is {name!r}: a name has letters, digits and +=,.@_- only")
        return name

    def _named(self, members: dict[str, Field]) -> dict[str, Any]:
        path = members["path"].text() if "path" in members else "/"
        if not _PATH.fullmatch(path):
            raise members["path"].error("is no path: one begins and ends with /")
        return {"name": self._name(members["name"]), "path": path}

    def _policy(self, members: dict[str, Field]) -> Policy:
        if "document" not in members:
            raise members["name"].error("has no document beside it")
        made = Policy(
            **self._named(members),
            versions={"v1": self._document(members["document"], PolicyKind.IDENTITY)},
            default="v1",
            description=self._text(members, "description"),
            tags=self._tags(members),
        )
        self._policies[made.name] = iam_arn(self._account, "policy", made.path, made.name)
        return made

    def _group(self, members: dict[str, Field]) -> Group:
        return Group(**self._named(members), **self._attached(members))

    def _user(self, members: dict[str, Field]) -> User:
        groups = tuple(self._name(one) for one in members["groups"].items()) if "groups" in members else ()
        made = User(**self._named(members), **self._bounded(members), groups=groups)
        if "keys" in members and members["keys"].truth():
            self.keys.append(made.name)
        return made

    def _role(self, members: dict[str, Field]) -> Role:
        profile = self._profile(members)
        if "trust" not in members and not profile:
            raise members["name"].error("has no trust beside it")
        trust = self._trust(members["trust"]) if "trust" in members else _trusting({"Service": "ec2.amazonaws.com"})
        made = Role(
            **self._named(members),
            **self._bounded(members),
            trust=trust,
            description=self._text(members, "description"),
            max_session=self._duration(members),
        )
        if profile:
            if profile.lower() in self.profiles:
                raise members["profile"].error("is there twice")
            self.profiles[profile.lower()] = Profile(name=profile, roles=(made.name,))
        return made

    def _profile(self, members: dict[str, Field]) -> str:
        """The name of the role's profile; empty where it has none."""
        field = members.get("profile")
        if field is None or field.node.tag.endswith(":bool"):
            return self._name(members["name"]) if field is not None and field.truth() else ""
        return self._name(field)

    def _duration(self, members: dict[str, Field]) -> int | None:
        field = members.get("max_session_duration")
        if field is None:
            return None
        if not re.fullmatch("[0-9]{4,5}", field.text()) or not 3600 <= int(field.text()) <= 43200:
            raise field.error("is no number of seconds from 3600 to 43200")
        return int(field.text())

    # -- policies ------------------------------------------------------------------------------------------

    def _bounded(self, members: dict[str, Field]) -> dict[str, Any]:
        boundary = self._arn(members["boundary"]) if "boundary" in members else ""
        return {**self._attached(members), "boundary": boundary, "tags": self._tags(members)}

    def _attached(self, members: dict[str, Field]) -> dict[str, Any]:
        """Inline and attached policies."""
        inline: dict[str, Any] = {}
        attached: list[str] = []
        for item in members["policies"].items() if "policies" in members else ():
            if item.kind == "scalar":
                attached.append(self._arn(item))
                continue
            told = item.only(("name", "document"))
            if told.keys() != {"name", "document"}:
                raise item.error("has not both a name and a document")
            if told["name"].text() in inline:
                raise told["name"].error("is there twice")
            inline[self._name(told["name"])] = self._document(told["document"], PolicyKind.IDENTITY)
        return {"inline": inline, "attached": tuple(dict.fromkeys(attached))}

    def _arn(self, field: Field) -> str:
        """The ARN of a policy, which is named so, or by a name of this file or of AWS."""
        text = self._with_account(field.text())
        if text.startswith("arn:"):
            return text
        if text in self._policies:
            return self._policies[text]
        found = [one.arn for one in managed.every() if text in (one.name, f"{one.path}{one.name}"[1:])]
        if len(found) != 1:
            raise field.error(f"is {text!r}, which is no ARN, no policy of this file and none of AWS")
        return found[0]

    def _document(self, field: Field, kind: PolicyKind) -> Any:
        field.members()
        value = json.loads(self._with_account(json.dumps(field.value())))
        try:
            policy.parse(json.dumps(value), kind)
        except MalformedPolicy as error:
            raise field.error(f"is no policy: {error.message}") from error
        return value

    def _trust(self, field: Field) -> Any:
        if field.kind == "mapping":
            return self._document(field, PolicyKind.TRUST)
        principal: dict[str, list[str]] = {}
        for one in field.items() if field.kind == "sequence" else [field]:
            kind, name = self._principal(one)
            principal.setdefault(kind, []).append(name)
        if not principal:
            raise field.error("is empty")
        return _trusting({kind: names[0] if len(names) == 1 else names for kind, names in principal.items()})

    def _principal(self, field: Field) -> tuple[str, str]:
        text = self._with_account(field.text())
        if text.startswith("arn:") or _ACCOUNT.fullmatch(text):
            return "AWS", text
        service = text if "." in text else f"{text}.amazonaws.com"
        if not is_service_principal(service):
            raise field.error(f"is {text!r}, which is no service, no account and no ARN")
        return "Service", service

    # -- parts ---------------------------------------------------------------------------------------------

    def _with_account(self, text: str) -> str:
        return text.replace(_ACCOUNT_ID, self._account)

    def _text(self, members: dict[str, Field], name: str) -> str | None:
        return members[name].text() if name in members else None

    def _tags(self, members: dict[str, Field]) -> dict[str, str] | None:
        if "tags" not in members:
            return None
        return {key: self._with_account(field.text()) for key, field in members["tags"].members().items()}


def _trusting(principal: Mapping[str, Any]) -> Any:
    statement = {"Effect": "Allow", "Principal": dict(principal), "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement]}
