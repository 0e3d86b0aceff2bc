"""A light client inside an instance: takes its credentials from the metadata service and signs GetCallerIdentity.

It says `ready`, then answers each line, a number of calls, with one of JSON: how often each outcome came (`said`: the
status and the role), and the access keys that signed (`keys`). Before the calls of a line it asks for its credentials.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

from locum.core.http import HttpRequest
from locum.sigv4 import signed_headers

METADATA = urlsplit(os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254/"))
ENDPOINT = urlsplit(os.environ["AWS_ENDPOINT_URL"])
BODY = b"Action=GetCallerIdentity&Version=2011-06-15"
PATH = "/latest/meta-data/iam/security-credentials/"


def credentials() -> dict[str, str]:
    connection = http.client.HTTPConnection(METADATA.netloc, timeout=90)
    connection.request("PUT", "/latest/api/token", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    token = {"X-aws-ec2-metadata-token": connection.getresponse().read().decode()}
    connection.request("GET", PATH, headers=token)
    role = connection.getresponse().read().decode()
    connection.request("GET", PATH + role, headers=token)
    found: dict[str, str] = json.loads(connection.getresponse().read())
    connection.close()
    return found


def called(connection: http.client.HTTPConnection, key: dict[str, str]) -> str:
    headers = {"host": ENDPOINT.netloc, "content-type": "application/x-www-form-urlencoded"}
    added = signed_headers(
        HttpRequest("POST", "/", "", headers, BODY),
        access_key_id=key["AccessKeyId"],
        secret=key["SecretAccessKey"],
        region="us-east-1",
        service="sts",
        now=time.time(),
        session_token=key["Token"],
    )
    connection.request("POST", "/", BODY, {**headers, **added})
    answer = connection.getresponse()
    role = re.search(r"assumed-role/([^/]+)/", answer.read().decode())
    return f"{answer.status} {'' if role is None else role[1]}"


def main() -> None:
    connection = http.client.HTTPConnection(ENDPOINT.netloc, timeout=90)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        key = credentials()
        said = Counter(called(connection, key) for _ in range(int(line)))
        sys.stdout.write(json.dumps({"said": said, "keys": [key["AccessKeyId"]]}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
