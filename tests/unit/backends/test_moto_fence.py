"""The fence around moto: what a call looks up is in its account and in the services that the table has for it."""

from __future__ import annotations

import importlib
import json
import socket
import subprocess
from collections.abc import Callable
from threading import Thread
from types import ModuleType
from typing import Any

import pytest

from locum.backends.moto import handlers
from locum.backends.moto.lookups import Within
from locum.core.errors import Fault
from support.inprocess import InProcess, Key, refusal

HERE, AWAY, REGION = "000000000000", "444455556666", "us-east-1"
NOT_DONE = ("NotImplemented", 501)


@pytest.fixture(scope="module")
def plane(plane: InProcess) -> InProcess:
    """Its backend is loaded by the first call."""
    plane.client("sqs").list_queues()
    return plane


@pytest.fixture(scope="module")
def away(plane: InProcess) -> Key:
    """The root user of another account."""
    return plane.account(AWAY)


def code_of_moto(part: str, text: str) -> Callable[[], Any]:
    """The function `run` in `text`, as if it were in the models of `part` of moto."""
    module = ModuleType(f"moto.{part}.models")
    exec(text, module.__dict__)  # a place of moto that no table knows
    run: Callable[[], Any] = module.__dict__["run"]
    return run


# -- the mechanism -------------------------------------------------------------------------------------------

READ = "from moto.s3.models import s3_backends\ndef run(): return s3_backends['{account}']['aws'].buckets\n"
SWALLOWED = READ.replace("return", "\n  try: return") + "  except BaseException: return None\n"


@pytest.mark.parametrize("text", [READ, SWALLOWED], ids=["raised", "swallowed"])
@pytest.mark.parametrize("account", [HERE, AWAY])
def test_a_service_that_the_table_does_not_know_to_reach_another_does_not(
    plane: InProcess, text: str, account: str
) -> None:
    run = code_of_moto("polly", text.format(account=account))
    with pytest.raises(Fault) as met, Within("polly", HERE, "polly:Speak"):
        run()
    assert (met.value.code, met.value.status) == NOT_DONE


def test_a_service_does_not_reach_another_account(plane: InProcess) -> None:
    run = code_of_moto("s3", READ.format(account=AWAY))
    with pytest.raises(Fault) as met, Within("s3", HERE, "s3:GetObject"):
        run()
    assert AWAY in met.value.message
    with Within("s3", AWAY, "s3:GetObject"):
        assert run() is not None


def test_who_goes_through_all_accounts_sees_that_of_the_call(plane: InProcess, away: Key) -> None:
    for key in (None, away):
        plane.client("sqs", key).create_queue(QueueName="counted")
    every = "def run(): return {*b, *b.keys(), *dict(b.items())}, len(b.values())"
    text = f"from moto.sqs.models import sqs_backends as b\n{every}"
    with Within("sqs", AWAY, "sqs:ListQueues"):
        assert code_of_moto("sqs", text)() == ({AWAY}, 1)


def test_code_of_moto_reaches_nothing_outside_of_a_call(plane: InProcess) -> None:
    with pytest.raises(Fault, match="outside of a call"):
        code_of_moto("s3", READ.format(account=HERE))()


@pytest.mark.parametrize(
    "text",
    [
        "import socket\ndef run(): socket.create_connection(('127.0.0.1', {port}))",
        "import requests\ndef run(): requests.post('http://127.0.0.1:{port}/')",
        "import socket\ndef run(): socket.getaddrinfo('secret.example.com', 80)",
        (
            "import boto3\ndef run(): boto3.client('sts', 'us-east-1', endpoint_url='http://127.0.0.1:{port}', "
            "aws_access_key_id='a', aws_secret_access_key='b').get_caller_identity()"
        ),
        "import subprocess\ndef run(): subprocess.run(['true'])",
        "import os\ndef run(): os.system('true')",
    ],
    ids=["socket", "requests", "name", "boto3", "subprocess", "system"],
)
def test_none_of_motos_code_opens_a_connection_or_starts_a_process(plane: InProcess, text: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        run = code_of_moto("polly", text.replace("{port}", str(server.getsockname()[1])))
        with pytest.raises(Fault) as met, Within("polly", HERE):
            run()
        assert (met.value.code, met.value.status) == NOT_DONE
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize(
    "text", [READ.format(account=HERE), "import socket\ndef run(): socket.create_connection(('127.0.0.1', 9))"]
)
def test_a_thread_of_motos_reaches_nothing(plane: InProcess, text: str) -> None:
    met: list[BaseException] = []

    def work() -> None:
        with pytest.raises(Fault) as refused:
            code_of_moto("polly", text)()
        met.append(refused.value)

    with Within("polly", HERE):
        thread = Thread(target=work)
        thread.start()
        thread.join()
    assert len(met) == 1


def test_others_do_as_before(plane: InProcess) -> None:
    assert subprocess.run(["true"], check=False).returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


# -- the lines of the table that have no test elsewhere ---------------------------------------------------------


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("account", "get_alternate_contact", {"AlternateContactType": "BILLING", "AccountId": AWAY}),
        ("account", "delete_alternate_contact", {"AlternateContactType": "BILLING", "AccountId": AWAY}),
        ("ec2", "create_vpc_peering_connection", {"VpcId": "vpc-1", "PeerVpcId": "vpc-2", "PeerOwnerId": AWAY}),
    ],
    ids=["contact", "contact deleted", "peering"],
)
def test_no_call_finds_what_is_in_another_account(
    plane: InProcess, away: Key, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    if service == "ec2":
        parameters |= {"VpcId": plane.client("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]}
        parameters |= {"PeerVpcId": plane.client("ec2", away).create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]}
    else:
        contact = {"AlternateContactType": "BILLING", "EmailAddress": "a@example.com", "Name": "n", "Title": "t"}
        plane.client("account", away).put_alternate_contact(**contact, PhoneNumber="1")
    told = refusal(getattr(plane.client(service), operation), **parameters)
    assert told[0] in ("NotImplemented", "AccessDeniedException")
    if service == "account":
        found = plane.client("account", away).get_alternate_contact(AlternateContactType="BILLING")
        assert found["AlternateContact"]["EmailAddress"] == "a@example.com"


@pytest.mark.parametrize("part", ["iam", "sts", "organizations"])
def test_motos_own_identities_are_nobodys(plane: InProcess, part: str) -> None:
    assert handlers.find(part, part, part, REGION, HERE) is None
    backends = getattr(importlib.import_module(f"moto.{part}.models"), f"{part}_backends")
    plane.client("iam").create_user(UserName=f"unknown-to-{part}")
    models = backends[HERE]["aws"]
    assert not any(getattr(models, name, None) for name in ("users", "roles", "access_keys", "accounts"))


def test_two_parts_of_one_service_work_together(plane: InProcess, away: Key) -> None:
    table = {
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    }
    made = plane.client("dynamodb").create_table(TableName="streaming", BillingMode="PAY_PER_REQUEST", **table)
    arn = made["TableDescription"]["LatestStreamArn"]
    streams = plane.client("dynamodbstreams")
    assert streams.describe_stream(StreamArn=arn)["StreamDescription"]["TableName"] == "streaming"
    assert plane.client("dynamodbstreams", away).list_streams()["Streams"] == []


def test_a_service_finds_what_it_works_with_in_its_own_account_only(plane: InProcess, away: Key) -> None:
    own, other = (plane.client("ec2", key) for key in (None, away))
    lasting = [{"Name": "default-for-az", "Values": ["true"]}]  # a stack may still be deleting others
    subnets = [ec2.describe_subnets(Filters=lasting)["Subnets"][0]["SubnetId"] for ec2 in (own, other)]
    create = plane.client("redshift").create_cluster_subnet_group
    create(ClusterSubnetGroupName="own", Description="d", SubnetIds=subnets[:1])
    assert refusal(create, ClusterSubnetGroupName="other", Description="d", SubnetIds=subnets[1:])[:2] == (
        "InvalidSubnet",
        400,
    )


def test_a_service_manages_what_is_its_own_in_the_account_of_the_call(plane: InProcess, away: Key) -> None:
    plane.client("rds").create_db_instance(
        DBInstanceIdentifier="managed", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage=20,
        MasterUsername="admin1", ManageMasterUserPassword=True,
    )  # fmt: skip
    clients = [plane.client("secretsmanager", key) for key in (None, away)]
    names = [[one["Name"] for one in client.list_secrets()["SecretList"]] for client in clients]
    assert [any(name.startswith("rds!") for name in listed) for listed in names] == [True, False]


def test_the_tags_of_another_account_are_not_shown(plane: InProcess, away: Key) -> None:
    for key, name in ((None, "tagged-here"), (away, "tagged-away")):
        plane.client("sns", key).create_topic(Name=name, Tags=[{"Key": "owner", "Value": name}])
        found = plane.client("resourcegroupstaggingapi", key).get_resources(TagFilters=[{"Key": "owner"}])
        assert [one["ResourceARN"].rpartition(":")[2] for one in found["ResourceTagMappingList"]] == [name]


def test_config_shows_no_bucket_of_another_account(plane: InProcess, away: Key) -> None:
    for key, name in ((None, "config-here"), (away, "config-away")):
        plane.client("s3", key).create_bucket(Bucket=name)
    found = plane.client("config", away).list_discovered_resources(resourceType="AWS::S3::Bucket")
    assert "config-away" in {one["resourceName"] for one in found["resourceIdentifiers"]}
    assert "config-here" not in {one["resourceName"] for one in found["resourceIdentifiers"]}


def test_metrics_of_another_account_are_not_shown(plane: InProcess, away: Key) -> None:
    plane.client("s3").create_bucket(Bucket="measured")
    plane.client("s3").put_object(Bucket="measured", Key="k", Body=b"x")
    shown = [plane.client("cloudwatch", key).list_metrics()["Metrics"] for key in (None, away)]
    buckets = [{d["Value"] for metric in metrics for d in metric["Dimensions"]} for metrics in shown]
    assert ["measured" in names for names in buckets] == [True, False]


def test_a_copy_reads_the_bucket_of_another_account_by_its_policy(plane: InProcess, away: Key) -> None:
    theirs, ours = plane.client("s3", away), plane.client("s3")
    theirs.create_bucket(Bucket="copied-from")
    theirs.put_object(Bucket="copied-from", Key="k", Body=b"theirs")
    ours.create_bucket(Bucket="copied-to")
    copy = {"Bucket": "copied-to", "Key": "k", "CopySource": {"Bucket": "copied-from", "Key": "k"}}
    assert refusal(ours.copy_object, **copy)[:2] == ("AccessDenied", 403)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": HERE},
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::copied-from/*",
    }
    theirs.put_bucket_policy(
        Bucket="copied-from", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    ours.copy_object(**copy)
    assert ours.get_object(Bucket="copied-to", Key="k")["Body"].read() == b"theirs"


@pytest.mark.parametrize("lets_in", [False, True])
def test_a_rule_writes_to_a_log_group_only_where_a_policy_lets_it_in(plane: InProcess, lets_in: bool) -> None:
    logs, events, name = plane.client("logs"), plane.client("events"), f"/events/{lets_in}"
    group = f"arn:aws:logs:{REGION}:{HERE}:log-group:{name}"
    logs.create_log_group(logGroupName=name)
    if lets_in:
        allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Resource": f"{group}:*"}
        statement = allow | {"Action": ["logs:CreateLogStream", "logs:PutLogEvents"]}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        logs.put_resource_policy(policyName="events", policyDocument=document)
    events.put_rule(Name=f"logging-{lets_in}", EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=f"logging-{lets_in}", Targets=[{"Id": "1", "Arn": group}])
    events.put_events(Entries=[{"Source": name, "DetailType": "d", "Detail": "{}"}])
    plane.carry_out()
    messages = [json.loads(event["message"])["source"] for event in logs.filter_log_events(logGroupName=name)["events"]]
    assert messages == ([name] if lets_in else [])
