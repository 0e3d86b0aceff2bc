"""`locum doctor`: each check finds what it is for, says what to do, and is silent where all is well."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from locum.cli.checks import clients, machine, place
from locum.cli.checks.findings import Examined, Level
from locum.cli.commands.doctor import CHECKS
from locum.cli.home import Plane
from locum.core.extras import PACKAGES

PLANE = Plane("http://127.0.0.1:4566", 4566, "us-east-1", "000000000000", os.getpid())
GIVEN = {"AWS_ENDPOINT_URL": PLANE.endpoint}


def examined(folder: Path, plane: Plane | None = PLANE, **environment: str) -> Examined:
    return Examined({"PATH": str(folder), **environment}, folder / "data", plane, folder)


def program(folder: Path, name: str, says: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


def test_every_check_has_something_to_say_of_an_empty_machine(tmp_path: Path) -> None:
    for check in CHECKS.values():
        finding = check(examined(tmp_path, None))
        assert finding.found
        assert bool(finding.remedy) == (finding.level is not Level.OK)


@pytest.mark.parametrize(
    ("told", "level"),
    [
        ("aws-cli/2.9.19 Python/3.11.2 Linux/6 source/x86_64.debian.12", Level.PROBLEM),
        ("aws-cli/1.28.0 Python/3.8", Level.PROBLEM),
        ("aws-cli/2.12.7 Python/3.11", Level.PROBLEM),
        ("aws-cli/2.13.0 Python/3.11", Level.OK),
        ("aws-cli/1.29.0 Python/3.11", Level.NOTE),
        ("aws-cli/3.0.0 Python/3.14", Level.OK),
        ("something else", Level.NOTE),
    ],
)
def test_a_command_line_that_ignores_the_endpoint_is_a_problem(tmp_path: Path, told: str, level: Level) -> None:
    program(tmp_path, "aws", told)
    assert clients.command_line(examined(tmp_path)).level is level


@pytest.mark.parametrize(("version", "level"), [("1.30.1", Level.PROBLEM), ("1.31.0", Level.OK), ("none", Level.OK)])
def test_an_old_botocore_of_the_shell_is_a_problem(tmp_path: Path, version: str, level: Level) -> None:
    program(tmp_path, "python3", version)
    assert clients.boto(examined(tmp_path)).level is level


@pytest.mark.parametrize(
    ("url", "plane", "level"),
    [
        ("", PLANE, Level.PROBLEM),
        ("", None, Level.NOTE),
        ("http://127.0.0.1:4566", PLANE, Level.OK),
        ("http://localhost:4566", PLANE, Level.OK),
        ("http://127.0.0.1:4566", None, Level.PROBLEM),
        ("http://127.0.0.1:4999", PLANE, Level.PROBLEM),
        ("https://s3.amazonaws.com", PLANE, Level.PROBLEM),
        ("http://127.0.0.1.example.com:4566", PLANE, Level.PROBLEM),
    ],
)
def test_clients_that_go_elsewhere_are_told(tmp_path: Path, url: str, plane: Plane | None, level: Level) -> None:
    assert clients.endpoint(examined(tmp_path, plane, AWS_ENDPOINT_URL=url)).level is level


@pytest.mark.parametrize(
    "name", ["AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_PROFILE", "AWS_SESSION_TOKEN"]
)
def test_a_variable_that_wins_over_the_exports_is_named(tmp_path: Path, name: str) -> None:
    found = clients.variables(Examined({**GIVEN, name: "true"}, tmp_path, PLANE, tmp_path))
    assert found.level is Level.PROBLEM
    assert found.remedy == f"unset {name}"


def test_a_profile_is_no_problem_where_the_exports_are_still_to_come(tmp_path: Path) -> None:
    assert clients.variables(examined(tmp_path, AWS_PROFILE="work")).level is Level.OK


def test_a_configuration_that_ignores_endpoints_is_told(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-west-1\n[profile work]\nignore_configured_endpoint_urls = true\n")
    found = clients.configuration(examined(tmp_path, AWS_CONFIG_FILE=str(config)))
    assert found.level is Level.PROBLEM
    assert "[profile work]" in found.found
    config.write_text("no section\n")
    assert clients.configuration(examined(tmp_path, AWS_CONFIG_FILE=str(config))).level is Level.NOTE


def test_a_proxy_before_the_plane_is_told(tmp_path: Path) -> None:
    asked = examined(tmp_path, HTTP_PROXY="http://proxy.example:3128")
    assert clients.proxies(asked).level is Level.PROBLEM
    excepted = examined(tmp_path, HTTP_PROXY="http://proxy.example:3128", no_proxy="localhost,127.0.0.1")
    assert clients.proxies(excepted).level is Level.OK


def test_a_directory_that_others_can_read_is_told(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    assert place.directory(examined(tmp_path)).level is Level.OK
    (data / "keyring").write_text("secret")
    (data / "keyring").chmod(0o644)
    found = place.directory(examined(tmp_path))
    assert found.level is Level.PROBLEM
    assert "keyring" in found.found
    long = Examined({}, tmp_path / ("x" * 120), None, tmp_path)
    assert place.directory(long).level is Level.PROBLEM


def test_a_disk_without_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, level in ((50 << 20, Level.PROBLEM), (500 << 20, Level.NOTE), (5 << 30, Level.OK)):
        usage: Any = lambda _place, free=free: type("Usage", (), {"free": free})  # noqa: E731
        monkeypatch.setattr("shutil.disk_usage", usage)
        assert place.disk(examined(tmp_path)).level is level


def test_a_port_that_another_program_has_is_told_and_the_planes_own_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        monkeypatch.setattr("locum.cli.checks.place._PORTS", {port: "--port"})
        found = place.ports(examined(tmp_path, None))
        assert found.level is Level.NOTE
        assert f"{port} (" in found.found
        own = Plane(f"http://127.0.0.1:{port}", port, "us-east-1", "000000000000", os.getpid())
        assert place.ports(examined(tmp_path, own)).level is Level.OK


def test_a_switch_of_the_kernel_that_forbids_namespaces_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locum.cli.inside.namespaces_work", lambda: False)
    monkeypatch.setattr("locum.cli.checks.machine._PROC", tmp_path)
    assert "in a container" in machine.namespaces(examined(tmp_path)).remedy
    (tmp_path / "sys" / "user").mkdir(parents=True)
    (tmp_path / "sys" / "user" / "max_user_namespaces").write_text("0\n")
    assert "user.max_user_namespaces" in machine.namespaces(examined(tmp_path)).remedy


def test_a_library_that_is_missing_is_named_with_its_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PACKAGES, "otel", ("no_such_library",))
    assert "otel (traces)" in machine.libraries(examined(tmp_path)).found


def test_the_use_of_each_extra_is_told() -> None:
    assert machine._USES.keys() == PACKAGES.keys()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux is what it is made for")
def test_another_system_is_told_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    assert machine.system(examined(tmp_path)).level is Level.NOTE
    assert "loopback" in machine.namespaces(examined(tmp_path)).remedy
