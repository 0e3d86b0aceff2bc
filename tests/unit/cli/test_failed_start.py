"""A start that fails leaves nothing behind that was not there before."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from locum.cli.main import cli
from locum.cli.ports import listening_socket
from locum.core.errors import ConfigurationError, LocumError

NO_BACKEND_KEYS = {"LOCUM_BACKEND_ACCESS_KEY_ID": "", "LOCUM_BACKEND_SECRET_ACCESS_KEY": ""}


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


def start(data: Path, *arguments: str, **environment: str) -> Result:
    return CliRunner(env=NO_BACKEND_KEYS | environment).invoke(cli, ["up", "--data", str(data), *arguments])


def leaves_nothing(data: Path, *arguments: str, **environment: str) -> str:
    """What the failed start says, where the directory was not there, and where it was and was empty."""
    result = start(data, *arguments, **environment)
    assert result.exit_code != 0
    assert not data.exists()
    data.mkdir(mode=0o755, parents=True)
    again = start(data, *arguments, **environment)
    assert again.exit_code != 0
    assert list(data.iterdir()) == []
    assert data.stat().st_mode & 0o777 == 0o755
    told = {str(one.exception) if isinstance(one.exception, LocumError) else one.output for one in (result, again)}
    (said,) = told
    return said


def test_a_port_that_is_taken(tmp_path: Path, taken: int) -> None:
    assert f"port {taken} of 127.0.0.1 is in use" in leaves_nothing(tmp_path / "data", "--port", str(taken))


def test_an_address_that_is_not_this_machines() -> None:
    with pytest.raises(ConfigurationError) as refused:
        listening_socket("192.0.2.1", 0)
    assert str(refused.value) == (
        "cannot listen on 192.0.2.1:0 (Cannot assign requested address); name another with --port, or --port 0 for a "
        "free one"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--account", "12"], "12 digits"),
        (["--account", "01234567890é"], "12 digits"),
        (["--region", "foo bar"], "--region 'foo bar' is no region: one reads like eu-west-1"),
        (["--region", ""], "is no region"),
        (["--region", "eu-west-1; rm -rf ~"], "is no region"),
        (["--region", "EU-WEST-1"], "is no region"),
        (["--region", "aws-global"], "is no region"),
        (["--backend", "s3"], "reads like s3=http"),
        (["--backend", "=http://x"], "reads like s3=http"),
        (["--backend", "nothing=http://127.0.0.1:1"], "there is no service 'nothing'"),
        (["--backend", "s3=http://127.0.0.1:1"], "LOCUM_BACKEND_ACCESS_KEY_ID"),
        (["--backend", "s3=ftp://h", "--backend-access-key-id", "a", "--backend-secret-access-key", "b"], "is no URL"),
        (["--credential-seconds", "1"], "--credential-seconds"),
        (["--port", "65536"], "--port"),
    ],
)
def test_an_option_that_cannot_be(tmp_path: Path, arguments: list[str], said: str) -> None:
    assert said in leaves_nothing(tmp_path / "data", "--port", "0", *arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [("LOCUM_KEYRING", "no ring"), ("LOCUM_CREDENTIAL_SECONDS", "1"), ("LOCUM_CREDENTIAL_SECONDS", "x")],
)
def test_a_variable_of_the_environment_that_cannot_be(tmp_path: Path, name: str, value: str) -> None:
    assert name in leaves_nothing(tmp_path / "data", "--port", "0", **{name: value})


def test_a_path_that_no_socket_can_have(tmp_path: Path) -> None:
    assert "107 octets; choose another --data" in leaves_nothing(tmp_path / ("d" * 100), "--port", "0")


def test_the_port_is_free_again_after_a_start_that_failed(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "not-ours").touch()
    result = start(tmp_path, "--port", str(port))
    assert "files that are not Locum's" in str(result.exception)
    socket.create_server(("127.0.0.1", port)).close()
