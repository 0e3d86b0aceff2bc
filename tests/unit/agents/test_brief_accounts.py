"""Accounts for one test each: made, ended with all that they have, and sessions of their roles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from locum.agents.brief_accounts import BriefAccounts
from locum.backends.moto.lookups import Within
from locum.core.errors import Fault, LocumError
from locum.state import Account, State
from locum.store import SqliteJournal
from support.functions import package
from support.inprocess import InProcess, Key, refusal
from support.kept import keeping, restarted


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    started = InProcess(tmp_path_factory.mktemp("plane") / "data")
    yield started
    started.close()


def ask(plane: InProcess, **question: Any) -> dict[str, Any]:
    accounts = BriefAccounts(plane.node.runtime, plane.node.calls.assume)
    return plane.run(accounts.answer(question))


def made(plane: InProcess) -> tuple[str, Key]:
    found = ask(plane, type="make")
    return found["account"], Key(found["accessKeyId"], found["secretAccessKey"])


def entities(state: State, account: str) -> list[str]:
    return [kind for kind, table in state.tables.items() if account in table]


def trust(principal: dict[str, Any]) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_an_account_is_its_root_users_and_empty(plane: InProcess) -> None:
    account, root = made(plane)
    assert plane.client("sts", root).get_caller_identity()["Arn"] == f"arn:aws:iam::{account}:root"
    assert plane.client("iam", root).list_users()["Users"] == []
    assert plane.client("s3", root).list_buckets()["Buckets"] == []


def test_two_accounts_have_nothing_of_one_another(plane: InProcess) -> None:
    (_, one), (_, other) = made(plane), made(plane)
    plane.client("iam", one).create_user(UserName="mia")
    plane.client("sqs", one).create_queue(QueueName="jobs")
    assert plane.client("iam", other).list_users()["Users"] == []
    assert "QueueUrls" not in plane.client("sqs", other).list_queues()


def test_what_an_account_had_is_gone_with_it(plane: InProcess) -> None:
    account, root = made(plane)
    iam, s3 = plane.client("iam", root), plane.client("s3", root)
    iam.create_role(RoleName="app", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    s3.create_bucket(Bucket="everybodys-name")
    s3.put_object(Bucket="everybodys-name", Key="a", Body=b"1")
    plane.client("events", root).put_rule(Name="often", ScheduleExpression="rate(1 minute)")
    ask(plane, type="end", account=account)
    assert entities(plane.node.ledger.state, account) == []
    assert refusal(s3.list_buckets)[0] == "InvalidAccessKeyId"
    _, next_root = made(plane)
    plane.client("s3", next_root).create_bucket(Bucket="everybodys-name")
    assert "Contents" not in plane.client("s3", next_root).list_objects_v2(Bucket="everybodys-name")


def test_a_name_of_a_bucket_is_everybodys_as_long_as_its_account_lasts(plane: InProcess) -> None:
    (account, one), (_, other) = made(plane), made(plane)
    plane.client("s3", one).create_bucket(Bucket="taken-name")
    assert refusal(plane.client("s3", other).create_bucket, Bucket="taken-name")[0] == "BucketAlreadyExists"
    ask(plane, type="end", account=account)
    plane.client("s3", other).create_bucket(Bucket="taken-name")


@pytest.mark.parametrize("is_loaded", [False, True])
def test_attack_what_an_account_had_before_a_restart_is_gone_with_it(tmp_path: Path, is_loaded: bool) -> None:
    plane = keeping(tmp_path / "data")
    plane.client("sqs").create_queue(QueueName="stays")
    account, root = made(plane)
    plane.client("s3", root).create_bucket(Bucket="everybodys-name")
    restarted(plane)
    if is_loaded:
        plane.client("sqs").list_queues()
    ask(plane, type="end", account=account)
    restarted(plane)
    assert plane.node.kept is not None
    assert plane.node.kept.units_of(account) == []
    plane.client("s3", made(plane)[1]).create_bucket(Bucket="everybodys-name")
    assert len(plane.client("sqs").list_queues()["QueueUrls"]) == 1
    plane.close()


def test_accounts_that_an_organization_made_end_with_its_management_account(plane: InProcess) -> None:
    account, root = made(plane)
    organizations = plane.client("organizations", root)
    organizations.create_organization(FeatureSet="ALL")
    organizations.create_account(Email="a@example.com", AccountName="a")
    (member,) = (one["Id"] for one in organizations.list_accounts()["Accounts"] if one["Id"] != account)
    ask(plane, type="end", account=account)
    state = plane.node.ledger.state
    assert entities(state, member) == []
    assert state.get(Account, member, member) is None


def test_an_account_that_ends_is_no_member_of_an_organization_any_more(plane: InProcess) -> None:
    account, root = made(plane)
    organizations = plane.client("organizations", root)
    organizations.create_organization(FeatureSet="ALL")
    organizations.create_account(Email="a@example.com", AccountName="a")
    (member,) = (one["Id"] for one in organizations.list_accounts()["Accounts"] if one["Id"] != account)
    ask(plane, type="end", account=member)
    assert [one["Id"] for one in organizations.list_accounts()["Accounts"]] == [account]
    ask(plane, type="end", account=account)


def test_attack_the_account_that_the_installation_began_with_does_not_end(plane: InProcess) -> None:
    before = plane.node.ledger.state
    with pytest.raises(LocumError, match="does not end"):
        ask(plane, type="end", account=plane.node.account)
    with pytest.raises(LocumError, match="there is no account"):
        ask(plane, type="end", account="210987654321")
    assert plane.node.ledger.state == before


def test_a_session_is_made_by_a_service_that_the_trust_policy_names(plane: InProcess) -> None:
    account, root = made(plane)
    made_role = plane.client("iam", root).create_role(
        RoleName="app", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"})
    )["Role"]
    found = ask(plane, type="session", role=made_role["Arn"])["credentials"]
    key = Key(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
    caller = plane.client("sts", key).get_caller_identity()["Arn"]
    assert caller == f"arn:aws:sts::{account}:assumed-role/app/test"


@pytest.mark.parametrize("principal", ["*", "arn:aws:iam::210987654321:root"])
def test_attack_no_session_of_a_role_that_no_service_may_assume(plane: InProcess, principal: str) -> None:
    _, root = made(plane)
    role = plane.client("iam", root).create_role(RoleName="app", AssumeRolePolicyDocument=trust({"AWS": principal}))[
        "Role"
    ]
    with pytest.raises(LocumError, match="names no service"):
        ask(plane, type="session", role=role["Arn"])
    with pytest.raises(LocumError, match="there is no role"):
        ask(plane, type="session", role=f"{role['Arn']}2")


@pytest.mark.parametrize("question", [{}, {"type": "make", "account": "1"}, {"type": "end"}, {"type": "other"}])
def test_what_is_no_question_is_refused(plane: InProcess, question: dict[str, Any]) -> None:
    with pytest.raises(LocumError, match="not a question about accounts"):
        ask(plane, **question)


def test_a_plane_that_is_not_durable_waits_for_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def synced(_handle: int) -> None:
        raise AssertionError("the disk was waited for")

    started = InProcess(tmp_path / "data", durable=False)
    monkeypatch.setattr("os.fsync", synced)
    started.node.directory.write("credentials", b"")
    started.client("iam").create_user(UserName="mia")
    assert isinstance(started.node.journal, SqliteJournal)
    assert started.node.journal._writer.execute("PRAGMA synchronous").fetchone() == (0,)
    started.close()


def test_what_was_under_way_for_an_account_ends_with_it(plane: InProcess) -> None:
    account, root = made(plane)
    iam, functions, backends = plane.client("iam", root), plane.client("lambda", root), plane.node.runtime.backends
    role = iam.create_role(RoleName="fn", AssumeRolePolicyDocument=trust({"Service": "lambda.amazonaws.com"}))["Role"]
    allowed = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName="fn", PolicyName="p", PolicyDocument=document)
    code = {"ZipFile": package(handler="def handler(event, context): pass")}
    given: dict[str, Any] = {"Runtime": "python3.12", "Role": role["Arn"], "Handler": "handler.handler", "Code": code}
    functions.create_function(FunctionName="fn", **given)
    plane.client("sqs", root).create_queue(QueueName="jobs")
    source = f"arn:aws:sqs:us-east-1:{account}:jobs"
    functions.create_event_source_mapping(EventSourceArn=source, FunctionName="fn")
    plane.client("events", root).put_rule(Name="often", ScheduleExpression="rate(1 minute)")
    mappings: Any = backends.of("lambda", "CreateEventSourceMapping")
    schedules: Any = backends.of("events", "PutRule")
    assert account in {key[0] for key in mappings._backend._sources._keepers}
    assert account in {key[0] for key in schedules._backend._rules}
    ask(plane, type="end", account=account)
    assert account not in {key[0] for key in mappings._backend._sources._keepers}
    assert account not in {key[0] for key in schedules._backend._rules}


def test_attack_a_call_that_was_authorized_before_the_end_is_not_carried_out_after_it(plane: InProcess) -> None:
    account, root = made(plane)
    plane.client("s3", root).list_buckets()
    ask(plane, type="end", account=account)
    with pytest.raises(Fault, match="does not exist any more"), Within("s3", account, "s3:CreateBucket"):
        pytest.fail("it was carried out")
