"""A second evaluator: slow, obvious, and written from docs/semantics.md alone.

It reads the raw JSON documents at every question, knows nothing of the engine's parser, patterns or indexes, and
says its rules in the order of the checklist. The numbers in brackets are those of the checklist.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

Doc = Mapping[str, Any]
Context = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """A request and all policies, as raw documents."""

    kind: str
    arn: str
    account: str
    unique_id: str
    issuer: str
    action: str
    resource: str
    resource_account: str
    context: Context
    wildcard_only: bool = False
    identity: tuple[Doc, ...] = ()
    boundary: Doc | None = None
    session: tuple[Doc, ...] = ()
    resource_policy: Doc | None = None
    scps: tuple[tuple[Doc, ...], ...] = ()
    rcps: tuple[tuple[Doc, ...], ...] = ()
    flags: frozenset[str] = field(default_factory=frozenset)


def verdict(q: Question) -> str:
    denies, grants = everything_that_matches(q)
    if denies:  # [1]
        return "EXPLICIT_DENY"
    if scps_in_force(q) and not all(any_allow(level, q) for level in q.scps):  # [2] [26] [29]
        return "IMPLICIT_DENY"
    if q.kind in ("anonymous", "service"):  # [15] [16]
        return yes(bool(grants))
    own = any_allow(q.identity, q) or q.kind == "root"  # [24]
    boundary = q.boundary is None or any_allow((q.boundary,), q)
    session = any_allow(q.session, q) if q.session else q.kind != "federated-user"  # [17] [18]
    session = session or q.kind == "root"  # [24]
    if q.account != q.resource_account:  # [5]
        return yes(own and boundary and session and bool(grants) and q.action.lower() != "iam:passrole")
    named_only = q.action.lower().startswith("kms:") and ":key/" in q.resource and not q.wildcard_only
    if named_only and not grants:  # [4]
        return "IMPLICIT_DENY"
    if own and boundary and session:
        return "ALLOW"
    if grants & {"user", "session", "everyone"}:  # the bypass table
        return "ALLOW"
    if grants & {"role", "federating-user"}:
        return yes(boundary and session)
    return "IMPLICIT_DENY"


def yes(granted: bool) -> str:
    return "ALLOW" if granted else "IMPLICIT_DENY"


def scps_in_force(q: Question) -> bool:  # [27]
    exempt = {"principal_in_management_account", "principal_is_service_linked_role"} & q.flags
    return bool(q.scps) and not exempt and q.kind not in ("anonymous", "service")


def rcps_in_force(q: Question) -> bool:  # [28]
    exempt = {"resource_in_management_account", "principal_is_service_linked_role"} & q.flags
    return not exempt and q.action.lower() != "kms:retiregrant"


def everything_that_matches(q: Question) -> tuple[bool, set[str]]:
    """Whether any Deny applies, and how the resource policy's grants name the caller."""
    plain = [*q.identity, *q.session, *([q.boundary] if q.boundary else [])]
    if scps_in_force(q):
        plain += [scp for level in q.scps for scp in level]
    named = [rcp for level in q.rcps for rcp in level] if rcps_in_force(q) else []
    named += [q.resource_policy] if q.resource_policy else []
    denied = any(s["Effect"] == "Deny" and applies(s, d, q) for d in plain for s in statements(d))
    denied |= any(s["Effect"] == "Deny" and how(s, q) and applies(s, d, q) for d in named for s in statements(d))
    grants = {
        how(s, q)
        for s in statements(q.resource_policy or {})
        if s["Effect"] == "Allow" and applies(s, q.resource_policy or {}, q)
    }
    return denied, grants - {""}


def any_allow(documents: tuple[Doc, ...], q: Question) -> bool:
    return any(s["Effect"] == "Allow" and applies(s, d, q) for d in documents for s in statements(d))


def statements(document: Doc) -> list[Doc]:
    return many(document.get("Statement", []))


def many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def applies(s: Doc, document: Doc, q: Question) -> bool:  # [3]
    live = document.get("Version") == "2012-10-17"  # [35]
    return action_matches(s, q) and resource_matches(s, q, live) and conditions_hold(s, q, live)


# --- principals ----------------------------------------------------------------------------------------------


def how(s: Doc, q: Question) -> str:
    if "NotPrincipal" in s:
        return "" if s["Effect"] == "Allow" or exempted(s["NotPrincipal"], q) else "everyone"  # [13] [14]
    element = s["Principal"]
    aws = ["*"] if element == "*" else many(element.get("AWS", []))
    if q.kind == "service":  # [16]
        service = [] if element == "*" else many(element.get("Service", []))
        covered = s["Effect"] == "Deny" or any(demands_source(o, keys) for o, keys in s.get("Condition", {}).items())
        return "service" if q.arn in service else "everyone" if "*" in aws and covered else ""
    if q.kind == "anonymous":  # [15]
        return "everyone" if "*" in aws else ""
    if (q.arn in aws and q.kind == "user") or (q.kind == "user" and q.unique_id in aws):  # [11] [12]
        return "user"
    if q.arn in aws and q.kind in ("role-session", "federated-user"):  # [8]
        return "session"
    if "*" in aws:
        return "everyone"
    if q.kind in ("role-session", "federated-user") and (q.issuer in aws or q.unique_id in aws):  # [9]
        return "role" if q.kind == "role-session" else "federating-user"
    return "account" if names_account(aws, q) else ""


def demands_source(operator: str, keys: Mapping[str, Any]) -> bool:  # [16]
    sources = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")
    open_without = "Not" in operator or "IfExists" in operator or "ForAllValues" in operator
    textual = "String" in operator or "Arn" in operator
    return textual and not open_without and any(key.lower() in sources for key in keys)


def names_account(aws: list[str], q: Question) -> bool:  # [10]
    return q.account in aws or f"arn:aws:iam::{q.account}:root" in aws


def exempted(element: Any, q: Question) -> bool:  # [13]
    if q.boundary is not None:
        return False
    aws = ["*"] if element == "*" else many(element.get("AWS", []))
    if "*" in aws:
        return True
    if q.kind == "service":
        return q.arn in many(element.get("Service", []))
    if q.kind == "anonymous" or not names_account(aws, q):
        return False
    if q.kind == "root":
        return True
    if q.kind == "user":
        return q.arn in aws or q.unique_id in aws
    return q.arn in aws and (q.issuer in aws or q.unique_id in aws)


# --- actions and resources -----------------------------------------------------------------------------------


def wild(pattern: str, text: str) -> bool:
    """`*` any run of characters, `?` any one; by dynamic programming over both texts."""
    reachable = {0}
    for character in pattern:
        if character == "*":
            reachable = set(range(min(reachable), len(text) + 1)) if reachable else set()
        else:
            reachable = {i + 1 for i in reachable if i < len(text) and character in ("?", text[i])}
    return len(text) in reachable


def action_matches(s: Doc, q: Question) -> bool:  # [30]
    listed = many(s["Action"] if "Action" in s else s["NotAction"])
    found = any(a == "*" or (wild(a.lower(), q.action.lower()) and same_service(a, q.action)) for a in listed)
    return found is ("Action" in s)


def same_service(a: str, b: str) -> bool:
    return wild(a.split(":", maxsplit=1)[0].lower(), b.split(":", maxsplit=1)[0].lower())


def resource_matches(s: Doc, q: Question, live: bool) -> bool:
    resource = "*" if q.wildcard_only else q.resource  # [33]
    allow = s["Effect"] == "Allow"
    if "Resource" in s:
        return any(resource_pattern(r, resource, q, live, every=allow) is True for r in many(s["Resource"]))
    found = [resource_pattern(r, resource, q, live, every=not allow) for r in many(s["NotResource"])]
    return True not in found and not (None in found and allow)


# What stands for a missing part in the resource of a question, and a text longer than any pattern, found in none.
UNKNOWN, NEW, LONG = "\ue010", "\ue011", "\ue012" * 60


def resource_pattern(pattern: str, resource: str, q: Question, live: bool, *, every: bool) -> bool | None:  # [31]
    """Whether the pattern matches every resource that the missing parts leave possible, or any of them.

    They are tried: nothing, a text that no pattern has, and every text that is cut out of the pattern itself.
    """
    if pattern == "*" or arn_pattern(pattern, resource, q, live) is None or not {UNKNOWN, NEW} & set(resource):
        return arn_pattern(pattern, resource, q, live)
    if resource == UNKNOWN:
        return not every
    tail = cut(pattern, live)[-1]
    text = wildless(substitute(tail, q, live) or "")
    cuts = {text[i:j] for i in range(len(text)) for j in range(i + 1, len(text) + 1)}
    enough = all if every else any
    return enough(
        all(
            arn_pattern(pattern, resource.replace(UNKNOWN, unknown).replace(NEW, new), q, live) is True
            for new in ("", LONG)
        )
        for unknown in ("", LONG, *cuts)
    )


def wildless(pattern: str) -> str:
    return plain(pattern.replace("*", "").replace("?", "x"))


def arn_pattern(pattern: str, arn: str, q: Question, live: bool, *, late: bool = True) -> bool | None:  # [31] [49]
    if pattern == "*":
        return True
    fields, given = cut(pattern, live), arn.split(":", 5)
    if late and live and any("${" in f for f in fields[:5]):  # [50]
        return None
    replaced = [substitute(f, q, live) for f in fields]
    if None in replaced:
        return None
    return len(given) == 6 and len(fields) == 6 and all(map(wild_marked, map(str, replaced), given))


def cut(pattern: str, live: bool) -> list[str]:
    """The fields of an ARN pattern; a colon inside `${...}` parts nothing."""
    fields, inside_variable = [""], False
    for i, character in enumerate(pattern):
        inside_variable = live and (pattern[i : i + 2] == "${" or (inside_variable and pattern[i - 1] != "}"))
        if character == ":" and not inside_variable and len(fields) < 6:
            fields.append("")
        else:
            fields[-1] += character
    return fields


# Literal wildcards are carried through as characters that occur nowhere else.
LITERAL = {"*": "\ue000", "?": "\ue001"}


def substitute(text: str, q: Question, live: bool) -> str | None:
    if not live:
        return text
    out = ""
    while "${" in text:
        before, rest = text.split("${", 1)
        inner, text = rest.split("}", 1)
        if inner in ("*", "?", "$"):  # [50]
            out += before + LITERAL.get(inner, inner)
            continue
        key, _, default = inner.partition(",")
        value = lookup(q, key.strip())
        if isinstance(value, list):
            value = value[0] if len(value) == 1 else None
        if value is None and default:
            value = default.strip().strip("'")
        if value is None:
            return None
        out += before + "".join(LITERAL.get(c, c) for c in value)
    return out + text


def wild_marked(pattern: str, text: str) -> bool:
    return wild(pattern, "".join(LITERAL.get(c, c) if LITERAL.get(c, c) in pattern else c for c in text))


def lookup(q: Question, key: str) -> Any:
    key = key.lower()  # [44]
    value = q.context.get(key)
    if value is not None or key not in ("aws:principalarn", "aws:username"):
        return value
    if q.kind in ("anonymous", "service"):
        return None
    if key == "aws:username":  # [51]
        return q.arn.rsplit("/", 1)[-1] if q.kind == "user" else None
    return q.issuer if q.kind == "role-session" else q.arn


# --- conditions ----------------------------------------------------------------------------------------------


def conditions_hold(s: Doc, q: Question, live: bool) -> bool:  # [36]
    return all(
        holds(operator, key, [as_text(v) for v in many(values)], q, live, s["Effect"])
        for operator, keys in s.get("Condition", {}).items()
        for key, values in keys.items()
    )


def as_text(value: Any) -> str:  # [54]
    return str(value).lower() if isinstance(value, bool) else str(value)


def holds(operator: str, key: str, wanted: list[str], q: Question, live: bool, effect: str) -> bool:
    deny = effect == "Deny"
    quantifier, _, name = operator.rpartition(":")
    optional = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    value = lookup(q, key)
    given = [] if value is None else many(value)
    if name == "Null":  # [43]
        absent = not given or value == [""]  # [42]
        return ("true" if absent else "false") in [w.lower() for w in wanted]
    negated = "Not" in name
    checks = [check(name.replace("Not", ""), v, wanted, q, live, negated=negated, deny=deny) for v in given]
    if quantifier == "ForAllValues":  # [38] [39]
        return all(checks) or given == [""]
    if quantifier == "ForAnyValue":
        return any(checks) if given else optional and deny
    if not given:  # [37]
        return optional or negated
    return any(checks) if deny else all(checks)  # [41]


def check(name: str, value: str, wanted: list[str], q: Question, live: bool, *, negated: bool, deny: bool) -> bool:
    found = [compare(name, value, w, q, live) for w in wanted]
    if not negated:
        return True in found
    if True in found:
        return False
    return deny if None in found else True  # [47]


def compare(name: str, value: str, wanted: str, q: Question, live: bool) -> bool | None:
    if name.startswith("String"):
        text = substitute(wanted, q, live)
        if text is None:
            return False  # [49]
        return STRINGS[name](text, value)
    if name.startswith("Arn"):  # [45]
        return None if not value.startswith("arn:") else arn_pattern(wanted, value, q, live, late=False) is True
    reader, relation = next((r, c) for n, r, c in TYPED if n == name)
    left, right = reader(value), reader(wanted)
    return None if left is None or right is None else relation(left, right)


def plain(text: str) -> str:
    return text.replace("\ue000", "*").replace("\ue001", "?")


STRINGS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda pattern, value: plain(pattern) == value,
    "StringEqualsIgnoreCase": lambda pattern, value: plain(pattern).lower() == value.lower(),
    "StringLike": wild_marked,
}


def number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def date(text: str) -> float | None:
    try:
        if re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):  # epoch seconds
            return float(text)
        return datetime.fromisoformat(text).astimezone(UTC).timestamp()
    except ValueError:
        return None


def network(text: str) -> Any:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


def boolean(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def inside(address: Any, range_: Any) -> bool:
    return bool(address.version == range_.version and address.subnet_of(range_))


Typed = tuple[str, Callable[[str], Any], Callable[[Any, Any], bool]]
RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda a, b: a == b,
    "LessThan": lambda a, b: a < b,
    "LessThanEquals": lambda a, b: a <= b,
    "GreaterThan": lambda a, b: a > b,
    "GreaterThanEquals": lambda a, b: a >= b,
}
TYPED: list[Typed] = [
    *((f"Numeric{name}", number, relation) for name, relation in RELATIONS.items()),
    *((f"Date{name}", date, relation) for name, relation in RELATIONS.items()),
    ("Bool", boolean, lambda a, b: a is b),
    ("IpAddress", network, inside),
]
