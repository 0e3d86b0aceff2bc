from __future__ import annotations

import pytest

from locum.state import managed
from locum.state.service_linked_roles import PATH, _table, linked_service

WITHOUT_POLICY = {"s3.data-source.lustre.fsx.amazonaws.com"}
NOT_PUBLISHED = {"AmazonLexBotPolicy"}


def test_every_policy_of_the_table_is_one_of_aws_s() -> None:
    for service in _table().values():
        assert len(service.policies) == (service.principal not in WITHOUT_POLICY)
        for arn in service.policies:
            assert managed.summary(arn) is not None or arn.rsplit("/", 1)[-1] in NOT_PUBLISHED, arn


def test_every_role_of_the_table_has_a_name_of_its_own_that_iam_takes() -> None:
    names = [service.role for service in _table().values()]
    assert len(set(names)) == len(names) > 190
    assert all(name.startswith("AWSServiceRoleFor") and len(name) <= 64 for name in names)


def test_those_that_take_a_suffix_are_few() -> None:
    taking = {service.principal for service in _table().values() if service.takes_suffix}
    assert {"autoscaling.amazonaws.com", "connect.amazonaws.com", "lexv2.amazonaws.com"} <= taking
    assert len(taking) < 10


@pytest.mark.parametrize(
    "principal", ["ecs", "", ".amazonaws.com", "a..b.amazonaws.com", "a/b.amazonaws.com", "amazonaws.com"]
)
def test_what_is_no_service_principal_has_no_role(principal: str) -> None:
    assert linked_service(principal) is None


def test_the_role_lies_below_its_service() -> None:
    service = linked_service("ecs.amazonaws.com")
    assert service is not None
    assert service.path == f"{PATH}ecs.amazonaws.com/"
