"""What the calls of a method are made on: the bindings of a target, for a principal that goes after it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from locum.analysis.escalation.methods import EVERYTHING, NAME, Bindings
from locum.analysis.escalation.surface import Entity, Surface, asked_for, patterns_for, statements_of
from locum.policy import PolicyKind
from locum.state import AccessKey, Group, Instance, InstanceProfile, LoginProfile, Policy, Role, User
from locum.state.arns import entity_by_arn
from locum.state.associations import association_of
from locum.state.attachments import identity_policies, managed_document
from locum.state.indexes import KEYS_OF_USER, PROFILES_OF_ROLE, scoped

Binder = Callable[[Surface, Entity, Entity], Iterable[Bindings]]
"""The bindings for (what is looked at, who acts, the target)."""

_KEYS: Final = 2
"""IAM User Guide, "IAM and AWS STS quotas": access keys of a user."""

_VERSIONS: Final = 5
"""The same: versions of a managed policy."""

_NAMES: Final = 8
"""How many names a method tries for what it creates."""

_INSTANCES: Final = 64
"""How many instances of an account a method tries."""

_ASKED_FOR: Final = ("subnet", "security-group", "key-pair")
"""What else than the image a policy may ask for of a launch."""

_CREATING: Final = ("lambda:CreateFunction", "cloudformation:CreateStack", "glue:CreateJob", "glue:CreateDevEndpoint",
                    "ecs:RegisterTaskDefinition", "codebuild:CreateProject",
                    "sagemaker:CreateNotebookInstance", "sagemaker:CreateProcessingJob",
                    "states:CreateStateMachine")  # fmt: skip


def _of_user(target: Entity) -> dict[str, str]:
    return {"user": target.name, "everything": EVERYTHING, "password": f"{NAME}-Aa1!aaaaaaaa"}


def _of_role(target: Entity) -> dict[str, str]:
    return {"role": target.arn, "role_name": target.name, "everything": EVERYTHING, "external": ""}


def _of(target: Entity) -> dict[str, str]:
    return _of_user(target) if isinstance(target, User) else _of_role(target)


def _any_user(_: Surface, __: Entity, target: Entity) -> Iterable[Bindings]:
    return (_of_user(target),) if isinstance(target, User) else ()


def _keys(surface: Surface, target: Entity) -> list[AccessKey]:
    found = surface.state.find(KEYS_OF_USER, scoped(target.account, target.key)) if isinstance(target, User) else []
    return [key for key in found if isinstance(key, AccessKey)]


def _with_room(surface: Surface, source: Entity, target: Entity) -> Iterable[Bindings]:
    return _any_user(surface, source, target) if len(_keys(surface, target)) < _KEYS else ()


def _without_room(surface: Surface, _: Entity, target: Entity) -> Iterable[Bindings]:
    keys = _keys(surface, target)
    return ({**_of_user(target), "key": min(key.id for key in keys)},) if len(keys) >= _KEYS else ()


def _password(*, there: bool) -> Binder:
    def binder(surface: Surface, source: Entity, target: Entity) -> Iterable[Bindings]:
        found = surface.state.get(LoginProfile, target.account, target.key)
        return _any_user(surface, source, target) if (found is not None) is there else ()

    return binder


def _any_role(_: Surface, source: Entity, target: Entity) -> Iterable[Bindings]:
    if not isinstance(target, Role):
        return ()
    return ({**_of_role(target), "trust": trusting(source.arn), "stored_trust": trusting(source.id)},)


def trusting(principal: str) -> str:
    """A trust policy that lets `principal` alone assume a role."""
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def _trusted_role(_: Surface, __: Entity, target: Entity) -> Iterator[Bindings]:
    """A role, without an external id, and with each that its trust policy asks for: it is no secret."""
    if not isinstance(target, Role):
        return
    for value in ("", *asked_for(target.trust, "sts:externalid")):
        yield {**_of_role(target), "external": value}


def _profiles(surface: Surface, target: Entity) -> list[InstanceProfile]:
    if not isinstance(target, Role):
        return []
    found = surface.state.find(PROFILES_OF_ROLE, scoped(target.account, target.key))
    return sorted((one for one in found if isinstance(one, InstanceProfile)), key=lambda one: one.arn)


def _profile(surface: Surface, source: Entity, target: Entity) -> Iterator[Bindings]:
    for profile in _profiles(surface, target):
        for launch in _launches(surface, source):
            yield {**_of_role(target), **launch, "profile": profile.arn}


def _without_profile(surface: Surface, source: Entity, target: Entity) -> Iterator[Bindings]:
    if isinstance(target, Role) and not _profiles(surface, target):
        for launch in _launches(surface, source):
            yield {**_of_role(target), **launch}


def _launches(surface: Surface, source: Entity) -> list[dict[str, str]]:
    """What instances are launched with: anything, or what the policies of who launches them ask for."""
    anything = {"image": "ami-12345678", **dict.fromkeys(_ASKED_FOR, "")}
    found: dict[str, str] = {}
    for pattern in patterns_for(surface.state, source, "ec2:RunInstances"):
        kind, _, name = pattern.rsplit(":", 1)[-1].partition("/")
        if kind in ("image", *_ASKED_FOR) and name.strip("*?"):
            found.setdefault(kind, re.sub("[*?]", "0", name))
    return [anything, {**anything, **found}] if found else [anything]


def _instance_and_profile(*, bare: bool) -> Binder:
    def binder(surface: Surface, _: Entity, target: Entity) -> Iterator[Bindings]:
        profiles = _profiles(surface, target)
        if not profiles:
            return
        running = [one for one in surface.state.table(Instance, target.account).values() if one.state == "running"]
        for instance in sorted(running, key=lambda one: one.id)[:_INSTANCES]:
            held = association_of(surface.state, instance)
            if (held is None) is not bare:
                continue
            association = "" if held is None else held.id
            for profile in profiles:
                worn = {"instance": instance.id, "association": association, "profile": profile.arn}
                yield {**_of_role(target), **worn, "region": instance.region}

    return binder


def _named(surface: Surface, source: Entity, target: Entity) -> Iterator[Bindings]:
    """A role, and names for what is created with it: any, and those that policies of who creates it ask for."""
    if not isinstance(target, Role):
        return
    for name in names(surface, source):
        event = f"arn:aws:sqs:{surface.region}:{target.account}:{NAME}"
        machine = f"arn:aws:states:{surface.region}:{target.account}:stateMachine:{name}"
        yield {**_of_role(target), "name": name, "family": f"{name}:1", "source": event, "machine": machine}


def names(surface: Surface, source: Entity) -> list[str]:
    """Names that what `source` creates can have: the last parts of the resources that its policies name."""
    found = {NAME: None}
    for action in _CREATING:
        for pattern in patterns_for(surface.state, source, action):
            fields = re.split("[:/]", pattern.split(":", 5)[-1])
            name = re.sub(r"\$\{[^}]*\}|[*?]", "x", fields[1]) if len(fields) > 1 else ""
            if name.strip("x"):
                found[name] = None
    return list(found)[:_NAMES]


def _worn(kind: str) -> Binder:
    def binder(surface: Surface, _: Entity, target: Entity) -> Iterator[Bindings]:
        for worn in surface.by_wearer.get((kind, target.arn), ()):
            yield {**_of(target), "arn": worn.arn, "id": worn.id, "instance": worn.id, "region": worn.region}

    return binder


def _only(kind: type[Entity], *, bound: bool = False) -> Binder:
    def binder(surface: Surface, source: Entity, target: Entity) -> Iterable[Bindings]:
        if not isinstance(target, kind) or (bound and not target.boundary):
            return ()
        return ({**_of(target)},)

    return binder


def _denies(text: str) -> bool:
    return any(not statement.allows for statement in statements_of(text, PolicyKind.IDENTITY))


def _denying_inline(kind: type[Entity]) -> Binder:
    def binder(_: Surface, __: Entity, target: Entity) -> Iterator[Bindings]:
        if isinstance(target, kind):
            for name, text in target.inline.items():
                if _denies(text):
                    yield {**_of(target), "policy_name": name}

    return binder


def _denying_policy(kind: type[Entity]) -> Binder:
    def binder(surface: Surface, _: Entity, target: Entity) -> Iterator[Bindings]:
        if isinstance(target, kind):
            for arn in target.attached:
                if _denies(managed_document(surface.state, target.account, arn) or ""):
                    yield {**_of(target), "policy": arn}

    return binder


def _groups(*, own: bool) -> Binder:
    def binder(surface: Surface, _: Entity, target: Entity) -> Iterator[Bindings]:
        if isinstance(target, User):
            for key, group in sorted(surface.state.table(Group, target.account).items()):
                if (key in target.groups) is own:
                    yield {**_of(target), "group": group.name}

    return binder


def _policies(surface: Surface, target: Entity) -> Iterator[Policy]:
    """The customer managed policies that `target` has, its groups' too, and its boundary."""
    arns = {attached.arn: None for attached in identity_policies(surface.state, target) if attached.arn}
    for arn in (*arns, target.boundary):
        found = entity_by_arn(surface.state, Policy, arn, target.account) if arn else None
        if found is not None:
            yield found


def _versions(*, room: bool) -> Binder:
    def binder(surface: Surface, _: Entity, target: Entity) -> Iterator[Bindings]:
        for policy in _policies(surface, target):
            if (len(policy.versions) < _VERSIONS) is room:
                oldest = min(one.number for one in policy.versions if one.number != policy.default or room)
                yield {**_of(target), "policy": policy.arn, "version": f"v{oldest}"}

    return binder


def _other_version(surface: Surface, _: Entity, target: Entity) -> Iterator[Bindings]:
    for policy in _policies(surface, target):
        for version in policy.versions:
            if version.number != policy.default:
                yield {**_of(target), "policy": policy.arn, "version": f"v{version.number}"}


BINDERS: Final[Mapping[str, Binder]] = {
    "trusted-role": _trusted_role,
    "user-with-room": _with_room,
    "user-without-room": _without_room,
    "user-with-password": _password(there=True),
    "user-without-password": _password(there=False),
    "role": _any_role,
    "role-without-profile": _without_profile,
    "named-role": _named,
    "profile": _profile,
    "bare-instance-and-profile": _instance_and_profile(bare=True),
    "instance-and-profile": _instance_and_profile(bare=False),
    "instance": _worn("ec2:instance"),
    **{kind: _worn(kind) for kind in ("lambda:function", "cloudformation:stack", "codebuild:project",
                                      "sagemaker:notebook-instance")},
    "user": _only(User),
    "bound-user": _only(User, bound=True),
    "bound-role": _only(Role, bound=True),
    "user-with-denying-inline": _denying_inline(User),
    "role-with-denying-inline": _denying_inline(Role),
    "user-with-denying-policy": _denying_policy(User),
    "role-with-denying-policy": _denying_policy(Role),
    "own-group": _groups(own=True),
    "other-group": _groups(own=False),
    "policy-with-room": _versions(room=True),
    "policy-without-room": _versions(room=False),
    "policy-version": _other_version,
}  # fmt: skip
