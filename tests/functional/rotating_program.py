"""Calls that never stop, with what boto3's default chain finds inside an instance.

    python rotating_program.py once|always BUCKET KEY

`always`: a session of its own for each call, as programs that start anew have it. `once`: clients made once.
One line for each change: the access key id that a call was signed with, then `ok` or the error. Ends when its
standard input does.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError


def renewing_with_each_call() -> None:
    """Have botocore ask the metadata service again whenever it signs.

    Left alone it takes credentials that last less than 25 minutes for the sign of a failing metadata service, and
    uses them for up to ten minutes more by a decision of its own (InstanceMetadataFetcher). On EC2, where they
    last for hours, that never happens; here, where they last for seconds, the window in which it renews is made wide.
    """
    RefreshableCredentials._advisory_refresh_timeout = 3600
    RefreshableCredentials._mandatory_refresh_timeout = 3600


def clients() -> tuple[Any, Any]:
    session = boto3.session.Session()
    config = Config(retries={"total_max_attempts": 1})
    return session.client("sts", config=config), session.client("s3", config=config)


def outcomes(sts: Any, s3: Any, bucket: str, key: str) -> Iterator[str]:
    signed_with: list[str] = []

    def note(request: AWSPreparedRequest, **_: Any) -> None:
        header = request.headers["Authorization"]
        text = header.decode() if isinstance(header, bytes) else header
        signed_with[:] = [text.partition("Credential=")[2].partition("/")[0]]

    for client, operation, parameters in (
        (sts, "get_caller_identity", {}),
        (s3, "get_object", {"Bucket": bucket, "Key": key}),
    ):
        client.meta.events.register("before-send", note)
        try:
            answer = getattr(client, operation)(**parameters)
            if "Body" in answer:
                answer["Body"].read()
            said = "ok"
        except (ClientError, BotoCoreError) as error:
            said = f"{type(error).__name__}: {error}"
        client.meta.events.unregister("before-send", note)
        yield f"{''.join(signed_with)} {said}"


def main(how: str, bucket: str, key: str) -> None:
    if how == "once":
        renewing_with_each_call()
    sts, s3 = clients()
    said = ""
    while not select.select([sys.stdin], [], [], 0)[0]:
        if how == "always":
            sts, s3 = clients()
        for line in outcomes(sts, s3, bucket, key):
            if line != said:
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
            said = line


if __name__ == "__main__":
    main(*sys.argv[1:])
