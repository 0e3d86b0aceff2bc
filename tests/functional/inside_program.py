"""What runs inside an instance in the functional tests: it knows nothing of Locum, only what an AWS SDK finds.

One JSON object a line on standard input, one on standard output:

    {"call": [SERVICE, OPERATION, PARAMETERS]}   -> {"answer": ...} or {"refused": [CODE, STATUS, MESSAGE, REQUEST-ID]}
    {"http": [METHOD, PATH, HEADERS]}            -> [STATUS, BODY, HEADERS] of the metadata service
    {"page": [HOST, PATH]}                       -> [STATUS, BODY] of GET at another host, on port 80
    {"read": FILE}                               -> its text, or null
    {"list": DIRECTORY}                          -> the names in it, or null
    {"environ": true}                            -> the environment
    {"reach": [HOST, PORT]}                      -> whether anybody accepts a connection there
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

METADATA = urlsplit(os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254/"))


@cache
def client(service: str) -> Any:
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}))


def call(service: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = getattr(client(service), operation)(**parameters)
    except ClientError as error:
        told, metadata = error.response["Error"], error.response["ResponseMetadata"]
        return {"refused": [told["Code"], metadata["HTTPStatusCode"], told["Message"], metadata["RequestId"]]}
    if "Body" in answer:
        answer["Body"] = answer["Body"].read().decode()
    return {"answer": answer}


def ask(method: str, path: str, headers: dict[str, str]) -> list[Any]:
    connection = http.client.HTTPConnection(METADATA.hostname or "", METADATA.port or 80, timeout=10)
    try:
        connection.request(method, path, headers=headers)
    except ConnectionRefusedError:
        return [0, "", {}]
    answer = connection.getresponse()
    page = [answer.status, answer.read().decode(), {name.lower(): value for name, value in answer.getheaders()}]
    connection.close()
    return page


def page(host: str, path: str) -> list[Any]:
    connection = http.client.HTTPConnection(host, 80, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    found = [answer.status, answer.read().decode()]
    connection.close()
    return found


def read(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except OSError:
        return None


def names(path: str) -> list[str] | None:
    try:
        return sorted(os.listdir(path))  # noqa: PTH208 - names are what is asked for
    except OSError:
        return None


def reach(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=10).close()
    except OSError:
        return False
    return True


def obey(question: dict[str, Any]) -> Any:
    match question:
        case {"call": [service, operation, parameters]}:
            return call(service, operation, parameters)
        case {"http": [method, path, headers]}:
            return ask(method, path, headers)
        case {"page": [host, path]}:
            return page(host, path)
        case {"read": path}:
            return read(path)
        case {"list": path}:
            return names(path)
        case {"reach": [host, port]}:
            return reach(host, port)
    return dict(os.environ)


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(obey(json.loads(line)), default=str) + "\n")
        sys.stdout.flush()
