"""ValidatePolicy: the findings in pages, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from locum.core.errors import Fault
from locum.services.accessanalyzer import OPERATIONS
from support.lint_cases import text
from support.one_account import Plane

IDENTITY = "IDENTITY_POLICY"
MANY = text({"Action": [f"s3:Nothing{i:03}" for i in range(230)]})


@pytest.fixture
def analyzer() -> Plane:
    return Plane("accessanalyzer", OPERATIONS)


def validate(
    analyzer: Plane, document: str = MANY, policy_type: str = "IDENTITY_POLICY", **more: Any
) -> dict[str, Any]:
    return analyzer.call("ValidatePolicy", policyDocument=document, policyType=policy_type, **more)


def refused(analyzer: Plane, **params: Any) -> Fault:
    with pytest.raises(Fault) as caught:
        validate(analyzer, **params)
    assert caught.value.code == "ValidationException"
    assert caught.value.members["reason"] == "fieldValidationFailed"
    return caught.value


def test_a_finding_is_told_with_its_place_columns_counting_from_0(analyzer: Plane) -> None:
    document = '{"Version": "2012-10-17",\n "Statement": {"Effect": "allow", "Action": "s3:*", "Resource": "*"}}'
    assert validate(analyzer, document) == {
        "findings": [
            {
                "findingType": "ERROR",
                "issueCode": "INVALID_EFFECT",
                "findingDetails": "The effect allow is not valid. Use Allow or Deny.",
                "learnMoreLink": "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
                "access-analyzer-reference-policy-checks.html"
                "#access-analyzer-reference-policy-checks-error-invalid-effect",
                "locations": [
                    {
                        "path": [{"value": "Statement"}, {"value": "Effect"}],
                        "span": {
                            "start": {"line": 2, "column": 25, "offset": 51},
                            "end": {"line": 2, "column": 32, "offset": 58},
                        },
                    }
                ],
            }
        ]
    }


def test_every_kind_of_path_element_has_its_shape(analyzer: Plane) -> None:
    document = text({"Resource": ["arn:aws:iam::1:role/x"], "Condition": {"StringIs": {"s3:prefix": "x"}}})
    paths = [f["locations"][0]["path"] for f in validate(analyzer, document)["findings"]]
    assert [path[-1] for path in paths] == [{"substring": {"start": 13, "length": 1}}, {"key": "StringIs"}]
    assert paths[0][-2] == {"index": 0}


def test_pages_add_up_to_all_findings(analyzer: Plane) -> None:
    pages = [validate(analyzer)]
    while "nextToken" in pages[-1]:
        pages.append(validate(analyzer, nextToken=pages[-1]["nextToken"]))
    assert [len(page["findings"]) for page in pages] == [100, 100, 30]
    everything = validate(analyzer, maxResults=1000)["findings"]
    assert [finding for page in pages for finding in page["findings"]] == everything


def test_a_token_is_good_for_its_own_document_only(analyzer: Plane) -> None:
    token = validate(analyzer)["nextToken"]
    for params in (
        {"document": MANY + " ", "nextToken": token},
        {"policy_type": "SERVICE_CONTROL_POLICY", "nextToken": token},
        {"nextToken": token[:-4]},
        {"nextToken": "ü"},
        {"nextToken": ""},
    ):
        assert "nextToken" in refused(analyzer, **params).message


def test_a_page_has_at_least_one_finding(analyzer: Plane) -> None:
    assert "maxResults" in refused(analyzer, maxResults=0).message


def test_a_resource_type_goes_with_resource_policies(analyzer: Plane) -> None:
    refused(analyzer, validatePolicyResourceType="AWS::S3::Bucket")
    document = text({"Principal": "*", "Action": "kms:*", "Resource": "*"})
    found = validate(analyzer, document, "RESOURCE_POLICY", validatePolicyResourceType="AWS::S3::Bucket")
    assert [f["issueCode"] for f in found["findings"]] == ["UNSUPPORTED_ACTION_IN_POLICY"]


def test_any_locale_is_answered_in_english(analyzer: Plane) -> None:
    assert validate(analyzer, locale="DE") == validate(analyzer)


def test_what_is_not_json_is_a_finding(analyzer: Plane) -> None:
    (finding,) = validate(analyzer, json.dumps("x")[:-1])["findings"]
    assert finding["issueCode"] == "JSON_SYNTAX_ERROR"
