"""The strict policy parser: text to an immutable `Document`, or `MalformedPolicy`.

This module checks the structure (elements, their types, which of them the kind of policy requires and forbids);
`checks` then checks the values. A document that passes both cannot fail when it is evaluated. The messages are those
of IAM's MalformedPolicyDocument.

IAM's first ("legacy") parser searches the whole document for one kind of error after the other. The order, as
recorded from IAM: syntax, the version, then the errors of `_POSTPONED` in their order, and the values last.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

from locum.policy.checks import check_legacy, check_values
from locum.policy.document import Condition, Document, Principals, Statement
from locum.policy.errors import MalformedPolicy
from locum.policy.grammar import (
    CURRENT_VERSION,
    DOCUMENT_FIELDS,
    FIRST_VERSION,
    PRINCIPAL_TYPES,
    RULES,
    STATEMENT_FIELDS,
    VERSIONS,
    PolicyKind,
    Rules,
    operator,
)
from locum.policy.location import JsonPath

SYNTAX: Final = "Syntax errors in policy."
INVALID_JSON: Final = "This policy contains invalid Json"
LEGACY: Final = "The policy failed legacy parsing"
PRINCIPAL_GIVEN: Final = "Policy document should not specify a principal."
DUPLICATE_SID: Final = "Statement IDs (SID) in a single policy must be unique."
OLD_VERSION: Final = "Policy document must be version 2012-10-17 or greater."
NO_ACTIONS: Final = "Policy statement must contain actions."
NO_RESOURCES: Final = "Policy statement must contain resources."

_POSTPONED: Final = (LEGACY, DUPLICATE_SID, PRINCIPAL_GIVEN, NO_ACTIONS, NO_RESOURCES)

# "<sid_string>": "Sid ... supports ASCII uppercase letters (A-Z), lowercase letters (a-z), and numbers (0-9)" in IAM.
_IAM_SID: Final = re.compile(r"[A-Za-z0-9]*")
_MAX_DEPTH: Final = 32
"""No valid policy nests deeper than six; the JSON scanner recurses."""


def parse(
    text: str,
    kind: PolicyKind,
    *,
    current_version: bool = False,
    judge_values: bool = True,
    known_operators: bool = True,
    resource: bool | None = True,
) -> Document:
    """Parse `text` as a policy of `kind`. Raises MalformedPolicy.

    With `current_version`, a document of 2008-10-17 is refused, as IAM does for managed policies. Without
    `judge_values`, invalid values (a bad date, number, ARN, IP address or principal) and invalid Sids are accepted, for
    reading documents that another system has stored; such a value matches nothing, and a Sid decides nothing. Every
    other error is still refused. Without `known_operators`, unknown condition operators are accepted as well: an Allow
    never holds under one, a Deny always.

    `resource` is for resource policies: whether their statements need a Resource element (True), may have one (None) or
    may not (False, as those of an ECR repository).
    """
    rules = RULES[kind]
    if kind is PolicyKind.RESOURCE and resource is not True:
        rules = rules._replace(resource=resource)
    return _Parser(text, kind, rules, judge_values, known_operators).document(current_version)


class _Object(dict[str, Any]):
    """A JSON object; `duplicate` is the name of a member that was given twice."""

    duplicate: str | None = None


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    made = _Object(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        made.duplicate = next(name for name in names if names.count(name) > 1)
    return made


class _Number(str):
    """A JSON number in its original spelling."""

    __slots__ = ()


def _constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


class _Parser:
    def __init__(self, text: str, kind: PolicyKind, rules: Rules, judge_values: bool, known_operators: bool) -> None:
        self.text = text
        self.kind = kind
        self.rules = rules
        self.judge_values = judge_values
        self.known_operators = known_operators
        self._postponed: list[MalformedPolicy] = []

    def postpone(self, message: str, path: JsonPath, *, legacy: str) -> None:
        """Refuse with `message`; for the legacy parser, keep `legacy`, one of `_POSTPONED`, to be raised later."""
        if not self.rules.legacy:
            self.refuse(message, path)
        self._postponed.append(MalformedPolicy(legacy, path, self.text, detail=message if message != legacy else ""))

    def refuse(self, message: str, path: JsonPath = (), *, legacy: str = "") -> NoReturn:
        """Raise MalformedPolicy with `message`, or with `legacy` (and `message` as detail) for the legacy parser."""
        if self.rules.legacy and legacy:
            raise MalformedPolicy(legacy, path, self.text, detail=message)
        raise MalformedPolicy(message, path, self.text)

    # --- the document ---

    def document(self, current_version: bool) -> Document:
        root = self._read()
        self._check_member_names(root, DOCUMENT_FIELDS, ())
        version = root.get("Version", FIRST_VERSION)
        if not isinstance(version, str) or version not in VERSIONS:
            self.refuse(SYNTAX, ("Version",))
        made = Document(
            self.kind,
            version,
            self._text(root.get("Id", ""), ("Id",)),
            self._statements(root),
            version == CURRENT_VERSION,
            self.text,
        )
        if current_version and version != CURRENT_VERSION:
            self.refuse(OLD_VERSION, ("Version",))
        if self.judge_values:
            check_legacy(made)
        if self._postponed:
            raise min(self._postponed, key=lambda refusal: _POSTPONED.index(refusal.message))
        if self.judge_values:
            check_values(made)
        return made

    def _read(self) -> _Object:
        if _depth(self.text) > _MAX_DEPTH:
            self.refuse(INVALID_JSON, legacy=SYNTAX)
        try:
            root = json.loads(
                self.text,
                object_pairs_hook=_object,
                parse_int=_Number,
                parse_float=_Number,
                parse_constant=_constant,
            )
        except json.JSONDecodeError as error:
            message = SYNTAX if self.rules.legacy else INVALID_JSON
            raise MalformedPolicy(message, (), self.text, error.pos, error.msg) from error
        except (ValueError, RecursionError):
            self.refuse(INVALID_JSON, legacy=SYNTAX)
        if not isinstance(root, _Object):
            self.refuse(INVALID_JSON, legacy=SYNTAX)
        return root

    def _check_member_names(self, found: _Object, known: frozenset[str], path: JsonPath) -> None:
        if found.duplicate is not None:
            self.refuse(SYNTAX, (*path, found.duplicate))
        for name in found:
            if name not in known:
                self.refuse(f"Unknown field {name}", (*path, name), legacy=SYNTAX)

    def _statements(self, root: _Object) -> tuple[Statement, ...]:
        if "Statement" not in root:
            self.refuse("Missing required field Statement", legacy=SYNTAX)
        listed = root["Statement"]
        if isinstance(listed, _Object):
            return (self._statement(listed, 0, ("Statement",)),)
        if not isinstance(listed, list) or (not listed and self.judge_values):
            self.refuse(SYNTAX, ("Statement",))
        statements = tuple(self._statement(item, i, ("Statement", i)) for i, item in enumerate(listed))
        seen: set[str] = set()
        for statement in statements:
            if statement.sid and statement.sid in seen and self.judge_values:
                message = f"Statement/policy already has instance of Sid: {statement.sid}"
                self.postpone(message, (*statement.path, "Sid"), legacy=DUPLICATE_SID)
            seen.add(statement.sid)
        return statements

    # --- a statement ---

    def _statement(self, found: Any, number: int, path: JsonPath) -> Statement:
        if not isinstance(found, _Object):
            self.refuse(SYNTAX, path)
        self._check_member_names(found, STATEMENT_FIELDS, path)
        self._check_exclusive_elements(found, path)
        self._check_required_elements(found, path)
        return Statement(
            number=number,
            path=path,
            sid=self._sid(found, path),
            allows=self._effect(found, path),
            principals=self._optional_principals(found, "Principal", path),
            not_principals=self._optional_principals(found, "NotPrincipal", path),
            actions=self._optional(found, "Action", path, self._texts),
            not_actions=self._optional(found, "NotAction", path, self._texts),
            resources=self._optional(found, "Resource", path, self._texts),
            not_resources=self._optional(found, "NotResource", path, self._texts),
            conditions=self._conditions(found, path),
        )

    def _check_exclusive_elements(self, found: _Object, path: JsonPath) -> None:
        for name in ("Action", "Resource", "Principal"):
            if name in found and f"Not{name}" in found:
                self.refuse(SYNTAX, (*path, f"Not{name}"))

    def _check_required_elements(self, found: _Object, path: JsonPath) -> None:
        """Refuse where an element is missing that this kind of policy requires, or present that it forbids."""
        if "Effect" not in found:
            self.refuse("Missing required field Effect", path, legacy=SYNTAX)
        if "Action" not in found and "NotAction" not in found:
            self.postpone("Missing required field Action", path, legacy=NO_ACTIONS)
        self._required("Resource", found, path, wanted=self.rules.resource)
        self._required("Principal", found, path, wanted=self.rules.principal)
        if "NotPrincipal" in found and not self.rules.not_principal:
            self.postpone("Has prohibited field NotPrincipal", (*path, "NotPrincipal"), legacy=PRINCIPAL_GIVEN)

    def _required(self, name: str, found: _Object, path: JsonPath, *, wanted: bool | None) -> None:
        spelled = next((spelling for spelling in (name, f"Not{name}") if spelling in found), None)
        if wanted and spelled is None:
            self.postpone(f"Missing required field {name}", path, legacy=NO_RESOURCES)
        if wanted is False and spelled is not None:
            self.postpone(f"Has prohibited field {spelled}", (*path, spelled), legacy=PRINCIPAL_GIVEN)

    def _effect(self, found: _Object, path: JsonPath) -> bool:
        effect = found["Effect"]
        if effect not in ("Allow", "Deny"):
            if not isinstance(effect, str) or effect.lower() not in ("allow", "deny"):
                shown = effect if isinstance(effect, str) else "it must be Allow or Deny"
                self.refuse(f"Invalid effect: {shown}", (*path, "Effect"), legacy=SYNTAX)
            self.postpone(f"Invalid effect: {effect}", (*path, "Effect"), legacy=LEGACY)
        allows = effect == "Allow"
        if allows and "NotPrincipal" in found and self.judge_values and self.rules.not_principal:
            self.refuse("Allow with NotPrincipal is not allowed.", (*path, "NotPrincipal"))
        return bool(allows)

    def _sid(self, found: _Object, path: JsonPath) -> str:
        sid = self._text(found.get("Sid", ""), (*path, "Sid"))
        if self.judge_values and self.kind is not PolicyKind.RESOURCE and not _IAM_SID.fullmatch(sid):
            self.refuse(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular "
                "expression [0-9A-Za-z]*",
                (*path, "Sid"),
            )
        return sid

    def _optional(self, found: _Object, name: str, path: JsonPath, read: Callable[[Any, JsonPath], Any]) -> Any:
        return read(found[name], (*path, name)) if name in found else None

    def _optional_principals(self, found: _Object, name: str, path: JsonPath) -> Principals | None:
        read: Principals | None = self._optional(found, name, path, self._principals) if self.rules.principal else None
        return read

    # --- values ---

    def _text(self, value: Any, path: JsonPath) -> str:
        if not isinstance(value, str) or isinstance(value, _Number):
            self.refuse(SYNTAX, path)
        return value

    def _texts(self, value: Any, path: JsonPath) -> tuple[str, ...]:
        """The values of a string or a list of strings. An empty list is refused."""
        if not isinstance(value, list):
            return (self._text(value, path),)
        if not value:
            missing = NO_ACTIONS if "Action" in str(path[-1]) else NO_RESOURCES
            self.postpone(missing, path, legacy=missing)
        return tuple(self._text(item, (*path, i)) for i, item in enumerate(value))

    def _principals(self, value: Any, path: JsonPath) -> Principals:
        if value == "*":
            return Principals(everyone=True)
        if not isinstance(value, _Object) or not value:
            shown = f'"{value}"' if isinstance(value, str) else 'it must be "*" or a map'
            self.refuse(f"Invalid principal in policy: {shown}", path)
        if value.duplicate is not None:
            self.refuse(SYNTAX, (*path, value.duplicate))
        for name in value:
            if name not in PRINCIPAL_TYPES:
                self.refuse(f'Invalid principal in policy: "{name}"', (*path, name))
        listed = {name: self._principal_values(value[name], (*path, name)) for name in value}
        return Principals(
            everyone=False,
            aws=listed.get("AWS", ()),
            service=listed.get("Service", ()),
            federated=listed.get("Federated", ()),
            canonical=listed.get("CanonicalUser", ()),
        )

    def _principal_values(self, value: Any, path: JsonPath) -> tuple[str, ...]:
        """The values of a string or a list of strings; an account id may be a JSON number."""
        listed = value if isinstance(value, list) else [value]
        if not listed or not all(isinstance(item, str) for item in listed):
            self.refuse(SYNTAX, path)
        return tuple(str(item) for item in listed)

    def _conditions(self, found: _Object, path: JsonPath) -> tuple[Condition, ...]:
        if "Condition" not in found:
            return ()
        path = (*path, "Condition")
        block = self._plain_object(found["Condition"], path)
        conditions: list[Condition] = []
        for name, keys in block.items():
            if self.rules.legacy and keys == {}:
                continue  # IAM ignores an operator without keys, known or not
            if self.known_operators and operator(name) is None:
                self.refuse(f"Invalid Condition type : {name}.", (*path, name), legacy=SYNTAX)
            for key, values in self._plain_object(keys, (*path, name)).items():
                at = (*path, name, key)
                conditions.append(Condition(name, key, self._condition_values(values, at), at))
        return tuple(conditions)

    def _plain_object(self, value: Any, path: JsonPath) -> _Object:
        if not isinstance(value, _Object):
            self.refuse(SYNTAX, path)
        if value.duplicate is not None:
            self.refuse(SYNTAX, (*path, value.duplicate))
        return value

    def _condition_values(self, value: Any, path: JsonPath) -> tuple[str, ...]:
        """ "Quotation marks are optional for numbers and booleans" (SEMANTICS 54)."""
        listed = value if isinstance(value, list) else [value]
        if not listed and self.judge_values and not self.rules.legacy:
            self.refuse(SYNTAX, path)
        texts: list[str] = []
        for item in listed:
            if isinstance(item, bool):
                texts.append("true" if item else "false")
            elif isinstance(item, str):
                texts.append(str(item))
            else:
                self.refuse(SYNTAX, path)
        return tuple(texts)


def _depth(text: str) -> int:
    """The nesting depth of brackets. Those in strings count too, so it is an upper bound; it is cheap to compute."""
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
