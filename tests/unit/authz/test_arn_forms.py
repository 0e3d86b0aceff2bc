"""Which ARNs in a request can be those of a resource of a service."""

from __future__ import annotations

import pytest

from locum.authz.arn_forms import can_be_of
from locum.authz.catalogue import service

HEAD = "arn:aws:application-signals:us-east-1:123456789012:instrumentationConfig"


@pytest.mark.parametrize(
    ("arn", "possible"),
    [
        (f"{HEAD}/a/b/c/d", True),
        (f"{HEAD}/a/b/c/d/e/f", True),
        (f"{HEAD}/a/b/c/d/", False),
        (f"{HEAD}/a/b/c/d\n", False),
        ("arn:aws:application-signals:us-east-1::instrumentationConfig/a/b/c/d", False),
    ],
)
def test_an_arn_has_the_form_of_a_type_with_several_names(arn: str, possible: bool) -> None:
    assert can_be_of(service("application-signals").rules)(arn) is possible


def test_a_long_text_that_just_misses_the_form_is_not_tried_in_every_division_into_names() -> None:
    """Which would never end: there are as many as ways to choose three slashes of a hundred thousand."""
    assert not can_be_of(service("application-signals").rules)(f"{HEAD}{'/a' * 100_000}\n")
