"""Labs: each is broken at the start, is solved by its solution and by no wrong repair, and leaves nothing behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from locum.labs import LABS, LabError, Runner, making
from locum.labs.documents import EC2, allow, deny, document, trusting
from support.lab_repairs import REPAIRS, Repair
from support.labs import Classroom, identities, resources

pytestmark = pytest.mark.xdist_group("labs")

WRONG = [(lab, word, repair) for lab, repairs in REPAIRS.items() for word, repair in repairs.items()]


@pytest.fixture
def tidy(classroom: Classroom) -> Iterator[Classroom]:
    """The classroom, in which every lab is reset afterwards."""
    yield classroom
    for lab in LABS:
        if classroom.runner.standing(lab).state:
            reset(classroom, lab)


def start(room: Classroom, lab: str) -> dict[str, str]:
    told = room.runner.start(lab)
    settle(room)
    return told


def reset(room: Classroom, lab: str) -> None:
    room.runner.reset(lab)
    settle(room)


def settle(room: Classroom) -> None:
    for _ in range(4):
        room.settle()


@pytest.mark.parametrize("lab", LABS)
def test_a_lab_is_broken_then_solved_and_leaves_nothing_behind(tidy: Classroom, lab: str) -> None:
    before = identities(tidy), resources(tidy)
    start(tidy, lab)
    built = identities(tidy), resources(tidy)
    broken = tidy.runner.check(lab)
    assert not broken.passed
    assert len(broken.word) > 20
    assert (identities(tidy), resources(tidy)) == built, "a check changed something"
    assert tidy.runner.solve(lab)
    settle(tidy)
    solved = identities(tidy), resources(tidy)
    assert tidy.runner.check(lab) == (True, "")
    assert (identities(tidy), resources(tidy)) == solved, "a check changed something"
    assert tidy.runner.standing(lab).solved == "solve"
    reset(tidy, lab)
    assert (identities(tidy), resources(tidy)) == before


@pytest.mark.parametrize(("lab", "word", "repair"), WRONG, ids=[f"{lab}: {word}" for lab, word, _ in WRONG])
def test_a_wrong_repair_fails_with_a_useful_word(tidy: Classroom, lab: str, word: str, repair: Repair) -> None:
    start(tidy, lab)
    repair(tidy.world(lab))
    settle(tidy)
    verdict = tidy.runner.check(lab)
    assert not verdict.passed
    assert re.search(word, verdict.word), verdict.word


def test_each_lab_has_a_wrong_repair() -> None:
    assert set(REPAIRS) == set(LABS)
    assert len(LABS) >= 16


def test_two_labs_at_once_do_not_disturb_each_other(tidy: Classroom) -> None:
    start(tidy, "boundary")
    start(tidy, "table-index")
    before = identities(tidy), resources(tidy)
    start(tidy, "pass-role")
    tidy.runner.solve("boundary")
    assert tidy.runner.check("boundary").passed
    assert not tidy.runner.check("table-index").passed
    assert not tidy.runner.check("pass-role").passed
    reset(tidy, "pass-role")
    assert resources(tidy) == before[1]
    assert tidy.runner.check("boundary").passed


def test_two_labs_with_an_organization_share_it_and_the_last_one_takes_it_away(tidy: Classroom) -> None:
    before = identities(tidy)
    start(tidy, "external-id")
    start(tidy, "region-guardrail")
    tidy.runner.solve("region-guardrail")
    assert tidy.runner.check("region-guardrail").passed
    with pytest.raises(LabError, match="the organization, which has"):
        tidy.runner.reset("external-id")
    reset(tidy, "region-guardrail")
    reset(tidy, "external-id")
    assert identities(tidy) == before


def test_a_lab_is_not_started_twice(tidy: Classroom) -> None:
    start(tidy, "boundary")
    before = identities(tidy)
    with pytest.raises(LabError, match="started already"):
        tidy.runner.start("boundary")
    assert identities(tidy) == before


@pytest.mark.parametrize("asked", ["hint", "check", "solve", "reset"])
def test_what_is_not_started_is_refused_with_a_word(classroom: Classroom, asked: str) -> None:
    with pytest.raises(LabError, match="not started"):
        getattr(classroom.runner, asked)("boundary")


@pytest.mark.parametrize("asked", ["start", "hint", "check", "solve", "reset"])
def test_a_lab_that_does_not_exist_is_refused(classroom: Classroom, asked: str) -> None:
    with pytest.raises(LabError, match="no lab nothing"):
        getattr(classroom.runner, asked)("nothing")


def test_what_the_learner_had_before_is_not_taken_for_a_labs(tidy: Classroom) -> None:
    iam = tidy.client("iam", "us-east-1", None)
    iam.create_role(RoleName="lab-boundary-mine", AssumeRolePolicyDocument=trusting(Service=EC2))
    try:
        with pytest.raises(LabError, match="lab-boundary-mine"):
            tidy.runner.start("boundary")
        with pytest.raises(LabError, match="not started"):
            tidy.runner.reset("boundary")
        assert iam.get_role(RoleName="lab-boundary-mine")
    finally:
        iam.delete_role(RoleName="lab-boundary-mine")


def test_reset_takes_away_what_the_learner_made_of_it(tidy: Classroom) -> None:
    before = identities(tidy), resources(tidy)
    start(tidy, "self-promotion")
    start(tidy, "three-faults")
    iam, s3 = (tidy.client(service, "us-east-1", None) for service in ("iam", "s3"))
    user, bucket = "lab-self-promotion-intern", tidy.world("three-faults").notes["reports"]
    policy = tidy.world("self-promotion").arn("policy", "intern")
    iam.create_group(GroupName="lab-self-promotion-team")
    iam.add_user_to_group(GroupName="lab-self-promotion-team", UserName=user)
    iam.create_access_key(UserName=user)
    iam.create_login_profile(UserName=user, Password="Correct-horse-7")
    iam.put_user_permissions_boundary(UserName=user, PermissionsBoundary=policy)
    iam.attach_role_policy(RoleName="lab-three-faults-app", PolicyArn=policy)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="report.txt", Body=b"again")
    s3.delete_object(Bucket=bucket, Key="report.txt")
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"}
    s3.put_bucket_policy(Bucket=bucket, Policy=document(denied))
    instance = tidy.world("three-faults").notes["instance"]
    ec2, dynamodb = (tidy.client(service, "us-east-1", None) for service in ("ec2", "dynamodb"))
    ec2.modify_instance_attribute(InstanceId=instance, DisableApiTermination={"Value": True})
    start(tidy, "boundary")
    dynamodb.update_table(TableName="lab-boundary-orders", DeletionProtectionEnabled=True)
    reset(tidy, "self-promotion")
    reset(tidy, "three-faults")
    reset(tidy, "boundary")
    assert (identities(tidy), resources(tidy)) == before


def student(room: Classroom, *denied: str) -> Classroom:
    """A learner who may do everything but what is `denied`."""
    return Classroom(room.plane, room.plane.user("student", allow("*"), deny([*denied])))


def test_a_build_that_fails_in_the_middle_leaves_nothing_behind(tidy: Classroom) -> None:
    before = identities(tidy), resources(tidy)
    other = student(tidy, "ec2:RunInstances")
    with pytest.raises(LabError, match="could not be built"):
        other.runner.start("table-index")
    assert not other.runner.standing("table-index").state
    forget(tidy, "student")
    assert (identities(tidy), resources(tidy)) == before


def test_what_cannot_be_taken_away_is_told_and_the_lab_stays_to_be_reset(tidy: Classroom) -> None:
    before = identities(tidy), resources(tidy)
    other = student(tidy, "ec2:RunInstances", "dynamodb:DeleteTable")
    with pytest.raises(LabError, match="reset table-index` has to take away: table lab-table-index-orders"):
        other.runner.start("table-index")
    with pytest.raises(LabError, match="not all of table-index"):
        other.runner.reset("table-index")
    forget(tidy, "student")
    tidy.store.content = other.store.content
    reset(tidy, "table-index")
    assert (identities(tidy), resources(tidy)) == before


def test_a_build_that_was_killed_is_reset_and_nothing_else(tidy: Classroom) -> None:
    before = identities(tidy), resources(tidy)
    start(tidy, "boundary")
    kept = json.loads(tidy.store.content)
    kept["boundary"]["state"] = "building"
    tidy.store.content = json.dumps(kept).encode()
    for asked in ("check", "hint", "solve"):
        with pytest.raises(LabError, match="not built to the end"):
            getattr(tidy.runner, asked)("boundary")
    with pytest.raises(LabError, match="started already"):
        tidy.runner.start("boundary")
    reset(tidy, "boundary")
    assert (identities(tidy), resources(tidy)) == before


def test_a_world_that_is_gone_fails_with_a_word_and_can_be_reset(tidy: Classroom) -> None:
    start(tidy, "boundary")
    world = tidy.world("boundary")
    world.do("dynamodb", "delete_table", TableName=world.name("orders"))
    world.do("iam", "delete_role_policy", RoleName=world.name("worker"), PolicyName=making.INLINE)
    world.do("iam", "delete_role", RoleName=world.name("worker"))
    verdict = tidy.runner.check("boundary")
    assert not verdict.passed
    reset(tidy, "boundary")


def test_a_check_that_was_killed_does_not_spoil_the_next_one(tidy: Classroom) -> None:
    start(tidy, "re-created-role")
    before = identities(tidy)
    tidy.plane.user("lab-re-created-role-probe", allow("sts:AssumeRole"))
    assert "cannot assume" in tidy.runner.check("re-created-role").word
    assert identities(tidy) == before


def test_hints_come_one_by_one_and_the_last_one_stays(tidy: Classroom) -> None:
    start(tidy, "boundary")
    hints = LABS["boundary"].hints
    told = [tidy.runner.hint("boundary") for _ in range(len(hints) + 1)]
    assert [text for _, text in told] == [*hints, hints[-1]]
    assert tidy.runner.standing("boundary").hints == len(hints)


def test_who_solved_it_is_told_and_what_a_learner_solved_stays_solved(tidy: Classroom) -> None:
    start(tidy, "pass-role")
    LABS["pass-role"].solve(tidy.world("pass-role"))
    assert tidy.runner.check("pass-role").passed
    assert tidy.runner.standing("pass-role").solved == "you"
    reset(tidy, "pass-role")
    start(tidy, "pass-role")
    tidy.runner.solve("pass-role")
    assert tidy.runner.check("pass-role").passed
    assert tidy.runner.standing("pass-role").solved == "you"


def test_a_lab_that_needs_instances_is_refused_where_there_is_no_way_into_them(classroom: Classroom) -> None:
    runner = Runner(classroom.client, "us-east-1", classroom.store)
    before = identities(classroom)
    with pytest.raises(LabError, match="a way into instances"):
        runner.start("three-faults")
    assert identities(classroom) == before


def test_no_secret_of_a_world_is_in_the_progress(tidy: Classroom) -> None:
    start(tidy, "cached-client")
    start(tidy, "hard-coded-keys")
    assert not re.search(rb"secret|token|AKIA|ASIA", tidy.store.content, re.IGNORECASE)


def test_no_names_of_a_lab_are_another_labs(classroom: Classroom) -> None:
    prefixes = [f"lab-{lab}-" for lab in LABS]
    assert not [(a, b) for a in prefixes for b in prefixes if a != b and a.startswith(b)]
    assert not [lab for lab in LABS if lab.startswith("quiz")]


def forget(room: Classroom, user: str) -> None:
    iam = room.client("iam", "us-east-1", None)
    for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=user, PolicyName="own")
    iam.delete_user(UserName=user)
