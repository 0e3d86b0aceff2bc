"""`locum agent`: a machine elsewhere is an instance, with its metadata, its role and nothing else."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.agents import Machine, activated, address, agent_line, machine, refused_agent
from support.inside import led
from support.plane import ACCOUNT, RunningPlane, allow, up
from support.processes import finished


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    with up(tmp_path_factory.mktemp("plane"), "--agents", "--agents-port", "0") as running:
        yield running


@pytest.fixture(scope="module")
def profile(plane: RunningPlane) -> str:
    plane.client("s3").create_bucket(Bucket="of-agents")
    plane.client("s3").put_object(Bucket="of-agents", Key="k", Body=b"v" * 300_000)
    return plane.profile(allow("s3:GetObject"))


@pytest.fixture(scope="module")
def elsewhere(
    plane: RunningPlane, profile: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:  # fmt: skip
    with machine(plane, tmp_path_factory.mktemp("machine"), activated(plane, "--profile", profile)) as running:
        yield running


# -- a machine is an instance ---------------------------------------------------------------------------------


def test_an_application_elsewhere_wears_the_role_of_the_instance(elsewhere: Machine, profile: str) -> None:
    with elsewhere.inside() as program:
        identity = program.call("sts", "get_caller_identity")
        assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/{elsewhere.instance}"
        assert program.call("s3", "get_object", Bucket="of-agents", Key="k")["Body"] == "v" * 300_000
        assert program.refused("s3", "list_objects_v2", Bucket="of-agents").code == "AccessDenied"


def test_the_metadata_is_that_of_the_instance(elsewhere: Machine) -> None:
    with elsewhere.inside() as program:
        assert program.instance == elsewhere.instance
        document = json.loads(program.metadata("dynamic/instance-identity/document"))
        assert document["instanceId"] == elsewhere.instance
        missing = program.imds("/latest/meta-data/none", X_aws_ec2_metadata_token=program.token())
        assert missing.status == 404
        head = program.imds("/latest/meta-data/instance-id", "HEAD", X_aws_ec2_metadata_token=program.token())
        assert (head.status, head.headers["content-length"]) == (200, str(len(elsewhere.instance)))
        assert program.imds("/latest/meta-data/").status == 401


def test_a_token_that_was_forwarded_for_somebody_is_refused_and_no_header_of_ours_gets_out(elsewhere: Machine) -> None:
    ttl = {"X_aws_ec2_metadata_token_ttl_seconds": "60"}
    with elsewhere.inside() as program:
        page = program.imds("/latest/api/token", "PUT", **ttl, X_Forwarded_For="10.0.0.1")
        assert page.status == 403
        page = program.imds("/latest/api/token", "PUT", **ttl)
        assert page.status == 200
        assert page.headers["x-aws-ec2-metadata-token-ttl-seconds"] == "60"
        assert not [name for name in page.headers if name.startswith("x-locum")]


def test_the_key_is_the_agents_users_alone_and_the_code_is_nowhere(elsewhere: Machine) -> None:
    directory = elsewhere.home / "agent"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()} == {0o600}
    assert not [file for file in directory.iterdir() if b"locum1." in file.read_bytes()]
    assert b"locum1." not in Path(f"/proc/{elsewhere.process.pid}/cmdline").read_bytes()


def test_a_code_comes_from_a_file_the_standard_input_or_an_option(plane: RunningPlane, tmp_path: Path) -> None:
    for number, way in enumerate(("file", "stdin", "option")):
        home = tmp_path / way
        home.mkdir()
        code = activated(plane)
        (home / "code").write_text(code)
        flags = {
            "file": ("--code-file", str(home / "code")),
            "stdin": ("--code-file", "-"),
            "option": ("--code", code),
        }[way]
        with led(agent_line(plane, home, *flags), {"PATH": "/usr/bin:/bin", "HOME": str(home)}) as process:
            assert process.stdin is not None
            process.stdin.write(code)
            process.stdin.close()
            running = Machine(process, home, home / "code")
            assert running.instance == code.split(".")[2], number
            process.terminate()


def test_an_agent_starts_again_with_the_certificate_that_it_has(plane: RunningPlane, tmp_path: Path) -> None:
    code = activated(plane)
    for given in (code, "", code):
        with machine(plane, tmp_path / "m", given) as running, running.inside() as program:
            assert program.instance == running.instance
            running.process.terminate()
            assert running.ended() == 0


def test_an_agent_is_there_again_after_a_restart_of_the_plane(tmp_path: Path) -> None:
    with up(tmp_path, "--agents", "--agents-port", "0") as plane:
        port = address(plane).rpartition(":")[2]
        profile = plane.profile()
        code = activated(plane, "--profile", profile)
        with machine(plane, tmp_path / "m", code) as running, running.inside() as program:
            first = program.call("sts", "get_caller_identity")["Arn"]
            token = program.token("600")
            plane.stop()
            plane.start("--agents-port", port)
            assert program.call("sts", "get_caller_identity")["Arn"] == first
            page = program.imds("/latest/meta-data/instance-id", X_aws_ec2_metadata_token=token)
            assert page.body == running.instance


def test_a_plane_without_a_listener_for_agents_says_so(tmp_path: Path) -> None:
    with up(tmp_path) as plane:
        done = plane.locum("activate")
        assert done.returncode == 1
        assert "start it with `locum up --agents`" in done.stderr


def test_the_code_is_all_that_the_standard_output_gets(plane: RunningPlane) -> None:
    done = plane.locum("activate", "--expires", "5m")
    assert done.stdout.startswith("locum1.")
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.strip() not in done.stderr
    assert "(SHA-256)" in done.stderr


def test_activations_are_explained_as_what_was_done(plane: RunningPlane, elsewhere: Machine) -> None:
    done = plane.locum("explain", "--all", "--last", "50")
    assert "DONE  ec2:RegisterAgent" in done.stdout
    assert f"instance/{elsewhere.instance}" in done.stdout


# -- what ends it ---------------------------------------------------------------------------------------------


def test_a_terminated_instance_ends_its_agent(plane: RunningPlane, tmp_path: Path) -> None:
    with machine(plane, tmp_path / "m", activated(plane)) as running, running.inside() as program:
        plane.client("ec2").terminate_instances(InstanceIds=[running.instance])
        assert program.imds("/latest/meta-data/").status in (503, 0)  # as its agent has yet to end, or has ended
        assert running.ended() == 1
        assert "is terminated, not running" in running.complaints


def test_a_stopped_instance_is_refused_at_once_and_served_when_it_starts(plane: RunningPlane, tmp_path: Path) -> None:
    with machine(plane, tmp_path / "m", activated(plane)) as running, running.inside() as program:
        ec2 = plane.client("ec2")
        assert program.instance == running.instance
        ec2.stop_instances(InstanceIds=[running.instance])
        assert program.imds("/latest/meta-data/").status == 503
        ec2.start_instances(InstanceIds=[running.instance])
        assert program.instance == running.instance


def test_a_second_activation_takes_the_place_of_the_agent_before(plane: RunningPlane, tmp_path: Path) -> None:
    with machine(plane, tmp_path / "one", activated(plane)) as one, one.inside() as program:
        code = activated(plane, "--instance-id", one.instance)
        assert program.instance == one.instance
        with machine(plane, tmp_path / "two", code) as two, two.inside() as other:
            assert other.instance == one.instance
            assert program.imds("/latest/meta-data/").status == 503
            assert one.ended() == 1
            assert other.instance == one.instance


# -- who is refused -------------------------------------------------------------------------------------------


def test_a_code_that_was_used_is_refused_and_that_is_in_the_log(plane: RunningPlane, tmp_path: Path) -> None:
    code = activated(plane)
    with machine(plane, tmp_path / "m", code) as running, running.inside() as program:
        assert "this activation code is not valid" in refused_agent(plane, tmp_path / "other", code)
        assert program.instance == running.instance
    log = (plane.home / "errors.log").read_text()
    assert f"the activation code of {running.instance} is used a second time" in log
    assert code.split(".")[3] not in log


def test_a_guessed_code_is_refused(plane: RunningPlane, tmp_path: Path) -> None:
    form, account, instance, secret, fingerprint = activated(plane).split(".")
    guesses = [("B" if secret[0] == "A" else "A") + secret[1:], "A" * 43]
    for number, guess in enumerate(guesses):
        text = ".".join((form, account, instance, guess, fingerprint))
        assert "not valid" in refused_agent(plane, tmp_path / str(number), text)
    for other in ("i-0123456789abcdef0", "i-x"):
        text = ".".join((form, account, other, secret, fingerprint))
        assert "not valid" in refused_agent(plane, tmp_path / other, text)


def test_nothing_is_told_to_a_plane_that_is_not_the_one_of_the_code(plane: RunningPlane, tmp_path: Path) -> None:
    with up(tmp_path / "", "--agents", "--agents-port", "0") as other:
        said = refused_agent(other, tmp_path / "m", activated(plane))
        assert "is not the plane that made the code" in said


def test_a_plane_of_another_installation_at_the_same_address_is_not_served_from(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with up(tmp_path / "one", "--agents", "--agents-port", "0") as one:
        port = address(one).rpartition(":")[2]
        with machine(one, tmp_path / "m", activated(one)) as running, running.inside() as program:
            one.stop()
            with up(tmp_path / "two", "--agents", "--agents-port", port):
                ttl = {"X_aws_ec2_metadata_token_ttl_seconds": "60"}
                assert program.imds("/latest/api/token", "PUT", **ttl).status == 503
                assert "certificate verify failed" in running.complaints
            one.start("--agents-port", port)
            assert program.instance == running.instance


def test_an_agent_that_was_never_activated_says_what_it_needs(plane: RunningPlane, tmp_path: Path) -> None:
    assert "give --plane and a code" in refused_agent(plane, tmp_path, "")
    assert "this is no activation code" in refused_agent(plane, tmp_path, "nonsense")
    assert "is no address of a plane" in refused_agent(plane, tmp_path, "", "--plane", "nowhere")
    done = finished([*agent_line(plane, tmp_path), "--gateway", "nowhere"], env={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 1
