"""AWS's documented example policies, each with calls that its page says are allowed and denied.

`tests/conformance/examples/SERVICE.yaml` is a list of examples:

    - id: alice-in-her-folder
      page: Amazon S3 User Guide, "User policy examples", a folder for each user
      by: user/alice                       whose the calls are, where they do not say otherwise
      identity: [statement, ...]           of every caller of the account; `everything` is Allow *
      scp, rcp, boundary: [statement, ...]
      resources: {ARN: {policy: [statement, ...], tags: {}, account: "...", attributes: {}}}
      principal_tags: {}                   of the users and roles
    others: {user/bob: {tags: {}, trust: [statement, ...], boundary: ARN}}   further users and roles of the account
      allowed: [[s3:GetObject, {Bucket: b, Key: alice/k}, {source_ip: 192.0.2.1}], ...]
      denied: [...]

A call is an operation and parameters of botocore, and the circumstances: fields of `authz.Call` (`source_ip`, `region`
...), `at` (a time), `endpoint` (of a VPC: its id, VPC, account and the statements of its policy), and of the caller
`by`, `mfa_age` (seconds), `tags`, `context`, `via` (the services that call for it) and `source` (of a service, its
account and ARN). `differs` is the reason why Locum's verdict is another one.

A caller is `user/NAME`, `role/NAME` (a session of it), `ACCOUNT:user/NAME` of another account, who may do everything
there, `root`, `nobody`, or a service principal. The account is `authority.HOME`, a member of the organization of
`support.organization` where there are control policies or a condition on it; the region is `authority.REGION`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml  # type: ignore[import-untyped]

from locum import authz
from locum.core.principal import NOBODY, Caller, Principal, PrincipalKind, Source
from locum.core.resources import UNKNOWN, Endpoint, ResourceFacts
from locum.state import AnyEntity, Policy, Role, User
from support import organization as org
from support.authority import (
    HOME,
    NOW,
    REGION,
    World,
    allow,
    as_role,
    as_root,
    as_user,
    document,
    policy,
    role,
    session_of,
    user,
)

EXAMPLES: Final = Path(__file__).resolve().parents[1] / "conformance" / "examples"
_OF_CALLER: Final = frozenset({"by", "mfa_age", "tags", "context", "via", "source", "at", "differs"})
_BOUNDARY: Final = "boundary"


class ExampleCall(NamedTuple):
    """One call under an example's policies, and whether its page says that it is allowed."""

    id: str
    example: Mapping[str, Any]
    operation: str
    params: Mapping[str, Any]
    circumstances: Mapping[str, Any]
    allowed: bool

    @property
    def differs(self) -> str:
        """Why Locum's verdict is known to be another one; empty where it is not."""
        return str(self.circumstances.get("differs", ""))


def examples() -> list[dict[str, Any]]:
    """All examples, of all files."""
    return [example for path in sorted(EXAMPLES.glob("*.yaml")) for example in yaml.safe_load(path.read_text())]


def calls(example: Mapping[str, Any]) -> Iterator[ExampleCall]:
    """The calls of an example, those that are allowed first."""
    for verdict in ("allowed", "denied"):
        for number, (operation, *rest) in enumerate(example.get(verdict, ()), 1):
            params, circumstances = (*rest, {}, {})[:2]
            name = f"{example['id']}-{verdict}-{number}"
            yield ExampleCall(name, example, operation, params, circumstances, verdict == "allowed")


def decided(call: ExampleCall) -> authz.Authorization:
    """Locum's decision on the call."""
    entities, caller = _caller(call)
    world = _Examined(call.example).having(*entities, *_others(call.example), *_organization(call.example))
    more = {name: value for name, value in call.circumstances.items() if name not in _OF_CALLER}
    service, operation = call.operation.split(":")
    now = call.circumstances.get("at")
    given: dict[str, Any] = {"now": datetime.fromisoformat(now).timestamp() if now else NOW, "region": REGION, **more}
    if "endpoint" in given:
        endpoint_id, vpc, account, *statements = given["endpoint"]
        given["endpoint"] = Endpoint(endpoint_id, vpc, account, document(*statements) if statements else "")
    asked = authz.Call(service=service, operation=operation, params=call.params, caller=caller, **given)
    return authz.decide(world.state, asked, authz.plan(world.state, asked), world.known)


class _Examined(World):
    """The world of an example: its resources are what the backend knows."""

    def __init__(self, example: Mapping[str, Any]) -> None:
        super().__init__(facts={arn: _facts(given) for arn, given in example.get("resources", {}).items()})

    def known(self, arn: str) -> ResourceFacts:
        """The facts of a resource. An object has the policy and the account of its bucket."""
        found = self.facts.get(arn, UNKNOWN)
        if ":s3:::" not in arn or "/" not in arn:
            return found
        bucket = self.facts.get(arn.partition("/")[0], UNKNOWN)
        return ResourceFacts(bucket.account, bucket.policy, found.tags)


def _facts(given: Mapping[str, Any]) -> ResourceFacts:
    text = document(*given["policy"]) if "policy" in given else None
    account = given.get("account", HOME)
    return ResourceFacts(account, text, given.get("tags"), given.get("arn"), given.get("attributes", {}))


def _caller(call: ExampleCall) -> tuple[list[AnyEntity], Caller]:
    by = call.circumstances.get("by", call.example.get("by", "user/ann"))
    if by == "nobody":
        return [], NOBODY
    if by.endswith(".amazonaws.com"):
        source = Source(*call.circumstances.get("source", (HOME,)))
        return [], Caller(Principal.service(by), source=source)
    account, _, who = by.rpartition(":")
    if who == "root":
        return [], as_root(account or HOME)
    kind, *path, name = who.split("/")
    fields: dict[str, Any] = {"account": account or HOME, "tags": call.example.get("principal_tags", {})}
    if path:
        fields["path"] = f"/{'/'.join(path)}/"
    bounding: list[Policy] = []
    if _BOUNDARY in call.example:
        bounding = [policy(_BOUNDARY, *call.example[_BOUNDARY])]
        fields["boundary"] = bounding[0].arn
    statements = _identity(call.example, account)
    entity: User | Role = (user if kind == "user" else role)(name, *statements, **fields)
    caller = _as_caller(entity, call.circumstances)
    return [entity, *bounding], replace(caller, via=tuple(call.circumstances.get("via", ())))


def _others(example: Mapping[str, Any]) -> Iterator[AnyEntity]:
    for name, given in example.get("others", {}).items():
        kind, own = name.split("/")
        fields = {key: value for key, value in given.items() if key != "trust"}
        if "trust" in given:
            fields["trust"] = document(*given["trust"])
        yield user(own, **fields) if kind == "user" else role(own, **fields)


def _identity(example: Mapping[str, Any], account: str) -> list[dict[str, Any]]:
    given = example.get("identity", [])
    if account not in ("", HOME) or given == "everything":
        return [allow("*")]
    return list(given)


def _as_caller(entity: User | Role, circumstances: Mapping[str, Any]) -> Caller:
    session: dict[str, Any] = {name: circumstances[name] for name in ("tags", "context") if name in circumstances}
    if "mfa_age" in circumstances:
        session["mfa_at"] = int(NOW) - circumstances["mfa_age"]
    if isinstance(entity, Role):
        return as_role(entity, **session)
    if not session:
        return as_user(entity)
    of_user = {"kind": PrincipalKind.USER, "issuer_arn": entity.arn, "issuer_id": entity.id}
    return as_user(entity, session_of(role(), **of_user, **session))


def _organization(example: Mapping[str, Any]) -> list[AnyEntity]:
    scps, rcps = example.get("scp"), example.get("rcp")
    if not (scps or rcps or example.get("organization")):
        return []
    more = [org.scp("p-scp", *scps)] if scps else []
    more += [org.rcp("p-rcp", *rcps)] if rcps else []
    attached = (org.FULL, *(one.id for one in more))
    return [*org.tree(), *more, org.member(policies=attached)]
