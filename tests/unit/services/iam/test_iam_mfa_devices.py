"""Virtual MFA devices: made, given to users by proof of two codes, listed, synchronized, taken back."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from locum.credentials.onetime import open_seed
from locum.services.iam import limits
from locum.services.iam.sign_in.mfa_seeds import key_uri, qr_code
from locum.state import Event, MfaDevice, change, decode, encode, put
from support.authenticator import STEP, Authenticator, wrong
from support.iam_plane import ACCOUNT, NOW, OTHER, ROOT, Plane

SERIAL = f"arn:aws:iam::{ACCOUNT}:mfa/phone"
MISSING = f"arn:aws:iam::{ACCOUNT}:mfa/missing"

Refusal = tuple[str, int, str]

NOT_VALID: Refusal = ("InvalidAuthenticationCode", 403, "Authentication code for device is not valid.")
NOT_THE_USERS: Refusal = ("NoSuchEntity", 404, "MFA Device invalid for user.")


def no_device(serial: str) -> Refusal:
    return ("NoSuchEntity", 404, f"MFA Device with serial number {serial} does not exist.")


def no_user(name: str) -> Refusal:
    return ("NoSuchEntity", 404, f"The user with name {name} cannot be found.")


def device(plane: Plane, name: str = "phone", ahead: float = 0, **params: Any) -> Authenticator:
    """A new device, unassigned."""
    return Authenticator.of(plane.call("CreateVirtualMFADevice", VirtualMFADeviceName=name, **params), ahead)


def enable(plane: Plane, user: str, held: Authenticator) -> None:
    plane.call("EnableMFADevice", UserName=user, SerialNumber=held.serial, **held.pair(plane.now))


def enabled(plane: Plane, user: str = "bob", name: str = "phone") -> Authenticator:
    """A device of the new user `user`."""
    plane.user(user)
    held = device(plane, name)
    enable(plane, user, held)
    return held


def stored(plane: Plane, serial: str = SERIAL) -> MfaDevice:
    return next(found for found in plane.state.table(MfaDevice, ACCOUNT).values() if found.arn == serial)


def serials(answer: dict[str, Any], member: str = "VirtualMFADevices") -> list[str]:
    return [found["SerialNumber"].rpartition("/")[2] for found in answer[member]]


# -- making --------------------------------------------------------------------------------------------------


def test_a_new_device_is_answered_with_its_seed_and_a_code_to_scan(plane: Plane) -> None:
    answer = plane.call("CreateVirtualMFADevice", VirtualMFADeviceName="phone")["VirtualMFADevice"]
    assert set(answer) == {"SerialNumber", "Base32StringSeed", "QRCodePNG"}
    assert answer["SerialNumber"] == SERIAL
    seed = answer["Base32StringSeed"].decode()
    assert len(seed) == 64
    uri = f"otpauth://totp/Amazon%20Web%20Services:phone@{ACCOUNT}?secret={seed}&issuer=Amazon%20Web%20Services"
    assert key_uri("phone", ACCOUNT, seed) == uri
    assert answer["QRCodePNG"] == qr_code(uri)
    assert answer["QRCodePNG"].startswith(b"\x89PNG\r\n\x1a\n")


def test_the_code_to_scan_names_the_alias_of_the_account(plane: Plane) -> None:
    plane.call("CreateAccountAlias", AccountAlias="house")
    answer = plane.call("CreateVirtualMFADevice", VirtualMFADeviceName="a+b@c")["VirtualMFADevice"]
    uri = key_uri("a+b@c", "house", answer["Base32StringSeed"].decode())
    assert uri.startswith("otpauth://totp/Amazon%20Web%20Services:a%2Bb%40c@house?")
    assert answer["QRCodePNG"] == qr_code(uri)


@pytest.mark.parametrize("path", ["/", "/test-path/", "/test//double/"])
def test_the_path_is_part_of_the_serial_number(plane: Plane, path: str) -> None:
    assert device(plane, Path=path).serial == f"arn:aws:iam::{ACCOUNT}:mfa{path}phone"


def test_the_seed_is_stored_sealed_and_shown_nowhere_else(plane: Plane) -> None:
    held = enabled(plane)
    assert open_seed(plane.keyring, SERIAL, stored(plane).seed) == held.seed
    assert held.seed.encode() not in encode([put(stored(plane))])
    shown = repr([plane.call(name) for name in ("ListVirtualMFADevices", "GetAccountSummary")])
    assert held.seed not in shown
    assert "Seed" not in shown


def test_a_device_is_in_the_journal_as_it_is_in_the_state(plane: Plane) -> None:
    enabled(plane)
    events: list[Event] = [put(stored(plane))]
    assert decode(encode(events)) == events


def test_two_devices_do_not_have_the_same_seed(plane: Plane) -> None:
    assert device(plane, "a").seed != device(plane, "b").seed


@pytest.mark.parametrize(
    ("name", "path", "refused"),
    [
        ("phone", "/", True),
        ("PHONE", "/", True),
        ("phone", "/other/", False),
        ("tablet", "/", False),
    ],
)
def test_name_and_path_together_are_unique(plane: Plane, name: str, path: str, refused: bool) -> None:
    device(plane)
    if refused:
        fault = plane.fault("CreateVirtualMFADevice", VirtualMFADeviceName=name, Path=path)
        assert fault == ("EntityAlreadyExists", 409, "MFA device already exists.")
    else:
        device(plane, name, Path=path)


def test_a_serial_number_that_no_operation_could_name_is_refused(plane: Plane) -> None:
    assert plane.fault("CreateVirtualMFADevice", VirtualMFADeviceName="x" * 227) == (
        "InvalidInput",
        400,
        "The serial number of the device would be longer than 256 characters.",
    )
    device(plane, "x" * 226)


def test_an_account_has_so_many_devices(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    assert limits.MFA_DEVICES == 5000
    monkeypatch.setattr(limits, "MFA_DEVICES", 2)
    device(plane, "a"), device(plane, "b")
    fault = plane.fault("CreateVirtualMFADevice", VirtualMFADeviceName="c")
    assert fault == ("LimitExceeded", 409, "Cannot exceed quota for MFADevicesPerAccount: 2")


# -- enabling ------------------------------------------------------------------------------------------------


def test_two_consecutive_codes_give_a_device_to_a_user(plane: Plane) -> None:
    user = plane.user("Bob")
    held = device(plane)
    assert plane.call("ListMFADevices", UserName="bob") == {"MFADevices": [], "IsTruncated": False}
    enable(plane, "bob", held)
    shown = {"UserName": "Bob", "SerialNumber": SERIAL, "EnableDate": NOW}
    assert plane.call("ListMFADevices", UserName="bob")["MFADevices"] == [shown]
    assert plane.call("GetMFADevice", UserName="bob", SerialNumber=SERIAL) == shown
    assert plane.call("ListVirtualMFADevices")["VirtualMFADevices"] == [
        {"SerialNumber": SERIAL, "User": user, "EnableDate": NOW}
    ]


@pytest.mark.parametrize(("late", "drift"), [(0, 0), (STEP, 0), (-STEP, 0), (10 * STEP, -10), (-10 * STEP, 10)])
def test_codes_that_were_sent_late_leave_the_device_out_of_sync(plane: Plane, late: int, drift: int) -> None:
    plane.user("bob")
    held = device(plane)
    codes = held.pair(plane.now - late)
    plane.call("EnableMFADevice", UserName="bob", SerialNumber=SERIAL, **codes)
    assert stored(plane).drift == drift


@pytest.mark.parametrize(
    ("user", "serial", "refusal"),
    [
        ("nobody", SERIAL, no_user("nobody")),
        ("bob", MISSING, no_device(MISSING)),
        ("bob", "GAHT12345678", no_device("GAHT12345678")),
        ("bob", SERIAL.upper(), no_device(SERIAL.upper())),
        ("bob", SERIAL.replace("phone", "PHONE"), no_device(SERIAL.replace("phone", "PHONE"))),
        ("bob", f"arn:aws:iam::{OTHER}:mfa/phone", no_device(f"arn:aws:iam::{OTHER}:mfa/phone")),
        ("bob", f"arn:aws:iam::{ACCOUNT}:user/bob", no_device(f"arn:aws:iam::{ACCOUNT}:user/bob")),
    ],
)
def test_enabling_takes_a_user_and_a_device_that_are_there(
    plane: Plane, user: str, serial: str, refusal: Refusal
) -> None:
    plane.user("bob")
    held = device(plane)
    assert plane.fault("EnableMFADevice", UserName=user, SerialNumber=serial, **held.pair(plane.now)) == refusal


def codes(first: str, second: str) -> dict[str, str]:
    return {"AuthenticationCode1": first, "AuthenticationCode2": second}


@pytest.mark.parametrize(
    "case", ["wrong first", "wrong second", "twice the same", "reversed", "not consecutive", "old"]
)
def test_codes_that_prove_nothing_do_not_enable(plane: Plane, case: str) -> None:
    plane.user("bob")
    held, now = device(plane), plane.now
    shown = {
        "wrong first": codes(wrong(held.code(now, -1)), held.code(now)),
        "wrong second": codes(held.code(now, -1), wrong(held.code(now))),
        "twice the same": codes(held.code(now), held.code(now)),
        "reversed": codes(held.code(now), held.code(now, -1)),
        "not consecutive": codes(held.code(now, -2), held.code(now)),
        "old": held.pair(now - 2 * 3600),
    }[case]
    assert plane.fault("EnableMFADevice", UserName="bob", SerialNumber=SERIAL, **shown) == NOT_VALID
    assert plane.call("ListMFADevices", UserName="bob")["MFADevices"] == []


def test_the_codes_of_another_device_do_not_enable(plane: Plane) -> None:
    plane.user("bob")
    device(plane)
    other = device(plane, "other")
    assert plane.fault("EnableMFADevice", UserName="bob", SerialNumber=SERIAL, **other.pair(plane.now)) == NOT_VALID


@pytest.mark.parametrize("user", ["bob", "eve"])
def test_a_device_that_is_enabled_is_in_use(plane: Plane, user: str) -> None:
    held = enabled(plane)
    plane.user("eve")
    plane.now += 2 * STEP
    fault = plane.fault("EnableMFADevice", UserName=user, SerialNumber=SERIAL, **held.pair(plane.now))
    assert fault == ("EntityAlreadyExists", 409, "MFA Device is already in use.")


def test_a_user_has_eight_devices(plane: Plane) -> None:
    plane.user("bob")
    for number in range(8):
        enable(plane, "bob", device(plane, f"d{number}"))
    ninth = device(plane, "d9")
    fault = plane.fault("EnableMFADevice", UserName="bob", SerialNumber=ninth.serial, **ninth.pair(plane.now))
    assert fault == ("LimitExceeded", 409, "Cannot exceed quota for MFADevicesPerUser: 8")
    plane.user("ann")
    enable(plane, "ann", ninth)


# -- synchronizing -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [-3600, -90, 90, 3600])
def test_a_device_whose_clock_went_wrong_is_synchronized(plane: Plane, ahead: float) -> None:
    held = enabled(plane)
    plane.now += 7200
    drifted = Authenticator(held.serial, held.seed, ahead)
    plane.call("ResyncMFADevice", UserName="bob", SerialNumber=SERIAL, **drifted.pair(plane.now))
    assert stored(plane).drift == ahead // STEP


def test_a_device_is_not_synchronized_with_codes_that_were_used(plane: Plane) -> None:
    held = enabled(plane)
    used = held.pair(plane.now)
    assert plane.fault("ResyncMFADevice", UserName="bob", SerialNumber=SERIAL, **used) == NOT_VALID
    plane.now += STEP
    half = held.pair(plane.now)  # the first of them was the second
    assert plane.fault("ResyncMFADevice", UserName="bob", SerialNumber=SERIAL, **half) == NOT_VALID
    plane.now += STEP
    plane.call("ResyncMFADevice", UserName="bob", SerialNumber=SERIAL, **held.pair(plane.now))


# -- taking back ---------------------------------------------------------------------------------------------


def test_a_deactivated_device_is_nobodys_and_stays(plane: Plane) -> None:
    enabled(plane)
    plane.call("DeactivateMFADevice", UserName="bob", SerialNumber=SERIAL)
    assert plane.call("ListMFADevices", UserName="bob")["MFADevices"] == []
    assert plane.call("ListVirtualMFADevices")["VirtualMFADevices"] == [{"SerialNumber": SERIAL}]


def test_a_device_is_not_enabled_again_with_the_codes_of_the_first_time(plane: Plane) -> None:
    held = enabled(plane)
    seen = held.pair(plane.now)
    plane.call("DeactivateMFADevice", UserName="bob", SerialNumber=SERIAL)
    plane.user("eve")
    assert plane.fault("EnableMFADevice", UserName="eve", SerialNumber=SERIAL, **seen) == NOT_VALID
    plane.now += 2 * STEP
    enable(plane, "eve", held)


def test_a_device_in_use_is_not_deleted(plane: Plane) -> None:
    enabled(plane)
    fault = plane.fault("DeleteVirtualMFADevice", SerialNumber=SERIAL)
    assert fault == ("DeleteConflict", 409, "MFA VirtualDevice in use. Must deactivate first.")
    plane.call("DeactivateMFADevice", UserName="bob", SerialNumber=SERIAL)
    plane.call("DeleteVirtualMFADevice", SerialNumber=SERIAL)
    assert plane.call("ListVirtualMFADevices") == {"VirtualMFADevices": [], "IsTruncated": False}
    assert plane.fault("DeleteVirtualMFADevice", SerialNumber=SERIAL) == no_device(SERIAL)


def test_a_user_with_a_device_is_not_deleted(plane: Plane) -> None:
    enabled(plane)
    fault = plane.fault("DeleteUser", UserName="bob")
    assert fault == ("DeleteConflict", 409, "Cannot delete entity, must delete MFA device first.")
    plane.call("DeactivateMFADevice", UserName="bob", SerialNumber=SERIAL)
    plane.call("DeleteUser", UserName="bob")


def test_a_renamed_user_keeps_its_device(plane: Plane) -> None:
    enabled(plane)
    plane.call("UpdateUser", UserName="bob", NewUserName="rob")
    assert serials(plane.call("ListMFADevices", UserName="rob"), "MFADevices") == ["phone"]
    plane.user("bob")
    assert plane.call("ListMFADevices", UserName="bob")["MFADevices"] == []
    plane.call("DeactivateMFADevice", UserName="rob", SerialNumber=SERIAL)


@pytest.mark.parametrize("operation", ["DeactivateMFADevice", "GetMFADevice", "ResyncMFADevice"])
@pytest.mark.parametrize(
    ("user", "serial", "refusal"),
    [
        ("nobody", SERIAL, no_user("nobody")),
        ("bob", MISSING, no_device(MISSING)),
        ("eve", SERIAL, NOT_THE_USERS),
        ("bob", f"arn:aws:iam::{ACCOUNT}:mfa/spare", NOT_THE_USERS),
    ],
)
def test_a_device_of_somebody_else_is_none(
    plane: Plane, operation: str, user: str, serial: str, refusal: Refusal
) -> None:
    held = enabled(plane)
    plane.user("eve")
    device(plane, "spare")
    shown = held.pair(plane.now + 2 * STEP) if operation == "ResyncMFADevice" else {}
    assert plane.fault(operation, UserName=user, SerialNumber=serial, **shown) == refusal


# -- listing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "names"),
    [("Assigned", ["b"]), ("Unassigned", ["a", "c"]), ("Any", ["a", "b", "c"]), ("", ["a", "b", "c"])],
)
def test_devices_are_listed_by_whether_they_are_assigned(plane: Plane, status: str, names: list[str]) -> None:
    plane.user("bob")
    held = {name: device(plane, name) for name in "cab"}
    enable(plane, "bob", held["b"])
    wanted = {"AssignmentStatus": status} if status else {}
    assert serials(plane.call("ListVirtualMFADevices", **wanted)) == names


def test_lists_come_in_pages(plane: Plane) -> None:
    plane.user("bob")
    for number, path in itertools.product(range(3), ("/", "/a/")):
        enable(plane, "bob", device(plane, f"d{number}", Path=path))
    for operation, member, wanted in (
        ("ListVirtualMFADevices", "VirtualMFADevices", {}),
        ("ListMFADevices", "MFADevices", {"UserName": "bob"}),
    ):
        pages = plane.pages(operation, member, MaxItems=4, **wanted)
        assert [len(found) for found in pages] == [4, 2]
        assert len({found["SerialNumber"] for found in itertools.chain(*pages)}) == 6
    assert plane.fault("ListVirtualMFADevices", Marker="nonsense") == ("ValidationError", 400, "Invalid Marker.")


def test_another_accounts_devices_are_not_listed(plane: Plane) -> None:
    device(plane)
    foreign = MfaDevice(account=OTHER, name="theirs", seed=b"", created=1)
    plane.state = change(plane.state, [put(foreign)])
    assert serials(plane.call("ListVirtualMFADevices")) == ["phone"]
    assert plane.fault("DeleteVirtualMFADevice", SerialNumber=foreign.arn) == no_device(foreign.arn)


# -- who is meant --------------------------------------------------------------------------------------------


def test_without_a_name_the_caller_is_meant(plane: Plane) -> None:
    enabled(plane)
    plane.become("bob")
    assert serials(plane.call("ListMFADevices"), "MFADevices") == ["phone"]
    assert plane.call("GetMFADevice", SerialNumber=SERIAL)["UserName"] == "bob"
    plane.call("DeactivateMFADevice", SerialNumber=SERIAL)


def test_a_session_of_a_role_has_to_name_a_user(plane: Plane) -> None:
    plane.role("app")
    plane.become_session("app")
    wanted = ("ValidationError", 400, "Must specify userName when calling with non-User credentials")
    assert plane.fault("ListMFADevices") == wanted
    assert plane.fault("DeactivateMFADevice", SerialNumber=SERIAL) == wanted


def test_the_root_user_has_a_device(plane: Plane) -> None:
    held = device(plane, "root-account-mfa-device")
    enable(plane, ACCOUNT, held)
    shown = {"UserName": ACCOUNT, "SerialNumber": held.serial, "EnableDate": NOW}
    assert plane.call("ListMFADevices")["MFADevices"] == [shown]
    assert plane.call("GetMFADevice", SerialNumber=held.serial) == shown
    (listed,) = plane.call("ListVirtualMFADevices", AssignmentStatus="Assigned")["VirtualMFADevices"]
    assert listed["User"] == {"UserId": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root", "CreateDate": NOW - 100}
    assert plane.call("GetAccountSummary")["SummaryMap"]["AccountMFAEnabled"] == 1
    plane.call("DeactivateMFADevice", SerialNumber=held.serial)
    assert plane.call("ListMFADevices")["MFADevices"] == []


def test_nobody_else_names_the_root_user(plane: Plane) -> None:
    plane.user("bob")
    held = device(plane, "root-account-mfa-device")
    plane.become("bob")
    fault = plane.fault("EnableMFADevice", UserName=ACCOUNT, SerialNumber=held.serial, **held.pair(plane.now))
    assert fault == no_user(ACCOUNT)
    plane.caller = ROOT
    enable(plane, ACCOUNT, held)
    plane.become("bob")
    assert plane.fault("DeactivateMFADevice", SerialNumber=held.serial) == NOT_THE_USERS
    assert plane.fault("DeactivateMFADevice", UserName=ACCOUNT, SerialNumber=held.serial) == no_user(ACCOUNT)


# -- counting, tagging ---------------------------------------------------------------------------------------


def test_the_account_counts_its_devices(plane: Plane) -> None:
    enabled(plane)
    device(plane, "spare")
    summary = plane.call("GetAccountSummary")["SummaryMap"]
    assert (summary["MFADevices"], summary["MFADevicesInUse"], summary["AccountMFAEnabled"]) == (2, 1, 0)


def test_devices_are_tagged(plane: Plane) -> None:
    tags = [{"Key": "Team", "Value": "red"}, {"Key": "team", "Value": "blue"}]
    answer = plane.call("CreateVirtualMFADevice", VirtualMFADeviceName="phone", Tags=tags)
    assert answer["VirtualMFADevice"]["Tags"] == tags
    plane.call("TagMFADevice", SerialNumber=SERIAL, Tags=[{"Key": "Team", "Value": "green"}])
    plane.call("UntagMFADevice", SerialNumber=SERIAL, TagKeys=["team"])
    assert plane.call("ListMFADeviceTags", SerialNumber=SERIAL) == {
        "Tags": [{"Key": "Team", "Value": "green"}],
        "IsTruncated": False,
    }
    assert "Tags" not in plane.call("ListVirtualMFADevices")["VirtualMFADevices"][0]


@pytest.mark.parametrize(
    ("operation", "params", "refusal"),
    [
        ("TagMFADevice", {"Tags": [{"Key": "a", "Value": ""}]}, no_device(MISSING)),
        ("UntagMFADevice", {"TagKeys": ["a"]}, no_device(MISSING)),
        ("ListMFADeviceTags", {}, no_device(MISSING)),
        (
            "TagMFADevice",
            {"SerialNumber": SERIAL, "Tags": [{"Key": f"k{n}", "Value": ""} for n in range(51)]},
            ("LimitExceeded", 409, "The number of tags has reached the maximum limit."),
        ),
        (
            "TagMFADevice",
            {"SerialNumber": SERIAL, "Tags": [{"Key": "aws:a", "Value": ""}]},
            ("InvalidInput", 400, "aws: prefixed tag key names are not allowed for external use."),
        ),
        (
            "CreateVirtualMFADevice",
            {"VirtualMFADeviceName": "new", "Tags": [{"Key": "a", "Value": ""}, {"Key": "a", "Value": ""}]},
            ("InvalidInput", 400, "Duplicate tag keys found."),
        ),
    ],
)
def test_tags_that_cannot_be(plane: Plane, operation: str, params: dict[str, Any], refusal: Refusal) -> None:
    device(plane)
    given = params if "VirtualMFADeviceName" in params else {"SerialNumber": MISSING, **params}
    assert plane.fault(operation, **given) == refusal


def test_tags_come_in_pages(plane: Plane) -> None:
    device(plane, Tags=[{"Key": f"k{n}", "Value": ""} for n in range(5)])
    assert [len(found) for found in plane.pages("ListMFADeviceTags", "Tags", SerialNumber=SERIAL, MaxItems=2)] == [
        2,
        2,
        1,
    ]
