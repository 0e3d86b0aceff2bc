"""An analyzer of unused access in a plane whose clock moves, and roles and users for it to find."""

from __future__ import annotations

import json
from typing import Any, Final

from support.inprocess import InProcess, Key
from support.plane import allow, document, trusting
from support.trails import ACCOUNT

DAY: Final = 86_400.0
KIND: Final = "ACCOUNT_UNUSED_ACCESS"
TRUST: Final = trusting(AWS=f"arn:aws:iam::{ACCOUNT}:root")


class Unused:
    """An analyzer of unused access, once `made`, and its findings."""

    def __init__(self, plane: InProcess) -> None:
        self.plane, self.client, self.iam = plane, plane.client("accessanalyzer"), plane.client("iam")
        self.arn = ""

    def make(self, kind: str = KIND, key: Key | None = None, **settings: Any) -> Unused:
        """Make the analyzer, and have it look."""
        self.client = self.plane.client("accessanalyzer", key)
        self.arn = self.client.create_analyzer(analyzerName="unused", type=kind, **settings)["arn"]
        self.plane.analyze()
        return self

    def after(self, days: float) -> Unused:
        """Have it look so many days later; earlier, where the number is negative."""
        clock = self.plane.node.runtime.clock
        clock.move(clock.ahead + days * DAY)
        self.plane.analyze()
        return self

    def role(self, name: str, *actions: str, key: Key | None = None, **more: Any) -> str:
        """The ARN of a new role that may do `actions`."""
        iam = self.plane.client("iam", key)
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=more.pop("trust", TRUST), **more)["Role"]
        if actions:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(allow(list(actions))))
        return str(made["Arn"])

    def session(self, role: str, user: Key) -> Key:
        """A session of a role, which a user assumes."""
        sts = self.plane.client("sts", user)
        found = sts.assume_role(RoleArn=role, RoleSessionName="at-work")["Credentials"]
        return Key(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])

    def findings(self, resource: str = "", **criteria: Any) -> list[dict[str, Any]]:
        """Its findings with their details, about a resource where that is given; without those that are resolved."""
        wanted = {"status": {"neq": ["RESOLVED"]}, **({"resource": {"eq": [resource]}} if resource else {}), **criteria}
        found = self.client.list_findings_v2(analyzerArn=self.arn, filter=wanted)["findings"]
        return [self.client.get_finding_v2(analyzerArn=self.arn, id=it["id"]) for it in found]

    def types(self, resource: str) -> list[str]:
        """The types of its findings about a resource that are not resolved, sorted."""
        return sorted(it["findingType"] for it in self.findings(resource))

    def unused(self, resource: str) -> dict[str, list[str] | None]:
        """The unused actions of a role or user by service; None where the service is not used at all."""
        (found,) = self.findings(resource, findingType={"eq": ["UnusedPermission"]})
        told = [it["unusedPermissionDetails"] for it in found["findingDetails"]]
        return {
            it["serviceNamespace"]: [one["action"] for one in it["actions"]] if "actions" in it else None for it in told
        }

    def recommended(self, resource: str) -> dict[str, Any]:
        """The recommendation about the unused permissions of a role or user."""
        (found,) = self.findings(resource, findingType={"eq": ["UnusedPermission"]})
        of = {"analyzerArn": self.arn, "id": found["id"]}
        self.client.generate_finding_recommendation(**of)
        self.plane.generate_policies()
        made: dict[str, Any] = self.client.get_finding_recommendation(**of)
        return made


def steps(recommendation: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """The steps of a recommendation: what is to be done, about which policy, and the statements of the new one."""
    told = [it["unusedPermissionsRecommendedStep"] for it in recommendation["recommendedSteps"]]
    return [
        (
            it["recommendedAction"],
            it["existingPolicyId"],
            json.loads(it["recommendedPolicy"])["Statement"] if "recommendedPolicy" in it else None,
        )
        for it in told
    ]
