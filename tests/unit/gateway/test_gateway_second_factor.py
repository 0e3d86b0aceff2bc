"""A second factor on its way through the gateway: what policies see of it, and that a code counts once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from locum.core.clock import system_clock
from locum.credentials.onetime import SPAN, TRIES
from support.authenticator import STEP, Authenticator, wrong
from support.inprocess import Answer, InProcess, Key, exchange, refusal

ACCOUNT = "000000000000"
INVALID = ("AccessDenied", 403, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")
UNKNOWN = (
    "AccessDenied",
    403,
    (
        "MultiFactorAuthentication failed, unable to validate MFA code.  "
        "Please verify your MFA serial number is valid and associated with this user."
    ),
)
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
PRESENT = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
ABSENT = {"aws:MultiFactorAuthPresent": "false"}


class Watch:
    """The plane's clock: it goes on by itself, and a test may move it."""

    def __init__(self) -> None:
        self.moved = 0.0

    def __call__(self) -> float:
        return system_clock() + self.moved


class World(NamedTuple):
    """A plane and its clock."""

    plane: InProcess
    watch: Watch


class Someone(NamedTuple):
    """A user who has a key and a device."""

    name: str
    key: Key
    phone: Authenticator


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    watch = Watch()
    running = InProcess(tmp_path_factory.mktemp("factors"), watch)
    yield World(running, watch)
    running.close()


def someone(world: World, name: str, *statements: dict[str, Any]) -> Someone:
    """A new user, who may do what `statements` say, with an enabled device."""
    key, iam = world.plane.user(name, *statements), world.plane.client("iam")
    phone = Authenticator.of(iam.create_virtual_mfa_device(VirtualMFADeviceName=f"{name}s-phone"))
    iam.enable_mfa_device(UserName=name, SerialNumber=phone.serial, **phone.pair(world.watch()))
    return Someone(name, key, phone)


def role(world: World, name: str, condition: dict[str, Any] | None = None) -> dict[str, str]:
    """What AssumeRole is asked for a new role that trusts the account under `condition`."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
        **({"Condition": condition} if condition else {}),
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.plane.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)
    return {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}", "RoleSessionName": "job"}


def session(answer: dict[str, Any]) -> Key:
    found = answer["Credentials"]
    return Key(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])


def permitted(call: Any, **parameters: Any) -> bool:
    """Whether a call is not denied."""
    try:
        call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def fresh(world: World, who: Someone) -> dict[str, str]:
    """The code that follows those with which the device was enabled: it is one step early, which is allowed."""
    return who.phone.shown(world.watch(), 1)


# -- the role's trust policy ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("present", PRESENT),
        ("young", {"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}),
        ("both", {**PRESENT, "NumericLessThan": {"aws:MultiFactorAuthAge": "1"}}),
    ],
)
def test_a_role_that_asks_for_a_second_factor_is_assumed_with_a_code_and_not_without(
    world: World, name: str, condition: dict[str, Any]
) -> None:
    ann = someone(world, f"ann-{name}", ALLOW_ALL)
    asked, sts = role(world, f"vault-{name}", condition), world.plane.client("sts", ann.key)
    denied = refusal(sts.assume_role, **asked)
    assert denied[0] == "AccessDenied"
    assert "not authorized to perform: sts:AssumeRole" in denied[2]
    assert sts.assume_role(**asked, **fresh(world, ann))["AssumedRoleUser"]


def test_a_session_with_a_second_factor_assumes_the_role_without_another_code(world: World) -> None:
    ann = someone(world, "ann-chained", ALLOW_ALL)
    asked, sts = role(world, "chained", PRESENT), world.plane.client("sts", ann.key)
    without = world.plane.client("sts", session(sts.get_session_token()))
    assert refusal(without.assume_role, **asked)[0] == "AccessDenied"
    token = session(sts.get_session_token(**fresh(world, ann)))
    assert world.plane.client("sts", token).assume_role(**asked)["AssumedRoleUser"]


def test_a_session_without_a_second_factor_shows_it_when_it_assumes_the_role(world: World) -> None:
    ann = someone(world, "ann-late", ALLOW_ALL)
    asked, sts = role(world, "late", PRESENT), world.plane.client("sts", ann.key)
    without = world.plane.client("sts", session(sts.get_session_token()))
    assert without.assume_role(**asked, **fresh(world, ann))["AssumedRoleUser"]


def test_a_right_code_does_not_make_up_for_a_missing_permission(world: World) -> None:
    eve = someone(world, "eve-unpermitted")
    asked = role(world, "closed", {"StringEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/nobody"}})
    sts = world.plane.client("sts", eve.key)
    shown = fresh(world, eve)
    denied = refusal(sts.assume_role, **asked, **shown)
    assert "not authorized to perform: sts:AssumeRole" in denied[2]
    assert session(sts.get_session_token(**shown)).session_token  # a refused call used nothing up


def test_the_session_of_the_role_has_no_second_factor(world: World) -> None:
    ann = someone(world, "ann-inside", ALLOW_ALL)
    asked = role(world, "inside", PRESENT)
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**ALLOW_ALL, "Condition": PRESENT}]})
    world.plane.client("iam").put_role_policy(RoleName="inside", PolicyName="own", PolicyDocument=document)
    answer = world.plane.client("sts", ann.key).assume_role(**asked, **fresh(world, ann))
    assert refusal(world.plane.client("iam", session(answer)).list_roles)[0] == "AccessDenied"


# -- the caller's own policies -------------------------------------------------------------------------------


@pytest.mark.parametrize(("operator", "spared"), [("BoolIfExists", False), ("Bool", True)])
def test_a_denial_without_a_second_factor_is_of_long_term_keys_only_if_it_need_not_exist(
    world: World, operator: str, spared: bool
) -> None:
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {operator: ABSENT}}
    ann = someone(world, f"ann-{operator}", ALLOW_ALL, deny)
    asked, sts = role(world, f"denied-{operator}"), world.plane.client("sts", ann.key)
    without = session(sts.get_session_token())
    with_code = session(sts.get_session_token(**fresh(world, ann)))
    allowed = {"long-term": ann.key, "without": without, "with": with_code}
    told = [name for name, key in allowed.items() if permitted(world.plane.client("s3", key).list_buckets)]
    assert told == (["long-term", "with"] if spared else ["with"])
    assert permitted(sts.assume_role, **asked) is spared
    world.watch.moved += STEP
    assert permitted(sts.assume_role, **asked, **fresh(world, ann))


def test_a_permission_that_asks_for_a_second_factor_is_not_a_long_term_keys(world: World) -> None:
    ann = someone(world, "ann-careful", {**ALLOW_ALL, "Condition": PRESENT})
    sts = world.plane.client("sts", ann.key)
    with_code = session(sts.get_session_token(**fresh(world, ann)))
    assert refusal(world.plane.client("iam", ann.key).list_users)[0] == "AccessDenied"
    assert world.plane.client("iam", with_code).list_users()["Users"]


def test_a_permission_to_assume_roles_that_asks_for_a_second_factor_sees_the_code(world: World) -> None:
    assume = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*", "Condition": PRESENT}
    ann = someone(world, "ann-assuming", assume)
    asked, sts = role(world, "assumed"), world.plane.client("sts", ann.key)
    assert refusal(sts.assume_role, **asked)[0] == "AccessDenied"
    assert sts.assume_role(**asked, **fresh(world, ann))["AssumedRoleUser"]


def test_the_age_of_a_second_factor_grows_with_the_session(world: World) -> None:
    young = {"NumericLessThan": {"aws:MultiFactorAuthAge": "60"}}
    ann = someone(world, "ann-aging", {**ALLOW_ALL, "Condition": young})
    sts = world.plane.client("sts", ann.key)
    iam = world.plane.client("iam", session(sts.get_session_token(**fresh(world, ann))))
    assert iam.list_users()["Users"]
    world.watch.moved += 61
    try:
        assert refusal(iam.list_users)[0] == "AccessDenied"
    finally:
        world.watch.moved -= 61


# -- what such sessions cannot do ----------------------------------------------------------------------------


def test_a_session_token_calls_iam_only_with_a_second_factor_and_sts_only_to_assume_roles(world: World) -> None:
    ann = someone(world, "ann-limited", ALLOW_ALL)
    sts = world.plane.client("sts", ann.key)
    without = session(sts.get_session_token())
    with_code = session(sts.get_session_token(**fresh(world, ann)))
    assert refusal(world.plane.client("iam", without).list_users)[0] == "InvalidClientTokenId"
    assert world.plane.client("iam", with_code).list_users()["Users"]
    for key in (without, with_code):
        own = world.plane.client("sts", key)
        for call, params in (
            (own.get_session_token, {}),
            (own.get_federation_token, {"Name": "fed"}),
            (own.get_access_key_info, {"AccessKeyId": ann.key.access_key_id}),
        ):
            code, status, message = refusal(call, **params)
            assert (code, status) == ("AccessDenied", 403)
            assert message.endswith("with session credentials")
        assert own.get_caller_identity()["Arn"].endswith(f"user/{ann.name}")
        assert own.assume_role(**role(world, f"limited-{key.access_key_id}"))["AssumedRoleUser"]


# -- a code counts once --------------------------------------------------------------------------------------


def test_a_reused_code_is_refused_on_the_wire(world: World) -> None:
    ann = someone(world, "ann-reused", ALLOW_ALL)
    asked, sts = role(world, "reused"), world.plane.client("sts", ann.key)
    shown = fresh(world, ann)
    assert sts.assume_role(**asked, **shown)["AssumedRoleUser"]
    assert refusal(sts.assume_role, **asked, **shown) == INVALID
    assert refusal(sts.get_session_token, **shown) == INVALID


def test_the_codes_that_enabled_a_device_are_used(world: World) -> None:
    key, iam = world.plane.user("ann-fresh"), world.plane.client("iam")
    phone = Authenticator.of(iam.create_virtual_mfa_device(VirtualMFADeviceName="fresh"))
    now = world.watch()
    iam.enable_mfa_device(UserName="ann-fresh", SerialNumber=phone.serial, **phone.pair(now))
    sts = world.plane.client("sts", key)
    for later in (-1, 0):
        assert refusal(sts.get_session_token, **phone.shown(now, later)) == INVALID
    assert sts.get_session_token(**phone.shown(now, 1))["Credentials"]


def test_of_many_calls_at_once_with_one_code_one_is_answered(world: World) -> None:
    ann = someone(world, "ann-racing", ALLOW_ALL)
    shown = fresh(world, ann)
    requests = [world.plane.request("sts", "get_session_token", ann.key, **shown) for _ in range(8)]

    async def race() -> list[Answer]:
        return list(await asyncio.gather(*(exchange(world.plane.node.gateway, each) for each in requests)))

    answers = world.plane.run(race())
    assert sorted(answer.status for answer in answers) == [200, *[403] * 7]
    assert all(b"invalid MFA one time pass code" in answer.body for answer in answers if answer.status == 403)


def test_a_code_stays_used_after_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    watch = Watch()
    running = InProcess(tmp_path_factory.mktemp("restarted"), watch)
    try:
        ann = someone(World(running, watch), "ann", ALLOW_ALL)
        shown = fresh(World(running, watch), ann)
        assert running.client("sts", ann.key).get_session_token(**shown)["Credentials"]
        running.close()
        running.start()
        assert refusal(running.client("sts", ann.key).get_session_token, **shown) == INVALID
    finally:
        running.close()


# -- other misuse --------------------------------------------------------------------------------------------


def test_a_stale_code_is_refused_on_the_wire(world: World) -> None:
    ann = someone(world, "ann-stale", ALLOW_ALL)
    asked, sts = role(world, "stale", PRESENT), world.plane.client("sts", ann.key)
    shown = fresh(world, ann)
    world.watch.moved += 3 * STEP
    try:
        assert refusal(sts.assume_role, **asked, **shown) == INVALID
    finally:
        world.watch.moved -= 3 * STEP


def test_a_code_of_another_users_device_opens_no_role(world: World) -> None:
    ann, eve = someone(world, "ann-robbed", ALLOW_ALL), someone(world, "eve-robbing", ALLOW_ALL)
    asked, sts = role(world, "robbed", PRESENT), world.plane.client("sts", eve.key)
    shown = fresh(world, ann)
    assert refusal(sts.assume_role, **asked, **shown) == UNKNOWN
    assert refusal(sts.assume_role, **asked, **{**shown, "SerialNumber": eve.phone.serial}) == INVALID
    assert world.plane.client("sts", ann.key).assume_role(**asked, **shown)["AssumedRoleUser"]


def test_a_serial_number_of_another_account_opens_no_role(world: World) -> None:
    other = world.plane.account("444455556666")
    made = world.plane.client("iam", other).create_virtual_mfa_device(VirtualMFADeviceName="theirs")
    phone, now = Authenticator.of(made), world.watch()
    theirs = world.plane.client("iam", other)
    theirs.enable_mfa_device(UserName="444455556666", SerialNumber=phone.serial, **phone.pair(now))
    ann = someone(world, "ann-foreign", ALLOW_ALL)
    asked, sts = role(world, "foreign", PRESENT), world.plane.client("sts", ann.key)
    assert refusal(sts.assume_role, **asked, **phone.shown(now, 1)) == UNKNOWN
    assert world.plane.client("sts", other).get_session_token(**phone.shown(now, 1))["Credentials"]


def test_a_code_of_a_deactivated_device_opens_no_role(world: World) -> None:
    ann = someone(world, "ann-deactivated", ALLOW_ALL)
    asked, sts = role(world, "deactivated", PRESENT), world.plane.client("sts", ann.key)
    world.plane.client("iam").deactivate_mfa_device(UserName=ann.name, SerialNumber=ann.phone.serial)
    assert refusal(sts.assume_role, **asked, **fresh(world, ann)) == UNKNOWN


def test_a_wrong_code_is_refused_where_denials_are_only_observed(observing: InProcess) -> None:
    ann = someone(World(observing, Watch()), "ann", ALLOW_ALL)
    bad = {"SerialNumber": ann.phone.serial, "TokenCode": wrong(ann.phone.code(system_clock(), 1))}
    assert refusal(observing.client("sts", ann.key).get_session_token, **bad) == INVALID


def test_the_condition_keys_are_not_a_callers_to_set(world: World) -> None:
    ann = someone(world, "ann-pretending", ALLOW_ALL)
    asked, sts = role(world, "pretending", PRESENT), world.plane.client("sts", ann.key)
    tags = [{"Key": "MultiFactorAuthPresent", "Value": "true"}]
    assert refusal(sts.assume_role, **asked, Tags=tags)[0] == "AccessDenied"


# -- the record ----------------------------------------------------------------------------------------------


def test_neither_codes_nor_seeds_are_in_the_record(world: World) -> None:
    ann = someone(world, "ann-recorded", ALLOW_ALL)
    shown = fresh(world, ann)
    answer = world.plane.client("sts", ann.key).get_session_token(**shown)
    record = world.plane.record(answer["ResponseMetadata"]["RequestId"])
    assert (record.parameters or {}).get("serialNumber") == ann.phone.serial
    told = repr(world.plane.records(200))
    assert "EnableMFADevice" in told
    assert ann.phone.seed not in told
    for later in range(-2, 3):
        assert f"'{ann.phone.code(world.watch(), later)}'" not in told


def test_a_session_with_a_second_factor_says_so_in_the_record(world: World) -> None:
    ann = someone(world, "ann-traced", ALLOW_ALL)
    sts = world.plane.client("sts", ann.key)
    for shown, expected in ({}, False), (fresh(world, ann), True):
        key = session(sts.get_session_token(**shown))
        answer = world.plane.client("sts", key).get_caller_identity()
        assert world.plane.record(answer["ResponseMetadata"]["RequestId"]).identity.mfa is expected


# -- a code is not found by trying ---------------------------------------------------------------------------


def test_a_code_cannot_be_guessed_and_the_right_one_is_refused_after_too_many_wrong_ones(world: World) -> None:
    ann = someone(world, "ann-guessed", ALLOW_ALL)
    sts = world.plane.client("sts", ann.key)
    guess = {"SerialNumber": ann.phone.serial, "TokenCode": wrong(ann.phone.code(world.watch(), 1))}
    for _ in range(TRIES):
        assert refusal(sts.get_session_token, **guess) == INVALID
    throttled = ("Throttling", 400, "Rate exceeded")
    assert refusal(sts.get_session_token, **guess) == throttled
    assert refusal(sts.get_session_token, **fresh(world, ann)) == throttled
    assert refusal(sts.assume_role, **role(world, "guessed"), **fresh(world, ann)) == throttled
    assert sts.get_session_token()["Credentials"]
    bob = someone(world, "bob-unguessed", ALLOW_ALL)
    assert world.plane.client("sts", bob.key).get_session_token(**fresh(world, bob))["Credentials"]
    world.watch.moved += SPAN
    try:
        assert sts.get_session_token(**fresh(world, ann))["Credentials"]
    finally:
        world.watch.moved -= SPAN


def test_guesses_under_sessions_of_a_user_count_as_the_users(world: World) -> None:
    ann = someone(world, "ann-sessions", ALLOW_ALL)
    asked = role(world, "sessions")
    guess = {"SerialNumber": ann.phone.serial, "TokenCode": wrong(ann.phone.code(world.watch(), 1))}
    for _ in range(TRIES):
        token = session(world.plane.client("sts", ann.key).get_session_token())
        assert refusal(world.plane.client("sts", token).assume_role, **asked, **guess) == INVALID
    assert refusal(world.plane.client("sts", ann.key).assume_role, **asked, **fresh(world, ann))[0] == "Throttling"
