"""A process on the machine of an agent: it has neither the metadata of others, nor secrets of plane or machine."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.agents import Machine, activated, address, agent_line, machine
from support.inside import PROGRAM, Inside, led
from support.plane import ACCOUNT, RunningPlane, needs_namespaces, up
from support.processes import SECONDS, finished

needs_unshare = pytest.mark.skipif(shutil.which("unshare") is None, reason="there is no unshare")


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    with up(tmp_path_factory.mktemp("plane"), "--agents", "--agents-port", "0") as running:
        yield running


@pytest.fixture(scope="module")
def other(plane: RunningPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Another instance's agent, on the loopback network of the machine."""
    with machine(plane, tmp_path_factory.mktemp("other"), activated(plane, "--profile", plane.profile())) as running:
        yield running


@contextmanager
def in_its_namespace(plane: RunningPlane, home: Path, code: str) -> Iterator[Inside]:
    """A program that `locum agent -- COMMAND` runs on a machine that has none of the plane's files."""
    home.mkdir(exist_ok=True)
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text("[default]\naws_access_key_id = AKIAHOST\n")
    without = ["unshare", "--map-root-user", "--mount", "sh", "-ec", 'mount -t tmpfs none "$0"; exec "$@"']
    line = [*without, str(plane.home), *agent_line(plane, home), "--", sys.executable, str(PROGRAM)]
    own = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(home), "LOCUM_ACTIVATION_CODE": code}
    with led(line, own | {"AWS_ACCESS_KEY_ID": "AKIAHOST"}) as process:
        yield Inside(process)


@needs_namespaces
@needs_unshare
def test_a_command_of_an_agent_has_its_own_role_and_reaches_nothing_else(
    plane: RunningPlane, other: Machine, tmp_path: Path
) -> None:
    profile = plane.profile()
    code = activated(plane, "--profile", profile)
    with in_its_namespace(plane, tmp_path / "m", code) as program:
        instance = code.split(".")[2]
        assert program.instance == instance
        arn = program.call("sts", "get_caller_identity")["Arn"]
        assert arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/{instance}"
        # another's metadata service, the plane's own ports
        agents, gateway = (int(text.rpartition(":")[2]) for text in (address(plane), plane.endpoint))
        for port in (other.metadata_port, other.gateway_port, agents, gateway):
            assert not program.ask(reach=["127.0.0.1", port])
        # the control socket and the plane's secrets; the agent's own; the credentials of the machine
        home = tmp_path / "m"
        assert program.ask(list=str(plane.home)) == []
        assert program.ask(list=str(plane.data)) is None
        assert program.ask(list=str(home / "agent")) == []
        assert program.ask(read=str(home / "agent" / "identity.pem")) is None
        assert program.ask(list=str(home / ".aws")) == []
        environment = program.ask(environ=True)
        assert not [value for value in environment.values() if "AKIAHOST" in value or "locum1." in value]


@needs_namespaces
@needs_unshare
def test_a_token_and_a_path_of_another_instance_are_of_no_use(
    plane: RunningPlane, other: Machine, tmp_path: Path
) -> None:  # fmt: skip
    with other.inside() as theirs, in_its_namespace(plane, tmp_path / "m", activated(plane)) as program:
        token = theirs.token()
        page = program.imds("/latest/meta-data/iam/security-credentials/", X_aws_ec2_metadata_token=token)
        assert page.status == 401
        for path in (f"/{other.instance}/latest/meta-data/", f"/latest/meta-data/../../{other.instance}/"):
            assert program.imds(path, X_aws_ec2_metadata_token=program.token()).status == 404


@needs_namespaces
@needs_unshare
@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
def test_the_endpoint_of_ipv6_is_closed_until_the_instance_has_it(plane: RunningPlane, tmp_path: Path) -> None:
    with in_its_namespace(plane, tmp_path / "m", activated(plane)) as program:
        address, path = "fd00:ec2::254", "/latest/meta-data/"
        assert program.ask(page=[address, path])[0] == 403
        ec2, ids = plane.client("ec2"), {"InstanceId": program.instance}
        ec2.modify_instance_metadata_options(**ids, HttpProtocolIpv6="enabled", HttpTokens="optional")
        assert program.ask(page=[address, path])[0] == 200


def exchanged(port: int, request: bytes) -> bytes:
    """All that is answered to `request`, to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), SECONDS) as connection:
        connection.sendall(request)
        found = b""
        while piece := connection.recv(1 << 16):
            found += piece
        return found


@pytest.mark.parametrize("form", ["absolute", "host", "connect"])
def test_an_agent_is_nobodys_proxy(other: Machine, form: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as third:
        third.setblocking(False)
        where = f"127.0.0.1:{third.getsockname()[1]}"
        request = {
            "absolute": f"GET http://{where}/ HTTP/1.1\r\nHost: {where}\r\nConnection: close\r\n\r\n",
            "host": f"GET / HTTP/1.1\r\nHost: {where}\r\nConnection: close\r\n\r\n",
            "connect": f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\nConnection: close\r\n\r\n",
        }[form].encode()
        for port in (other.metadata_port, other.gateway_port):
            status = exchanged(port, request).split(b" ")[1:2]
            assert status != [b"200"]
            with pytest.raises(BlockingIOError):
                third.accept()


def test_two_requests_in_one_are_two_requests(other: Machine) -> None:
    """A body that the agent does not pass on is not a request of its own at the plane."""
    inner = b"PUT /latest/api/token HTTP/1.1\r\nHost: x\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n"
    framings = (b"Content-Length: %d\r\n" % len(inner), b"Transfer-Encoding: chunked\r\n")
    bodies = (inner, b"%x\r\n%s\r\n0\r\n\r\n" % (len(inner), inner))
    for framing, body in zip(framings, bodies, strict=True):
        head = b"GET /latest/meta-data/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + framing + b"\r\n"
        assert exchanged(other.metadata_port, head + body).count(b"HTTP/1.1 ") == 1
    both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    answer = exchanged(other.metadata_port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + both)
    assert answer.count(b"HTTP/1.1 ") == 1
    with other.inside() as program:
        assert program.instance == other.instance


@needs_namespaces
def test_the_exit_code_is_the_commands_and_the_agent_ends_with_it(plane: RunningPlane, tmp_path: Path) -> None:
    own = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "LOCUM_ACTIVATION_CODE": activated(plane)}
    done = finished([*agent_line(plane, tmp_path), "--", "sh", "-c", "exit 7"], env=own)
    assert (done.returncode, done.stderr) == (7, "")
    done = finished([*agent_line(plane, tmp_path), "--", "no-such-command"], env=own)
    assert done.returncode == 127


def test_a_directory_has_one_agent(plane: RunningPlane, other: Machine) -> None:
    done = finished(
        agent_line(plane, other.home), env={"PATH": "/usr/bin:/bin", "HOME": str(other.home)}
    )  # fmt: skip
    assert done.returncode == 1
    assert "is in use by another agent" in done.stderr


def test_two_hundred_connections_that_say_nothing_are_in_nobodys_way(other: Machine) -> None:
    ports = (other.metadata_port, other.gateway_port)
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(100) for port in ports]
    try:
        with other.inside() as program:
            assert program.instance == other.instance
            assert program.call("sts", "get_caller_identity")["Account"] == ACCOUNT
    finally:
        for each in silent:
            each.close()
