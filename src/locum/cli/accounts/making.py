"""The calls that make an entity which is not there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from locum.cli.accounts.documents import encoded, principals, without_principals
from locum.cli.accounts.model import Account, Group, Identity, OidcProvider, Policy, Profile, Role, Tags, User
from locum.cli.accounts.work import Outcome, Step, Work
from locum.core.arn import iam_arn
from locum.state.service_linked_roles import PATH, linked_service

_HIGHEST: Final = 200
"""The highest version that is numbered as it was: the ones before it are made and deleted."""
_RESERVED: Final = ("/aws-reserved/", PATH)
_OWN: Final = "aws:"


def tag_list(tags: Tags) -> list[dict[str, str]]:
    """Tags as calls take them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def own_tags(tags: Tags | None, left: list[str]) -> Tags:
    """Tags but those of AWS, which no call makes: `left` is told."""
    reserved = sorted(key for key in tags or {} if key.lower().startswith(_OWN))
    if reserved:
        left.append(f"tags that AWS keeps for itself: {', '.join(reserved)}")
    return {key: value for key, value in (tags or {}).items() if key not in reserved}


def is_service_linked(role: Role) -> bool:
    """Whether only a service may change the role."""
    return role.path.startswith(PATH)


def attach(noun: str, name: str, arn: str) -> Step:
    """Attach a managed policy."""
    return Step(f"attach_{noun}_policy", {f"{noun.title()}Name": name, "PolicyArn": arn}, f"attach {arn}")


def put(noun: str, name: str, policy: str, document: Any) -> Step:
    """Put an inline policy."""
    params = {f"{noun.title()}Name": name, "PolicyName": policy, "PolicyDocument": encoded(document)}
    return Step(f"put_{noun}_policy", params, f"put the inline policy {policy}")


def _policies(noun: str, one: Identity) -> Iterator[Step]:
    yield from (put(noun, one.name, policy, document) for policy, document in one.inline.items())
    yield from (attach(noun, one.name, arn) for arn in one.attached)


def _created(noun: str, params: Mapping[str, Any], text: str = "create it", trust: str = "") -> Step:
    given = {name: value for name, value in params.items() if value not in ("", None, [])}
    return Step(f"create_{noun}", given, text, vital=True, trust=trust)


def group(one: Group, _wanted: Account) -> Work:
    """Make a group."""
    create = _created("group", {"GroupName": one.name, "Path": one.path})
    return Work("group", one.name, Outcome.MADE, (create, *_policies("group", one)))


def join(user: str, group_name: str) -> Step:
    """Add a user to a group."""
    return Step("add_user_to_group", {"UserName": user, "GroupName": group_name}, f"add it to the group {group_name}")


def user(one: User, _wanted: Account) -> Work:
    """Make a user."""
    work = Work("user", one.name, Outcome.MADE)
    tags = tag_list(own_tags(one.tags, work.left))
    params = {"UserName": one.name, "Path": one.path, "PermissionsBoundary": one.boundary, "Tags": tags}
    joined = (join(one.name, name) for name in one.groups)
    work.steps = (_created("user", params), *joined, *_policies("user", one))
    return work


# -- roles -------------------------------------------------------------------------------------------------


def role(one: Role, wanted: Account) -> Work:
    """Make a role. Where its trust policy names roles that are made with it, it gets all of it when those are there."""
    if is_service_linked(one):
        return _service_linked(one)
    work = Work("role", one.name, Outcome.MADE)
    made_too = {iam_arn(wanted.id, "role", other.path, other.name) for other in wanted.roles.values()}
    later = made_too & set(principals(one.trust))
    params = {
        "RoleName": one.name,
        "Path": one.path,
        "AssumeRolePolicyDocument": encoded(without_principals(one.trust, later) if later else one.trust),
        "Description": one.description,
        "MaxSessionDuration": one.max_session,
        "PermissionsBoundary": one.boundary,
        "Tags": tag_list(own_tags(one.tags, work.left)),
    }
    work.steps = (_created("role", params, trust="AssumeRolePolicyDocument"), *_policies("role", one))
    work.later = (trusted(one),) if later else ()
    return work


def trusted(one: Role) -> Step:
    """Give a role its trust policy."""
    params = {"RoleName": one.name, "PolicyDocument": encoded(one.trust)}
    return Step("update_assume_role_policy", params, "set its trust policy", trust="PolicyDocument")


def service_of(one: Role) -> str:
    """The service whose service-linked role it is."""
    return one.path.removeprefix(PATH).strip("/")


def suffix_of(one: Role) -> str | None:
    """The CustomSuffix in the name of a service-linked role; None where its service makes none of that name."""
    service = linked_service(service_of(one))
    if service is None or not (one.name == service.role or one.name.startswith(f"{service.role}_")):
        return None
    return one.name[len(service.role) + 1 :]


def _service_linked(one: Role) -> Work:
    """The service makes its role, with the policies that it has now."""
    service, suffix = service_of(one), suffix_of(one)
    if suffix is None:
        failures = [f"it is service-linked, and {service or 'its service'} makes no role of that name here"]
        return Work("role", one.name, Outcome.FAILED, failures=failures)
    params = {"AWSServiceName": service, "Description": one.description, "CustomSuffix": suffix}
    return Work("role", one.name, Outcome.MADE, (_created("service_linked_role", params, "have its service make it"),))


# -- instance profiles and policies ------------------------------------------------------------------------


def hold(profile_name: str, role_name: str) -> Step:
    """Put a role into an instance profile."""
    params = {"InstanceProfileName": profile_name, "RoleName": role_name}
    return Step("add_role_to_instance_profile", params, f"put the role {role_name} into it")


def profile(one: Profile, _wanted: Account) -> Work:
    """Make an instance profile."""
    work = Work("instance profile", one.name, Outcome.MADE)
    tags = tag_list(own_tags(one.tags, work.left))
    create = _created("instance_profile", {"InstanceProfileName": one.name, "Path": one.path, "Tags": tags})
    work.steps = (create, *(hold(one.name, name) for name in one.roles))
    return work


def version(arn: str, document: Any, *, default: bool = False) -> Step:
    """Make a version of a policy."""
    params = {"PolicyArn": arn, "PolicyDocument": encoded(document), "SetAsDefault": default}
    return Step("create_policy_version", params, "make a version of it", vital=True)


def delete_version(arn: str, number: str) -> Step:
    """Delete a version of a policy."""
    return Step("delete_policy_version", {"PolicyArn": arn, "VersionId": number}, f"delete its {number}", vital=True)


def policy(one: Policy, wanted: Account) -> Work:
    """Make a managed policy with its versions, which get the numbers that they had.

    A number that has no version any more is that of one with the default document, which is deleted again.
    """
    work = Work("policy", one.name, Outcome.MADE)
    arn = iam_arn(wanted.id, "policy", one.path, one.name)
    numbered = _numbered(one)
    default = next(number for number, (id_, _) in numbered.items() if id_ == one.default)
    params = {"PolicyName": one.name, "Path": one.path, "Description": one.description}
    first = numbered.get(1, ("", one.document))[1]
    tags = tag_list(own_tags(one.tags, work.left))
    steps = [_created("policy", {**params, "PolicyDocument": encoded(first), "Tags": tags})]
    lowest = min(numbered)
    for number in range(2, max(numbered) + 1):
        document = numbered.get(number, ("", one.document))[1]
        steps.append(version(arn, document, default=number in (default, lowest)))
        unused = number if number not in numbered else 1 if number == lowest else 0
        if unused:
            steps.append(delete_version(arn, f"v{unused}"))
    work.steps = tuple(steps)
    work.undo = _undone(arn, max(numbered))
    return work


def _numbered(one: Policy) -> dict[int, tuple[str, Any]]:
    """The versions by the numbers that they get: their own, unless those are too high."""
    numbers = [int(id_.removeprefix("v")) for id_ in one.versions]
    if numbers[0] < 1 or numbers[-1] > _HIGHEST or len(set(numbers)) < len(numbers):
        numbers = list(range(1, len(numbers) + 1))
    return dict(zip(numbers, one.versions.items(), strict=True))


def _undone(arn: str, highest: int) -> tuple[Step, ...]:
    """Delete a policy of which not all could be made."""
    back = Step("set_default_policy_version", {"PolicyArn": arn, "VersionId": "v1"}, "")
    versions = (delete_version(arn, f"v{number}") for number in range(2, highest + 1))
    return (back, *versions, Step("delete_policy", {"PolicyArn": arn}, "delete it"))


def provider(one: OidcProvider, _wanted: Account) -> Work:
    """Make an OpenID Connect provider."""
    work = Work("OpenID Connect provider", one.name, Outcome.MADE)
    params = {
        "Url": f"https://{one.name}",
        "ClientIDList": list(one.client_ids),
        "ThumbprintList": list(one.thumbprints),
        "Tags": tag_list(own_tags(one.tags, work.left)),
    }
    work.steps = (_created("open_id_connect_provider", params),)
    return work


MAKERS: Final[Mapping[str, Callable[[Any, Account], Work]]] = {
    "providers": provider,
    "policies": policy,
    "groups": group,
    "users": user,
    "roles": role,
    "profiles": profile,
}
"""How the kinds of an account are made, by the names of their members, in the order in which they need one another."""
