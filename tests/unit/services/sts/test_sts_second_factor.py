"""A second factor in AssumeRole and GetSessionToken: what counts, what a session says of it, and every misuse."""

from __future__ import annotations

from typing import Any, Final

import pytest

from locum.core.errors import Fault
from locum.core.principal import Principal, PrincipalKind, Session
from locum.credentials import BrokenSeal, open_session
from locum.credentials.onetime import new_seed
from locum.services.sts import OPERATIONS
from locum.state import MfaDevice
from locum.state.devices import device_of
from support.authenticator import STEP, Authenticator, wrong
from support.one_account import ACCOUNT, NOW, OTHER, USER, Plane, role, user

ROOT: Final = Principal.root(ACCOUNT)
EVE: Final = Principal.user(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/eve", "AIDAEVE", "eve")

INVALID: Final = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
UNKNOWN: Final = (
    "MultiFactorAuthentication failed, unable to validate MFA code.  "
    "Please verify your MFA serial number is valid and associated with this user."
)
INCOMPLETE: Final = "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."

BOTH: Final = [
    ("GetSessionToken", {}),
    ("AssumeRole", {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/App", "RoleSessionName": "job"}),
]
either = pytest.mark.parametrize(("operation", "params"), BOTH, ids=[name for name, _ in BOTH])


@pytest.fixture
def sts() -> Plane:
    plane = Plane("sts", OPERATIONS)
    plane.having(role("App"), user("ann"), user("eve"))
    return plane


def held(sts: Plane, owner: str = "ann", name: str = "phone", account: str = ACCOUNT, **fields: Any) -> Authenticator:
    """What shows the codes of a new device that is enabled for a user (for root where it is empty)."""
    device = MfaDevice(account=account, name=name, seed=b"", created=1)
    seed, sealed = new_seed(sts.keyring, device.arn, sts.entropy)
    given = {"user": owner, "enabled": 1, **fields}
    sts.having(MfaDevice(account=account, name=name, seed=sealed, created=1, **given))
    return Authenticator(device.arn, seed)


def session_of(sts: Plane, answer: dict[str, Any]) -> Session:
    credentials = answer["Credentials"]
    return open_session(sts.keyring, credentials["AccessKeyId"], credentials["SessionToken"])[0]


def refusal(sts: Plane, operation: str, **params: Any) -> str:
    with pytest.raises(Fault) as caught:
        sts.call(operation, **params)
    assert (caught.value.code, caught.value.status) == ("AccessDenied", 403)
    return caught.value.message


# -- what a session says -------------------------------------------------------------------------------------


def test_a_session_token_says_when_the_second_factor_was_shown(sts: Plane) -> None:
    phone = held(sts)
    answer = sts.call("GetSessionToken", **phone.shown(sts.now))
    assert session_of(sts, answer).mfa_at == int(NOW)


def test_a_session_token_without_a_code_says_that_there_was_none(sts: Plane) -> None:
    held(sts)
    assert session_of(sts, sts.call("GetSessionToken")).mfa_at is None


def test_the_session_of_a_role_has_no_second_factor_in_its_context(sts: Plane) -> None:
    phone = held(sts)
    answer = sts.call("AssumeRole", **BOTH[1][1], **phone.shown(sts.now))
    assert session_of(sts, answer).mfa_at is None


def test_the_root_user_shows_a_code_of_its_device(sts: Plane) -> None:
    phone = held(sts, owner="", name="root-account-mfa-device")
    sts.signed_by(ROOT)
    session = session_of(sts, sts.call("GetSessionToken", DurationSeconds=43_200, **phone.shown(sts.now)))
    assert (session.kind, session.mfa_at) == (PrincipalKind.ROOT, int(NOW))
    assert session.expires_at == int(NOW) + 3600


# -- how the operation is run --------------------------------------------------------------------------------


@either
def test_only_a_call_that_shows_a_code_writes(operation: str, params: dict[str, str]) -> None:
    plain, entry = OPERATIONS[operation].of(params), OPERATIONS[operation]
    assert (plain.writes, plain.proof) == (False, None)
    for shown in ({"SerialNumber": "s"}, {"TokenCode": "c"}, {"SerialNumber": "s", "TokenCode": "c"}):
        proving = entry.of({**params, **shown})
        assert proving.writes
        assert proving.proof is not None


def test_no_other_operation_takes_a_second_factor() -> None:
    shown = {"SerialNumber": "s", "TokenCode": "c"}
    proving = {name for name, operation in OPERATIONS.items() if operation.of(shown).proof is not None}
    assert proving == {"AssumeRole", "GetSessionToken"}


# -- misuse --------------------------------------------------------------------------------------------------


@either
@pytest.mark.parametrize("later", [-1, 0, 1])
def test_a_reused_code_is_refused(sts: Plane, operation: str, params: dict[str, str], later: int) -> None:
    shown = held(sts).shown(sts.now, later)
    sts.call(operation, **params, **shown)
    assert refusal(sts, operation, **params, **shown) == INVALID


@either
def test_a_code_used_in_one_operation_is_used_in_the_other(sts: Plane, operation: str, params: dict[str, str]) -> None:
    other, other_params = next(pair for pair in BOTH if pair[0] != operation)
    shown = held(sts).shown(sts.now)
    sts.call(operation, **params, **shown)
    assert refusal(sts, other, **other_params, **shown) == INVALID


@either
def test_an_earlier_code_is_refused_after_a_later_one(sts: Plane, operation: str, params: dict[str, str]) -> None:
    phone = held(sts)
    sts.call(operation, **params, **phone.shown(sts.now, 1))
    assert refusal(sts, operation, **params, **phone.shown(sts.now)) == INVALID
    sts.now += 2 * STEP
    sts.call(operation, **params, **phone.shown(sts.now))


@either
@pytest.mark.parametrize("seconds", [-3600, -3 * STEP, 3 * STEP, 3600])
def test_a_stale_code_is_refused(sts: Plane, operation: str, params: dict[str, str], seconds: int) -> None:
    shown = held(sts).shown(sts.now + seconds)
    assert refusal(sts, operation, **params, **shown) == INVALID


@either
def test_a_wrong_code_is_refused_and_uses_nothing_up(sts: Plane, operation: str, params: dict[str, str]) -> None:
    phone = held(sts)
    bad = {"SerialNumber": phone.serial, "TokenCode": wrong(phone.code(sts.now))}
    assert refusal(sts, operation, **params, **bad) == INVALID
    sts.call(operation, **params, **phone.shown(sts.now))


@either
@pytest.mark.parametrize("code", ["", "\u0661\u0662\u0663\u0664\u0665\u0666", "abcdef", "000000000"])
def test_what_is_no_code_is_refused(sts: Plane, operation: str, params: dict[str, str], code: str) -> None:
    assert refusal(sts, operation, **params, SerialNumber=held(sts).serial, TokenCode=code) == INVALID


@either
def test_a_code_of_another_users_device_is_refused(sts: Plane, operation: str, params: dict[str, str]) -> None:
    theirs, mine = held(sts, owner="eve"), held(sts, name="mine")
    assert refusal(sts, operation, **params, **theirs.shown(sts.now)) == UNKNOWN
    mixed = {"SerialNumber": mine.serial, "TokenCode": theirs.code(sts.now)}
    assert refusal(sts, operation, **params, **mixed) == INVALID


def test_the_root_users_device_is_no_users_and_a_users_not_the_root_users(sts: Plane) -> None:
    of_root, of_ann = held(sts, owner="", name="root-account-mfa-device"), held(sts)
    assert refusal(sts, "GetSessionToken", **of_root.shown(sts.now)) == UNKNOWN
    sts.signed_by(ROOT)
    assert refusal(sts, "GetSessionToken", **of_ann.shown(sts.now)) == UNKNOWN


@either
def test_a_serial_number_of_another_account_is_refused(sts: Plane, operation: str, params: dict[str, str]) -> None:
    foreign = held(sts, account=OTHER)
    assert refusal(sts, operation, **params, **foreign.shown(sts.now)) == UNKNOWN


@either
@pytest.mark.parametrize("fields", [{"enabled": 0}, {"enabled": 0, "user": ""}])
def test_a_code_of_a_deactivated_device_is_refused(
    sts: Plane, operation: str, params: dict[str, str], fields: dict[str, Any]
) -> None:
    phone = held(sts, **fields)
    assert refusal(sts, operation, **params, **phone.shown(sts.now)) == UNKNOWN


def test_a_device_that_was_never_enabled_is_not_the_root_users(sts: Plane) -> None:
    phone = held(sts, owner="", enabled=0)
    sts.signed_by(ROOT)
    assert refusal(sts, "GetSessionToken", **phone.shown(sts.now)) == UNKNOWN


@either
@pytest.mark.parametrize(
    "serial",
    [
        f"arn:aws:iam::{ACCOUNT}:mfa/missing",
        f"arn:aws:iam::{ACCOUNT}:mfa/PHONE",
        f"arn:aws:iam::{ACCOUNT}:user/ann",
        f"arn:aws:sts::{ACCOUNT}:mfa/phone",
        f"arn:aws-cn:iam::{ACCOUNT}:mfa/phone",
        "GAHT12345678",
        "phone",
        "",
    ],
)
def test_a_serial_number_of_no_device_is_refused(
    sts: Plane, operation: str, params: dict[str, str], serial: str
) -> None:
    code = held(sts).code(sts.now)
    assert refusal(sts, operation, **params, SerialNumber=serial, TokenCode=code) == UNKNOWN


@either
@pytest.mark.parametrize("shown", [{"SerialNumber": "arn:aws:iam::1:mfa/a"}, {"TokenCode": "123456"}])
def test_half_a_second_factor_is_none(
    sts: Plane, operation: str, params: dict[str, str], shown: dict[str, str]
) -> None:
    assert refusal(sts, operation, **params, **shown) == INCOMPLETE


def test_the_session_of_a_role_has_no_device(sts: Plane) -> None:
    phone = held(sts)
    sts.signed_by(Principal.role_session(f"arn:aws:iam::{ACCOUNT}:role/App", "AROAAPP", "ann"))
    assert refusal(sts, "AssumeRole", **BOTH[1][1], **phone.shown(sts.now)) == UNKNOWN


def test_a_federated_user_does_not_have_the_device_of_a_user_by_its_name(sts: Plane) -> None:
    phone = held(sts)
    sts.signed_by(Principal.federated_user(ACCOUNT, "ann", USER.arn, USER.unique_id))
    with pytest.raises(Fault):
        sts.call("AssumeRole", **BOTH[1][1], **phone.shown(sts.now))


def test_a_user_made_again_by_the_same_name_does_not_lend_its_device_to_sessions_of_the_old(sts: Plane) -> None:
    phone = held(sts)
    sts.signed_by(Principal.user(ACCOUNT, USER.arn, "AIDAOLD", "ann"))
    assert refusal(sts, "AssumeRole", **BOTH[1][1], **phone.shown(sts.now)) == UNKNOWN


def test_a_seed_that_was_stored_for_another_device_opens_nothing(sts: Plane) -> None:
    phone, other = held(sts), held(sts, name="other")
    theirs = device_of(sts.state, ACCOUNT, other.serial)
    assert theirs is not None
    sts.having(MfaDevice(account=ACCOUNT, name="phone", seed=theirs.seed, created=1, user="ann", enabled=1))
    with pytest.raises(BrokenSeal):
        sts.call("GetSessionToken", SerialNumber=phone.serial, TokenCode=other.code(sts.now))
