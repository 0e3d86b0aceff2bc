"""A program inside an instance that executes requests from standard input, one per line of JSON.

    {"imds": PATH}                                            -> {"text": ...} | {"error": ...}
    {"service": S, "operation": O, "parameters": {...}}       -> {"answer": ...} | {"error": ..., "code", "request_id"}

Its credentials, region and endpoint are those that an AWS SDK finds by itself. Each call has a new session, as in a
program that was just started.
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
    """Read /latest/meta-data/`path` from the metadata service, with IMDSv2. Raises OSError."""
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
    """Call `operation` (its boto3 name) and return the answer, a streamed body as text. Raises botocore's errors."""
    client = botocore.session.Session().create_client(service)
    try:
        answer: dict[str, Any] = getattr(client, operation)(**parameters)
        if "Body" in answer:
            answer["Body"] = answer["Body"].read().decode()
        return answer
    finally:
        client.close()


def respond(line: str) -> dict[str, Any]:
    """Execute the request in one line and return the response."""
    request = json.loads(line)
    try:
        if "imds" in request:
            return {"text": metadata(request["imds"])}
        return {"answer": call(request["service"], request["operation"], request["parameters"])}
    except ClientError as error:
        response = error.response
        return {
            "error": response["Error"].get("Message", ""),
            "code": response["Error"].get("Code", ""),
            "request_id": response["ResponseMetadata"].get("RequestId", ""),
        }
    except (BotoCoreError, OSError) as error:
        return {"error": str(error), "code": type(error).__name__, "request_id": ""}


def main() -> None:
    """Execute requests until the end of standard input."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(respond(line), default=str) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
