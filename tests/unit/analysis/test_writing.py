"""Least-privilege policies: statements, conditions and their order."""

from __future__ import annotations

from typing import Any

from locum.analysis import Permission, documents, write

ROLE = "arn:aws:iam::000000000000:role/%s"
BUCKET = "arn:aws:s3:::data"
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/%s"


def written(*permissions: Permission) -> list[dict[str, Any]]:
    return [statement.as_dict() for statement in write(permissions)]


def passing(role: str, service: str) -> Permission:
    return Permission("iam:PassRole", ROLE % role, "role", (("iam:passedtoservice", f"{service}.amazonaws.com"),))


def listing(prefix: str | None) -> Permission:
    return Permission("s3:ListBucket", BUCKET, "bucket", () if prefix is None else (("s3:prefix", prefix),))


def making(table: str, **tags: str) -> Permission:
    conditions = tuple((f"aws:requesttag/{key}", value) for key, value in sorted(tags.items()))
    return Permission("dynamodb:CreateTable", TABLE % table, "table", conditions)


def test_actions_on_the_same_resources_share_a_statement() -> None:
    items = [Permission(f"dynamodb:{name}", TABLE % "orders", "table") for name in ("PutItem", "GetItem")]
    assert written(*items) == [
        {
            "Sid": "DynamodbTable",
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
            "Resource": TABLE % "orders",
        }
    ]


def test_a_role_is_passed_to_the_services_that_it_was_passed_to() -> None:
    (one,) = written(passing("web", "ec2"))
    assert one["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    (both,) = written(passing("web", "ec2"), passing("web", "lambda"))
    services = ["ec2.amazonaws.com", "lambda.amazonaws.com"]
    assert both["Condition"] == {"StringEquals": {"iam:PassedToService": services}}
    apart = written(passing("web", "ec2"), passing("fn", "lambda"))
    assert [(one["Resource"], one["Condition"]["StringEquals"]["iam:PassedToService"]) for one in apart] == [
        (ROLE % "fn", "lambda.amazonaws.com"),
        (ROLE % "web", "ec2.amazonaws.com"),
    ]


def test_a_prefix_is_a_condition_where_it_was_always_the_same() -> None:
    (constant,) = written(listing("in/"), listing("in/"))
    assert constant["Condition"] == {"StringEquals": {"s3:prefix": "in/"}}
    for other in (listing("out/"), listing(None)):
        (varying,) = written(listing("in/"), other)
        assert "Condition" not in varying


def test_a_prefix_that_looks_like_a_date_or_is_random_is_no_condition() -> None:
    for prefix in ("logs/2026/11/28/", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"):
        (found,) = written(listing(prefix))
        assert "Condition" not in found


def test_a_tag_of_requests_is_a_condition_where_all_of_them_had_one_value() -> None:
    (found,) = written(making("a", team="red", run="x"), making("b", team="red", run="y"))
    assert found["Condition"] == {"StringEquals": {"aws:RequestTag/team": "red"}}
    (without,) = written(making("a", team="red"), making("b"))
    assert "Condition" not in without


def test_a_value_with_a_policy_variable_in_it_is_literal() -> None:
    (found,) = written(listing("${aws:username}/"))
    assert found["Condition"] == {"StringEquals": {"s3:prefix": "${$}{aws:username}/"}}


def test_an_object_that_a_pattern_covers_is_not_listed_beside_it() -> None:
    used = [Permission("s3:GetObject", f"{BUCKET}/{key}", "object") for key in ("in/a", "in/b", "in/deep/c")]
    (found,) = written(*used)
    assert found["Resource"] == f"{BUCKET}/in/*"


def test_policies_are_split_where_one_is_too_large() -> None:
    used = [Permission("iam:PassRole", ROLE % f"{'x' * 50}{chr(97 + n % 26)}{chr(97 + n // 26)}") for n in range(150)]
    found = documents(write(used))
    assert len(found) > 1
    sids = [statement["Sid"] for document in found for statement in document["Statement"]]
    assert len(set(sids)) == len(sids)
