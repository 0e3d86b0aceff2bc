"""`locum up --workers`: what a client sees is the same by way of each process, also when one of them is killed."""

from __future__ import annotations

import io
import json
import os
import select
import signal
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from support.plane import (
    ACCOUNT,
    COMMAND_LINES,
    LOCUM,
    Key,
    RunningPlane,
    allow,
    boto3_client,
    command_lines,
    fresh,
    needs_namespaces,
    refused,
    trusting,
    up,
)
from support.processes import SECONDS, finished
from support.workers import connection_to, listening, plane_pid, through, worker_pids

IMAGE = "ami-12c6146b"
HANDLER = """
import boto3, os
def handler(event, context):
    arn = boto3.client("sts", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).get_caller_identity()["Arn"]
    return {"said": event, "who": arn}
"""
TEMPLATE = {
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"AssumeRolePolicyDocument": json.loads(trusting(Service="ec2.amazonaws.com"))},
        },
    },
    "Outputs": {"Url": {"Value": {"Ref": "Queue"}}},
}


class Processes:
    """A plane with one worker. `worker` and `plane` make clients whose calls this one process takes."""

    def __init__(self, plane: RunningPlane, left: ExitStack) -> None:
        self.running = plane
        [self.pid] = worker_pids(plane)
        self.port = int(plane.endpoint.rpartition(":")[2])
        self._worker = left.enter_context(through(plane, self.pid))
        self._plane = left.enter_context(through(plane, plane_pid(plane)))

    def worker(self, service: str, key: Key | None = None, **config: Any) -> Any:
        return boto3_client(service, self._worker, key or self.running.root, **config)

    def plane(self, service: str, key: Key | None = None, **config: Any) -> Any:
        return boto3_client(service, self._plane, key or self.running.root, **config)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with up(tmp_path_factory.mktemp("workers"), "--workers", "2", "--no-console") as plane, ExitStack() as left:
        yield Processes(plane, left)


def eventually(found: Callable[[], Any]) -> Any:
    """The first true value of `found`, which is asked again until there is one."""
    end = time.monotonic() + SECONDS
    while not (value := found()):
        assert time.monotonic() < end
    return value


# -- one plane -----------------------------------------------------------------------------------------------


def test_what_is_put_through_one_process_is_there_through_the_other(processes: Processes) -> None:
    name = fresh("bucket")
    processes.worker("s3").create_bucket(Bucket=name)
    processes.plane("s3").put_object(Bucket=name, Key="k", Body=b"from the plane", Metadata={"a": "b"})
    found = processes.worker("s3").get_object(Bucket=name, Key="k")
    assert (found["Body"].read(), found["Metadata"]) == (b"from the plane", {"a": "b"})
    assert refused(processes.worker("s3").get_object, Bucket=name, Key="other").code == "NoSuchKey"
    assert processes.worker("s3").head_object(Bucket=name, Key="k")["ContentLength"] == 14


def test_large_objects_go_through_a_worker(processes: Processes) -> None:
    name, body = fresh("bucket"), os.urandom(1 << 20) * 64
    s3 = processes.worker("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=body)
    assert s3.get_object(Bucket=name, Key="k")["Body"].read() == body
    part = s3.get_object(Bucket=name, Key="k", Range="bytes=1048576-1048579")["Body"].read()
    assert part == body[1 << 20 :][:4]


@pytest.mark.nightly
@command_lines
def test_the_aws_cli_copies_by_way_of_both_processes(processes: Processes, version: str, tmp_path: Path) -> None:
    name, sent, received = fresh("bucket"), tmp_path / "sent", tmp_path / "received"
    sent.write_bytes(os.urandom(1 << 20) * 20)  # several parts, over several connections
    environment = processes.running.environment(
        **processes.running.root.environment, AWS_DEFAULT_REGION="us-east-1", AWS_PAGER=""
    )
    for words in (["mb", f"s3://{name}"], ["cp", str(sent), f"s3://{name}/k"], ["cp", f"s3://{name}/k", str(received)]):
        line = [str(COMMAND_LINES[version]), "--endpoint-url", processes.running.endpoint, "s3", *words]
        done = finished(line, env=environment)
        assert done.returncode == 0, done.stderr
    assert received.read_bytes() == sent.read_bytes()


def test_a_table_is_one_table(processes: Processes) -> None:
    table = processes.running.table()
    processes.worker("dynamodb").put_item(TableName=table, Item={"k": {"S": "1"}, "b": {"B": b"\xff"}})
    assert processes.plane("dynamodb").get_item(TableName=table, Key={"k": {"S": "1"}})["Item"]["b"] == {"B": b"\xff"}
    why = refused(processes.worker("dynamodb").get_item, TableName="absent", Key={"k": {"S": "1"}})
    assert why.code == "ResourceNotFoundException"


def test_who_polls_a_queue_hears_of_a_message_that_came_by_another_process(processes: Processes) -> None:
    url = processes.worker("sqs").create_queue(QueueName=fresh("queue"))["QueueUrl"]
    got: list[Any] = []
    polling = threading.Thread(
        target=lambda: got.append(processes.worker("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20))
    )
    begun = time.monotonic()
    polling.start()
    processes.plane("sqs").send_message(QueueUrl=url, MessageBody="hello")
    polling.join(SECONDS)
    assert got[0]["Messages"][0]["Body"] == "hello"
    assert time.monotonic() - begun < 15  # not after the whole wait


def test_an_instance_that_was_started_through_one_is_known_to_the_backend_of_the_other(processes: Processes) -> None:
    """EC2's volumes are moto's, and its instances the journal's."""
    for one, other in ((processes.worker, processes.plane), (processes.plane, processes.worker)):
        instance = one("ec2").run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]
        zone = instance["Placement"]["AvailabilityZone"]
        volume = other("ec2").create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
        eventually(partial(_runs, other("ec2"), instance["InstanceId"]))
        other("ec2").attach_volume(VolumeId=volume, InstanceId=instance["InstanceId"], Device="/dev/sdf")
        found = one("ec2").describe_instances(InstanceIds=[instance["InstanceId"]])["Reservations"][0]["Instances"][0]
        assert volume in [it["Ebs"]["VolumeId"] for it in found["BlockDeviceMappings"]]


def _runs(ec2: Any, instance: str) -> bool:
    try:
        found = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
    except ClientError:
        return False
    return bool(found["State"]["Name"] == "running")


def test_eventbridge_is_told_by_a_worker_once_a_rule_is_there(processes: Processes) -> None:
    url = processes.plane("sqs").create_queue(QueueName=fresh("events"))["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{url.rpartition('/')[2]}"
    policy = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:*",
            "Resource": arn,
        }
    }
    processes.plane("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    events, name = processes.plane("events"), fresh("rule")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.ec2"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    instance = processes.worker("ec2").run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]

    def told() -> bool:
        found = processes.worker("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5)
        return any(instance["InstanceId"] in it["Body"] for it in found.get("Messages", ()))

    eventually(told)
    events.remove_targets(Rule=name, Ids=["queue"])


def test_a_stack_that_is_created_through_a_worker_is_made(processes: Processes) -> None:
    cloudformation, name = processes.worker("cloudformation"), fresh("stack")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE), Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    [output] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    processes.plane("sqs").send_message(QueueUrl=output["OutputValue"], MessageBody="m")
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})


def test_a_notification_that_cannot_be_sent_is_not_configured(processes: Processes) -> None:
    """The call is carried out in one process and taken back from the other."""
    s3, name = processes.worker("s3"), fresh("bucket")
    s3.create_bucket(Bucket=name)
    url = processes.plane("sqs").create_queue(QueueName=fresh("closed"))["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{url.rpartition('/')[2]}"
    wanted = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    why = refused(s3.put_bucket_notification_configuration, Bucket=name, NotificationConfiguration=wanted)
    assert why.code == "InvalidArgument"
    assert "QueueConfigurations" not in processes.plane("s3").get_bucket_notification_configuration(Bucket=name)
    policy = {
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "s3.amazonaws.com"},
            "Action": "sqs:*",
            "Resource": arn,
        }
    }
    processes.worker("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=wanted)
    s3.put_object(Bucket=name, Key="k", Body=b"")
    bodies: list[str] = []

    def told() -> bool:
        found = processes.worker("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10)
        bodies.extend(it["Body"] for it in found.get("Messages", ()))
        return any("ObjectCreated" in body for body in bodies)

    eventually(told)


def test_what_a_caller_waits_for_is_done_once(processes: Processes) -> None:
    """The service-linked role is made by an effect of the call, which the plane's own deliveries see as well."""
    autoscaling, name = processes.worker("autoscaling"), fresh("group")
    autoscaling.create_launch_configuration(LaunchConfigurationName=name, ImageId=IMAGE, InstanceType="t3.micro")
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=0, MaxSize=0, AvailabilityZones=["us-east-1a"]
    )
    role = processes.plane("iam").get_role(RoleName="AWSServiceRoleForAutoScaling")["Role"]
    assert role["Path"] == "/aws-service-role/autoscaling.amazonaws.com/"
    about = {"AttributeKey": "EventName", "AttributeValue": "CreateServiceLinkedRole"}
    found = [
        it
        for it in processes.worker("cloudtrail").lookup_events(LookupAttributes=[about])["Events"]
        if "autoscaling.amazonaws.com" in it["CloudTrailEvent"]
    ]
    assert len(found) == 1


@needs_namespaces
def test_a_function_runs_with_a_role_that_was_made_through_the_other_process(processes: Processes) -> None:
    role = fresh("role")
    arn = processes.worker("iam").create_role(
        RoleName=role, AssumeRolePolicyDocument=trusting(Service="lambda.amazonaws.com")
    )["Role"]["Arn"]
    with zipfile.ZipFile(package := io.BytesIO(), "w") as file:
        file.writestr("index.py", HANDLER)
    name = fresh("function")
    code = {"ZipFile": package.getvalue()}
    processes.worker("lambda").create_function(
        FunctionName=name, Runtime="python3.11", Role=arn, Handler="index.handler", Code=code, Timeout=60
    )
    answer = processes.worker("lambda").invoke(FunctionName=name, Payload=b'{"a": 1}')
    said = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, said
    assert said["said"] == {"a": 1}
    assert f":assumed-role/{role}/" in said["who"]


# -- decisions -----------------------------------------------------------------------------------------------


def test_a_session_of_one_process_is_one_of_the_other_at_once(processes: Processes) -> None:
    user, key = processes.running.user(allow("sts:AssumeRole"))
    for one, other in ((processes.worker, processes.plane), (processes.plane, processes.worker)):
        role = fresh("role")
        trust = trusting(AWS=f"arn:aws:iam::{ACCOUNT}:user/{user}")
        arn = one("iam").create_role(RoleName=role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        session = Key.of(one("sts", key).assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"])
        assert f":assumed-role/{role}/session" in other("sts", session).get_caller_identity()["Arn"]


def test_a_deny_through_one_process_holds_in_the_other_within_two_seconds(processes: Processes) -> None:
    user, key = processes.running.user(allow("s3:*"))
    for one, other in ((processes.worker, processes.plane), (processes.plane, processes.worker)):
        iam = one("iam")
        other("s3", key).list_buckets()
        policy = {"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}
        iam.put_user_policy(
            UserName=user, PolicyName="deny", PolicyDocument=json.dumps(policy | {"Version": "2012-10-17"})
        )
        denied = time.monotonic()
        s3 = other("s3", key)
        eventually(partial(_is_denied, s3))
        assert time.monotonic() - denied < 2
        iam.delete_user_policy(UserName=user, PolicyName="deny")
        eventually(partial(_is_allowed, s3))


def _is_denied(s3: Any) -> bool:
    try:
        s3.list_buckets()
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "AccessDenied")
    return False


def _is_allowed(s3: Any) -> bool:
    return not _is_denied(s3)


# -- health and metrics --------------------------------------------------------------------------------------


def test_metrics_are_those_of_all_processes_whichever_is_asked(processes: Processes) -> None:
    def counted(pid: int) -> dict[str, float]:
        text = _get(processes.port, pid, "/_locum/metrics")
        rows = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in rows}

    def calls(found: dict[str, float]) -> float:
        return found['locum_calls_total{service="sts",verdict="allowed",status="2xx"}']

    processes.worker("sts").get_caller_identity()
    before = calls(counted(processes.pid))
    processes.worker("sts").get_caller_identity()
    processes.plane("sts").get_caller_identity()
    for pid in (processes.pid, plane_pid(processes.running)):
        found = counted(pid)
        assert calls(found) == before + 2
        assert found["locum_workers"] == 1
        assert found['locum_build_info{version="0.1.0"}'] == 1


def test_attack_a_worker_that_stands_still_for_a_while_is_left_out_of_metrics_and_goes_on(processes: Processes) -> None:
    """It is as it was afterwards: nobody ends it because it did not tell its metrics in time."""
    plane = plane_pid(processes.running)
    with connection_to(processes.port, plane) as connection:  # while the worker takes its part of them
        os.kill(processes.pid, signal.SIGSTOP)
        try:
            assert "\nlocum_workers 0" in _answered(connection, "/_locum/metrics")[1]
        finally:
            os.kill(processes.pid, signal.SIGCONT)
    eventually(lambda: "\nlocum_workers 1" in _get(processes.port, plane, "/_locum/metrics"))
    assert worker_pids(processes.running) == {processes.pid}
    assert processes.worker("sts").get_caller_identity()["Account"] == ACCOUNT


def test_a_worker_says_that_it_is_well(processes: Processes) -> None:
    assert json.loads(_get(processes.port, processes.pid, "/_locum/health"))["status"] == "ok"


def test_a_worker_is_ready_when_its_plane_is(processes: Processes) -> None:
    assert json.loads(_get(processes.port, processes.pid, "/_locum/ready"))["ready"]


def _get(port: int, pid: int, path: str) -> str:
    with connection_to(port, pid) as connection:
        status, body = _answered(connection, path)
    assert status == 200
    return body


def _answered(connection: socket.socket, path: str) -> tuple[int, str]:
    """The answer to a request over a connection that it closes."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    said = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    head, _, body = said.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


# -- what one plane cannot be with several processes ---------------------------------------------------------


def test_the_clock_of_several_processes_is_not_moved(processes: Processes) -> None:
    done = processes.running.locum("clock", "+1h")
    assert done.returncode == 1
    assert "several processes" in done.stderr


def test_a_fault_that_only_one_process_would_have_is_not_set(processes: Processes) -> None:
    done = finished([LOCUM, "fault", "sqs", "--data", str(processes.running.data), "--throttle", "100%"])
    assert done.returncode == 1
    assert "several processes" in done.stderr


@pytest.mark.nightly
def test_a_second_plane_in_the_directory_is_refused_by_whichever_name(processes: Processes, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.symlink_to(processes.running.data)
    for data in (processes.running.data, other):
        for workers in ("1", "2"):
            done = finished([LOCUM, "up", "--data", str(data), "--port", "0", "--workers", workers, "--no-console"])
            assert done.returncode == 1
            assert "in use" in done.stderr or "another process" in done.stderr


@pytest.mark.nightly
def test_a_port_that_workers_share_is_not_shared_with_another_plane(processes: Processes, tmp_path: Path) -> None:
    for workers in ("1", "2"):
        line = [LOCUM, "up", "--data", str(tmp_path / "d"), "--port", str(processes.port)]
        done = finished([*line, "--workers", workers, "--no-console"])
        assert done.returncode == 1
        assert "is in use" in done.stderr
    assert not (tmp_path / "d").exists()


# -- ends ----------------------------------------------------------------------------------------------------


@pytest.mark.nightly
def test_a_worker_that_is_killed_under_load_loses_nothing_acknowledged_and_comes_back(tmp_path: Path) -> None:
    with up(tmp_path, "--workers", "2", "--no-console") as plane:
        table, over = plane.table(), threading.Event()
        acknowledged: list[str] = []
        threads = [threading.Thread(target=_write, args=(plane, table, n, acknowledged, over)) for n in range(4)]
        for thread in threads:
            thread.start()
        [first] = worker_pids(plane)
        eventually(lambda: len(acknowledged) > 20)
        os.kill(first, signal.SIGKILL)
        before = len(acknowledged)
        eventually(lambda: len(acknowledged) > before + 20)
        [second] = eventually(lambda: worker_pids(plane) - {first})
        with through(plane, second) as endpoint:
            boto3_client("sts", endpoint, plane.root).get_caller_identity()
        over.set()
        for thread in threads:
            thread.join()
        iam, dynamodb = plane.client("iam"), plane.client("dynamodb")
        kept = {it["UserName"] for page in iam.get_paginator("list_users").paginate() for it in page["Users"]}
        assert set(acknowledged) <= kept
        for name in acknowledged:
            assert "Item" in dynamodb.get_item(TableName=table, Key={"k": {"S": name}}), name
        log = (plane.data / "locum.log").read_text()
        assert "worker 1 ended (signal SIGKILL)" in log


def _write(plane: RunningPlane, table: str, number: int, acknowledged: list[str], over: threading.Event) -> None:
    """Make users, and items of a table, each over a connection of its own."""
    count = 0
    while not over.is_set():
        count += 1
        name = f"user-{number}-{count}"
        try:
            plane.client("dynamodb").put_item(TableName=table, Item={"k": {"S": name}})
            plane.client("iam").create_user(UserName=name)
        except (BotoCoreError, ClientError):
            continue
        acknowledged.append(name)


@pytest.mark.nightly
def test_workers_end_with_their_plane_however_it_ends(tmp_path: Path) -> None:
    with up(tmp_path, "--workers", "3", "--no-console") as plane:
        workers = worker_pids(plane)
        assert len(workers) == 2
        watched = [os.pidfd_open(pid) for pid in workers]
        os.kill(plane_pid(plane), signal.SIGKILL)
        for descriptor in watched:
            _wait_for_end(descriptor)
        plane.kill()
        plane.start()
        assert len(worker_pids(plane)) == 2
        watched = [os.pidfd_open(pid) for pid in worker_pids(plane)]
        plane.stop()
        for descriptor in watched:
            _wait_for_end(descriptor)
        plane.start()


def _wait_for_end(descriptor: int) -> None:
    assert select.select([descriptor], [], [], SECONDS)[0]
    os.close(descriptor)


@pytest.mark.nightly
def test_a_request_under_way_is_answered_by_a_worker_that_ends(tmp_path: Path) -> None:
    with up(tmp_path, "--workers", "2", "--no-console") as plane:
        [pid] = worker_pids(plane)
        port = int(plane.endpoint.rpartition(":")[2])
        with connection_to(port, pid) as connection:
            head = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 43\r\nExpect: 100-continue\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 100")
            os.kill(pid, signal.SIGTERM)
            eventually(lambda: listening(port) == {plane_pid(plane)})
            connection.sendall(b"Action=GetCallerIdentity&Version=2011-06-15")
            assert b"MissingAuthenticationToken" in connection.recv(1 << 16)
        eventually(lambda: listening(port) > {plane_pid(plane)})


@pytest.mark.nightly
def test_all_processes_drain_and_none_waits_longer_than_told(tmp_path: Path) -> None:
    with up(tmp_path, "--workers", "2", "--no-console", "--drain", "3600") as plane:
        [worker] = worker_pids(plane)
        port = int(plane.endpoint.rpartition(":")[2])
        os.kill(plane_pid(plane), signal.SIGTERM)
        for pid in (worker, plane_pid(plane)):
            eventually(lambda pid=pid: _draining(port, pid))  # type: ignore[misc]
        plane.stop()  # the second signal
        assert _is_over(worker)
        plane.start("--drain", "0")


def _draining(port: int, pid: int) -> bool:
    with connection_to(port, pid) as connection:
        status, body = _answered(connection, "/_locum/ready")
    return status == 503 and json.loads(body)["reason"] == "draining"


def _is_over(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


# -- attacks -------------------------------------------------------------------------------------------------


def test_another_process_of_the_machine_gets_nothing_at_the_socket_of_the_backend(processes: Processes) -> None:
    path = processes.running.data / "backend.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(path))
        stranger.recv(4 + 32, socket.MSG_WAITALL)
        stranger.sendall((64).to_bytes(4, "big") + bytes(64))
        assert stranger.recv(1) == b""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_another_user_of_the_machine_does_not_get_to_the_socket(processes: Processes) -> None:
    path = processes.running.data / "backend.sock"
    code = f"import socket; socket.socket(socket.AF_UNIX).connect({str(path)!r})"
    done = finished(["/usr/bin/python3", "-c", code], user=65534, group=65534, env={})
    assert "PermissionError" in done.stderr
