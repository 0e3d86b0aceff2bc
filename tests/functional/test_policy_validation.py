"""accessanalyzer:ValidatePolicy, as a client sees it: signed, authorized, in pages, refused in AWS's form."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from support.inprocess import InProcess

DOCUMENT = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["s3:ListBuckets", "iam:PassRole"], "Resource": "*"}],
    }
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    plane = InProcess(tmp_path_factory.mktemp("validation"))
    yield plane
    plane.close()


def test_boto3_pages_through_the_findings(here: InProcess) -> None:
    pages = here.client("accessanalyzer").get_paginator("validate_policy")
    found = pages.paginate(
        policyDocument=DOCUMENT, policyType="IDENTITY_POLICY", PaginationConfig={"PageSize": 1}
    ).build_full_result()["findings"]
    assert [finding["issueCode"] for finding in found] == ["INVALID_ACTION", "PASS_ROLE_WITH_STAR_IN_RESOURCE"]
    (location,) = found[0]["locations"]
    assert location["path"] == [{"value": "Statement"}, {"index": 0}, {"value": "Action"}, {"index": 0}]
    span = location["span"]
    assert DOCUMENT[span["start"]["offset"] : span["end"]["offset"]] == '"s3:ListBuckets"'


def test_a_type_that_there_is_not_is_refused(here: InProcess) -> None:
    with pytest.raises(ClientError) as caught:
        here.client("accessanalyzer").validate_policy(policyDocument="{}", policyType="POLICY")
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert caught.value.response["reason"] == "fieldValidationFailed"
    assert [field["name"] for field in caught.value.response["fieldList"]] == ["policyType"]


def test_it_takes_its_permission(here: InProcess) -> None:
    allowed = here.user("ada", {"Effect": "Allow", "Action": "access-analyzer:ValidatePolicy", "Resource": "*"})
    asked = {"policyDocument": "{}", "policyType": "IDENTITY_POLICY"}
    assert here.client("accessanalyzer", allowed).validate_policy(**asked)["findings"]
    with pytest.raises(ClientError) as caught:
        here.client("accessanalyzer", here.user("bob")).validate_policy(**asked)
    assert caught.value.response["Error"]["Code"] == "AccessDeniedException"


def test_what_access_analyzer_has_besides_is_not_implemented(here: InProcess) -> None:
    with pytest.raises(ClientError) as caught:
        here.client("accessanalyzer").delete_service_linked_analyzer(analyzerName="a")
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_boto3_checks_policies_by_proof(here: InProcess) -> None:
    analyzer = here.client("accessanalyzer")
    wider = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    checked = {"existingPolicyDocument": DOCUMENT, "policyType": "IDENTITY_POLICY"}
    assert analyzer.check_no_new_access(newPolicyDocument=DOCUMENT, **checked)["result"] == "PASS"
    assert analyzer.check_no_new_access(newPolicyDocument=wider, **checked)["reasons"] == [
        {"description": "New access in the statement with index: 0.", "statementIndex": 0}
    ]
    access = [{"actions": ["iam:PassRole"]}]
    found = analyzer.check_access_not_granted(policyDocument=DOCUMENT, access=access, policyType="IDENTITY_POLICY")
    assert found["result"] == "FAIL"
    public = json.dumps({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}})
    assert analyzer.check_no_public_access(policyDocument=public, resourceType="AWS::S3::Bucket")["result"] == "FAIL"


def test_a_check_of_what_is_no_policy_is_refused_in_awss_form(here: InProcess) -> None:
    analyzer = here.client("accessanalyzer")
    with pytest.raises(analyzer.exceptions.InvalidParameterException):
        analyzer.check_no_public_access(policyDocument="{", resourceType="AWS::S3::Bucket")
    with pytest.raises(ClientError) as caught:
        analyzer.check_no_public_access(policyDocument="{}", resourceType="AWS::EC2::Instance")
    assert caught.value.response["Error"]["Code"] == "ValidationException"
