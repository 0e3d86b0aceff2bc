"""ARN patterns: listed while names are few, wildcards where they vary, never more than they have in common."""

from __future__ import annotations

import pytest

from locum.analysis.naming import LISTED, Resource, patterns
from locum.core.partial_arn import NEW, UNKNOWN_RESOURCE, arn_of

UUID = "3f2504e0-4f89-11d3-9a0c-0305e82c33%02d"
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/%s"


def named(kind: str, *arns: str) -> list[str]:
    return sorted(set(patterns(Resource(arn, kind) for arn in arns).values()))


def test_a_few_names_are_listed() -> None:
    assert named("table", TABLE % "orders", TABLE % "users") == [TABLE % "orders", TABLE % "users"]


def test_many_names_become_what_they_have_in_common_up_to_a_delimiter() -> None:
    assert named("table", *(TABLE % f"shop-t{letter}" for letter in "abcdefg"[: LISTED + 1])) == [TABLE % "shop-*"]
    assert named("table", *(TABLE % f"t{letter}" for letter in "abcdefg"[: LISTED + 1])) == [TABLE % "*"]


@pytest.mark.parametrize("name", ["job-%d", "%d/out", "run-2026-11-%d", "a.%d", UUID])
def test_names_that_differ_in_numbers_and_random_parts_only_become_one(name: str) -> None:
    (pattern,) = named("table", TABLE % (name % 17), TABLE % (name % 18))
    assert "*" in pattern
    assert "17" not in pattern


def test_a_number_in_one_name_stays() -> None:
    assert named("table", TABLE % "orders-2", TABLE % "users") == [TABLE % "orders-2", TABLE % "users"]


def test_other_accounts_regions_and_types_stay_apart() -> None:
    other = "arn:aws:dynamodb:eu-west-1:111122223333:table/job-%d"
    assert named("table", TABLE % "job-1", TABLE % "job-2", other % 1, other % 2) == [
        "arn:aws:dynamodb:eu-west-1:111122223333:table/job-*",
        TABLE % "job-*",
    ]


def test_names_of_iam_are_all_listed() -> None:
    roles = [f"arn:aws:iam::000000000000:role/{letter}" for letter in "abcdefghijklmnop"]
    assert named("role", *roles) == roles


def test_objects_become_the_folder_that_they_have_in_common() -> None:
    assert named("object", "arn:aws:s3:::b/in/a", "arn:aws:s3:::b/in/b") == ["arn:aws:s3:::b/in/*"]
    assert named("object", "arn:aws:s3:::b/in/a", "arn:aws:s3:::b/out") == ["arn:aws:s3:::b/*"]
    assert named("object", "arn:aws:s3:::b/in/a", "arn:aws:s3:::c/in/b") == [
        "arn:aws:s3:::b/in/a",
        "arn:aws:s3:::c/in/b",
    ]


def test_what_is_named_at_random_when_it_is_made_is_a_pattern_even_alone() -> None:
    assert named("object", f"arn:aws:s3:::b/up/{UUID % 1}.json") == ["arn:aws:s3:::b/up/*.json"]
    instance = "arn:aws:ec2:us-east-1:000000000000:instance/%s"
    assert named("instance", instance % "i-0123456789abcdef0") == [instance % "i-*"]
    stream = "arn:aws:logs:us-east-1:000000000000:log-group:/app:log-stream:%s"
    assert named("log-stream", stream % "2026/11/28/[$LATEST]x") == [stream % "*"]


def test_a_key_that_is_the_only_one_is_kept() -> None:
    key = f"arn:aws:kms:us-east-1:000000000000:key/{UUID % 1}"
    assert named("key", key) == [key]


def test_the_suffix_of_a_secret_is_six_of_any() -> None:
    secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:prod/db-%s"
    assert named("secret", secret % "AbCd12", secret % "XyZ789") == [secret % "??????"]


def test_what_is_not_known_of_a_resource_is_any() -> None:
    instance = arn_of("arn:aws:ec2:us-east-1:000000000000:instance/", NEW)
    assert named("instance", instance) == ["arn:aws:ec2:us-east-1:000000000000:instance/*"]
    assert named("", UNKNOWN_RESOURCE) == ["*"]


def test_a_star_in_the_key_of_an_object_grants_no_other_object() -> None:
    assert named("object", "arn:aws:s3:::b/*") == ["arn:aws:s3:::b/${*}"]
    assert named("object", "arn:aws:s3:::b/what?") == ["arn:aws:s3:::b/what${?}"]


def test_braces_in_a_name_make_no_policy_variable() -> None:
    assert named("object", "arn:aws:s3:::b/${aws:username}") == ["arn:aws:s3:::b/$?aws:username?"]
