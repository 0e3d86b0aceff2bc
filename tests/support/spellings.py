"""Other spellings of a name or an ARN, by which a backend might find what no statement of a policy is about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from locum.core.arn import Arn

_ENDINGS: Final = (
    "/", "//", " ", "\t", "\0", "%20", "?x", "#x", ":", ":*", ":7", ":x", ":$LATEST", "/.", "/..", "*", ".",
)  # fmt: skip
_BEGINNINGS: Final = ("/", "//", " ", "x/", "x:", "./", "../x/", "/x/", "%2f", "\ufeff")
_LOOK_ALIKES: Final = (("s", "ſ"), ("k", "\u212a"), ("i", "ı"), ("i", "i\u0307"), ("a", "\u00ada"))
"""Letters that case folding, normalisation or a reader take for one another."""


def spellings(text: str) -> Iterator[str]:
    """Of any text: other letters, slashes, colons, wildcards, percent-encoded, in Unicode that folds to it."""
    yield from {text.upper(), text.lower(), text.swapcase(), text.title()} - {text}
    yield from (text + ending for ending in _ENDINGS)
    yield from (beginning + text for beginning in _BEGINNINGS)
    yield from (text[:-1] + "*", text[:-1] + "?", "*")
    encoded = "".join(f"%{octet:02x}" for octet in text.encode())
    yield from (encoded, encoded[:3] + quote(text[1:], safe=""))
    yield from (text.replace(letter, other) for letter, other in _LOOK_ALIKES if letter in text)
    yield "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)  # full width


def arns(text: str) -> Iterator[str]:
    """Of an ARN: without, with another or with any account, region, partition and service; other forms of its end."""
    arn = Arn.find(text)
    if arn is None:
        return
    resource = arn.resource
    for change in (
        {"account": ""}, {"account": "111122223333"}, {"account": "000000000001"}, {"account": "*"},
        {"account": f" {arn.account}"}, {"region": ""}, {"region": "eu-west-1"}, {"region": "*"},
        {"region": "US-EAST-1"}, {"region": "", "account": ""}, {"partition": "aws-cn"}, {"partition": ""},
        {"partition": "AWS"}, {"service": ""}, {"service": arn.service.upper()},
        {"service": "sqs" if arn.service == "s3" else "s3"}, {"resource": resource.upper()},
        {"resource": f"x/{resource}"}, {"resource": f"/{resource}"}, {"resource": f"{resource}:x"},
        {"resource": resource.replace("/", ":", 1)}, {"resource": resource.replace(":", "/", 1)},
        {"resource": resource.rpartition("/")[2]}, {"resource": resource.rpartition(":")[2]},
        {"resource": "/x/".join(resource.split("/", 1))}, {"resource": ":x:".join(resource.split(":", 1))},
    ):  # fmt: skip
        yield str(arn._replace(**change))
    yield from (f"ARN{text[3:]}", f"x{text}", text.partition(":")[2], f"{text}\n", text)
