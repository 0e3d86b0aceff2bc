"""Policies of resources, put with boto3: refused in each service's words, and kept as AWS keeps them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pytest

from support.inprocess import REGION, InProcess, refusal

HOME: Final = "000000000000"
ROOT: Final = f"arn:aws:iam::{HOME}:root"
UNKNOWN: Final = "111122223333"


def document(*statements: dict[str, Any], **members: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **members})


class Service(NamedTuple):
    """A service with a resource of one kind: how it is made, how its policy is put and read, and its error.

    `make` returns the parameters that name the resource, and its ARN. `lacks_resource`: its statements have none.
    """

    name: str
    make: Callable[[Any, str], tuple[dict[str, Any], str]]
    put: Callable[[Any, dict[str, Any], str], Any]
    get: Callable[[Any, dict[str, Any]], str]
    action: str
    code: str
    lacks_resource: bool = False

    def statement(self, arn: str, **changes: Any) -> dict[str, Any]:
        """A statement that the service takes, with `changes`; None removes an element."""
        sid = f"s{len(json.dumps(changes))}"  # moto's EventBridge cannot do without
        made = {"Sid": sid, "Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": self.action}
        if not self.lacks_resource:
            made["Resource"] = f"{arn}/*" if self.name == "s3" else arn
        return {name: value for name, value in {**made, **changes}.items() if value is not None}


def _bucket(client: Any, name: str) -> tuple[dict[str, Any], str]:
    client.create_bucket(Bucket=name)
    return {"Bucket": name}, f"arn:aws:s3:::{name}"


def _queue(client: Any, name: str) -> tuple[dict[str, Any], str]:
    return {"QueueUrl": client.create_queue(QueueName=name)["QueueUrl"]}, f"arn:aws:sqs:{REGION}:{HOME}:{name}"


def _topic(client: Any, name: str) -> tuple[dict[str, Any], str]:
    arn = client.create_topic(Name=name)["TopicArn"]
    return {"TopicArn": arn}, arn


def _key(client: Any, name: str) -> tuple[dict[str, Any], str]:
    arn = client.create_key(Description=name)["KeyMetadata"]["Arn"]
    return {"KeyId": arn}, arn


def _secret(client: Any, name: str) -> tuple[dict[str, Any], str]:
    arn = client.create_secret(Name=name, SecretString="s")["ARN"]
    return {"SecretId": arn}, arn


def _table(client: Any, name: str) -> tuple[dict[str, Any], str]:
    arn = client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    return {"ResourceArn": arn}, arn


def _repository(client: Any, name: str) -> tuple[dict[str, Any], str]:
    arn = client.create_repository(repositoryName=name)["repository"]["repositoryArn"]
    return {"repositoryName": name}, arn


def _bus(client: Any, name: str) -> tuple[dict[str, Any], str]:
    arn = client.create_event_bus(Name=name)["EventBusArn"]
    return {"EventBusName": name}, arn


def _stream(client: Any, name: str) -> tuple[dict[str, Any], str]:
    client.create_stream(StreamName=name, ShardCount=1)
    arn = client.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"]
    return {"ResourceARN": arn}, arn


def _file_system(client: Any, name: str) -> tuple[dict[str, Any], str]:
    made = client.create_file_system(CreationToken=name)
    return {"FileSystemId": made["FileSystemId"]}, made["FileSystemArn"]


def _log_policy(client: Any, name: str) -> tuple[dict[str, Any], str]:
    return {"policyName": name}, f"arn:aws:logs:{REGION}:{HOME}:log-group:{name}:*"


def _read_log_policy(client: Any, named: dict[str, Any]) -> str:
    found = client.describe_resource_policies()["resourcePolicies"]
    return str(next(one["policyDocument"] for one in found if one["policyName"] == named["policyName"]))


def _catalogue(_client: Any, _name: str) -> tuple[dict[str, Any], str]:
    return {}, f"arn:aws:glue:{REGION}:{HOME}:catalog"


SERVICES: Final = (
    Service(
        "s3",
        _bucket,
        lambda client, named, text: client.put_bucket_policy(**named, Policy=text),
        lambda client, named: client.get_bucket_policy(**named)["Policy"],
        "s3:GetObject",
        "MalformedPolicy",
    ),
    Service(
        "sqs",
        _queue,
        lambda client, named, text: client.set_queue_attributes(**named, Attributes={"Policy": text}),
        lambda client, named: client.get_queue_attributes(**named, AttributeNames=["Policy"])["Attributes"]["Policy"],
        "sqs:SendMessage",
        "InvalidAttributeValue",
    ),
    Service(
        "sns",
        _topic,
        lambda client, named, text: client.set_topic_attributes(
            **named, AttributeName="Policy", AttributeValue=text
        ),
        lambda client, named: client.get_topic_attributes(**named)["Attributes"]["Policy"],
        "sns:Publish",
        "InvalidParameter",
    ),
    Service(
        "kms",
        _key,
        lambda client, named, text: client.put_key_policy(**named, PolicyName="default", Policy=text),
        lambda client, named: client.get_key_policy(**named, PolicyName="default")["Policy"],
        "kms:*",
        "MalformedPolicyDocumentException",
    ),
    Service(
        "secretsmanager",
        _secret,
        lambda client, named, text: client.put_resource_policy(**named, ResourcePolicy=text),
        lambda client, named: client.get_resource_policy(**named)["ResourcePolicy"],
        "secretsmanager:GetSecretValue",
        "MalformedPolicyDocumentException",
    ),
    Service(
        "dynamodb",
        _table,
        lambda client, named, text: client.put_resource_policy(**named, Policy=text),
        lambda client, named: client.get_resource_policy(**named)["Policy"],
        "dynamodb:GetItem",
        "ValidationException",
    ),
    Service(
        "ecr",
        _repository,
        lambda client, named, text: client.set_repository_policy(**named, policyText=text),
        lambda client, named: client.get_repository_policy(**named)["policyText"],
        "ecr:BatchGetImage",
        "InvalidParameterException",
        lacks_resource=True,
    ),
    Service(
        "events",
        _bus,
        lambda client, named, text: client.put_permission(**named, Policy=text),
        lambda client, named: client.describe_event_bus(Name=named["EventBusName"])["Policy"],
        "events:PutEvents",
        "ValidationException",
    ),
    Service(
        "kinesis",
        _stream,
        lambda client, named, text: client.put_resource_policy(**named, Policy=text),
        lambda client, named: client.get_resource_policy(**named)["Policy"],
        "kinesis:GetRecords",
        "InvalidArgumentException",
    ),
    Service(
        "efs",
        _file_system,
        lambda client, named, text: client.put_file_system_policy(**named, Policy=text),
        lambda client, named: client.describe_file_system_policy(**named)["Policy"],
        "elasticfilesystem:ClientMount",
        "InvalidPolicyException",
    ),
    Service(
        "logs",
        _log_policy,
        lambda client, named, text: client.put_resource_policy(**named, policyDocument=text),
        _read_log_policy,
        "logs:PutLogEvents",
        "InvalidParameterException",
    ),
    Service(
        "glue",
        _catalogue,
        lambda client, named, text: client.put_resource_policy(**named, PolicyInJson=text),
        lambda client, named: client.get_resource_policy(**named)["PolicyInJson"],
        "glue:GetTable",
        "InvalidInputException",
    ),
)  # fmt: skip

each_service = pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)

MALFORMED: Final[dict[str, Callable[[Service, str], str]]] = {
    "no JSON": lambda service, arn: "no",
    "a list": lambda service, arn: "[]",
    "a list of statements": lambda service, arn: json.dumps([service.statement(arn)]),
    "an open brace": lambda service, arn: document(service.statement(arn))[:-1],
    "a duplicate member": lambda service, arn: document(service.statement(arn)).replace("{", '{"Version": "x", ', 1),
    "an unknown version": lambda service, arn: document(service.statement(arn), Version="2021-01-01"),
    "an unknown member": lambda service, arn: document(service.statement(arn), Owner="me"),
    "no statement": lambda service, arn: document(),
    "an empty document": lambda service, arn: "{}",
    "a text in place of statements": lambda service, arn: '{"Statement": "x"}',
    "an unknown element": lambda service, arn: document(service.statement(arn, Grants="all")),
    "no effect": lambda service, arn: document(service.statement(arn, Effect=None)),
    "an unknown effect": lambda service, arn: document(service.statement(arn, Effect="Permit")),
    "no principal": lambda service, arn: document(service.statement(arn, Principal=None)),
    "a principal that is a text": lambda service, arn: document(service.statement(arn, Principal=ROOT)),
    "a principal of no type": lambda service, arn: document(service.statement(arn, Principal={"Aws": ROOT})),
    "a principal in part": lambda service, arn: document(service.statement(arn, Principal={"AWS": f"{ROOT[:-4]}*"})),
    "a user who does not exist": lambda service, arn: document(
        service.statement(arn, Principal={"AWS": ROOT.replace("root", "user/nobody")})
    ),
    "a role that does not exist": lambda service, arn: document(
        service.statement(arn, Principal={"AWS": [ROOT, ROOT.replace("root", "role/nothing")]})
    ),
    "a unique id of nobody": lambda service, arn: document(
        service.statement(arn, Principal={"AWS": "AROA" + "A" * 17})
    ),
    "a service that is none": lambda service, arn: document(
        service.statement(arn, Principal={"Service": "no service"})
    ),
    "no action": lambda service, arn: document(service.statement(arn, Action=None)),
    "an action without a service": lambda service, arn: document(service.statement(arn, Action="Get")),
    "an unknown operator": lambda service, arn: document(
        service.statement(arn, Condition={"StringIs": {"aws:username": "a"}})
    ),
    "a value that is no address": lambda service, arn: document(
        service.statement(arn, Condition={"IpAddress": {"aws:SourceIp": "home"}})
    ),
}


@each_service
def test_a_malformed_policy_is_refused_in_the_services_words_and_nothing_changes(
    plane: InProcess, service: Service
) -> None:
    client = plane.client(service.name)
    named, arn = service.make(client, "malformed")
    service.put(client, named, document(service.statement(arn)))
    before = service.get(client, named)
    for what, make in MALFORMED.items():
        code, status, _ = refusal(service.put, client=client, named=named, text=make(service, arn))
        assert (what, code, status) == (what, service.code, 400)
    assert service.get(client, named) == before


@each_service
def test_a_policy_that_is_too_long_is_refused(plane: InProcess, service: Service) -> None:
    client = plane.client(service.name)
    named, arn = service.make(client, "too-long")
    conditions = {"StringEquals": {"aws:username": [f"user-{number:06}" for number in range(4_000)]}}
    text = document(service.statement(arn, Condition=conditions))
    code, _, _ = refusal(service.put, client=client, named=named, text=text)
    assert code in {service.code, "OverLimit", "LimitExceededException", "PolicyLengthExceededException"}


@each_service
def test_white_space_does_not_count_but_for_dynamodb(plane: InProcess, service: Service) -> None:
    client = plane.client(service.name)
    named, arn = service.make(client, "white-space")
    text = document(service.statement(arn)).replace(": ", ":" + " " * 20_000)
    if service.name == "dynamodb":
        assert refusal(service.put, client=client, named=named, text=text)[0] == service.code
        return
    service.put(client, named, text)
    assert json.loads(service.get(client, named))["Statement"][0]["Action"]


@each_service
def test_an_account_is_shown_as_its_root_and_a_user_by_arn_until_deleted(plane: InProcess, service: Service) -> None:
    client, iam = plane.client(service.name), plane.client("iam")
    named, arn = service.make(client, "principals")
    name = f"principal-{service.name}"
    user = iam.create_user(UserName=name, Path="/team/")["User"]
    away = f"arn:aws:iam::{UNKNOWN}:role/theirs"
    text = document(service.statement(arn), service.statement(arn, Principal={"AWS": [UNKNOWN, user["Arn"], away]}))
    service.put(client, named, text)

    def shown() -> list[str]:
        found: list[str] = json.loads(service.get(client, named))["Statement"][-1]["Principal"]["AWS"]
        return found

    account = f"arn:aws:iam::{UNKNOWN}:root"
    assert shown() == [account, user["Arn"], away]
    iam.delete_user(UserName=name)
    assert shown() == [account, user["UserId"], away]
    iam.create_user(UserName=name, Path="/team/")
    assert shown() == [account, user["UserId"], away]
    iam.delete_user(UserName=name)


def test_who_is_created_under_the_name_of_a_deleted_user_has_none_of_its_access(plane: InProcess) -> None:
    client, iam = plane.client("sqs"), plane.client("iam")
    named, arn = _queue(client, "heirloom")
    first = plane.user("heir")
    principal = {"AWS": f"arn:aws:iam::{HOME}:user/heir"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sqs:SendMessage", "Resource": arn}
    client.set_queue_attributes(**named, Attributes={"Policy": document(statement)})
    plane.client("sqs", first).send_message(**named, MessageBody="mine")
    iam.delete_access_key(UserName="heir", AccessKeyId=first.access_key_id)
    iam.delete_user(UserName="heir")
    second = plane.client("sqs", plane.user("heir"))
    assert refusal(second.send_message, **named, MessageBody="theirs")[1] == 403


# -- single services -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (
            [{"Action": [f"sqs:{name}" for name in (
                "AddPermission", "ChangeMessageVisibility", "DeleteMessage", "DeleteQueue", "GetQueueAttributes",
                "GetQueueUrl", "PurgeQueue", "ReceiveMessage", "SendMessage", "SetQueueAttributes",
            )]}],
            "10 actions were found in a statement from the submitted policy, max allowed is 7",
        ),
        ([{}] * 21, "21 statements were found in the submitted policy, max allowed is 20"),
    ],
)  # fmt: skip
def test_a_queue_policy_has_the_limits_of_sqs(plane: InProcess, statements: list[dict[str, Any]], message: str) -> None:
    client = plane.client("sqs")
    named, arn = _queue(client, "limits")
    text = document(*(SERVICES[1].statement(arn, Sid=f"s{n}", **changes) for n, changes in enumerate(statements)))
    told = refusal(client.set_queue_attributes, **named, Attributes={"Policy": text})
    assert told == ("OverLimit", 403, message)
    assert refusal(client.create_queue, QueueName="limits-2", Attributes={"Policy": text}) == told


def test_an_empty_text_removes_a_queues_policy(plane: InProcess) -> None:
    client = plane.client("sqs")
    named, arn = _queue(client, "removed")
    client.set_queue_attributes(**named, Attributes={"Policy": document(SERVICES[1].statement(arn))})
    client.set_queue_attributes(**named, Attributes={"Policy": ""})
    assert "Attributes" not in client.get_queue_attributes(**named, AttributeNames=["Policy"])


def test_a_key_policy_that_would_lock_its_caller_out_is_refused_unless_that_is_meant(plane: InProcess) -> None:
    client = plane.client("kms")
    principal = {"AWS": f"arn:aws:iam::{UNKNOWN}:root"}
    text = document({"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*"})
    told = "The new key policy will not allow you to update the key policy in the future."
    refused = ("MalformedPolicyDocumentException", 400, told)
    assert refusal(client.create_key, Policy=text) == refused
    named, _ = _key(client, "locked")
    assert refusal(client.put_key_policy, **named, PolicyName="default", Policy=text) == refused
    client.create_key(Policy=text, BypassPolicyLockoutSafetyCheck=True)


def test_an_apis_policy_may_name_it_in_short(plane: InProcess) -> None:
    client = plane.client("apigateway")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
    api = client.create_rest_api(name="short", policy=document(statement))["id"]
    patch = {"op": "replace", "path": "/policy", "value": "[]"}
    told = refusal(client.update_rest_api, restApiId=api, patchOperations=[patch])
    assert told[0] == "BadRequestException"
    assert told[2].startswith("Invalid policy document. Please check the policy syntax")


@pytest.mark.parametrize("name", ["policy", "_policy_json", "QueueArn", "account_id", "Tags"])
def test_a_policy_is_not_put_under_another_name(plane: InProcess, name: str) -> None:
    sqs, sns = plane.client("sqs"), plane.client("sns")
    queue, arn = _queue(sqs, "spellings")
    topic, _ = _topic(sns, "spellings")
    before = sns.get_topic_attributes(**topic)["Attributes"]
    text = document({"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})
    told = ("InvalidAttributeName", 400, f"Unknown Attribute {name}.")
    assert refusal(sqs.set_queue_attributes, **queue, Attributes={name: text}) == told
    assert refusal(sqs.create_queue, QueueName="spellings-2", Attributes={name: text}) == told
    refused = ("InvalidParameter", 400, "Invalid parameter: AttributeName")
    assert refusal(sns.set_topic_attributes, **topic, AttributeName=name, AttributeValue=text) == refused
    assert refusal(sns.create_topic, Name="spellings-2", Attributes={name: text}) == refused
    assert sns.get_topic_attributes(**topic)["Attributes"] == before
    assert sqs.get_queue_attributes(**queue, AttributeNames=["QueueArn"])["Attributes"] == {"QueueArn": arn}


def test_a_queues_policy_outlives_the_setting_of_other_attributes(plane: InProcess) -> None:
    client = plane.client("sqs")
    named, arn = _queue(client, "outlives")
    text = document(SERVICES[1].statement(arn))
    client.set_queue_attributes(**named, Attributes={"Policy": text})
    client.set_queue_attributes(**named, Attributes={"DelaySeconds": "5"})
    kept = client.get_queue_attributes(**named, AttributeNames=["Policy"])["Attributes"]["Policy"]
    assert json.loads(kept) == json.loads(text)
