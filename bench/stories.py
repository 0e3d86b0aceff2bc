"""The measured requests, and their preparation by the public API of each server."""

from __future__ import annotations

import configparser
import json
import urllib.request
from typing import Any

import boto3
from botocore.config import Config

from bench.load import Keys, Shot, signed
from bench.servers import Server

BUCKET = "bench-bucket"
_WRITTEN = 64
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def client(server: Server, service: str, keys: Keys) -> Any:
    """A boto3 client of `server`."""
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=server.url,
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key,
        aws_session_token=keys.session_token,
        config=Config(s3={"addressing_style": "path"}),
    )


def root_keys(server: Server) -> Keys:
    """The initial keys of the server."""
    if server.name != "locum":
        return Keys("test", "test")
    parser = configparser.ConfigParser()
    parser.read(server.data / "credentials")
    section = parser["default"]
    return Keys(section["aws_access_key_id"], section["aws_secret_access_key"])


def prepare(server: Server) -> Keys:
    """Create a user with a policy, a role that it may assume and an object of its own; return the user's keys."""
    root = root_keys(server)
    iam = client(server, "iam", root)
    user = iam.create_user(UserName="bench")["User"]
    statement = [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::{BUCKET}/*"},
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"},
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam.put_user_policy(UserName="bench", PolicyName="bench", PolicyDocument=document)
    trust = {"Effect": "Allow", "Principal": {"AWS": user["Arn"]}, "Action": "sts:AssumeRole"}
    iam.create_role(
        RoleName="bench",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    s3 = client(server, "s3", root)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="object", Body=b"x" * 1024)
    made = iam.create_access_key(UserName="bench")["AccessKey"]
    return Keys(made["AccessKeyId"], made["SecretAccessKey"])


def get_caller_identity(server: Server, keys: Keys) -> Shot:
    body = "Action=GetCallerIdentity&Version=2011-06-15"
    return signed(Shot(f"{server.url}/", "POST", FORM, body), "sts", keys)


def assume_role(server: Server, keys: Keys) -> Shot:
    account = client(server, "sts", keys).get_caller_identity()["Account"]
    body = (
        "Action=AssumeRole&Version=2011-06-15&RoleSessionName=bench"
        f"&RoleArn=arn%3Aaws%3Aiam%3A%3A{account}%3Arole%2Fbench"
    )
    return signed(Shot(f"{server.url}/", "POST", FORM, body), "sts", keys)


def get_object(server: Server, keys: Keys) -> Shot:
    return signed(Shot(f"{server.url}/{BUCKET}/object"), "s3", keys)


def put_object(server: Server, keys: Keys) -> list[Shot]:
    """Uploads of several objects: to one alone, not all at once succeed with moto behind Locum."""
    urls = [f"{server.url}/{BUCKET}/written-{number}" for number in range(_WRITTEN)]
    return [signed(Shot(url, "PUT", body="x" * 1024), "s3", keys) for url in urls]


def instance_credentials(endpoint: str) -> Shot:
    """The request for an instance's credentials, as SDKs make it."""
    put = urllib.request.Request(
        f"{endpoint}latest/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "600"}
    )
    with urllib.request.urlopen(put) as answer:
        token = answer.read().decode()
    url = f"{endpoint}latest/meta-data/iam/security-credentials/bench"
    return Shot(url, headers={"X-aws-ec2-metadata-token": token})
