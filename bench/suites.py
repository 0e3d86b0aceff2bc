"""A suite of 200 tests that use S3, SQS and DynamoDB: with `locum_account`, and the same tests with moto's `mock_aws`.

Each test of Locum's has an account of its own, and its calls, over HTTP, are authorized and recorded. moto answers in
the process of the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.report import Row

TESTS = 200

_WORK = """
import boto3, pytest

def work(client, number):
    s3, sqs, dynamodb = client("s3"), client("sqs"), client("dynamodb")
    s3.create_bucket(Bucket="data")
    for key in range(3):
        s3.put_object(Bucket="data", Key=str(key), Body=b"x" * number)
    assert s3.get_object(Bucket="data", Key="1")["ContentLength"] == number
    assert s3.list_objects_v2(Bucket="data")["KeyCount"] == 3
    url = sqs.create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=str(number))
    assert sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == str(number)
    key = {"AttributeName": "id", "KeyType": "HASH"}
    dynamodb.create_table(TableName="t", KeySchema=[key], BillingMode="PAY_PER_REQUEST",
                          AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
    dynamodb.put_item(TableName="t", Item={"id": {"S": "a"}, "n": {"N": str(number)}})
    assert dynamodb.get_item(TableName="t", Key={"id": {"S": "a"}})["Item"]["n"] == {"N": str(number)}
"""

_OURS = f"""{_WORK}
@pytest.mark.parametrize("number", range({TESTS}))
def test_work(locum_account, number):
    work(locum_account.client, number)
"""

_THEIRS = f"""{_WORK}
from moto import mock_aws

@mock_aws
@pytest.mark.parametrize("number", range({TESTS}))
def test_work(number):
    work(lambda service: boto3.client(service, region_name="us-east-1"), number)
"""


def rows(rounds: int) -> list[Row]:
    """The row of whole suites, which take turns: from the start of pytest to its end, in seconds."""
    ours, theirs = list[float](), list[float]()
    for _ in range(rounds):
        ours.append(_run(_OURS))
        theirs.append(_run(_THEIRS))
    return [Row(f"suite of {TESTS} tests", "mock_aws", "s", median(ours), median(theirs), 1, cost=True)]


def _run(text: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_suite.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_suite.py"]
        begun = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False)
        took = time.perf_counter() - begun
    if f"{TESTS} passed" not in done.stdout:
        raise RuntimeError(done.stdout)
    return took


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
