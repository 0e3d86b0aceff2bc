"""Entities of IAM Access Analyzer: analyzers, what they have analyzed, and their findings. Times are epoch seconds."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from locum.core.arn import PARTITION
from locum.core.clock import DAY
from locum.state.autoscaling import regional
from locum.state.entities import Entity, Tags

EXTERNAL_ACCESS: Final = "ExternalAccess"
"""The type of findings that somebody outside of the zone of trust may do something with a resource."""
INTERNAL_ACCESS: Final = "InternalAccess"
"""The type of findings that a user or role of the zone of trust may do something with a resource."""
UNUSED_PERMISSION: Final = "UnusedPermission"
"""The type of findings that a user or role has permissions that it does not use."""
UNUSED_ACCESS: Final = ("UnusedIAMRole", "UnusedIAMUserAccessKey", "UnusedIAMUserPassword", UNUSED_PERMISSION)
"""The types of findings of unused access."""
CREATING: Final = "CREATING"
"""The status of an access preview that is under way."""
PREVIEWS_KEPT: Final = DAY
"""User Guide: the operations "will retrieve access previews and findings created within about 24 hours"."""
IN_PROGRESS: Final = "IN_PROGRESS"
"""The status of a policy generation or a recommendation that is under way."""


def analyzer_arn(account: str, region: str, name: str) -> str:
    """The ARN of the analyzer with a name."""
    return f"arn:{PARTITION}:access-analyzer:{region}:{account}:analyzer/{name}"


class ArchiveRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """An archive rule: new findings that meet all criteria of its `filter` are archived."""

    name: str
    filter: dict[str, dict[str, Any]]
    created: float
    updated: float


class Analyzer(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="analyzer"):
    """An analyzer. `type` is the API's, `role` the ARN of the service-linked role in which it reads.

    `scanned` is the last time that all resources were analyzed, `position` that of the last event of the event history
    whose changes it has looked at. `asked` are the ARNs of resources that are to be analyzed anew. `last_resource` is
    the one that was analyzed last, at the time `last_at`. Where its zone of trust is an organization, that is
    `organization`, an id. `zone` is what was known of the zone at the last look (`services.accessanalyzer.zones`).
    """

    region: str
    name: str
    type: str
    role: str
    created: float
    rules: tuple[ArchiveRule, ...] = ()
    configuration: dict[str, Any] = {}
    tags: Tags = {}
    scanned: float = 0.0
    position: int = 0
    asked: tuple[str, ...] = ()
    last_resource: str = ""
    last_at: float = 0.0
    organization: str = ""
    zone: dict[str, str] = {}

    @property
    def key(self) -> str:
        return regional(self.region, self.name)

    @property
    def arn(self) -> str:
        """Its ARN."""
        return analyzer_arn(self.account, self.region, self.name)


class AnalyzedResource(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="analyzed-resource"):
    """A resource that an analyzer has analyzed. `type` is CloudFormation's, `owner` the account that has it.

    `actions` are those that others may do, `public`: anybody may. `error` is that for which it could not be analyzed.
    """

    region: str
    analyzer: str
    arn: str
    type: str
    owner: str
    created: float
    analyzed: float
    updated: float
    actions: tuple[str, ...] = ()
    public: bool = False
    error: str = ""

    @property
    def key(self) -> str:
        return regional(self.region, self.analyzer, self.arn)


class AccessFinding(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="access-finding"):
    """A finding about a resource: who may do something with it, or what of it is not used.

    `finding_type` is the API's, `status` is ACTIVE, ARCHIVED or RESOLVED. Of findings of access, `principal` is by
    type, `conditions` are keys with values, both as the API has them, and `more` are members of its details that only
    some have. Of findings of unused access, `details` are the structures of findingDetails.
    """

    region: str
    analyzer: str
    id: str
    resource: str
    type: str
    owner: str
    status: str
    created: float
    analyzed: float
    updated: float
    principal: dict[str, str] = {}
    actions: tuple[str, ...] = ()
    conditions: dict[str, str] = {}
    public: bool = False
    error: str = ""
    finding_type: str = EXTERNAL_ACCESS
    more: dict[str, Any] = {}
    details: tuple[dict[str, Any], ...] = ()

    @property
    def key(self) -> str:
        return regional(self.region, self.analyzer, self.id)


class PolicyGeneration(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="policy-generation"):
    """A request for a policy of what `principal` (ARN) did from `since` to `until`, which is under way or done.

    `trails` are those that it names, as the API has them; `policies` are the documents of one that succeeded, `code`
    and `message` say why one failed. `complete`: all calls of the time were looked at.
    """

    region: str
    id: str
    principal: str
    status: str
    started: float
    since: float
    until: float
    trails: tuple[dict[str, Any], ...] = ()
    role: str = ""
    token: str = ""
    ended: float = 0.0
    policies: tuple[str, ...] = ()
    complete: bool = False
    code: str = ""
    message: str = ""

    @property
    def key(self) -> str:
        return regional(self.region, self.id)

    @property
    def under_way(self) -> bool:
        """Whether its policies are still to be written."""
        return self.status == IN_PROGRESS


class FindingRecommendation(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="finding-recommendation"):
    """What to do about a finding of unused permissions, whose id it has, of `resource`: asked for, or worked out.

    `steps` are the structures of recommendedSteps, `code` and `message` say why it failed.
    """

    region: str
    analyzer: str
    id: str
    resource: str
    status: str
    started: float
    ended: float = 0.0
    steps: tuple[dict[str, Any], ...] = ()
    code: str = ""
    message: str = ""

    @property
    def key(self) -> str:
        return regional(self.region, self.analyzer, self.id)

    @property
    def under_way(self) -> bool:
        """Whether it is still to be worked out."""
        return self.status == IN_PROGRESS


class PreviewFinding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A finding of an access preview: what a finding would be if the resource had the proposed configuration.

    `id` is its own, not that of `finding`. `change` is NEW, CHANGED or UNCHANGED; `existing_status` is that of the
    finding which the analyzer has already, empty where it has none.
    """

    id: str
    finding: AccessFinding
    change: str
    existing_status: str = ""


class AccessPreview(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="access-preview"):
    """A preview of the findings about a resource (its ARN) if it had the proposed `configuration`.

    `configuration` is the API's: one member, named by the type of resource. `status` is CREATING, COMPLETED or FAILED,
    `reason` the code of why it failed. `token` is the client's.
    """

    region: str
    analyzer: str
    id: str
    resource: str
    configuration: dict[str, Any]
    status: str
    created: float
    token: str = ""
    reason: str = ""
    findings: tuple[PreviewFinding, ...] = ()

    @property
    def key(self) -> str:
        return regional(self.region, self.analyzer, self.id)

    @property
    def under_way(self) -> bool:
        """Whether its findings are still to be found."""
        return self.status == CREATING
