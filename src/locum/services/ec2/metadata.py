"""ModifyInstanceMetadataOptions, and the checks of metadata options.

EC2 API, ModifyInstanceMetadataOptions. A change takes effect with the call, on a running or a stopped instance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.services.ec2.faults import bad_value, incorrect_instance_state, invalid_value
from locum.services.ec2.lookup import instance
from locum.services.ec2.shapes import metadata_options
from locum.services.ec2.tagging import check_metadata_keys
from locum.services.verbs import Context, Outcome, Params
from locum.state import MetadataOptions, put

MAX_HOPS: Final = 64
"""EC2 API, HttpPutResponseHopLimit: "Possible values: Integers from 1 to 64"."""

_FIELDS: Final = {
    "HttpTokens": "tokens",
    "HttpPutResponseHopLimit": "hop_limit",
    "HttpEndpoint": "endpoint",
    "HttpProtocolIpv6": "protocol_ipv6",
    "InstanceMetadataTags": "instance_tags",
}
_CHOICES: Final = {
    "HttpTokens": ("optional", "required"),
    "HttpEndpoint": ("enabled", "disabled"),
    "HttpProtocolIpv6": ("enabled", "disabled"),
    "InstanceMetadataTags": ("enabled", "disabled"),
}


def modify_instance_metadata_options(ctx: Context, params: Params) -> Outcome:
    """ec2:ModifyInstanceMetadataOptions. Options that are not given are unchanged."""
    it = instance(ctx, params["InstanceId"])
    if it.state in ("terminated", "shutting-down"):
        raise incorrect_instance_state(f"The instance '{it.id}' is not in the 'running' or 'stopped' states.")
    options = with_options(it.metadata, params)
    check_metadata_keys(it.tags, options)
    answer = {"InstanceId": it.id, "InstanceMetadataOptions": metadata_options(options, "pending")}
    return Outcome(answer, (put(replace(it, metadata=options)),))


def with_options(options: MetadataOptions, given: Mapping[str, Any]) -> MetadataOptions:
    """`options` with those in `given`, which has the member names of the EC2 API. Raises Fault for an invalid value."""
    for name, allowed in _CHOICES.items():
        if name in given and given[name] not in allowed:
            raise invalid_value(f"Value ({given[name]}) for parameter {name} is invalid. Use one of {allowed}.")
    hops = given.get("HttpPutResponseHopLimit", options.hop_limit)
    if not 1 <= hops <= MAX_HOPS:
        reason = f"The hop limit must be between 1 and {MAX_HOPS}."
        raise bad_value(hops, "HttpPutResponseHopLimit", reason)
    return replace(options, **{field: given[name] for name, field in _FIELDS.items() if name in given})
