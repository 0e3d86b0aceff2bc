"""The details of an account: the output of `aws iam get-account-authorization-details`, in one file or more.

A file has a page, or several one after another or in a list. Beyond AWS's members it may have what other commands tell,
as `locum export` writes it: `Description` and `MaxSessionDuration` of roles, `Description` and `Tags` of policies,
`InstanceProfileList` with the profiles that no role has, `OpenIDConnectProviderList` with what `aws iam
get-open-id-connect-provider` tells of each, whose output may also stand alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple, TypeVar

from locum.cli.accounts.documents import decoded, renamed, renamed_text
from locum.cli.accounts.model import Account, Document, Entity, Group, OidcProvider, Policy, Profile, Role, Tags, User
from locum.cli.accounts.values import DEEPEST, Place, is_deep
from locum.core.arn import Arn
from locum.core.errors import ConfigurationError

E = TypeVar("E", bound=Entity)
_PROVIDERS: Final = "OpenIDConnectProviderList"
LISTS: Final = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies", "InstanceProfileList", _PROVIDERS)
LARGEST: Final = 256 << 20
"""Octets of a file: some ten times what the largest account has."""

_AWS: Final = "aws"
_NEXT: Final = re.compile(r"[^ \t\r\n]")


class Page(NamedTuple):
    """A JSON object of a file."""

    place: Place

    @property
    def goes_on(self) -> bool:
        """Whether the list goes on in another page."""
        return bool(self.place.value.get("IsTruncated") or self.place.value.get("NextToken"))


def pages(name: str, text: str) -> list[Page]:
    """The pages in the text of the file `name`. Raises ConfigurationError where they are none."""
    found = [Page(Place(value, where)) for value, where in _objects(name, text)]
    for page in found:
        if not page.place.value.keys() & {*LISTS, "Url"}:
            name = page.place.where.removesuffix(": ")
            raise ConfigurationError(
                f"{name} is no output of `aws iam get-account-authorization-details`: it has none of {', '.join(LISTS)}"
            )
    return found


def _objects(name: str, text: str) -> Iterator[tuple[dict[str, Any], str]]:
    values = [inner for value in _values(name, text) for inner in (value if isinstance(value, list) else [value])]
    for number, value in enumerate(values, 1):
        where = name if len(values) == 1 else f"{name} (page {number})"
        if not isinstance(value, dict):
            raise ConfigurationError(f"{where} is not a JSON object")
        if is_deep(value):
            raise ConfigurationError(f"{where} is nested deeper than {DEEPEST} levels")
        yield value, f"{where}: "
    if not values:
        raise ConfigurationError(f"{name} is empty")


def _values(name: str, text: str) -> Iterator[Any]:
    decoder, at = json.JSONDecoder(parse_constant=_no_number), 0
    while start := _NEXT.search(text, at):
        try:
            value, at = decoder.raw_decode(text, start.start())
            json.dumps(value, ensure_ascii=False).encode()
        except RecursionError as error:
            raise ConfigurationError(f"{name} is nested deeper than {DEEPEST} levels") from error
        except UnicodeEncodeError as error:
            raise ConfigurationError(f"{name} has half a character (a lone surrogate)") from error
        except json.JSONDecodeError as error:
            raise ConfigurationError(f"{name}:{error.lineno}:{error.colno}: no JSON: {error.msg}") from error
        except ValueError as error:
            raise ConfigurationError(f"{name} is no JSON: {error}") from error
        yield value


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


# -- the account -------------------------------------------------------------------------------------------


def account(found: Iterable[Page]) -> Account:
    """The account that the pages tell of, together. Raises ConfigurationError where they do not fit."""
    places = [page.place for page in found]
    owners: dict[str, str] = {}
    read = _Reading(owners)
    profiles = _unique(read.profile(one) for place in places for one in _profiles(place))
    listed = [(place, Arn.find(place.text("Arn"))) for outer in places for place in outer.objects("Policies")]
    of_aws = [place for place, arn in listed if arn is not None and arn.account == _AWS]
    providers = (one for place in places for one in ([place] if "Url" in place.value else place.objects(_PROVIDERS)))
    result = Account(
        providers=_unique(_provider(place) for place in providers),
        policies=_unique(read.policy(place) for place, arn in listed if arn is None or arn.account != _AWS),
        groups=_unique(read.group(one) for place in places for one in place.objects("GroupDetailList")),
        users=_unique(read.user(one) for place in places for one in place.objects("UserDetailList")),
        roles=_unique(read.role(one) for place in places for one in place.objects("RoleDetailList")),
        profiles=profiles,
        aws_versions={one.text("Arn"): one.text("DefaultVersionId") for one in of_aws},
    )
    if len(owners) > 1:
        told = "; ".join(f"{id_} at {where}" for id_, where in sorted(owners.items()))
        raise ConfigurationError(f"this is of several accounts: {told}. Import one after the other")
    return replace(result, id=next(iter(owners), ""))


def _profiles(place: Place) -> Iterator[Place]:
    yield from place.objects("InstanceProfileList")  # first: what it has is more
    for role in place.objects("RoleDetailList"):
        yield from role.objects("InstanceProfileList")


def _unique(found: Iterable[tuple[Place, E]]) -> dict[str, E]:
    """The entities by name. One that is told of twice is told the same, or the second time in part."""
    kept: dict[str, E] = {}
    for place, entity in found:
        before = kept.setdefault(entity.name.lower(), entity)
        if before != entity and not (isinstance(before, Profile) and _says_less(entity, before)):
            raise ConfigurationError(f"{place.where} tells of {entity.name} otherwise than an earlier place")
    return kept


def _says_less(profile: Entity, before: Profile) -> bool:
    return isinstance(profile, Profile) and replace(profile, tags=before.tags) == before


class _Reading:
    """Makes entities of JSON objects. `owners` gets the accounts of their ARNs, and where each was first seen."""

    def __init__(self, owners: dict[str, str]) -> None:
        self._owners = owners

    def policy(self, place: Place) -> tuple[Place, Policy]:
        versions = {one.text("VersionId"): _document(one, "Document") for one in place.objects("PolicyVersionList")}
        default = place.text("DefaultVersionId")
        if default not in versions:
            raise place.error("PolicyVersionList", f"has not the default version, {default}")
        try:
            in_order = dict(sorted(versions.items(), key=lambda item: int(item[0].removeprefix("v"))))
        except ValueError as error:
            raise place.error("PolicyVersionList", "has an id that is not like v1") from error
        return place, Policy(
            **self._named(place, "Policy"),
            versions=in_order,
            default=default,
            description=place.optional("Description"),
            tags=_tags(place),
        )

    def group(self, place: Place) -> tuple[Place, Group]:
        return place, Group(**self._named(place, "Group"), **_policies(place, "Group"))

    def user(self, place: Place) -> tuple[Place, User]:
        return place, User(
            **self._named(place, "User"),
            **_policies(place, "User"),
            groups=place.texts("GroupList"),
            boundary=_boundary(place),
            tags=_tags(place) or {},
        )

    def role(self, place: Place) -> tuple[Place, Role]:
        return place, Role(
            **self._named(place, "Role"),
            **_policies(place, "Role"),
            trust=_document(place, "AssumeRolePolicyDocument"),
            boundary=_boundary(place),
            tags=_tags(place) or {},
            description=place.optional("Description"),
            max_session=place.number("MaxSessionDuration"),
        )

    def profile(self, place: Place) -> tuple[Place, Profile]:
        roles = tuple(role.text("RoleName") for role in place.objects("Roles"))
        return place, Profile(**self._named(place, "InstanceProfile"), roles=roles, tags=_tags(place))

    def _named(self, place: Place, noun: str) -> dict[str, Any]:
        arn = Arn.find(place.text("Arn"))
        if arn is None or arn.service != "iam" or len(arn.account) != 12 or not arn.account.isdecimal():
            raise place.error("Arn", "is no ARN of IAM in an account")
        self._owners.setdefault(arn.account, place.where)
        return {"name": place.text(f"{noun}Name"), "path": place.optional("Path") or "/"}


def _provider(place: Place) -> tuple[Place, OidcProvider]:
    known: dict[str, Any] = {"client_ids": place.texts("ClientIDList"), "thumbprints": place.texts("ThumbprintList")}
    return place, OidcProvider(name=place.text("Url").removeprefix("https://"), **known, tags=_tags(place))


def _document(place: Place, member: str) -> Document:
    try:
        return decoded(place.value.get(member))
    except ValueError as error:
        raise place.error(member, f"is no policy document: {error}") from error


def _policies(place: Place, noun: str) -> dict[str, Any]:
    listed = place.objects(f"{noun}PolicyList")
    attached = (one.text("PolicyArn") for one in place.objects("AttachedManagedPolicies"))
    return {
        "inline": {one.text("PolicyName"): _document(one, "PolicyDocument") for one in listed},
        "attached": tuple(attached),
    }


def _boundary(place: Place) -> str:
    inner = place.inner("PermissionsBoundary")
    return "" if inner is None else inner.text("PermissionsBoundaryArn")


def _tags(place: Place) -> Tags | None:
    if "Tags" not in place.value:
        return None
    return {one.text("Key"): one.optional("Value") or "" for one in place.objects("Tags")}


# -- of another account --------------------------------------------------------------------------------------


def renamed_account(found: Account, accounts: Mapping[str, str], own: str) -> Account:
    """`found` as the account `own`, with accounts renamed in documents and in the ARNs of policies."""

    def policies(one: Any) -> dict[str, Any]:
        attached = tuple(renamed_text(arn, accounts) for arn in one.attached)
        return {"inline": renamed(one.inline, accounts), "attached": attached}

    def bounded(one: Any) -> dict[str, Any]:
        return {**policies(one), "boundary": renamed_text(one.boundary, accounts)}

    return replace(
        found,
        id=own,
        policies={k: replace(one, versions=renamed(one.versions, accounts)) for k, one in found.policies.items()},
        groups={key: replace(one, **policies(one)) for key, one in found.groups.items()},
        users={key: replace(one, **bounded(one)) for key, one in found.users.items()},
        roles={
            key: replace(one, **bounded(one), trust=renamed(one.trust, accounts)) for key, one in found.roles.items()
        },
        aws_versions={renamed_text(arn, accounts): version for arn, version in found.aws_versions.items()},
    )
