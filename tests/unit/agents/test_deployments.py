"""Deployments of CodeDeploy: what an AppSpec and a deployment configuration may say."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from locum.agents.functions.deployments import Shift, shift_of, steps_of
from locum.core.errors import LocumError

PROPERTIES = {"Name": "worker", "Alias": "live", "CurrentVersion": "1", "TargetVersion": 2}
SPEC = {
    "version": 0.0,
    "Resources": [{"worker": {"Type": "AWS::Lambda::Function", "Properties": PROPERTIES}}],
    "Hooks": [{"BeforeAllowTraffic": "check"}],
}
BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [*{before}, *{before}]\n" for before, name in zip("abcdefghij", "bcdefghijk", strict=True)
)


def revision(content: str, **more: Any) -> dict[str, Any]:
    return {"revisionType": "AppSpecContent", "appSpecContent": {"content": content, **more}}


def test_an_app_spec_is_json_or_yaml() -> None:
    text = json.dumps(SPEC)
    assert shift_of(revision(text)) == Shift("worker", "live", "1", "2", {"BeforeAllowTraffic": "check"})
    assert shift_of(revision(text, sha256=sha256(text.encode()).hexdigest())).target == "2"


@pytest.mark.parametrize(
    "content",
    [
        "[",
        "{}",
        json.dumps({**SPEC, "Resources": []}),
        json.dumps({**SPEC, "Hooks": [["BeforeAllowTraffic"]]}),
        json.dumps({**SPEC, "Resources": [{"worker": {"Properties": {**PROPERTIES, "Alias": ["live"]}}}]}),
    ],
)
def test_what_is_no_app_spec_is_refused(content: str) -> None:
    with pytest.raises(LocumError, match="not one of a Lambda function"):
        shift_of(revision(content))


def test_an_app_spec_of_which_another_digest_is_told_is_refused() -> None:
    with pytest.raises(LocumError, match="SHA256"):
        shift_of(revision(json.dumps(SPEC), sha256="0" * 64))


def test_aliases_of_yaml_make_no_long_text_of_a_short_one() -> None:
    properties = "\n".join(f"      {name}: {value}" for name, value in {**PROPERTIES, "Alias": "*k"}.items())
    with pytest.raises(LocumError, match="not one of a Lambda function"):
        shift_of(revision(f"{BOMB}Resources:\n- worker:\n    Properties:\n{properties}\n"))


@pytest.mark.parametrize(
    ("config", "steps"),
    [
        ("", ()),
        ("CodeDeployDefault.LambdaAllAtOnce", ()),
        ("CodeDeployDefault.LambdaCanary10Percent5Minutes", ((10, 5),)),
        (
            "CodeDeployDefault.LambdaLinear10PercentEvery1Minute",
            tuple((percent, 1) for percent in range(10, 100, 10)),
        ),
    ],
)
def test_traffic_shifts_as_the_name_of_the_configuration_says(config: str, steps: tuple[tuple[int, int], ...]) -> None:
    assert steps_of(config) == steps


@pytest.mark.parametrize("config", ["mine", "CodeDeployDefault.LambdaLinear0PercentEvery1Minute"])
def test_a_configuration_that_is_not_predefined_fails_the_deployment(config: str) -> None:
    with pytest.raises(LocumError, match="no deployment configuration"):
        steps_of(config)
