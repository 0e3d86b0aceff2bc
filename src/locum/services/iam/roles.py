"""Roles."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from locum.services.iam import attachments, deletion, inline, shapes, tags, trust
from locum.services.iam.faults import invalid_input
from locum.services.iam.kinds import ROLE, by_name, is_reserved
from locum.services.iam.pagination import page
from locum.services.verbs import Context, Operation, Outcome, Params, looks_up, reads, writes
from locum.state import Role, put, remove
from locum.state.service_linked_roles import PATH as SERVICE_LINKED


def create_role(context: Context, params: Params) -> Outcome:
    """CreateRole."""
    path = params.get("Path", "/")
    if is_reserved(path):
        raise invalid_input(f"The path {path} is reserved for roles that AWS services create.")
    new_tags = tags.given(params, Role)
    role = Role(
        account=context.account,
        name=ROLE.new_name(context, params["RoleName"]),
        path=path,
        id=ROLE.new_id(context),
        created=int(context.now),
        trust=trust.stored(context.state, params["AssumeRolePolicyDocument"]),
        description=params.get("Description"),
        max_session=params.get("MaxSessionDuration", 3600),
        boundary=attachments.boundary(context, params),
        tags=new_tags,
    )
    shown = {**shapes.role_base(context, role), **shapes.boundary(role), **shapes.given_tags(new_tags)}
    return Outcome({"Role": shown}, (put(role),))


def get_role(context: Context, params: Params) -> Outcome:
    """GetRole."""
    return Outcome({"Role": shapes.whole_role(context, ROLE.of(context, params))})


def list_roles(context: Context, params: Params) -> Outcome:
    """ListRoles."""
    found = page(params, ROLE.under(context, params), by_name)
    return found.outcome("Roles", lambda role: shapes.listed_role(context, role))


def update_role(context: Context, params: Params) -> Outcome:
    """UpdateRole: members that are absent do not change."""
    only_described = "Description" in params and "MaxSessionDuration" not in params
    role = _described(context, params) if only_described else ROLE.to_change(context, params)
    changed = replace(
        role,
        description=params.get("Description", role.description),
        max_session=params.get("MaxSessionDuration", role.max_session),
    )
    return Outcome({}, (put(changed),))


def update_role_description(context: Context, params: Params) -> Outcome:
    """UpdateRoleDescription."""
    role = replace(_described(context, params), description=params["Description"])
    shown = {**shapes.role_base(context, role), **shapes.role_description(role)}
    return Outcome({"Role": shown}, (put(role),))


def _described(context: Context, params: Params) -> Role:
    """The role for a change of its description only, which is allowed for service-linked roles too.

    IAM User Guide, "Edit a service-linked role": "you can edit the description of the role using IAM".
    """
    role = ROLE.of(context, params)
    return role if role.path.startswith(SERVICE_LINKED) else ROLE.to_change(context, params)


def update_assume_role_policy(context: Context, params: Params) -> Outcome:
    """UpdateAssumeRolePolicy."""
    role = ROLE.to_change(context, params)
    return Outcome({}, (put(replace(role, trust=trust.stored(context.state, params["PolicyDocument"]))),))


def delete_role(context: Context, params: Params) -> Outcome:
    """DeleteRole. A permissions boundary does not prevent it."""
    role = ROLE.to_change(context, params)
    deletion.check_role(context, role)
    return Outcome({}, (remove(role),))


OPERATIONS: Final[dict[str, Operation]] = {
    "CreateRole": writes(create_role),
    "GetRole": looks_up(get_role),
    "ListRoles": reads(list_roles),
    "UpdateRole": writes(update_role),
    "UpdateRoleDescription": writes(update_role_description),
    "UpdateAssumeRolePolicy": writes(update_assume_role_policy),
    "DeleteRole": writes(delete_role),
    **tags.operations("Role", Role, ROLE.of),
    **inline.operations(ROLE),
    **attachments.operations(ROLE),
    **attachments.boundary_operations(ROLE),
}
