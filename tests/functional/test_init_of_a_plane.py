"""`locum up --init`: what a plane has when it says that it is up; once, however often it is carried out."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from support import processes
from support.plane import LOCUM, Key, RunningPlane, boto3_client, fresh, up
from support.tools import needs

IDENTITIES: Final = """
roles:
  - {name: NAME, trust: ec2, profile: true, policies: [AmazonS3ReadOnlyAccess]}
users:
  - {name: NAME, keys: true}
"""
QUEUE: Final = '{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "NAME"}}}}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "init"
    made.mkdir()
    return made


def test_identities_are_brought_in_line_and_keys_are_nobody_elses_to_read(plane: RunningPlane, folder: Path) -> None:
    name, iam = fresh("init"), plane.client("iam")
    (folder / "people.yaml").write_text(IDENTITIES.replace("NAME", name))
    done = plane.locum("init", str(folder))
    assert done.returncode == 0, done.stderr
    file = plane.data / "users" / f"{name}.credentials"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    said = dict(line.split(" = ") for line in file.read_text().splitlines()[1:])
    assert said["aws_secret_access_key"] not in done.stdout + done.stderr
    key = Key(said["aws_access_key_id"], said["aws_secret_access_key"])
    assert boto3_client("sts", plane.endpoint, key).get_caller_identity()["Arn"].endswith(f":user/{name}")

    iam.attach_role_policy(RoleName=name, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    again = plane.locum("init", str(folder))
    assert "1 changed" in again.stdout
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["AmazonS3ReadOnlyAccess"]
    assert [one["AccessKeyId"] for one in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]] == [key[0]]


@pytest.mark.nightly
def test_a_template_is_a_stack_that_is_updated_later_and_told_where_it_fails(plane: RunningPlane, folder: Path) -> None:
    name = fresh("init")
    template = folder / f"10-{name}.template.json"
    for text, expected in ((QUEUE, "CREATE_COMPLETE"), (QUEUE, "is as it was"),
                           (QUEUE.replace("}}}}", ', "DelaySeconds": 9}}}}'), "UPDATE_COMPLETE")):  # fmt: skip
        template.write_text(text.replace("NAME", name))
        done = plane.locum("init", str(folder))
        assert (done.returncode, expected in done.stdout) == (0, True), done.stdout + done.stderr
    long = json.loads(template.read_text()) | {"Metadata": {"Long": "x" * 60_000}}
    long["Resources"]["Q"]["Properties"]["DelaySeconds"] = 8
    template.write_text(json.dumps(long))
    done = plane.locum("init", str(folder))
    assert "UPDATE_COMPLETE" in done.stdout, done.stdout + done.stderr
    assert not [one for one in plane.client("s3").list_buckets()["Buckets"] if "locum-init" in one["Name"]]

    other = fresh("init")
    template.rename(folder / f"{other}.template.json")  # another stack, of a queue that is there
    done = plane.locum("init", str(folder))
    assert done.returncode == 1
    assert f"the stack {other} is ROLLBACK_COMPLETE: Q: " in done.stderr


def test_a_script_has_the_environment_and_no_key_in_its_words(plane: RunningPlane, folder: Path) -> None:
    script = folder / "1.sh"
    script.write_text("#!/bin/sh\nenv; echo; tr '\\0' ' ' < /proc/$$/cmdline; echo; ps -o args= -p $PPID; pwd\n")
    env = plane.environment(AWS_PROFILE="mine", LOCUM_KEYRING="secret")
    env["LOCUM_KEYRING"] = ""
    done = plane.locum("init", str(folder), env=env)
    assert done.returncode == 0, done.stderr
    said = [line.removeprefix("1.sh | ") for line in done.stdout.splitlines()]
    told = dict(line.split("=", 1) for line in said if "=" in line)
    assert (told["AWS_ENDPOINT_URL"], told["AWS_SECRET_ACCESS_KEY"]) == (plane.endpoint, plane.root.secret_access_key)
    assert not {"AWS_PROFILE", "LOCUM_KEYRING"} & told.keys()
    assert not [line for line in said if plane.root.secret_access_key in line and "=" not in line]
    assert str(folder) in said


def test_the_first_that_fails_ends_it_unless_the_rest_is_asked_for(plane: RunningPlane, folder: Path) -> None:
    for name, text in (("1.sh", "exit 0"), ("2.sh", "exit 7"), ("3.sh", "echo $((40+2))")):
        (folder / name).write_text(text)
    done = plane.locum("init", str(folder))
    assert (done.returncode, done.stderr, "42" in done.stdout) == (1, "2.sh: failed: exit code 7\n", False)
    done = plane.locum("init", str(folder), "--keep-going")
    assert (done.returncode, "3.sh | 42" in done.stdout) == (1, True)


def test_nothing_is_done_where_something_cannot_be_read(plane: RunningPlane, folder: Path) -> None:
    (folder / "1.sh").write_text("touch done")
    (folder / "2.yaml").write_text("roles:\n  - {name: x}\n")
    done = plane.locum("init", str(folder))
    assert (done.returncode, done.stderr) == (2, "locum: 2.yaml:2: roles[0].name has no trust beside it\n")
    assert not (folder / "done").exists()
    assert plane.locum("init", "--check", str(folder)).returncode == 2


@pytest.mark.nightly
def test_what_a_script_leaves_running_does_not_hold_it_up(plane: RunningPlane, folder: Path) -> None:
    (folder / "1.sh").write_text("sleep 60 & echo $!")
    done = plane.locum("init", str(folder))
    assert done.returncode == 0
    os.kill(int(done.stdout.split("|")[1].split()[0]), signal.SIGKILL)


def test_attack_what_a_script_writes_does_not_steer_the_terminal(plane: RunningPlane, folder: Path) -> None:
    (folder / "1.sh").write_text("printf '\\033[2Jx\\377\\n'; head -c 10000 /dev/zero")
    done = plane.locum("init", str(folder))
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "\x00" not in done.stdout


def test_a_plane_is_up_when_all_is_there_also_after_a_restart(tmp_path: Path, folder: Path) -> None:
    (folder / "1.yaml").write_text(IDENTITIES.replace("NAME", "app"))
    (folder / "2.sh").write_text(f"{sys.executable} -c 'print(6 * 7)'")
    (folder / "3.template.yaml").write_text("Resources: {Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: jobs}}}")
    with up(tmp_path, "--init", str(folder)) as plane:
        assert plane.client("iam").get_instance_profile(InstanceProfileName="app")
        assert plane.client("sqs").get_queue_url(QueueName="jobs")
        plane.stop()
        plane.start()
        said = (tmp_path / "errors.log").read_text()
        assert said.count("2.sh | 42") == 2
        assert "1 kept" in said


@pytest.mark.parametrize("goes_on", [False, pytest.param(True, marks=pytest.mark.nightly)])
def test_a_plane_does_not_start_where_something_fails_unless_it_is_to_go_on(
    tmp_path: Path, folder: Path, goes_on: bool
) -> None:
    (folder / "1.sh").write_text("echo why; exit 3")
    line = [LOCUM, "up", "--data", str(tmp_path / "data"), "--port", "0", "--quiet", "--init", str(folder)]
    if goes_on:
        with up(tmp_path, "--init", str(folder), "--init-keep-going") as plane:
            assert plane.client("sts").get_caller_identity()
        return
    done = processes.finished(line, env={"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")})
    assert done.returncode == 1
    assert done.stderr.startswith("1.sh: failed: exit code 3\nlocum: the plane has stopped, as not all in ")
    assert "Traceback" not in done.stderr


def test_a_directory_that_cannot_be_read_starts_nothing(tmp_path: Path, folder: Path) -> None:
    (folder / "1.yaml").write_text("x: 1")
    line = [LOCUM, "up", "--data", str(tmp_path / "data"), "--port", "0", "--init", str(folder)]
    done = processes.finished(line, env={"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")})
    assert (done.returncode, "1.yaml:1: x is unknown here" in done.stderr) == (1, True)
    assert not (tmp_path / "data").exists()


def test_a_plane_that_is_stopped_ends_its_scripts(tmp_path: Path, folder: Path) -> None:
    (folder / "1.sh").write_text("echo $$; exec sleep 100")
    line = [LOCUM, "up", "--data", str(tmp_path / "data"), "--port", "0", "--init", str(folder)]
    pipe = subprocess.PIPE
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    with processes.group(line, env=environment, stdout=subprocess.DEVNULL, stderr=pipe) as process:
        assert process.stderr is not None
        script = int(process.stderr.readline().removeprefix("1.sh | "))
        process.terminate()
        assert process.wait(processes.SECONDS) == 0
    state = Path(f"/proc/{script}/stat")
    assert not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.nightly
@needs("terraform")
def test_terraform_keeps_its_state_with_the_plane(plane: RunningPlane, folder: Path) -> None:
    name = fresh("tf")
    (folder / name).mkdir()
    (folder / name / "main.tf").write_text('resource "terraform_data" "x" { input = "1" }')
    for expected in ("1 added", "0 added"):
        done = plane.locum("init", str(folder))
        assert (done.returncode, expected in done.stdout) == (0, True), done.stdout
    assert (plane.data / "init" / name / "terraform.tfstate").is_file()
    assert sorted(path.name for path in (folder / name).iterdir()) == ["main.tf"]


def test_a_configuration_without_terraform_is_told(plane: RunningPlane, folder: Path) -> None:
    (folder / "x").mkdir()
    (folder / "x" / "main.tf").touch()
    done = plane.locum("init", str(folder), env=plane.environment(PATH=str(folder)))
    assert (done.returncode, "x: failed: there is no terraform on the PATH" in done.stderr) == (1, True)
