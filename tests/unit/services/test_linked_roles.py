"""Which role is the service-linked one of a service."""

from __future__ import annotations

from msgspec.structs import replace

from locum.services.linked_roles import has_linked_role, linked_role_arn
from locum.state import Role, State, change, put
from support.trails import ACCOUNT

SERVICE = "cloudtrail.amazonaws.com"
LINKED = Role(
    account=ACCOUNT,
    name="AWSServiceRoleForCloudTrail",
    path=f"/aws-service-role/{SERVICE}/",
    id="AROALINKED",
    created=0,
    trust="{}",
)


def test_attack_a_role_that_somebody_made_with_the_name_is_not_the_service_linked_one() -> None:
    assert LINKED.arn == linked_role_arn(ACCOUNT, SERVICE)
    assert has_linked_role(change(State(), [put(LINKED)]), ACCOUNT, SERVICE)
    for path in ("/", "/aws-service-role/config.amazonaws.com/"):
        assert not has_linked_role(change(State(), [put(replace(LINKED, path=path))]), ACCOUNT, SERVICE)
