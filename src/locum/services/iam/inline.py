"""Operations on inline policies of users, groups and roles."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from locum.policy import PolicyKind, significant_length
from locum.services.iam import documents
from locum.services.iam.faults import limit_exceeded, no_such_entity
from locum.services.iam.kinds import Identity, Kind
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import put

I = TypeVar("I", bound=Identity)  # noqa: E741 - an identity


def operations(kind: Kind[I]) -> dict[str, Operation]:
    """Make Put...Policy, Get...Policy, List...Policies and Delete...Policy for one kind of identity."""

    def put_policy(context: Context, params: Params) -> Outcome:
        entity = kind.to_change(context, params)
        document = documents.check(params["PolicyDocument"], PolicyKind.IDENTITY)
        inline = {**entity.inline, params["PolicyName"]: document}
        if sum(map(significant_length, inline.values())) > kind.inline_size:
            raise limit_exceeded(
                f"Maximum policy size of {kind.inline_size} bytes exceeded for {kind.label} {entity.name}"
            )
        return Outcome({}, (put(replace(entity, inline=inline)),))

    def get_policy(context: Context, params: Params) -> Outcome:
        entity = kind.of(context, params)
        name = params["PolicyName"]
        document = documents.encoded(_document(kind, entity, name))
        return Outcome({kind.param: entity.name, "PolicyName": name, "PolicyDocument": document})

    def list_policies(context: Context, params: Params) -> Outcome:
        return page(params, kind.of(context, params).inline, str).outcome("PolicyNames", str)

    def delete_policy(context: Context, params: Params) -> Outcome:
        entity = kind.to_change(context, params)
        _document(kind, entity, params["PolicyName"])
        inline = {name: text for name, text in entity.inline.items() if name != params["PolicyName"]}
        return Outcome({}, (put(replace(entity, inline=inline)),))

    return {
        f"Put{kind.noun}Policy": writes(put_policy),
        f"Get{kind.noun}Policy": reads(get_policy),
        f"List{kind.noun}Policies": reads(list_policies),
        f"Delete{kind.noun}Policy": writes(delete_policy),
    }


def _document(kind: Kind[I], entity: I, name: str) -> str:
    document = entity.inline.get(name)
    if document is None:
        raise no_such_entity(f"The {kind.label} policy with name {name} cannot be found.")
    return document
