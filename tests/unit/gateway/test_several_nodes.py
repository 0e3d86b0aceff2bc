"""Calls on one node that depend on what another node was told: its sessions, its keys, its denials."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from typing import Any, Final

import pytest

from locum.agents.sign_in.host import SignInHost
from locum.core.clock import system_clock
from locum.core.http import HttpRequest
from locum.core.principal import PrincipalKind, Session
from locum.core.sign_in import Browser, Password, SignInRefused
from locum.credentials import issue
from locum.credentials.onetime import TRIES
from locum.gateway.seen import AFTER, SEQUENCE
from locum.http.asgi import FREE_BODY
from support.authenticator import Authenticator, wrong
from support.inprocess import Answer, Key, refusal, scope_of
from support.plane import trusting
from support.post_forms import encoded, form
from support.shared_nodes import SharedPlane, two_nodes

ACCOUNT: Final = "000000000000"
ALLOW: Final = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY: Final = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*"}}
)
UNKNOWN_KEY: Final = ("InvalidClientTokenId", 403)

Two = tuple[SharedPlane, SharedPlane]


@pytest.fixture
def two(tmp_path: Any) -> Iterator[Two]:
    """Two nodes. The second has seen what the first has only where a test or a call of it says so."""
    with two_nodes(tmp_path) as nodes:
        yield nodes


def asking(plane: SharedPlane, key: Key | None, after: str) -> Answer:
    """The answer to ListUsers that asks to be given after an entry."""
    request = plane.request("iam", "list_users", key)
    request.headers = {**request.headers, AFTER: after}
    return plane.send(request)


def listed(plane: SharedPlane, key: Key) -> bool:
    """Whether a key may list the users, by what the node knows."""
    answer = plane.send(plane.request("iam", "list_users", key))
    assert answer.status in (200, 403)
    return answer.status == 200


def app_role(plane: SharedPlane) -> str:
    """The ARN of a new role that may do everything, and trusts the account."""
    iam = plane.client("iam")
    trust = trusting(AWS=f"arn:aws:iam::{ACCOUNT}:root")
    arn: str = iam.create_role(RoleName="app", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    document = json.dumps({"Version": "2012-10-17", "Statement": ALLOW})
    iam.put_role_policy(RoleName="app", PolicyName="may", PolicyDocument=document)
    return arn


def assumed(plane: SharedPlane, key: Key, role: str) -> Key:
    found = plane.client("sts", key).assume_role(RoleArn=role, RoleSessionName="job")["Credentials"]
    return Key(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])


# -- sessions ------------------------------------------------------------------------------------------------


def with_phone(node: SharedPlane) -> tuple[Key, Authenticator]:
    """Ann, who may do everything, and her phone, which shows codes."""
    ann, iam = node.user("ann", ALLOW), node.client("iam")
    phone = Authenticator.of(iam.create_virtual_mfa_device(VirtualMFADeviceName="phone"))
    iam.enable_mfa_device(UserName="ann", SerialNumber=phone.serial, **phone.pair(system_clock()))
    return ann, phone


def test_a_session_is_honoured_on_a_node_that_knew_nothing_of_its_role(two: Two) -> None:
    here, there = two
    session = assumed(here, here.user("ann", ALLOW), app_role(here))
    assert there.sequence < here.sequence
    assert listed(there, session)


def test_a_session_carries_the_denials_from_before_it_to_a_node_that_has_not_heard_of_them(two: Two) -> None:
    here, there = two
    ann, role = here.user("ann", ALLOW), app_role(here)
    older = assumed(here, ann, role)
    there.look()
    here.client("iam").put_role_policy(RoleName="app", PolicyName="not", PolicyDocument=DENY)
    assert listed(there, older)  # within the bound: it has not heard
    assert not listed(there, assumed(here, ann, role))
    assert not listed(there, older)


def test_a_form_that_a_session_signed_meets_the_denials_from_before_it(two: Two) -> None:
    here, there = two
    ann, role = here.user("ann", ALLOW), app_role(here)
    older = assumed(here, ann, role)
    there.look()
    there.client("s3").create_bucket(Bucket="forms")
    document = DENY.replace("iam:ListUsers", "s3:PutObject")
    here.client("iam").put_role_policy(RoleName="app", PolicyName="not", PolicyDocument=document)
    newer = assumed(here, ann, role)

    def posted(session: Key) -> int:
        made = there.client("s3", session).generate_presigned_post("forms", "key")
        return there.send(form(made["url"], encoded(made["fields"]))).status

    assert (posted(older), posted(newer)) == (204, 403)


def test_a_session_from_beyond_the_journals_end_has_ended_with_its_journal(two: Two) -> None:
    """After a restore from an older backup: nobody waits for entries that are gone, and clients get new sessions."""
    here, there = two
    app_role(here)
    runtime, now = there.node.runtime, int(system_clock())
    session = Session(
        kind=PrincipalKind.ROOT, account=ACCOUNT, name=ACCOUNT, issuer_arn=f"arn:aws:iam::{ACCOUNT}:root",
        issuer_id=ACCOUNT, issued_at=now, expires_at=now + 3600, sequence=10**9,
    )  # fmt: skip
    issued = issue(runtime.keyring, session, runtime.entropy)
    key = Key(issued.access_key_id, issued.secret_access_key, issued.session_token)
    assert refusal(there.client("iam", key).list_users)[:2] == ("ExpiredToken", 403)
    assert there.sequence == here.sequence


# -- keys ----------------------------------------------------------------------------------------------------


def test_a_key_that_another_node_has_just_made_is_known(two: Two) -> None:
    here, there = two
    ann = here.user("ann", ALLOW)
    assert there.sequence < here.sequence
    assert there.client("sts", ann).get_caller_identity()["Arn"].endswith("user/ann")


def test_a_key_that_nobody_made_is_refused_on_what_the_journal_has_now(two: Two) -> None:
    here, there = two
    here.user("ann")
    nobody = Key("AKIAIOSFODNN7EXAMPLE", "secret")
    assert refusal(there.client("sts", nobody).get_caller_identity)[:2] == UNKNOWN_KEY
    assert there.sequence == here.sequence


def test_a_key_that_was_rotated_elsewhere_is_refused_where_the_client_asks_for_that(two: Two) -> None:
    here, there = two
    ann = here.user("ann", ALLOW)
    there.look()
    here.client("iam").delete_access_key(UserName="ann", AccessKeyId=ann.access_key_id)
    answer = asking(there, ann, str(here.sequence))
    assert (answer.status, b"InvalidClientTokenId" in answer.body) == (403, True)


def test_a_large_body_signed_with_a_key_that_another_node_has_just_made_is_to_come_again(two: Two) -> None:
    """Its limit is higher than that of nobody's, and was decided on before the node knew the key."""
    here, there = two
    ann = here.user("ann", ALLOW)
    request = there.request("s3", "put_object", ann, Bucket="b", Key="k", Body=b"")
    request.headers = {**request.headers, "content-length": str(FREE_BODY + 1)}
    assert _refused_unread(there, request) == (503, "ServiceUnavailable")
    request.headers = {**request.headers, "authorization": "AWS4-HMAC-SHA256 Credential=AKIANOBODY"}
    assert _refused_unread(there, request)[0] == 413


def _refused_unread(plane: SharedPlane, request: HttpRequest) -> tuple[int, str]:
    """Status and code for a request whose body is not read."""
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        raise AssertionError("the body was read")

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    plane.run(plane.node.gateway(scope_of(request), receive, send))
    return sent[0]["status"], sent[1]["body"].partition(b"<Code>")[2].partition(b"</Code>")[0].decode()


def test_a_code_of_a_second_factor_is_good_on_one_node_alone(two: Two) -> None:
    here, there = two
    ann, phone = with_phone(here)
    there.look()
    code = phone.shown(system_clock(), 1)
    assert here.client("sts", ann).get_session_token(**code)["Credentials"]
    assert there.sequence < here.sequence
    assert refusal(there.client("sts", ann).get_session_token, **code)[0] == "AccessDenied"


def test_wrong_codes_are_counted_on_all_nodes_together(two: Two) -> None:
    here, there = two
    ann, phone = with_phone(here)
    there.look()
    code = phone.shown(system_clock(), 1)
    bad = {**code, "TokenCode": wrong(code["TokenCode"])}
    for number in range(TRIES):
        answered = refusal((here, there)[number % 2].client("sts", ann).get_session_token, **bad)
        assert answered[0] == "AccessDenied"
    for node in two:
        assert refusal(node.client("sts", ann).get_session_token, **code)[0] == "Throttling"


def test_a_code_that_is_looked_at_again_on_a_newer_state_is_counted_once(two: Two) -> None:
    here, there = two
    ann, phone = with_phone(here)
    code = phone.shown(system_clock(), 1)
    bad = {**code, "TokenCode": wrong(code["TokenCode"])}
    for _ in range(TRIES - 1):
        assert refusal(there.client("sts", ann).get_session_token, **bad)[0] == "AccessDenied"
        here.client("iam").tag_user(UserName="ann", Tags=[{"Key": "k", "Value": "v"}])
    assert there.client("sts", ann).get_session_token(**code)["Credentials"]


def test_what_is_counted_against_a_device_is_nobody_elses_to_count(two: Two) -> None:
    here, there = two
    ann, bob, iam = here.user("ann", ALLOW), here.user("bob", ALLOW), here.client("iam")
    phone = Authenticator.of(iam.create_virtual_mfa_device(VirtualMFADeviceName="phone"))
    iam.enable_mfa_device(UserName="ann", SerialNumber=phone.serial, **phone.pair(system_clock()))
    code = phone.shown(system_clock(), 1)
    for _ in range(TRIES):
        assert refusal(there.client("sts", bob).get_session_token, **code)[0] == "AccessDenied"
    assert there.client("sts", ann).get_session_token(**code)["Credentials"]


# -- what a client asks for ----------------------------------------------------------------------------------


def test_an_answer_tells_what_its_node_has_seen(two: Two) -> None:
    here, there = two
    answer = here.client("iam").create_user(UserName="ann")
    assert answer["ResponseMetadata"]["HTTPHeaders"][SEQUENCE] == str(here.sequence)
    there_told = there.client("sts").get_caller_identity()["ResponseMetadata"]["HTTPHeaders"][SEQUENCE]
    assert int(there_told) < here.sequence


def test_a_call_that_asks_to_come_after_a_denial_is_denied(two: Two) -> None:
    here, there = two
    ann = here.user("ann", ALLOW)
    there.look()
    here.client("iam").put_user_policy(UserName="ann", PolicyName="not", PolicyDocument=DENY)
    assert listed(there, ann)  # within the bound: it has not heard
    answer = asking(there, ann, str(here.sequence))
    assert (answer.status, answer.headers[SEQUENCE]) == (403, str(here.sequence))


def test_what_the_journal_does_not_have_is_not_waited_for(two: Two) -> None:
    _, there = two
    answer = asking(there, None, "9" * 19)
    assert (answer.status, b"ServiceUnavailable" in answer.body) == (503, True)
    assert asking(there, None, "0").status == 200


@pytest.mark.parametrize("text", ["", "-1", "1.0", "1e3", " 1", "²", "9" * 20, "all"])
def test_what_is_no_number_of_an_entry_is_refused(two: Two, text: str) -> None:
    assert asking(two[1], None, text).status == 400


def test_nobody_without_a_signature_waits_for_more_than_a_look_at_the_journal(two: Two) -> None:
    """Who asks for an entry that will never be holds nothing here, signed or not."""
    here, there = two
    here.client("iam").create_user(UserName="ann")
    request = HttpRequest("GET", "/bucket/key", "", {"host": "localhost:4566", AFTER: "9" * 19})
    assert there.send(request).status == 503
    assert there.node.ledger.waiting <= 1


# -- people --------------------------------------------------------------------------------------------------

BROWSER: Final = Browser("127.0.0.1", "", "")


def test_a_person_whose_password_another_node_has_just_set_is_let_in(two: Two) -> None:
    here, there = two
    here.client("iam").create_user(UserName="ann")
    here.client("iam").create_login_profile(UserName="ann", Password="Correct-horse-1")
    signing_in = SignInHost(there.node.runtime).with_password(Password(ACCOUNT, "ann", "Correct-horse-1"), BROWSER)
    assert there.run(signing_in).arn.endswith("user/ann")


def test_a_password_that_was_changed_elsewhere_lets_nobody_in(two: Two) -> None:
    here, there = two
    here.client("iam").create_user(UserName="ann")
    here.client("iam").create_login_profile(UserName="ann", Password="Correct-horse-1")
    there.look()
    here.client("iam").update_login_profile(UserName="ann", Password="Battery-staple-2")
    signing_in = SignInHost(there.node.runtime).with_password(Password(ACCOUNT, "ann", "Correct-horse-1"), BROWSER)
    with pytest.raises(SignInRefused):
        there.run(signing_in)


def test_a_link_to_the_console_is_good_once_and_at_no_other_node(two: Two) -> None:
    here, there = (SignInHost(node.node.runtime) for node in two)
    ticket = here.ticket(ACCOUNT, "")
    with pytest.raises(SignInRefused):
        two[1].run(there.with_ticket(ticket, BROWSER))
    assert two[0].run(here.with_ticket(ticket, BROWSER)).account == ACCOUNT
    with pytest.raises(SignInRefused):
        two[0].run(here.with_ticket(ticket, BROWSER))
