"""Analyzers of unused access find roles, keys, passwords and permissions that nobody has used for so long."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from support.inprocess import InProcess, Key
from support.plane import allow, document, refused
from support.stacks import Stacks, template
from support.trails import ACCOUNT
from support.unused_access import KIND, Unused


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


@pytest.fixture
def unused(plane: InProcess) -> Unused:
    return Unused(plane)


@pytest.fixture
def user(plane: InProcess) -> Key:
    """The key of a user who assumes roles."""
    return plane.user("assumes", allow("sts:AssumeRole"))


def test_a_role_that_nobody_has_used_for_so_long_is_found_and_resolved_when_it_is_used(
    unused: Unused, user: Key
) -> None:
    idle = unused.role("idle")
    unused.make().after(89)
    assert unused.findings(idle) == []
    unused.after(2)
    (found,) = unused.findings(idle)
    assert (found["findingType"], found["resourceType"], found["status"]) == (
        "UnusedIAMRole",
        "AWS::IAM::Role",
        "ACTIVE",
    )
    assert (found["resourceOwnerAccount"], found["findingDetails"]) == (ACCOUNT, [{"unusedIamRoleDetails": {}}])
    unused.plane.client("sts", unused.session(idle, user)).get_caller_identity()
    unused.after(1)
    assert unused.types(idle) == []
    (resolved,) = unused.findings(idle, status={"eq": ["RESOLVED"]})
    unused.after(91)
    (again,) = unused.findings(idle)
    assert (again["id"], again["status"], resolved["id"]) == (found["id"], "ACTIVE", found["id"])
    assert "lastAccessed" in again["findingDetails"][0]["unusedIamRoleDetails"]


def test_roles_that_are_services_own_or_younger_than_the_tracking_period_are_left_out(unused: Unused) -> None:
    unused.make(configuration={"unusedAccess": {"unusedAccessAge": 30}})
    old = unused.role("old")
    unused.after(29)
    young = unused.role("young")
    unused.after(2)
    assert (unused.types(old), unused.types(young)) == (["UnusedIAMRole"], [])
    assert not [it for it in unused.findings() if "aws-service-role" in it["resource"]]


def test_keys_and_passwords_that_nobody_uses_are_found_until_they_are_gone(unused: Unused, plane: InProcess) -> None:
    key = plane.user("ann", allow("s3:ListAllMyBuckets"))
    unused.iam.create_login_profile(UserName="ann", Password="correct-Horse-7-battery")
    second = unused.iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]
    ann = f"arn:aws:iam::{ACCOUNT}:user/ann"
    unused.make().after(80)
    plane.client("s3", key).list_buckets()
    unused.after(20)
    assert unused.types(ann) == ["UnusedIAMUserAccessKey", "UnusedIAMUserPassword"]
    (found,) = unused.findings(ann, findingType={"eq": ["UnusedIAMUserAccessKey"]})
    assert found["findingDetails"] == [{"unusedIamUserAccessKeyDetails": {"accessKeyId": second}}]
    unused.iam.update_access_key(UserName="ann", AccessKeyId=second, Status="Inactive")
    unused.plane.analyze()  # at the next look at what has changed
    assert unused.types(ann) == ["UnusedIAMUserPassword"]
    unused.iam.delete_login_profile(UserName="ann")
    unused.plane.analyze()
    assert unused.types(ann) == []


def test_permissions_that_are_not_used_are_told_by_service_and_by_action_of_services_that_are(
    unused: Unused, user: Key, plane: InProcess
) -> None:
    role = unused.role("works", "s3:ListAllMyBuckets", "s3:GetObject", "sqs:*", "iam:PassRole")
    unused.make().after(80)
    plane.client("s3", unused.session(role, user)).list_buckets()
    unused.after(20)
    assert unused.types(role) == ["UnusedPermission"]
    assert unused.unused(role) == {"s3": ["GetObject"], "sqs": None}
    (found,) = unused.findings(role)
    s3, sqs = (it["unusedPermissionDetails"] for it in found["findingDetails"])
    assert "lastAccessed" in s3
    assert "lastAccessed" not in sqs
    unused.iam.put_role_policy(
        RoleName="works", PolicyName="own", PolicyDocument=document(allow("s3:ListAllMyBuckets"))
    )
    unused.plane.analyze()
    assert unused.types(role) == []


def test_the_details_of_a_finding_are_told_page_by_page(unused: Unused, user: Key, plane: InProcess) -> None:
    role = unused.role("works", "s3:ListAllMyBuckets", "sqs:*", "sns:*", "ec2:*", "kms:*")
    unused.make().after(80)
    plane.client("s3", unused.session(role, user)).list_buckets()
    unused.after(20)
    (found,) = unused.findings(role)
    told: list[str] = []
    asked: dict[str, Any] = {"analyzerArn": unused.arn, "id": found["id"], "maxResults": 3}
    while True:
        page = unused.client.get_finding_v2(**asked)
        told += [it["unusedPermissionDetails"]["serviceNamespace"] for it in page["findingDetails"]]
        if "nextToken" not in page:
            break
        asked["nextToken"] = page["nextToken"]
    assert told == ["ec2", "kms", "sns", "sqs"]


def test_users_and_roles_with_excluded_tags_have_no_findings(unused: Unused) -> None:
    tagged = unused.role("backup", Tags=[{"Key": "kind", "Value": "backup"}])
    other = unused.role("other", Tags=[{"Key": "kind", "Value": "web"}])
    rule = {"exclusions": [{"resourceTags": [{"kind": "backup"}]}]}
    unused.make(configuration={"unusedAccess": {"unusedAccessAge": 10, "analysisRule": rule}}).after(11)
    assert (unused.types(tagged), unused.types(other)) == ([], ["UnusedIAMRole"])
    any_value = {"unusedAccess": {"analysisRule": {"exclusions": [{"resourceTags": [{"kind": ""}]}]}}}
    made = unused.client.update_analyzer(analyzerName="unused", configuration=any_value)["configuration"]
    assert made == {"unusedAccess": {**any_value["unusedAccess"], "unusedAccessAge": 10}}
    unused.plane.analyze()
    assert unused.types(other) == []
    none: dict[str, Any] = {"unusedAccess": {"analysisRule": {"exclusions": []}, "unusedAccessAge": 5}}
    unused.client.update_analyzer(analyzerName="unused", configuration=none)
    unused.plane.analyze()
    assert (unused.types(tagged), unused.types(other)) == (["UnusedIAMRole"], ["UnusedIAMRole"])
    told = unused.client.get_analyzer(analyzerName="unused")["analyzer"]
    assert told["configuration"] == {"unusedAccess": {"unusedAccessAge": 5}}


@pytest.mark.parametrize(
    ("configuration", "told"),
    [
        ({"unusedAccess": {"unusedAccessAge": 0}}, "from 1 to 365"),
        ({"unusedAccess": {"unusedAccessAge": 366}}, "from 1 to 365"),
        ({"unusedAccess": {"analysisRule": {"exclusions": [{"accountIds": ["444455556666"]}]}}}, "of an organization"),
        ({"unusedAccess": {"analysisRule": {"exclusions": [{"resourceTags": [{"AWS:x": ""}]}]}}}, "begin with aws:"),
        ({"unusedAccess": {"analysisRule": {"exclusions": [{"resourceTags": [{"": ""}]}]}}}, "1 to 128"),
        ({"unusedAccess": {"analysisRule": {"exclusions": [{"resourceTags": [{"k": "v" * 257}]}]}}}, "256"),
        ({"internalAccess": {}}, "not the configuration"),
    ],
)
def test_a_configuration_that_breaks_a_rule_is_refused_and_changes_nothing(
    unused: Unused, configuration: dict[str, Any], told: str
) -> None:
    create = unused.client.create_analyzer
    refusal = refused(create, analyzerName="unused", type=KIND, configuration=configuration)
    assert (refusal.code, told in refusal.message) == ("ValidationException", True)
    assert unused.client.list_analyzers()["analyzers"] == []
    unused.make()
    before = unused.client.get_analyzer(analyzerName="unused")["analyzer"]["configuration"]
    assert before == {"unusedAccess": {"unusedAccessAge": 90}}
    refusal = refused(unused.client.update_analyzer, analyzerName="unused", configuration=configuration)
    assert refusal.code == "ValidationException"
    assert unused.client.get_analyzer(analyzerName="unused")["analyzer"]["configuration"] == before


def test_an_account_has_one_analyzer_of_unused_access_beside_one_of_external_access(unused: Unused) -> None:
    unused.make()
    create = unused.client.create_analyzer
    assert refused(create, analyzerName="other", type=KIND).code == "ServiceQuotaExceededException"
    wrong = {"unusedAccess": {"unusedAccessAge": 9}}
    refusal = refused(create, analyzerName="external", type="ACCOUNT", configuration=wrong)
    assert refusal.code == "ValidationException"
    create(analyzerName="external", type="ACCOUNT")


def test_what_is_for_analyzers_of_external_access_is_refused(unused: Unused) -> None:
    role = unused.role("idle")
    unused.make(configuration={"unusedAccess": {"unusedAccessAge": 1}}).after(2)
    (found,), of = unused.findings(role), {"analyzerArn": unused.arn}
    client = unused.client
    for call, more in (
        (client.list_findings, {}),
        (client.get_finding, {"id": found["id"]}),
        (client.start_resource_scan, {"resourceArn": role}),
        (client.get_analyzed_resource, {"resourceArn": role}),
        (client.list_analyzed_resources, {}),
        (client.list_findings_v2, {"filter": {"isPublic": {"eq": ["true"]}}}),
        (client.list_findings_v2, {"filter": {"principal.AWS": {"eq": [ACCOUNT]}}}),
    ):
        assert refused(call, **of, **more).code == "ValidationException", call
    for rule in ({"isPublic": {"eq": ["true"]}}, {"status": {"eq": ["ACTIVE"]}}, {"id": {"eq": [found["id"]]}}):
        refusal = refused(client.create_archive_rule, analyzerName="unused", ruleName="r", filter=rule)
        assert refusal.code == "ValidationException", rule
    assert client.list_archive_rules(analyzerName="unused")["archiveRules"] == []


def test_findings_are_archived_by_rules_and_by_hand(unused: Unused) -> None:
    rule = {"ruleName": "backups", "filter": {"resource": {"contains": ["backup"]}}}
    backup, other = unused.role("backup"), unused.role("other")
    unused.make(configuration={"unusedAccess": {"unusedAccessAge": 1}}, archiveRules=[rule]).after(2)
    ((first,), (second,)) = unused.findings(backup), unused.findings(other)
    assert (first["status"], second["status"]) == ("ARCHIVED", "ACTIVE")
    unused.client.update_findings(analyzerArn=unused.arn, ids=[second["id"]], status="ARCHIVED")
    unused.after(1)
    assert [it["status"] for it in unused.findings(other)] == ["ARCHIVED"]
    sort = {"attributeName": "resource", "orderBy": "DESC"}
    listed = unused.client.list_findings_v2(analyzerArn=unused.arn, sort=sort)["findings"]
    assert [it["resource"] for it in listed] == [other, backup]


def test_findings_are_counted(unused: Unused, user: Key, plane: InProcess) -> None:
    for name in ("one", "two", "three"):
        unused.role(name)
    role = unused.role("works", "s3:*")
    unused.make().after(95)
    plane.client("s3", unused.session(role, user)).list_buckets()
    unused.after(1)
    (idle,) = unused.findings(f"arn:aws:iam::{ACCOUNT}:role/three")
    unused.client.update_findings(analyzerArn=unused.arn, ids=[idle["id"]], status="ARCHIVED")
    told = unused.client.get_findings_statistics(analyzerArn=unused.arn)
    (statistics,) = told["findingsStatistics"]
    found = statistics["unusedAccessFindingsStatistics"]
    by_type = {it["unusedAccessType"]: it["total"] for it in found["unusedAccessTypeStatistics"]}
    assert by_type == {
        "UnusedIAMRole": 2,
        "UnusedIAMUserAccessKey": 0,
        "UnusedIAMUserPassword": 0,
        "UnusedPermission": 1,
    }
    assert (found["totalActiveFindings"], found["totalArchivedFindings"]) == (3, 1)
    (account,) = found["topAccounts"]
    assert (account["account"], account["numberOfActiveFindings"]) == (ACCOUNT, 3)
    assert account["details"] == {"UnusedIAMRole": 2, "UnusedPermission": 1}


def test_rules_of_eventbridge_are_told_of_unused_access(unused: Unused, plane: InProcess, user: Key) -> None:
    events, sqs = plane.client("events"), plane.client("sqs")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:told"
    let = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:*", "Resource": queue}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(let)})
    events.put_rule(Name="told", EventPattern=json.dumps({"source": ["aws.access-analyzer"]}))
    events.put_targets(Rule="told", Targets=[{"Id": "queue", "Arn": queue}])
    role = unused.role("works", "s3:ListAllMyBuckets", "s3:GetObject", "sns:*")
    unused.make().after(91)
    plane.client("s3", unused.session(role, user)).list_buckets()
    unused.after(1)
    plane.client("s3", unused.session(role, user)).list_buckets()
    unused.after(1)  # later uses change when s3 was used, and nothing of what is unused
    plane.carry_out()
    told: list[dict[str, Any]] = []
    while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        told += [json.loads(it["Body"]) for it in received]
    of_role = [it for it in told if it["detail"]["resource"] == role]
    assert {it["detail-type"] for it in of_role} == {"Unused Access Finding for IAM entities"}
    shown = [(it["detail"]["findingType"], it["detail"]["previousStatus"], it["detail"]["status"]) for it in of_role]
    assert sorted(shown) == [
        ("UnusedIAMRole", "", "ACTIVE"),
        ("UnusedIAMRole", "ACTIVE", "RESOLVED"),
        ("UnusedPermission", "", "ACTIVE"),
    ]
    (permission,) = [it["detail"] for it in of_role if it["detail"]["findingType"] == "UnusedPermission"]
    assert (permission["numberOfUnusedServices"], permission["numberOfUnusedActions"]) == (1, 1)


def test_a_stack_makes_changes_and_deletes_an_analyzer_of_unused_access(plane: InProcess) -> None:
    stacks, client = Stacks(plane), plane.client("accessanalyzer")
    tags = [[{"Key": "kind", "Value": "backup"}], [{"Key": "team", "Value": ""}]]

    def body(**configuration: Any) -> str:
        properties = {
            "AnalyzerName": "stacked",
            "Type": KIND,
            "AnalyzerConfiguration": {"UnusedAccessConfiguration": configuration},
        }
        return template({"Analyzer": {"Type": "AWS::AccessAnalyzer::Analyzer", "Properties": properties}})

    stacks.create("analyzed", body(UnusedAccessAge=30, AnalysisRule={"Exclusions": [{"ResourceTags": tags}]}))
    made = client.get_analyzer(analyzerName="stacked")["analyzer"]["configuration"]["unusedAccess"]
    assert made["unusedAccessAge"] == 30
    assert made["analysisRule"] == {"exclusions": [{"resourceTags": [{"kind": "backup"}, {"team": ""}]}]}
    cloudcontrol = plane.client("cloudcontrol")
    (listed,) = cloudcontrol.list_resources(TypeName="AWS::AccessAnalyzer::Analyzer")["ResourceDescriptions"]
    told = cloudcontrol.get_resource(TypeName="AWS::AccessAnalyzer::Analyzer", Identifier=listed["Identifier"])
    shown = json.loads(told["ResourceDescription"]["Properties"])["AnalyzerConfiguration"]
    assert shown["UnusedAccessConfiguration"] == {
        "UnusedAccessAge": 30,
        "AnalysisRule": {"Exclusions": [{"ResourceTags": tags}]},
    }
    stacks.update("analyzed", body(UnusedAccessAge=60))
    made = client.get_analyzer(analyzerName="stacked")["analyzer"]["configuration"]["unusedAccess"]
    assert made == {"unusedAccessAge": 60}
    stacks.delete("analyzed")
    assert client.list_analyzers()["analyzers"] == []
