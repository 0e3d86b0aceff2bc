"""What is relied on of moto is there, and a moto without it is told before anything of it is used."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from locum.backends.moto.reliance import WANTED
from locum.backends.moto.relied_on import RELIED_ON
from locum.core.errors import ConfigurationError
from locum.core.reliance import Relied, installed, require

PROJECT = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text())["project"]
EVERY = [(name, relied) for modules in RELIED_ON.values() for name, all_ in modules.items() for relied in all_]


def test_the_moto_that_is_installed_has_what_is_relied_on() -> None:
    """In a process of its own: in this one, parts of moto may be replaced already."""
    code = "from locum.backends.moto.reliance import RELIED_ON, check; print([check(part) for part in RELIED_ON])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("name", "relied"), EVERY, ids=lambda value: value.name if isinstance(value, Relied) else value
)
def test_a_moto_without_any_of_it_is_refused(name: str, relied: Relied) -> None:
    module = importlib.import_module(name)
    first = relied.name.partition(".")[0]
    without = {attribute: value for attribute, value in vars(module).items() if attribute != first}
    with pytest.raises(ConfigurationError) as refused:
        require("moto", WANTED, SimpleNamespace(**without), [relied])
    told = str(refused.value)
    assert told.startswith(f"moto {installed('moto')} is not a version that Locum works with: in {name} ")
    assert f"no {relied.name}, needed {relied.reason}" in told
    assert told.endswith(f"Install {WANTED}")


def test_the_versions_that_are_wanted_are_those_of_the_project() -> None:
    assert WANTED in PROJECT["optional-dependencies"]["moto"]


@pytest.mark.parametrize(
    ("module", "attribute"), [("moto.s3.notifications", "send_event"), ("moto.iam.models", "IAMBackend")]
)
def test_the_backend_does_not_load_with_a_moto_of_another_version(module: str, attribute: str) -> None:
    code = (
        f"import {module}; del {module}.{attribute}\n"
        "from locum.backends.directory import Directory, Instances\n"
        "from locum.backends.lazy import embedded_moto\n"
        "embedded_moto(Directory(lambda arn: None, lambda account: (), lambda account: Instances(None, list)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("locum.core.errors.Fault: NotImplemented: moto ")
    assert "pip install 'locum[moto]' adds it" in last
    assert f"in {module} there is no {attribute}" in last


def test_a_part_of_moto_of_another_version_is_told_when_it_is_first_used() -> None:
    code = (
        "import moto.kms.responses; del moto.kms.responses.validate_policy\n"
        "from locum.backends.moto import facts, handlers\n"
        "handlers.find('sqs', 'sqs', 'sqs', 'us-east-1', '1' * 12)\n"
        "from locum.core.errors import ConfigurationError\n"
        "for use in (lambda: handlers.find('kms', 'kms', 'kms', 'us-east-1', '1' * 12),\n"
        "            lambda: facts.facts('kms', 'arn:aws:kms:us-east-1:1:key/k', '1', 'us-east-1')):\n"
        "    try:\n"
        "        use()\n"
        "    except ConfigurationError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.count("in moto.kms.responses there is no validate_policy(key, action)") == 0
    assert done.stdout.count("in moto.kms.responses there is no validate_policy, needed to keep moto from judging") == 2
