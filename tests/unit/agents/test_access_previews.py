"""Access previews tell what an analyzer will find, before there is anything to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from support.inprocess import InProcess
from support.plane import document, fresh, refused, trusting
from support.trails import ACCOUNT
from unit.agents.test_analyzers import AWAY, Analyzed, bucket, statement

OWNED = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
OTHERS = {"AWS": f"arn:aws:iam::{AWAY}:root"}
EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.fixture
def plane(tmp_path: Any) -> Iterator[InProcess]:
    """A plane for one test."""
    running = InProcess(tmp_path)
    yield running
    running.close()


class Previews:
    """The access previews of an analyzer."""

    def __init__(self, plane: InProcess, **settings: Any) -> None:
        self.plane, self.analyzer = plane, Analyzed(plane, **settings)
        self.client, self.arn = self.analyzer.client, self.analyzer.arn

    def ask(self, resource: str, configuration: Mapping[str, Any], **more: Any) -> str:
        """The id of a new preview."""
        asked = self.client.create_access_preview(
            analyzerArn=self.arn, configurations={resource: configuration}, **more
        )
        return str(asked["id"])

    def made(self, resource: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """A preview that is made."""
        name = self.ask(resource, configuration)
        self.plane.preview_access()
        return self.get(name)

    def get(self, name: str) -> dict[str, Any]:
        """A preview."""
        found = self.client.get_access_preview(analyzerArn=self.arn, accessPreviewId=name)["accessPreview"]
        return dict(found)

    def listed(self) -> list[str]:
        """The ids of the previews that are listed."""
        return [it["id"] for it in self.client.list_access_previews(analyzerArn=self.arn)["accessPreviews"]]

    def findings(self, name: str, **criteria: Any) -> list[dict[str, Any]]:
        """The findings of a preview."""
        asked = self.client.list_access_preview_findings(analyzerArn=self.arn, accessPreviewId=name, filter=criteria)
        return list(asked["findings"])

    def found(self, resource: str, configuration: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The findings of a preview that is made."""
        made = self.made(resource, configuration)
        assert made["status"] == "COMPLETED", made
        return self.findings(made["id"])


@pytest.fixture
def previews(plane: InProcess) -> Previews:
    return Previews(plane)


class Type(NamedTuple):
    """A type of configuration: its member, that with the policy, the service and resource in an ARN, and an action."""

    member: str
    policy: str
    service: str
    resource: str
    action: str

    @property
    def arn(self) -> str:
        """The ARN of a resource that is not there."""
        place = {"iam": f":{ACCOUNT}", "s3": ":"}.get(self.service, f"us-east-1:{ACCOUNT}")
        return f"arn:aws:{self.service}:{place}:{self.resource}"

    def configured(self, principal: Any) -> dict[str, Any]:
        """A configuration with a policy that lets somebody in."""
        made = statement(principal, self.action, self.arn)
        if self.member in ("iamRole", "ecrRepository"):
            made.pop("Resource")
        return self.with_policy(document(made))

    def with_policy(self, text: str) -> dict[str, Any]:
        """A configuration with that policy."""
        return {self.member: {self.policy: {"default": text} if self.member == "kmsKey" else text}}


TYPES = (
    Type("dynamodbStream", "streamPolicy", "dynamodb", "table/t/stream/2026-01-01T00:00:00.000", "dynamodb:GetRecords"),
    Type("dynamodbTable", "tablePolicy", "dynamodb", "table/t", "dynamodb:GetItem"),
    Type("ecrRepository", "repositoryPolicy", "ecr", "repository/r", "ecr:BatchGetImage"),
    Type("efsFileSystem", "fileSystemPolicy", "elasticfilesystem", "file-system/fs-0a1b2c3d",
         "elasticfilesystem:ClientMount"),
    Type("iamRole", "trustPolicy", "iam", "role/r", "sts:AssumeRole"),
    Type("kmsKey", "keyPolicies", "kms", "key/0a1b2c3d", "kms:Decrypt"),
    Type("s3Bucket", "bucketPolicy", "s3", "proposed-bucket", "s3:ListBucket"),
    Type("s3ExpressDirectoryBucket", "bucketPolicy", "s3express", "bucket/b--use1-az4--x-s3",
         "s3express:CreateSession"),
    Type("secretsManagerSecret", "secretPolicy", "secretsmanager", "secret:s-AbCdEf", "secretsmanager:GetSecretValue"),
    Type("snsTopic", "topicPolicy", "sns", "t", "sns:Publish"),
    Type("sqsQueue", "queuePolicy", "sqs", "q", "sqs:SendMessage"),
)  # fmt: skip
BY_MEMBER = {kind.member: kind for kind in TYPES}
QUEUE, ROLE = BY_MEMBER["sqsQueue"], BY_MEMBER["iamRole"]

each_type = pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.member)


@each_type
def test_who_a_new_resource_would_let_in_is_told_before_it_is_there(previews: Previews, kind: Type) -> None:
    (public,) = previews.found(kind.arn, kind.configured({"AWS": "*"}))
    assert (public["principal"], public["isPublic"], public["action"]) == ({"AWS": "*"}, True, [kind.action])
    assert (public["changeType"], public["status"], public["resource"]) == ("NEW", "ACTIVE", kind.arn)
    assert public["resourceOwnerAccount"] == ACCOUNT
    assert "existingFindingId" not in public
    (shared,) = previews.found(kind.arn, kind.configured(OTHERS))
    assert (shared["principal"], shared["isPublic"]) == ({"AWS": AWAY}, False)
    assert previews.found(kind.arn, kind.configured(OWNED)) == []


@each_type
def test_a_policy_that_its_service_would_refuse_fails(previews: Previews, kind: Type) -> None:
    for text in ("{", document({"Effect": "Allow", "Principal": "*", "Action": "none"})):
        made = previews.made(kind.arn, kind.with_policy(text))
        assert (made["status"], made["statusReason"]) == ("FAILED", {"code": "INVALID_CONFIGURATION"})
        assert made["configurations"] == {kind.arn: kind.with_policy(text)}
        asked = {"analyzerArn": previews.arn, "accessPreviewId": made["id"]}
        assert refused(previews.client.list_access_preview_findings, **asked).code == "ConflictException"


@pytest.mark.parametrize("member", sorted(set(BY_MEMBER) - {"iamRole", "efsFileSystem", "s3ExpressDirectoryBucket"}))
def test_a_new_resource_without_a_policy_lets_nobody_in(previews: Previews, member: str) -> None:
    assert previews.found(BY_MEMBER[member].arn, {member: {}}) == []


def test_roles_and_keys_have_a_policy(previews: Previews) -> None:
    key = BY_MEMBER["kmsKey"]
    for kind, content in (
        (ROLE, {}),
        (ROLE, {"trustPolicy": ""}),
        (key, {"keyPolicies": {"default": ""}}),
        (key, {"keyPolicies": {"other": document(statement("*", "kms:*", "*"))}}),
    ):
        made = previews.made(kind.arn, {kind.member: content})
        assert made["statusReason"] == {"code": "INVALID_CONFIGURATION"}, content


# -- what is there already -------------------------------------------------------------------------------


class Made(NamedTuple):
    """A resource that is there, and what sets its policy."""

    arn: str
    put: Callable[[str], object]


def _queue(plane: InProcess, name: str) -> Made:
    sqs = plane.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    return Made(
        f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}",
        lambda text: sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text}),
    )


def _topic(plane: InProcess, name: str) -> Made:
    sns = plane.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    return Made(
        arn,
        lambda text: sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text),
    )


def _key(plane: InProcess, _name: str) -> Made:
    kms = plane.client("kms")
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    settings = {"KeyId": arn, "PolicyName": "default", "BypassPolicyLockoutSafetyCheck": True}
    return Made(arn, lambda text: kms.put_key_policy(**settings, Policy=text))


def _secret(plane: InProcess, name: str) -> Made:
    secrets = plane.client("secretsmanager")
    arn = secrets.create_secret(Name=name, SecretString="s")["ARN"]
    return Made(arn, lambda text: secrets.put_resource_policy(SecretId=arn, ResourcePolicy=text))


def _repository(plane: InProcess, name: str) -> Made:
    ecr = plane.client("ecr")
    arn = ecr.create_repository(repositoryName=name)["repository"]["repositoryArn"]
    return Made(arn, lambda text: ecr.set_repository_policy(repositoryName=name, policyText=text))


def _table(plane: InProcess, name: str) -> Made:
    dynamodb = plane.client("dynamodb")
    made = dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    arn = made["TableDescription"]["TableArn"]
    return Made(arn, lambda text: dynamodb.put_resource_policy(ResourceArn=arn, Policy=text))


def _bucket(plane: InProcess, _name: str) -> Made:
    arn, s3 = bucket(plane), plane.client("s3")
    return Made(arn, lambda text: s3.put_bucket_policy(Bucket=arn.rpartition(":")[2], Policy=text))


def _role(plane: InProcess, name: str) -> Made:
    iam = plane.client("iam")
    own = trusting(AWS=f"arn:aws:iam::{ACCOUNT}:root")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=own)["Role"]["Arn"]
    return Made(arn, lambda text: iam.update_assume_role_policy(RoleName=name, PolicyDocument=text))


MAKERS: dict[str, Callable[[InProcess, str], Made]] = {
    "dynamodbTable": _table,
    "ecrRepository": _repository,
    "iamRole": _role,
    "kmsKey": _key,
    "s3Bucket": _bucket,
    "secretsManagerSecret": _secret,
    "snsTopic": _topic,
    "sqsQueue": _queue,
}


def _told(findings: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What findings say, of access that there is."""
    return sorted(
        (str(it["principal"]), it["action"], str(it["condition"]), it["isPublic"], it["status"], it.get("sources"))
        for it in findings
        if it["status"] != "RESOLVED"
    )


@pytest.mark.parametrize("member", MAKERS)
def test_what_is_previewed_is_found_when_it_is_deployed(previews: Previews, member: str) -> None:
    """A partner by conditions, a user of this installation by its id, an account in a denial: all of it agrees."""
    plane, kind = previews.plane, BY_MEMBER[member]
    other = plane.account(AWAY)
    plane.user("known", of=other)
    made = MAKERS[member](plane, fresh("there"))
    head = {} if member in ("iamRole", "ecrRepository") else {"Resource": made.arn}
    mine = {**head, "Effect": "Allow", "Action": kind.action}
    owned = {**mine, "Action": f"{kind.action.partition(':')[0]}:*", "Principal": OWNED}
    first = document({**mine, "Principal": OTHERS}, owned)
    made.put(first)
    plane.analyze()
    (existing,) = previews.analyzer.findings(made.arn)
    condition = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}
    text = document(
        {**mine, "Principal": {"AWS": "*"}, "Condition": condition},
        {**mine, "Principal": {"AWS": f"arn:aws:iam::{AWAY}:user/known"}},
        owned,
    )
    assert [it["changeType"] for it in previews.found(made.arn, {member: {}})] == ["UNCHANGED"]
    found = previews.found(made.arn, kind.with_policy(text))
    (gone,) = [it for it in found if it["changeType"] == "CHANGED"]
    assert (gone["status"], gone["existingFindingStatus"]) == ("RESOLVED", "ACTIVE")
    assert (gone["existingFindingId"], gone["principal"]) == (existing["id"], {"AWS": AWAY})
    assert {it["changeType"] for it in found if it is not gone} == {"NEW"}
    assert len(found) == 3
    assert previews.analyzer.status(made.arn) == ["ACTIVE"], "a preview changes nothing"
    made.put(text)
    plane.analyze()
    assert _told(previews.analyzer.findings(made.arn)) == _told(found)


@pytest.mark.parametrize("member", sorted(set(MAKERS) - {"iamRole", "kmsKey"}))
def test_an_empty_policy_removes_the_one_that_is_there(previews: Previews, member: str) -> None:
    kind = BY_MEMBER[member]
    made = MAKERS[member](previews.plane, fresh("there"))
    head = {} if member == "ecrRepository" else {"Resource": made.arn}
    made.put(document({**head, "Effect": "Allow", "Action": kind.action, "Principal": OTHERS}))
    previews.plane.analyze()
    (gone,) = previews.found(made.arn, kind.with_policy(""))
    assert (gone["changeType"], gone["status"], gone["existingFindingStatus"]) == ("CHANGED", "RESOLVED", "ACTIVE")


def test_access_that_comes_back_and_access_that_grows_are_changes(previews: Previews) -> None:
    plane = previews.plane
    made = _queue(plane, fresh("there"))
    shared = {"Effect": "Allow", "Principal": OTHERS, "Resource": made.arn}
    made.put(document({**shared, "Action": "sqs:SendMessage"}))
    plane.analyze()
    more = document({**shared, "Action": ["sqs:SendMessage", "sqs:ReceiveMessage"]})
    (grown,) = previews.found(made.arn, QUEUE.with_policy(more))
    assert (grown["changeType"], grown["status"], grown["existingFindingStatus"]) == ("CHANGED", "ACTIVE", "ACTIVE")
    made.put("")
    plane.analyze()
    assert previews.found(made.arn, {"sqsQueue": {}}) == []
    (back,) = previews.found(made.arn, QUEUE.with_policy(more))
    assert (back["changeType"], back["status"], back["existingFindingStatus"]) == ("CHANGED", "ACTIVE", "RESOLVED")


def test_archive_rules_count_for_access_that_is_new(plane: InProcess) -> None:
    partner = {"ruleName": "partner", "filter": {"principal.AWS": {"eq": [AWAY]}}}
    previews = Previews(plane, archiveRules=[partner])
    (shared,) = previews.found(QUEUE.arn, QUEUE.configured(OTHERS))
    (public,) = previews.found(QUEUE.arn, QUEUE.configured("*"))
    assert (shared["status"], public["status"]) == ("ARCHIVED", "ACTIVE")
    made = _queue(plane, fresh("there"))
    text = document(statement(OTHERS, "sqs:SendMessage", made.arn))
    made.put(text)
    plane.analyze()
    (finding,) = previews.analyzer.findings(made.arn)
    previews.client.update_findings(analyzerArn=previews.arn, ids=[finding["id"]], status="ACTIVE")
    (kept,) = previews.found(made.arn, QUEUE.with_policy(text))
    assert (kept["changeType"], kept["status"]) == ("UNCHANGED", "ACTIVE")
