"""A backend that refuses the tags of stacks is called without them, and any other refusal stays one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from locum.agents.stacks.work import carried_out
from locum.core.actors import ServiceRole
from locum.core.calls import ServiceCall
from locum.core.errors import Fault
from locum.core.principal import Source
from locum.services.cloudformation.providers.base import Made, Request, Work

OF_STACK = {"Key": "aws:cloudformation:stack-name", "Value": "web"}
TEAM = {"Key": "team", "Value": "blue"}
INVALID_TAG = Fault("InvalidTag", "The TagKey you have provided is invalid")
RESERVED = Fault("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved")
DENIED = Fault("AccessDenied", "no")


def work(request: Request) -> Work:
    yield request
    return Made("made")


def calls_of(request: Request, *faults: Fault) -> list[Mapping[str, Any]]:
    """The parameters of the calls that are made for one request, the first of which fail with `faults`."""
    made: list[Mapping[str, Any]] = []

    async def make(call: ServiceCall) -> Mapping[str, Any]:
        made.append(call.params)
        if len(made) <= len(faults):
            raise faults[len(made) - 1]
        return {}

    actor = ServiceRole("cloudformation.amazonaws.com", "", "", Source("", ""))
    assert asyncio.run(carried_out(make, actor, "us-east-1", work(request))) == Made("made")
    return made


def tagging(*tags: Mapping[str, str]) -> Request:
    return Request("s3", "PutBucketTagging", {"Bucket": "b", "Tagging": {"TagSet": list(tags)}})


def topic(*tags: Mapping[str, str]) -> Request:
    return Request("sns", "CreateTopic", {"Name": "t", "Tags": list(tags)})


@pytest.mark.parametrize("fault", [INVALID_TAG, RESERVED])
def test_a_call_is_made_again_with_the_tags_that_are_the_users(fault: Fault) -> None:
    assert [it["Tagging"]["TagSet"] for it in calls_of(tagging(OF_STACK, TEAM), fault)] == [[OF_STACK, TEAM], [TEAM]]


def test_what_does_more_than_tag_is_made_without_any() -> None:
    assert calls_of(topic(OF_STACK), RESERVED)[1:] == [{"Name": "t"}]


def test_what_would_only_tag_is_not_made_where_nothing_is_left() -> None:
    assert len(calls_of(tagging(OF_STACK), INVALID_TAG)) == 1


@pytest.mark.parametrize(
    ("request_", "faults"),
    [
        (tagging(OF_STACK, TEAM), [DENIED]),
        (tagging(TEAM), [INVALID_TAG]),
        (topic(OF_STACK), [RESERVED, RESERVED]),
    ],
)
def test_other_refusals_and_those_of_the_users_tags_and_of_a_second_call_stand(
    request_: Request, faults: list[Fault]
) -> None:
    with pytest.raises(Fault) as caught:
        calls_of(request_, *faults)
    assert caught.value is faults[-1]
