"""The permissions that the roles of a run needed: gathered, written as policies, and held against those in a file.

The file is JSON: `{"roles": {NAME: [DOCUMENT, ...]}}`. Accounts of tests have numbers made at random, so that `*` is
written in their place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from locum import analysis
from locum.calls import activity
from locum.policy import MalformedPolicy, PolicyKind, parse
from locum.testing.account import LocumAccount

_STAND_IN: Final = "123456789012"
"""In place of an account until its policies are written."""

_SERVICE_LINKED: Final = "/aws-service-role/"

Row = list[Any]
Statement = Mapping[str, Any]


class Needs:
    """What the roles of a run needed, by their names. `incomplete` tells of roles of which not all is known."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Row]] = {}
        self.incomplete: list[str] = []

    def gather(self, account: LocumAccount) -> None:
        """Add what the roles of an account did, and were allowed to do."""
        iam = account.client("iam")
        for page in iam.get_paginator("list_roles").paginate():
            for role in page["Roles"]:
                if not role["Path"].startswith(_SERVICE_LINKED):
                    self._add(role["RoleName"], account, account.taken(role["Arn"]))

    def merge(self, told: Mapping[str, Any]) -> None:
        """Add what another process told."""
        self.incomplete += told["incomplete"]
        for name, rows in told["roles"].items():
            self._rows.setdefault(name, {}).update((json.dumps(row), row) for row in rows)

    def told(self) -> dict[str, Any]:
        """What there is, as JSON values for `merge`."""
        return {"incomplete": self.incomplete, "roles": {name: list(rows.values()) for name, rows in self._roles()}}

    def documents(self) -> dict[str, list[dict[str, Any]]]:
        """The least-privilege policies of each role."""
        return {name: _documents(rows.values()) for name, rows in self._roles()}

    def text(self) -> str:
        """The content of the file: the same for the same needs."""
        return json.dumps({"roles": self.documents()}, indent=2) + "\n"

    def beyond(self, known: Known) -> Iterator[str]:
        """What was needed and is not in a file: a line for each action of each role."""
        for name, documents in self.documents().items():
            for statement in (one for document in documents for one in document["Statement"]):
                for action in _listed(statement["Action"]):
                    for resource in _listed(statement["Resource"]):
                        if not known.allows(name, action, resource, statement.get("Condition", {})):
                            yield f"role {name}: {action} on {resource}{_under(statement)}"

    def _roles(self) -> list[tuple[str, dict[str, Row]]]:
        return sorted(self._rows.items())

    def _add(self, name: str, account: LocumAccount, found: Mapping[str, Any]) -> None:
        if found["truncated"] or any(one["verdict"] == "allow" for one in found["leftOut"]):
            self.incomplete.append(f"NOT COMPLETE: not all calls of role {name} could be looked at")
        rows = [_anonymous(row, account.id) for row in found["permissions"]]
        if rows:
            self._rows.setdefault(name, {}).update((json.dumps(row), row) for row in rows)


class Known:
    """The policies in a file, by role."""

    def __init__(self, roles: Mapping[str, Sequence[Statement]]) -> None:
        self._roles = roles

    @classmethod
    def read(cls, file: Path) -> Known:
        """The policies in `file`. Raises ValueError where it has none, or one that does more than to allow."""
        try:
            roles = json.loads(file.read_text())["roles"]
            found = {name: [one for document in documents for one in _statements(file, document)]
                     for name, documents in roles.items()}  # fmt: skip
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror}") from error
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{file} is not what --locum-policy-out writes") from error
        except MalformedPolicy as error:
            raise ValueError(f"{file}: {error.message}") from error
        return cls(found)

    def allows(self, role: str, action: str, resource: str, conditions: Mapping[str, Any]) -> bool:
        """Whether a statement allows `role` all that one with these elements does."""
        return any(_covers(statement, action, resource, conditions) for statement in self._roles.get(role, ()))


def _documents(rows: Iterable[Row]) -> list[dict[str, Any]]:
    written = json.dumps(analysis.documents(analysis.write(activity.decoded(row) for row in rows)))
    found: list[dict[str, Any]] = json.loads(written.replace(f":{_STAND_IN}:", ":*:"))
    return found


def _anonymous(row: Row, account: str) -> Row:
    found: Row = json.loads(json.dumps(row).replace(account, _STAND_IN))
    return found


def _statements(file: Path, document: Any) -> list[Statement]:
    parse(json.dumps(document), PolicyKind.IDENTITY)
    found = document["Statement"]
    statements: list[Statement] = found if isinstance(found, list) else [found]
    for one in statements:
        if one["Effect"] != "Allow" or "Action" not in one or "Resource" not in one:
            raise ValueError(f"{file}: its policies have statements of Effect Allow, with Action and Resource, alone")
    return statements


def _covers(statement: Statement, action: str, resource: str, conditions: Mapping[str, Any]) -> bool:
    return (
        any(_within(action.lower(), pattern.lower()) for pattern in _listed(statement["Action"]))
        and any(_within(resource, pattern) for pattern in _listed(statement["Resource"]))
        and all(conditions.get(operator) == keys for operator, keys in statement.get("Condition", {}).items())
    )


def _within(text: str, pattern: str) -> bool:
    """Whether all that `text` matches, with wildcards of its own, is matched by `pattern`."""
    parts = (re.escape(part).replace(r"\?", "[^*]") for part in pattern.split("*"))
    return re.fullmatch(".*".join(parts), text, re.DOTALL) is not None


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _under(statement: Statement) -> str:
    conditions = statement.get("Condition")
    return f" where {json.dumps(conditions)}" if conditions else ""
