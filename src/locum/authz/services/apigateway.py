"""Amazon API Gateway: the tags of a resource, which is named by its ARN within the path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from locum.authz.call import Call
from locum.authz.functions import Functions, Values
from locum.core.arn import PARTITION
from locum.core.partial_arn import UNKNOWN, arn_of
from locum.state import State


def _tags(state: State, call: Call, values: Values) -> Iterable[str]:
    """`/tags/` and the resource's ARN, percent-encoded.

    API Gateway Developer Guide, "Control access to API Gateway resources using tags": `arn:aws:apigateway:*::/tags/*`.
    """
    yield arn_of(f"arn:{PARTITION}:apigateway:{call.region}::/tags/", quote(values[0] or "", safe="") or UNKNOWN)


def _new_tags(state: State, call: Call, values: Values) -> Iterable[str]:
    """The tags of what a call makes in a collection, which is `/restapis/*` where its ARN is not there yet."""
    made = f"arn:{PARTITION}:apigateway:{call.region}::{values[0]}/*"
    yield f"arn:{PARTITION}:apigateway:{call.region}::/tags/{quote(made, safe='*')}"


FUNCTIONS: Final = Functions(resolvers={"apigateway_new_tags": _new_tags, "apigateway_tags": _tags})
