"""What an organization does to the accounts in it, seen by boto3: SCPs, moves, root sessions, closed accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from support.plane import ACCOUNT, Key, RunningPlane, allow, document, fresh, refused, up

pytestmark = pytest.mark.xdist_group("organization-guardrails")

SCP = "SERVICE_CONTROL_POLICY"
TASK = "arn:aws:iam::aws:policy/root-task/"
ACCESS_ROLE = "OrganizationAccountAccessRole"


class Company(NamedTuple):
    """A plane whose account manages an organization; `boss` is a user there who may do everything."""

    plane: RunningPlane
    boss: Key
    id: str
    root: str

    @property
    def organizations(self) -> Any:
        return self.plane.client("organizations", self.boss)

    def account(self) -> str:
        """The id of a new account."""
        name = fresh("account")
        status = self.organizations.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
        return str(
            self.organizations.describe_create_account_status(CreateAccountRequestId=status["Id"])[
                "CreateAccountStatus"
            ]["AccountId"]
        )

    def unit(self) -> str:
        """The id of a new unit."""
        made = self.organizations.create_organizational_unit(ParentId=self.root, Name=fresh("unit"))
        return str(made["OrganizationalUnit"]["Id"])

    def forbidding(self, action: str, target: str) -> str:
        """The id of a new SCP that denies `action`, attached to `target`."""
        content = json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]}
        )
        made = self.organizations.create_policy(Name=fresh("scp"), Description="", Type=SCP, Content=content)
        policy = made["Policy"]["PolicySummary"]["Id"]
        self.organizations.attach_policy(PolicyId=policy, TargetId=target)
        return str(policy)

    def inside(self, account: str) -> Key:
        """Credentials of the role that every account is made with."""
        role = f"arn:aws:iam::{account}:role/{ACCESS_ROLE}"
        answer = self.plane.client("sts", self.boss).assume_role(RoleArn=role, RoleSessionName="visit")
        return Key.of(answer["Credentials"])

    def as_root(self, account: str, task: str) -> Key:
        """Credentials of a root session."""
        sts = self.plane.client("sts", self.boss)
        return Key.of(sts.assume_root(TargetPrincipal=account, TaskPolicyArn={"arn": TASK + task})["Credentials"])


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with up(tmp_path_factory.mktemp("company")) as plane:
        _, boss = plane.user(allow("*"))
        organizations = plane.client("organizations", boss)
        made = organizations.create_organization(FeatureSet="ALL")["Organization"]
        root = organizations.list_roots()["Roots"][0]["Id"]
        organizations.enable_policy_type(RootId=root, PolicyType=SCP)
        organizations.enable_aws_service_access(ServicePrincipal="iam.amazonaws.com")
        iam = plane.client("iam", boss)
        iam.enable_organizations_root_credentials_management()
        iam.enable_organizations_root_sessions()
        yield Company(plane, boss, made["Id"], root)


def test_an_scp_denies_and_moving_the_account_frees_it_with_the_next_call(company: Company) -> None:
    account, unit = company.account(), company.unit()
    company.organizations.move_account(AccountId=account, SourceParentId=company.root, DestinationParentId=unit)
    policy = company.forbidding("sqs:*", unit)
    sqs = company.plane.client("sqs", company.inside(account))
    met = refused(sqs.list_queues)
    arn = f"arn:aws:organizations::{ACCOUNT}:policy/{company.id}/service_control_policy/{policy}"
    assert met.code == "AccessDenied"
    assert met.message.endswith(f"with an explicit deny in a service control policy: {arn}")
    told = company.plane.locum("explain", met.request_id).stdout
    assert f"({policy}) of unit" in told
    assert unit in told
    company.organizations.move_account(AccountId=account, SourceParentId=unit, DestinationParentId=company.root)
    sqs.list_queues()
    company.organizations.move_account(AccountId=account, SourceParentId=company.root, DestinationParentId=unit)
    refused(sqs.list_queues)
    company.organizations.detach_policy(PolicyId=policy, TargetId=unit)
    sqs.list_queues()


def test_the_simulator_foretells_what_an_scp_does(company: Company) -> None:
    account = company.account()
    company.forbidding("sqs:*", account)
    iam = company.plane.client("iam", company.inside(account))
    source = f"arn:aws:iam::{account}:role/{ACCESS_ROLE}"
    actions = ["sqs:ListQueues", "sns:ListTopics"]
    results = iam.simulate_principal_policy(PolicySourceArn=source, ActionNames=actions)["EvaluationResults"]
    assert [
        (result["EvalDecision"], result["OrganizationsDecisionDetail"]["AllowedByOrganizations"]) for result in results
    ] == [("explicitDeny", False), ("allowed", True)]


def test_the_management_account_is_never_bound(company: Company) -> None:
    policy = company.forbidding("sns:*", company.root)
    company.plane.client("sns", company.boss).list_topics()
    refused(company.plane.client("sns", company.inside(company.account())).list_topics)
    company.organizations.detach_policy(PolicyId=policy, TargetId=company.root)


def test_a_bucket_shared_with_the_organization_is_open_to_it_and_to_nobody_else(company: Company) -> None:
    bucket = company.plane.bucket(report=b"all is well")
    shared = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": f"{company.id}/{company.root}/*"}},
    }
    company.plane.client("s3", company.boss).put_bucket_policy(Bucket=bucket, Policy=document(shared))
    account = company.account()
    s3 = company.plane.client("s3", company.inside(account))
    assert s3.get_object(Bucket=bucket, Key="report")["Body"].read() == b"all is well"
    company.organizations.remove_account_from_organization(AccountId=account)
    assert refused(s3.get_object, Bucket=bucket, Key="report").code == "AccessDenied"


def test_a_root_session_unlocks_a_bucket_that_lets_nobody_in(company: Company) -> None:
    account = company.account()
    s3 = company.plane.client("s3", company.inside(account))
    bucket = fresh("bucket")
    s3.create_bucket(Bucket=bucket)
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    nobody = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resources}
    s3.put_bucket_policy(Bucket=bucket, Policy=document(nobody))
    assert refused(s3.delete_bucket_policy, Bucket=bucket).code == "AccessDenied"
    key = company.as_root(account, "S3UnlockBucketPolicy")
    caller = company.plane.client("sts", key).get_caller_identity()
    assert (caller["Arn"], caller["UserId"]) == (f"arn:aws:iam::{account}:root", account)
    unlocking = company.plane.client("s3", key)
    assert refused(unlocking.put_object, Bucket=bucket, Key="k", Body=b"").code == "AccessDenied"
    unlocking.delete_bucket_policy(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    trail = company.plane.client("cloudtrail", company.inside(account))
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "DeleteBucketPolicy"}]
    events = trail.lookup_events(LookupAttributes=wanted)["Events"]
    told = [json.loads(event["CloudTrailEvent"])["userIdentity"] for event in events]
    (root,) = [identity for identity in told if identity["type"] == "Root"]
    assert root["arn"] == f"arn:aws:iam::{account}:root"
    assert root["sessionContext"]["assumedRoot"] == "true"


def test_a_root_session_for_auditing_sees_that_there_are_no_root_credentials(company: Company) -> None:
    account = company.account()
    iam = company.plane.client("iam", company.as_root(account, "IAMAuditRootUserCredentials"))
    assert iam.list_access_keys()["AccessKeyMetadata"] == []
    assert iam.get_account_summary()["SummaryMap"]["AccountAccessKeysPresent"] == 0
    met = refused(iam.list_users)
    assert met.message.endswith(f"with an explicit deny in a session policy: {TASK}IAMAuditRootUserCredentials")


def test_nobody_but_the_management_account_gets_a_root_session(company: Company) -> None:
    account, other = company.account(), company.account()
    task = {"arn": f"{TASK}IAMAuditRootUserCredentials"}
    sts = company.plane.client("sts", company.inside(account))
    assert refused(sts.assume_root, TargetPrincipal=other, TaskPolicyArn=task).code == "AccessDenied"
    root = company.plane.client("sts")
    assert refused(root.assume_root, TargetPrincipal=other, TaskPolicyArn=task).code == "AccessDenied"


def test_the_credentials_of_a_closed_account_stop(company: Company) -> None:
    account = company.account()
    key = company.inside(account)
    iam = company.plane.client("iam", key)
    iam.create_user(UserName="left")
    made = iam.create_access_key(UserName="left")["AccessKey"]
    left = Key.of(made)
    company.plane.client("sts", left).get_caller_identity()
    company.organizations.close_account(AccountId=account)
    for stopped in (key, left):
        assert refused(company.plane.client("sts", stopped).get_caller_identity).code == "InvalidClientTokenId"
    task = {"arn": f"{TASK}IAMAuditRootUserCredentials"}
    sts = company.plane.client("sts", company.boss)
    assert refused(sts.assume_root, TargetPrincipal=account, TaskPolicyArn=task).code == "AccessDenied"
