"""Conversion between HTTP messages and typed calls, driven by botocore's service models.

    models     the index of all services; one service's model, loaded on demand
    route      requests to operations (`route_rest`, `route_s3`); `endpoint_hosts`: through which VPC endpoint;
               `aws_hosts`: which endpoint of AWS a host name is
    parsers    requests to parameters          validate   parameters against the model (`patterns`)
    serialize  answers to responses            faults     errors to responses (`plain_fault`: without an operation)
    post_form  S3's POST uploads, and the PutObject that they are (`put_form`)
    redact     parameters and answers for audit records (`restore`: the reverse); `data_events` and `recorded_members`
               tell what is recorded
    codec      all of it for one operation in one protocol

Nothing here does I/O, except for reading data files of botocore's and its own, or depends on signatures, policies or
state.
"""

from __future__ import annotations

from locum.wire.aws_hosts import AwsHost, aws_host, aws_suffixes, is_aws_host
from locum.wire.codec import Codec, codec_of
from locum.wire.endpoint_hosts import EndpointHost, endpoint_of_host
from locum.wire.parsers.names import SqsNames
from locum.wire.parsers.s3 import bucket_of_host, local_access_point, preflighted_bucket, website_of_host
from locum.wire.plain_fault import plain_fault
from locum.wire.post_form import PostForm, is_post_form, read_post_form
from locum.wire.put_form import answer_to_form, filled, put_object_request
from locum.wire.restore import restored
from locum.wire.route import resolve

__all__ = [
    "AwsHost",
    "Codec",
    "EndpointHost",
    "PostForm",
    "SqsNames",
    "answer_to_form",
    "aws_host",
    "aws_suffixes",
    "bucket_of_host",
    "codec_of",
    "endpoint_of_host",
    "filled",
    "is_aws_host",
    "is_post_form",
    "local_access_point",
    "plain_fault",
    "preflighted_bucket",
    "put_object_request",
    "read_post_form",
    "resolve",
    "restored",
    "website_of_host",
]
