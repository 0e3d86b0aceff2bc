"""What a process in one instance tries on another instance, on the plane and on the host; closed by bwrap and not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.driven import all_end, holder, inside, launched, processes_of, said, until
from support.plane import LOCUM, RunningPlane, needs_namespaces, up
from support.processes import finished

HIJACK = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
held = libc.ptrace(16, 1, None, None)  # PTRACE_ATTACH: process 1 of the instance
print("held" if held == 0 else "refused", flush=True)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    signal.pause()
"""

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bwrap: Debian's package bubblewrap")
pytestmark = [needs_namespaces, pytest.mark.xdist_group("attacks-between-instances")]


@pytest.fixture(scope="module", params=[pytest.param("open"), pytest.param("closed", marks=needs_bwrap)])
def plane(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[RunningPlane]:
    home = tmp_path_factory.mktemp(request.param)
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text("[default]\naws_secret_access_key=HOSTSECRET\n")
    flags = ["--closed"] if request.param == "closed" else []
    with up(home, "--driver", "process", *flags) as running:
        yield running
        ids = [it["InstanceId"] for page in _pages(running) for it in page["Instances"]]
        running.client("ec2").terminate_instances(InstanceIds=ids)
        until(lambda: not (running.data / "instances").exists())


def _pages(plane: RunningPlane) -> list[dict[str, list[dict[str, str]]]]:
    pages: list[dict[str, list[dict[str, str]]]] = plane.client("ec2").describe_instances()["Reservations"]
    return pages


@pytest.fixture(scope="module")
def pair(plane: RunningPlane) -> tuple[str, str]:
    """Two instances: one that attacks, and one with something to take."""
    attacker, victim = launched(plane, "echo up; SECRET=of-the-victim exec sleep 100000", count=2)
    for instance in (attacker, victim):
        said(plane, instance, "up")
    return attacker, victim


def test_the_metadata_service_of_another_instance_is_out_of_reach(plane: RunningPlane, pair: tuple[str, str]) -> None:
    attacker, victim = pair
    (first, *_) = processes_of(plane, victim)
    script = f"""
for process in {first} $(ls /proc | grep '^[0-9]'); do
  nsenter --net=/proc/$process/ns/net curl -s -m 5 http://169.254.169.254/latest/meta-data/instance-id 2>/dev/null
done
cat /proc/net/tcp | awk 'NR > 1 {{ print $2 }}' | sort -u
exit 0"""
    assert victim not in inside(plane, attacker, script)


def test_no_process_of_another_instance_or_of_the_host_is_there(plane: RunningPlane, pair: tuple[str, str]) -> None:
    attacker, victim = pair
    others = [os.getpid(), holder(plane, attacker), holder(plane, victim), *processes_of(plane, victim)]
    listed = inside(plane, attacker, "ls /proc | grep '^[0-9]'").split()
    assert max(map(int, listed)) < 1000 or not set(map(str, others)) & set(listed)
    told = inside(plane, attacker, "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'; exit 0")
    assert "locum.cli" not in told
    assert f"--data {plane.data} --port" not in told
    assert plane.root.secret_access_key not in told


def test_no_signal_reaches_a_process_outside(plane: RunningPlane, pair: tuple[str, str]) -> None:
    attacker, victim = pair
    launcher = holder(plane, victim)
    plane.locum("exec", attacker, "--", "sh", "-c", f"kill -9 {launcher} {os.getpid()}; kill -9 -1")
    assert holder(plane, victim) == launcher
    assert plane.running


def test_the_plane_s_secrets_and_its_control_socket_are_not_there(plane: RunningPlane, pair: tuple[str, str]) -> None:
    attacker, _ = pair
    place = plane.data
    script = f"""
cat {place}/credentials {place}/keyring {place}/locum.db {place}/instances/*/console 2>/dev/null
test -S {place}/control.sock && echo socket
umount {place} 2>/dev/null && echo uncovered
unshare --user --map-root-user --mount sh -c 'umount -l {place} && ls {place}/credentials' 2>/dev/null
for process in $(ls /proc | grep '^[0-9]'); do ls /proc/$process/root{place}/credentials 2>/dev/null; done
exit 0"""
    assert inside(plane, attacker, script) == ""


def test_the_host_s_credentials_are_not_there(plane: RunningPlane, pair: tuple[str, str]) -> None:
    attacker, _ = pair
    script = (
        f"cat {plane.home}/.aws/credentials /proc/[0-9]*/root{plane.home}/.aws/credentials 2>/dev/null; env; exit 0"
    )
    assert "HOSTSECRET" not in inside(plane, attacker, script)


def test_memory_that_the_host_or_another_instance_shares_is_out_of_reach(
    plane: RunningPlane, pair: tuple[str, str]
) -> None:
    attacker, victim = pair
    made = [finished(["ipcmk", "-M", "4096"]).stdout, plane.locum("exec", victim, "--", "ipcmk", "-M", "4096").stdout]
    ids = [text.split(":")[1].strip() for text in made]  # "Shared memory id: 7"
    try:
        namespaces = {inside(plane, it, "readlink /proc/self/ns/ipc") for it in pair}
        assert len(namespaces | {f"{Path('/proc/self/ns/ipc').readlink()}\n"}) == 3
        assert inside(plane, attacker, "ipcs -m | grep 0x; exit 0") == ""
    finally:
        finished(["ipcrm", "-m", ids[0]])


@needs_bwrap
def test_a_closed_instance_of_root_s_has_no_word_in_the_settings_of_the_kernel(tmp_path: Path) -> None:
    # uid 0 writes there without any capability, and `|/program` in core_pattern is executed as root of the host
    with up(tmp_path, "--driver", "process", "--closed") as plane:
        (instance,) = launched(plane, "echo up")
        said(plane, instance, "up")
        script = f"{_OPENS}; grep -o ' /proc/sys r[ow],' /proc/self/mountinfo"
        assert set(inside(plane, instance, script).splitlines()) == {" /proc/sys ro,"}
        ran = plane.locum("run", "--closed", "--", "sh", "-c", script)
        assert set(ran.stdout.splitlines()) == {" /proc/sys ro,"}
        plane.client("ec2").terminate_instances(InstanceIds=[instance])
        until(lambda: not (plane.data / "instances").exists())


_OPENS = "for it in core_pattern hostname modprobe; do (exec 3>> /proc/sys/kernel/$it) 2>/dev/null && echo $it; done"


def test_nothing_of_the_launcher_is_inherited(plane: RunningPlane) -> None:
    (instance,) = launched(plane, "ls -l /proc/self/fd; echo listed")
    assert "socket:" not in said(plane, instance, "listed")


def test_who_gets_hold_of_the_first_process_ends_all_the_same(plane: RunningPlane) -> None:
    python = shutil.which("python3", path="/usr/bin:/bin")
    if python is None:
        pytest.skip("no Python of the system")
    (instance,) = launched(plane, f"exec {python} - <<'END'\n{HIJACK}\nEND")
    text = said(plane, instance, "e")
    assert "held" in text or "refused" in text
    launcher = holder(plane, instance)
    assert launcher is not None
    ends = [os.pidfd_open(pid) for pid in (launcher, *processes_of(plane, instance))]
    plane.client("ec2").terminate_instances(InstanceIds=[instance])
    all_end(ends)
    for end in ends:
        os.close(end)


def test_a_command_of_run_command_sees_what_the_instance_sees(
    plane: RunningPlane, request: pytest.FixtureRequest
) -> None:
    profile, ssm = plane.profile(), plane.client("ssm")
    core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    plane.client("iam").attach_role_policy(RoleName=profile, PolicyArn=core)
    (instance,) = launched(plane, "echo up", IamInstanceProfile={"Name": profile})
    until(lambda: bool(ssm.describe_instance_information()["InstanceInformationList"]))
    script = f"echo words > /tmp/of-{instance}; ls -d {plane.home}; cat {plane.data}/credentials; ls /tmp/of-{instance}"
    given = {"commands": [script], "workingDirectory": ["/usr"]}
    sent = ssm.send_command(DocumentName="AWS-RunShellScript", InstanceIds=[instance], Parameters=given)
    which = {"CommandId": sent["Command"]["CommandId"], "InstanceId": instance}
    done = ("Success", "Failed", "TimedOut", "Cancelled")
    until(lambda: bool(ssm.list_command_invocations(**which)["CommandInvocations"]))
    until(lambda: ssm.get_command_invocation(**which)["Status"] in done)
    found = ssm.get_command_invocation(**which)
    assert found["Status"] == "Success", found["StandardErrorContent"]
    told = found["StandardOutputContent"].split()
    is_closed = "[closed]" in request.node.name
    assert told[-1] == f"/tmp/of-{instance}"
    assert "HOSTSECRET" not in told
    assert plane.root.secret_access_key not in found["StandardOutputContent"]
    assert inside(plane, instance, f"cat /tmp/of-{instance}") == "words\n"
    assert Path(f"/tmp/of-{instance}").exists() is not is_closed
    Path(f"/tmp/of-{instance}").unlink(missing_ok=True)


@needs_bwrap
def test_closed_there_is_nothing_but_a_read_only_system_and_files_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "file").write_text("of the host")
    with up(tmp_path, "--driver", "process", "--closed") as plane:
        one, other = launched(plane, "touch /tmp/mine /var/mine ~/mine", count=2)
        script = f"""
echo words > /tmp/words
touch /usr/mine 2>/dev/null && echo wrote
touch /etc/mine 2>/dev/null && echo wrote
cat {tmp_path}/shared/file 2>/dev/null
ls -d {plane.data} 2>/dev/null
exit 0"""
        assert inside(plane, one, script) == ""
        assert inside(plane, one, "cat /tmp/words") == "words\n"
        assert "words" not in inside(plane, other, "ls /tmp /var ~").split()
        told = plane.locum(
            "run", "--closed", "--share", str(tmp_path / "shared"), "--", "sh", "-c", _READS.format(tmp_path)
        )
        assert (told.returncode, told.stdout) == (0, "of the host")
        plane.client("ec2").terminate_instances(InstanceIds=[one, other])
        until(lambda: not (plane.data / "instances").exists())


_READS = "cat {0}/shared/file; touch {0}/shared/other 2>/dev/null || true; ls {0}/plane 2>/dev/null || true"


def test_without_bwrap_it_is_said_which_package_has_it(tmp_path: Path) -> None:
    with up(tmp_path) as plane:
        path = str(tmp_path / "empty")
        for command in (["run", "--closed", "--", "true"], ["up", "--driver", "process", "--closed"]):
            line = [LOCUM, command[0], "--data", str(plane.data), *command[1:]]
            done = finished(line, env=plane.environment(PATH=path))
            assert done.returncode != 0
            assert "install Debian's package bubblewrap" in done.stderr


def test_the_instances_of_two_planes_know_nothing_of_one_another(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with up(tmp_path / "one", "--driver", "process") as one, up(tmp_path / "two", "--driver", "process") as two:
        (first,), (second,) = launched(one, "echo up"), launched(two, "echo up")
        before = inside(two, second, "readlink /proc/self/ns/net")
        assert f"there is no instance {first}" in two.locum("exec", first, "--", "true").stderr
        one.kill()
        shutil.rmtree(one.data)
        assert inside(two, second, "readlink /proc/self/ns/net") == before
        two.client("ec2").terminate_instances(InstanceIds=[second])
        until(lambda: not (two.data / "instances").exists())
        one.start("--driver", "record")
