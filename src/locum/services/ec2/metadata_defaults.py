"""The defaults of an account for the metadata options of new instances.

EC2 User Guide, "Configure the Instance Metadata Service options", "Order of precedence": what a launch says, else the
account's default, else the image's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.errors import Fault
from locum.services.ec2.faults import bad_value, invalid_value
from locum.services.ec2.metadata import MAX_HOPS
from locum.services.verbs import Context, Outcome, Params
from locum.state import MetadataDefaults, MetadataOptions, put

_NO_PREFERENCE: Final = "no-preference"
_FIELDS: Final = {
    "HttpTokens": ("tokens", ("optional", "required")),
    "HttpEndpoint": ("endpoint", ("enabled", "disabled")),
    "InstanceMetadataTags": ("instance_tags", ("enabled", "disabled")),
}


def get_instance_metadata_defaults(ctx: Context, params: Params) -> Outcome:
    """ec2:GetInstanceMetadataDefaults: what is not set is not there."""
    found = _defaults(ctx)
    level: dict[str, Any] = {name: getattr(found, field) for name, (field, _) in _FIELDS.items()}
    level["HttpPutResponseHopLimit"] = found.hop_limit
    shown = {name: value for name, value in level.items() if value}
    if found.enforced:
        shown["HttpTokensEnforced"] = "enabled"
    return Outcome({"AccountLevel": {**shown, "ManagedBy": "account"}})


def modify_instance_metadata_defaults(ctx: Context, params: Params) -> Outcome:
    """ec2:ModifyInstanceMetadataDefaults. What is not given stays; no preference takes it away."""
    changed: dict[str, Any] = {}
    for name, (field, allowed) in _FIELDS.items():
        value = params.get(name)
        if value is None:
            continue
        if value not in (*allowed, _NO_PREFERENCE):
            raise invalid_value(f"Value ({value}) for parameter {name} is invalid. Use one of {allowed}.")
        changed[field] = "" if value == _NO_PREFERENCE else value
    hops = params.get("HttpPutResponseHopLimit")
    if hops is not None:
        if hops != -1 and not 1 <= hops <= MAX_HOPS:
            raise bad_value(hops, "HttpPutResponseHopLimit", f"The hop limit must be between 1 and {MAX_HOPS}, or -1.")
        changed["hop_limit"] = max(hops, 0)
    enforced = params.get("HttpTokensEnforced")
    if enforced is not None:
        changed["enforced"] = enforced == "enabled"
    after = replace(_defaults(ctx), **changed)
    if after.enforced and after.tokens == "optional":
        raise invalid_value("HttpTokens cannot be optional while HttpTokensEnforced is enabled.")
    return Outcome({"Return": True}, (put(after),))


def new_options(ctx: Context, given: Mapping[str, Any]) -> MetadataOptions:
    """The metadata options that a launch begins with, before those that it says itself (`given`) are put in.

    Raises Fault where the account enforces tokens and the launch does without.
    """
    found = _defaults(ctx)
    if found.enforced and given.get("HttpTokens") == "optional":
        text = "You can't launch instances with IMDSv1 because httpTokensEnforced is enabled for this account."
        raise Fault("UnsupportedOperation", text)
    set_fields = {field: value for field, _ in _FIELDS.values() if (value := getattr(found, field))}
    if found.hop_limit:
        set_fields["hop_limit"] = found.hop_limit
    return replace(MetadataOptions(), **set_fields)


def _defaults(ctx: Context) -> MetadataDefaults:
    found = ctx.state.get(MetadataDefaults, ctx.account, ctx.region)
    return found or MetadataDefaults(account=ctx.account, region=ctx.region)
