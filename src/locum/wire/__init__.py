"""HTTP messages and typed calls, driven by botocore's service models.

    models     the index of all services; one service's model, when it is needed
    route      which operation a request is (`route_rest`, `route_s3`)
    parsers    requests to parameters          validate   parameters against the model (`patterns`)
    serialize  answers to responses            faults     errors to responses (`guess`: before the operation is known)
    redact     parameters and answers as a record may hold them (`restore`: and back)
    codec      all of it for one operation in one protocol

Nothing here does I/O, but for reading botocore's data files, and nothing knows of signatures, policies or state.
"""

from __future__ import annotations

from locum.wire.codec import Codec, codec_of
from locum.wire.guess import plain_fault
from locum.wire.parsers.s3 import bucket_of_host
from locum.wire.restore import restored
from locum.wire.route import resolve

__all__ = ["Codec", "bucket_of_host", "codec_of", "plain_fault", "resolve", "restored"]
