"""Checks of instances, and of what wears roles in other services."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from locum.analysis.audit.evidence import Evidence
from locum.analysis.audit.finding import Finding, Fix, finding
from locum.core.arn import Arn
from locum.policy.hints import few
from locum.state import Instance, InstanceProfile, Role

_ENDED: Final = ("shutting-down", "terminated")
_SHOWN: Final = 5


def metadata_without_token(evidence: Evidence) -> Iterator[Finding]:
    """Instances whose metadata service answers without a session token."""
    for instance in evidence.state.every(Instance):
        options = instance.metadata
        if instance.state in _ENDED or options.endpoint != "enabled" or options.tokens != "optional":
            continue
        params = {"InstanceId": instance.id, "HttpTokens": "required", "HttpEndpoint": "enabled"}
        yield finding(
            "imdsv1-allowed",
            instance.account,
            instance.arn,
            f"The instance {instance.id} allows IMDSv1.",
            fixes=(Fix("ec2", "ModifyInstanceMetadataOptions", params, instance.region),),
        )


def shared_roles(evidence: Evidence) -> Iterator[Finding]:
    """Roles that different applications wear: several instance profiles, functions, tasks or stacks."""
    wearers: defaultdict[str, set[str]] = defaultdict(set)
    for profile in evidence.state.every(InstanceProfile):
        for key in profile.roles:
            wearers[f"{profile.account}/{key}"].add(f"instance profile {profile.name}")
    for worn in evidence.worn:
        arn = Arn.find(worn.role)
        if arn is not None and worn.kind != "ec2:instance":  # an instance wears its role by a profile
            name = arn.resource.rsplit("/", 1)[-1].lower()
            wearers[f"{arn.account}/{name}"].add(f"{worn.kind.replace(':', ' ')} {worn.id}")
    for place, applications in sorted(wearers.items()):
        account, _, key = place.partition("/")
        if len(applications) < 2:
            continue
        shown = sorted(applications)
        role = evidence.state.get(Role, account, key)
        if role is not None:
            what = f"{len(shown)} applications wear the role {role.name}: {few(shown, _SHOWN)}."
            yield finding("shared-role", account, role.arn, what)


CHECKS: Final = (metadata_without_token, shared_roles)
