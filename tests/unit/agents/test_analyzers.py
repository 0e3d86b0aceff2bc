"""Analyzers find who outside of an account may do something in it, and see when that changes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from locum.agents.analyzers import external
from locum.analysis.proofs import NotDecided
from support.inprocess import InProcess
from support.plane import allow, document, fresh, refused, trusting
from support.stacks import Stacks, template
from support.trails import ACCOUNT

AWAY = "444455556666"
PARTNER = "555566667777"


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


def statement(principal: Any, action: str, resource: str, **condition: Any) -> dict[str, Any]:
    """A statement that allows."""
    made = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}
    return made | ({"Condition": condition} if condition else {})


class Analyzed:
    """An analyzer, and its findings."""

    def __init__(self, plane: InProcess, **settings: Any) -> None:
        self.plane, self.client = plane, plane.client("accessanalyzer")
        self.arn = self.client.create_analyzer(analyzerName="external", type="ACCOUNT", **settings)["arn"]
        plane.analyze()

    def look(self) -> None:
        """Have it look at what has changed."""
        self.plane.analyze()

    def findings(self, resource: str = "", **criteria: Any) -> list[dict[str, Any]]:
        """Its findings, about a resource where that is given."""
        wanted = {**({"resource": {"eq": [resource]}} if resource else {}), **criteria}
        found: list[dict[str, Any]] = self.client.list_findings(analyzerArn=self.arn, filter=wanted)["findings"]
        return found

    def status(self, resource: str) -> list[str]:
        """The statuses of the findings about a resource."""
        return [finding["status"] for finding in self.findings(resource)]


def bucket(plane: InProcess, *statements: dict[str, Any]) -> str:
    """The ARN of a bucket with that policy, whose resources are `{}`."""
    name = fresh("shared")
    s3 = plane.client("s3")
    s3.create_bucket(Bucket=name)
    s3.delete_public_access_block(Bucket=name)
    arn = f"arn:aws:s3:::{name}"
    if statements:
        text = json.dumps({"Version": "2012-10-17", "Statement": statements}).replace("{}", f"{arn}/*")
        s3.put_bucket_policy(Bucket=name, Policy=text)
    return arn


def test_public_and_cross_account_access_is_found_and_what_stays_inside_is_not(plane: InProcess) -> None:
    public = bucket(plane, statement("*", "s3:GetObject", "{}"))
    shared = bucket(plane, statement({"AWS": f"arn:aws:iam::{AWAY}:root"}, "s3:GetObject", "{}"))
    inside = bucket(plane, statement({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "s3:*", "{}"))
    denied = bucket(plane, statement("*", "s3:GetObject", "{}"), {**statement("*", "s3:*", "{}"), "Effect": "Deny"})
    analyzer = Analyzed(plane)
    (found,) = analyzer.findings(public)
    assert (found["principal"], found["isPublic"], found["action"]) == ({"AWS": "*"}, True, ["s3:GetObject"])
    assert (found["status"], found["resourceType"], found["resourceOwnerAccount"]) == (
        "ACTIVE",
        "AWS::S3::Bucket",
        ACCOUNT,
    )
    (found,) = analyzer.findings(shared)
    assert (found["principal"], found["isPublic"]) == ({"AWS": AWAY}, False)
    assert analyzer.findings(inside) == analyzer.findings(denied) == []
    listed = analyzer.client.list_analyzed_resources(analyzerArn=analyzer.arn)["analyzedResources"]
    assert {public, shared, inside, denied} <= {it["resourceArn"] for it in listed}


def test_a_finding_resolves_and_comes_back_with_its_policy(plane: InProcess) -> None:
    arn = bucket(plane, statement("*", "s3:GetObject", "{}"))
    name, s3 = arn.rpartition(":")[2], plane.client("s3")
    policy = s3.get_bucket_policy(Bucket=name)["Policy"]
    analyzer = Analyzed(plane)
    (first,) = analyzer.findings(arn)
    s3.delete_bucket_policy(Bucket=name)
    analyzer.look()
    assert analyzer.status(arn) == ["RESOLVED"]
    s3.put_bucket_policy(Bucket=name, Policy=policy)
    analyzer.look()
    (again,) = analyzer.findings(arn)
    assert (again["status"], again["id"]) == ("ACTIVE", first["id"])
    s3.delete_bucket(Bucket=name)
    analyzer.look()
    assert analyzer.status(arn) == ["RESOLVED"]
    refusal = refused(analyzer.client.get_analyzed_resource, analyzerArn=analyzer.arn, resourceArn=arn)
    assert refusal.code == "ResourceNotFoundException"


def test_the_trust_of_roles_is_analyzed(plane: InProcess) -> None:
    iam, analyzer = plane.client("iam"), Analyzed(plane)
    external = {"StringEquals": {"sts:ExternalId": "x"}}
    roles = {
        "strangers": trusting(AWS=f"arn:aws:iam::{AWAY}:root"),
        "partner": trusting(external, AWS=f"arn:aws:iam::{PARTNER}:root"),
        "service": trusting(Service="ec2.amazonaws.com"),
        "own": trusting(AWS=f"arn:aws:iam::{ACCOUNT}:root"),
    }
    arns = {
        name: iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        for name, trust in roles.items()
    }
    analyzer.look()
    assert [it["principal"] for it in analyzer.findings(arns["strangers"])] == [{"AWS": AWAY}]
    assert [it["principal"] for it in analyzer.findings(arns["partner"])] == [{"AWS": PARTNER}]
    assert analyzer.findings(arns["service"]) == analyzer.findings(arns["own"]) == []
    iam.update_assume_role_policy(RoleName="strangers", PolicyDocument=roles["own"])
    analyzer.look()
    assert analyzer.status(arns["strangers"]) == ["RESOLVED"]


def test_every_kind_of_resource_is_analyzed(plane: InProcess) -> None:
    everyone = {"AWS": f"arn:aws:iam::{AWAY}:root"}
    name = fresh("shared")
    sqs, sns, kms, secrets = (plane.client(it) for it in ("sqs", "sns", "kms", "secretsmanager"))
    queue, topic = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}", f"arn:aws:sns:us-east-1:{ACCOUNT}:{name}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"Policy": document(statement(everyone, "sqs:SendMessage", queue))}
    )
    sns.create_topic(Name=name)
    policy = document(statement(everyone, "sns:Publish", topic))
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    own = statement({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "kms:*", "*")
    key = kms.create_key(Policy=document(own, statement(everyone, "kms:Decrypt", "*")))["KeyMetadata"]["Arn"]
    secret = secrets.create_secret(Name=name, SecretString="s")["ARN"]
    secrets.put_resource_policy(
        SecretId=name, ResourcePolicy=document(statement(everyone, "secretsmanager:GetSecretValue", "*"))
    )
    analyzer = Analyzed(plane)
    for arn in (queue, topic, key, secret):
        assert [it["principal"] for it in analyzer.findings(arn)] == [{"AWS": AWAY}], arn


def test_archive_rules_archive_what_is_new_and_what_there_is_when_they_are_applied(plane: InProcess) -> None:
    known = {"principal.AWS": {"eq": [AWAY]}}
    shared = bucket(plane, statement({"AWS": f"arn:aws:iam::{AWAY}:root"}, "s3:GetObject", "{}"))
    public = bucket(plane, statement("*", "s3:GetObject", "{}"))
    analyzer = Analyzed(plane, archiveRules=[{"ruleName": "partner", "filter": known}])
    assert (analyzer.status(shared), analyzer.status(public)) == (["ARCHIVED"], ["ACTIVE"])
    client = analyzer.client
    client.create_archive_rule(analyzerName="external", ruleName="open", filter={"isPublic": {"eq": ["true"]}})
    assert analyzer.status(public) == ["ACTIVE"]
    client.apply_archive_rule(analyzerArn=analyzer.arn, ruleName="open")
    assert analyzer.status(public) == ["ARCHIVED"]
    (finding,) = analyzer.findings(public)
    client.update_findings(analyzerArn=analyzer.arn, ids=[finding["id"]], status="ACTIVE")
    assert analyzer.status(public) == ["ACTIVE"]
    analyzer.look()
    assert analyzer.status(public) == ["ACTIVE"]
    assert [rule["ruleName"] for rule in client.list_archive_rules(analyzerName="external")["archiveRules"]] == [
        "open",
        "partner",
    ]
    client.delete_archive_rule(analyzerName="external", ruleName="open")
    assert refused(client.get_archive_rule, analyzerName="external", ruleName="open").code == (
        "ResourceNotFoundException"
    )


def test_findings_are_counted_by_the_types_of_their_resources(plane: InProcess) -> None:
    away = f"arn:aws:iam::{AWAY}:root"
    for principal in ("*", {"AWS": away}):
        bucket(plane, statement(principal, "s3:GetObject", "{}"))
    gone = bucket(plane, statement("*", "s3:GetObject", "{}"))
    plane.client("iam").create_role(RoleName="shared", AssumeRolePolicyDocument=trusting(AWS=away))
    analyzer = Analyzed(plane)
    plane.client("s3").delete_bucket(Bucket=gone.rpartition(":")[2])
    analyzer.look()
    told = analyzer.client.get_findings_statistics(analyzerArn=analyzer.arn)
    (found,) = [it["externalAccessFindingsStatistics"] for it in told["findingsStatistics"]]
    active = analyzer.findings(status={"eq": ["ACTIVE"]})  # moto's buckets are those of all tests of this process
    assert [found[f"total{name}Findings"] for name in ("Active", "Archived", "Resolved")] == [len(active), 0, 1]
    by_type = found["resourceTypeStatistics"]
    assert by_type["AWS::IAM::Role"] == {"totalActivePublic": 0, "totalActiveCrossAccount": 1, "totalActiveErrors": 0}
    shared = [it["isPublic"] for it in active if it["resourceType"] == "AWS::S3::Bucket"]
    counted = by_type["AWS::S3::Bucket"]
    assert (counted["totalActivePublic"], counted["totalActiveCrossAccount"]) == (sum(shared), shared.count(False))


def test_rules_of_eventbridge_are_told_of_findings(plane: InProcess) -> None:
    name = fresh("told")
    events, sqs = plane.client("events"), plane.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    let = statement({"Service": "events.amazonaws.com"}, "sqs:SendMessage", queue)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(let)})
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.access-analyzer"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue}])
    arn = bucket(plane, statement("*", "s3:GetObject", "{}"))
    analyzer = Analyzed(plane)
    plane.carry_out()
    told: list[dict[str, Any]] = []
    while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        told += [json.loads(it["Body"]) for it in received]
    (event,) = [it for it in told if it["detail"]["resource"] == arn]
    assert (event["detail-type"], event["resources"]) == ("Access Analyzer Finding", [analyzer.arn])
    assert (event["detail"]["status"], event["detail"]["isPublic"]) == ("ACTIVE", True)


def test_an_analyzer_needs_a_role_that_its_maker_may_create_and_there_is_one_a_region(plane: InProcess) -> None:
    maker = plane.client("accessanalyzer", plane.user("maker", allow("access-analyzer:*")))
    refusal = refused(maker.create_analyzer, analyzerName="external", type="ACCOUNT")
    assert "iam:CreateServiceLinkedRole" in refusal.message
    analyzer = Analyzed(plane)
    role = plane.client("iam").get_role(RoleName="AWSServiceRoleForAccessAnalyzer")["Role"]
    assert role["Path"] == "/aws-service-role/access-analyzer.amazonaws.com/"
    client = analyzer.client
    assert refused(client.create_analyzer, analyzerName="external", type="ACCOUNT").code == "ConflictException"
    assert refused(client.create_analyzer, analyzerName="other", type="ACCOUNT").code == (
        "ServiceQuotaExceededException"
    )
    assert [it["name"] for it in client.list_analyzers(type="ACCOUNT")["analyzers"]] == ["external"]
    client.delete_analyzer(analyzerName="external")
    assert refused(client.list_findings, analyzerArn=analyzer.arn).code == "ResourceNotFoundException"


def test_attack_a_policy_that_cannot_be_analyzed_in_time_is_no_reason_to_say_nothing(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not decided has a finding with an error, not none."""

    def endless(*_: Any) -> Any:
        raise NotDecided("it takes too long")

    arn = bucket(plane, statement({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "s3:GetObject", "{}"))
    monkeypatch.setattr(external, "_access", endless)
    analyzer = Analyzed(plane)
    told = analyzer.client.get_analyzed_resource(analyzerArn=analyzer.arn, resourceArn=arn)["resource"]
    assert told["error"] == "INTERNAL_ERROR"
    assert [(it["error"], it["status"]) for it in analyzer.findings(arn)] == [("INTERNAL_ERROR", "ACTIVE")]


def test_a_scan_is_asked_for(plane: InProcess) -> None:
    analyzer = Analyzed(plane)
    arn = bucket(plane, statement("*", "s3:GetObject", "{}"))
    analyzer.client.start_resource_scan(analyzerArn=analyzer.arn, resourceArn=arn)
    analyzer.look()
    assert analyzer.status(arn) == ["ACTIVE"]
    told = analyzer.client.get_analyzed_resource(analyzerArn=analyzer.arn, resourceArn=arn)["resource"]
    assert (told["isPublic"], told["actions"], told["status"]) == (True, ["s3:GetObject"], "ACTIVE")
    v2 = analyzer.client.list_findings_v2(analyzerArn=analyzer.arn)["findings"]
    detail = analyzer.client.get_finding_v2(analyzerArn=analyzer.arn, id=v2[0]["id"])
    assert detail["findingDetails"][0]["externalAccessDetails"]["principal"] == {"AWS": "*"}


def test_a_stack_makes_changes_and_deletes_an_analyzer(plane: InProcess) -> None:
    stacks = Stacks(plane)
    rule = {"RuleName": "open", "Filter": [{"Property": "isPublic", "Eq": ["true"]}]}
    other = {"RuleName": "partner", "Filter": [{"Property": "principal.AWS", "Eq": [AWAY]}]}
    properties = {"AnalyzerName": "stacked", "Type": "ACCOUNT", "Tags": [{"Key": "team", "Value": "red"}]}
    client = plane.client("accessanalyzer")

    def body(*rules: dict[str, Any]) -> str:
        made = {"Type": "AWS::AccessAnalyzer::Analyzer", "Properties": {**properties, "ArchiveRules": rules}}
        return template({"Analyzer": made})

    stacks.create("analyzed", body(rule))
    analyzer = client.get_analyzer(analyzerName="stacked")["analyzer"]
    assert analyzer["tags"]["team"] == "red"
    stacks.update("analyzed", body({**rule, "Filter": [{"Property": "isPublic", "Eq": ["false"]}]}, other))
    rules = client.list_archive_rules(analyzerName="stacked")["archiveRules"]
    assert [(it["ruleName"], it["filter"]) for it in rules] == [
        ("open", {"isPublic": {"eq": ["false"]}}),
        ("partner", {"principal.AWS": {"eq": [AWAY]}}),
    ]
    stacks.delete("analyzed")
    assert client.list_analyzers()["analyzers"] == []


def test_a_stack_changes_and_deletes_an_analyzer_that_it_has_named(plane: InProcess) -> None:
    stacks, client = Stacks(plane), plane.client("accessanalyzer")

    def analyzer(days: int) -> dict[str, Any]:
        configuration = {"UnusedAccessConfiguration": {"UnusedAccessAge": days}}
        properties = {"Type": "ACCOUNT_UNUSED_ACCESS", "AnalyzerConfiguration": configuration}
        return {"Type": "AWS::AccessAnalyzer::Analyzer", "Properties": properties}

    stacks.create("unnamed", template({"Unused": analyzer(30)}))
    for days in (40, 50, 60):
        stacks.update("unnamed", template({"Unused": analyzer(days)}))
        (found,) = client.list_analyzers(type="ACCOUNT_UNUSED_ACCESS")["analyzers"]
        assert found["configuration"]["unusedAccess"]["unusedAccessAge"] == days
    stacks.delete("unnamed")
    assert client.list_analyzers(type="ACCOUNT_UNUSED_ACCESS")["analyzers"] == []


def test_the_archive_rules_of_a_new_analyzer_have_the_limits_of_others(plane: InProcess) -> None:
    client = plane.client("accessanalyzer")
    rule = {"ruleName": "open", "filter": {"isPublic": {"eq": ["true"]}}}
    wanted = {"analyzerName": "external", "type": "ACCOUNT"}
    assert refused(client.create_analyzer, **wanted, archiveRules=[rule, rule]).code == "ConflictException"
    many = [{**rule, "ruleName": f"r{number}"} for number in range(101)]
    assert refused(client.create_analyzer, **wanted, archiveRules=many).code == "ServiceQuotaExceededException"
    client.create_analyzer(**wanted, archiveRules=many[:100])
    refusal = refused(client.create_archive_rule, analyzerName="external", **many[100])
    assert refusal.code == "ServiceQuotaExceededException"


def test_an_analyzer_that_could_analyze_nothing_is_not_made(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the solver, each policy would be a finding with an error."""
    monkeypatch.setitem(sys.modules, "z3", None)
    client = plane.client("accessanalyzer")
    told = refused(client.create_analyzer, analyzerName="external", type="ACCOUNT")
    assert told.code == "UnprocessableEntityException"
    assert "pip install 'locum[analyze]'" in told.message
    assert client.list_analyzers()["analyzers"] == []
