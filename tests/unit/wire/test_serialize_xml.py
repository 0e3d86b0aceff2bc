from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.etree import ElementTree

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from locum.core.http import HttpResponse
from locum.wire.serialize import compile_serializer
from locum.wire.serializers.xml import XmlCompiler, document, escape, escape_attribute


@cache
def operation(service: str, name: str) -> Any:
    return botocore.session.get_session().get_service_model(service).operation_model(name)


def body(response: HttpResponse) -> str:
    assert isinstance(response.body, bytes)
    return response.body.decode()


def test_a_query_answer_is_what_sts_sends() -> None:
    answer = {"UserId": "AIDA", "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/a"}
    response = compile_serializer(operation("sts", "GetCallerIdentity"), "query")(answer, "id-1")
    assert response.status == 200
    assert response.headers == [("x-amzn-RequestId", "id-1"), ("Content-Type", "text/xml")]
    assert body(response) == (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        "<UserId>AIDA</UserId><Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/a</Arn>"
        "</GetCallerIdentityResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>"
        "</GetCallerIdentityResponse>"
    )


def test_a_query_operation_without_output_answers_only_its_request_id() -> None:
    response = compile_serializer(operation("iam", "DeleteRole"), "query")({}, "id-1")
    assert body(response) == (
        '<DeleteRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        "<ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></DeleteRoleResponse>"
    )


def test_an_ec2_answer_has_its_request_id_first_and_items() -> None:
    answer = {"Regions": [{"RegionName": "eu-west-1"}, {"RegionName": "us-east-1"}]}
    response = compile_serializer(operation("ec2", "DescribeRegions"), "ec2")(answer, "id-1")
    assert ("Content-Type", "text/xml;charset=UTF-8") in response.headers
    assert body(response) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>id-1</requestId>'
        "<regionInfo><item><regionName>eu-west-1</regionName></item>"
        "<item><regionName>us-east-1</regionName></item></regionInfo></DescribeRegionsResponse>"
    )


def test_an_ec2_operation_without_output_answers_return_true() -> None:
    assert "<return>true</return>" in body(compile_serializer(operation("ec2", "DeleteVpc"), "ec2")({}, "id-1"))


@pytest.mark.parametrize(
    ("service", "name", "protocol", "answer", "written"),
    [
        ("sts", "AssumeRole", "query", {"Credentials": {"Expiration": 1_790_000_000.9}}, "2026-09-21T14:13:20Z"),
        ("ec2", "CreateVolume", "ec2", {"CreateTime": 1_790_000_000}, "2026-09-21T14:13:20.000Z"),
        (
            "autoscaling",
            "EnterStandby",
            "query",
            {"Activities": [{"StartTime": datetime(2026, 1, 31, 12, 0, 0, 123456, UTC)}]},
            "2026-01-31T12:00:00.123Z",
        ),
        ("s3", "ListBuckets", "rest-xml", {"Buckets": [{"CreationDate": datetime(2026, 1, 31)}]}, "T00:00:00.000Z"),  # noqa: DTZ001
    ],
)
def test_instants_have_the_precision_of_the_service(
    service: str, name: str, protocol: str, answer: dict[str, Any], written: str
) -> None:
    assert written in body(compile_serializer(operation(service, name), protocol)(answer, "id"))


def test_an_attribute_stands_in_the_start_tag_with_its_namespace() -> None:
    grants = [{"Grantee": {"Type": 'Canonical"User', "ID": "x"}, "Permission": "READ"}]
    text = body(compile_serializer(operation("s3", "GetBucketAcl"), "rest-xml")({"Grants": grants}, "id"))
    assert (
        '<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="Canonical&quot;User">'
        "<ID>x</ID></Grantee>"
    ) in text
    assert text.startswith(
        '<?xml version="1.0" encoding="UTF-8"?>\n<AccessControlPolicy xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    )


def test_a_member_unknown_anywhere_inside_is_refused_by_name() -> None:
    serialize = compile_serializer(operation("iam", "GetRole"), "query")
    with pytest.raises(ValueError, match="Role has no member 'RoleNane'"):
        serialize({"Role": {"RoleNane": "typo"}}, "id")


def test_an_answer_where_the_model_has_no_output_is_refused() -> None:
    with pytest.raises(ValueError, match="iam:DeleteRole has no member 'Role'"):
        compile_serializer(operation("iam", "DeleteRole"), "query")({"Role": {}}, "id")


def test_a_number_given_as_text_is_refused() -> None:
    serialize = compile_serializer(operation("iam", "GetAccountSummary"), "query")
    with pytest.raises(ValueError, match="d"):
        serialize({"SummaryMap": {"Users": "3"}}, "id")


def test_what_xml_cannot_hold_is_replaced_and_a_carriage_return_survives() -> None:
    assert document("a\x00b\x1fc\ufffed\ud800e\r\n\t") == "a\ufffdb\ufffdc\ufffdd\ufffde&#xD;\n\t".encode()


@given(st.text())
def test_any_text_becomes_well_formed_and_reads_back(text: str) -> None:
    root = ElementTree.fromstring(document(f'<a b="{escape_attribute(text)}">{escape(text)}</a>'))
    unwritable = {chr(code) for code in [*range(0x20), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)]} - set("\t\n\r")
    expected = "".join("\ufffd" if character in unwritable else character for character in text)
    assert (root.text or "") == expected
    assert root.get("b") == expected


def test_a_shape_that_contains_itself_compiles() -> None:
    shape = operation("dynamodb", "GetItem").output_shape
    write = XmlCompiler(str).fields("it", shape.members)
    nested = write({"Item": {"k": {"L": [{"M": {"deep": {"S": "x"}}}]}}})
    assert nested == (
        "<Item><entry><key>k</key><value><L><member><M><entry><key>deep</key><value><S>x</S></value></entry></M>"
        "</member></L></value></entry></Item>"
    )
