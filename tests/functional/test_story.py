"""A role's whole life, by AWS CLI and boto3: made, attached, used, denied, repaired, swapped, kept over a restart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from locum.core.identifiers import OWN_IMAGE
from support.inside import inside
from support.plane import (
    ACCOUNT,
    COMMAND_LINES,
    TRUSTS_EC2,
    Key,
    RunningPlane,
    allow,
    command_lines,
    document,
    fresh,
    trusting,
    up,
)

pytestmark = pytest.mark.xdist_group("story")


@command_lines
def test_the_command_line_makes_a_role_that_an_instance_wears(plane: RunningPlane, version: str) -> None:
    name = fresh("cli")

    def aws(*arguments: str) -> Any:
        return plane.aws(version, *arguments)

    aws("iam", "create-role", "--role-name", name, "--assume-role-policy-document", TRUSTS_EC2)
    aws("iam", "create-instance-profile", "--instance-profile-name", name)
    aws("iam", "add-role-to-instance-profile", "--instance-profile-name", name, "--role-name", name)
    policy = document(allow("s3:GetObject", "arn:aws:s3:::reports/*"))
    aws("iam", "put-role-policy", "--role-name", name, "--policy-name", "may", "--policy-document", policy)
    launch = ["--image-id", "ami-10c0000000000000a", "--iam-instance-profile", f"Name={name}"]
    launched = aws("ec2", "run-instances", *launch, "--query", "Instances[0]")

    query = ["--query", "IamInstanceProfileAssociations[0]"]
    filters = ["--filters", f"Name=instance-id,Values={launched['InstanceId']}"]
    association = aws("ec2", "describe-iam-instance-profile-associations", *filters, *query)
    assert association["State"] == "associated"
    assert association["IamInstanceProfile"] == launched["IamInstanceProfile"]
    assert launched["IamInstanceProfile"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/{name}"


@command_lines
def test_the_command_line_inside_an_instance_needs_no_credentials(
    plane: RunningPlane, version: str, tmp_path: Path
) -> None:
    bucket = plane.bucket()
    profile = plane.profile(allow(["s3:PutObject", "s3:GetObject"], f"arn:aws:s3:::{bucket}/*"))
    (tmp_path / "report.txt").write_text("all is well")
    command = f'{COMMAND_LINES[version]} --endpoint-url "$AWS_ENDPOINT_URL" s3 cp report.txt s3://{bucket}/'
    done = plane.locum("run", "--profile", profile, "--", "sh", "-c", command, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "upload: ./report.txt" in done.stdout
    stored = plane.client("s3").get_object(Bucket=bucket, Key="report.txt")
    assert stored["Body"].read() == b"all is well"


def test_a_denied_call_is_worded_as_aws_words_it_explained_and_repaired_for_the_very_next_call(
    plane: RunningPlane,
) -> None:
    bucket = plane.bucket(report=b"all is well")
    profile = plane.profile(allow("s3:ListBucket", f"arn:aws:s3:::{bucket}"))
    with inside(plane, "--profile", profile) as app:
        refusal = app.refused("s3", "get_object", Bucket=bucket, Key="report")
        assert refusal[:2] == ("AccessDenied", 403)
        assert refusal.message == (
            f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/{app.instance} is not authorized to perform: "
            f's3:GetObject on resource: "arn:aws:s3:::{bucket}/report" '
            "because no identity-based policy allows the s3:GetObject action"
        )
        told = plane.locum("explain", refusal.request_id)
        assert told.returncode == 0
        assert "DENIED (implicit deny)  s3:GetObject" in told.stdout
        assert "to change it: add to a policy of role " in told.stdout
        repair = f'"s3:GetObject", "Resource": "arn:aws:s3:::{bucket}/report"}}'
        assert repair in " ".join(told.stdout.split())  # lines are broken where names are long
        plane.permit(profile, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
        assert app.call("s3", "get_object", Bucket=bucket, Key="report")["Body"] == "all is well"


def test_a_swapped_profile_changes_who_calls_inside_the_running_instance(plane: RunningPlane) -> None:
    old, new = plane.profile(), plane.profile()
    ec2 = plane.client("ec2")
    with inside(plane, "--profile", old) as app:
        instance = app.instance
        first = json.loads(app.metadata(f"meta-data/iam/security-credentials/{old}"))
        assert _who(plane, first) == f"arn:aws:sts::{ACCOUNT}:assumed-role/{old}/{instance}"
        described = ec2.describe_iam_instance_profile_associations(
            Filters=[{"Name": "instance-id", "Values": [instance]}]
        )
        association = described["IamInstanceProfileAssociations"][0]["AssociationId"]
        replaced = ec2.replace_iam_instance_profile_association(
            AssociationId=association, IamInstanceProfile={"Name": new}
        )["IamInstanceProfileAssociation"]
        assert replaced["AssociationId"] != association
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{new}/{instance}"
        assert app.call("sts", "get_caller_identity")["Arn"] == arn
        assert app.metadata("meta-data/iam/security-credentials/") == new
        # What was delivered before stays valid until it expires, as on EC2.
        assert _who(plane, first) == f"arn:aws:sts::{ACCOUNT}:assumed-role/{old}/{instance}"


def _who(plane: RunningPlane, delivered: dict[str, str]) -> str:
    key = Key(delivered["AccessKeyId"], delivered["SecretAccessKey"], delivered["Token"])
    arn: str = plane.client("sts", key).get_caller_identity()["Arn"]
    return arn


def test_a_profile_attached_to_a_running_instance_is_worn_at_once(plane: RunningPlane) -> None:
    profile = plane.profile()
    with inside(plane) as app:
        listing = app.imds("/latest/meta-data/iam/", X_aws_ec2_metadata_token=app.token())
        assert listing.status == 404
        plane.client("ec2").associate_iam_instance_profile(
            InstanceId=app.instance, IamInstanceProfile={"Name": profile}
        )
        identity = app.call("sts", "get_caller_identity")
        assert identity["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/{app.instance}"


def test_everything_about_identity_is_there_after_a_restart(tmp_path: Path) -> None:
    with up(tmp_path) as plane:
        profile = plane.profile(allow("iam:GetRole"))
        user, key = plane.user(allow("iam:GetUser"))
        session = plane.assume(plane.role(trusting(AWS=ACCOUNT)))
        wearing = {"Name": profile}
        made = plane.client("ec2").run_instances(ImageId=OWN_IMAGE, MinCount=1, MaxCount=1, IamInstanceProfile=wearing)
        instance = made["Instances"][0]["InstanceId"]
        before, root = _identity(plane), plane.root
        plane.stop()
        plane.start()
        assert plane.root == root
        assert _identity(plane) == before
        assert plane.client("iam", key).get_user()["User"]["UserName"] == user
        assert plane.client("sts", session).get_caller_identity()["Arn"].endswith("/session")
        with inside(plane, instance, command="exec") as app:
            arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{profile}/{instance}"
            assert app.call("sts", "get_caller_identity")["Arn"] == arn
        events = plane.client("cloudtrail").lookup_events(
            LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateInstanceProfile"}]
        )["Events"]
        assert [event["EventName"] for event in events] == ["CreateInstanceProfile"]


def _of_the_plane(instance: dict[str, Any]) -> dict[str, Any]:
    """An instance without its network, which is the embedded backend's and made anew with every start."""
    kept = ("InstanceId", "State", "IamInstanceProfile", "MetadataOptions", "PrivateIpAddress", "PublicIpAddress")
    return {name: instance[name] for name in (*kept, "LaunchTime", "Tags")}


def _identity(plane: RunningPlane) -> list[object]:
    iam, ec2 = plane.client("iam"), plane.client("ec2")
    details = iam.get_account_authorization_details()
    return [
        details["RoleDetailList"],
        details["UserDetailList"],
        iam.list_instance_profiles()["InstanceProfiles"],
        [_of_the_plane(each) for found in ec2.describe_instances()["Reservations"] for each in found["Instances"]],
        ec2.describe_iam_instance_profile_associations()["IamInstanceProfileAssociations"],
    ]
