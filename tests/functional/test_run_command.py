"""Run Command by real clients: scripts that run inside an instance, with nothing but its role."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.inside import inside
from support.plane import (
    ACCOUNT,
    SECONDS,
    RunningPlane,
    allow,
    command_lines,
    document,
    fresh,
    needs_namespaces,
    refused,
    up,
)

pytestmark = needs_namespaces

CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
SHELL = "AWS-RunShellScript"


def until(true: Callable[[], bool]) -> None:
    """Ask again and again until it is true; the test is given up if it never is."""
    given_up = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < given_up, "it never came to be"


class Node:
    """A managed instance, and the client that sends it commands."""

    def __init__(self, plane: RunningPlane, instance: str, role: str) -> None:
        self.role = role
        self.id = instance
        self.ssm = plane.client("ssm")

    def send(self, *commands: str, **params: Any) -> str:
        given = {"commands": list(commands), **params.pop("Parameters", {})}
        answer = self.ssm.send_command(DocumentName=SHELL, InstanceIds=[self.id], Parameters=given, **params)
        return str(answer["Command"]["CommandId"])

    def found(self, command: str) -> dict[str, Any]:
        return dict(self.ssm.get_command_invocation(CommandId=command, InstanceId=self.id))

    def ended(self, command: str) -> dict[str, Any]:
        until(lambda: self.found(command)["Status"] not in ("Pending", "InProgress", "Cancelling"))
        return self.found(command)

    def run(self, *commands: str, **params: Any) -> dict[str, Any]:
        return self.ended(self.send(*commands, **params))

    def ping(self) -> str:
        filters = [{"Key": "InstanceIds", "Values": [self.id]}]
        listed = self.ssm.describe_instance_information(Filters=filters)["InstanceInformationList"]
        return str(listed[0]["PingStatus"]) if listed else ""


@contextmanager
def node(plane: RunningPlane, *statements: Any, core: bool = True) -> Iterator[Node]:
    """An instance whose role has `statements`, and AmazonSSMManagedInstanceCore where `core`."""
    profile = plane.profile(*statements)
    if core:
        plane.client("iam").attach_role_policy(RoleName=profile, PolicyArn=CORE)
    with inside(plane, "--profile", profile) as within:
        made = Node(plane, within.instance, profile)
        if core:
            until(lambda: made.ping() == "Online")
        yield made


def test_a_script_runs_in_the_instance_with_its_role_alone(plane: RunningPlane) -> None:
    with node(plane) as it:
        done = it.run(
            'echo "hello \'world\'"; pwd; echo "to err" >&2',
            'TOKEN=$(curl -sX PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" '
            "http://169.254.169.254/latest/api/token)",
            'curl -s -H "X-aws-ec2-metadata-token: $TOKEN" http://169.254.169.254/latest/meta-data/instance-id; echo',
            "env | grep -c LOCUM_ || true; echo $AWS_SSM_INSTANCE_ID; exit 3",
            Parameters={"workingDirectory": ["/tmp"]},
        )
        assert done["Status"] == "Failed"
        assert done["ResponseCode"] == 3
        out = done["StandardOutputContent"].splitlines()
        assert out == ["hello 'world'", "/tmp", it.id, "0", it.id]
        assert done["StandardErrorContent"] == "to err\nfailed to run commands: exit status 3"
        assert done["PluginName"] == "aws:runShellScript"
        listed = it.ssm.list_command_invocations(CommandId=done["CommandId"], Details=True)["CommandInvocations"]
        assert listed[0]["CommandPlugins"][0]["Output"].startswith("hello 'world'\n")
        (command,) = it.ssm.list_commands(CommandId=done["CommandId"])["Commands"]
        assert (command["Status"], command["ErrorCount"], command["TargetCount"]) == ("Failed", 1, 1)


@command_lines
def test_the_aws_cli_sends_a_command_waits_for_it_and_reads_what_it_printed(plane: RunningPlane, version: str) -> None:
    with node(plane) as it:
        to = ["--document-name", SHELL, "--instance-ids", it.id, "--parameters", 'commands=["echo from the CLI"]']
        command = plane.aws(version, "ssm", "send-command", *to)["Command"]["CommandId"]
        place = ["--command-id", command, "--instance-id", it.id]
        plane.aws(version, "ssm", "wait", "command-executed", *place)
        done = plane.aws(version, "ssm", "get-command-invocation", *place)
        assert (done["Status"], done["StandardOutputContent"]) == ("Success", "from the CLI\n")


def test_an_instance_is_managed_for_as_long_as_its_role_lets_the_agent_work(plane: RunningPlane) -> None:
    with node(plane, core=False) as it:
        assert it.ping() == ""
        iam = plane.client("iam")
        iam.attach_role_policy(RoleName=it.role, PolicyArn=CORE)
        until(lambda: it.ping() == "Online")
        iam.put_role_policy(
            RoleName=it.role,
            PolicyName="deny",
            PolicyDocument=document({"Effect": "Deny", "Action": "ssm:Update*", "Resource": "*"}),
        )
        until(lambda: it.ping() == "ConnectionLost")
        by_name = [{"AttributeKey": "EventName", "AttributeValue": "UpdateInstanceInformation"}]
        told = plane.client("cloudtrail").lookup_events(LookupAttributes=by_name)["Events"]
        codes = [json.loads(event["CloudTrailEvent"]).get("errorCode") for event in told[:2]]
        assert codes == ["AccessDeniedException", None]
        assert told[0]["Username"] == it.id
        command = it.send("echo late", TimeoutSeconds=600)
        assert it.found(command)["Status"] == "Pending"
        iam.delete_role_policy(RoleName=it.role, PolicyName="deny")
        assert it.ended(command)["StandardOutputContent"] == "late\n"


def test_only_managed_instances_of_the_account_take_commands(plane: RunningPlane) -> None:
    record = plane.client("ec2").run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"][0]
    for instance in (record["InstanceId"], "i-0123456789abcdef0"):
        fault = refused(
            plane.client("ssm").send_command,
            DocumentName=SHELL,
            InstanceIds=[instance],
            Parameters={"commands": ["true"]},
        )
        assert fault.code == "InvalidInstanceId"
        assert fault.message == f"Instances [[{instance}]] not in a valid state for account {ACCOUNT}"


def test_a_condition_on_tags_holds_by_id_and_by_target(plane: RunningPlane) -> None:
    with node(plane) as it:
        may = [
            allow("ssm:SendCommand", "arn:aws:ssm:*::document/AWS-RunShellScript"),
            allow("ssm:SendCommand", "arn:aws:ec2:*:*:instance/*", StringEquals={"ssm:resourceTag/stage": "dev"}),
        ]
        _, key = plane.user(*may)
        ssm = plane.client("ssm", key)
        sent = {"DocumentName": SHELL, "Parameters": {"commands": ["true"]}}
        ways: list[dict[str, Any]] = [
            {"InstanceIds": [it.id]},
            {"Targets": [{"Key": "InstanceIds", "Values": [it.id]}]},
            {"Targets": [{"Key": "tag:team", "Values": ["a"]}]},
        ]
        ec2 = plane.client("ec2")
        ec2.create_tags(Resources=[it.id], Tags=[{"Key": "team", "Value": "a"}, {"Key": "stage", "Value": "prod"}])
        for way in ways:
            assert refused(ssm.send_command, **sent, **way).code == "AccessDeniedException"
        ec2.create_tags(Resources=[it.id], Tags=[{"Key": "stage", "Value": "dev"}])
        for way in ways:
            assert it.ended(ssm.send_command(**sent, **way)["Command"]["CommandId"])["Status"] == "Success"


def test_output_goes_where_the_instance_role_may_write_and_nowhere_else(plane: RunningPlane) -> None:
    mine, other = plane.bucket(), plane.bucket()
    may = [allow("s3:PutObject", f"arn:aws:s3:::{mine}/*"), allow("logs:*")]
    with node(plane, *may) as it:
        group = fresh("group")
        done = it.run(
            "echo kept",
            OutputS3BucketName=mine,
            OutputS3KeyPrefix="runs",
            CloudWatchOutputConfig={"CloudWatchOutputEnabled": True, "CloudWatchLogGroupName": group},
        )
        prefix = f"runs/{done['CommandId']}/{it.id}/awsrunShellScript/0.awsrunShellScript/"
        assert done["StandardOutputUrl"].endswith(f"/{mine}/{prefix}stdout")
        assert plane.client("s3").get_object(Bucket=mine, Key=f"{prefix}stdout")["Body"].read() == b"kept\n"
        stream = f"{done['CommandId']}/{it.id}/aws-runShellScript/stdout"
        events = plane.client("logs").get_log_events(logGroupName=group, logStreamName=stream)["events"]
        assert events[0]["message"] == "kept\n"
        assert it.run("echo lost", OutputS3BucketName=other)["Status"] == "Success"
        assert plane.client("s3").list_objects_v2(Bucket=other)["KeyCount"] == 0


def test_a_command_without_end_is_ended_with_all_that_it_started(plane: RunningPlane, tmp_path: Path) -> None:
    with node(plane) as it:
        pids = tmp_path / "pids"
        script = (
            f"trap '' TERM HUP; (setsid sh -c 'echo $$ >{pids}; sleep 86400; true' &) ; "
            f"until [ -s {pids} ]; do sleep 0.05; done; cat /proc/sys/kernel/ns_last_pid >/dev/null; sleep 86400"
        )
        done = it.run(script, Parameters={"executionTimeout": ["2"]})
        assert (done["Status"], done["StatusDetails"], done["ResponseCode"]) == ("TimedOut", "ExecutionTimedOut", -1)
        found = subprocess.run(["pgrep", "-f", str(pids)], check=False, capture_output=True, text=True)
        assert found.stdout == ""


def test_what_a_script_leaves_in_the_background_stays_until_the_instance_ends(plane: RunningPlane) -> None:
    look = ["pgrep", "-f", "sleep 86395"]
    with node(plane) as it:
        done = it.run("sleep 86395 & echo started")
        assert (done["Status"], done["StandardOutputContent"]) == ("Success", "started\n")
        assert subprocess.run(look, check=False, capture_output=True, text=True).stdout != ""
        assert (
            it.run("pkill -f 'sleep 8639[5]'; ps ax | grep -c 'locum u[p]' || true")["StandardOutputContent"] == "0\n"
        )
        assert subprocess.run(look, check=False, capture_output=True, text=True).stdout == ""


def test_endless_output_is_cut(plane: RunningPlane) -> None:
    with node(plane) as it:
        done = it.run("yes | head -c 5000000; echo done >&2")
        assert done["Status"] == "Success"
        assert len(done["StandardOutputContent"]) == 24_000
        assert done["StandardErrorContent"] == "done\n"


def test_a_script_has_no_descriptor_of_the_plane_and_is_in_no_list_of_processes(plane: RunningPlane) -> None:
    with node(plane) as it:
        marker = fresh("marker")
        others = "readlink /proc/self/fd/0 /proc/self/fd/[3-9] /proc/self/fd/??*"
        command = it.send(f"# {marker}", others, "sleep 86398")
        until(lambda: it.found(command)["Status"] == "InProgress")
        found = subprocess.run(["pgrep", "-f", marker], check=False, capture_output=True, text=True)
        assert found.stdout == ""
        it.ssm.cancel_command(CommandId=command)
        opened = it.ended(command)["StandardOutputContent"].split("\n")
        assert [name for name in opened if name and not name.startswith(("/dev/null", "/memfd:script", "/proc"))] == []


def test_a_running_command_is_cancelled(plane: RunningPlane) -> None:
    with node(plane) as it:
        command = it.send("sleep 86400")
        until(lambda: it.found(command)["Status"] == "InProgress")
        it.ssm.cancel_command(CommandId=command)
        assert it.ended(command)["Status"] == "Cancelled"
        assert it.ssm.list_commands(CommandId=command)["Commands"][0]["Status"] == "Cancelled"
        it.ssm.cancel_command(CommandId=command)  # which is over
        assert it.found(command)["Status"] == "Cancelled"


def test_what_runs_when_the_plane_is_killed_is_failed_and_the_next_command_runs(tmp_path: Path) -> None:
    home = tmp_path / "own"
    home.mkdir()
    with up(home) as plane:
        port = plane.endpoint.rpartition(":")[2]
        with node(plane) as it:
            command = it.send(f"sleep 86399; echo {tmp_path}")
            until(lambda: it.found(command)["Status"] == "InProgress")
            plane.kill()
            plane.start("--port", port)
            it.ssm = plane.client("ssm")
            done = it.ended(command)
            assert (done["Status"], done["ResponseCode"]) == ("Failed", -1)
            assert "ended together with the plane" in done["StandardErrorContent"]
            assert it.run("echo again")["StandardOutputContent"] == "again\n"


def test_parameters_of_parameter_store_are_read_as_the_sender(plane: RunningPlane) -> None:
    ssm, name, secret = plane.client("ssm"), fresh("plain"), fresh("secret")
    ssm.put_parameter(Name=name, Value="the value", Type="String")
    ssm.put_parameter(Name=secret, Value="hidden", Type="SecureString")
    with node(plane) as it:
        assert it.run(f'echo "{{{{ssm:{name}}}}}"')["StandardOutputContent"] == "the value\n"
        with pytest.raises(ClientError, match="SecureString"):
            it.send(f"echo {{{{ssm:{secret}}}}}")
        with pytest.raises(ClientError, match="InvalidParameters"):
            it.send(f"echo {{{{ssm-secure:{secret}}}}}")
        _, key = plane.user(allow("ssm:SendCommand"))
        it.ssm = plane.client("ssm", key)
        with pytest.raises(ClientError, match="GetParameters"):
            it.send(f"echo {{{{ssm:{name}}}}}")


def test_a_document_of_the_account_runs_its_steps_with_its_parameters(plane: RunningPlane) -> None:
    name = fresh("document")
    content = """{"schemaVersion": "2.2", "description": "two steps",
      "parameters": {"who": {"type": "String", "default": "nobody", "allowedPattern": "[a-z ']+"}},
      "mainSteps": [
        {"action": "aws:runShellScript", "name": "first", "inputs": {"runCommand": ["echo one {{ who }}"]}},
        {"action": "aws:runShellScript", "name": "second", "inputs": {"runCommand": ["echo two", "exit 4"]}}]}"""
    plane.client("ssm").create_document(Name=name, Content=content, DocumentType="Command", DocumentFormat="JSON")
    with node(plane) as it:
        sent = it.ssm.send_command(DocumentName=name, InstanceIds=[it.id], Parameters={"who": ["everybody"]})
        command = sent["Command"]["CommandId"]
        place = {"CommandId": command, "InstanceId": it.id}
        until(lambda: it.ssm.list_commands(CommandId=command)["Commands"][0]["Status"] == "Failed")
        first = it.ssm.get_command_invocation(**place, PluginName="first")
        second = it.ssm.get_command_invocation(**place, PluginName="second")
        assert (first["Status"], first["StandardOutputContent"]) == ("Success", "one everybody\n")
        assert (second["Status"], second["ResponseCode"]) == ("Failed", 4)
        wrong = refused(it.ssm.send_command, DocumentName=name, InstanceIds=[it.id], Parameters={"who": ["$(reboot)"]})
        assert wrong.code == "InvalidParameters"
        for document, code in (("absent", "InvalidDocument"), ("AWS-RunPowerShellScript", "UnsupportedPlatformType")):
            assert refused(it.ssm.send_command, DocumentName=document, InstanceIds=[it.id]).code == code


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bwrap on this machine")
def test_in_a_closed_instance_a_script_sees_what_the_instance_sees(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("of the host")
    home = tmp_path / "own"
    home.mkdir()
    with up(home, "--driver", "process", "--closed") as plane:
        profile = plane.profile()
        plane.client("iam").attach_role_policy(RoleName=profile, PolicyArn=CORE)
        launch = {"ImageId": "ami-12c6146b", "MinCount": 1, "MaxCount": 1, "IamInstanceProfile": {"Name": profile}}
        (made,) = plane.client("ec2").run_instances(**launch)["Instances"]
        it = Node(plane, made["InstanceId"], profile)
        until(lambda: it.ping() == "Online")
        done = it.run(f"cat {outside} {home}/plane/* || echo nothing; touch /tmp/mine; pwd")
        assert done["StandardOutputContent"] == "nothing\n/\n"
        done = it.run("#!/bin/sh", "ls /tmp; pwd", Parameters={"workingDirectory": ["/var/lib"]})
        assert done["StandardErrorContent"] == ""
        assert done["StandardOutputContent"].startswith("mine\n")
        assert done["StandardOutputContent"].endswith("\n/var/lib\n")
        assert it.run("true", Parameters={"workingDirectory": ["/nowhere"]})["Status"] == "Failed"
        late = it.run("(setsid sleep 86397 &); sleep 86396", Parameters={"executionTimeout": ["2"]})
        assert late["StatusDetails"] == "ExecutionTimedOut"
        found = subprocess.run(["pgrep", "-f", "sleep 8639[67]"], check=False, capture_output=True, text=True)
        assert found.stdout == ""


def test_an_instance_that_is_gone_takes_no_commands(plane: RunningPlane) -> None:
    with node(plane) as it:
        plane.client("ec2").terminate_instances(InstanceIds=[it.id])
        with pytest.raises(ClientError, match="InvalidInstanceId"):
            it.send("true")
