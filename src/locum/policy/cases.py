"""Decision cases: unit tests for policies, as data.

A file is JSON Lines (one object a line) or YAML (a list). docs/decision-cases.md has the fields. A case is
self-contained: its context is complete, and the principal has no properties but those that follow from its ARN and
the case's own fields.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

from locum.core.arn import Arn
from locum.core.letter_case import folded
from locum.core.principal import ANONYMOUS, FEDERATED, ContextValue, Principal, PrincipalKind
from locum.policy.casefile import MalformedCase, entries
from locum.policy.compile import CompiledPolicy, compile  # noqa: A004 - the package's public verb
from locum.policy.decision import Decision, Verdict
from locum.policy.errors import MalformedPolicy
from locum.policy.evaluate import Policies, evaluate
from locum.policy.explain import explain
from locum.policy.grammar import PolicyKind, Source
from locum.policy.parse import parse
from locum.policy.prepared import Request

_FREE_TEXT: Final = frozenset({"why", "source", "note", "category"})
_PRINCIPAL_FIELDS: Final = frozenset({"principal_arn", "principal_type", "principal_unique_id", "session", "flags"})
_POLICY_FIELDS: Final = frozenset(
    {"identity_policies", "boundary", "session_policies", "resource_policy", "scps", "rcps"}
)
_FIELDS: Final = _FREE_TEXT | _PRINCIPAL_FIELDS | _POLICY_FIELDS | {"id", "request", "expected"}
_FLAGS: Final = frozenset(
    {
        "principal_in_management_account",
        "principal_is_service_linked_role",
        "resource_in_management_account",
    }
)
_REQUEST_FIELDS: Final = frozenset({"action", "resource", "resource_account", "context", "wildcard_only"})
_REQUIRED: Final = ("principal_arn", "request", "expected")

__all__ = ["Case", "MalformedCase", "Result", "case", "read", "read_leniently", "run"]


class Case(NamedTuple):
    """A decision case. `line` is the line of its file where it begins, from 1; 0: unknown."""

    id: str
    request: Request
    policies: Policies
    expected: Verdict
    line: int = 0


class Result(NamedTuple):
    """The result of a case. `reason` is the explanation of the decision where the case failed, else empty."""

    id: str
    expected: Verdict
    actual: Verdict
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.actual is self.expected


def run(case: Case) -> Result:
    """Evaluate `case`."""
    decision: Decision = evaluate(case.request, case.policies)
    passed = decision.verdict is case.expected
    reason = "" if passed else explain(case.request, case.policies, decision).text()
    return Result(case.id, case.expected, decision.verdict, reason)


def read(text: str, *, yaml: bool = False) -> Iterator[Case]:
    """Read the cases of a file's `text`. Raises MalformedCase. YAML needs PyYAML."""
    for found in read_leniently(text, yaml=yaml):
        if isinstance(found, MalformedCase):
            raise found
        yield found


def read_leniently(text: str, *, yaml: bool = False) -> Iterator[Case | MalformedCase]:
    """Read the cases of a file's `text`, with a MalformedCase in place of each that is invalid."""
    for number, entry in enumerate(entries(text, yaml=yaml), 1):
        if isinstance(entry, MalformedCase):
            yield entry
            continue
        try:
            if not isinstance(entry.value, dict):
                listed = "; a list of cases is YAML, in a file *.yaml" if isinstance(entry.value, list) else ""
                raise MalformedCase(f"case {number} is not an object{listed}")
            yield case(entry.value)._replace(line=entry.line)
        except MalformedCase as error:
            yield MalformedCase(error.message, entry.line)


def case(raw: Mapping[str, Any]) -> Case:
    """Parse one case. Raises MalformedCase."""
    name = str(raw.get("id", "?"))
    try:
        _check_known(raw, _FIELDS, "field ")
        for field in _REQUIRED:
            _required(raw, field)
        principal = _principal(raw)
        expected = _member(Verdict, _text(raw, "expected"), "expected")
        return Case(name, _request(_mapping(raw, "request"), principal), _policies(raw), expected)
    except MalformedCase as error:
        raise MalformedCase(f"case {name}: {error.message}") from error
    except RecursionError as error:
        raise MalformedCase(f"case {name}: nests too deep") from error
    except (ValueError, TypeError) as error:
        raise MalformedCase(f"case {name}: {error}") from error


# --- fields --------------------------------------------------------------------------------------------------

_E = TypeVar("_E", bound=StrEnum)


def _check_known(raw: Mapping[str, Any], names: frozenset[str], what: str) -> None:
    unknown = sorted(str(name) for name in raw if name not in names)
    if unknown:
        raise MalformedCase(f"unknown {what}{unknown[0]}")


def _required(raw: Mapping[str, Any], field: str, where: str = "") -> Any:
    if raw.get(field) is None:
        raise MalformedCase(f"missing field {where}{field}")
    return raw[field]


def _text(raw: Mapping[str, Any], field: str, where: str = "") -> str:
    """The string value of a field, which may be written as an integer; empty where it is absent."""
    value = raw.get(field)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MalformedCase(f"{where}{field} is no text")
    return str(value)


def _mapping(raw: Mapping[str, Any], field: str, where: str = "") -> Mapping[str, Any]:
    value = raw.get(field)
    if value is not None and not isinstance(value, dict):
        raise MalformedCase(f"{where}{field} is no object")
    return value or {}


def _list(raw: Mapping[str, Any], field: str) -> list[Any]:
    value = raw.get(field)
    if value is not None and not isinstance(value, list):
        raise MalformedCase(f"{field} is no list")
    return value or []


def _flag(raw: Mapping[str, Any], field: str) -> bool:
    value = raw.get(field)
    if value is not None and not isinstance(value, bool):
        raise MalformedCase(f"{field} is neither true nor false")
    return bool(value)


def _member(kind: type[_E], text: str, field: str) -> _E:
    try:
        return kind(text)
    except ValueError:
        raise MalformedCase(f"{field} {text} is none of {', '.join(kind)}") from None


# --- the principal -------------------------------------------------------------------------------------------


def _principal(raw: Mapping[str, Any]) -> Principal:
    text = _text(raw, "principal_arn")
    given = _text(raw, "principal_type")
    kind = _member(PrincipalKind, given, "principal_type") if given else _kind(text)
    if kind is PrincipalKind.ANONYMOUS:
        return ANONYMOUS
    if kind is PrincipalKind.SERVICE:
        return Principal.service(text)
    if kind in FEDERATED:
        return Principal.federated(kind, text, text.split(":", 5)[4] if text.startswith("arn:") else "", "", "")
    arn = Arn.parse(text)
    unique_id = _text(raw, "principal_unique_id").partition(":")[0]  # aws:userid goes on with the session
    session = _mapping(raw, "session")
    if kind is PrincipalKind.ROOT:
        return Principal(kind, text, arn.account, arn.account, arn.account)
    if kind is PrincipalKind.USER:
        return Principal.user(arn.account, text, unique_id, arn.resource.rsplit("/", 1)[-1])
    parts = arn.resource.split("/")
    if kind is PrincipalKind.ROLE_SESSION:
        if len(parts) < 3:
            raise MalformedCase(f"principal_arn {text} is no role session's: arn:...:assumed-role/ROLE/SESSION")
        role_arn = _text(session, "role_arn", "session.") or str(
            arn._replace(service="iam", resource=f"role/{parts[1]}")
        )
        user_id = f"{unique_id}:{parts[-1]}" if unique_id else ""
        return Principal(kind, text, arn.account, user_id, unique_id, parts[-1], role_arn)
    name = _text(session, "name", "session.") or parts[-1]
    federating = _text(session, "federating_user_arn", "session.")
    return Principal(kind, text, arn.account, f"{arn.account}:{name}", unique_id, name, federating)


def _kind(text: str) -> PrincipalKind:
    if text in ("anonymous", "*"):
        return PrincipalKind.ANONYMOUS
    arn = Arn.find(text)
    if arn is None:
        return PrincipalKind.SERVICE
    if arn.resource == "root":
        return PrincipalKind.ROOT
    kinds = {
        "user": PrincipalKind.USER,
        "assumed-role": PrincipalKind.ROLE_SESSION,
        "federated-user": PrincipalKind.FEDERATED_USER,
        "oidc-provider": PrincipalKind.WEB_IDENTITY,
        "saml-provider": PrincipalKind.SAML,
    }
    kind = kinds.get(arn.resource.partition("/")[0])
    if kind is None:
        kinds_known = "a user, root, assumed-role, federated-user or provider ARN"
        raise MalformedCase(f"principal_arn {text} is none of {kinds_known}")
    return kind


# --- the request and the policies ----------------------------------------------------------------------------


def _request(raw: Mapping[str, Any], principal: Principal) -> Request:
    _check_known(raw, _REQUEST_FIELDS, "field request.")
    for field in ("action", "resource"):
        _required(raw, field, "request.")
    if "resource_account" not in raw:
        raise MalformedCase("missing field request.resource_account")
    given = _mapping(raw, "context", "request.")
    context = {folded(str(key)): _context_value(key, value) for key, value in given.items()}
    return Request(
        principal=principal,
        action=_text(raw, "action", "request."),
        resource=_text(raw, "resource", "request."),
        resource_account=_text(raw, "resource_account", "request."),
        context={key: value for key, value in context.items() if value is not None},
        wildcard_only=_flag(raw, "wildcard_only"),
        provider=principal.provider,
    )


def _context_value(key: str, value: Any) -> ContextValue | None:
    if isinstance(value, list):
        return tuple(_scalar(key, item) for item in value)
    return None if value is None else _scalar(key, value)


def _scalar(key: str, value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise MalformedCase(f"request.context {key} is neither a value nor a list of values")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _policies(raw: Mapping[str, Any]) -> Policies:
    flags = _mapping(raw, "flags")
    _check_known(flags, _FLAGS, "flag ")
    resource = raw.get("resource_policy")
    boundary = raw.get("boundary")
    return Policies(
        identity=_compiled(_list(raw, "identity_policies"), PolicyKind.IDENTITY, "identity_policies"),
        boundary=None if boundary is None else _one(boundary, PolicyKind.BOUNDARY, "boundary"),
        session=_compiled(_list(raw, "session_policies"), PolicyKind.SESSION, "session_policies") or None,
        resource=None if resource is None else _one(resource, _resource_kind(resource), "resource_policy"),
        scps=_levels(raw, "scps", PolicyKind.SCP),
        rcps=_levels(raw, "rcps", PolicyKind.RCP),
        principal_in_management_account=_flag(flags, "principal_in_management_account"),
        principal_is_service_linked_role=_flag(flags, "principal_is_service_linked_role"),
        resource_in_management_account=_flag(flags, "resource_in_management_account"),
    )


def _resource_kind(document: Any) -> PolicyKind:
    """The kind of a resource policy: a trust policy where no statement has a Resource (SEMANTICS 22)."""
    listed = document.get("Statement", []) if isinstance(document, dict) else []
    statements = listed if isinstance(listed, list) else [listed]
    named = any(isinstance(s, dict) and ("Resource" in s or "NotResource" in s) for s in statements)
    return PolicyKind.RESOURCE if named or not statements else PolicyKind.TRUST


def _levels(raw: Mapping[str, Any], field: str, kind: PolicyKind) -> tuple[tuple[CompiledPolicy, ...], ...]:
    levels = _list(raw, field)
    for number, level in enumerate(levels):
        if not isinstance(level, list):
            raise MalformedCase(f"{field}[{number}] is no list: {field} are levels, each a list of policies")
    return tuple(_compiled(level, kind, f"{field}[{number}]") for number, level in enumerate(levels))


def _compiled(documents: list[Any], kind: PolicyKind, field: str) -> tuple[CompiledPolicy, ...]:
    return tuple(_one(document, kind, f"{field}[{number}]") for number, document in enumerate(documents))


def _one(document: Any, kind: PolicyKind, field: str) -> CompiledPolicy:
    """Compile one document. Invalid values and unknown operators are accepted, and match nothing.

    The policy's name is its field in the case.
    """
    text = document if isinstance(document, str) else json.dumps(document)
    try:
        return compile(parse(text, kind, judge_values=False, known_operators=False), Source(kind, field))
    except MalformedPolicy as error:
        raise MalformedCase(f"{field}: {error.describe()}") from error
