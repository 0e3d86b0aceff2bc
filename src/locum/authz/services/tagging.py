"""Resource Groups Tagging API: the permissions on the resources of other services that are tagged by their ARNs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions
from locum.core.arn import PARTITION, Arn
from locum.core.partial_arn import UNKNOWN_RESOURCE
from locum.state import State

_TAG, _UNTAG = "TagResource", "UntagResource"

_ACTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "acm": ("AddTagsToCertificate", "RemoveTagsFromCertificate"),
    "apigateway": ("PUT", "DELETE"),
    "autoscaling": ("CreateOrUpdateTags", "DeleteTags"),
    "cloudtrail": ("AddTags", "RemoveTags"),
    "ec2": ("CreateTags", "DeleteTags"),
    "elasticache": ("AddTagsToResource", "RemoveTagsFromResource"),
    "elasticloadbalancing": ("AddTags", "RemoveTags"),
    "elasticmapreduce": ("AddTags", "RemoveTags"),
    "es": ("AddTags", "RemoveTags"),
    "firehose": ("TagDeliveryStream", "UntagDeliveryStream"),
    "glacier": ("AddTagsToVault", "RemoveTagsFromVault"),
    "kinesis": ("AddTagsToStream", "RemoveTagsFromStream"),
    "rds": ("AddTagsToResource", "RemoveTagsFromResource"),
    "redshift": ("CreateTags", "DeleteTags"),
    "route53": ("ChangeTagsForResource", "ChangeTagsForResource"),
    "s3": ("PutBucketTagging", "PutBucketTagging"),
    "sqs": ("TagQueue", "UntagQueue"),
    "ssm": ("AddTagsToResource", "RemoveTagsFromResource"),
}
"""The actions that add and remove tags, of services that do not call them TagResource and UntagResource."""


def _tagging(state: State, call: Call) -> Iterable[Check]:
    """The permission of each service whose resource the call tags. What is no ARN may be any resource."""
    adds = call.operation == "TagResources"
    for text in call.params.get("ResourceARNList", ()):
        arn = Arn.find(text)
        if arn is None or arn.partition != PARTITION:
            yield Check(f"tag:{call.operation}", UNKNOWN_RESOURCE)
            continue
        add, remove = _ACTIONS.get(arn.service, (_TAG, _UNTAG))
        yield Check(f"{arn.service}:{add if adds else remove}", text.lower() if arn.service == "rds" else text)


FUNCTIONS: Final = Functions(planners={"tagging_of_services": _tagging})
