"""Nobody gets out from under an organization by what he calls his users, roles and paths."""

from __future__ import annotations

import pytest

from locum.authz import organizations
from locum.core.arn import is_service_linked
from locum.core.principal import Caller, Principal, PrincipalKind, Session
from locum.state import State
from support.authority import NOW, World, allow, as_role, as_user, deny, role, trusting, user
from support.organization import FULL, MANAGEMENT, MEMBER, organization, scp, tree

NO_QUEUES = scp("p-noqueues", deny("sqs:*"))
HIDDEN = "/x:role/aws-service-role/sqs.amazonaws.com/"
ASK = "sqs:ListQueues"
ANN = user("ann", allow("*"))


def test_a_role_whose_path_reads_like_a_service_linked_ones_is_bound_by_scps() -> None:
    app = role("app", allow("*"), path=HIDDEN)
    there = World().having(*tree(), NO_QUEUES, organization(root_policies=(FULL, "p-noqueues")), app)
    assert not there.allows(as_role(app), ASK)


def test_a_federated_user_of_a_user_with_such_a_path_is_bound_by_scps() -> None:
    ann = user("ann", allow("*"), path=HIDDEN)
    session = Session(
        kind=PrincipalKind.FEDERATED_USER,
        account=MEMBER,
        name="fed",
        issuer_arn=ann.arn,
        issuer_id=ann.id,
        issued_at=int(NOW),
        expires_at=int(NOW) + 900,
        policy='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
    )
    caller = Caller(Principal.federated_user(MEMBER, "fed", ann.arn, ann.id), "ASIAFED", session)
    there = World().having(*tree(), ann)
    assert there.allows(caller, ASK)
    bound = World().having(*tree(), NO_QUEUES, organization(root_policies=(FULL, "p-noqueues")), ann)
    assert not bound.allows(caller, ASK)


def test_a_user_with_a_path_like_a_roles_is_a_user() -> None:
    ann = user("ann", allow("*"), path="/x:role/")
    assert World().having(*tree(), ann).allows(as_user(ann), ASK)


def test_the_trust_policy_of_a_role_with_a_path_like_a_delegation_requests_is_its_trust_policy() -> None:
    app = role("app", path="/x:delegation-request/", trust=trusting({"AWS": ANN.id}, "sts:AssumeRole"))
    there = World().having(*tree(), ANN, app)
    assert there.allows(as_user(ANN), "sts:AssumeRole", RoleArn=app.arn, RoleSessionName="me")


@pytest.mark.parametrize(
    ("arn", "linked"),
    [
        ("arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", True),
        ("arn:aws:iam::111122223333:role/x:role/aws-service-role/y/app", False),
        ("arn:aws:iam::111122223333:user/x:role/aws-service-role/y/ann", False),
        ("arn:aws:iam::111122223333:role/team/aws-service-role/app", False),
        ("arn:aws:sts::111122223333:role/aws-service-role/x/y", False),
        ("ec2.amazonaws.com", False),
        ("", False),
    ],
)
def test_a_service_linked_role_is_told_by_the_beginning_of_its_path(arn: str, linked: bool) -> None:
    assert is_service_linked(arn) is linked


def test_an_older_state_that_another_thread_explains_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refusals are put into words in the writer thread, in the state that they were made in."""
    before = World().having(*tree(), NO_QUEUES).state
    after = World(state=before).having(organization(root_policies=(FULL, "p-noqueues"))).state
    resolve = organizations._resolve

    def interrupted(state: State, account: str) -> organizations.OrganizationContext:
        found = resolve(state, account)
        if state is before:
            organizations.organization_context(after, MANAGEMENT)  # another thread, at the worst of all times
        return found

    monkeypatch.setattr(organizations, "_resolve", interrupted)
    old = organizations.organization_context(before, MEMBER)
    new = organizations.organization_context(after, MEMBER)
    assert len(old.scps[0]) == 1
    assert len(new.scps[0]) == 2
