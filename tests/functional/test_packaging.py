"""What is published: the unit, the container, the manifests and the chart are what they say."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from locum import __version__
from locum.cli.commands.up import command as up
from support import processes
from support.plane import LOCUM

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
UNIT = PACKAGING / "locum.service"
MANIFESTS = PACKAGING / "kubernetes" / "locum.yaml"
CHART = PACKAGING / "helm" / "locum"
EXPOSURE = 3.5
"""The exposure level of `systemd-analyze security`, from 0 to 10: under 5 it is "OK"."""

systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze (package systemd)")


def options_of(words: list[str]) -> None:
    """Check that words are a command line of `locum up`."""
    assert words[0] == "up"
    up.make_context("up", words[1:])


@pytest.fixture
def unit(tmp_path: Path) -> str:
    """The path of the unit, with the program of this environment."""
    path = tmp_path / "locum.service"
    path.write_text(UNIT.read_text().replace("/usr/lib/locum/bin/locum", LOCUM))
    return str(path)


@systemd
def test_the_unit_is_one_that_systemd_takes(unit: str) -> None:
    done = processes.finished(["systemd-analyze", "verify", "--man=no", unit])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@systemd
def test_the_unit_is_hardened(unit: str) -> None:
    line = ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE * 10:.0f}", "--no-pager", unit]
    done = processes.finished(line)
    assert done.returncode == 0, done.stdout


def test_the_unit_calls_up_with_options_that_there_are() -> None:
    (line,) = re.findall(r"^ExecStart=/usr/lib/locum/bin/locum (.*) \$LOCUM_UP$", UNIT.read_text(), re.MULTILINE)
    options_of(line.split())


def test_the_container_is_nobodys_root_and_calls_up_with_options_that_there_are() -> None:
    text = (PACKAGING / "Containerfile").read_text()
    final = text[text.rindex("\nFROM ") :]
    assert re.findall(r"^USER (.*)$", final, re.MULTILINE) == ["65532:65532"]
    options_of(json.loads(re.findall(r"^CMD (\[.*\])$", final, re.MULTILINE)[0]))
    assert "--require-hashes" in text


def containers() -> list[dict[str, Any]]:
    documents = list(yaml.safe_load_all(MANIFESTS.read_text()))
    (workload,) = (it for it in documents if it["kind"] == "StatefulSet")
    assert workload["spec"]["replicas"] == 1  # one process has the journal
    pod = workload["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    found: list[dict[str, Any]] = pod["containers"]
    return found


def test_a_pod_has_no_privileges_and_calls_up_with_options_that_there_are() -> None:
    (container,) = containers()
    options_of(container["args"])
    security = container["securityContext"]
    assert security["allowPrivilegeEscalation"] is False
    assert security["readOnlyRootFilesystem"] is True
    assert security["capabilities"] == {"drop": ["ALL"]}
    probes = {
        probe: container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert probes == {
        "startupProbe": "/_locum/health",
        "readinessProbe": "/_locum/ready",
        "livenessProbe": "/_locum/health",
    }


def test_the_version_is_the_same_everywhere() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)
    assert containers()[0]["image"] == f"locum:{__version__}"


def test_the_values_of_the_chart_are_those_of_its_schema() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())

    def compare(given: dict[str, Any], known: dict[str, Any]) -> None:
        for name, value in given.items():
            assert name in known["properties"], name
            inner = known["properties"][name]
            if isinstance(value, dict) and "properties" in inner:
                assert inner["additionalProperties"] is False
                assert value.keys() == inner["properties"].keys()
                compare(value, inner)

    compare(values, schema)
    used = {
        name for path in (CHART / "templates").iterdir() for name in re.findall(r"\.Values\.(\w+)", path.read_text())
    }
    assert used == values.keys()


@pytest.mark.parametrize("script", ["release", "debian/build", "debian/postinst", "debian/prerm", "debian/postrm"])
def test_a_script_is_one_that_its_shell_reads(script: str) -> None:
    path = PACKAGING / script
    assert path.stat().st_mode & 0o111
    shell = path.read_text().splitlines()[0].removeprefix("#!").split()[-1].rpartition("/")[2]
    done = processes.finished([shell, "-n", str(path)])
    assert (done.returncode, done.stderr) == (0, "")
