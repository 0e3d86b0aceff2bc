"""Amazon Route 53: ids with or without the path that the service returns them with."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions, Resolver, Values
from locum.core.arn import PARTITION
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.state import State


def _by_id(kind: str) -> Resolver:
    """The resolver of ids such as `Z123`, `/hostedzone/Z123` and `hostedzone/Z123`."""

    def resolve(state: State, call: Call, values: Values) -> Iterable[str]:
        name = (values[0] or "").rsplit("/", 1)[-1]
        yield arn_of(f"arn:{PARTITION}:route53:::{kind}/", name or UNKNOWN)

    return resolve


def _tagged(state: State, call: Call, values: Values) -> Iterable[str]:
    """A health check or hosted zone, as the actions on tags name it."""
    kind, name = values
    yield arn_of(f"arn:{PARTITION}:route53:::", kind or UNKNOWN, "/", (name or "").rsplit("/", 1)[-1] or UNKNOWN)


_PLAIN: Final = re.compile(r"[a-z0-9_.-]")


def _record_names(state: State, call: Call, check: Check) -> list[str]:
    """route53:ChangeResourceRecordSetsNormalizedRecordNames: in lower case, without the dot at the end, escaped.

    Route 53 Developer Guide, "Normalization": all but letters, digits and `_-.` are escape codes, `\\ddd` in octal.
    """
    changes = (call.params.get("ChangeBatch") or {}).get("Changes") or ()
    names = (str((change.get("ResourceRecordSet") or {}).get("Name", "")) for change in changes)
    return ["".join(map(_escaped, name.lower().removesuffix("."))) for name in names]


def _escaped(char: str) -> str:
    return char if _PLAIN.fullmatch(char) else f"\\{ord(char):03o}"


def _vpc(state: State, call: Call, check: Check) -> list[str]:
    """route53:VPCs: `VPCId=vpc-1a2b,VPCRegion=us-east-1`."""
    vpc = call.params.get("VPC")
    return [f"VPCId={vpc.get('VPCId', '')},VPCRegion={vpc.get('VPCRegion', '')}"] if isinstance(vpc, dict) else []


FUNCTIONS: Final = Functions(
    keys={"route53_record_names": _record_names, "route53_vpc": _vpc},
    resolvers={
        "route53_change": _by_id("change"),
        "route53_delegation_set": _by_id("delegationset"),
        "route53_tagged": _tagged,
        "route53_zone": _by_id("hostedzone"),
    },
)
