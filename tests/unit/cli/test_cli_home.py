"""The small files of a data directory, as the commands find them."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from locum import __version__
from locum.cli import home
from locum.cli.home import CREDENTIALS_FILE, PLANE_FILE, Plane, RootKey
from locum.cli.main import COMMANDS, Commands, cli, main
from locum.core.errors import ConfigurationError

PLANE = Plane("http://127.0.0.1:4566", 4566, "eu-west-1", "000000000000", os.getpid())
KEY = RootKey("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A directory on which a plane runs."""
    (tmp_path / PLANE_FILE).write_bytes(home.plane_text(PLANE))
    (tmp_path / CREDENTIALS_FILE).write_bytes(home.root_key_text(KEY))
    return tmp_path


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def test_the_running_plane_is_found(data: Path) -> None:
    assert home.read_plane(data) == PLANE


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "nonsense", '{"endpoint": "x"}'])
def test_a_file_that_is_no_planes_is_no_running_plane(data: Path, text: str) -> None:
    (data / PLANE_FILE).write_text(text)
    with pytest.raises(ConfigurationError, match=r"no Locum is running on .*: start one with `locum up`"):
        home.read_plane(data)


def test_a_plane_whose_process_is_gone_does_not_run(data: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    (data / PLANE_FILE).write_bytes(home.plane_text(Plane("http://x", 1, "r", "a", ended.pid)))
    with pytest.raises(ConfigurationError):
        home.read_plane(data)


@given(st.text("ABCDEFabcdef0123456789+/%$;#=", min_size=1))
def test_the_root_users_key_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, secret: str) -> None:
    data = tmp_path_factory.mktemp("key")
    key = RootKey("AKIAIOSFODNN7EXAMPLE", "x" + secret)
    (data / CREDENTIALS_FILE).write_bytes(home.root_key_text(key))
    assert home.read_root_key(data) == key


def test_the_credentials_file_is_one_that_sdks_read(data: Path) -> None:
    parser = configparser.RawConfigParser()
    parser.read(data / CREDENTIALS_FILE)
    assert dict(parser["default"]) == {
        "aws_access_key_id": KEY.access_key_id,
        "aws_secret_access_key": KEY.secret_access_key,
    }


@pytest.mark.parametrize("text", [None, "", "nonsense", "[other]\n", "[default]\naws_access_key_id = x\n"])
def test_a_missing_key_is_a_clear_error(data: Path, text: str | None) -> None:
    file = data / CREDENTIALS_FILE
    file.unlink() if text is None else file.write_text(text)
    with pytest.raises(ConfigurationError, match="does not hold the root user's access key"):
        home.read_root_key(data)


def test_the_directory_is_the_one_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCUM_DATA", "/named")
    assert home.default_home() == Path("/named")
    monkeypatch.delenv("LOCUM_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", "/xdg")
    assert home.default_home() == Path("/xdg/locum")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    assert home.default_home() == Path("/home/ann/.local/share/locum")


# -- env -----------------------------------------------------------------------------------------------------


def test_the_exports_can_be_evaluated_by_a_shell(data: Path) -> None:
    printed = invoke("env", "--data", str(data)).output
    script = f"AWS_PROFILE=theirs AWS_SESSION_TOKEN=theirs\nexport AWS_PROFILE AWS_SESSION_TOKEN\n{printed}\nenv -0"
    done = subprocess.run(
        ["sh", "-c", script], capture_output=True, text=True, check=True, env={"PATH": os.environ["PATH"]}
    )
    ours = ("AWS_", "LOCUM_")
    found = dict(line.split("=", 1) for line in done.stdout.split("\0") if line.startswith(ours))
    assert found == {
        "LOCUM_DATA": str(data),
        "AWS_ENDPOINT_URL": PLANE.endpoint,
        "AWS_REGION": PLANE.region,
        "AWS_DEFAULT_REGION": PLANE.region,
        "AWS_ACCESS_KEY_ID": KEY.access_key_id,
        "AWS_SECRET_ACCESS_KEY": KEY.secret_access_key,
    }


def test_no_value_is_more_than_a_value_to_the_shell(data: Path) -> None:
    (data / CREDENTIALS_FILE).write_bytes(home.root_key_text(RootKey("AKIA", "x$(touch /tmp/x);'\"`y`")))
    for line in invoke("env", "--data", str(data)).output.splitlines():
        assert len(shlex.split(line)) == 2 or line.startswith("unset ")


def test_the_exports_can_be_taken_back() -> None:
    assert invoke("env", "--unset").output.split() == [
        "unset", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
        "LOCUM_DATA",
    ]  # fmt: skip


def test_a_shell_that_called_over_tls_does_not_go_on_trusting_the_authority(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(data / home.TLS_AUTHORITY_FILE))
    assert "AWS_CA_BUNDLE" in invoke("env", "--data", str(data)).output.splitlines()[-1].split()
    assert "AWS_CA_BUNDLE" in invoke("env", "--data", str(data), "--unset").output.split()
    monkeypatch.setenv("AWS_CA_BUNDLE", "/etc/ssl/theirs.pem")
    assert "AWS_CA_BUNDLE" not in invoke("env", "--data", str(data)).output
    assert "AWS_CA_BUNDLE" not in invoke("env", "--data", str(data), "--unset").output


# -- the command itself --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_is_listed_is_there_and_explains_itself(name: str) -> None:
    result = invoke(name, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: cli {name}")


def test_the_commands_are_listed_without_being_loaded() -> None:
    listed = invoke("--help").output
    assert all(re.search(rf"^  {name} ", listed, re.MULTILINE) for name in COMMANDS)
    assert invoke("--version").output == f"locum, version {__version__}\n"


def test_what_is_no_command_is_not_imported() -> None:
    assert Commands().get_command(None, "../../os") is None  # type: ignore[arg-type] # no context is looked at
    assert invoke("no-such-command").exit_code == 2


def test_an_error_of_ours_ends_a_command_with_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["locum", "env", "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert told.err.startswith(f"locum: no Locum is running on {tmp_path}")
    assert told.out == ""
