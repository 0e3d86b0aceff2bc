"""The first words of a plane are true: its commands work as they are printed, from where another shell stands."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import processes
from support.plane import BIN, COMMAND_LINES, LOCUM, SECONDS, RunningPlane, allow, command_lines

ROOT = "arn:aws:iam::000000000000:root"


def shell(home: Path, path: Path = BIN, **more: str) -> dict[str, str]:
    """The environment of another shell, which has nothing of Locum's or AWS's."""
    source = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
    return {
        **source,
        "HOME": str(home),
        "PATH": f"{path}:/usr/bin:/bin",
        "AWS_PAGER": "",
        "AWS_MAX_ATTEMPTS": "1",
        **more,
    }


def alone(folder: Path, program: Path) -> Path:
    """A directory that has nothing but `program`, as `aws`."""
    folder.mkdir(exist_ok=True)
    (folder / "aws").symlink_to(program)
    return folder


def aws(plane: RunningPlane, path: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`locum aws ARGUMENTS` in a shell of which `path` is the first directory of PATH."""
    line = [LOCUM, "aws", "--data", str(plane.data), *arguments]
    return processes.finished(line, env=shell(plane.home, path, **more))


@contextmanager
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """The URL of a server that takes down what it is sent, and answers nothing."""
    heard: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                heard.append(connection.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", heard
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_the_commands_of_the_banner_work_as_printed_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "venv").symlink_to(BIN.parent)
    data, elsewhere = tmp_path / "my data", tmp_path / "elsewhere"
    elsewhere.mkdir()
    line, pipe = ["venv/bin/locum", "up", "--data", str(data), "--port", "0"], subprocess.PIPE
    with processes.group(line, cwd=tmp_path, env=shell(tmp_path), stdout=pipe, stderr=pipe) as plane:
        printed = [processes.line_of(plane)]
        while not printed[-1].startswith("Ctrl-C") and plane.poll() is None:
            printed.append(processes.line_of(plane))
        commands = [line.partition("     #")[0].strip() for line in printed if line.startswith("  ")]
        assert [" aws " in commands[0], "eval " in commands[1], " tour " in commands[2]] == [True] * 3
        told = commands[0], f'{commands[1]}; test -n "$AWS_ENDPOINT_URL"', f"{commands[2]}".replace("tour", "tour -h")
        for command in told:  # the tour has a test of its own
            done = processes.finished(["sh", "-c", command], cwd=elsewhere, env=shell(tmp_path))
            assert done.returncode == 0, done.stderr
        plane.send_signal(signal.SIGINT)
        _, errors = plane.communicate(timeout=SECONDS)
    assert plane.returncode == 0
    assert errors == f"Locum has stopped; everything is kept, in {data}\n"


@command_lines
def test_every_version_of_the_command_line_goes_to_the_plane(plane: RunningPlane, tmp_path: Path, version: str) -> None:
    path = alone(tmp_path / "path", COMMAND_LINES[version])
    with listener() as (elsewhere, heard):
        lures = dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "HTTP_PROXY"), elsewhere)
        lures |= dict.fromkeys(("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true")
        done = aws(plane, path, "--", "sts", "get-caller-identity", "--query", "Arn", "--output", "text", **lures)
        assert (done.returncode, done.stdout) == (0, f"{ROOT}\n"), done.stderr
        assert heard == []


@pytest.mark.nightly
@command_lines
def test_what_makes_clients_of_its_own_reaches_nothing_else(plane: RunningPlane, tmp_path: Path, version: str) -> None:
    """`cloudformation package` has a client of S3 that is told of no endpoint by the option."""
    path = alone(tmp_path / "path", COMMAND_LINES[version])
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text("x = 1\n")
    template = tmp_path / "t.yaml"
    template.write_text("Resources: {F: {Type: AWS::Serverless::Function, Properties: {CodeUri: code}}}\n")
    bucket = plane.bucket()
    line = ["--", "cloudformation", "package", "--template-file", str(template), "--s3-bucket", bucket]
    done = aws(plane, path, *line)
    there = plane.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    assert (done.returncode == 0) == bool(there), done.stderr
    assert "InvalidAccessKeyId" not in done.stderr


def test_streams_and_exit_code_are_the_command_lines_own(plane: RunningPlane, tmp_path: Path) -> None:
    bucket = plane.bucket()
    line = [LOCUM, "aws", "--data", str(plane.data), "s3", "cp", "-", f"s3://{bucket}/k"]  # also without --
    assert processes.finished(line, "hello", env=shell(plane.home)).returncode == 0
    assert aws(plane, BIN, "--", "s3", "cp", f"s3://{bucket}/k", "-").stdout == "hello"
    missing = aws(plane, BIN, "--", "s3api", "get-bucket-acl", "--bucket", "no-such-bucket-here")
    assert missing.returncode not in (0, 1)
    assert "NoSuchBucket" in missing.stderr


def test_as_me_calls_with_the_credentials_of_the_environment(plane: RunningPlane) -> None:
    name, key = plane.user(allow("s3:ListAllMyBuckets"))
    line = ["--as-me", "--", "sts", "get-caller-identity", "--query", "Arn", "--output", "text"]
    done = aws(plane, BIN, *line, **key.environment)
    assert done.stdout == f"arn:aws:iam::000000000000:user/{name}\n"


def test_keys_are_never_among_the_arguments(plane: RunningPlane, tmp_path: Path) -> None:
    teller = tmp_path / "teller"
    teller.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\n")
    teller.chmod(0o755)
    done = aws(plane, alone(tmp_path / "path", teller), "--", "s3", "ls")
    assert done.stdout == f"{['--endpoint-url', plane.endpoint, 's3', 'ls']}\n"


def test_a_wrapper_that_calls_it_again_is_told_and_ends(plane: RunningPlane, tmp_path: Path) -> None:
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(f'#!/bin/sh\nexec {LOCUM} aws --data {plane.data} -- "$@"\n')
    wrapper.chmod(0o755)
    done = aws(plane, alone(tmp_path / "path", wrapper), "--", "s3", "ls")
    assert done.returncode == 1
    assert "calls `locum aws` itself" in done.stderr


@pytest.mark.parametrize("endpoint", [["--endpoint-url", "http://127.0.0.1:1"], ["--endpoint-url=http://127.0.0.1:1"]])
def test_another_endpoint_is_refused(plane: RunningPlane, endpoint: list[str]) -> None:
    done = aws(plane, BIN, "--", "s3", "ls", *endpoint)
    assert done.returncode == 1
    assert f"`locum aws` goes to {plane.endpoint}" in done.stderr
