"""A call is carried out where the resource is that was decided on, or not at all.

In the mode `observe`, so that what other accounts do not allow gets that far.
"""

from __future__ import annotations

from typing import Any

import pytest

from locum.backends import BackendCall
from locum.core.http import HttpResponse
from support.backends import behind
from support.functions import package
from support.inprocess import InProcess, refusal

HOME, AWAY = "000000000000", "444455556666"
HERE, THERE = "us-east-1", "eu-west-1"


def table(account: str, region: str, name: str = "t") -> str:
    return f"arn:aws:dynamodb:{region}:{account}:table/{name}"


def place(plane: InProcess, service: str, operation: str, **parameters: Any) -> tuple[str, str]:
    """Account and region of the call that the backend gets."""
    with behind(plane, service, lambda _call: HttpResponse(200, [], b"{}")) as backend:
        plane.send(plane.request(service, operation, **parameters))
    (call,) = backend.calls
    return call.account, call.region


def test_without_an_arn_a_call_is_about_the_callers_own(observing: InProcess) -> None:
    assert place(observing, "dynamodb", "describe_table", TableName="t") == (HOME, HERE)
    assert place(observing, "dynamodb", "list_tables") == (HOME, HERE)


@pytest.mark.parametrize(("account", "region"), [(AWAY, HERE), (HOME, THERE), (AWAY, THERE)])
def test_an_arn_says_where(observing: InProcess, account: str, region: str) -> None:
    named = {"Key": {"k": {"S": "v"}}}
    assert place(observing, "dynamodb", "get_item", TableName=table(account, region), **named) == (account, region)


def test_a_queues_url_says_whose(observing: InProcess) -> None:
    url = f"http://127.0.0.1:4566/{AWAY}/q"
    assert place(observing, "sqs", "send_message", QueueUrl=url, MessageBody="m") == (AWAY, HERE)


@pytest.mark.parametrize("second", [table(AWAY, HERE), table(HOME, THERE), table(AWAY, THERE)])
def test_one_call_on_tables_in_two_places_is_not_carried_out(observing: InProcess, second: str) -> None:
    keys = {"Keys": [{"k": {"S": "v"}}]}

    def never(_call: BackendCall) -> HttpResponse:
        raise AssertionError("nothing is to be carried out")

    with behind(observing, "dynamodb", never):
        told = refusal(observing.client("dynamodb").batch_get_item, RequestItems={"t": keys, second: keys})
    assert told[:2] == ("NotImplemented", 501)
    assert "several accounts or regions" in told[2]


def test_tables_in_one_place_may_be_named_in_two_ways(observing: InProcess) -> None:
    keys = {"Keys": [{"k": {"S": "v"}}]}
    items = {"t": keys, table(HOME, HERE, "u"): keys}
    assert place(observing, "dynamodb", "batch_get_item", RequestItems=items) == (HOME, HERE)


def test_a_role_that_is_passed_does_not_say_where(observing: InProcess) -> None:
    parameters: dict[str, Any] = {"FunctionName": "f", "Role": f"arn:aws:iam::{AWAY}:role/r", "Runtime": "python3.11",
                                  "Handler": "h.h", "Code": {"ZipFile": package(h="")}}  # fmt: skip
    assert place(observing, "lambda", "create_function", **parameters) == (HOME, HERE)


def test_a_copy_from_another_region_is_made_in_the_callers(observing: InProcess) -> None:
    source = f"arn:aws:rds:{THERE}:{HOME}:db:source"
    parameters = {"DBInstanceIdentifier": "copy", "SourceDBInstanceIdentifier": source}
    account, region = place(observing, "rds", "create_db_instance_read_replica", **parameters)
    assert (account, region) == (HOME, HERE)


def test_a_bucket_is_made_for_whoever_calls(observing: InProcess) -> None:
    observing.client("s3", observing.account(AWAY)).create_bucket(Bucket="taken")
    told = refusal(observing.client("s3", region=THERE).create_bucket, Bucket="taken",
                   CreateBucketConfiguration={"LocationConstraint": THERE})  # fmt: skip
    assert told[:2] == ("BucketAlreadyExists", 409)
