"""Centralized root access: who turns its features on and off, and what must be there first."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.principal import Caller, Principal
from locum.state import AnyEntity, change, put
from support.iam_plane import Plane
from support.organization import IAM, ID, MANAGEMENT, MEMBER, ROOT, STRANGER, member, organization, tree

DELEGATE = "222233334444"
CREDENTIALS, SESSIONS = "RootCredentialsManagement", "RootSessions"
OPERATIONS = (
    "DisableOrganizationsRootCredentialsManagement",
    "DisableOrganizationsRootSessions",
    "EnableOrganizationsRootCredentialsManagement",
    "EnableOrganizationsRootSessions",
    "ListOrganizationsFeatures",
)
TRUSTED: dict[str, Any] = {"services": {IAM: 1}}


@pytest.fixture
def boss(plane: Plane) -> Plane:
    """The root user of the management account calls."""
    having(plane, *tree(**TRUSTED), member(DELEGATE, ROOT, delegations={IAM: 1}))
    return as_root(plane, MANAGEMENT)


def having(plane: Plane, *entities: AnyEntity) -> None:
    plane.state = change(plane.state, [put(entity) for entity in entities])


def as_root(plane: Plane, account: str) -> Plane:
    plane.caller = Caller(Principal.root(account))
    return plane


def shown(*features: str) -> dict[str, Any]:
    return {"OrganizationId": ID, "EnabledFeatures": list(features)}


def test_features_are_enabled_and_disabled_one_by_one(boss: Plane) -> None:
    assert boss.call("ListOrganizationsFeatures") == shown()
    assert boss.call("EnableOrganizationsRootSessions") == shown(SESSIONS)
    assert boss.call("EnableOrganizationsRootCredentialsManagement") == shown(CREDENTIALS, SESSIONS)
    assert boss.call("ListOrganizationsFeatures") == shown(CREDENTIALS, SESSIONS)
    assert boss.call("DisableOrganizationsRootSessions") == shown(CREDENTIALS)
    assert boss.call("DisableOrganizationsRootCredentialsManagement") == shown()


def test_again_changes_nothing(boss: Plane) -> None:
    boss.call("EnableOrganizationsRootSessions")
    assert boss.call("EnableOrganizationsRootSessions") == shown(SESSIONS)
    assert boss.events == []
    boss.call("DisableOrganizationsRootCredentialsManagement")
    assert boss.events == []


def test_the_delegated_administrator_reads_and_disables_but_does_not_enable(boss: Plane) -> None:
    boss.call("EnableOrganizationsRootSessions")
    as_root(boss, DELEGATE)
    assert boss.call("ListOrganizationsFeatures") == shown(SESSIONS)
    for operation in OPERATIONS[2:4]:
        code, status, message = boss.fault(operation)
        assert (code, status) == ("CallerIsNotManagementAccountException", 400)
        assert DELEGATE in message
    assert boss.call("DisableOrganizationsRootSessions") == shown()


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    ("account", "fields", "code"),
    [
        (STRANGER, TRUSTED, "OrganizationNotFoundException"),
        (MANAGEMENT, {**TRUSTED, "feature_set": "CONSOLIDATED_BILLING"}, "OrganizationNotInAllFeaturesModeException"),
        (MEMBER, TRUSTED, "AccountNotManagementOrDelegatedAdministratorException"),
        (MANAGEMENT, {}, "ServiceAccessNotEnabledException"),
    ],
    ids=["stranger", "billing only", "member", "no trusted access"],
)
def test_what_must_hold(boss: Plane, operation: str, account: str, fields: dict[str, Any], code: str) -> None:
    having(boss, organization(**fields))
    as_root(boss, account)
    told = boss.fault(operation)
    assert told[:2] == (code, 400)
    assert account in told[2]


def test_what_aws_says_where_trusted_access_is_missing(boss: Plane) -> None:
    having(boss, organization())
    assert boss.fault("EnableOrganizationsRootSessions") == (
        "ServiceAccessNotEnabledException",
        400,
        f"Trusted Access for IAM not enabled by organization of input account {MANAGEMENT}.",
    )
