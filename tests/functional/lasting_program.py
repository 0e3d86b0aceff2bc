"""An application that outlives planes: it lists buckets and reads its instance id, ten times a second.

It finds what an AWS SDK finds, once: clients, credentials and a metadata token are those of its start. Each line is a
round: {"mark": ..., "key": ACCESS-KEY-ID, "id": ..., "buckets": OUTCOME, "metadata": OUTCOME}. An outcome is "ok",
"connection" where there was no answer, and anything else is wrong. `mark` is the last line that it was told. It ends
with its input.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import sys
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

METADATA: Final = urlsplit(os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254/"))
TOKEN: Final = "X-aws-ec2-metadata-token"
PAUSE: Final = 0.1


def asked(method: str, path: str, headers: dict[str, str]) -> str:
    connection = http.client.HTTPConnection(METADATA.hostname or "", METADATA.port or 80, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    if answer.status != 200:
        raise ValueError(f"{method} {path}: {answer.status}")
    return text


class Application:
    def __init__(self) -> None:
        session = boto3.session.Session()
        self.s3 = session.client("s3", config=Config(retries={"total_max_attempts": 1}))
        self.key = session.get_credentials().access_key
        self.token = asked("PUT", "/latest/api/token", {f"{TOKEN}-ttl-seconds": "21600"})
        self.id = asked("GET", "/latest/meta-data/instance-id", {TOKEN: self.token})

    def buckets(self) -> str:
        try:
            self.s3.list_buckets()
        except (EndpointConnectionError, HTTPClientError):
            return "connection"
        except ClientError as error:
            return str(error)
        return "ok"

    def metadata(self) -> str:
        try:
            told = asked("GET", "/latest/meta-data/instance-id", {TOKEN: self.token})
        except (OSError, http.client.HTTPException):
            return "connection"
        except ValueError as error:
            return str(error)
        return "ok" if told == self.id else told

    def round(self, mark: str) -> dict[str, Any]:
        outcomes = {"buckets": self.buckets(), "metadata": self.metadata()}
        return {"mark": mark, "key": self.key, "id": self.id, **outcomes}


def main() -> None:
    application, mark = Application(), ""
    while True:
        sys.stdout.write(json.dumps(application.round(mark)) + "\n")
        sys.stdout.flush()
        if select.select([sys.stdin], [], [], PAUSE)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            mark = line.rstrip("\n")


if __name__ == "__main__":
    main()
