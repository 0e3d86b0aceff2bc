"""Policies are generated from what a role did, and suffice for it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.agents.analyzers import generating
from support.inprocess import InProcess, Key
from support.plane import allow, document, fresh, refused


class Work:
    """A role whose sessions may do anything, and the client of Access Analyzer."""

    def __init__(self, plane: InProcess) -> None:
        self.plane, self.name = plane, fresh("worker")
        self.iam, self.client = plane.client("iam"), plane.client("accessanalyzer")
        trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}
        made = self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=document(trust))
        self.arn = made["Role"]["Arn"]
        self.permit("*")
        self.user = plane.user(fresh("assumes"), allow("sts:AssumeRole"))

    def permit(self, *actions: str) -> None:
        """Have the role do these actions."""
        self.iam.put_role_policy(RoleName=self.name, PolicyName="own", PolicyDocument=document(allow(list(actions))))

    def session(self) -> Key:
        """The key of a session."""
        sts = self.plane.client("sts", self.user)
        found = sts.assume_role(RoleArn=self.arn, RoleSessionName="at-work")["Credentials"]
        return Key(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])

    def generated(self, **details: Any) -> dict[str, Any]:
        """What is generated."""
        wanted = {"policyGenerationDetails": {"principalArn": self.arn}, **details}
        job = self.client.start_policy_generation(**wanted)["jobId"]
        self.plane.generate_policies()
        found: dict[str, Any] = self.client.get_generated_policy(jobId=job)
        return found


@pytest.fixture
def work(plane: InProcess) -> Work:
    return Work(plane)


def test_the_policy_that_is_generated_suffices_for_what_was_done_and_no_more(work: Work) -> None:
    bucket = fresh("data")
    work.plane.client("s3").create_bucket(Bucket=bucket)
    s3 = work.plane.client("s3", work.session())
    s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    found = work.generated()
    assert found["jobDetails"]["status"] == "SUCCEEDED"
    result = found["generatedPolicyResult"]
    assert result["properties"] == {"principalArn": work.arn, "isComplete": True}
    (policy,) = [json.loads(it["policy"]) for it in result["generatedPolicies"]]
    statements = [(it["Action"], it["Resource"]) for it in policy["Statement"]]
    assert statements == [("s3:PutObject", f"arn:aws:s3:::{bucket}/a")]
    work.iam.put_role_policy(RoleName=work.name, PolicyName="own", PolicyDocument=json.dumps(policy))
    s3 = work.plane.client("s3", work.session())
    s3.put_object(Bucket=bucket, Key="a", Body=b"y")
    assert refused(s3.get_object, Bucket=bucket, Key="a").code == "AccessDenied"


def test_trails_and_a_role_to_read_them_are_told_and_the_role_is_passed(work: Work) -> None:
    trail = "arn:aws:cloudtrail:us-east-1:000000000000:trail/t"
    now = work.plane.node.runtime.clock()
    details = {"trails": [{"cloudTrailArn": trail}], "accessRole": work.arn, "startTime": now - 3600, "endTime": now}
    found = work.generated(cloudTrailDetails=details)
    told = found["generatedPolicyResult"]["properties"]["cloudTrailProperties"]
    assert told["trailProperties"] == [{"cloudTrailArn": trail}]
    other = work.plane.client("accessanalyzer", work.plane.user(fresh("asks"), allow("access-analyzer:*")))
    wanted = {"policyGenerationDetails": {"principalArn": work.arn}, "cloudTrailDetails": details}
    assert "iam:PassRole" in refused(other.start_policy_generation, **wanted).message


def test_a_generation_is_listed_cancelled_and_of_somebody_who_is_there(work: Work) -> None:
    job = work.generated()["jobDetails"]["jobId"]
    (listed,) = work.client.list_policy_generations(principalArn=work.arn)["policyGenerations"]
    assert (listed["jobId"], listed["status"]) == (job, "SUCCEEDED")
    work.client.cancel_policy_generation(jobId=job)
    assert work.client.get_generated_policy(jobId=job)["jobDetails"]["status"] == "SUCCEEDED"
    missing = {"principalArn": f"{work.arn}-none"}
    assert refused(work.client.start_policy_generation, policyGenerationDetails=missing).code == "ValidationException"
    assert refused(work.client.get_generated_policy, jobId="none").code == "ValidationException"


def test_attack_a_generation_that_breaks_fails_and_does_not_stay_under_way(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five that stay under way would be all that an account may have."""

    async def breaks(*_: Any) -> Any:
        raise KeyError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(generating, "taken", breaks)
        told = work.generated()["jobDetails"]
    assert (told["status"], told["jobError"]["code"]) == ("FAILED", "SERVICE_ERROR")
    assert work.generated()["jobDetails"]["status"] == "SUCCEEDED"
