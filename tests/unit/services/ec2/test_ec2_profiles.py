"""The four operations on instance profile associations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from locum.core.errors import Fault
from locum.services.ec2 import OPERATIONS
from locum.state import Instance, ProfileAssociation
from support.held_by_ec2 import held
from support.one_account import ACCOUNT, Plane, profile, role

MISSING = "i-00000000000000000"
PROFILES = ("web", "db")


def plane() -> Plane:
    made = Plane("ec2", OPERATIONS, reply=held)
    made.having(role("app"), profile("web", "app"), profile("db", "app"), profile("empty"))
    return made


@pytest.fixture
def ec2() -> Plane:
    return plane()


def launch(ec2: Plane, **params: Any) -> str:
    answer = ec2.call("RunInstances", ImageId="ami-11111111", MinCount=1, MaxCount=1, **params)
    return str(answer["Instances"][0]["InstanceId"])


def associate(ec2: Plane, instance: str, name: str = "web") -> dict[str, Any]:
    answer = ec2.call("AssociateIamInstanceProfile", InstanceId=instance, IamInstanceProfile={"Name": name})
    shape: dict[str, Any] = answer["IamInstanceProfileAssociation"]
    return shape


def replace(ec2: Plane, association: str, name: str) -> dict[str, Any]:
    answer = ec2.call(
        "ReplaceIamInstanceProfileAssociation", AssociationId=association, IamInstanceProfile={"Name": name}
    )
    shape: dict[str, Any] = answer["IamInstanceProfileAssociation"]
    return shape


def listed(ec2: Plane, **params: Any) -> list[dict[str, Any]]:
    answer = ec2.call("DescribeIamInstanceProfileAssociations", **params)
    found: list[dict[str, Any]] = answer["IamInstanceProfileAssociations"]
    return found


def attached(ec2: Plane, instance: str) -> str | None:
    shape = ec2.call("DescribeInstances", InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    arn = shape.get("IamInstanceProfile", {}).get("Arn")
    return None if arn is None else str(arn).rsplit("/", 1)[-1]


def refused(ec2: Plane, operation: str, **params: Any) -> Fault:
    before = ec2.state
    with pytest.raises(Fault) as caught:
        ec2.call(operation, **params)
    assert ec2.state is before
    return caught.value


@pytest.mark.parametrize("stopped", [False, True])
def test_a_profile_is_put_on_a_running_or_a_stopped_instance(ec2: Plane, stopped: bool) -> None:
    it = launch(ec2)
    if stopped:
        ec2.call("StopInstances", InstanceIds=[it])
    made = associate(ec2, it)
    assert made["State"] == "associating"
    assert made["AssociationId"].startswith("iip-assoc-")
    assert made["IamInstanceProfile"] == {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/web", "Id": "AIPAWEB"}
    assert listed(ec2) == [{**made, "State": "associated"}]
    assert attached(ec2, it) == "web"


def test_a_profile_stays_on_through_a_stop_and_a_start(ec2: Plane) -> None:
    it = launch(ec2, IamInstanceProfile={"Name": "web"})
    ec2.call("StopInstances", InstanceIds=[it])
    ec2.call("StartInstances", InstanceIds=[it])
    assert attached(ec2, it) == "web"


def test_a_second_profile_is_refused(ec2: Plane) -> None:
    it = launch(ec2, IamInstanceProfile={"Name": "web"})
    fault = refused(ec2, "AssociateIamInstanceProfile", InstanceId=it, IamInstanceProfile={"Name": "db"})
    assert (fault.code, fault.message) == ("IncorrectState", f"There is an existing association for instance {it}")


def test_replace_is_a_new_association_and_the_old_id_is_gone(ec2: Plane) -> None:
    it = launch(ec2)
    old = associate(ec2, it)["AssociationId"]
    made = replace(ec2, old, "db")
    assert made["State"] == "associating"
    assert made["AssociationId"] != old
    assert attached(ec2, it) == "db"
    assert [a["AssociationId"] for a in listed(ec2)] == [made["AssociationId"]]
    fault = refused(ec2, "ReplaceIamInstanceProfileAssociation", AssociationId=old, IamInstanceProfile={"Name": "web"})
    assert (fault.code, fault.message) == (
        "InvalidAssociationID.NotFound",
        f"An invalid association-id of '{old}' was given",
    )


def test_replace_is_for_running_instances(ec2: Plane) -> None:
    it = launch(ec2)
    held = associate(ec2, it)["AssociationId"]
    ec2.call("StopInstances", InstanceIds=[it])
    fault = refused(ec2, "ReplaceIamInstanceProfileAssociation", AssociationId=held, IamInstanceProfile={"Name": "db"})
    assert (fault.code, fault.message) == ("IncorrectState", f"The association {held} is not the active association")


def test_disassociate_takes_it_off(ec2: Plane) -> None:
    it = launch(ec2)
    held = associate(ec2, it)
    answer = ec2.call("DisassociateIamInstanceProfile", AssociationId=held["AssociationId"])
    assert answer["IamInstanceProfileAssociation"] == {**held, "State": "disassociating"}
    assert attached(ec2, it) is None
    assert listed(ec2) == []
    fault = refused(ec2, "DisassociateIamInstanceProfile", AssociationId=held["AssociationId"])
    assert fault.code == "InvalidAssociationID.NotFound"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"InstanceId": MISSING, "IamInstanceProfile": {"Name": "web"}}, "InvalidInstanceID.NotFound"),
        ({"InstanceId": "x", "IamInstanceProfile": {"Name": "web"}}, "InvalidInstanceID.Malformed"),
        ({"IamInstanceProfile": {"Name": "nope"}}, "InvalidParameterValue"),
        ({"IamInstanceProfile": {"Name": "empty"}}, "InvalidParameterValue"),
        ({"IamInstanceProfile": {"Arn": "nope"}}, "InvalidParameterValue"),
        ({"IamInstanceProfile": {}}, "MissingParameter"),
    ],
)
def test_an_association_that_cannot_be_is_refused(ec2: Plane, params: dict[str, Any], code: str) -> None:
    assert refused(ec2, "AssociateIamInstanceProfile", **{"InstanceId": launch(ec2), **params}).code == code


def test_nothing_is_put_on_a_terminated_instance(ec2: Plane) -> None:
    it = launch(ec2)
    ec2.call("TerminateInstances", InstanceIds=[it])
    fault = refused(ec2, "AssociateIamInstanceProfile", InstanceId=it, IamInstanceProfile={"Name": "web"})
    assert fault.code == "IncorrectInstanceState"


def test_associations_are_listed_by_id_filter_and_page(ec2: Plane) -> None:
    made = []
    for _ in range(7):
        made.append(associate(ec2, launch(ec2)))
        ec2.now += 1
    order = [a["AssociationId"] for a in made]
    first = ec2.call("DescribeIamInstanceProfileAssociations", MaxResults=5)
    rest = ec2.call("DescribeIamInstanceProfileAssociations", MaxResults=5, NextToken=first["NextToken"])
    both = first["IamInstanceProfileAssociations"] + rest["IamInstanceProfileAssociations"]
    assert [a["AssociationId"] for a in both] == order
    assert "NextToken" not in rest
    assert [a["AssociationId"] for a in listed(ec2, AssociationIds=[order[3]])] == [order[3]]
    by_instance = [{"Name": "instance-id", "Values": [made[2]["InstanceId"]]}]
    assert [a["AssociationId"] for a in listed(ec2, Filters=by_instance)] == [order[2]]
    assert listed(ec2, Filters=[{"Name": "state", "Values": ["disassociated"]}]) == []
    fault = refused(ec2, "DescribeIamInstanceProfileAssociations", AssociationIds=["iip-assoc-0"])
    assert fault.code == "InvalidAssociationID.NotFound"


class Wardrobe(RuleBasedStateMachine):
    """Any sequence of calls: at most one live association on an instance, none on a terminated one."""

    instances: Bundle[str] = Bundle("instances")
    associations: Bundle[str] = Bundle("associations")

    def __init__(self) -> None:
        super().__init__()
        self.ec2 = plane()

    def attempt(self, operation: str, **params: Any) -> dict[str, Any]:
        try:
            return self.ec2.call(operation, **params)
        except Fault:
            return {}

    @rule(target=instances, name=st.sampled_from([None, *PROFILES]))
    def launched(self, name: str | None) -> str:
        return launch(self.ec2, **({"IamInstanceProfile": {"Name": name}} if name else {}))

    @rule(target=associations, it=instances, name=st.sampled_from(PROFILES))
    def associated(self, it: str, name: str) -> str:
        answer = self.attempt("AssociateIamInstanceProfile", InstanceId=it, IamInstanceProfile={"Name": name})
        found = answer.get("IamInstanceProfileAssociation", {})
        return str(found.get("AssociationId", "iip-assoc-0"))

    @rule(target=associations, held=associations, name=st.sampled_from(PROFILES))
    def replaced(self, held: str, name: str) -> str:
        answer = self.attempt(
            "ReplaceIamInstanceProfileAssociation", AssociationId=held, IamInstanceProfile={"Name": name}
        )
        found = answer.get("IamInstanceProfileAssociation", {})
        return str(found.get("AssociationId", held))

    @rule(held=associations)
    def taken_off(self, held: str) -> None:
        self.attempt("DisassociateIamInstanceProfile", AssociationId=held)

    @rule(it=instances, operation=st.sampled_from(["StartInstances", "StopInstances", "TerminateInstances"]))
    def moved(self, it: str, operation: str) -> None:
        self.attempt(operation, InstanceIds=[it])

    @rule(seconds=st.integers(1, 4000))
    def waited(self, seconds: int) -> None:
        self.ec2.now += seconds

    @invariant()
    def one_association_at_most(self) -> None:
        bonds = self.ec2.state.table(ProfileAssociation, ACCOUNT).values()
        wearers = [bond.instance for bond in bonds]
        assert len(wearers) == len(set(wearers))

    @invariant()
    def only_what_lives_wears_something(self) -> None:
        for bond in self.ec2.state.table(ProfileAssociation, ACCOUNT).values():
            it = self.ec2.state.get(Instance, ACCOUNT, bond.instance)
            assert it is not None
            assert it.state != "terminated"

    @invariant()
    def no_two_living_instances_share_an_address(self) -> None:
        living = [i for i in self.ec2.state.table(Instance, ACCOUNT).values() if i.state != "terminated"]
        assert len({i.private_ip for i in living}) == len(living)


Wardrobe.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestAnySequenceOfCalls = Wardrobe.TestCase
