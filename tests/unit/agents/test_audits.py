"""The audit of a plane: what it reads, as whom, and that the calls it gives mend what it found."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from locum.agents.audits.question import answer
from locum.agents.questions import PlaneQuestions
from locum.cli.audits import mending
from locum.core.clock import system_clock
from locum.core.errors import ConfigurationError
from support.inprocess import REGION, InProcess, Key
from support.plane import ACCOUNT, TRUSTS_EC2
from unit.agents.test_questions import Asking

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYab"
PAIR = f"export A={KEY_ID} B={SECRET}"


def audit(plane: InProcess, key: Key | None = None, **more: Any) -> dict[str, Any]:
    question = {"account": ACCOUNT, "region": REGION, "access_key": key.access_key_id if key else "", **more}
    return plane.run(answer(plane.node.runtime, plane.node.calls.make, question))


def places(found: dict[str, Any], rule: str) -> set[str]:
    return {row["resource"] for row in found["findings"] if row["rule"] == rule}


class PlaneClient:
    """Makes calls at a plane in this process, as `locum audit --apply` does over HTTP."""

    def __init__(self, plane: InProcess) -> None:
        self._plane = plane

    def call(self, service: str, operation: str, region: str = "", /, **parameters: Any) -> dict[str, Any]:
        client = self._plane.client(service, region=region or REGION)
        made: dict[str, Any] = getattr(client, operation)(**parameters)
        return made


def test_keys_are_found_in_user_data_templates_parameters_functions_and_objects(plane: InProcess) -> None:
    ec2 = plane.client("ec2")
    image = ec2.describe_images()["Images"][0]["ImageId"]
    launched = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, UserData=PAIR)["Instances"][0]["InstanceId"]
    data = {"UserData": base64.b64encode(PAIR.encode()).decode()}
    template = ec2.create_launch_template(LaunchTemplateName="audited", LaunchTemplateData=data)
    plane.client("ssm").put_parameter(Name="/audited/pair", Type="SecureString", Value=PAIR)
    for name, value in (("id", KEY_ID), ("secret", SECRET)):
        plane.client("ssm").put_parameter(Name=f"/audited/apart/{name}", Type="SecureString", Value=value)
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="audited-bucket")
    s3.put_object(Bucket="audited-bucket", Key="a/b c", Body=PAIR.encode())
    container = {"name": "c", "image": "i", "memory": 8, "environment": [
        {"name": "A", "value": KEY_ID}, {"name": "B", "value": SECRET}]}  # fmt: skip
    task = plane.client("ecs").register_task_definition(family="audited", containerDefinitions=[container])
    found = audit(plane, buckets=["audited-bucket"])
    assert found["complete"], found["unread"]
    assert places(found, "long-lived-key") == {
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/{launched}",
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:launch-template/{template['LaunchTemplate']['LaunchTemplateId']}",
        f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/audited/pair",
        f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/audited/apart/id",
        "arn:aws:s3:::audited-bucket/a/b c",
        task["taskDefinition"]["taskDefinitionArn"],
    }
    assert SECRET not in json.dumps(found)
    without = audit(plane)
    assert "arn:aws:s3:::audited-bucket/a/b c" not in places(without, "long-lived-key")


def test_what_is_read_is_read_as_who_asks_and_what_is_refused_makes_the_report_incomplete(plane: InProcess) -> None:
    weak = plane.user("audit-weak", {"Effect": "Allow", "Action": "lambda:ListFunctions", "Resource": "*"})
    found = audit(plane, weak)
    assert found["caller"].endswith("user/audit-weak")
    assert not found["complete"]
    assert "ssm:DescribeParameters" in found["unread"]
    assert "lambda:ListFunctions" not in found["unread"]
    operations = {record.operation for record in plane.records() if record.identity.arn == found["caller"]}
    assert {"ListFunctions", "DescribeParameters", "ListTaskDefinitions"} <= operations


def test_nothing_but_reads_is_called(plane: InProcess) -> None:
    before = plane.node.ledger.state.sequence
    found = audit(plane)
    assert found["findings"]
    assert plane.node.ledger.state.sequence == before


def test_the_calls_that_it_gives_mend_what_it_found(plane: InProcess) -> None:
    plane.user("audit-mallory", {"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*"})
    open_to_all = json.loads(TRUSTS_EC2)
    open_to_all["Statement"][0]["Principal"] = {"AWS": "*"}
    iam = plane.client("iam")
    iam.create_role(RoleName="audit-open", AssumeRolePolicyDocument=json.dumps(open_to_all))
    iam.create_instance_profile(InstanceProfileName="audit-empty")
    mine = ("audit-mallory", "audit-open", "audit-empty")
    found = audit(plane)
    rows = [{**row, "accepted": ""} for row in found["findings"] if row["resource"].endswith(mine)]
    rules = {"escalation-path", "trust-of-anyone", "profile-without-role"}
    assert rules <= {row["rule"] for row in rows}
    told: list[str] = []
    assert mending.apply(rows, PlaneClient(plane), lambda _: True, told.append) == 0
    assert "  done" in told
    after = audit(plane)
    assert not {row["rule"] for row in after["findings"] if row["resource"].endswith(mine)} & rules


def test_attack_a_call_for_another_account_is_not_made_in_ones_own(plane: InProcess) -> None:
    iam = plane.client("iam")
    iam.create_role(RoleName="audit-same", AssumeRolePolicyDocument=TRUSTS_EC2)
    fix = {"service": "iam", "operation": "DeleteRole", "params": {"RoleName": "audit-same"}, "region": ""}
    row = {"id": "x", "severity": "high", "account": "222222222222", "resource": "r", "what": "w", "accepted": "",
           "fixes": [fix]}  # fmt: skip
    told: list[str] = []
    assert mending.apply([row], PlaneClient(plane), lambda _: True, told.append) == 1
    assert iam.get_role(RoleName="audit-same")
    assert any("222222222222" in line for line in told)
    assert xform_name("DeleteRole") == "delete_role"


def test_the_plane_answers_the_question_over_its_socket(plane: InProcess) -> None:
    asking = Asking(plane)
    asked = {"account": ACCOUNT, "region": REGION}
    questions = PlaneQuestions(plane.node.runtime, str, None, plane.node.audits)
    assert asking.answer(questions, audit=asked)["account"] == ACCOUNT


@pytest.mark.parametrize("asked", [{}, {"account": ACCOUNT, "region": REGION, "days": "many"}, {"else": 1}])
def test_what_is_no_question_is_refused(plane: InProcess, asked: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="not a question about an audit"):
        plane.run(answer(plane.node.runtime, plane.node.calls.make, asked))


def test_attack_a_key_that_the_plane_does_not_know_is_not_taken_for_the_root_user(plane: InProcess) -> None:
    with pytest.raises(ConfigurationError, match="is none of a user of this plane"):
        audit(plane, Key("AKIAUNKNOWNUNKNOWN22", "x"))


def scheduled(plane: InProcess, **asked: Any) -> dict[str, Any]:
    return plane.run(plane.node.audits.answer(asked))


def test_an_audit_is_made_again_when_it_is_due_also_after_a_restart_and_tells_what_changed(tmp_path: Path) -> None:
    now = [system_clock()]
    house = InProcess(tmp_path, lambda: now[0])
    try:
        iam = house.client("iam")
        iam.create_instance_profile(InstanceProfileName="first")
        question = {"account": ACCOUNT, "region": REGION}
        scheduled(house, every=3600.0, **question)
        iam.delete_instance_profile(InstanceProfileName="first")
        iam.create_instance_profile(InstanceProfileName="second")
        assert scheduled(house, last=True)["schedule"]["appeared"] == []
        house.close()
        now[0] += 3601
        house.start()
        house.run(house.node.audits.reconcile())
        found = scheduled(house, last=True)
        assert [row["resource"].rpartition("/")[2] for row in found["schedule"]["gone"]] == ["first"]
        (new,) = [row for row in found["findings"] if row["id"] in found["schedule"]["appeared"]]
        assert new["resource"].endswith("/second")
        assert (tmp_path / "audits").stat().st_mode & 0o777 == 0o600
        scheduled(house, every=0, **question)
        with pytest.raises(ConfigurationError, match="no audit is made by a schedule"):
            scheduled(house, last=True)
    finally:
        house.close()


def test_attack_a_schedule_of_somebody_who_was_deleted_is_not_made_as_anybody_else(tmp_path: Path) -> None:
    now = [system_clock()]
    house = InProcess(tmp_path, lambda: now[0])
    try:
        key = house.user("auditor", {"Effect": "Allow", "Action": "*", "Resource": "*"})
        scheduled(house, every=3600.0, account=ACCOUNT, region=REGION, access_key=key.access_key_id)
        house.client("iam").delete_access_key(UserName="auditor", AccessKeyId=key.access_key_id)
        before = len(house.records(200))
        now[0] += 3601
        house.run(house.node.audits.reconcile())
        found = scheduled(house, last=True)
        assert "is none of a user of this plane" in found["schedule"]["error"]
        assert not found["complete"]
        assert len(house.records(200)) == before
    finally:
        house.close()


@pytest.mark.parametrize("every", [1, -60, "30d", True, float("nan")])
def test_a_schedule_that_never_ends_its_turn_is_refused(plane: InProcess, every: Any) -> None:
    with pytest.raises(ConfigurationError, match="is made every"):
        scheduled(plane, every=every, account=ACCOUNT, region=REGION)
