"""Analyzers of internal access find which users and roles may do something with chosen resources."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from locum.state.analyzers import AccessFinding
from support.inprocess import InProcess, Key
from support.plane import allow, document, fresh, refused, trusting
from support.stacks import Stacks, template
from support.trails import ACCOUNT

ACCOUNT_TYPE: Final = "ACCOUNT_INTERNAL_ACCESS"
BUCKETS: dict[str, Any] = {"resourceTypes": ["AWS::S3::Bucket"]}
TRUST = trusting(Service="ec2.amazonaws.com")
READ = "s3:GetObject"


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


def configured(*inclusions: dict[str, Any]) -> dict[str, Any]:
    """The configuration of an analyzer that looks at what inclusions take."""
    return {"internalAccess": {"analysisRule": {"inclusions": list(inclusions)}}}


class Analyzed:
    """An analyzer of internal access, and its findings."""

    def __init__(
        self, plane: InProcess, *inclusions: dict[str, Any], kind: str = ACCOUNT_TYPE, **settings: Any
    ) -> None:
        self.plane, self.client = plane, plane.client("accessanalyzer")
        made = {"analyzerName": "internal", "type": kind, "configuration": configured(*inclusions), **settings}
        self.arn = self.client.create_analyzer(**made)["arn"]
        plane.analyze()

    def look(self) -> None:
        """Have it look at what has changed."""
        self.plane.analyze()

    def findings(self, resource: str, **criteria: Any) -> list[dict[str, Any]]:
        """The findings about a resource, but those of the role in which it reads."""
        listed = self.client.list_findings_v2(
            analyzerArn=self.arn, filter={"resource": {"eq": [resource]}, **criteria}, maxResults=100
        )["findings"]
        found = [self.client.get_finding_v2(analyzerArn=self.arn, id=it["id"]) for it in listed]
        return [it for it in found if "/aws-service-role/" not in details(it).get("principal", {}).get("AWS", "")]

    def who(self, resource: str, status: str = "ACTIVE") -> dict[str, set[str]]:
        """The actions that principals, by their names, can do by findings of a status."""
        found: dict[str, set[str]] = {}
        for it in self.findings(resource, status={"eq": [status]}):
            name = details(it)["principal"]["AWS"].rpartition("/")[2]
            found.setdefault(name, set()).update(details(it).get("action", ()))
        return found


def details(finding: dict[str, Any]) -> dict[str, Any]:
    """The details of a finding of internal access."""
    found: dict[str, Any] = finding["findingDetails"][0]["internalAccessDetails"]
    return found


def bucket(plane: InProcess, *statements: dict[str, Any], of: Key | None = None) -> str:
    """The ARN of a bucket with that policy, in which `{}` is its ARN."""
    name, s3 = fresh("chosen"), plane.client("s3", of)
    s3.create_bucket(Bucket=name)
    s3.delete_public_access_block(Bucket=name)
    if statements:
        text = json.dumps({"Version": "2012-10-17", "Statement": statements}).replace("{}", f"arn:aws:s3:::{name}")
        s3.put_bucket_policy(Bucket=name, Policy=text)
    return f"arn:aws:s3:::{name}"


def statement(principal: Any, action: str, resource: str = "{}/*", **condition: Any) -> dict[str, Any]:
    """A statement of a resource's policy that allows."""
    made = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}
    return made | ({"Condition": condition} if condition else {})


def role(plane: InProcess, name: str, *statements: dict[str, Any], of: Key | None = None, **more: Any) -> str:
    """The ARN of a role that may do what statements say."""
    iam = plane.client("iam", of)
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, **more)["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))
    return arn


def test_a_finding_is_of_a_principal_with_its_actions(plane: InProcess) -> None:
    arn = bucket(plane)
    reader = role(plane, "reader", allow(READ, f"{arn}/*"))
    plane.user("ann", allow("s3:PutObject", f"{arn}/in/*"))
    role(plane, "elsewhere", allow("s3:*", "arn:aws:s3:::other/*"))
    role(plane, "nobody")
    analyzer = Analyzed(plane, {"resourceArns": [arn]})
    assert analyzer.who(arn) == {"reader": {READ}, "ann": {"s3:PutObject"}}
    (found,) = [it for it in analyzer.findings(arn) if details(it)["principal"]["AWS"] == reader]
    assert details(found) == {
        "principal": {"AWS": reader},
        "principalOwnerAccount": ACCOUNT,
        "principalType": "IAM_ROLE",
        "accessType": "INTRA_ACCOUNT",
        "action": [READ],
        "condition": {},
        "sources": [{"type": "POLICY"}],
        "resourceControlPolicyRestriction": "NOT_APPLICABLE",
        "serviceControlPolicyRestriction": "NOT_APPLICABLE",
    }
    told = [found[it] for it in ("findingType", "status", "resource", "resourceType", "resourceOwnerAccount")]
    assert told == ["InternalAccess", "ACTIVE", arn, "AWS::S3::Bucket", ACCOUNT]


def test_findings_follow_the_policies_of_principals(plane: InProcess) -> None:
    arn, iam = bucket(plane), plane.client("iam")
    role(plane, "reader", allow(READ, f"{arn}/*"))
    analyzer = Analyzed(plane, BUCKETS)
    (first,) = analyzer.findings(arn)
    iam.delete_role_policy(RoleName="reader", PolicyName="own")
    analyzer.look()
    assert (analyzer.who(arn), analyzer.who(arn, "RESOLVED")) == ({}, {"reader": {READ}})
    tagging = document(allow("s3:Get*Tagging", f"{arn}/*"))
    iam.put_role_policy(RoleName="reader", PolicyName="other", PolicyDocument=tagging)
    analyzer.look()
    assert analyzer.who(arn) == {"reader": {"s3:GetObjectTagging", "s3:GetObjectVersionTagging"}}
    iam.put_role_policy(RoleName="reader", PolicyName="other", PolicyDocument=document(allow(READ, f"{arn}/*")))
    analyzer.look()
    (again,) = [it for it in analyzer.findings(arn) if it["status"] == "ACTIVE"]
    assert (again["id"], details(again)["action"]) == (first["id"], [READ])


def test_findings_follow_groups_managed_policies_and_boundaries(plane: InProcess) -> None:
    arn, iam = bucket(plane), plane.client("iam")
    plane.user("ann")
    iam.create_group(GroupName="staff")
    iam.add_user_to_group(GroupName="staff", UserName="ann")
    held = iam.create_policy(PolicyName="held", PolicyDocument=document(allow("sqs:*")))["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="staff", PolicyArn=held)
    analyzer = Analyzed(plane, BUCKETS)
    assert analyzer.who(arn) == {}
    writing = document(allow("s3:PutObject", f"{arn}/*"))
    iam.create_policy_version(PolicyArn=held, PolicyDocument=writing, SetAsDefault=True)
    analyzer.look()
    assert analyzer.who(arn) == {"ann": {"s3:PutObject"}}
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=document(allow("s3:Get*")))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=bound)
    analyzer.look()
    assert analyzer.who(arn) == {}
    iam.delete_user_permissions_boundary(UserName="ann")
    analyzer.look()
    assert analyzer.who(arn) == {"ann": {"s3:PutObject"}}
    iam.remove_user_from_group(GroupName="staff", UserName="ann")
    analyzer.look()
    assert analyzer.who(arn) == {}


def test_findings_follow_the_policy_of_the_resource(plane: InProcess) -> None:
    role(plane, "named")
    role(plane, "reader", allow(READ))
    let = statement({"AWS": f"arn:aws:iam::{ACCOUNT}:role/named"}, "s3:PutObject")
    arn = bucket(plane, let)
    analyzer = Analyzed(plane, BUCKETS)
    assert analyzer.who(arn) == {"named": {"s3:PutObject"}, "reader": {READ}}
    policy = {"Version": "2012-10-17", "Statement": {**statement("*", READ, f"{arn}/*"), "Effect": "Deny"}}
    plane.client("s3").put_bucket_policy(Bucket=arn.rpartition(":")[2], Policy=json.dumps(policy))
    analyzer.look()
    assert analyzer.who(arn) == {}
    plane.client("s3").delete_bucket_policy(Bucket=arn.rpartition(":")[2])
    analyzer.look()
    assert analyzer.who(arn) == {"reader": {READ}}


def test_conditions_of_what_lets_are_told_each_with_its_actions(plane: InProcess) -> None:
    arn = bucket(plane)
    near = {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.168.0.0/16"]}}
    until = {"DateLessThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}
    own = {"StringEquals": {"aws:PrincipalTag/team": "red"}}
    statements = [allow(READ, f"{arn}/*", **near), allow("s3:PutObject", f"{arn}/*", **until)]
    role(plane, "reader", *statements, allow("s3:DeleteObject", f"{arn}/*", **own))
    analyzer = Analyzed(plane, BUCKETS)
    told = {tuple(details(it)["action"]): details(it)["condition"] for it in analyzer.findings(arn)}
    assert told == {
        (READ,): {"aws:SourceIp": "10.0.0.0/8,192.168.0.0/16"},
        ("s3:PutObject",): {"aws:CurrentTime": "2020-01-01T00:00:00Z"},
    }
    plane.client("iam").tag_role(RoleName="reader", Tags=[{"Key": "team", "Value": "red"}])
    analyzer.look()
    assert "s3:DeleteObject" in analyzer.who(arn)["reader"]


def test_what_an_inclusion_by_type_takes_is_seen_when_it_is_made_and_when_it_goes(plane: InProcess) -> None:
    role(plane, "reader", allow([READ, "dynamodb:GetItem"]))
    analyzer = Analyzed(plane, BUCKETS)
    arn = bucket(plane)
    plane.client("dynamodb").create_table(
        TableName="left-out",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    analyzer.look()
    assert analyzer.who(arn) == {"reader": {READ}}
    listed = analyzer.client.list_analyzed_resources(analyzerArn=analyzer.arn)["analyzedResources"]
    assert {it["resourceType"] for it in listed} == {"AWS::S3::Bucket"}
    plane.client("s3").delete_bucket(Bucket=arn.rpartition(":")[2])
    analyzer.look()
    assert (analyzer.who(arn), analyzer.who(arn, "RESOLVED")) == ({}, {"reader": {READ}})


def test_every_type_of_resource_that_there_is_is_analyzed(plane: InProcess) -> None:
    dynamodb, rds = plane.client("dynamodb"), plane.client("rds")
    key = {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
    defined = [{"AttributeName": "k", "AttributeType": "S"}]
    streams = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    table = dynamodb.create_table(TableName="chosen", AttributeDefinitions=defined, StreamSpecification=streams, **key)[
        "TableDescription"
    ]
    access = {"MasterUsername": "admin", "MasterUserPassword": "password1"}
    instance = {"DBInstanceClass": "db.t3.micro", "Engine": "mysql", "AllocatedStorage": 20}
    rds.create_db_instance(DBInstanceIdentifier="db", **instance, **access)
    rds.create_db_cluster(DBClusterIdentifier="cluster", Engine="aurora-mysql", **access)
    of_db = rds.create_db_snapshot(DBSnapshotIdentifier="one", DBInstanceIdentifier="db")["DBSnapshot"]
    made = rds.create_db_cluster_snapshot(DBClusterSnapshotIdentifier="two", DBClusterIdentifier="cluster")
    of_cluster = made["DBClusterSnapshot"]
    arns = {
        table["TableArn"]: ("dynamodb:Query", "AWS::DynamoDB::Table"),
        table["LatestStreamArn"]: ("dynamodb:GetRecords", "AWS::DynamoDB::Stream"),
        of_db["DBSnapshotArn"]: ("rds:CopyDBSnapshot", "AWS::RDS::DBSnapshot"),
        of_cluster["DBClusterSnapshotArn"]: ("rds:CopyDBClusterSnapshot", "AWS::RDS::DBClusterSnapshot"),
    }
    for action, _ in arns.values():
        role(plane, action.partition(":")[2], allow(action))
    analyzer = Analyzed(plane, {})
    for arn, (action, kind) in arns.items():
        assert analyzer.who(arn) == {action.partition(":")[2]: {action}}, arn
        assert {it["resourceType"] for it in analyzer.findings(arn)} == {kind}
    rds.delete_db_snapshot(DBSnapshotIdentifier="one")
    analyzer.look()
    assert analyzer.who(of_db["DBSnapshotArn"]) == {}


@pytest.mark.parametrize(
    ("inclusion", "member"),
    [
        ({"resourceTypes": ["AWS::KMS::Key"]}, "resourceTypes"),
        ({"accountIds": [ACCOUNT]}, "accountIds"),
        ({"resourceArns": ["arn:aws:s3:::chosen/object"]}, "resourceArns"),
        ({"resourceArns": ["arn:aws:s3:::chosen*"]}, "resourceArns"),
        ({"resourceArns": ["arn:aws-cn:s3:::chosen"]}, "resourceArns"),
        ({"resourceArns": [f"arn:aws:s3:us-east-1:{ACCOUNT}:chosen"]}, "resourceArns"),
        ({"resourceArns": [f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue"]}, "resourceArns"),
        ({"resourceArns": [f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/t/index/i"]}, "resourceArns"),
        ({"resourceArns": ["chosen"]}, "resourceArns"),
    ],
)
def test_an_inclusion_that_could_take_nothing_is_refused(
    plane: InProcess, inclusion: dict[str, Any], member: str
) -> None:
    client = plane.client("accessanalyzer")
    made = {"analyzerName": "internal", "type": ACCOUNT_TYPE, "configuration": configured(inclusion)}
    refusal = refused(client.create_analyzer, **made)
    assert (refusal.code, member in refusal.message) == ("ValidationException", True)
    assert client.list_analyzers()["analyzers"] == []
    analyzer = Analyzed(plane, BUCKETS)
    refusal = refused(client.update_analyzer, analyzerName="internal", configuration=configured(inclusion))
    assert refusal.code == "ValidationException"
    assert client.get_analyzer(analyzerName="internal")["analyzer"]["configuration"] == configured(BUCKETS)
    assert analyzer.arn.endswith("/internal")


def test_an_analyzer_has_the_configuration_of_its_type_and_there_is_one_of_each(plane: InProcess) -> None:
    client = plane.client("accessanalyzer")
    unused = {"unusedAccess": {"unusedAccessAge": 30}}
    refusal = refused(client.create_analyzer, analyzerName="internal", type=ACCOUNT_TYPE, configuration=unused)
    assert refusal.code == "ValidationException"
    refusal = refused(client.create_analyzer, analyzerName="a", type="ACCOUNT", configuration=configured(BUCKETS))
    assert refusal.code == "ValidationException"
    analyzer = Analyzed(plane, BUCKETS)
    told = client.get_analyzer(analyzerName="internal")["analyzer"]
    assert (told["type"], told["configuration"]) == (ACCOUNT_TYPE, configured(BUCKETS))
    refusal = refused(client.create_analyzer, analyzerName="other", type=ACCOUNT_TYPE)
    assert refusal.code == "ServiceQuotaExceededException"
    assert refused(client.list_findings, analyzerArn=analyzer.arn).code == "ValidationException"
    arn = "arn:aws:s3:::chosen"
    refusal = refused(client.start_resource_scan, analyzerArn=analyzer.arn, resourceArn=arn)
    assert refusal.code == "ValidationException"


def test_what_inclusions_take_no_more_is_resolved_and_what_they_take_is_analyzed(plane: InProcess) -> None:
    one, two = bucket(plane), bucket(plane)
    role(plane, "reader", allow(READ))
    analyzer = Analyzed(plane, {"resourceArns": [one]})
    assert (set(analyzer.who(one)), analyzer.who(two)) == ({"reader"}, {})
    tables = {"resourceTypes": ["AWS::DynamoDB::Table"]}
    wanted = configured({"resourceArns": [two], **BUCKETS}, tables)
    answer = analyzer.client.update_analyzer(analyzerName="internal", configuration=wanted)
    assert answer["configuration"] == wanted
    analyzer.look()
    assert (analyzer.who(one), set(analyzer.who(two))) == ({}, {"reader"})
    neither = configured({"resourceArns": [two], **tables})
    analyzer.client.update_analyzer(analyzerName="internal", configuration=neither)
    analyzer.look()
    assert analyzer.who(two) == {}


def test_archive_rules_and_filters_are_about_principals_and_conditions(plane: InProcess) -> None:
    arn = bucket(plane)
    near = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    known = role(plane, "known", allow(READ, f"{arn}/*"))
    role(plane, "near", allow(READ, f"{arn}/*", **near))
    plane.user("ann", allow("s3:PutObject", f"{arn}/*"))
    rule = {"ruleName": "known", "filter": {"principal.AWS": {"eq": [known]}}}
    analyzer = Analyzed(plane, BUCKETS, archiveRules=[rule])
    assert (set(analyzer.who(arn)), set(analyzer.who(arn, "ARCHIVED"))) == ({"near", "ann"}, {"known"})

    def named(**criteria: Any) -> set[str]:
        return {details(it)["principal"]["AWS"].rpartition("/")[2] for it in analyzer.findings(arn, **criteria)}

    assert named(principalType={"eq": ["IAM_USER"]}) == {"ann"}
    assert named(accessType={"neq": ["INTRA_ACCOUNT"]}) == set()
    assert named(serviceControlPolicyRestriction={"eq": ["NOT_APPLICABLE"]}) == {"known", "near", "ann"}
    assert named(action={"contains": ["Put"]}) == {"ann"}
    assert named(**{"condition.aws:SourceIp": {"exists": True}}) == {"near"}
    assert named(findingType={"eq": ["ExternalAccess"]}) == set()
    listed = analyzer.client.list_findings_v2
    refusal = refused(listed, analyzerArn=analyzer.arn, filter={"isPublic": {"eq": ["false"]}})
    assert refusal.code == "ValidationException"


def test_statistics_count_findings_by_type_and_status(plane: InProcess) -> None:
    arn = bucket(plane)
    role(plane, "reader", allow(READ, f"{arn}/*"))
    analyzer = Analyzed(plane, {"resourceArns": [arn]})
    plane.client("iam").delete_role_policy(RoleName="reader", PolicyName="own")
    analyzer.look()
    ours = list(plane.node.runtime.ledger.state.every(AccessFinding))
    active = sum(it.status == "ACTIVE" for it in ours)
    totals = {"totalActiveFindings": active, "totalArchivedFindings": 0, "totalResolvedFindings": 1}
    (told,) = analyzer.client.get_findings_statistics(analyzerArn=analyzer.arn)["findingsStatistics"]
    counted = {"resourceTypeStatistics": {"AWS::S3::Bucket": totals}, **totals}
    assert told == {"internalAccessFindingsStatistics": counted}


def test_rules_of_eventbridge_are_told_of_findings(plane: InProcess) -> None:
    name = fresh("told")
    events, sqs = plane.client("events"), plane.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    let = statement({"Service": "events.amazonaws.com"}, "sqs:SendMessage", queue)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(let)})
    events.put_rule(Name=name, EventPattern=json.dumps({"detail-type": ["Internal Access Finding"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue}])
    arn = bucket(plane)
    reader = role(plane, "reader", allow(READ, f"{arn}/*"))
    analyzer = Analyzed(plane, {"resourceArns": [arn]})
    plane.carry_out()
    told: list[dict[str, Any]] = []
    while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        told += [json.loads(it["Body"]) for it in received]
    (event,) = [it for it in told if it["detail"]["principal"]["AWS"] == reader]
    assert (event["source"], event["resources"]) == ("aws.access-analyzer", [analyzer.arn])
    detail = event["detail"]
    assert {name: detail[name] for name in detail if not name.endswith("At") and name != "id"} == {
        "version": "1.0",
        "status": "ACTIVE",
        "findingType": "InternalAccess",
        "resource": arn,
        "resourceType": "AWS::S3::Bucket",
        "accountId": ACCOUNT,
        "principal": {"AWS": reader},
        "principalOwnerAccount": ACCOUNT,
        "principalType": "IAM_ROLE",
        "accessType": "INTRA_ACCOUNT",
        "action": [READ],
        "condition": {},
        "resourceControlPolicyRestrictionType": "NOT_APPLICABLE",
        "serviceControlPolicyRestrictionType": "NOT_APPLICABLE",
        "isDeleted": False,
    }


def test_a_stack_makes_an_analyzer_and_changes_what_it_looks_at(plane: InProcess) -> None:
    stacks, client = Stacks(plane), plane.client("accessanalyzer")

    def body(*kinds: str) -> str:
        rule = {"InternalAccessAnalysisRule": {"Inclusions": [{"ResourceTypes": list(kinds)}]}}
        chosen = {"AnalyzerConfiguration": {"InternalAccessConfiguration": rule}}
        properties = {"AnalyzerName": "stacked", "Type": ACCOUNT_TYPE, **chosen}
        return template({"Analyzer": {"Type": "AWS::AccessAnalyzer::Analyzer", "Properties": properties}})

    assert stacks.create("analyzed", body("AWS::S3::Bucket")) == "CREATE_COMPLETE"
    made = client.get_analyzer(analyzerName="stacked")["analyzer"]
    assert made["configuration"] == configured(BUCKETS)
    assert stacks.update("analyzed", body("AWS::DynamoDB::Table")) == "UPDATE_COMPLETE"
    changed = client.get_analyzer(analyzerName="stacked")["analyzer"]
    assert changed["configuration"] == configured({"resourceTypes": ["AWS::DynamoDB::Table"]})
    assert changed["createdAt"] == made["createdAt"]
    stacks.delete("analyzed")
    assert client.list_analyzers()["analyzers"] == []
