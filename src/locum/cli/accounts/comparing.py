"""What of an entity is otherwise than it should be, and the calls that bring it in line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from locum.cli.accounts import making
from locum.cli.accounts.documents import principals, same, without_principals
from locum.cli.accounts.model import Account, Entity, Group, Identity, OidcProvider, Policy, Profile, Role, Tags, User
from locum.cli.accounts.work import Outcome, Step, Work
from locum.core.arn import Arn, iam_arn
from locum.state.service_principals import is_service_principal

_MOST_VERSIONS: Final = 5
"""IAM User Guide, "IAM and AWS STS quotas": "Versions of a managed policy that can be stored"."""


_UNIQUE_ID: Final = re.compile(r"A(?:ID|RO)A[A-Z0-9]{12,124}")


class Here(NamedTuple):
    """The account that gets the entities: its id, and the ARNs of the users and roles that it has or will have."""

    id: str
    arns: frozenset[str]

    @classmethod
    def of(cls, *accounts: Account) -> Here:
        """The first of the accounts, which has what all have."""
        account = accounts[0].id
        users = (iam_arn(account, "user", one.path, one.name) for told in accounts for one in told.users.values())
        roles = (iam_arn(account, "role", one.path, one.name) for told in accounts for one in told.roles.values())
        return cls(account, frozenset((*users, *roles)))

    def lacks(self, principal: str) -> bool:
        """Whether there is no such user, role or service, as far as this account can tell."""
        if _UNIQUE_ID.fullmatch(principal):
            return True
        arn = Arn.find(principal)
        if arn is not None:
            return arn.service == "iam" and arn.resource.startswith(("user/", "role/")) and principal not in self.arns
        return principal.endswith(".amazonaws.com") and not is_service_principal(principal)


class Difference(NamedTuple):
    """What differs, and the calls that change it; with none it cannot be changed."""

    text: str
    steps: tuple[Step, ...] = ()


def compared(kind: str, wanted: Entity, present: Entity, here: Here, *, change: bool) -> Work:
    """What is to be done about an entity that is there: brought in line with what is wanted, or only told of."""
    work = Work(_NOUNS[kind], present.name, Outcome.KEPT)
    for difference in _COMPARERS[kind](_spelled(wanted, present), present, here, work.left):
        if change and difference.steps:
            work.steps += difference.steps
        else:
            work.differences.append(difference.text)
    if work.differences:
        work.outcome = Outcome.DIFFERS
    elif work.steps:
        work.outcome = Outcome.CHANGED
    return work


def _spelled(wanted: Entity, present: Entity) -> Entity:
    """`wanted` by the name that the plane has, which may differ in case."""
    return replace(wanted, name=present.name)


def _items(noun: str, wanted: Identity, present: Identity) -> Iterator[Difference]:
    """Inline and attached policies."""
    name, member = wanted.name, f"{noun.title()}Name"
    for policy, document in wanted.inline.items():
        if policy not in present.inline or not same(document, present.inline[policy]):
            yield Difference(f"the inline policy {policy}", (making.put(noun, name, policy, document),))
    for policy in present.inline.keys() - wanted.inline.keys():
        gone = {member: name, "PolicyName": policy}
        step = Step(f"delete_{noun}_policy", gone, f"delete the inline policy {policy}")
        yield Difference(f"the inline policy {policy}, which is not in the file", (step,))
    for arn in sorted(set(wanted.attached) - set(present.attached)):
        yield Difference(f"{arn} is not attached", (making.attach(noun, name, arn),))
    for arn in sorted(set(present.attached) - set(wanted.attached)):
        step = Step(f"detach_{noun}_policy", {member: name, "PolicyArn": arn}, f"detach {arn}")
        yield Difference(f"{arn} is attached, and not in the file", (step,))


def _tags(operation: str, thing: Mapping[str, str], wanted: Tags | None, present: Tags | None, left: list[str]
          ) -> Iterator[Difference]:  # fmt: skip
    """Tags, where it is known what they should be. `operation` is the end of the operations' names."""
    if wanted is None:
        return
    wanted, present = making.own_tags(wanted, left), present or {}
    if wanted == present:
        return
    gone = sorted(present.keys() - wanted.keys())
    set_ = {key: value for key, value in wanted.items() if present.get(key) != value}
    steps = [Step(f"untag_{operation}", {**thing, "TagKeys": gone}, "take tags off")] if gone else []
    if set_:
        steps.append(Step(f"tag_{operation}", {**thing, "Tags": making.tag_list(set_)}, "tag it"))
    yield Difference("the tags", tuple(steps))


def _boundary(noun: str, wanted: User | Role, present: User | Role) -> Iterator[Difference]:
    if wanted.boundary == present.boundary:
        return
    params = {f"{noun.title()}Name": wanted.name}
    if wanted.boundary:
        params["PermissionsBoundary"] = wanted.boundary
        # vital: without the boundary that it should have it gets no further permissions
        step = Step(f"put_{noun}_permissions_boundary", params, "set its permissions boundary", vital=True)
    else:
        step = Step(f"delete_{noun}_permissions_boundary", params, "take its permissions boundary off")
    yield Difference("the permissions boundary", (step,))


def _path(wanted: Entity, present: Entity, step: Step | None = None) -> Iterator[Difference]:
    if wanted.path != present.path:
        yield Difference(f"the path is {present.path}, not {wanted.path}", () if step is None else (step,))


def _group(wanted: Group, present: Group, _here: Here, _left: list[str]) -> Iterator[Difference]:
    params = {"GroupName": wanted.name, "NewPath": wanted.path}
    yield from _path(wanted, present, Step("update_group", params, "set its path"))
    yield from _items("group", wanted, present)


def _user(wanted: User, present: User, _here: Here, left: list[str]) -> Iterator[Difference]:
    params = {"UserName": wanted.name, "NewPath": wanted.path}
    yield from _path(wanted, present, Step("update_user", params, "set its path"))
    yield from _boundary("user", wanted, present)
    there, given = {one.lower() for one in present.groups}, {one.lower() for one in wanted.groups}
    for name in (one for one in wanted.groups if one.lower() not in there):
        yield Difference(f"it is not in the group {name}", (making.join(wanted.name, name),))
    for name in (one for one in present.groups if one.lower() not in given):
        member = {"UserName": wanted.name, "GroupName": name}
        step = Step("remove_user_from_group", member, f"take it out of the group {name}")
        yield Difference(f"it is in the group {name}, in the file not", (step,))
    yield from _items("user", wanted, present)
    yield from _tags("user", {"UserName": wanted.name}, wanted.tags, present.tags, left)


def _role(wanted: Role, present: Role, here: Here, left: list[str]) -> Iterator[Difference]:
    yield from _path(wanted, present)
    if making.is_service_linked(wanted):
        return  # the rest is its service's
    yield from _boundary("role", wanted, present)
    yield from _trust(wanted, present, here, left)
    for member, text in (("description", "Description"), ("max_session", "MaxSessionDuration")):
        value = getattr(wanted, member)
        if value is not None and value != (getattr(present, member) or ("" if member == "description" else 3600)):
            params = {"RoleName": wanted.name, text: value}
            yield Difference(text, (Step("update_role", params, f"set its {text}"),))
    yield from _items("role", wanted, present)
    yield from _tags("role", {"RoleName": wanted.name}, wanted.tags, present.tags, left)


def _trust(wanted: Role, present: Role, here: Here, left: list[str]) -> Iterator[Difference]:
    """The trust policy, which may lack those who do not exist here."""
    if same(wanted.trust, present.trust):
        return
    known = set(principals(present.trust))
    absent = {one for one in principals(wanted.trust) if one not in known and here.lacks(one)}
    if absent and same(without_principals(wanted.trust, absent), present.trust):
        left.extend(f"{one} in its trust policy, as it is not here" for one in sorted(absent))
    else:
        yield Difference("the trust policy", (making.trusted(wanted),))


def _profile(wanted: Profile, present: Profile, _here: Here, left: list[str]) -> Iterator[Difference]:
    yield from _path(wanted, present)
    thing = {"InstanceProfileName": wanted.name}
    if {one.lower() for one in wanted.roles} != {one.lower() for one in present.roles}:
        out = [
            Step("remove_role_from_instance_profile", {**thing, "RoleName": name}, f"take the role {name} out of it")
            for name in present.roles
        ]
        held = (making.hold(wanted.name, name) for name in wanted.roles)
        yield Difference(f"its role is {', '.join(present.roles) or 'none'}", (*out, *held))
    yield from _tags("instance_profile", thing, wanted.tags, present.tags, left)


def _provider(wanted: OidcProvider, present: OidcProvider, here: Here, left: list[str]) -> Iterator[Difference]:
    thing = {"OpenIDConnectProviderArn": iam_arn(here.id, "oidc-provider", "/", present.name)}
    for client_id in sorted(set(wanted.client_ids) - set(present.client_ids)):
        step = Step("add_client_id_to_open_id_connect_provider", {**thing, "ClientID": client_id}, "add a client id")
        yield Difference(f"it lacks the client id {client_id}", (step,))
    for client_id in sorted(set(present.client_ids) - set(wanted.client_ids)):
        gone = {**thing, "ClientID": client_id}
        step = Step("remove_client_id_from_open_id_connect_provider", gone, "take a client id away")
        yield Difference(f"it has the client id {client_id}, in the file not", (step,))
    if set(wanted.thumbprints) != set(present.thumbprints):
        params = {**thing, "ThumbprintList": list(wanted.thumbprints)}
        step = Step("update_open_id_connect_provider_thumbprint", params, "set its thumbprints")
        yield Difference("the thumbprints", (step,))
    yield from _tags("open_id_connect_provider", thing, wanted.tags, present.tags, left)


# -- managed policies --------------------------------------------------------------------------------------


def _policy(wanted: Policy, present: Policy, here: Here, left: list[str]) -> Iterator[Difference]:
    yield from _path(wanted, present)
    if wanted.description is not None and wanted.description != (present.description or ""):
        yield Difference("the description, which cannot be changed")
    arn = iam_arn(here.id, "policy", present.path, present.name)
    if not same(wanted.document, present.document) or not _alike(_others(wanted), _others(present)):
        yield Difference("the versions", tuple(_versions(arn, wanted, present)))
    yield from _tags("policy", {"PolicyArn": arn}, wanted.tags, present.tags, left)


def _others(one: Policy) -> list[Any]:
    """The documents of the versions beside the default one."""
    return [document for id_, document in one.versions.items() if id_ != one.default]


def _alike(some: Iterable[Any], others: Iterable[Any]) -> bool:
    """Whether both have the same documents, in whatever order."""
    left = list(others)
    for document in some:
        found = next((other for other in left if same(document, other)), None)
        if found is None:
            return False
        left.remove(found)
    return not left


def _versions(arn: str, wanted: Policy, present: Policy) -> Iterator[Step]:
    """Make the documents of a policy those that are wanted: the default one first, as it may be refused."""
    spare = [id_ for id_ in present.versions if id_ != present.default]
    if not same(wanted.document, present.document):
        if len(present.versions) >= _MOST_VERSIONS:
            yield making.delete_version(arn, spare.pop(0))
        yield making.version(arn, wanted.document, default=True)
        spare.append(present.default)
    yield from (making.delete_version(arn, id_) for id_ in spare)
    yield from (making.version(arn, document) for document in _others(wanted)[: _MOST_VERSIONS - 1])


_COMPARERS: Final[Mapping[str, Callable[[Any, Any, Here, list[str]], Iterator[Difference]]]] = {
    "providers": _provider,
    "policies": _policy,
    "groups": _group,
    "users": _user,
    "roles": _role,
    "profiles": _profile,
}
_NOUNS: Final = {
    "providers": "OpenID Connect provider",
    "policies": "policy",
    "groups": "group",
    "users": "user",
    "roles": "role",
    "profiles": "instance profile",
}
