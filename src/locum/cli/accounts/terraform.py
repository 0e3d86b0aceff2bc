"""An account as a Terraform configuration, in its JSON syntax, for the provider hashicorp/aws.

Terraform Language, "JSON Configuration Syntax": texts are templates, in which `${` and `%{` are written doubled. Each
policy, attachment and membership is a resource of its own. Versions of policies but the default one are not in it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from locum.cli.accounts.documents import encoded, renamed
from locum.cli.accounts.labels import Labels
from locum.cli.accounts.making import is_service_linked, service_of, suffix_of
from locum.cli.accounts.model import Account, Identity, Role, Tags, User
from locum.cli.accounts.ordering import Exported, in_order
from locum.core.arn import iam_arn

_FILE: Final = "iam.tf.json"
_ACCOUNT, _ADDRESS, _HIDDEN = "\ue000", "\ue001", "\ue002"
"""Stand for the account's id, and before and behind an address, until texts are made: characters for private use. Of
those that a text has itself, digits behind the third are there meanwhile: nobody writes expressions by a policy."""
_CURRENT: Final = "${data.aws_caller_identity.current.account_id}"
_NO_LABEL: Final = re.compile(r"[^A-Za-z0-9_-]+")


def exported(account: Account, *, imports: bool) -> Exported:
    """The configuration of an account, and what it has not. With `imports`, blocks that import what is there."""
    roles, told = in_order(account)
    writing = _Writing(account)
    writing.write(roles)
    if dropped := sum(len(one.versions) - 1 for one in account.policies.values()):
        told.append(f"{dropped} versions of policies that are not the default ones")
    body: dict[str, Any] = {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws", "version": ">= 5.0"}}},
        "data": {"aws_caller_identity": {"current": {}}},
        "resource": writing.resources,
    }
    if imports:
        body["import"] = writing.imports
    return Exported({_FILE: json.dumps(body, indent=2) + "\n"}, told)


class _Writing:
    """Writes the resources of an account, by type and label, and an import block for each."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._labels: dict[str, Labels] = {}
        self._arns: dict[str, str] = {}
        """The expressions of what can be referred to, by ARN; what is not in it is referred to by its name."""
        self._names: dict[str, str] = {}
        self.resources: dict[str, dict[str, Any]] = {}
        self.imports: list[dict[str, str]] = []

    def write(self, roles: list[Role]) -> None:
        """Write all, each after what it refers to."""
        account = self._account
        for provider in account.providers.values():
            known = {"url": f"https://{provider.name}", "client_id_list": list(map(_escaped, provider.client_ids))}
            prints = {"thumbprint_list": list(provider.thumbprints), **self._tags(provider.tags)}
            arn = iam_arn(account.id, "oidc-provider", "/", provider.name)
            self._add("aws_iam_openid_connect_provider", provider.name, arn, {**known, **prints})
        for policy in account.policies.values():
            arn = iam_arn(account.id, "policy", policy.path, policy.name)
            given = {"name": policy.name, "path": policy.path, "description": policy.description}
            document = {"policy": self._document(policy.document), **self._tags(policy.tags)}
            self._known("policy", policy, "aws_iam_policy", arn, {**given, **document})
        for group in account.groups.values():
            self._known("group", group, "aws_iam_group", group.name, {"name": group.name, "path": group.path})
            self._policies("group", group)
        for user in account.users.values():
            self._known("user", user, "aws_iam_user", user.name, {"name": user.name, **self._bounded(user)})
            self._policies("user", user)
            if user.groups:
                member = {
                    "user": self._name("user", user.name),
                    "groups": [self._name("group", g) for g in user.groups],
                }
                self._add("aws_iam_user_group_membership", user.name, "/".join((user.name, *user.groups)), member)
        for role in roles:
            self._service_linked(role) if is_service_linked(role) else self._role(role)
        for profile in account.profiles.values():
            given = {"name": profile.name, "path": profile.path, **self._tags(profile.tags)}
            if profile.roles:
                given["role"] = self._name("role", profile.roles[0])
            self._known("instance-profile", profile, "aws_iam_instance_profile", profile.name, given)

    def _role(self, role: Role) -> None:
        given = {
            "name": role.name,
            "description": role.description,
            "assume_role_policy": self._document(role.trust, self._arns),
            "max_session_duration": role.max_session,
            **self._bounded(role),
        }
        self._known("role", role, "aws_iam_role", role.name, given)
        self._policies("role", role)

    def _service_linked(self, role: Role) -> None:
        given = {
            "aws_service_name": service_of(role),
            "custom_suffix": suffix_of(role),
            "description": role.description,
        }
        arn = iam_arn(self._account.id, "role", role.path, role.name)
        self._add("aws_iam_service_linked_role", role.name, arn, given)

    def _policies(self, noun: str, one: Identity) -> None:
        name = self._name(noun, one.name)
        for policy, document in one.inline.items():
            given = {"name": _escaped(policy), noun: name, "policy": self._document(document)}
            self._add(f"aws_iam_{noun}_policy", f"{one.name}_{policy}", f"{one.name}:{policy}", given, plain=True)
        for arn in one.attached:
            label = f"{one.name}_{arn.rpartition('/')[2]}"
            given = {noun: name, "policy_arn": self._arn(arn)}
            self._add(f"aws_iam_{noun}_policy_attachment", label, f"{one.name}/{arn}", given, plain=True)

    def _bounded(self, one: User | Role) -> dict[str, Any]:
        boundary = {"permissions_boundary": self._arn(one.boundary)} if one.boundary else {}
        return {"path": one.path, **boundary, **self._tags(one.tags)}

    @staticmethod
    def _tags(tags: Tags | None) -> dict[str, Any]:
        own = {key: value for key, value in (tags or {}).items() if not key.lower().startswith("aws:")}
        return {"tags": {_escaped(key): _escaped(value) for key, value in own.items()}} if own else {}

    # -- resources -----------------------------------------------------------------------------------------

    def _known(self, noun: str, one: Any, kind: str, id_: str, given: Mapping[str, Any]) -> None:
        """Add a resource that others refer to."""
        address = self._add(kind, one.name, id_, given)
        self._names[f"{noun} {one.name}"] = f"${{{address}.name}}"
        self._arns[iam_arn(self._account.id, noun, one.path, one.name)] = f"${{{address}.arn}}"

    def _add(self, kind: str, name: str, id_: str, given: Mapping[str, Any], *, plain: bool = False) -> str:
        """Add a resource; its address. `plain`: its arguments are expressions already."""
        labels = self._labels.setdefault(kind, Labels(_label, "_"))
        label = labels.of(name)
        kept = {name: value for name, value in given.items() if value not in (None, "")}
        self.resources.setdefault(kind, {})[label] = kept if plain else {k: _argument(k, v) for k, v in kept.items()}
        self.imports.append({"to": f"{kind}.{label}", "id": _escaped(id_)})
        return f"{kind}.{label}"

    def _name(self, noun: str, name: str) -> str:
        return self._names.get(f"{noun} {name}", _escaped(name))

    def _arn(self, arn: str) -> str:
        return self._arns.get(arn) or self._open(arn)

    def _open(self, text: str) -> str:
        return _shown(_escaped(str(renamed(_hidden(text), {self._account.id: _ACCOUNT}))).replace(_ACCOUNT, _CURRENT))

    def _document(self, document: Any, arns: Mapping[str, str] | None = None) -> str:
        """The expression of a document, in which the account's id is that of the caller."""
        marked = _marked(_hidden(document), arns or {})
        text = _escaped(encoded(renamed(marked, {self._account.id: _ACCOUNT}))).replace(_ACCOUNT, _CURRENT)
        return _shown(re.sub(f"{_ADDRESS}([^{_ADDRESS}]*){_ADDRESS}", lambda found: f"${{{found[1]}}}", text))


def _marked(value: Any, arns: Mapping[str, str]) -> Any:
    """A document with the addresses of the ARNs that it names, between characters for private use."""
    if isinstance(value, dict):
        return {name: _marked(inner, arns) for name, inner in value.items()}
    if isinstance(value, list):
        return [_marked(inner, arns) for inner in value]
    if isinstance(value, str) and value in arns:
        return f"{_ADDRESS}{arns[value][2:-1]}{_ADDRESS}"
    return value


def _hidden(value: Any) -> Any:
    """A text or document without the characters for private use."""
    if isinstance(value, dict):
        return {_hidden(name): _hidden(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_hidden(inner) for inner in value]
    if isinstance(value, str):
        return re.sub(f"[{_ACCOUNT}-{_HIDDEN}]", lambda found: f"{_HIDDEN}{ord(found[0]) - ord(_ACCOUNT)}", value)
    return value


def _shown(text: str) -> str:
    """A text with them."""
    return re.sub(f"{_HIDDEN}([012])", lambda found: chr(ord(_ACCOUNT) + int(found[1])), text)


def _label(name: str) -> str:
    plain = _NO_LABEL.sub("_", name)
    return plain if plain[:1].isalpha() or plain[:1] == "_" else f"_{plain}"


def _escaped(text: str) -> str:
    """A text that stands for itself."""
    return text.replace("${", "$${").replace("%{", "%%{")


_EXPRESSIONS: Final = frozenset(
    ("policy", "assume_role_policy", "permissions_boundary", "tags", "role", "user", "group", "groups", "policy_arn")
)


def _argument(name: str, value: Any) -> Any:
    """An argument: one that is no expression stands for itself."""
    return value if name in _EXPRESSIONS or not isinstance(value, str) else _escaped(value)
