"""Packages as their users install them: the wheel in an environment, the Debian package in a system of its own."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from locum import __version__
from support import processes
from support.plane import RunningPlane, refused, up
from support.tools import KEPT

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
PACKAGING = ROOT / "packaging"
LONG = 1500
"""Seconds in which a package is built, or a system is made."""

MOST_DOWNLOADED = 60 << 20
"""Octets: what the core and all that it depends on may take."""


def run(*line: str | Path, seconds: float = LONG, **environment: str) -> str:
    """Run a command to its end, which has to be a good one; what it says."""
    done = processes.finished([str(word) for word in line], seconds=seconds, env={**os.environ, **environment})
    assert done.returncode == 0, f"{line}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def _no_working_tree() -> Iterator[None]:
    """What is installed finds its own modules, not those that tests are run with."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("PYTHONPATH", raising=False)
        yield


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder, ROOT)
    (built,) = folder.iterdir()
    assert built.name == f"locum-{__version__}-py3-none-any.whl"
    return built


class Environment(NamedTuple):
    """A virtual environment, and what was downloaded for it (octets)."""

    bin: Path
    downloaded: int


def installed(folder: Path, *wanted: str | Path) -> Environment:
    downloads = folder / "downloads"
    run(sys.executable, "-m", "venv", folder / "env")
    pip = folder / "env" / "bin" / "pip"
    quiet = ("-q", "--disable-pip-version-check")
    run(pip, "download", *quiet, "--only-binary", ":all:", "--dest", downloads, *wanted)
    run(pip, "install", *quiet, "--no-index", "--find-links", downloads, *wanted)
    return Environment(folder / "env" / "bin", sum(path.stat().st_size for path in downloads.iterdir()))


@pytest.fixture(scope="module")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return installed(tmp_path_factory.mktemp("core"), wheel)


@pytest.fixture(scope="module")
def plane(core: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlane]:
    with up(tmp_path_factory.mktemp("plane"), words=(str(core.bin / "locum"),)) as running:
        yield running


def test_the_core_is_light(core: Environment) -> None:
    assert core.downloaded < MOST_DOWNLOADED
    names = {path.name for path in (core.bin.parent / "lib").glob("python*/site-packages/*")}
    assert names.isdisjoint({"moto", "cfnlint", "samtranslator", "boto3", "duckdb", "z3", "opentelemetry"})


def test_the_core_lints_and_checks(core: Environment, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Nothing"}]}))
    done = processes.finished([str(core.bin / "locum"), "lint", str(policy)])
    assert (done.returncode, "MISSING_RESOURCE" in done.stdout) == (1, True), done.stderr
    cases = next((ROOT / "tests" / "conformance" / "decisions").glob("*.yaml"))
    run(core.bin / "locum", "check", cases)


def test_the_core_is_a_plane(plane: RunningPlane) -> None:
    assert plane.client("sts").get_caller_identity()["Account"] == "000000000000"
    assert refused(plane.client("s3").list_buckets).code == "NotImplemented"
    profile = plane.profile()
    done = plane.locum("run", "--network", "loopback", "--profile", profile, "--", "true")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_plugin_collects_cases_in_an_environment_of_the_core(core: Environment, tmp_path: Path) -> None:
    run(core.bin / "pip", "install", "-q", "pytest")
    source = next((ROOT / "tests" / "conformance" / "decisions").glob("*.yaml"))
    shutil.copy(source, tmp_path / "decisions.cases.yaml")
    said = run(core.bin / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path)
    assert re.search(r"\b[1-9][0-9]* passed", said)


def test_the_oldest_botocore_that_is_allowed_has_what_the_services_need(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (oldest,) = re.findall(r'"botocore>=([0-9.]+)"', (ROOT / "pyproject.toml").read_text())
    old = installed(tmp_path_factory.mktemp("oldest"), wheel, f"botocore=={oldest}")
    code = (
        "from importlib import import_module\n"
        "from locum.cli.own_services import own_services\n"
        "from locum.wire.models import service_model\n"
        "for name in own_services():\n"
        "    ours = set(import_module(f'locum.services.{name}').OPERATIONS)\n"
        "    assert ours <= set(service_model(name).operation_names), name\n"
        "import botocore; print(botocore.__version__)\n"
    )
    assert run(old.bin / "python", "-c", code).strip() == oldest
    with up(tmp_path_factory.mktemp("plane"), words=(str(old.bin / "locum"),)) as running:
        assert running.client("iam").list_users()["Users"] == []


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no dpkg-deb on this machine")
@pytest.mark.skipif(shutil.which("debootstrap") is None or os.geteuid() != 0, reason="no debootstrap, or not root")
def test_the_debian_package_installs_and_starts_in_a_system_of_its_own(wheel: Path, tmp_path: Path) -> None:
    run(PACKAGING / "debian" / "build", wheel, tmp_path, PIP=f"{sys.executable} -m pip")
    (package,) = tmp_path.glob("locum_*.deb")
    system = tmp_path / "system"
    run("debootstrap", "--variant=minbase", "--include=python3,adduser", _suite(), system, _mirror())
    shutil.copy(package, system / "srv")
    inside = ("chroot", system)
    run(*inside, "dpkg", "-i", f"/srv/{package.name}")
    assert __version__ in run(*inside, "locum", "--version")
    assert run(*inside, "stat", "-c", "%U %a", "/var/lib/locum").strip() == "locum 700"
    starting = ("timeout", "60", *inside, "runuser", "-u", "locum", "--", "locum", "up", "--data", "/var/lib/locum")
    line = [str(word) for word in (*starting, "--port", "0", "--no-console")]
    with processes.group(line, stdout=subprocess.PIPE) as process:
        assert processes.line_of(process).startswith("Locum is up")
        plane = json.loads((system / "var/lib/locum/plane.json").read_text())
        run("curl", "-sf", f"{plane['endpoint']}/_locum/health")
        process.terminate()
        process.wait(processes.SECONDS)
    run(*inside, "dpkg", "--purge", "locum")
    assert not (system / "var/lib/locum").exists()
    assert not (system / "usr/lib/locum").exists()
    assert "locum" not in (system / "etc/passwd").read_text()


def _suite() -> str:
    """The release that this machine is of, for whose Python the package is built."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def _mirror() -> str:
    """A mirror that this machine has packages from."""
    said = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages")
    return next(line for line in said.split() if "security" not in line)


HELM = KEPT / "helm" / "bin" / "python"
SCHEMAS = KEPT / "kubernetes" / "bin" / "kubernetes-validate"


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """helm, from the package that the AWS CDK has it in."""
    if not HELM.exists():
        pytest.skip("no helm (make nightly)")
    folder = tmp_path_factory.mktemp("helm")
    (archive,) = HELM.parents[1].glob("lib/python*/site-packages/aws_cdk/*/_jsii/*.tgz")
    with tarfile.open(archive) as unpacked:
        unpacked.extractall(folder, filter="data")
    with zipfile.ZipFile(folder / "package/lib/layer.zip") as layer:
        program = Path(layer.extract("helm/helm", folder))
    program.chmod(0o755)
    return program


def test_the_chart_is_one_that_helm_takes(helm: Path) -> None:
    assert "0 chart(s) failed" in run(helm, "lint", "--strict", PACKAGING / "helm" / "locum")
    wrong = processes.finished([str(helm), "lint", "--set", "persistance.size=1Gi", str(PACKAGING / "helm" / "locum")])
    assert wrong.returncode != 0  # a value that nobody reads


@pytest.mark.skipif(not SCHEMAS.exists(), reason="no schemas of Kubernetes (make nightly)")
@pytest.mark.parametrize("version", ["1.27", "1.37"])
def test_manifests_are_what_kubernetes_takes(helm: Path, tmp_path: Path, version: str) -> None:
    made = [PACKAGING / "kubernetes" / "locum.yaml"]
    other = "persistence.enabled=false,networkPolicy.enabled=false,metrics.annotations=false,options={--observe}"
    for number, given in enumerate(("image.tag=x", other)):
        made.append(tmp_path / f"{number}.yaml")
        made[-1].write_text(run(helm, "template", "name", "--set", given, PACKAGING / "helm" / "locum"))
    for path in made:
        run(SCHEMAS, "--strict", "--version", version, path)
