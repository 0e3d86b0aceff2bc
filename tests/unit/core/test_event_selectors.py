"""Advanced event selectors select what the documentation says, and are refused where they could not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.core.errors import Fault
from locum.core.event_selectors import MAX_VALUES, check, matches, selected

EVENT: dict[str, Any] = {
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann"},
    "eventSource": "s3.amazonaws.com",
    "eventName": "PutObject",
    "readOnly": False,
    "resources": [
        {"ARN": "arn:aws:s3:::logs/2026/a", "type": "AWS::S3::Object"},
        {"ARN": "arn:aws:s3:::logs", "type": "AWS::S3::Bucket"},
    ],
    "eventType": "AwsApiCall",
    "eventCategory": "Data",
    "vpcEndpointId": "vpce-1",
}
DATA = {"Field": "eventCategory", "Equals": ["Data"]}
OBJECTS = {"Field": "resources.type", "Equals": ["AWS::S3::Object"]}
MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}
NETWORK = {"Field": "eventCategory", "Equals": ["NetworkActivity"]}


def of(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"FieldSelectors": list(statements)}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"Field": "eventCategory", "Equals": ["Data"]}, True),
        ({"Field": "eventCategory", "Equals": ["Management"]}, False),
        ({"Field": "readOnly", "Equals": ["false"]}, True),
        ({"Field": "readOnly", "Equals": ["true"]}, False),
        ({"Field": "eventName", "Equals": ["GetObject", "PutObject"]}, True),
        ({"Field": "eventName", "StartsWith": ["Put"]}, True),
        ({"Field": "eventName", "EndsWith": ["Bucket"]}, False),
        ({"Field": "eventName", "NotEquals": ["PutObject"]}, False),
        ({"Field": "eventName", "NotStartsWith": ["Get"], "NotEndsWith": ["Object"]}, False),
        ({"Field": "eventName", "Equals": ["putobject"]}, False),
        ({"Field": "eventName", "Equals": ["Put*"]}, False),
        # a condition that selects or another one, and none that deselects
        ({"Field": "eventName", "StartsWith": ["Get"], "EndsWith": ["Object"]}, True),
        ({"Field": "eventName", "StartsWith": ["Put"], "NotEquals": ["PutObject"]}, False),
        ({"Field": "eventName", "StartsWith": ["Put"], "NotEquals": ["PutObjectAcl"]}, True),
        ({"Field": "resources.ARN", "StartsWith": ["arn:aws:s3:::logs/2026/"]}, True),
        ({"Field": "resources.ARN", "NotStartsWith": ["arn:aws:s3:::logs/"]}, False),
        ({"Field": "resources.type", "Equals": ["AWS::S3::Bucket"]}, True),
        ({"Field": "userIdentity.arn", "EndsWith": ["user/ann"]}, True),
        ({"Field": "vpcEndpointId", "Equals": ["vpce-1"]}, True),
        ({"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}, True),
        # what an event lacks is not selected, and not deselected either
        ({"Field": "errorCode", "Equals": ["VpceAccessDenied"]}, False),
        ({"Field": "sessionCredentialFromConsole", "NotEquals": ["true"]}, True),
    ],
)
def test_one_field_is_matched_by_its_operators(statement: dict[str, Any], expected: bool) -> None:
    assert matches(of(statement), EVENT) is expected


def test_all_fields_of_a_selector_and_any_selector_of_several() -> None:
    reads = of(DATA, OBJECTS, {"Field": "readOnly", "Equals": ["true"]})
    writes = of(DATA, OBJECTS, {"Field": "readOnly", "Equals": ["false"]})
    assert not matches(reads, EVENT)
    assert selected([reads, writes], EVENT)
    assert not selected([reads], EVENT)


def test_an_arn_is_that_of_a_resource_of_the_type() -> None:
    assert not matches(of(OBJECTS, {"Field": "resources.ARN", "Equals": ["arn:aws:s3:::logs"]}), EVENT)
    assert matches(of(OBJECTS, {"Field": "resources.ARN", "NotEquals": ["arn:aws:s3:::logs"]}), EVENT)


def test_attack_the_field_repeated_does_not_widen_what_is_excluded() -> None:
    twice = of({"Field": "eventName", "StartsWith": ["Put"]}, {"Field": "eventName", "NotEquals": ["PutObject"]})
    assert not matches(twice, EVENT)


@given(st.text(alphabet="abA*?.", min_size=1, max_size=4), st.text(alphabet="abA*?.", max_size=6))
def test_each_negation_is_the_opposite_of_its_operator(operand: str, name: str) -> None:
    for operator in ("Equals", "StartsWith", "EndsWith"):
        statement = of({"Field": "eventName", operator: [operand]})
        opposite = of({"Field": "eventName", f"Not{operator}": [operand]})
        assert matches(statement, {"eventName": name}) is not matches(opposite, {"eventName": name})


@pytest.mark.parametrize(
    "selector",
    [
        of(MANAGEMENT),
        of(MANAGEMENT, {"Field": "readOnly", "Equals": ["true"]}),
        of(MANAGEMENT, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com", "rdsdata.amazonaws.com"]}),
        of(DATA, OBJECTS, {"Field": "resources.ARN", "NotStartsWith": ["arn:aws:s3:::a/"]}),
        of(DATA, OBJECTS, {"Field": "userIdentity.arn", "EndsWith": ["/ann"]}),
        of(NETWORK, {"Field": "eventSource", "Equals": ["ec2.amazonaws.com"]}),
    ],
)
def test_what_a_trail_can_select_a_store_can(selector: dict[str, Any]) -> None:
    check([selector])
    check([selector], event_data_store=True)


@pytest.mark.parametrize(
    "selector",
    [
        of(MANAGEMENT, {"Field": "eventName", "StartsWith": ["Put"]}),
        of(MANAGEMENT, {"Field": "userIdentity.arn", "Equals": ["a"]}),
        of(MANAGEMENT, {"Field": "eventSource", "Equals": ["iam.amazonaws.com"]}),
        of({"Field": "eventCategory", "Equals": ["Insight"]}),
    ],
)
def test_what_only_event_data_stores_can_select(selector: dict[str, Any]) -> None:
    check([selector], event_data_store=True)
    with pytest.raises(Fault, match="InvalidEventSelectorsException"):
        check([selector])


@pytest.mark.parametrize(
    "selectors",
    [
        [],
        [{"FieldSelectors": []}],
        [of({"Field": "readOnly", "Equals": ["true"]})],
        [of({"Field": "eventCategory", "Equals": ["Management", "Data"]})],
        [of({"Field": "eventCategory", "NotEquals": ["Management"]})],
        [of({"Field": "eventCategory", "Equals": ["Nothing"]})],
        [of(MANAGEMENT, MANAGEMENT)],
        [of(MANAGEMENT, {"Field": "awsRegion", "Equals": ["us-east-1"]})],
        [of(MANAGEMENT, {"Field": "eventSource"})],
        [of(MANAGEMENT, {"Field": "readOnly", "NotEquals": ["true"]})],
        [of(MANAGEMENT, {"Field": "readOnly", "Equals": ["yes"]})],
        [of(MANAGEMENT, OBJECTS)],
        [of(DATA)],
        [of(DATA, {"Field": "resources.type", "Equals": ["AWS::S3::Object", "AWS::Lambda::Function"]})],
        [of(DATA, {"Field": "resources.type", "StartsWith": ["AWS::S3"]})],
        [of(DATA, OBJECTS, {"Field": "sessionCredentialFromConsole", "StartsWith": ["t"]})],
        [of(MANAGEMENT, {"Field": "eventName", "Equals": ["Get\x00User"]})],
        [of(MANAGEMENT, {"Field": "eventName", "Equals": ["\ud800"]})],
        [of(NETWORK)],
        [of(NETWORK, {"Field": "eventSource", "StartsWith": ["ec2"]})],
        [of({"Field": "eventCategory", "Equals": ["Insight"]}, {"Field": "readOnly", "Equals": ["true"]})],
    ],
)
def test_what_nothing_can_select_is_refused(selectors: list[dict[str, Any]]) -> None:
    with pytest.raises(Fault, match="InvalidEventSelectorsException"):
        check(selectors, event_data_store=True)


def test_attack_values_without_end_are_refused() -> None:
    names = [f"Name{number}" for number in range(MAX_VALUES - 2)]
    check([of(DATA, OBJECTS, {"Field": "eventName", "Equals": names})])
    with pytest.raises(Fault, match="maximum is 500"):
        check([of(DATA, OBJECTS, {"Field": "eventName", "Equals": [*names, "One"]})])
