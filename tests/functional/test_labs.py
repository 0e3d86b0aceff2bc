"""`locum lab` and `locum quiz`, on a running plane."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.plane import COMMAND_LINES, LOCUM, RunningPlane
from support.processes import finished

LAB = "role-without-profile"
ROLE = f"lab-{LAB}-app"


@pytest.fixture
def taught(plane: RunningPlane) -> Iterator[RunningPlane]:
    """The plane, on which the lab is reset afterwards."""
    yield plane
    lab(plane, "reset", LAB)


def ask(plane: RunningPlane, *words: str, said: str = "") -> subprocess.CompletedProcess[str]:
    command, *more = words
    return finished([LOCUM, command, *more, "--data", str(plane.data)], said, env=plane.environment())


def lab(plane: RunningPlane, *words: str) -> subprocess.CompletedProcess[str]:
    verb, *more = words
    return finished([LOCUM, "lab", verb, "--data", str(plane.data), *more], env=plane.environment())


def test_a_lab_is_done_by_the_commands_that_are_printed(taught: RunningPlane) -> None:
    started = lab(taught, "start", LAB)
    assert started.returncode == 0, started.stderr
    instance = next(line.split()[1] for line in started.stdout.splitlines() if line.startswith("  instance"))
    again = lab(taught, "start", LAB)
    assert (again.returncode, "started already" in again.stderr) == (1, True)
    broken = lab(taught, "check", LAB)
    assert (broken.returncode, broken.stdout.startswith("Not yet. ")) == (1, True)
    assert "Hint 1 of 3" in lab(taught, "hint", LAB).stdout
    assert stat.S_IMODE((taught.data / "labs").stat().st_mode) == 0o600
    iam, ec2 = taught.client("iam"), taught.client("ec2")
    trust = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    assert "lambda.amazonaws.com" in str(trust)
    shown = lab(taught, "solve", LAB).stdout
    for word in ("aws iam update-assume-role-policy", "--instance-profile-name", f"--instance-id {instance}"):
        assert word in shown
    passed = lab(taught, "check", LAB)
    assert (passed.returncode, passed.stdout.startswith("Solved.")) == (0, True), passed.stdout
    assert "solved by `solve`" in lab(taught, "list").stdout
    assert lab(taught, "reset", LAB).returncode == 0
    described = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    assert described["State"]["Name"] == "terminated"
    assert lab(taught, "check", LAB).returncode == 1


TYPED = [
    "role-without-profile",
    "three-faults",
    "table-index",
    "function-queue",
    "pass-role",
    "boundary",
    "unused-roles",
]
"""Labs whose solution names nothing that is another thing after a reset, but for the instance."""


@pytest.mark.nightly
@pytest.mark.parametrize("name", TYPED)
def test_the_calls_that_a_solution_shows_can_be_typed(plane: RunningPlane, name: str) -> None:
    first = lab(plane, "start", name)
    assert first.returncode == 0, first.stderr
    shown = (
        lab(plane, "solve", name)
        .stdout.replace("    $ aws", f"{COMMAND_LINES['v1']} --endpoint-url {plane.endpoint}")
        .partition("\n  $ locum")[0]
    )
    lab(plane, "reset", name)
    second = lab(plane, "start", name)
    before, after = (told.stdout.partition("Goal: ")[2].split() for told in (first, second))
    for old, new in zip(before, after, strict=True):
        shown = shown.replace(old, new) if old.startswith("i-") else shown
    environment = plane.environment(**plane.root.environment, AWS_ENDPOINT_URL=plane.endpoint, AWS_REGION="us-east-1")
    typed = finished(["sh", "-e", "-c", shown], env=environment | {"AWS_DEFAULT_REGION": "us-east-1"})
    assert typed.returncode == 0, typed.stderr
    passed = lab(plane, "check", name)
    assert passed.returncode == 0, passed.stdout
    assert lab(plane, "reset", name).returncode == 0


def test_of_two_who_start_a_lab_at_once_one_is_refused(taught: RunningPlane) -> None:
    with ThreadPoolExecutor() as both:
        ended = list(both.map(lambda _: lab(taught, "start", LAB), range(2)))
    assert sorted(each.returncode for each in ended) == [0, 1], [each.stderr for each in ended]
    assert "started already" in next(each.stderr for each in ended if each.returncode)


@pytest.mark.parametrize("verb", ["show", "start", "hint", "check", "solve", "reset"])
def test_a_lab_that_does_not_exist_is_an_error_of_one_line(plane: RunningPlane, verb: str) -> None:
    refused = lab(plane, verb, "nothing")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "locum: there is no lab nothing: `locum lab list` has them\n"


def test_the_plane_proves_an_answer_from_inside_an_instance(plane: RunningPlane) -> None:
    proved = ask(plane, "quiz", "--prove", "17")
    assert proved.returncode == 0, proved.stderr
    assert ": 401" in proved.stdout
    assert ask(plane, "quiz", "--prove", "51").returncode == 1


def test_the_quiz_asks_and_its_exit_code_tells_whether_all_was_right(plane: RunningPlane) -> None:
    shown = ask(plane, "quiz", "--theme", "cloudtrail", "--show")
    rights = [line[7] for line in shown.stdout.splitlines() if line.startswith("Right: ")]
    assert len(rights) == 4
    asked = ask(plane, "quiz", "--theme", "cloudtrail", said="a\n" * 4)
    right = rights.count("a")
    assert f"{right} of 4 right." in asked.stdout
    assert asked.returncode == (0 if right == 4 else 1)
    enough = ask(plane, "quiz", said="q\n")
    assert (enough.returncode, "0 of 0 right." in enough.stdout) == (0, True)
