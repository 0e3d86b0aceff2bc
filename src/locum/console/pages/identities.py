"""What roles, users and groups have in common: the calls of IAM for their policies."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from locum.console.aws import Answer, Aws, CallFailed, Listed, attempt
from locum.console.pages.forms import change
from locum.console.person import Person, View, url


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of identity: its word in IAM's operations (`get_role`), and the folder of its pages."""

    word: str
    folder: str

    @property
    def parameter(self) -> str:
        """The parameter that names one: RoleName."""
        return f"{self.word.capitalize()}Name"

    def of(self, name: str) -> dict[str, Any]:
        """The parameter with a name."""
        return {self.parameter: name}


ROLE: Final = Kind("role", "roles")
USER: Final = Kind("user", "users")
GROUP: Final = Kind("group", "groups")
Holding = tuple[str, str, str, str]
"""Something that an identity has: its list, the member there, what names one there and in the call that takes it away,
and that call."""

_OF_AWS: Final = 2_000
"""AWS's own managed policies are some 1,500."""


@dataclass(frozen=True, slots=True)
class Held:
    """The policies of an identity: the attached ones, and the inline ones with their documents."""

    attached: Answer[Listed]
    inline: Answer[list[dict[str, Any]]]


async def policies_of(aws: Aws, kind: Kind, name: str) -> Held:
    """The policies of the identity `name`."""
    attached, inline = await asyncio.gather(
        attempt(aws.listed("iam", f"list_attached_{kind.word}_policies", "AttachedPolicies", **kind.of(name))),
        attempt(_inline(aws, kind, name)),
    )
    return Held(attached, inline)


async def _inline(aws: Aws, kind: Kind, name: str) -> list[dict[str, Any]]:
    names = await aws.listed("iam", f"list_{kind.word}_policies", "PolicyNames", **kind.of(name))
    found = (aws.call("iam", f"get_{kind.word}_policy", **kind.of(name), PolicyName=policy) for policy in names)
    return list(await asyncio.gather(*found))


async def part(aws: Aws, kind: Kind, name: str, held: Sequence[Holding] = ()) -> None:
    """Take from an identity what keeps it from being deleted: `held`, and then its policies. Raises CallFailed."""
    policies = (
        (f"list_attached_{kind.word}_policies", "AttachedPolicies", "PolicyArn", f"detach_{kind.word}_policy"),
        (f"list_{kind.word}_policies", "PolicyNames", "PolicyName", f"delete_{kind.word}_policy"),
    )
    for list_of, member, key, taking in (*held, *policies):
        for one in await aws.listed("iam", list_of, member, **kind.of(name)):
            value = one if isinstance(one, str) else one[key]
            await aws.change("iam", taking, **kind.of(name), **{key: value})


async def policy_options(person: Person) -> Response:
    """The managed policies that there are to attach and have a text in their name, the account's own first."""
    own, of_aws = await asyncio.gather(
        person.aws.listed("iam", "list_policies", "Policies", Scope="Local"),
        person.aws.listed("iam", "list_policies", "Policies", most=_OF_AWS, Scope="AWS"),
    )
    like = person.query("like").lower()
    return person.part(
        "policy_options.html", policies=[it for it in (*own, *of_aws) if like in it["PolicyName"].lower()]
    )


def routes(kind: Kind) -> tuple[tuple[str, str, View], ...]:
    """The paths of the changes that all pages of a kind offer."""

    def page(person: Person) -> str:
        return url(kind.folder, person.path["name"])

    def changing(operation: str, text: str, **members: str) -> View:
        return change("iam", operation, text, page, **{kind.parameter: "name"}, **members)

    word, path = kind.word, f"{url(kind.folder)}/{{name}}"
    both = (
        ("POST", f"{path}/attach", _attach(kind)),
        ("POST", f"{path}/detach", changing(f"detach_{word}_policy", "The policy is detached.", PolicyArn="arn")),
        ("POST", f"{path}/inline", _put_inline(kind)),
        ("POST", f"{path}/inline/delete",
         changing(f"delete_{word}_policy", "The inline policy is deleted.", PolicyName="policy")),
    )  # fmt: skip
    if kind is GROUP:
        return both
    boundary = f"{word}_permissions_boundary"
    return (
        *both,
        ("POST", f"{path}/boundary",
         changing(f"put_{boundary}", "The boundary is set.", PermissionsBoundary="arn")),
        ("POST", f"{path}/boundary/delete", changing(f"delete_{boundary}", "The boundary is removed.")),
    )  # fmt: skip


def _attach(kind: Kind) -> View:
    async def attach(person: Person) -> Response:
        """Attach managed policies."""
        name = person.path["name"]
        try:
            for arn in person.fields("arn"):
                await person.aws.change("iam", f"attach_{kind.word}_policy", **kind.of(name), PolicyArn=arn)
        except CallFailed as failed:
            return person.failed(failed, url(kind.folder, name))
        return person.done("The policy is attached.", url(kind.folder, name))

    return attach


def _put_inline(kind: Kind) -> View:
    async def put(person: Person) -> Response:
        """Put an inline policy. Where it is refused, the page has what was typed."""
        name, policy, document = person.path["name"], person.field("policy"), person.field("document")
        given = {**kind.of(name), "PolicyName": policy, "PolicyDocument": document}
        try:
            await person.aws.change("iam", f"put_{kind.word}_policy", **given)
        except CallFailed as failed:
            again = {"action": person.request.url.path, "fields": {"policy": policy}, "name": "document"}
            back = url(kind.folder, name)
            return person.page("refused_policy.html", 400, failed=failed, text=document, back=back, again=again,
                               type="IDENTITY_POLICY")  # fmt: skip
        return person.done(f"The policy {policy} is in force with the next call.", url(kind.folder, name))

    return put


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (("GET", url("policy-options"), policy_options),)
