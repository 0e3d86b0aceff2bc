"""S3 Control acts on the account of its caller, and on no other that a call names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inprocess import InProcess

HERE, AWAY = "000000000000", "444455556666"
BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("get_public_access_block", {}),
    ("put_public_access_block", {"PublicAccessBlockConfiguration": BLOCK}),
    ("delete_public_access_block", {}),
    ("create_access_point", {"Name": "of-another", "Bucket": "bucket-of-points"}),
    ("get_access_point", {"Name": "point"}),
    ("list_access_points", {}),
    ("delete_access_point", {"Name": "point"}),
    ("get_access_point_policy", {"Name": "point"}),
    ("list_storage_lens_configurations", {}),
    ("list_multi_region_access_points", {}),
    ("list_jobs", {}),
]


def code(call: Callable[..., Any], **params: Any) -> str:
    try:
        call(**params)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


@pytest.fixture(scope="module")
def control(plane: InProcess) -> Any:
    plane.client("s3").create_bucket(Bucket="bucket-of-points")
    client = plane.client("s3control")
    client.create_access_point(AccountId=HERE, Name="point", Bucket="bucket-of-points")
    return client


@pytest.mark.parametrize(("operation", "params"), CALLS)
def test_a_call_for_another_account_is_refused(control: Any, operation: str, params: dict[str, Any]) -> None:
    assert code(getattr(control, operation), AccountId=AWAY, **params) == "AccessDenied"


def test_a_call_for_the_own_account_is_not(control: Any) -> None:
    control.put_public_access_block(AccountId=HERE, PublicAccessBlockConfiguration=BLOCK)
    found = control.get_public_access_block(AccountId=HERE)["PublicAccessBlockConfiguration"]
    control.delete_public_access_block(AccountId=HERE)
    assert found == BLOCK
    assert control.get_access_point(AccountId=HERE, Name="point")["Bucket"] == "bucket-of-points"


def test_blocking_public_access_of_the_account_takes_the_action_of_its_own(plane: InProcess) -> None:
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    not_that = {"Effect": "Deny", "Action": "s3:PutAccountPublicAccessBlock", "Resource": "*"}
    client = plane.client("s3control", plane.user("no-blocker", everything, not_that))
    given = {"AccountId": HERE, "PublicAccessBlockConfiguration": BLOCK}
    assert code(client.put_public_access_block, **given) == "AccessDenied"
    assert code(client.delete_public_access_block, AccountId=HERE) == "AccessDenied"


def test_a_deny_on_a_multi_region_access_point_holds_by_its_name(plane: InProcess) -> None:
    control = plane.client("s3control")
    plane.client("s3").create_bucket(Bucket="bucket-of-regions")
    details = {"Name": "everywhere", "Regions": [{"Bucket": "bucket-of-regions"}]}
    control.create_multi_region_access_point(AccountId=HERE, ClientToken="t", Details=details)
    alias = control.get_multi_region_access_point(AccountId=HERE, Name="everywhere")["AccessPoint"]["Alias"]
    arn = f"arn:aws:s3::{HERE}:accesspoint/{alias}"
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    client = plane.client(
        "s3control", plane.user("not-everywhere", everything, {"Effect": "Deny", "Action": "*", "Resource": arn})
    )
    refused = code(client.get_multi_region_access_point, AccountId=HERE, Name="everywhere")
    assert refused == "AccessDenied"
    assert arn in [resource.arn for resource in plane.records(1)[0].resources]
