"""`locum run` and `locum exec`: a command inside an instance, and nothing of the host's credentials with it."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.inside import Inside, inside, led
from support.plane import ACCOUNT, LOCUM, RunningPlane, needs_namespaces
from support.processes import SECONDS, finished, line_of

pytestmark = pytest.mark.xdist_group("run-and-exec")


READ_ALL = """
import os, re, sys
secrets = [text[::-1].encode() for text in sys.argv[1:]]
found = set()
for pid in (int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()):
    for name in ("environ", "cmdline"):
        try:
            found.update(s for s in secrets if s in open(f"/proc/{pid}/{name}", "rb").read())
        except OSError:
            pass
    try:
        areas = re.findall("^([0-9a-f]+)-([0-9a-f]+) rw", open(f"/proc/{pid}/maps").read(), re.M)
        memory = open(f"/proc/{pid}/mem", "rb", 0)
    except OSError:
        continue
    for start, end in areas:
        try:
            memory.seek(int(start, 16))
            content = memory.read(int(end, 16) - int(start, 16))
        except (OSError, ValueError, OverflowError):
            continue
        found.update(s for s in secrets if s in content)
print(len(found), os.path.exists("/proc/1/mem"))
"""
"""Looks for texts, given backwards, in the variables and the memory of all other processes that it sees."""


@pytest.fixture(scope="module")
def profile(plane: RunningPlane) -> str:
    return plane.profile()


def state_of(plane: RunningPlane, instance: str) -> str:
    found = plane.client("ec2").describe_instances(InstanceIds=[instance])
    state: str = found["Reservations"][0]["Instances"][0]["State"]["Name"]
    return state


def instances(plane: RunningPlane) -> set[str]:
    pages = plane.client("ec2").describe_instances()["Reservations"]
    return {instance["InstanceId"] for page in pages for instance in page["Instances"]}


# -- no credentials of the host -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def host(plane: RunningPlane) -> dict[str, str]:
    """A host full of credentials: variables, shared files, the plane's own directory."""
    folder = plane.home / ".aws"
    folder.mkdir(exist_ok=True)
    (folder / "credentials").write_text("[default]\naws_access_key_id=AKIAHOST\naws_secret_access_key=HOSTSECRET\n")
    (folder / "config").write_text("[default]\nregion=eu-north-1\nendpoint_url=http://192.0.2.1\n")
    return plane.environment(
        AWS_ACCESS_KEY_ID="AKIAHOST",
        AWS_SECRET_ACCESS_KEY="HOSTSECRET",
        AWS_SESSION_TOKEN="HOSTTOKEN",
        AWS_PROFILE="default",
        AWS_CONTAINER_CREDENTIALS_FULL_URI="http://192.0.2.1/",
        AWS_WEB_IDENTITY_TOKEN_FILE="/etc/hostname",
        AWS_ROLE_ARN="arn:aws:iam::999999999999:role/host",
        AWS_EC2_METADATA_DISABLED="true",
        LOCUM_DATA=str(plane.data),
        KEPT="as it was",
    )


@pytest.mark.parametrize("network", [pytest.param("namespace", marks=needs_namespaces), "loopback"])
def test_no_credentials_of_the_host_leak_in(
    plane: RunningPlane, host: dict[str, str], profile: str, network: str
) -> None:
    program = (
        "import boto3, json, os; s = boto3.Session(); arn = s.client('sts').get_caller_identity()['Arn']; "
        "print(json.dumps([dict(os.environ), arn, s.get_credentials().method]))"
    )
    done = plane.locum("run", "--network", network, "--profile", profile, "--", sys.executable, "-c", program, env=host)
    assert (done.returncode, done.stderr) == (0, "")
    environment, arn, method = json.loads(done.stdout)
    assert arn.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/i-")
    assert method == "iam-role"
    assert "HOST" not in json.dumps({name: value for name, value in environment.items() if name.startswith("AWS")})
    assert plane.root.secret_access_key not in json.dumps(environment)
    assert environment["KEPT"] == "as it was"
    assert not {"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "LOCUM_DATA", "AWS_EC2_METADATA_DISABLED"} & set(environment)


@needs_namespaces
@pytest.mark.parametrize("joins", [False, True])
def test_a_command_finds_no_credentials_in_the_processes_that_it_sees(
    plane: RunningPlane, host: dict[str, str], profile: str, joins: bool
) -> None:
    texts = [text[::-1] for text in ("HOSTSECRET", plane.root.secret_access_key)]
    look = ("--", sys.executable, "-c", READ_ALL, *texts)
    if joins:
        with inside(plane, "--profile", profile) as app:
            done = plane.locum("exec", app.instance, *look, env=host)
    else:
        done = plane.locum("run", "--profile", profile, *look, env=host)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0 True\n", "")


@needs_namespaces
def test_shared_files_and_the_data_directory_are_hidden_inside(
    plane: RunningPlane, host: dict[str, str], profile: str
) -> None:
    assert "LOCUM_DATA" in host
    with inside(plane, "--profile", profile) as app:
        assert app.ask(list=str(plane.home / ".aws")) == []
        assert app.ask(list=str(plane.data)) == []
        for name in ("credentials", "keyring", "locum.db", "control.sock"):
            assert app.ask(read=str(plane.data / name)) is None
    assert (plane.data / "credentials").exists()


# -- the command is as if it ran outside --------------------------------------------------------------------


@pytest.mark.parametrize("network", [pytest.param("namespace", marks=needs_namespaces), "loopback"])
@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 128 + signal.SIGTERM)])
def test_the_exit_code_is_the_commands(plane: RunningPlane, network: str, script: str, code: int) -> None:
    assert plane.locum("run", "--network", network, "--", "sh", "-c", script).returncode == code


def test_a_command_that_is_not_there_ends_as_a_shell_ends_it(plane: RunningPlane) -> None:
    done = plane.locum("run", "--", "no-such-command")
    assert (done.returncode, done.stderr) == (127, "locum: no-such-command: command not found\n")


def test_input_output_and_the_directory_are_the_commands(plane: RunningPlane, tmp_path: Path) -> None:
    done = plane.locum("run", "--", "sh", "-c", "cat; pwd; echo complaint >&2", said="said\n", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"said\n{tmp_path}\n", "complaint\n")


def test_options_behind_the_dashes_are_the_commands(plane: RunningPlane) -> None:
    assert plane.locum("run", "--", "echo", "--profile", "-x", "--keep").stdout == "--profile -x --keep\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_the_command(plane: RunningPlane, number: signal.Signals) -> None:
    program = (
        f"import signal, sys; awaited = {{signal.Signals({int(number)})}}; "
        "signal.pthread_sigmask(signal.SIG_BLOCK, awaited); print('ready', flush=True); "
        "print('got', int(signal.sigwait(awaited)), flush=True); sys.exit(5)"
    )
    line = [LOCUM, "run", "--data", str(plane.data), "--", sys.executable, "-c", program]
    with led(line, plane.environment()) as process:
        assert line_of(process) == "ready"
        process.send_signal(number)
        assert line_of(process) == f"got {int(number)}"
        assert process.wait(SECONDS) == 5


# -- the life of the instance -------------------------------------------------------------------------------


def test_the_instance_is_terminated_when_the_command_has_ended(plane: RunningPlane, profile: str) -> None:
    with inside(plane, "--profile", profile) as app:
        instance = app.instance
        assert state_of(plane, instance) == "running"
    assert state_of(plane, instance) == "terminated"


def test_the_instance_is_kept_on_request_and_run_in_again(plane: RunningPlane, profile: str) -> None:
    before = instances(plane)
    done = plane.locum("run", "--keep", "--profile", profile, "--", "true")
    (instance,) = instances(plane) - before
    assert (done.returncode, done.stderr) == (0, f"locum: {instance} keeps running\n")
    assert state_of(plane, instance) == "running"
    with inside(plane, instance, command="exec") as app:
        assert app.instance == instance
        assert app.call("sts", "get_caller_identity")["Arn"].endswith(f":assumed-role/{profile}/{instance}")
    assert state_of(plane, instance) == "running"
    plane.client("ec2").terminate_instances(InstanceIds=[instance])
    done = plane.locum("exec", instance, "--", "true")
    assert done.returncode != 0
    assert f"instance {instance} is terminated, not running" in done.stderr


def test_the_instance_of_a_killed_launcher_is_terminated(plane: RunningPlane, profile: str) -> None:
    program = "import os, sys; print(os.getppid(), flush=True); sys.stdin.read()"
    line = [LOCUM, "run", "--data", str(plane.data), "--profile", profile, "--", sys.executable, "-c", program]
    before = instances(plane)
    with led(line, plane.environment()) as process:
        line_of(process)
        (instance,) = instances(plane) - before
        process.kill()
        assert line_of(process) == ""  # the command has ended as well: nobody holds its output
    while state_of(plane, instance) != "terminated":
        pass  # the plane learns of it from a socket that closes: asked until it knows


def test_exec_joins_the_instance_that_runs(plane: RunningPlane, profile: str) -> None:
    with inside(plane, "--profile", profile) as app:
        instance = app.instance
        with inside(plane, instance, command="exec") as other:
            assert other.instance == instance
            stolen = other.token()
            assert app.imds("/latest/meta-data/", X_aws_ec2_metadata_token=stolen).status == 200
        assert app.instance == instance


def test_an_instance_that_does_not_exist_is_not_run_in(plane: RunningPlane) -> None:
    done = plane.locum("exec", "i-00000000000000000", "--", "true")
    assert done.returncode != 0
    assert "there is no instance i-00000000000000000" in done.stderr


def test_a_profile_that_does_not_exist_is_said_so(plane: RunningPlane) -> None:
    done = plane.locum("run", "--profile", "nobody-made-this", "--", "true")
    assert done.returncode == 1
    assert "Invalid IAM Instance Profile name" in done.stderr
    assert "Traceback" not in done.stderr


# -- without namespaces -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_loopback(plane: RunningPlane, profile: str) -> Iterator[Inside]:
    with inside(plane, "--network", "loopback", "--profile", profile) as app:
        yield app


def test_on_loopback_the_metadata_service_has_a_port_of_its_own(on_loopback: Inside, profile: str) -> None:
    environment = on_loopback.ask(environ=True)
    assert environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"].startswith("http://127.0.0.1:")
    assert on_loopback.metadata("meta-data/iam/security-credentials/") == profile
    arn = on_loopback.call("sts", "get_caller_identity")["Arn"]
    assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/{on_loopback.instance}"


def test_on_loopback_the_port_is_closed_when_the_command_has_ended(plane: RunningPlane, on_loopback: Inside) -> None:
    with inside(plane, "--network", "loopback") as app:
        endpoint = app.ask(environ=True)["AWS_EC2_METADATA_SERVICE_ENDPOINT"]
        port = int(endpoint.rstrip("/").rpartition(":")[2])
        assert on_loopback.ask(reach=["127.0.0.1", port])
    assert not on_loopback.ask(reach=["127.0.0.1", port])


def test_two_instances_on_loopback_are_two(plane: RunningPlane, on_loopback: Inside) -> None:
    with inside(plane, "--network", "loopback") as app:
        assert app.instance != on_loopback.instance
        page = app.imds("/latest/meta-data/", X_aws_ec2_metadata_token=on_loopback.token())
        assert page.status == 401


def test_the_commands_say_what_to_do_where_no_plane_runs(plane: RunningPlane, tmp_path: Path) -> None:
    for command in (["run", "--", "true"], ["exec", "i-1", "--", "true"], ["explain"], ["env"]):
        done = plane.locum(command[0], "--data", str(tmp_path), *command[1:])
        assert done.returncode == 1
        assert "no Locum is running on" in done.stderr
        assert "locum up" in done.stderr


def test_env_prints_what_a_shell_needs(plane: RunningPlane) -> None:
    done = plane.locum("env")
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    script = f'{done.stdout}{sys.executable} -c "{program}"'
    shell = finished(["sh", "-c", script], env=plane.environment())
    assert shell.stdout == f"arn:aws:iam::{ACCOUNT}:root\n"
