"""TLS beside HTTP, with an authority of the installation or given files."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, SSLError

from locum.cli.home import PLANE_FILE
from locum.core.clock import system_clock
from locum.http import authority
from support.plane import LOCUM, RunningPlane

AUTHORITY = "tls-authority.pem"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    running = RunningPlane(tmp_path_factory.mktemp("tls"), "--tls", "--tls-port", "0")
    yield running
    if running.running:
        running.stop()


def tls_port(plane: RunningPlane) -> int:
    port: int = json.loads((plane.data / PLANE_FILE).read_text())["tls_port"]
    return port


def client(plane: RunningPlane, service: str, *, verify: Any = None, host: str = "localhost") -> Any:
    return boto3.client(
        service,
        endpoint_url=f"https://{host}:{tls_port(plane)}",
        verify=str(plane.data / AUTHORITY) if verify is None else verify,
        region_name="us-east-1",
        aws_access_key_id=plane.root.access_key_id,
        aws_secret_access_key=plane.root.secret_access_key,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_client_that_trusts_the_authority_calls_over_tls(plane: RunningPlane, host: str) -> None:
    assert client(plane, "sts", host=host).get_caller_identity()["Account"] == "000000000000"


def test_a_client_that_does_not_trust_it_does_not(plane: RunningPlane) -> None:
    with pytest.raises(SSLError):
        client(plane, "sts", verify=True).get_caller_identity()


def test_whether_a_call_came_over_tls_is_told_truly(plane: RunningPlane) -> None:
    secure, plain = client(plane, "s3"), plane.client("s3")
    secure.create_bucket(Bucket="over-tls")
    secure.put_object(Bucket="over-tls", Key="k", Body=b"x")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::over-tls/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    secure.put_bucket_policy(Bucket="over-tls", Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    assert secure.get_object(Bucket="over-tls", Key="k")["Body"].read() == b"x"
    with pytest.raises(ClientError, match="AccessDenied"):
        plain.get_object(Bucket="over-tls", Key="k")


def test_a_shell_is_told_how_to_call_over_tls(plane: RunningPlane) -> None:
    command = [LOCUM, "env", "--data", str(plane.data), "--tls"]
    exports = subprocess.run(command, capture_output=True, text=True, check=True, env=plane.environment()).stdout
    assert f"export AWS_ENDPOINT_URL=https://localhost:{tls_port(plane)}" in exports
    assert f"export AWS_CA_BUNDLE={plane.data / AUTHORITY}" in exports


def test_a_client_that_never_shakes_hands_is_in_nobodys_way(plane: RunningPlane) -> None:
    silent = [socket.create_connection(("127.0.0.1", tls_port(plane))) for _ in range(50)]
    try:
        assert client(plane, "sts").get_caller_identity()["Account"]
        plainly = socket.create_connection(("127.0.0.1", tls_port(plane)))
        plainly.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert b"HTTP/1.1" not in plainly.recv(100)
        plainly.close()
    finally:
        for each in silent:
            each.close()


def test_keys_are_the_users_alone(plane: RunningPlane) -> None:
    for name in ("tls-authority-key.pem", "tls-server-key.pem"):
        assert os.stat(plane.data / name).st_mode & 0o777 == 0o600  # noqa: PTH116 - of the file itself


def test_the_authority_stays_and_so_does_a_certificate_that_has_time_left(plane: RunningPlane) -> None:
    files = [plane.data / name for name in (AUTHORITY, "tls-server.pem")]
    before = [file.read_bytes() for file in files]
    plane.stop()
    plane.start()
    assert [file.read_bytes() for file in files] == before
    assert client(plane, "sts").get_caller_identity()["Account"]


def test_given_files_take_the_place_of_the_authority(tmp_path: Path) -> None:
    own = authority.new_authority(system_clock())
    issued = authority.server_certificate(own, ["localhost"], system_clock())
    for name, data in (("ca", own.certificate), ("certificate", issued.certificate), ("key", issued.key)):
        (tmp_path / name).write_bytes(data)
    given = ("--tls-certificate", str(tmp_path / "certificate"), "--tls-key", str(tmp_path / "key"))
    running = RunningPlane(tmp_path, "--tls", "--tls-port", "0", *given)
    try:
        trusted = ssl.create_default_context(cafile=str(tmp_path / "ca"))
        with urlopen(f"https://localhost:{tls_port(running)}/_locum/health", context=trusted) as answer:
            assert answer.status == 200
        assert not (running.data / AUTHORITY).exists()
    finally:
        running.stop()


def test_files_that_are_no_certificate_end_the_start_with_a_word(tmp_path: Path) -> None:
    (tmp_path / "nonsense").write_text("nonsense")
    command = [LOCUM, "up", "--data", str(tmp_path / "plane"), "--port", "0", "--tls", "--tls-port", "0"]
    command += ["--tls-certificate", str(tmp_path / "nonsense"), "--tls-key", str(tmp_path / "nonsense")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "are no certificate and its key" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_certificate_that_ends_soon_or_lacks_a_name_is_issued_anew() -> None:
    now = system_clock()
    own = authority.new_authority(now)
    names = authority.names_of("us-east-1")
    issued = authority.server_certificate(own, names, now).certificate
    assert authority.serves(issued, names, now)
    assert not authority.serves(issued, names, now + (authority.SERVER_DAYS - authority.RENEWED_DAYS) * 86_400)
    assert not authority.serves(issued, authority.names_of("eu-west-1"), now)
    assert not authority.serves(b"nonsense", names, now)
