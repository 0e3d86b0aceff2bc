"""Calls by whichever boto3 runs this: lines of [service, operation, parameters] in, lines of [answer, error] out."""

from __future__ import annotations

import json
import sys

import boto3
from botocore.exceptions import ClientError

for line in sys.stdin:
    service, operation, parameters = json.loads(line)
    answer, error = {}, None
    try:
        answer = getattr(boto3.client(service), operation)(**parameters)
    except ClientError as refused:
        error = [refused.response["Error"]["Code"], refused.response["Error"]["Message"]]
    answer.pop("ResponseMetadata", None)
    sys.stdout.write(f"{json.dumps([answer, error], default=str)}\n")
