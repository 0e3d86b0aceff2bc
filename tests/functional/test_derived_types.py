"""Types without a table, as the embedded backend has them: each is made, changed and deleted, and is gone then.

`derived_types.txt` lists them. Properties are the least that their schemas take; a type whose update the backend does
not have says so.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from locum.services.cloudformation.providers.derived import derived, derived_rows
from locum.services.cloudformation.schemas import schema_of
from support.inprocess import InProcess
from support.minimal import Minimal
from support.plane import ACCOUNT
from support.stacks import Stacks, template

VERIFIED: Final = Path(__file__).with_name("derived_types.txt").read_text("utf-8").split()
TOOLS: Final = Path(__file__).parents[2] / "tools"
IN_SHORT: Final = VERIFIED[::15]
ANYBODY: Final = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}


def surroundings(plane: InProcess) -> dict[str, Any]:
    """What resources name, by the ends of the names of properties."""
    ec2 = plane.client("ec2")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [ANYBODY]})
    role = plane.client("iam").create_role(RoleName="named", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    plane.client("s3").create_bucket(Bucket="locum-bucket")
    return {
        "BucketName": "locum-bucket",
        "CidrBlock": "10.0.0.0/16",
        "KmsKeyArn": plane.client("kms").create_key()["KeyMetadata"]["Arn"],
        "PolicyDocument": {"Version": "2012-10-17", "Statement": []},
        "Role": role,
        "RoleArn": role,
        "S3Uri": "s3://locum-bucket/key",
        "SecurityGroupId": ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"],
        "SubnetId": ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        "VpcId": ec2.describe_vpcs()["Vpcs"][0]["VpcId"],
        "AccountId": ACCOUNT,
    }


class Bench:
    """A plane with what resources name."""

    def __init__(self, plane: InProcess) -> None:
        self.stacks = Stacks(plane)
        self.minimal = Minimal(surroundings(plane))

    def failure(self, name: str) -> str:
        """Why a resource failed last."""
        events = self.stacks.client.describe_stack_events(StackName=name)["StackEvents"]
        return next((it["ResourceStatusReason"] for it in events if it["ResourceStatus"].endswith("_FAILED")), "")

    def changed(self, kind: str, properties: dict[str, Any]) -> dict[str, Any] | None:
        """Properties of which one differs that can be changed; None where there is none."""
        schema, row = schema_of(kind), derived_rows()[kind]
        assert schema is not None
        if row.get("replaced"):  # every change takes another resource
            return None
        fixed = {path[0] for path in schema.fixed} | {row.get("name", [""])[0]}
        for _, _, takes, on in row.get("update", ()):
            names = {taken.rpartition("=")[2] for taken in takes.split()} | set(on.split())
            for name in sorted(names - fixed, key=lambda name: (name != "Description", name not in properties, name)):
                value = self.minimal.properties(kind, (name,))[name]
                other = self.minimal.another(kind, name, value)
                if other != properties.get(name):
                    return {**properties, name: other}
        return None


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    plane = InProcess(tmp_path_factory.mktemp("plane"))
    yield Bench(plane)
    plane.close()


def made_changed_and_deleted(bench: Bench, kind: str) -> None:
    name, properties = kind.replace("::", "-"), bench.minimal.properties(kind)

    def body(properties: dict[str, Any]) -> str:
        return template({"It": {"Type": kind, "Properties": properties}}, Outputs={"Made": {"Value": {"Ref": "It"}}})

    assert bench.stacks.create(name, body(properties)) == "CREATE_COMPLETE", bench.failure(name)
    arn, physical = bench.stacks.told(name)["StackId"], bench.stacks.outputs(name)["Made"]
    other = bench.changed(kind, properties)
    if other is not None and bench.stacks.update(name, body(other)) != "UPDATE_COMPLETE":
        assert "The embedded backend does not implement" in bench.failure(name)
    assert bench.stacks.physical(name)["It"] == physical
    assert bench.stacks.delete(arn) == "DELETE_COMPLETE", bench.failure(arn)


@pytest.mark.parametrize("kind", IN_SHORT)
def test_a_type_without_a_table_is_made_changed_and_deleted(bench: Bench, kind: str) -> None:
    made_changed_and_deleted(bench, kind)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", sorted(set(VERIFIED) - set(IN_SHORT)))
def test_every_verified_type_is_made_changed_and_deleted(bench: Bench, kind: str) -> None:
    made_changed_and_deleted(bench, kind)


@pytest.mark.nightly
def test_the_rows_are_those_that_the_tool_derives() -> None:
    code = (
        "import json; from derivation.encoding import encoded; from derived_types import rows; "
        "from locum.services.cloudformation.providers.derived import derived_rows; "
        "assert json.loads(json.dumps(encoded(rows()))) == derived_rows()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=TOOLS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\nRun tools/derived_types.py and commit what it makes."


def test_all_rows_are_providers_and_the_verified_ones_are_among_them() -> None:
    assert all(derived(kind).create for kind in derived_rows())
    assert set(VERIFIED) <= derived_rows().keys()
