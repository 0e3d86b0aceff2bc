"""Profiles: the roles that may be assumed, session policies, and how attributes of a certificate become session tags.

User Guide, "Certificate attribute mapping". The permission to pass the roles is checked before a verb runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from locum import policy
from locum.core.arn import Arn
from locum.core.identifiers import request_id
from locum.services.rolesanywhere.faults import not_implemented, validation
from locum.services.rolesanywhere.lookup import (
    Kind,
    changed,
    check_aliases,
    check_limit,
    common_operations,
    find,
    tags_of,
)
from locum.services.verbs import Context, Operation, Outcome, Params, writes
from locum.state import put
from locum.state.anywhere import AnywhereProfile

MOST: Final = 250
"""User Guide, "Quotas": profiles."""
DEFAULT_MAPPINGS: Final = {"x509Issuer": ("*",), "x509SAN": ("DNS", "URI", "Name/*"), "x509Subject": ("*",)}
"""User Guide, "Default mapping behavior"."""
_TITLE: Final = "Profile"
_MEMBERS: Final = {
    "name": "name",
    "roleArns": "roles",
    "managedPolicyArns": "policies",
    "sessionPolicy": "session_policy",
    "durationSeconds": "seconds",
    "acceptRoleSessionName": "takes_session_name",
}
"""The fields of a profile by the members that set them."""


def shown(profile: AnywhereProfile) -> dict[str, Any]:
    """A ProfileDetail."""
    detail: dict[str, Any] = {
        "profileId": profile.id,
        "profileArn": profile.arn,
        "name": profile.name,
        "requireInstanceProperties": profile.requires_instance,
        "enabled": profile.enabled,
        "createdBy": profile.created_by,
        "roleArns": list(profile.roles),
        "managedPolicyArns": list(profile.policies),
        "createdAt": profile.created,
        "updatedAt": profile.updated,
        "durationSeconds": profile.seconds,
        "acceptRoleSessionName": profile.takes_session_name,
        "attributeMappings": [
            {"certificateField": field, "mappingRules": [{"specifier": specifier} for specifier in specifiers]}
            for field, specifiers in sorted(profile.mappings.items())
        ],
    }
    return detail | ({"sessionPolicy": profile.session_policy} if profile.session_policy else {})


def create_profile(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:CreateProfile."""
    if params.get("requireInstanceProperties"):
        raise not_implemented("requireInstanceProperties")
    check_limit(ctx, AnywhereProfile, MOST, "profiles")
    profile = AnywhereProfile(
        account=ctx.account,
        region=ctx.region,
        id=request_id(ctx.entropy),
        created=int(ctx.now),
        updated=int(ctx.now),
        created_by=ctx.caller.principal.arn,
        enabled=bool(params.get("enabled")),
        mappings=DEFAULT_MAPPINGS,
        tags=tags_of(params.get("tags", ())),
        **_fields(ctx, params),
    )
    return Outcome({"profile": shown(profile)}, (put(profile),))


def update_profile(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:UpdateProfile."""
    found = find(ctx, AnywhereProfile, params["profileId"], _TITLE)
    return changed(ctx, found, shown, "profile", **_fields(ctx, params))


def put_attribute_mapping(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:PutAttributeMapping. It replaces the rules of the field."""
    found = find(ctx, AnywhereProfile, params["profileId"], _TITLE)
    rules = tuple(dict.fromkeys(rule["specifier"] for rule in params["mappingRules"]))
    mappings = {**found.mappings, params["certificateField"]: rules}
    return changed(ctx, found, shown, "profile", mappings=mappings)


def delete_attribute_mapping(ctx: Context, params: Params) -> Outcome:
    """rolesanywhere:DeleteAttributeMapping, of the specifiers, or of all of them."""
    found, field = find(ctx, AnywhereProfile, params["profileId"], _TITLE), params["certificateField"]
    dropped: Sequence[str] = params.get("specifiers", ())
    rules = tuple(it for it in found.mappings.get(field, ()) if dropped and it not in dropped)
    mappings = {name: kept for name, kept in {**found.mappings, field: rules}.items() if kept}
    return changed(ctx, found, shown, "profile", mappings=mappings)


def _fields(ctx: Context, params: Params) -> dict[str, Any]:
    """The fields that `params` set. Raises Fault ValidationException."""
    check_aliases(params)
    for arn in params.get("roleArns", ()):
        parsed = Arn.find(arn)
        if parsed is None or parsed.account != ctx.account:
            raise validation(f"The role {arn} is not in this account")
    if text := params.get("sessionPolicy"):
        try:
            policy.parse(text, policy.PolicyKind.SESSION)
        except policy.MalformedPolicy as malformed:
            raise validation(malformed.message) from malformed
    fields = {field: params[member] for member, field in _MEMBERS.items() if member in params}
    return {field: tuple(value) if isinstance(value, list) else value for field, value in fields.items()}


KIND: Final = Kind(AnywhereProfile, "profile", "profiles", "profileId", _TITLE, shown)
OPERATIONS: Final[dict[str, Operation]] = {
    **common_operations(KIND, "Profile", "Profiles"),
    "CreateProfile": writes(create_profile),
    "DeleteAttributeMapping": writes(delete_attribute_mapping),
    "PutAttributeMapping": writes(put_attribute_mapping),
    "UpdateProfile": writes(update_profile),
}
