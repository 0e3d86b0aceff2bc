"""The rows of guarded services with more than a small object: large bodies, a table, a full queue."""

from __future__ import annotations

import http.client
import json
import time
from contextlib import ExitStack
from statistics import median
from urllib.parse import urlsplit

from bench import servers, stories
from bench.load import Keys, Shot, rate, signed
from bench.report import Row
from bench.servers import Server

LARGE = 64 << 20
"""Octets of the large object."""
_JSON = {"Content-Type": "application/x-amz-json-1.0"}
_TABLE = _QUEUE = "bench"
DEEP = 10_000
"""Messages in the full queue. moto's is not filled: it goes through all of them for each that is sent."""


def rows(rounds: int, seconds: float) -> list[Row]:
    """Medians of several rounds, in each of which all servers take turns. Sizes are in MiB, of the signed payload."""
    found: dict[tuple[str, str], list[float]] = {}
    with ExitStack() as stack:
        running = [stack.enter_context(start()) for start in (servers.locum, servers.ministack, servers.moto)]
        keys = {server.name: _prepared(server) for server in running}
        before = {server.name: server.resident_mebibytes() for server in running}
        for _ in range(rounds):
            for server in running:
                key = keys[server.name]
                put, got = _large_object(server, key)
                figures = {
                    "S3 PutObject 64 MiB": put,
                    "S3 GetObject 64 MiB": got,
                    "DynamoDB GetItem": rate(_get_item(server, key), seconds),
                }
                for name, value in figures.items():
                    found.setdefault((name, server.name), []).append(value)
        grown = {server.name: server.resident_mebibytes() - before[server.name] for server in running}
        for server in running[:2]:
            url = _filled_queue(server)
            sent = [rate(_send_message(server, keys[server.name], url), seconds) for _ in range(rounds)]
            found["SQS SendMessage", server.name] = sent
    speed = {key: median(values) for key, values in found.items()}

    def beside(name: str, peer: str, unit: str, least: float) -> Row:
        return Row(name, peer, unit, speed[name, "locum"], speed[name, peer], least)

    return [
        *(beside(f"S3 {verb} 64 MiB", peer, "MiB/s", 1) for verb in ("PutObject", "GetObject") for peer in _PEERS),
        Row("memory of 64 MiB", "moto", "MiB", grown["locum"], grown["moto"], 0.8, cost=True),
        beside("DynamoDB GetItem", "ministack", "/s", 1),
        beside("DynamoDB GetItem", "moto", "/s", 1),
        beside("SQS SendMessage", "ministack", "/s", 0.7),  # by moto's handler, with a record that is on the disk
    ]


_PEERS = ("ministack", "moto")


def _prepared(server: Server) -> Keys:
    """Create a table with an item, a bucket, and a user that may use them; its keys."""
    root = stories.root_keys(server)
    user = stories.prepare(server)
    statement = [{"Effect": "Allow", "Action": ["dynamodb:GetItem", "sqs:SendMessage"], "Resource": "*"}]
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    stories.client(server, "iam", root).put_user_policy(UserName="bench", PolicyName="more", PolicyDocument=document)
    dynamodb = stories.client(server, "dynamodb", root)
    dynamodb.create_table(
        TableName=_TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName=_TABLE, Item={"id": {"S": "one"}, "value": {"S": "x" * 100}})
    return user


def _get_item(server: Server, keys: Keys) -> Shot:
    headers = {**_JSON, "X-Amz-Target": "DynamoDB_20120810.GetItem"}
    body = json.dumps({"TableName": _TABLE, "Key": {"id": {"S": "one"}}})
    return signed(Shot(f"{server.url}/", "POST", headers, body), "dynamodb", keys)


def _filled_queue(server: Server) -> str:
    """The URL of a new queue with DEEP messages."""
    sqs = stories.client(server, "sqs", stories.root_keys(server))
    url = str(sqs.create_queue(QueueName=_QUEUE)["QueueUrl"])
    entries = [{"Id": str(n), "MessageBody": "x" * 100} for n in range(10)]
    for _ in range(DEEP // len(entries)):
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    return url


def _send_message(server: Server, keys: Keys, url: str) -> Shot:
    headers = {**_JSON, "X-Amz-Target": "AmazonSQS.SendMessage"}
    body = json.dumps({"QueueUrl": url, "MessageBody": "x" * 100})
    return signed(Shot(f"{server.url}/", "POST", headers, body), "sqs", keys)


def _large_object(server: Server, keys: Keys, times: int = 4) -> tuple[float, float]:
    """The MiB a second of putting and of getting a large object, several times over one connection."""
    put = signed(Shot(f"{server.url}/{stories.BUCKET}/large", "PUT", body="x" * LARGE), "s3", keys)
    get = signed(Shot(f"{server.url}/{stories.BUCKET}/large"), "s3", keys)
    return _transfers(put, times), _transfers(get, times)


def _transfers(shot: Shot, times: int) -> float:
    parts = urlsplit(shot.url)
    connection = http.client.HTTPConnection(parts.netloc)
    body = shot.body.encode()
    begin = time.perf_counter()
    for _ in range(times):
        connection.request(shot.method, parts.path, body or None, shot.headers)
        answer = connection.getresponse()
        read = len(answer.read())
        if answer.status != 200 or (shot.method == "GET" and read != LARGE):
            raise RuntimeError(f"{shot.method} {shot.url}: {answer.status} with {read} octets")
    connection.close()
    return times * LARGE / (1 << 20) / (time.perf_counter() - begin)
