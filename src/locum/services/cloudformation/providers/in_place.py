"""Update policies by which a resource is changed where another one would be made without them.

CloudFormation Template Reference, "UpdatePolicy attribute": UseOnlineResharding and EnableVersionUpgrade.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.services.cloudformation.providers.steps import truth

_UPGRADED: Final = "EnableVersionUpgrade"
_IN_PLACE: Final = {
    "AWS::ElastiCache::ReplicationGroup": (
        "UseOnlineResharding",
        frozenset({"NodeGroupConfiguration", "NumNodeGroups"}),
    ),
    "AWS::Elasticsearch::Domain": (_UPGRADED, frozenset({"ElasticsearchVersion"})),
    "AWS::OpenSearchService::Domain": (_UPGRADED, frozenset({"EngineVersion"})),
}


def in_place(kind: str) -> frozenset[str]:
    """The properties of a resource of type `kind` that are changed in place by an update policy."""
    return _IN_PLACE[kind][1] if kind in _IN_PLACE else frozenset()


def is_in_place(kind: str, update_policy: Mapping[str, Any], *, back: bool) -> bool:
    """Whether they are, by this update policy.

    So are they on the way `back`: what was changed in place comes back in place, whatever the template before said.
    """
    return kind in _IN_PLACE and (back or truth(update_policy.get(_IN_PLACE[kind][0])))
