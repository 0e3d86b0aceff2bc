"""SimulatePrincipalPolicy under an organization: its SCPs count, and the answer says whether they allow."""

from __future__ import annotations

from typing import Any

import pytest

from locum.core.principal import Caller, Principal
from locum.state import AnyEntity, change, put
from support.iam_plane import Plane, arn
from support.organization import FULL, MANAGEMENT, member, organization, scp, tree
from support.simulator import ALL, allow, deny, simulated

NO_READING = scp("p-noreading", deny())
ONLY_QUEUES = scp("p-queues", allow("sqs:*"))


@pytest.fixture
def ann(plane: Plane) -> Plane:
    plane.user("ann")
    plane.call("PutUserPolicy", UserName="ann", PolicyName="Own", PolicyDocument=ALL)
    return having(plane, *tree())


def having(plane: Plane, *entities: AnyEntity) -> Plane:
    plane.state = change(plane.state, [put(entity) for entity in entities])
    return plane


def told(plane: Plane, source: str = arn("user", "ann"), **params: Any) -> tuple[str, Any, int]:
    (result,) = simulated(
        plane, "SimulatePrincipalPolicy", PolicySourceArn=source, ActionNames=["s3:GetObject"], **params
    )
    detail = result.get("OrganizationsDecisionDetail")
    return result["EvalDecision"], detail and detail["AllowedByOrganizations"], len(result["MatchedStatements"])


def test_where_scps_allow_the_answer_says_so(ann: Plane) -> None:
    assert told(ann) == ("allowed", True, 1)


@pytest.mark.parametrize(
    ("entities", "decision"),
    [
        ([NO_READING, member(policies=(FULL, "p-noreading"))], "explicitDeny"),
        ([NO_READING, organization(root_policies=(FULL, "p-noreading"))], "explicitDeny"),
        ([ONLY_QUEUES, member(policies=("p-queues",))], "implicitDeny"),
        ([member(policies=())], "implicitDeny"),
    ],
    ids=["denied at the account", "denied at the root", "not allowed", "nothing attached"],
)
def test_where_they_do_not_the_simulation_ends(ann: Plane, entities: list[AnyEntity], decision: str) -> None:
    assert told(having(ann, *entities)) == (decision, False, 0)


def test_excluding_scps_leaves_them_out(ann: Plane) -> None:
    having(ann, NO_READING, member(policies=(FULL, "p-noreading")))
    assert told(ann, PolicyExclusionList=[{"PolicyType": "scp"}]) == ("allowed", None, 1)
    assert told(ann, PolicyExclusionList=[{"PolicyType": "inline"}])[:2] == ("explicitDeny", False)


def test_scps_that_are_not_enabled_are_not_told_of(ann: Plane) -> None:
    having(ann, NO_READING, organization(policy_types=(), root_policies=("p-noreading",)))
    assert told(ann) == ("allowed", None, 1)


def test_the_management_account_is_passed_over(ann: Plane) -> None:
    having(ann, NO_READING, organization(root_policies=(FULL, "p-noreading")))
    ann.caller = Caller(Principal.root(MANAGEMENT))
    ann.user("bea")
    ann.call("PutUserPolicy", UserName="bea", PolicyName="Own", PolicyDocument=ALL)
    assert told(ann, arn("user", "bea", MANAGEMENT)) == ("allowed", True, 1)


def test_an_scp_that_cannot_be_read_is_no_result(ann: Plane) -> None:
    broken = scp("p-broken")
    having(ann, broken, member(policies=(FULL, "p-broken")))
    params = {"PolicySourceArn": arn("user", "ann"), "ActionNames": ["s3:GetObject"]}
    assert ann.fault("SimulatePrincipalPolicy", **params)[:2] == ("PolicyEvaluation", 500)
