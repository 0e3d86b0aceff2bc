"""`locum plan` of Terraform's own plans: with the policies that it prints, and nothing else, they are applied.

The configuration is that of `test_terraform`. The types are those of the AWS provider.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from functional.test_terraform import Terraform
from locum.agents.plans.terraform_types import actions_of, type_of
from locum.services.cloudformation.schemas import published_types
from support.plane import LOCUM, Key, RunningPlane, allow, document, up
from support.processes import finished
from support.tools import needs

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1200), needs("terraform")]

USER: Final = "terraformer"
KNOWN: Final = 960
"""Types of the provider 5.100, which has 1,526: of the others there is none in CloudFormation by their names."""


class Terraforming:
    """A user who runs Terraform on a plane, and has at first no permissions but for a topic.

    That is in a template which is put into a bucket by the same run, so that the plan does not know it.
    """

    def __init__(self, plane: RunningPlane, folder: Path) -> None:
        self._plane = plane
        self._folder = folder
        self._iam = plane.client("iam")
        self._iam.create_user(UserName=USER)
        self._iam.put_user_policy(UserName=USER, PolicyName="topics", PolicyDocument=document(allow("sns:*")))
        made = self._iam.create_access_key(UserName=USER)["AccessKey"]
        self._policies = 0
        self.own = Terraform(plane, folder / "own", Key(made["AccessKeyId"], made["SecretAccessKey"]))
        self.root = Terraform(plane, folder / "root")

    def planned(self, *arguments: str) -> dict[str, Any]:
        """The plan of the configuration, made by root with what the user has made so far, as JSON."""
        state = self._folder / "own" / "terraform.tfstate"
        where = [f"-state={state}"] if state.exists() else []
        code, said = self.root.run("plan", "-input=false", "-out", "plan", *where, *arguments)
        assert code in (0, 2), said
        code, said = self.root.run("show", "-json", "plan")
        assert code == 0, said
        return dict(json.loads(said))

    def permit(self, plan: dict[str, Any]) -> dict[str, Any]:
        """Give the user the policies that `locum plan` tells for `plan`; what it tells beside."""
        file = self._folder / "plan.json"
        file.write_text(json.dumps(plan))
        line = [LOCUM, "plan", str(file), "--data", str(self._plane.data), "--as", USER, "--json"]
        done = finished(line, env=self._plane.environment())
        assert done.returncode in (0, 1), done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        for policy in told["documents"]:
            self._policies += 1
            name = f"{USER}-{self._policies}"
            made = self._iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(policy))
            self._iam.attach_user_policy(UserName=USER, PolicyArn=made["Policy"]["Arn"])
        return told


@pytest.fixture(scope="module")
def terraforming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraforming]:
    home = tmp_path_factory.mktemp("terraform")
    with up(home) as plane:
        made = Terraforming(plane, home)
        for terraform in (made.own, made.root):
            code, said = terraform.run("init", "-input=false")
            if code:
                pytest.skip(f"no provider hashicorp/aws: {said[-300:]}")
        yield made


def test_with_the_policies_of_its_plans_alone_terraform_makes_changes_and_destroys(terraforming: Terraforming) -> None:
    code, said = terraforming.own.run("apply", "-auto-approve", "-var", "stage=first")
    assert code == 1, said
    assert "not authorized" in said
    for command, stage, more in (("apply", "first", ()), ("apply", "second", ()), ("destroy", "second", ("-destroy",))):
        told = terraforming.permit(terraforming.planned("-var", f"stage={stage}", *more))
        assert told["unknown"] == (
            ["aws_cloudformation_stack"] if stage == "first" else []
        )  # its template is not there
        code, said = terraforming.own.run(command, "-auto-approve", "-var", f"stage={stage}")
        assert code == 0, said


def test_most_types_of_the_provider_are_known_and_no_other_type_is_made_of_one(terraforming: Terraforming) -> None:
    code, said = terraforming.root.run("providers schema", "-json")
    assert code == 0, said
    (provider,) = json.loads(said)["provider_schemas"].values()
    mapped = {name: type_of(name) for name in provider["resource_schemas"]}
    assert {kind for kind in mapped.values() if kind} <= {*published_types()}
    assert sum(1 for name, kind in mapped.items() if kind or actions_of(name)) >= KNOWN
