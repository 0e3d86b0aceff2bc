"""Whatever operation the installed botocore, or a later one, has of IAM and STS, Locum has it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from locum.services import iam, organizations, sts
from locum.services.verbs import Operation
from locum.wire.models import service_model

TOOL = Path(__file__).resolve().parents[2] / "tools" / "coverage.py"
OWN: dict[str, Mapping[str, Operation]] = {
    "iam": iam.OPERATIONS,
    "organizations": organizations.OPERATIONS,
    "sts": sts.OPERATIONS,
}


def modelled(service: str) -> set[str]:
    return set(service_model(service).operation_names)


@pytest.mark.parametrize("service", ["iam", "sts"])
def test_no_operation_is_missing(service: str) -> None:
    assert modelled(service) - set(OWN[service]) == set()


@pytest.mark.parametrize("service", OWN)
def test_no_operation_is_made_up(service: str) -> None:
    assert set(OWN[service]) - modelled(service) == set()


def test_the_tool_says_the_same() -> None:
    done = subprocess.run([sys.executable, TOOL], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
    assert f"{len(modelled('iam'))} of {len(modelled('iam'))} operations, 0 missing" in done.stdout
