"""Decision cases: unit tests for policies, as data.

A file is JSON Lines (one object a line) or YAML (a list). docs/decision-cases.md has the fields. A case needs
nothing but itself: its context is complete, and of the principal only what its ARN says is known.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from locum.core.arn import Arn, iam_arn
from locum.core.errors import LocumError
from locum.core.principal import ANONYMOUS, Principal, PrincipalKind
from locum.policy.compile import CompiledPolicy, compile  # noqa: A004 - the package's public verb
from locum.policy.context import ContextValue
from locum.policy.decision import Decision, Verdict
from locum.policy.errors import MalformedPolicy
from locum.policy.evaluate import Policies, evaluate
from locum.policy.explain import explain
from locum.policy.facts import Request
from locum.policy.grammar import PolicyKind, Source
from locum.policy.parse import parse

_FREE_TEXT: Final = frozenset({"why", "source", "note", "category"})
_WHO: Final = frozenset({"principal_arn", "principal_type", "principal_unique_id", "session", "flags"})
_DOCUMENTS: Final = frozenset({"identity_policies", "boundary", "session_policies", "resource_policy", "scps", "rcps"})
_FIELDS: Final = _FREE_TEXT | _WHO | _DOCUMENTS | {"id", "request", "expected"}
_FLAGS: Final = frozenset(
    {
        "principal_in_management_account",
        "principal_is_service_linked_role",
        "resource_in_management_account",
    }
)


class MalformedCase(LocumError):
    """A case that cannot be run: what is wrong with which field of which case."""


class Case(NamedTuple):
    """A decision case, ready to be evaluated."""

    id: str
    request: Request
    policies: Policies
    expected: Verdict


class Result(NamedTuple):
    """What became of a case. `reason` says why a failed one came out as it did; empty where it passed."""

    id: str
    expected: Verdict
    actual: Verdict
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the verdict is the expected one."""
        return self.actual is self.expected


def run(case: Case) -> Result:
    """Evaluates `case`."""
    decision: Decision = evaluate(case.request, case.policies)
    passed = decision.verdict is case.expected
    reason = "" if passed else explain(case.request, case.policies, decision).text()
    return Result(case.id, case.expected, decision.verdict, reason)


def read(text: str, *, yaml: bool = False) -> Iterator[Case]:
    """The cases of a file's `text`. Raises MalformedCase. YAML needs PyYAML."""
    for number, raw in enumerate(_yaml(text) if yaml else _json_lines(text), 1):
        if not isinstance(raw, dict):
            raise MalformedCase(f"case {number} is not an object")
        yield case(raw)


def _json_lines(text: str) -> Iterator[Any]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise MalformedCase(f"line {number} is not JSON: {error}") from error


def _yaml(text: str) -> Sequence[Any]:
    """Only true, false and null are not text: `2012-10-17` is no date here, `000000000000` no number."""
    module = importlib.import_module("yaml")

    class Loader(module.SafeLoader):  # type: ignore[name-defined,misc]  # PyYAML has no types and is imported late
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - how PyYAML is configured

    Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"true|false"), list("tf"))
    Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"~|null|"), ["~", "n", ""])
    Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"<<"), ["<"])
    try:
        found = module.load(text, Loader=Loader)
    except module.YAMLError as error:
        raise MalformedCase(f"not YAML: {error}") from error
    if not isinstance(found, list):
        raise MalformedCase("a YAML file of cases is a list")
    return found


def case(raw: Mapping[str, Any]) -> Case:
    """The case that `raw` describes. Raises MalformedCase."""
    name = str(raw.get("id", "?"))
    try:
        unknown = sorted(set(raw) - _FIELDS)
        if unknown:
            raise MalformedCase(f"unknown field {unknown[0]}")
        principal = _principal(raw)
        return Case(name, _request(raw["request"], principal), _policies(raw), Verdict(raw["expected"]))
    except KeyError as error:
        raise MalformedCase(f"case {name}: missing field {error.args[0]}") from error
    except MalformedPolicy as error:
        raise MalformedCase(f"case {name}: {error.describe()}") from error
    except (MalformedCase, ValueError, AttributeError, TypeError) as error:
        raise MalformedCase(f"case {name}: {error}") from error


# --- the principal -------------------------------------------------------------------------------------------


def _principal(raw: Mapping[str, Any]) -> Principal:
    text = raw["principal_arn"]
    kind = PrincipalKind(raw.get("principal_type") or _kind(text))
    if kind is PrincipalKind.ANONYMOUS:
        return ANONYMOUS
    if kind is PrincipalKind.SERVICE:
        return Principal.service(text)
    arn = Arn.parse(text)
    unique_id = raw.get("principal_unique_id") or ""
    session = raw.get("session") or {}
    if kind is PrincipalKind.ROOT:
        return Principal(kind, text, arn.account, arn.account, arn.account)
    if kind is PrincipalKind.USER:
        return Principal.user(arn.account, text, unique_id, arn.resource.rsplit("/", 1)[-1])
    parts = arn.resource.split("/")
    if kind is PrincipalKind.ROLE_SESSION:
        role_arn = session.get("role_arn") or iam_arn(arn.account, "role", "/", parts[1])
        user_id = f"{unique_id}:{parts[-1]}" if unique_id else ""
        return Principal(kind, text, arn.account, user_id, unique_id, parts[-1], role_arn)
    name = session.get("name") or parts[-1]
    federating = session.get("federating_user_arn") or ""
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
    }
    kind = kinds.get(arn.resource.partition("/")[0])
    if kind is None:
        raise MalformedCase(f"principal_arn {text} is none of a user, root, assumed-role or federated-user ARN")
    return kind


# --- the request and the policies ----------------------------------------------------------------------------


def _request(raw: Mapping[str, Any], principal: Principal) -> Request:
    context = {str(key).lower(): _context_value(value) for key, value in (raw.get("context") or {}).items()}
    return Request(
        principal=principal,
        action=raw["action"],
        resource=raw["resource"],
        resource_account=str(raw["resource_account"]),
        context={key: value for key, value in context.items() if value is not None},
        wildcard_only=bool(raw.get("wildcard_only", False)),
    )


def _context_value(value: Any) -> ContextValue | None:
    if isinstance(value, list):
        return tuple(_scalar(item) for item in value)
    return None if value is None else _scalar(value)


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _policies(raw: Mapping[str, Any]) -> Policies:
    flags = raw.get("flags") or {}
    unknown = sorted(set(flags) - set(_FLAGS))
    if unknown:
        raise MalformedCase(f"unknown flag {unknown[0]}")
    resource = raw.get("resource_policy")
    boundary = raw.get("boundary")
    return Policies(
        identity=_compiled(raw.get("identity_policies"), PolicyKind.IDENTITY, "identity_policies"),
        boundary=None if boundary is None else _one(boundary, PolicyKind.BOUNDARY, "boundary"),
        session=_compiled(raw.get("session_policies"), PolicyKind.SESSION, "session_policies") or None,
        resource=None if resource is None else _one(resource, _resource_kind(resource), "resource_policy"),
        scps=_levels(raw.get("scps"), PolicyKind.SCP, "scps"),
        rcps=_levels(raw.get("rcps"), PolicyKind.RCP, "rcps"),
        principal_in_management_account=bool(flags.get("principal_in_management_account", False)),
        principal_is_service_linked_role=bool(flags.get("principal_is_service_linked_role", False)),
        resource_in_management_account=bool(flags.get("resource_in_management_account", False)),
    )


def _resource_kind(document: Any) -> PolicyKind:
    """A trust policy is the one resource policy whose statements have no Resource (SEMANTICS 22)."""
    listed = document.get("Statement", []) if isinstance(document, dict) else []
    statements = listed if isinstance(listed, list) else [listed]
    named = any(isinstance(s, dict) and ("Resource" in s or "NotResource" in s) for s in statements)
    return PolicyKind.RESOURCE if named or not statements else PolicyKind.TRUST


def _compiled(documents: Sequence[Any] | None, kind: PolicyKind) -> tuple[CompiledPolicy, ...]:
    return tuple(_one(document, kind, f"{kind} policy {i}") for i, document in enumerate(documents or ()))


def _one(document: Any, kind: PolicyKind, name: str) -> CompiledPolicy:
    """A case may hold what could not be written today: values are let pass, and match nothing."""
    text = document if isinstance(document, str) else json.dumps(document)
    return compile(parse(text, kind, judge_values=False), Source(kind, name))
