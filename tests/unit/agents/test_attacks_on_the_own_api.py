"""Attacks on Locum's own API: what is another account's, endless input, waits without end, rights that end."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from locum.agents.api.long_polls import MOST_OF_ACCOUNT, MOST_WAITING
from locum.core.http import HttpRequest
from locum.gateway.app import OWN_API_BODY
from support.inprocess import Answer, InProcess, Key, exchange, refusal
from support.organized_sets import Organized
from support.plane import ACCOUNT, allow, document, trusting

OTHER = "222233334444"
NOT_FOUND = ("ResourceNotFoundException", 404)
THEIRS = f"arn:aws:iam::{OTHER}:user/their-ann"
NOBODYS = f"arn:aws:iam::{OTHER}:user/nobody"
SECRET = "their-secret-statement"
FINGERPRINT = "203.0.113.77"


class Two(NamedTuple):
    """A plane with another account, which has a user, a bucket and a topic, with policies that nobody else may see."""

    plane: InProcess
    theirs: Key
    their_user: Key

    @property
    def api(self) -> Any:
        return self.plane.client("locum")

    @property
    def their_api(self) -> Any:
        return self.plane.client("locum", self.theirs)


@pytest.fixture(scope="module")
def two(plane: InProcess) -> Two:
    theirs = plane.account(OTHER)
    user = plane.user("their-ann", allow(["iam:PutUserPolicy", "iam:ListUsers"]), of=theirs)
    elsewhere = {"NotIpAddress": {"aws:SourceIp": FINGERPRINT}}
    denial = {"Sid": SECRET, "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
              "Resource": "arn:aws:s3:::their-bucket/*", "Condition": elsewhere}  # fmt: skip
    s3 = plane.client("s3", theirs)
    s3.create_bucket(Bucket="their-bucket")
    s3.put_bucket_policy(Bucket="their-bucket", Policy=document(denial))
    sns = plane.client("sns", theirs)
    topic = sns.create_topic(Name="their-topic")["TopicArn"]
    statement = {"Sid": SECRET, "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": topic}
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document(statement))
    return Two(plane, theirs, user)


def told(answer: Any) -> str:
    return json.dumps(answer, default=str)


# -- another account's -------------------------------------------------------------------------------------------


def test_attack_the_request_of_another_account_is_as_one_that_there_is_not(two: Two) -> None:
    request = two.plane.client("iam", two.theirs).list_users()["ResponseMetadata"]["RequestId"]
    assert two.their_api.get_record(RequestId=request)["Records"]
    for operation in (two.api.get_record, two.api.decide_again):
        code, status, message = refusal(operation, RequestId=request)
        assert (code, status) == NOT_FOUND
        absent = request[:-1] + ("0" if request[-1] != "0" else "1")
        assert refusal(operation, RequestId=absent)[2] == message.replace(request, absent)


def test_attack_records_of_another_account_are_in_no_listing(two: Two) -> None:
    position = two.api.list_records()["Position"]
    two.plane.client("iam", two.theirs).list_users()
    refusal(two.plane.client("s3", two.their_user).list_buckets)
    assert two.api.list_records(After=position)["Records"] == []
    assert two.api.list_records(PrincipalArn=THEIRS)["Records"] == []
    assert [it["Operation"] for it in two.their_api.list_records(After=position)["Records"]] == [
        "ListUsers", "ListBuckets",
    ]  # fmt: skip


def test_attack_calls_of_another_account_do_not_hide_an_accounts_own(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("locum.audit.history.LOOKED_AT", 4)
    monkeypatch.setattr("locum.audit.history._PAGE", 2)
    request = two.plane.client("iam").list_groups()["ResponseMetadata"]["RequestId"]
    for _ in range(6):
        two.plane.client("iam", two.theirs).list_users()
    assert request in [it["RequestId"] for it in two.api.list_records(EventName="ListGroups")["Records"]]


BY_PRINCIPAL: dict[str, Callable[[Any, str], Any]] = {
    "ExplainAccess": lambda api, arn: refusal(api.explain_access, PrincipalArn=arn, Action="iam:ListUsers"),
    "WhatCan": lambda api, arn: refusal(api.what_can, PrincipalArn=arn),
    "WritePolicy": lambda api, arn: refusal(api.write_policy, PrincipalArn=arn),
    "ReplayPolicies": lambda api, arn: refusal(
        api.replay_policies, PrincipalArn=arn, Policies={"p": document(allow("s3:*"))}
    ),
}


@pytest.mark.parametrize("operation", BY_PRINCIPAL)
def test_attack_a_principal_of_another_account_is_as_one_that_there_is_not(two: Two, operation: str) -> None:
    code, status, message = BY_PRINCIPAL[operation](two.api, THEIRS)
    assert (code, status) == NOT_FOUND
    assert BY_PRINCIPAL[operation](two.api, NOBODYS) == (code, status, message.replace(THEIRS, NOBODYS))
    session = f"arn:aws:sts::{OTHER}:assumed-role/their-role/s"
    assert BY_PRINCIPAL[operation](two.api, session)[:2] == NOT_FOUND
    assert BY_PRINCIPAL[operation](two.api, "arn:aws:iam::")[:2] == NOT_FOUND


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", "arn:aws:s3:::their-bucket/k"),
        ("s3:GetObject", "arn:aws:s3:::their-bucket/*"),
        ("s3:ListBucket", "arn:aws:s3:::their-bucket"),
        ("sns:Publish", f"arn:aws:sns:us-east-1:{OTHER}:their-topic"),
        ("iam:GetUser", THEIRS),
    ],
)
def test_attack_a_resource_of_another_account_cannot_be_asked_about(two: Two, action: str, resource: str) -> None:
    root = f"arn:aws:iam::{ACCOUNT}:root"
    for refused in (
        refusal(two.api.explain_access, PrincipalArn=root, Action=action, Resource=resource),
        refusal(two.api.who_can, Action=action, Resource=resource),
    ):
        assert refused[:2] == NOT_FOUND
        assert SECRET not in refused[2]


def test_attack_the_policy_of_another_accounts_bucket_is_not_in_the_explanation_of_a_denial(two: Two) -> None:
    client = two.plane.client("s3", two.plane.user("api-reader", allow("s3:*")))
    assert refusal(client.get_object, Bucket="their-bucket", Key="k")[0] == "AccessDenied"
    denied = two.api.list_records(Verdict="denied", EventName="GetObject")["Records"][-1]
    record = two.plane.record(denied["RequestId"])
    assert SECRET in told(record.explanation)  # of which there is more than an account is told
    answer = two.api.get_record(RequestId=denied["RequestId"])
    assert SECRET not in told(answer)
    assert FINGERPRINT not in told(answer)
    assert any("resource-based policy: denied" in line for line in answer["Records"][0]["Explanation"])
    assert refusal(two.api.decide_again, RequestId=denied["RequestId"])[:2] == NOT_FOUND


def test_attack_the_owner_of_a_resource_is_not_told_who_called_and_by_which_policies(two: Two) -> None:
    client = two.plane.client("sns", two.plane.user("api-sender", allow("sns:*")))
    arn = f"arn:aws:sns:us-east-1:{OTHER}:their-topic"
    position = two.their_api.list_records()["Position"]
    assert refusal(client.publish, TopicArn=arn, Message="m")[0] == "AuthorizationError"
    (seen,) = two.their_api.list_records(After=position)["Records"]
    assert (seen["Operation"], seen["AccountId"], seen["Verdict"]) == ("Publish", ACCOUNT, "explicit-deny")
    answer = two.their_api.get_record(RequestId=seen["RequestId"])
    assert "api-sender" not in told(answer)
    assert not {"Explanation", "Determining", "CloudTrailEvent"} & answer["Records"][0].keys()
    by_name = f"arn:aws:iam::{ACCOUNT}:user/api-sender"
    assert two.their_api.list_records(After=position, PrincipalArn=by_name)["Records"] == []
    mine = two.api.get_record(RequestId=seen["RequestId"])
    assert SECRET not in told(mine)


def test_attack_calls_on_what_is_anothers_are_not_replayed_by_its_policies(two: Two) -> None:
    client = two.plane.client("s3", two.plane.user("api-replayed", allow("s3:*")))
    refusal(client.get_object, Bucket="their-bucket", Key="k")
    arn = f"arn:aws:iam::{ACCOUNT}:user/api-replayed"
    answer = two.api.replay_policies(PrincipalArn=arn, Policies={"p": document(allow("s3:*"))})
    assert (answer["Changed"], answer["StillDenied"]) == ([], [])
    assert "another account's" in answer["NotDecided"][0]["Reason"]
    assert SECRET not in told(answer)


def test_attack_a_replay_for_everybody_is_for_the_accounts_own(two: Two) -> None:
    answer = two.api.replay_policies(Policies={"p": document(allow("sqs:*"))})
    rows = [*answer["Changed"], *answer["StillDenied"], *answer["NotDecided"]]
    assert rows
    assert {row["PrincipalArn"].split(":")[4] for row in rows} == {ACCOUNT}


def test_attack_who_can_names_no_principals_of_another_account(two: Two) -> None:
    name = "api-trusting"
    trust = trusting(AWS=f"arn:aws:iam::{OTHER}:root")
    two.plane.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    two.plane.user("their-other", allow("sts:AssumeRole"), of=two.theirs)
    answer = two.api.who_can(Action="sts:AssumeRole", Resource=f"arn:aws:iam::{ACCOUNT}:role/{name}")
    principals = [it for group in answer["Groups"] for it in group["Principals"]]
    assert {(it["Arn"], it["Kind"]) for it in principals if it["AccountId"] == OTHER} == {
        (f"arn:aws:iam::{OTHER}:root", "elsewhere")
    }
    assert "their-" not in told(answer)


def test_attack_an_audit_tells_nothing_of_another_account(two: Two) -> None:
    for operation in (two.api.get_audit, two.api.find_escalation_paths):
        answer = operation()
        assert "their-" not in told(answer)
        assert {it["AccountId"] for it in answer["Findings"]} <= {ACCOUNT}
    theirs = two.their_api.find_escalation_paths()
    assert [it["PrincipalArn"] for it in theirs["Findings"] if it["Rule"] == "escalation-path"] == [THEIRS]
    assert theirs["Findings"][0]["Steps"]


def test_attack_an_audit_reads_with_the_permissions_of_who_asks(two: Two) -> None:
    two.plane.client("ssm").put_parameter(Name="/api/hidden", Type="String", Value="v")
    weak = two.plane.client("locum", two.plane.user("api-auditor", allow("locum:GetAudit")))
    answer = weak.get_audit()
    assert not answer["Complete"]
    assert "AccessDenied" in answer["Unread"]["ssm:DescribeParameters"]


# -- an organization's -------------------------------------------------------------------------------------------


@pytest.fixture
def another(tmp_path: Path) -> Iterator[InProcess]:
    plane = InProcess(tmp_path)
    yield plane
    plane.close()


def test_attack_a_member_is_not_told_the_policies_of_its_organization_nor_the_management_account_of_its_calls(
    another: InProcess,
) -> None:
    plane, organized = another, Organized(another)
    member = organized.member("a-member")
    key = organized.key(member)
    user = plane.user("of-member", allow("s3:*"), of=key)
    plane.client("s3", key).create_bucket(Bucket="of-a-member")
    organizations = plane.client("organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    content = document({"Sid": "SecretOfTheBoss", "Effect": "Deny", "Action": "s3:*", "Resource": "*",
                        "Condition": {"StringNotEquals": {"aws:RequestedRegion": "mars-north-1"}}})  # fmt: skip
    made = organizations.create_policy(
        Name="policy-of-the-boss", Description="", Type="SERVICE_CONTROL_POLICY", Content=content
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=made, TargetId=member)
    assert refusal(plane.client("s3", user).get_object, Bucket="of-a-member", Key="k")[0] == "AccessDenied"
    api, arn = plane.client("locum", key), f"arn:aws:iam::{member}:user/of-member"
    (denied,) = api.list_records(Verdict="denied")["Records"]
    allowed = document(allow("s3:*"))
    answers = [
        api.get_record(RequestId=denied["RequestId"]),
        api.decide_again(RequestId=denied["RequestId"]),
        api.explain_access(PrincipalArn=arn, Action="s3:GetObject", Resource="arn:aws:s3:::of-a-member/k"),
        api.what_can(PrincipalArn=arn, Services=["s3"]),
        api.who_can(Action="s3:GetObject", Resource="arn:aws:s3:::of-a-member/*"),
        api.replay_policies(PrincipalArn=arn, Policies={"p": allowed}),
    ]
    assert answers[2]["Verdict"] == "explicit-deny"
    for answer in answers:
        for secret in ("SecretOfTheBoss", "policy-of-the-boss", "mars-north-1"):
            assert secret not in told(answer)
    management = plane.client("locum")
    assert refusal(management.get_record, RequestId=denied["RequestId"])[:2] == NOT_FOUND
    assert refusal(management.what_can, PrincipalArn=arn)[:2] == NOT_FOUND


# -- endless input -----------------------------------------------------------------------------------------------

DEEP = '{"Statement":' * 20_000 + "1" + "}" * 20_000


@pytest.mark.parametrize("text", [DEEP, "[" * 60_000, "{}", "", "\ud800", "null"])
def test_attack_documents_that_are_no_policies_are_refused(two: Two, text: str) -> None:
    answer = two.plane.send(two.plane.request_of("locum", "ReplayPolicies", {"Policies": {"p": text}}))
    assert (answer.status, answer.headers["x-amzn-errortype"]) in (
        (400, "ValidationException"), (400, "SerializationException"),
    ), answer  # fmt: skip


ENDLESS: dict[str, tuple[str, dict[str, Any]]] = {
    "a long document": ("ReplayPolicies", {"Policies": {"p": "x" * 131_073}}),
    "many documents": ("ReplayPolicies", {"Policies": {f"p{number}": "{}" for number in range(21)}}),
    "no documents": ("ReplayPolicies", {"Policies": {}}),
    "many keys": ("WhoCan", {"Action": "s3:GetObject", "Resource": "*",
                             "ContextEntries": [{"Key": f"aws:k{n}", "Values": ["v"]} for n in range(101)]}),
    "many values": ("WhoCan", {"Action": "s3:GetObject", "Resource": "*",
                               "ContextEntries": [{"Key": "aws:SourceIp", "Values": ["v"] * 101}]}),
    "many services": ("WhatCan", {"PrincipalArn": "root", "Services": ["s3"] * 51}),
    "many buckets": ("GetAudit", {"Buckets": ["a-bucket"] * 21}),
    "a long action": ("WhoCan", {"Action": "s3:" + "G" * 300, "Resource": "*"}),
    "a pattern": ("WhoCan", {"Action": "s3:*", "Resource": "*"}),
    "no action": ("WhoCan", {"Action": "s3:Nothing", "Resource": "*"}),
    "no request": ("GetRecord", {}),
    "a key of no form": ("WhoCan", {"Action": "s3:GetObject", "Resource": "*",
                                    "ContextEntries": [{"Key": "nothing", "Values": ["v"]}]}),
}  # fmt: skip


@pytest.mark.parametrize("case", ENDLESS)
def test_attack_input_without_end_is_refused(two: Two, case: str) -> None:
    operation, params = ENDLESS[case]
    answer = two.plane.send(two.plane.request_of("locum", operation, params))
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "ValidationException"), answer.body


def test_attack_a_body_without_end_is_not_read_to_its_end(two: Two) -> None:
    request = two.plane.request("locum", "list_records")
    request.body = b" " * (OWN_API_BODY + 1)
    assert two.plane.send(request).status == 413


def test_attack_a_time_before_everything_is_refused_and_one_to_come_is_now(two: Two) -> None:
    root = f"arn:aws:iam::{ACCOUNT}:root"
    asked = {"PrincipalArn": root, "Action": "iam:ListUsers", "Resource": "*"}
    late = two.plane.send(two.plane.request_of("locum", "ExplainAccess", {**asked, "At": 10**10}))
    assert late.status == 200
    early = two.plane.send(two.plane.request_of("locum", "ExplainAccess", {**asked, "At": -(10**9)}))
    assert early.status in (200, 400)
    assert early.status == 200 or early.headers["x-amzn-errortype"] == "ValidationException"


# -- waits -------------------------------------------------------------------------------------------------------


def wait_of(plane: InProcess, key: Key | None = None) -> HttpRequest:
    position = plane.client("locum", key).list_records()["Position"]
    return plane.request("locum", "list_records", key, After=position, WaitSeconds=20, EventName="Awaited")


async def waiting(plane: InProcess, number: int) -> None:
    while plane.node.api.waiting < number:  # noqa: ASYNC110 - turns of the loop, not time
        await asyncio.sleep(0)


def test_attack_a_thousand_clients_of_an_account_take_their_places_and_not_those_of_others(two: Two) -> None:
    plane, mine, theirs = two.plane, wait_of(two.plane), wait_of(two.plane, two.theirs)

    async def crowd() -> tuple[list[Answer], Answer]:
        gone = asyncio.Event()
        polls = [asyncio.create_task(exchange(plane.node.gateway, mine, gone)) for _ in range(1_000)]
        await waiting(plane, MOST_OF_ACCOUNT)
        other = asyncio.create_task(exchange(plane.node.gateway, theirs, gone))
        await waiting(plane, MOST_OF_ACCOUNT + 1)
        await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
        gone.set()
        return list(await asyncio.gather(*polls)), await other

    answers, other = plane.run(crowd())
    assert MOST_OF_ACCOUNT < MOST_WAITING
    counted = Counter((it.status, it.headers.get("x-amzn-errortype", "")) for it in answers)
    assert counted.keys() == {(200, ""), (429, "ThrottlingException")}
    assert counted[200, ""] >= MOST_OF_ACCOUNT
    assert other.status == 200
    assert plane.node.api.waiting == 0


def ended(plane: InProcess, request: HttpRequest, during: Callable[[], Any], waker: HttpRequest) -> Answer:
    """The answer to a wait, where `during` is done meanwhile and a record comes then."""

    async def wait() -> Answer:
        gone = asyncio.Event()
        poll = asyncio.create_task(exchange(plane.node.gateway, request, gone))
        await waiting(plane, 1)
        for other in during():
            assert (await exchange(plane.node.gateway, other)).status == 200
        await exchange(plane.node.gateway, waker)
        return await poll

    return plane.run(wait())


def waking(plane: InProcess, key: Key | None = None) -> tuple[HttpRequest, HttpRequest]:
    """A wait for ListGroups, and such a call."""
    position = plane.client("locum").list_records()["Position"]
    wait = plane.request("locum", "list_records", key, After=position, WaitSeconds=20, EventName="ListGroups")
    return wait, plane.request("iam", "list_groups")


def test_attack_a_session_that_ends_during_a_wait_is_told_nothing(tmp_path: Path) -> None:
    plane = InProcess(tmp_path)

    def move() -> tuple[()]:
        plane.node.runtime.clock.move(901)
        return ()

    try:
        trust = trusting(AWS=f"arn:aws:iam::{ACCOUNT}:root")
        arn = plane.client("iam").create_role(RoleName="waits", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        plane.client("iam").put_role_policy(
            RoleName="waits", PolicyName="p", PolicyDocument=document(allow("locum:ListRecords"))
        )
        user = plane.user("assumes", allow("sts:AssumeRole"))
        found = plane.client("sts", user).assume_role(RoleArn=arn, RoleSessionName="waiting", DurationSeconds=900)
        given = found["Credentials"]
        session = Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        answer = ended(plane, waking(plane, session)[0], move, plane.request("iam", "list_groups"))
        assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "ExpiredTokenException")
        record = plane.record(answer.headers["x-amzn-requestid"])
        assert record.error_code == "ExpiredTokenException"
    finally:
        plane.close()


def test_attack_permissions_that_are_taken_away_during_a_wait_are_gone(two: Two) -> None:
    key = two.plane.user("api-waits", allow("locum:ListRecords"))
    wait, waker = waking(two.plane, key)
    taken = two.plane.request("iam", "delete_user_policy", UserName="api-waits", PolicyName="own")
    answer = ended(two.plane, wait, lambda: [taken], waker)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert two.plane.record(answer.headers["x-amzn-requestid"]).verdict == "implicit-deny"


def test_attack_a_key_that_is_deactivated_during_a_wait_is_told_nothing(two: Two) -> None:
    key = two.plane.user("api-keyed", allow("locum:ListRecords"))
    wait, waker = waking(two.plane, key)
    gone = two.plane.request(
        "iam", "update_access_key", UserName="api-keyed", AccessKeyId=key.access_key_id, Status="Inactive"
    )
    answer = ended(two.plane, wait, lambda: [gone], waker)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "UnrecognizedClientException")
