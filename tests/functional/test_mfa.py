"""A second factor, as people use it: a device, its codes, a role that wants one, and the AWS CLI's own prompt."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest

from support.authenticator import Authenticator
from support.plane import ACCOUNT, REGION, Key, Refusal, RunningPlane, allow, fresh, refused, trusting

WANTS_A_SECOND_FACTOR = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
PNG = b"\x89PNG\r\n\x1a\n"


def registered(plane: RunningPlane, user: str, key: Key) -> Authenticator:
    """The user makes a device and enables it for itself."""
    iam = plane.client("iam", key)
    answer = iam.create_virtual_mfa_device(VirtualMFADeviceName=f"{user}-phone")
    assert answer["VirtualMFADevice"]["QRCodePNG"].startswith(PNG)
    phone = Authenticator.of(answer)
    iam.enable_mfa_device(UserName=user, SerialNumber=phone.serial, **phone.pair(time.time()))
    (device,) = iam.list_mfa_devices()["MFADevices"]
    assert (device["UserName"], device["SerialNumber"]) == (user, phone.serial)
    return phone


def test_a_user_registers_a_device_and_assumes_a_role_with_it(plane: RunningPlane) -> None:
    user, key = plane.user(allow("sts:AssumeRole"), allow("iam:*MFADevice*"))
    phone = registered(plane, user, key)
    role = plane.role(trusting(WANTS_A_SECOND_FACTOR, AWS=f"arn:aws:iam::{ACCOUNT}:root"), allow("s3:ListAllMyBuckets"))
    sts = plane.client("sts", key)
    asked = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{role}", "RoleSessionName": "careful"}
    assert refused(sts.assume_role, **asked).code == "AccessDenied"
    shown = phone.shown(time.time(), 1)
    session = Key.of(sts.assume_role(**asked, **shown)["Credentials"])
    assert "Buckets" in plane.client("s3", session).list_buckets()
    again = refused(sts.assume_role, **asked, **shown)
    assert (
        again[:3]
        == Refusal("AccessDenied", 403, "MultiFactorAuthentication failed with invalid MFA one time pass code. ")[:3]
    )


def test_a_session_token_with_a_code_calls_iam_and_takes_the_device_back(plane: RunningPlane) -> None:
    user, key = plane.user(allow("iam:*"))
    phone = registered(plane, user, key)
    sts = plane.client("sts", key)
    without = Key.of(sts.get_session_token()["Credentials"])
    assert refused(plane.client("iam", without).list_mfa_devices).code == "InvalidClientTokenId"
    shown = phone.shown(time.time(), 1)
    iam = plane.client("iam", Key.of(sts.get_session_token(**shown)["Credentials"]))
    assert refused(iam.delete_virtual_mfa_device, SerialNumber=phone.serial).code == "DeleteConflict"
    iam.deactivate_mfa_device(UserName=user, SerialNumber=phone.serial)
    iam.delete_virtual_mfa_device(SerialNumber=phone.serial)
    assert refused(iam.get_mfa_device, SerialNumber=phone.serial).code == "NoSuchEntity"


def test_botocore_asks_for_the_code_of_a_profile_with_an_mfa_serial(
    plane: RunningPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, key = plane.user(allow("sts:AssumeRole"), allow("iam:*MFADevice*"))
    phone = registered(plane, user, key)
    role = plane.role(trusting(WANTS_A_SECOND_FACTOR, AWS=f"arn:aws:iam::{ACCOUNT}:root"))
    config = tmp_path / "config"
    config.write_text(
        f"[profile base]\naws_access_key_id = {key.access_key_id}\naws_secret_access_key = {key.secret_access_key}\n"
        f"[profile careful]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/{role}\nsource_profile = base\n"
        f"mfa_serial = {phone.serial}\nrole_session_name = careful\nregion = {REGION}\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_ENDPOINT_URL", plane.endpoint)
    inner = botocore.session.Session(profile="careful")
    provider = inner.get_component("credential_provider").get_provider("assume-role")
    provider._prompter = lambda _prompt: phone.code(time.time(), 1)
    client = boto3.session.Session(botocore_session=inner).client("sts")
    assert client.get_caller_identity()["Arn"].endswith(f":assumed-role/{role}/careful")


@pytest.mark.parametrize("path", ["invalid-path/", "/invalid-path", "/" + "a" * 512 + "/"])
def test_a_path_that_is_none_is_refused(plane: RunningPlane, path: str) -> None:
    call = plane.client("iam").create_virtual_mfa_device
    assert refused(call, VirtualMFADeviceName=fresh("phone"), Path=path)[:2] == ("ValidationError", 400)


def test_devices_are_permitted_by_their_arn_and_by_their_tags(plane: RunningPlane) -> None:
    path = f"/{fresh('team')}/"
    own: dict[str, Any] = {"StringEquals": {"aws:ResourceTag/team": "red"}}
    _, key = plane.user(
        allow("iam:CreateVirtualMFADevice", f"arn:aws:iam::{ACCOUNT}:mfa{path}*"),
        allow("iam:TagMFADevice", f"arn:aws:iam::{ACCOUNT}:mfa{path}*"),
        allow("iam:DeleteVirtualMFADevice", **own),
    )
    iam = plane.client("iam", key)
    name = fresh("phone")
    denied = refused(iam.create_virtual_mfa_device, VirtualMFADeviceName=name)
    assert f"iam:CreateVirtualMFADevice on resource: arn:aws:iam::{ACCOUNT}:mfa/{name} " in denied.message
    made = [
        iam.create_virtual_mfa_device(
            VirtualMFADeviceName=fresh(name), Path=path, Tags=[{"Key": "team", "Value": team}]
        )
        for team in ("red", "blue")
    ]
    red, blue = (answer["VirtualMFADevice"]["SerialNumber"] for answer in made)
    assert refused(iam.delete_virtual_mfa_device, SerialNumber=blue).code == "AccessDenied"
    iam.delete_virtual_mfa_device(SerialNumber=red)


def test_the_aws_cli_writes_the_code_to_scan(plane: RunningPlane, tmp_path: Path) -> None:
    image = tmp_path / "code.png"
    line = ["iam", "create-virtual-mfa-device", "--virtual-mfa-device-name", fresh("phone")]
    answer = plane.aws("v1", *line, "--outfile", str(image), "--bootstrap-method", "QRCodePNG")
    assert image.read_bytes().startswith(PNG)
    assert list(answer["VirtualMFADevice"]) == ["SerialNumber"]
