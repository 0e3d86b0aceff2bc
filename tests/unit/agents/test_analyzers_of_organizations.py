"""Analyzers whose zone of trust is an organization find who outside of it may do something in any of its accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from support.inprocess import InProcess, Key
from support.organized_sets import Organized
from support.plane import document, fresh, refused, trusting
from support.trails import ACCOUNT
from unit.agents.test_analyzers import AWAY, statement

SERVICE: Final = "access-analyzer.amazonaws.com"
ROLE: Final = "AWSServiceRoleForAccessAnalyzer"


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


class Trusted:
    """An organization with two members that trusts IAM Access Analyzer, and an analyzer of it."""

    def __init__(self, plane: InProcess) -> None:
        self.plane, self.organized = plane, Organized(plane)
        self.organizations = self.organized.client
        self.organizations.enable_aws_service_access(ServicePrincipal=SERVICE)
        self.id: str = self.organizations.describe_organization()["Organization"]["Id"]
        self.member, self.other = self.organized.member("one"), self.organized.member("two")
        self.key = self.organized.key(self.member)

    def analyzer(self, key: Key | None = None, name: str = "organization") -> Analyzed:
        """A new analyzer, of an account."""
        return Analyzed(self.plane, key, name)

    def control(self, *statements: dict[str, Any], target: str = "") -> str:
        """The id of a new resource control policy, attached to the root or to `target`."""
        if RCP not in {it["Type"] for it in self.organizations.list_roots()["Roots"][0]["PolicyTypes"]}:
            self.organizations.enable_policy_type(RootId=self.organized.root, PolicyType=RCP)
        made = self.organizations.create_policy(
            Name=fresh("rcp"), Description="", Type=RCP, Content=document(*statements)
        )
        policy: str = made["Policy"]["PolicySummary"]["Id"]
        self.organizations.attach_policy(PolicyId=policy, TargetId=target or self.organized.root)
        return policy


RCP: Final = "RESOURCE_CONTROL_POLICY"


class Analyzed:
    """An analyzer of an organization, and its findings."""

    def __init__(self, plane: InProcess, key: Key | None, name: str) -> None:
        self.plane, self.name = plane, name
        self.client = plane.client("accessanalyzer", key)
        self.arn = self.client.create_analyzer(analyzerName=name, type="ORGANIZATION")["arn"]
        plane.analyze()

    def findings(self, resource: str = "", **criteria: Any) -> list[dict[str, Any]]:
        """Its findings about a resource, after a look at what has changed."""
        self.plane.analyze()
        wanted = {**({"resource": {"eq": [resource]}} if resource else {}), **criteria}
        found: list[dict[str, Any]] = self.client.list_findings(analyzerArn=self.arn, filter=wanted)["findings"]
        return found

    def told(self, resource: str) -> list[tuple[Any, ...]]:
        """Principals and statuses of the findings about a resource."""
        return [(it["principal"], it["status"]) for it in self.findings(resource)]

    def status(self) -> tuple[str, str]:
        """Its status, and the code of the reason."""
        it = self.client.get_analyzer(analyzerName=self.name)["analyzer"]
        return it["status"], it.get("statusReason", {}).get("code", "")


def queue(plane: InProcess, key: Key | None, account: str, *principals: Any, **condition: Any) -> str:
    """The ARN of a queue of an account to which principals may send, under a condition."""
    name = fresh("shared")
    arn = f"arn:aws:sqs:us-east-1:{account}:{name}"
    sqs = plane.client("sqs", key)
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    listed = [statement(principal, "sqs:SendMessage", arn, **condition) for principal in principals]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(*listed)})
    return arn


def root(account: str) -> dict[str, str]:
    """The principal of an account."""
    return {"AWS": f"arn:aws:iam::{account}:root"}


def bucket(plane: InProcess, key: Key | None, principal: Any) -> tuple[Any, str]:
    """A client of S3, and the ARN of a bucket whose objects a principal may read."""
    name, s3 = fresh("shared"), plane.client("s3", key)
    s3.create_bucket(Bucket=name)
    s3.delete_public_access_block(Bucket=name)
    arn = f"arn:aws:s3:::{name}"
    s3.put_bucket_policy(Bucket=name, Policy=document(statement(principal, "s3:GetObject", f"{arn}/*")))
    return s3, arn


def test_access_from_outside_is_found_in_every_account_and_what_stays_inside_is_not(plane: InProcess) -> None:
    it = Trusted(plane)
    own = queue(plane, None, ACCOUNT, root(AWAY))
    shared = queue(plane, it.key, it.member, root(AWAY))
    inside = queue(plane, it.key, it.member, root(it.other), root(ACCOUNT))
    members = queue(plane, it.key, it.member, "*", StringEquals={"aws:PrincipalOrgID": it.id})
    _, public = bucket(plane, it.key, "*")
    iam = plane.client("iam", it.key)
    role = iam.create_role(RoleName="shared", AssumeRolePolicyDocument=trusting(AWS=f"arn:aws:iam::{AWAY}:root"))
    analyzer = it.analyzer()
    assert analyzer.status() == ("ACTIVE", "")
    for arn, account in ((own, ACCOUNT), (shared, it.member), (role["Role"]["Arn"], it.member)):
        (found,) = analyzer.findings(arn)
        assert (found["principal"], found["resourceOwnerAccount"]) == ({"AWS": AWAY}, account)
    assert [it["isPublic"] for it in analyzer.findings(public)] == [True]
    assert analyzer.findings(inside) == analyzer.findings(members) == []
    assert iam.get_role(RoleName=ROLE)["Role"]["Path"] == f"/aws-service-role/{SERVICE}/"
    listed = analyzer.client.list_analyzed_resources(analyzerArn=analyzer.arn)["analyzedResources"]
    assert {own, shared, inside, members, public} <= {it["resourceArn"] for it in listed}


def test_a_change_in_any_account_is_seen_and_a_scan_is_asked_for(plane: InProcess) -> None:
    it = Trusted(plane)
    analyzer = it.analyzer()
    arn = queue(plane, it.key, it.member, root(AWAY))
    assert analyzer.told(arn) == [({"AWS": AWAY}, "ACTIVE")]
    plane.client("sqs", it.key).delete_queue(QueueUrl=f"http://x/{it.member}/{arn.rpartition(':')[2]}")
    assert analyzer.told(arn) == [({"AWS": AWAY}, "RESOLVED")]
    other = queue(plane, it.key, it.member, root(AWAY))
    analyzer.client.start_resource_scan(analyzerArn=analyzer.arn, resourceArn=other)
    outside = refused(
        analyzer.client.start_resource_scan, analyzerArn=analyzer.arn, resourceArn=other.replace(it.member, AWAY)
    )
    assert outside.code == "ResourceNotFoundException"


def test_an_account_that_joins_is_analyzed_and_one_that_leaves_is_outside(plane: InProcess) -> None:
    it = Trusted(plane)
    for_other = queue(plane, None, ACCOUNT, root(it.other))
    of_other = queue(plane, it.organized.key(it.other), it.other, root(AWAY))
    analyzer = it.analyzer()
    assert (analyzer.told(for_other), analyzer.told(of_other)) == ([], [({"AWS": AWAY}, "ACTIVE")])
    it.organizations.remove_account_from_organization(AccountId=it.other)
    assert analyzer.told(for_other) == [({"AWS": it.other}, "ACTIVE")]
    assert analyzer.told(of_other) == [({"AWS": AWAY}, "RESOLVED")]
    invited = it.organizations.invite_account_to_organization(Target={"Id": it.other, "Type": "ACCOUNT"})
    joining = plane.client("organizations", it.organized.key(it.other))
    joining.accept_handshake(HandshakeId=invited["Handshake"]["Id"])
    assert analyzer.told(for_other) == [({"AWS": it.other}, "RESOLVED")]
    assert analyzer.told(of_other) == [({"AWS": AWAY}, "ACTIVE")]


def test_attack_an_account_that_left_and_comes_back_is_looked_at_again(plane: InProcess) -> None:
    """What it shared while it was outside is found, though its changes are none that the analyzer was to see."""
    it = Trusted(plane)
    analyzer, key = it.analyzer(), it.organized.key(it.other)
    it.organizations.remove_account_from_organization(AccountId=it.other)
    plane.analyze()
    arn = queue(plane, key, it.other, root(AWAY))
    assert analyzer.told(arn) == []
    invited = it.organizations.invite_account_to_organization(Target={"Id": it.other, "Type": "ACCOUNT"})
    plane.client("organizations", key).accept_handshake(HandshakeId=invited["Handshake"]["Id"])
    assert analyzer.told(arn) == [({"AWS": AWAY}, "ACTIVE")]


def test_a_move_in_the_tree_has_paths_of_the_organization_looked_at(plane: InProcess) -> None:
    it = Trusted(plane)
    unit = it.organized.unit("dev")
    path = f"{it.id}/{it.organized.root}/{unit}/*"
    condition = {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": path}}
    arn = queue(plane, it.key, it.member, "*", **condition)
    account = plane.client("accessanalyzer", it.key)
    own = account.create_analyzer(analyzerName="account", type="ACCOUNT")["arn"]
    analyzer = it.analyzer()
    assert analyzer.findings(arn) == []
    (found,) = account.list_findings(analyzerArn=own, filter={"resource": {"eq": [arn]}})["findings"]
    assert (found["isPublic"], found["condition"]) == (False, {"aws:PrincipalOrgPaths": path})


def test_the_management_account_and_delegated_administrators_may_make_them_and_five_each(plane: InProcess) -> None:
    organized = Organized(plane)
    member, client = organized.member("one"), plane.client("accessanalyzer")
    wanted = {"analyzerName": "organization", "type": "ORGANIZATION"}
    told = refused(client.create_analyzer, **wanted)
    assert (told.code, told.message) == ("ValidationException", "Service not enabled for AWS Organizations")
    organized.client.enable_aws_service_access(ServicePrincipal=SERVICE)
    of_member = plane.client("accessanalyzer", organized.key(member))
    told = refused(of_member.create_analyzer, **wanted)
    assert (told.code, told.message) == (
        "AccessDeniedException",
        f"Account {member} is not a delegated administrator",
    )
    assert of_member.list_analyzers()["analyzers"] == []
    organized.client.register_delegated_administrator(AccountId=member, ServicePrincipal=SERVICE)
    assert of_member.create_analyzer(**wanted)["arn"].split(":")[4] == member
    for number in range(5):
        client.create_analyzer(analyzerName=f"o{number}", type="ORGANIZATION")
    told = refused(client.create_analyzer, **wanted)
    assert told.code == "ServiceQuotaExceededException"
    assert client.create_analyzer(analyzerName="own", type="ACCOUNT")["arn"]


def test_an_account_without_an_organization_makes_none(plane: InProcess) -> None:
    client = plane.client("accessanalyzer")
    told = refused(client.create_analyzer, analyzerName="organization", type="ORGANIZATION")
    assert told.code == "ValidationException"
    assert client.list_analyzers()["analyzers"] == []


def test_an_analyzer_is_disabled_while_its_account_may_not_see_the_organization(plane: InProcess) -> None:
    it = Trusted(plane)
    it.organizations.register_delegated_administrator(AccountId=it.member, ServicePrincipal=SERVICE)
    arn = queue(plane, None, ACCOUNT, root(AWAY))
    analyzer, own = it.analyzer(it.key, "delegated"), it.analyzer()
    assert analyzer.told(arn) == [({"AWS": AWAY}, "ACTIVE")]
    it.organizations.deregister_delegated_administrator(AccountId=it.member, ServicePrincipal=SERVICE)
    assert analyzer.status() == ("DISABLED", "DELEGATED_ADMINISTRATOR_DEREGISTERED")
    assert refused(analyzer.client.list_findings, analyzerArn=analyzer.arn).code == "AccessDeniedException"
    later = queue(plane, None, ACCOUNT, root(AWAY))
    assert own.told(later) == [({"AWS": AWAY}, "ACTIVE")]
    it.organizations.register_delegated_administrator(AccountId=it.member, ServicePrincipal=SERVICE)
    assert analyzer.told(later) == [({"AWS": AWAY}, "ACTIVE")]
    it.organizations.disable_aws_service_access(ServicePrincipal=SERVICE)
    assert analyzer.status() == own.status() == ("DISABLED", "AWS_SERVICE_ACCESS_DISABLED")
    for account in (it.member, it.other):
        it.organizations.remove_account_from_organization(AccountId=account)
    it.organizations.delete_organization()
    assert analyzer.status() == own.status() == ("DISABLED", "ORGANIZATION_DELETED")
    own.client.delete_analyzer(analyzerName=own.name)


def test_attack_another_organization_of_the_account_is_not_the_zone_of_its_analyzer(plane: InProcess) -> None:
    it = Trusted(plane)
    analyzer = it.analyzer()
    for account in (it.member, it.other):
        it.organizations.remove_account_from_organization(AccountId=account)
    it.organizations.delete_organization()
    it.organizations.create_organization(FeatureSet="ALL")
    it.organizations.enable_aws_service_access(ServicePrincipal=SERVICE)
    assert analyzer.status() == ("DISABLED", "ORGANIZATION_DELETED")
    assert refused(analyzer.client.list_findings, analyzerArn=analyzer.arn).code == "ValidationException"


def test_the_users_and_roles_that_policies_name_are_inside(plane: InProcess) -> None:
    """A policy is kept with the ids of users and roles, which do not tell their accounts."""
    it = Trusted(plane)
    user = plane.client("iam").create_user(UserName="alice")["User"]["Arn"]
    iam = plane.client("iam", it.key)
    role = iam.create_role(RoleName="trusting", AssumeRolePolicyDocument=trusting(AWS=user))["Role"]["Arn"]
    own = plane.client("accessanalyzer", it.key).create_analyzer(analyzerName="account", type="ACCOUNT")["arn"]
    analyzer = it.analyzer()
    assert analyzer.findings(role) == []
    wanted = {"resource": {"eq": [role]}}
    found = plane.client("accessanalyzer", it.key).list_findings(analyzerArn=own, filter=wanted)["findings"]
    assert [each["principal"] for each in found] == [{"AWS": user}]


# -- resource control policies ---------------------------------------------------------------------------


def perimeter(organization: str, action: str = "sqs:*") -> dict[str, Any]:
    """What denies access to those outside of an organization."""
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": "*",
        "Condition": {
            "StringNotEqualsIfExists": {"aws:PrincipalOrgID": organization},
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
    }


def restrictions(findings: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """How resource control policies restrict what findings tell of, and their statuses."""
    return [(it["resourceControlPolicyRestriction"], it["status"]) for it in findings]


def test_findings_tell_of_resource_control_policies_that_come_and_go_and_stay(plane: InProcess) -> None:
    """API Reference: "s3:DeleteObject would still be included in the list of actions for the finding"."""
    it = Trusted(plane)
    arn, own = queue(plane, it.key, it.member, root(AWAY)), queue(plane, None, ACCOUNT, root(AWAY))
    analyzer = it.analyzer()
    assert restrictions(analyzer.findings(arn)) == [("NOT_APPLICABLE", "ACTIVE")]
    (before,) = analyzer.findings(arn)
    policy = it.control(perimeter(it.id))
    (found,) = analyzer.findings(arn)
    assert restrictions([found]) == [("APPLICABLE", "ACTIVE")]
    assert (found["id"], found["action"]) == (before["id"], ["sqs:SendMessage"])
    assert found["updatedAt"] >= before["updatedAt"]
    assert restrictions(analyzer.findings(own)) == [("NOT_APPLICABLE", "ACTIVE")]  # of the management account
    wanted: dict[str, Any] = {"resourceControlPolicyRestriction": {"eq": ["APPLICABLE"]}}
    assert [each["resource"] for each in analyzer.findings(**wanted)] == [arn]
    it.organizations.detach_policy(PolicyId=policy, TargetId=it.organized.root)
    assert restrictions(analyzer.findings(arn)) == [("NOT_APPLICABLE", "ACTIVE")]


@pytest.mark.parametrize(
    ("actions", "told"),
    [
        ("sqs:DeleteQueue", "APPLICABLE"),
        (["s3:*", "SQS:*"], "APPLICABLE"),
        ("*:*", "APPLICABLE"),
        (["s3:*", "kms:*"], "NOT_APPLICABLE"),
    ],
)
def test_a_resource_control_policy_is_applicable_where_it_denies_actions_of_the_service(
    plane: InProcess, actions: Any, told: str
) -> None:
    it = Trusted(plane)
    arn = queue(plane, it.key, it.member, root(AWAY))
    it.control({"Effect": "Deny", "Principal": "*", "Resource": "*", "Action": actions})
    assert restrictions(it.analyzer().findings(arn)) == [(told, "ACTIVE")]


def test_what_no_resource_control_policy_restricts_is_told_so(plane: InProcess) -> None:
    """Topics are not among the services that resource control policies restrict."""
    it = Trusted(plane)
    it.control(perimeter(it.id, "*:*"))
    sns, listed = plane.client("sns", it.key), queue(plane, it.key, it.member, root(AWAY))
    arn = sns.create_topic(Name=fresh("shared"))["TopicArn"]
    policy = document(statement(root(AWAY), "sns:Publish", arn))
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    analyzer = it.analyzer()
    assert restrictions(analyzer.findings(arn)) == [("NOT_APPLICABLE", "ACTIVE")]
    assert restrictions(analyzer.findings(listed)) == [("APPLICABLE", "ACTIVE")]


def test_the_policies_of_every_level_count_and_a_move_changes_them(plane: InProcess) -> None:
    it = Trusted(plane)
    unit = it.organized.unit("perimeter")
    it.control(perimeter(it.id), target=unit)
    arn = queue(plane, it.key, it.member, root(AWAY))
    client = plane.client("accessanalyzer", it.key)
    own = client.create_analyzer(analyzerName="account", type="ACCOUNT")["arn"]
    analyzer = it.analyzer()

    def told() -> list[tuple[str, str]]:
        of_organization = restrictions(analyzer.findings(arn))
        found = client.list_findings(analyzerArn=own, filter={"resource": {"eq": [arn]}})["findings"]
        assert restrictions(found) == of_organization
        return of_organization

    assert told() == [("NOT_APPLICABLE", "ACTIVE")]
    it.organized.move(it.member, unit)
    assert told() == [("APPLICABLE", "ACTIVE")]
    it.organized.move(it.member, it.organized.root)
    assert told() == [("NOT_APPLICABLE", "ACTIVE")]


def test_a_preview_tells_of_resource_control_policies(plane: InProcess) -> None:
    it = Trusted(plane)
    it.control(perimeter(it.id))
    client = plane.client("accessanalyzer", it.key)
    own = client.create_analyzer(analyzerName="account", type="ACCOUNT")["arn"]
    name = fresh("shared")
    arn = f"arn:aws:sqs:us-east-1:{it.member}:{name}"
    plane.client("sqs", it.key).create_queue(QueueName=name)
    wanted = {"sqsQueue": {"queuePolicy": document(statement(root(AWAY), "sqs:SendMessage", arn))}}
    made = client.create_access_preview(analyzerArn=own, configurations={arn: wanted})["id"]
    plane.preview_access()
    found = client.list_access_preview_findings(analyzerArn=own, accessPreviewId=made)["findings"]
    assert restrictions(found) == [("APPLICABLE", "ACTIVE")]


def test_attack_a_perimeter_around_resources_does_not_hide_that_they_are_shared(plane: InProcess) -> None:
    """The evaluator denies the call; the finding stays, as the policy of the resource lets it be made."""
    it = Trusted(plane)
    stranger = plane.account(AWAY)
    arn = queue(plane, it.key, it.member, root(AWAY), "*")
    url = f"http://127.0.0.1:4566/{it.member}/{arn.rpartition(':')[2]}"
    send = plane.client("sqs", stranger).send_message
    send(QueueUrl=url, MessageBody="m")
    it.control(perimeter(it.id))
    assert "AccessDenied" in refused(send, QueueUrl=url, MessageBody="m").code
    found = it.analyzer().findings(arn)
    assert [(each["isPublic"], each["status"]) for each in found if each["principal"] == {"AWS": "*"}] == [
        (True, "ACTIVE")
    ]
    assert restrictions(found) == [("APPLICABLE", "ACTIVE")] * 2
