"""An application that knows nothing of where it runs: who it is, what is in one bucket, and what it is told of another.

python app.py BUCKET OTHER      or, as a Lambda function, `handler` with {"buckets": [BUCKET, OTHER]}
"""

from __future__ import annotations

import sys
from typing import Any

import boto3
from botocore.exceptions import ClientError


def told(bucket: str, other: str) -> list[str]:
    """The ARN of its identity, the keys of the objects in `bucket`, and the error code of a list of `other`."""
    s3 = boto3.client("s3")
    keys = ",".join(found["Key"] for found in s3.list_objects_v2(Bucket=bucket)["Contents"])
    try:
        s3.list_objects_v2(Bucket=other)
    except ClientError as error:
        return [boto3.client("sts").get_caller_identity()["Arn"], keys, error.response["Error"]["Code"]]
    return ["nobody refused"]


def handler(event: dict[str, Any], _context: object) -> list[str]:
    """The same as a Lambda function."""
    return told(*event["buckets"])


if __name__ == "__main__":
    sys.stdout.write("\n".join(told(*sys.argv[1:])) + "\n")
