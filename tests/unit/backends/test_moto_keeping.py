"""moto's data is there after a restart, as it was; after a kill, as it was in the latest snapshot."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore.exceptions import ClientError

from locum.backends.kept_files import KeptFiles
from locum.backends.moto.keeping import TOGETHER, forget_everything, parts_of, pause_after, unit_of
from locum.backends.moto.models import backends_of
from locum.backends.moto.pickling import CannotBeKept, Pickled, Source, unpickled
from support.inprocess import InProcess
from support.kept import keeper, keeping, killed, restarted


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    found = keeping(tmp_path / "data")
    yield found
    found.close()


def backend(plane: InProcess) -> Path:
    return plane.node.options.data / "backend"


def files(plane: InProcess) -> KeptFiles:
    assert plane.node.kept is not None
    return plane.node.kept


# -- S3 --------------------------------------------------------------------------------------------------


def test_a_bucket_has_its_versions_tags_and_policy(plane: InProcess) -> None:
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::kept/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    s3.put_public_access_block(Bucket="kept", PublicAccessBlockConfiguration={"BlockPublicPolicy": False})
    s3.put_bucket_policy(Bucket="kept", Policy=policy)
    s3.put_bucket_tagging(Bucket="kept", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    first = s3.put_object(Bucket="kept", Key="k", Body=b"one", Metadata={"a_b": "c"}, Tagging="t=u")["VersionId"]
    s3.put_object(Bucket="kept", Key="k", Body=b"two")
    s3.delete_object(Bucket="kept", Key="k")
    upload = s3.create_multipart_upload(Bucket="kept", Key="parts")["UploadId"]
    part = s3.upload_part(Bucket="kept", Key="parts", UploadId=upload, PartNumber=1, Body=b"part")
    restarted(plane)
    s3 = plane.client("s3")
    found = s3.get_object(Bucket="kept", Key="k", VersionId=first)
    assert (found["Body"].read(), found["Metadata"]) == (b"one", {"a_b": "c"})
    assert s3.get_object_tagging(Bucket="kept", Key="k", VersionId=first)["TagSet"] == [{"Key": "t", "Value": "u"}]
    assert len(s3.list_object_versions(Bucket="kept")["Versions"]) == 2
    assert len(s3.list_object_versions(Bucket="kept")["DeleteMarkers"]) == 1
    assert json.loads(s3.get_bucket_policy(Bucket="kept")["Policy"]) == json.loads(policy)
    assert s3.get_bucket_tagging(Bucket="kept")["TagSet"] == [{"Key": "a", "Value": "b"}]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket="kept", Key="parts", UploadId=upload, MultipartUpload=parts)
    assert s3.get_object(Bucket="kept", Key="parts")["Body"].read() == b"part"


def test_a_large_object_is_written_once_and_not_with_every_snapshot(plane: InProcess) -> None:
    s3, octets = plane.client("s3"), b"0123456789abcdef" * (1 << 17)  # 2 MiB
    s3.create_bucket(Bucket="large")
    s3.put_object(Bucket="large", Key="k", Body=octets)
    keeper(plane).save()
    (path,) = (backend(plane) / "objects").iterdir()
    written = path.stat()
    s3.put_object(Bucket="large", Key="small", Body=b"small")
    keeper(plane).save()
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)
    assert (backend(plane) / "s3.snapshot").stat().st_size < 1 << 16
    restarted(plane)
    s3 = plane.client("s3")
    assert s3.get_object(Bucket="large", Key="k")["Body"].read() == octets
    assert s3.get_object(Bucket="large", Key="k", Range="bytes=-3")["Body"].read() == b"def"
    s3.put_object(Bucket="large", Key="other", Body=b"")
    keeper(plane).save()
    assert path.stat().st_ino == written.st_ino  # of what was read it is known, too
    s3.delete_object(Bucket="large", Key="k")
    keeper(plane).save()
    assert not list((backend(plane) / "objects").iterdir())


def test_an_object_whose_octets_are_gone_takes_nothing_else_with_it(plane: InProcess) -> None:
    """The snapshot is refused and kept; what is read is not made up."""
    s3 = plane.client("s3")
    s3.create_bucket(Bucket="broken")
    s3.put_object(Bucket="broken", Key="k", Body=bytes(2 << 20))
    plane.client("sqs").create_queue(QueueName="whole")
    plane.close()
    (path,) = (backend(plane) / "objects").iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    plane.start()
    assert plane.client("s3").list_buckets()["Buckets"] == []
    assert (backend(plane) / "s3.snapshot.refused-1").exists()
    assert plane.client("sqs").get_queue_url(QueueName="whole")


# -- others ----------------------------------------------------------------------------------------------


def test_a_table_and_a_queue_have_what_was_put_into_them(plane: InProcess) -> None:
    table, sqs = plane.client("dynamodb"), plane.client("sqs")
    table.create_table(
        TableName="t",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )
    table.put_item(TableName="t", Item={"k": {"S": "a"}, "n": {"N": "1.5"}, "b": {"B": b"\x00\xff"}, "l": {"L": []}})
    url = sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "0"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="first", MessageAttributes={"a": _text("b")})
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    restarted(plane)
    table, sqs = plane.client("dynamodb"), plane.client("sqs")
    (item,) = table.scan(TableName="t")["Items"]
    assert item == {"k": {"S": "a"}, "n": {"N": "1.5"}, "b": {"B": b"\x00\xff"}, "l": {"L": []}}
    (message,) = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert (message["Body"], message["MessageAttributes"]["a"]["StringValue"]) == ("first", "b")
    counted = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesDelayed"])
    assert counted["Attributes"] == {"ApproximateNumberOfMessagesDelayed": "1"}


def iterator() -> Iterator[int]:
    yield 1


class Broken:
    """What cannot say how it is pickled."""

    def __reduce__(self) -> Any:
        raise KeyError("gone")


def _text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def test_a_key_decrypts_what_it_encrypted_before(plane: InProcess) -> None:
    kms = plane.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    pair = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["KeyId"]
    sealed = kms.encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    signed = kms.sign(KeyId=pair, Message=b"said", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    restarted(plane)
    kms = plane.client("kms")
    assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"secret"
    checked = {"KeyId": pair, "Message": b"said", "Signature": signed, "SigningAlgorithm": "ECDSA_SHA_256"}
    assert kms.verify(**checked)["SignatureValid"]


def test_a_topic_delivers_to_the_queue_that_is_subscribed(plane: InProcess) -> None:
    sns, sqs = plane.client("sns"), plane.client("sqs")
    topic = sns.create_topic(Name="news")["TopicArn"]
    url = sqs.create_queue(QueueName="readers")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:{plane.node.account}:readers"
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "*", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    subscribed = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": arn, "Attributes": {"RawMessageDelivery": "true"}}
    sns.subscribe(**subscribed)
    restarted(plane)
    plane.client("sns").publish(TopicArn=topic, Message="there")
    plane.carry_out()
    (message,) = plane.client("sqs").receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "there"


def test_what_is_of_another_account_stays_of_it(plane: InProcess) -> None:
    other = plane.account("940000000000")
    plane.client("sqs").create_queue(QueueName="mine")
    plane.client("sqs", other, region="eu-west-1").create_queue(QueueName="yours")
    restarted(plane)
    assert [url.rpartition("/")[2] for url in plane.client("sqs").list_queues()["QueueUrls"]] == ["mine"]
    theirs = plane.client("sqs", other, region="eu-west-1").list_queues()["QueueUrls"]
    assert [url.rpartition("/")[2] for url in theirs] == ["yours"]


def test_an_access_point_is_found_by_its_alias(plane: InProcess) -> None:
    plane.client("s3").create_bucket(Bucket="behind")
    plane.client("s3").put_object(Bucket="behind", Key="k", Body=b"there")
    control = plane.client("s3control", inject_host_prefix=False)
    alias = control.create_access_point(AccountId=plane.node.account, Name="point", Bucket="behind")["Alias"]
    restarted(plane)
    assert plane.client("s3").get_object(Bucket=alias, Key="k")["Body"].read() == b"there"


def test_a_restart_takes_no_longer_for_what_is_kept(plane: InProcess) -> None:
    """Nothing is read before it is needed, and of others nothing with it."""
    plane.client("sqs").create_queue(QueueName="q")
    plane.client("kms").create_key()
    restarted(plane)
    read: list[str] = []
    kept = files(plane)
    original = kept.read

    def noted(unit: str) -> bytes:
        read.append(unit)
        return original(unit)

    kept.read = noted  # type: ignore[method-assign]
    assert plane.client("sts").get_caller_identity()
    assert plane.node.runtime.backends.default.in_use("sqs")
    assert not plane.node.runtime.backends.default.in_use("sns")
    assert read == []
    plane.client("sqs").list_queues()
    assert read == ["sqs"]


def test_only_what_has_changed_is_written(plane: InProcess) -> None:
    plane.client("sqs").create_queue(QueueName="q")
    plane.client("kms").create_key()
    keeper(plane).save()
    before = {path.name: path.stat().st_ino for path in backend(plane).glob("*.snapshot")}
    plane.client("sqs").list_queues()
    plane.client("kms").create_key()
    plane.close()
    after = {path.name: path.stat().st_ino for path in backend(plane).glob("*.snapshot")}
    plane.start()
    assert before["sqs.snapshot"] == after["sqs.snapshot"]
    assert before["kms.snapshot"] != after["kms.snapshot"]


# -- ends ------------------------------------------------------------------------------------------------


def test_after_a_kill_there_is_what_the_latest_snapshot_has_and_the_rest_is_told(
    plane: InProcess, caplog: pytest.LogCaptureFixture
) -> None:
    sqs = plane.client("sqs")
    sqs.create_queue(QueueName="before")
    keeper(plane).save()
    sqs.create_queue(QueueName="after")
    plane.client("kms").create_key()
    killed(plane)
    assert [url.rpartition("/")[2] for url in plane.client("sqs").list_queues()["QueueUrls"]] == ["before"]
    assert "what was last changed in sqs is missing: it is there as it was at 20" in caplog.text
    assert "what was last changed in kms is missing: nothing of it was kept" in caplog.text
    caplog.clear()
    restarted(plane)
    assert "missing" not in caplog.text


def test_a_change_while_a_snapshot_is_written_is_in_the_next_one(plane: InProcess) -> None:
    sqs, kept = plane.client("sqs"), files(plane)
    sqs.create_queue(QueueName="first")
    write = kept.write

    def write_later(*given: Any) -> None:
        sqs.create_queue(QueueName="second")
        write(*given)

    kept.write = write_later  # type: ignore[method-assign, assignment]
    keeper(plane).save()
    kept.write = write  # type: ignore[method-assign]
    assert (backend(plane) / "sqs.changed").exists()
    keeper(plane).save()
    assert not (backend(plane) / "sqs.changed").exists()
    killed(plane)
    assert len(plane.client("sqs").list_queues()["QueueUrls"]) == 2


def test_a_change_at_the_end_of_a_wait_is_in_the_next_snapshot(
    plane: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    swf, kept = plane.client("swf"), {"defaultTaskStartToCloseTimeout": "60", "defaultChildPolicy": "TERMINATE"}
    swf.register_domain(name="d", workflowExecutionRetentionPeriodInDays="1")
    times = {"defaultExecutionStartToCloseTimeout": "60", "defaultTaskList": {"name": "l"}}
    swf.register_workflow_type(domain="d", name="w", version="1", **kept, **times)
    swf.start_workflow_execution(domain="d", workflowId="i", workflowType={"name": "w", "version": "1"})
    models = backends_of("swf")[plane.node.account]["us-east-1"]
    poll = type(models).poll_for_decision_task

    def after_a_snapshot(*given: Any, **named: Any) -> Any:
        keeper(plane).save()
        return poll(*given, **named)

    monkeypatch.setattr(type(models), "poll_for_decision_task", after_a_snapshot)
    token = swf.poll_for_decision_task(domain="d", taskList={"name": "l"})["taskToken"]
    keeper(plane).save()
    killed(plane)
    plane.client("swf").respond_decision_task_completed(taskToken=token, decisions=[])


def test_a_disk_that_is_full_is_told_and_what_was_kept_stays(
    plane: InProcess, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane.client("sqs").create_queue(QueueName="kept")
    keeper(plane).save()
    plane.client("sqs").create_queue(QueueName="lost")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(KeptFiles, "write", full)
        keeper(plane).save()
        keeper(plane).save()
        assert caplog.text.count("sqs cannot be kept: No space left on device") == 1
        restarted(plane)
    assert "what was last changed in sqs is missing (sqs cannot be kept: No space left on device)" in caplog.text
    assert [url.rpartition("/")[2] for url in plane.client("sqs").list_queues()["QueueUrls"]] == ["kept"]


def test_a_service_that_cannot_be_kept_is_told_by_name_and_the_others_are_kept(
    plane: InProcess, caplog: pytest.LogCaptureFixture
) -> None:
    plane.client("sqs").create_queue(QueueName="kept")
    key = plane.client("kms").create_key()["KeyMetadata"]["KeyId"]
    backends_of("kms")[plane.node.account]["us-east-1"].keys[key].process = iterator()
    keeper(plane).save()
    keeper(plane).save()
    assert caplog.text.count("kms cannot be kept: cannot pickle 'generator' object") == 1
    restarted(plane)
    assert "what was last changed in kms is missing (kms cannot be kept: cannot pickle 'generator'" in caplog.text
    assert plane.client("sqs").list_queues()["QueueUrls"]
    assert plane.client("kms").list_keys()["Keys"] == []


def test_a_service_whose_own_pickling_fails_keeps_no_other_from_being_kept(plane: InProcess) -> None:
    key = plane.client("kms").create_key()["KeyMetadata"]["KeyId"]
    plane.client("sqs").create_queue(QueueName="kept")
    backends_of("kms")[plane.node.account]["us-east-1"].keys[key].broken = Broken()
    keeper(plane).save()
    assert (backend(plane) / "sqs.snapshot").exists()
    restarted(plane)
    assert plane.client("sqs").list_queues()["QueueUrls"]


def test_a_change_while_a_service_cannot_be_kept_is_kept(plane: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    plane.client("kms").create_key()

    def refused(_pickled: Pickled) -> None:
        plane.client("kms").create_key()
        raise CannotBeKept("it is in between")

    with monkeypatch.context() as patched:
        patched.setattr("locum.backends.moto.keeping.proven", refused)
        keeper(plane).save()
    keeper(plane).save()
    killed(plane)
    assert len(plane.client("kms").list_keys()["Keys"]) == 2


def test_a_snapshot_that_does_not_open_leaves_the_service_usable(plane: InProcess) -> None:
    plane.client("sqs").create_queue(QueueName="gone")
    plane.close()
    path = backend(plane) / "sqs.snapshot"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    plane.start()
    assert "QueueUrls" not in plane.client("sqs").list_queues()
    plane.client("sqs").create_queue(QueueName="new")
    restarted(plane)
    assert [url.rpartition("/")[2] for url in plane.client("sqs").list_queues()["QueueUrls"]] == ["new"]
    assert (backend(plane) / "sqs.snapshot.refused-1").exists()


def test_a_plane_that_is_ephemeral_neither_writes_nor_reads(tmp_path: Path) -> None:
    plane = keeping(tmp_path / "data")
    plane.client("sqs").create_queue(QueueName="kept")
    plane.close()
    snapshot = (backend(plane) / "sqs.snapshot").read_bytes()
    passing = InProcess(tmp_path / "data")
    forget_everything()  # which a process of its own would not have
    assert "QueueUrls" not in passing.client("sqs").list_queues()
    passing.client("sqs").create_queue(QueueName="passing")
    passing.close()
    assert (backend(plane) / "sqs.snapshot").read_bytes() == snapshot
    plane.start()
    assert [url.rpartition("/")[2] for url in plane.client("sqs").list_queues()["QueueUrls"]] == ["kept"]
    plane.close()


def test_a_clock_that_goes_back_keeps_what_is_kept(plane: InProcess) -> None:
    key = plane.client("kms").create_key()["KeyMetadata"]["KeyId"]
    keeper(plane)._clock = lambda: 4_000_000_000.0
    restarted(plane)
    assert plane.client("kms").describe_key(KeyId=key)
    plane.client("kms").create_key()
    keeper(plane).save()
    assert not (backend(plane) / "kms.changed").exists()
    assert files(plane).headers["kms"].at < 4_000_000_000.0


def test_attack_a_clock_that_leaps_while_a_snapshot_is_written_puts_the_next_one_off_for_no_day() -> None:
    assert [pause_after(spent) for spent in (0.0, 0.1, 86_400.0)] == [0.0, 2.0, 600.0]


def test_a_call_that_only_reads_marks_nothing(plane: InProcess) -> None:
    with pytest.raises(ClientError):
        plane.client("sqs").get_queue_url(QueueName="none")
    plane.client("s3").list_buckets()
    assert not backend(plane).exists()


def test_a_service_that_another_one_changes_is_kept_too(plane: InProcess) -> None:
    """Application Auto Scaling has alarms of its own in CloudWatch."""
    scaling = plane.client("application-autoscaling")
    target = {"ServiceNamespace": "dynamodb", "ResourceId": "table/t"}
    target["ScalableDimension"] = "dynamodb:table:ReadCapacityUnits"
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=5)
    metric = {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"}
    tracked = {"TargetValue": 50.0, "PredefinedMetricSpecification": metric}
    scaling.put_scaling_policy(
        **target, PolicyName="p", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=tracked
    )
    plane.close()
    assert (backend(plane) / "cloudwatch.snapshot").exists()
    plane.start()
    alarms = plane.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert {alarm["MetricName"] for alarm in alarms} >= {"ConsumedReadCapacityUnits"}


# -- pickles ---------------------------------------------------------------------------------------------


def again(value: Any) -> Any:
    nowhere = Source(lambda *_: None, lambda _: pytest.fail("no body is left out"))
    return unpickled(Pickled(value, frozenset(), 1 << 20, lambda: "x").content, nowhere)


def test_a_function_inside_of_another_one_keeps_what_it_closes_over() -> None:
    def adder(more: int, at: int = 3) -> Any:
        return lambda n, m=2: n + m + more + at

    assert again(adder(10))(1) == 16


def test_what_would_not_be_the_same_again_is_refused() -> None:
    for value in (iterator(), io.FileIO(0, closefd=False), Thread(), Broken()):
        with pytest.raises(CannotBeKept):
            Pickled([value], frozenset(), 1, lambda: "x")


def test_a_part_of_moto_is_in_one_unit() -> None:
    every = [part for parts in TOGETHER for part in parts]
    assert len(every) == len(set(every))
    assert all(part in parts_of(unit_of(part)) for part in [*every, "sqs"])
