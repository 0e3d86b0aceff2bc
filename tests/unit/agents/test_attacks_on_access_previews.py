"""Attacks on access previews: to have one say nothing, of what is not one's own, for ever, or without end."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from locum.agents.analyzers import external
from locum.analysis.proofs import NotDecided
from locum.analysis.proofs.globs import MARKS
from locum.core.clock import DAY
from locum.services.accessanalyzer import previews as verbs
from locum.state.analyzers import AccessPreview
from support.inprocess import InProcess
from support.plane import allow, document, fresh, refused
from support.trails import ACCOUNT
from unit.agents.test_access_previews import BY_MEMBER, OTHERS, QUEUE, ROLE, TYPES, Previews, Type
from unit.agents.test_analyzers import AWAY, bucket, statement

PUBLIC = QUEUE.configured("*")


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


@pytest.fixture
def previews(plane: InProcess) -> Previews:
    return Previews(plane)


def kept(plane: InProcess) -> list[AccessPreview]:
    return list(plane.node.runtime.ledger.state.every(AccessPreview))


def code(previews: Previews, configurations: dict[str, Any], **more: Any) -> str:
    """The code with which a preview is refused, which leaves nothing behind."""
    before = {it.id for it in kept(previews.plane)}
    asked = {"analyzerArn": previews.arn, "configurations": configurations, **more}
    refusal = refused(previews.client.create_access_preview, **asked)
    assert {it.id for it in kept(previews.plane)} == before
    return refusal.code


# -- of what a preview is --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.member)
def test_attack_a_resource_of_another_account_region_or_type(previews: Previews, kind: Type) -> None:
    others = [kind.arn.replace("arn:aws:", "arn:aws-cn:"), kind.arn.replace(":us-east-1:", ":eu-west-1:")]
    others += [kind.arn.replace(ACCOUNT, AWAY), kind.arn.upper(), f"{kind.arn}*", f"{kind.arn}\n", kind.arn + "/x/*"]
    others += ["*", kind.resource, next(it.arn for it in TYPES if it.service != kind.service)]
    for arn in set(others) - {kind.arn}:
        assert code(previews, {arn: kind.configured("*")}) == "ValidationException", arn


@pytest.mark.parametrize("arn", ["arn:aws:s3:us-east-1:{}:b-1", "arn:aws:s3:::b-1/key", "arn:aws:s3:::B-1"])
def test_attack_another_spelling_of_a_bucket(previews: Previews, arn: str) -> None:
    assert code(previews, {arn.format(ACCOUNT): {"s3Bucket": {}}}) == "ValidationException"


def test_attack_another_spelling_of_a_resource_that_is_there(previews: Previews) -> None:
    """An index is a part of its table; a secret that is named by a part of its ARN has its findings."""
    plane, name = previews.plane, fresh("there")
    secrets = plane.client("secretsmanager")
    arn = secrets.create_secret(Name=name, SecretString="s")["ARN"]
    text = document(statement(OTHERS, "secretsmanager:GetSecretValue", "*"))
    secrets.put_resource_policy(SecretId=arn, ResourcePolicy=text)
    plane.analyze()
    secret = BY_MEMBER["secretsManagerSecret"]
    (found,) = previews.found(arn.rpartition("-")[0], secret.with_policy(text))
    assert (found["resource"], found["changeType"]) == (arn, "UNCHANGED")
    table = BY_MEMBER["dynamodbTable"]
    (found,) = previews.found(f"{table.arn}/index/i", table.configured("*"))
    assert found["resource"] == table.arn
    path = "aws-service-role/access-analyzer.amazonaws.com"
    linked = f"arn:aws:iam::{ACCOUNT}:role/{path}/AWSServiceRoleForAccessAnalyzer"
    assert code(previews, {linked: ROLE.configured("*")}) == "ValidationException"


def test_attack_a_bucket_of_another_account_or_region(previews: Previews) -> None:
    plane = previews.plane
    other = plane.client("s3", plane.account(AWAY))
    name, far = fresh("other"), fresh("far")
    other.create_bucket(Bucket=name)
    place = {"LocationConstraint": "eu-west-1"}
    plane.client("s3", region="eu-west-1").create_bucket(Bucket=far, CreateBucketConfiguration=place)
    for there in (name, far):
        made = previews.made(f"arn:aws:s3:::{there}", {"s3Bucket": {"bucketPolicy": ""}})
        assert made.get("statusReason") == {"code": "INVALID_CONFIGURATION"}, there


def test_a_preview_is_of_one_configuration_of_a_type_that_is_analyzed(previews: Previews) -> None:
    other = {f"{QUEUE.arn}2": PUBLIC}
    assert code(previews, {}) == code(previews, {QUEUE.arn: PUBLIC, **other}) == "ValidationException"
    snapshot = f"arn:aws:ec2:us-east-1:{ACCOUNT}:snapshot/snap-0a1b2c3d4e5f60718"
    assert code(previews, {snapshot: {"ebsSnapshot": {"groups": ["all"]}}}) == "ValidationException"
    for member in ("efsFileSystem", "s3ExpressDirectoryBucket"):
        assert code(previews, {BY_MEMBER[member].arn: {member: {}}}) == "ValidationException"
    point = {f"arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/p": {"accessPointPolicy": ""}}
    assert code(previews, {BY_MEMBER["s3Bucket"].arn: {"s3Bucket": {"accessPoints": point}}}) == "ValidationException"


def test_attack_endless_configurations(previews: Previews) -> None:
    long = document(statement("*", "sqs:SendMessage", "q" * 200_000))
    assert code(previews, {QUEUE.arn: QUEUE.with_policy(long)}) == "ValidationException"
    grant = {"granteePrincipal": AWAY, "operations": ["Decrypt"], "issuingAccount": ACCOUNT}
    many = {"kmsKey": {"grants": [grant] * 101}}
    assert code(previews, {BY_MEMBER["kmsKey"].arn: many}) == "ValidationException"
    acl = {"permission": "READ", "grantee": {"id": "0" * 64}}
    assert code(previews, {BY_MEMBER["s3Bucket"].arn: {"s3Bucket": {"bucketAclGrants": [acl] * 101}}}) == (
        "ValidationException"
    )


def test_attack_a_configuration_of_two_types_or_of_none(previews: Previews) -> None:
    """Clients check it; who writes requests by hand does not."""
    plane, topic = previews.plane, BY_MEMBER["snsTopic"]
    for configuration in ({**PUBLIC, **topic.configured(OTHERS)}, {}):
        asked = {"analyzerArn": previews.arn, "configurations": {QUEUE.arn: configuration}}
        answer = plane.send(plane.request_of("accessanalyzer", "CreateAccessPreview", asked))
        assert (answer.status, json.loads(answer.body)["reason"]) == (400, "fieldValidationFailed")
    assert kept(plane) == []


def test_attack_what_another_backend_has_is_not_taken_for_nothing(tmp_path: Any) -> None:
    """It does not tell; what is proposed as a whole needs nothing of it."""
    elsewhere = dict.fromkeys(("s3", "sqs"), "http://127.0.0.1:9")
    plane = InProcess(tmp_path, backends=elsewhere, backend_keys=("AKIAEXAMPLE", "secret"))
    try:
        previews, arn = Previews(plane), BY_MEMBER["s3Bucket"].arn
        assert previews.made(QUEUE.arn, {"sqsQueue": {}})["statusReason"] == {"code": "INTERNAL_ERROR"}
        made = previews.made(arn, BY_MEMBER["s3Bucket"].configured(OTHERS))
        assert made["statusReason"] == {"code": "INTERNAL_ERROR"}
        assert len(previews.found(QUEUE.arn, PUBLIC)) == 1
        block = {"ignorePublicAcls": False, "restrictPublicBuckets": False}
        whole = {**BY_MEMBER["s3Bucket"].configured(OTHERS)["s3Bucket"], "bucketAclGrants": []}
        assert len(previews.found(arn, {"s3Bucket": {**whole, "bucketPublicAccessBlock": block}})) == 1
    finally:
        plane.close()


# -- what cannot be decided ------------------------------------------------------------------------------


def test_attack_a_policy_too_hard_to_decide_is_not_one_that_lets_nobody_in(
    previews: Previews, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*_: Any) -> Any:
        raise NotDecided("it takes too long")

    monkeypatch.setattr(external, "_access", endless)
    made = previews.made(QUEUE.arn, PUBLIC)
    assert (made["status"], made["statusReason"]) == ("FAILED", {"code": "INTERNAL_ERROR"})
    asked = {"analyzerArn": previews.arn, "accessPreviewId": made["id"]}
    assert refused(previews.client.list_access_preview_findings, **asked).code == "ConflictException"


def test_attack_characters_that_cannot_be_analyzed(previews: Previews) -> None:
    """Whoever puts one into a policy of everybody has it no less public."""
    hidden = {**statement("*", "sqs:SendMessage", QUEUE.arn), "Sid": "A"}
    hidden["Condition"] = {"StringNotEquals": {"aws:PrincipalTag/team": chr(MARKS)}}
    made = previews.made(QUEUE.arn, QUEUE.with_policy(json.dumps({"Version": "2012-10-17", "Statement": [hidden]})))
    assert (made["status"], made["statusReason"]) == ("FAILED", {"code": "INTERNAL_ERROR"})


def test_a_preview_that_breaks_fails_and_does_not_stay_under_way(
    previews: Previews, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: Any) -> Any:
        raise KeyError("a defect")

    monkeypatch.setattr(external, "_findings", breaks)
    assert previews.made(QUEUE.arn, PUBLIC)["statusReason"] == {"code": "INTERNAL_ERROR"}


def test_without_the_solver_no_preview_is_made(previews: Previews, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)
    assert code(previews, {QUEUE.arn: PUBLIC}) == "UnprocessableEntityException"


# -- analyzers -------------------------------------------------------------------------------------------


def test_previews_are_of_analyzers_of_accounts_that_are_there(previews: Previews) -> None:
    asked = {"configurations": {QUEUE.arn: PUBLIC}}
    create, there = previews.client.create_access_preview, previews.arn
    other = previews.client.create_analyzer(analyzerName="unused", type="ACCOUNT_UNUSED_ACCESS")["arn"]
    assert refused(create, analyzerArn=other, **asked).code == "ValidationException"
    for arn in (f"{there}2", there.replace("us-east-1", "eu-west-1")):
        assert refused(create, analyzerArn=arn, **asked).code == "ResourceNotFoundException"
    foreign = there.replace(ACCOUNT, AWAY)
    assert refused(create, analyzerArn=foreign, **asked).code == "AccessDeniedException"


def test_attack_a_preview_of_an_analyzer_that_is_deleted_and_made_again(previews: Previews) -> None:
    name = previews.ask(QUEUE.arn, PUBLIC)
    previews.client.delete_analyzer(analyzerName="external")
    previews.client.create_analyzer(analyzerName="external", type="ACCOUNT")
    previews.plane.preview_access()
    assert kept(previews.plane) == []
    asked = {"analyzerArn": previews.arn, "accessPreviewId": name}
    assert refused(previews.client.get_access_preview, **asked).code == "ResourceNotFoundException"


def test_a_preview_takes_permissions_on_its_analyzer(previews: Previews) -> None:
    plane = previews.plane
    mine = {**allow("access-analyzer:*"), "Resource": previews.arn}
    other = {**allow("access-analyzer:*"), "Resource": f"{previews.arn}2"}
    asked = {"analyzerArn": previews.arn, "configurations": {QUEUE.arn: PUBLIC}}
    stranger = plane.client("accessanalyzer", plane.user(fresh("stranger"), other))
    assert refused(stranger.create_access_preview, **asked).code == "AccessDeniedException"
    owner = plane.client("accessanalyzer", plane.user(fresh("owner"), mine))
    name = owner.create_access_preview(**asked)["id"]
    plane.preview_access()
    one = {"analyzerArn": previews.arn, "accessPreviewId": name}
    assert owner.list_access_preview_findings(**one)["findings"]
    for call in (stranger.get_access_preview, stranger.list_access_preview_findings):
        assert refused(call, **one).code == "AccessDeniedException"
    assert refused(stranger.list_access_previews, analyzerArn=previews.arn).code == "AccessDeniedException"


# -- again, and for how long -----------------------------------------------------------------------------


def test_the_same_request_is_one_preview(previews: Previews) -> None:
    first = previews.ask(QUEUE.arn, PUBLIC, clientToken="once")
    previews.plane.preview_access()
    assert previews.ask(QUEUE.arn, PUBLIC, clientToken="once") == first
    assert code(previews, {QUEUE.arn: QUEUE.configured(OTHERS)}, clientToken="once") == "ConflictException"
    assert code(previews, {f"{QUEUE.arn}2": PUBLIC}, clientToken="once") == "ConflictException"
    assert previews.ask(QUEUE.arn, PUBLIC) != previews.ask(QUEUE.arn, PUBLIC)


def test_previews_are_listed_for_an_hour_and_kept_for_a_day(previews: Previews) -> None:
    plane, clock = previews.plane, previews.plane.node.runtime.clock
    name = previews.ask(QUEUE.arn, PUBLIC, clientToken="once")
    plane.preview_access()
    assert previews.listed() == [name]
    clock.move(clock.ahead + 3_600)
    assert previews.listed() == []
    assert len(previews.findings(name)) == 1
    clock.move(clock.ahead + DAY - 3_600)
    asked = {"analyzerArn": previews.arn, "accessPreviewId": name}
    for call in (previews.client.get_access_preview, previews.client.list_access_preview_findings):
        assert refused(call, **asked).code == "ResourceNotFoundException"
    assert previews.ask(QUEUE.arn, PUBLIC, clientToken="once") != name
    plane.preview_access()
    assert [it.id for it in kept(plane) if it.id == name] == []


def test_previews_are_listed_in_pages(previews: Previews) -> None:
    made = {previews.ask(f"{QUEUE.arn}{number}", PUBLIC) for number in range(5)}
    pages = previews.client.get_paginator("list_access_previews").paginate(
        analyzerArn=previews.arn, PaginationConfig={"PageSize": 2}
    )
    found = [[it["id"] for it in page["accessPreviews"]] for page in pages]
    assert [len(page) for page in found] == [2, 2, 1]
    assert {name for page in found for name in page} == made
    token = {"analyzerArn": previews.arn, "nextToken": "none"}
    assert refused(previews.client.list_access_previews, **token).code == "ValidationException"


def test_attack_thousands_of_previews(previews: Previews, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verbs, "_MOST", 3)
    clock = previews.plane.node.runtime.clock
    for number in range(3):
        previews.ask(f"{QUEUE.arn}{number}", PUBLIC)
    assert code(previews, {QUEUE.arn: PUBLIC}) == "ServiceQuotaExceededException"
    clock.move(clock.ahead - 1_800)  # a clock that is set back makes no room
    assert code(previews, {QUEUE.arn: PUBLIC}) == "ServiceQuotaExceededException"
    clock.move(clock.ahead + 5_400)
    previews.ask(QUEUE.arn, PUBLIC)


def test_a_preview_under_way_is_made_after_a_restart(previews: Previews, monkeypatch: pytest.MonkeyPatch) -> None:
    plane = previews.plane

    async def endless(*_: Any) -> Any:
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(external, "found_by", endless)
        name = previews.ask(QUEUE.arn, PUBLIC)
        assert previews.get(name)["status"] == "CREATING"
        asked = {"analyzerArn": previews.arn, "accessPreviewId": name}
        assert refused(previews.client.list_access_preview_findings, **asked).code == "ConflictException"
        plane.close()
    plane.start()
    again = plane.client("accessanalyzer")
    plane.preview_access()
    assert again.get_access_preview(**asked)["accessPreview"]["status"] == "COMPLETED"
    (found,) = again.list_access_preview_findings(**asked)["findings"]
    plane.close()
    plane.start()
    assert plane.client("accessanalyzer").list_access_preview_findings(**asked)["findings"] == [found]


# -- lists and events ------------------------------------------------------------------------------------


def test_findings_are_filtered_by_their_keys_and_told_in_pages(previews: Previews) -> None:
    plane = previews.plane
    arn = bucket(plane, statement(OTHERS, "s3:GetObject", "{}"))
    plane.analyze()
    (existing,) = previews.analyzer.findings(arn)
    partners = [statement({"AWS": f"arn:aws:iam::{number:012}:root"}, "s3:GetObject", f"{arn}/*") for number in (1, 2)]
    text = document(*partners, statement("*", "s3:GetObjectAcl", f"{arn}/*"))
    made = previews.made(arn, {"s3Bucket": {"bucketPolicy": text}})
    name = made["id"]
    assert len(previews.findings(name)) == 4
    (gone,) = previews.findings(name, changeType={"eq": ["CHANGED"]})
    assert previews.findings(name, existingFindingId={"eq": [existing["id"]]}) == [gone]
    assert previews.findings(name, existingFindingStatus={"exists": True}) == [gone]
    assert previews.findings(name, id={"eq": [gone["id"]]}) == [gone]
    assert previews.findings(name, id={"eq": [existing["id"]]}) == []
    assert len(previews.findings(name, status={"eq": ["ACTIVE"]})) == 3
    (public,) = previews.findings(name, isPublic={"eq": ["true"]})
    assert public["action"] == ["s3:GetObjectAcl"]
    assert len(previews.findings(name, changeType={"neq": ["CHANGED"]}, resource={"eq": [arn]})) == 3
    asked = {"analyzerArn": previews.arn, "accessPreviewId": name}
    refusal = refused(previews.client.list_access_preview_findings, **asked, filter={"change": {"eq": ["NEW"]}})
    assert refusal.code == "ValidationException"
    refusal = refused(previews.client.list_findings, analyzerArn=previews.arn, filter={"changeType": {"eq": ["NEW"]}})
    assert refusal.code == "ValidationException"
    first = previews.client.list_access_preview_findings(**asked, maxResults=3)
    rest = previews.client.list_access_preview_findings(**asked, nextToken=first["nextToken"])
    assert len({it["id"] for it in [*first["findings"], *rest["findings"]]}) == 4
    assert "nextToken" not in rest


def test_rules_of_eventbridge_are_told_of_previews(previews: Previews) -> None:
    plane, name = previews.plane, fresh("told")
    events, sqs = plane.client("events"), plane.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    let = statement({"Service": "events.amazonaws.com"}, "sqs:SendMessage", queue)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(let)})
    events.put_rule(Name=name, EventPattern=json.dumps({"detail-type": ["Access Preview State Change"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue}])
    good = previews.made(QUEUE.arn, PUBLIC)["id"]
    bad = previews.made(QUEUE.arn, QUEUE.with_policy("{"))["id"]
    plane.carry_out()
    told: list[dict[str, Any]] = []
    while received := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        told += [json.loads(it["Body"]) for it in received]
    assert {(it["source"], *it["resources"], *it["detail"]["configuredResources"]) for it in told} == {
        ("aws.access-analyzer", previews.arn, QUEUE.arn)
    }
    seen = {
        (it["detail"]["accessPreviewId"], it["detail"].get("previousStatus"), it["detail"]["status"]): it["detail"]
        for it in told
    }
    assert set(seen) == {
        (good, None, "CREATING"),
        (good, "CREATING", "COMPLETED"),
        (bad, None, "CREATING"),
        (bad, "CREATING", "FAILED"),
    }
    assert seen[bad, "CREATING", "FAILED"]["statusReason"] == {"code": "INVALID_CONFIGURATION"}
