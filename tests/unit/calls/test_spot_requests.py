"""Spot requests: Locum's instances, launched with everything that RunInstances would check."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from locum.services.verbs import Outcome
from locum.state import Instance, State, put
from support.inprocess import InProcess

ACCOUNT = "000000000000"
IMAGE = "ami-12c6146b"
SPOT = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
PERSISTENT = {"SpotInstanceType": "persistent", "InstanceInterruptionBehavior": "stop"}


@pytest.fixture(scope="module", autouse=True)
def profile(plane: InProcess) -> None:
    """An instance profile `spot-worn` with the role of that name."""
    plane.profile("spot-worn")


def requested(plane: InProcess, **params: Any) -> list[dict[str, Any]]:
    given = {"LaunchSpecification": {"ImageId": IMAGE, "InstanceType": "t3.micro"}, **params}
    answer: list[dict[str, Any]] = plane.client("ec2").request_spot_instances(**given)["SpotInstanceRequests"]
    return answer


def described(plane: InProcess, request: dict[str, Any]) -> dict[str, Any]:
    ids = [request["SpotInstanceRequestId"]]
    found = plane.client("ec2").describe_spot_instance_requests(SpotInstanceRequestIds=ids)["SpotInstanceRequests"]
    return dict(found[0])


def instance(plane: InProcess, name: str) -> dict[str, Any]:
    found = plane.client("ec2").describe_instances(InstanceIds=[name])["Reservations"]
    return dict(found[0]["Instances"][0])


def refused(plane: InProcess, operation: str, key: Any = None, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        getattr(plane.client("ec2", key), operation)(**params)
    error = caught.value.response["Error"]
    return str(error["Code"]), str(error["Message"])


def test_a_request_is_fulfilled_by_an_instance_with_its_profile(plane: InProcess) -> None:
    specification = {"ImageId": IMAGE, "InstanceType": "t3.micro", "IamInstanceProfile": {"Name": "spot-worn"}}
    tags = [{"ResourceType": "spot-instances-request", "Tags": [{"Key": "team", "Value": "a"}]}]
    made = requested(
        plane, LaunchSpecification=specification, InstanceCount=2, SpotPrice="0.05", TagSpecifications=tags
    )
    assert len({each["SpotInstanceRequestId"] for each in made}) == 2
    for each in made:
        worn = instance(plane, each["InstanceId"])
        assert worn["IamInstanceProfile"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/spot-worn"
        told = worn["InstanceLifecycle"], worn["SpotInstanceRequestId"]
        assert told == ("spot", each["SpotInstanceRequestId"])
        found = described(plane, each)
        assert found == {**each, "Status": {**each["Status"], "UpdateTime": found["Status"]["UpdateTime"]}}
        assert (found["State"], found["Status"]["Code"], found["Type"]) == ("active", "fulfilled", "one-time")
        assert (found["SpotPrice"], found["Tags"]) == ("0.05", [{"Key": "team", "Value": "a"}])
        assert found["LaunchSpecification"]["IamInstanceProfile"]["Name"] == "spot-worn"


def test_a_launch_with_the_market_option_has_a_request(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    options = {"MarketType": "spot", "SpotOptions": PERSISTENT}
    launch = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1, InstanceMarketOptions=options)["Instances"][0]
    found = described(plane, launch)
    assert (found["InstanceId"], found["Type"]) == (launch["InstanceId"], "persistent")
    assert found["InstanceInterruptionBehavior"] == "stop"
    ec2.stop_instances(InstanceIds=[launch["InstanceId"]])
    found = described(plane, launch)
    assert (found["State"], found["Status"]["Code"]) == ("disabled", "instance-stopped-by-user")


def test_a_one_time_spot_instance_cannot_be_stopped(plane: InProcess) -> None:
    (made,) = requested(plane)
    code, text = refused(plane, "stop_instances", InstanceIds=[made["InstanceId"]])
    assert code == "UnsupportedOperation"
    assert text.startswith(f"You can't stop the Spot Instance '{made['InstanceId']}' because")
    assert instance(plane, made["InstanceId"])["State"]["Name"] == "running"


def test_a_cancelled_request_leaves_its_instance_running(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    (made,) = requested(plane)
    ids = [made["SpotInstanceRequestId"]]
    answer = ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=ids)["CancelledSpotInstanceRequests"]
    assert answer == [{"SpotInstanceRequestId": ids[0], "State": "cancelled"}]
    found = described(plane, made)
    assert (found["State"], found["Status"]["Code"]) == ("cancelled", "request-canceled-and-instance-running")
    assert instance(plane, made["InstanceId"])["State"]["Name"] == "running"


def test_a_request_is_closed_with_its_instance(plane: InProcess) -> None:
    (made,) = requested(plane)
    plane.client("ec2").terminate_instances(InstanceIds=[made["InstanceId"]])
    found = described(plane, made)
    assert (found["State"], found["Status"]["Code"]) == ("closed", "instance-terminated-by-user")


def test_a_spot_instance_of_an_older_journal_is_one_without_a_request(plane: InProcess) -> None:
    (made,) = requested(plane)

    def older(state: State) -> Outcome:
        (found,) = (it for it in state.every(Instance) if it.id == made["InstanceId"])
        kept = {name: value for name, value in found.attributes.items() if name != "SpotRequest"}
        return Outcome({}, (put(replace(found, attributes=kept)),))

    plane.run(plane.node.ledger.transact(older, lambda _outcome: ()))
    shown = instance(plane, made["InstanceId"])
    assert (shown["InstanceLifecycle"], "SpotInstanceRequestId" in shown) == ("spot", False)
    plane.client("ec2").terminate_instances(InstanceIds=[made["InstanceId"]])


def test_the_same_client_token_is_the_same_request(plane: InProcess) -> None:
    first = requested(plane, ClientToken="once", InstanceCount=2)
    again = requested(plane, ClientToken="once", InstanceCount=2)
    assert [each["SpotInstanceRequestId"] for each in again] == [each["SpotInstanceRequestId"] for each in first]
    specification = {"ImageId": IMAGE, "InstanceType": "t3.micro"}
    given = {"LaunchSpecification": specification, "ClientToken": "once"}
    assert refused(plane, "request_spot_instances", **given)[0] == "IdempotentParameterMismatch"


def test_requests_are_found_by_filters_and_pages(plane: InProcess) -> None:
    made = requested(plane, InstanceCount=7, LaunchGroup="paged")
    filters = [{"Name": "launch-group", "Values": ["paged"]}, {"Name": "launch.image-id", "Values": [IMAGE]}]
    pages = plane.client("ec2").get_paginator("describe_spot_instance_requests")
    sizes, found = [], set()
    for page in pages.paginate(Filters=filters, PaginationConfig={"PageSize": 5}):
        sizes.append(len(page["SpotInstanceRequests"]))
        found |= {each["SpotInstanceRequestId"] for each in page["SpotInstanceRequests"]}
    assert sizes == [5, 2]
    assert found == {each["SpotInstanceRequestId"] for each in made}


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"LaunchSpecification": {"ImageId": "ami-0000000000000000f"}}, "InvalidAMIID.NotFound"),
        ({"InstanceCount": 0}, "InvalidParameterValue"),
        ({"SpotPrice": "-1"}, "InvalidParameterValue"),
        ({"SpotPrice": "0.000"}, "InvalidParameterValue"),
        ({"InstanceInterruptionBehavior": "hibernate"}, "InvalidParameterCombination"),
        ({"ValidUntil": datetime(2001, 1, 1, tzinfo=UTC)}, "InvalidParameterValue"),
        ({"ValidFrom": datetime(2200, 1, 1, tzinfo=UTC)}, "UnsupportedOperation"),
        ({"BlockDurationMinutes": 60}, "UnsupportedOperation"),
    ],
)
def test_a_wrong_request_is_refused_and_launches_nothing(plane: InProcess, params: dict[str, Any], code: str) -> None:
    ec2 = plane.client("ec2")
    before = len(ec2.describe_spot_instance_requests()["SpotInstanceRequests"])
    given = {"LaunchSpecification": {"ImageId": IMAGE}, **params}
    assert refused(plane, "request_spot_instances", **given)[0] == code
    assert len(ec2.describe_spot_instance_requests()["SpotInstanceRequests"]) == before


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("sir-00000000", "InvalidSpotInstanceRequestID.NotFound"),
        ("i-00000000", "InvalidSpotInstanceRequestID.Malformed"),
    ],
)
def test_a_request_that_is_not_there(plane: InProcess, name: str, code: str) -> None:
    for operation in ("describe_spot_instance_requests", "cancel_spot_instance_requests"):
        assert refused(plane, operation, SpotInstanceRequestIds=[name])[0] == code


def test_a_role_that_the_caller_may_not_pass_is_not_passed_by_a_spot_request(plane: InProcess) -> None:
    key = plane.user("spot-no-pass", SPOT)
    specification = {"ImageId": IMAGE, "IamInstanceProfile": {"Name": "spot-worn"}}
    code, text = refused(plane, "request_spot_instances", key, LaunchSpecification=specification)
    assert code == "UnauthorizedOperation"
    assert "iam:PassRole" in text


def test_a_denied_image_is_not_launched_by_a_spot_request(plane: InProcess) -> None:
    denied = {"Effect": "Deny", "Action": "ec2:RequestSpotInstances", "Resource": f"arn:aws:ec2:*::image/{IMAGE}"}
    key = plane.user("spot-no-image", SPOT, denied)
    assert refused(plane, "request_spot_instances", key, LaunchSpecification={"ImageId": IMAGE})[0] == (
        "UnauthorizedOperation"
    )


def test_a_spot_fleet_launches_no_instances_that_locum_does_not_know(plane: InProcess) -> None:
    config = {
        "IamFleetRole": f"arn:aws:iam::{ACCOUNT}:role/spot-worn",
        "TargetCapacity": 1,
        "LaunchSpecifications": [{"ImageId": IMAGE, "InstanceType": "t3.micro"}],
    }
    assert refused(plane, "request_spot_fleet", SpotFleetRequestConfig=config)[0] == "UnsupportedOperation"
