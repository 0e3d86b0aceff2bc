"""troposphere's templates, as stacks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from support.application import outputs
from support.plane import ACCOUNT, RunningPlane, fresh
from support.processes import finished
from support.stacks import CAPABILITIES
from support.tools import found, needs

PYTHON: Final = "troposphere/bin/python"
PROGRAM: Final = Path(__file__).parent / "troposphere" / "template.py"
SOON: Final = {"Delay": 1, "MaxAttempts": 90}

pytestmark = needs(PYTHON)


def test_a_template_of_troposphere_becomes_a_stack(plane: RunningPlane) -> None:
    environment = plane.environment()
    environment.pop("PYTHONPATH", None)  # a tool has packages of its own
    made = finished([str(found(PYTHON)), str(PROGRAM)], env=environment)
    assert made.returncode == 0, made.stderr
    name, client = fresh("troposphere"), plane.client("cloudformation")
    parameters = [{"ParameterKey": "Stage", "ParameterValue": "test"}]
    client.create_stack(StackName=name, TemplateBody=made.stdout, Parameters=parameters, Capabilities=CAPABILITIES)
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=SOON)
    told = outputs(plane, name)
    role = plane.client("iam").get_role(RoleName=told["Role"])["Role"]
    assert (role["Path"], told["Stage"]) == ("/servers/", "test")
    assert told["Profile"].startswith(f"arn:aws:iam::{ACCOUNT}:instance-profile/{name}-Profile-")
    client.delete_stack(StackName=name)
    client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=SOON)
