"""A small application inside an instance: it does what it is told on stdin, one JSON line at a time.

    {"imds": PATH}                                            -> {"text": ...} | {"error": ...}
    {"service": S, "operation": O, "parameters": {...}}       -> {"answer": ...} | {"error": ..., "code", "request_id"}

It knows nothing of Locum: its credentials, region and endpoint are what an AWS SDK finds by itself. Each call is
made by a session of its own, as a program would that has just been started.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from typing import Any, Final
from urllib.parse import urlsplit

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

METADATA_SERVICE: Final = "http://169.254.169.254/"
_TTL: Final = "60"
_SECONDS: Final = 10


def metadata(path: str) -> str:
    """What the metadata service answers at /latest/meta-data/`path`, asked the IMDSv2 way. Raises OSError."""
    parts = urlsplit(os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", METADATA_SERVICE))
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_SECONDS)
    try:
        token = _ask(connection, "PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": _TTL})
        return _ask(connection, "GET", f"/latest/meta-data/{path}", {"X-aws-ec2-metadata-token": token})
    finally:
        connection.close()


def _ask(connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str]) -> str:
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != 200:
        raise OSError(f"{method} {path}: {answer.status} {answer.reason}")
    return text


def call(service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The answer of `operation` (by its boto3 name), a streamed body as text. Raises botocore's errors."""
    client = botocore.session.Session().create_client(service)
    try:
        answer: dict[str, Any] = getattr(client, operation)(**parameters)
        if "Body" in answer:
            answer["Body"] = answer["Body"].read().decode()
        return answer
    finally:
        client.close()


def obey(line: str) -> dict[str, Any]:
    """The answer to one line."""
    asked = json.loads(line)
    try:
        if "imds" in asked:
            return {"text": metadata(asked["imds"])}
        return {"answer": call(asked["service"], asked["operation"], asked["parameters"])}
    except ClientError as error:
        told = error.response
        return {
            "error": told["Error"].get("Message", ""),
            "code": told["Error"].get("Code", ""),
            "request_id": told["ResponseMetadata"].get("RequestId", ""),
        }
    except (BotoCoreError, OSError) as error:
        return {"error": str(error), "code": type(error).__name__, "request_id": ""}


def main() -> None:
    """Obey until there is nothing more to read."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(obey(line), default=str) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
