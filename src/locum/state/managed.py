"""AWS managed policies: arn:aws:iam::aws:policy/...

They are the same for every account and cannot be changed, so they are not part of the State.
Each has only its default version: AWS does not publish the older ones as data.

The data file, written by `tools/managed_policies.py`:

    4 bytes     length of the index, big endian
    the index   zlib over a JSON array of [name, path, default version, created, updated, length], by name
        members     one zlib stream per policy, of `length` bytes, in the order of the index

    so that one policy is read without the others. The index is read at first use; a document when its policy is first
    requested. Documents are cached: two calls of `get` return the identical value.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from locum.core.arn import iam_arn
from locum.core.identifiers import POLICY_ID, unique_id
from locum.state.entities import AWS_MANAGED_ACCOUNT, Policy, PolicyVersion

_DATA: Final = Path(__file__).parent / "data" / "managed_policies.bin"
_DESCRIPTIONS: Final = _DATA.with_name("managed_policy_descriptions.json")
"""Of the policies used most, from the AWS Managed Policy Reference."""
_ARN_PREFIX: Final = iam_arn(AWS_MANAGED_ACCOUNT, "policy", "/", "")


class Summary(NamedTuple):
    """An AWS managed policy without its document. `default` is the default version's number; times are epoch seconds.

    `offset` and `length` locate its document in the data file.
    """

    name: str
    path: str
    default: int
    created: int
    updated: int
    offset: int
    length: int

    @property
    def arn(self) -> str:
        """The policy's ARN."""
        return iam_arn(AWS_MANAGED_ACCOUNT, "policy", self.path, self.name)

    @property
    def description(self) -> str:
        """The policy's description, empty where it is not known."""
        return _descriptions().get(self.name, "")

    @property
    def id(self) -> str:
        """A stable unique id, derived from the ARN. AWS's own are not published."""
        return unique_id(POLICY_ID, lambda size: hashlib.sha256(self.arn.encode()).digest()[:size])


@cache
def _descriptions() -> Mapping[str, str]:
    found: dict[str, str] = json.loads(_DESCRIPTIONS.read_bytes())
    return MappingProxyType(found)


@cache
def _index() -> Mapping[str, Summary]:
    """All policies by ARN, in the order of their names."""
    with _DATA.open("rb") as file:
        size = int.from_bytes(file.read(4), "big")
        rows = json.loads(zlib.decompress(file.read(size)))
    offset = 4 + size
    index: dict[str, Summary] = {}
    for name, path, default, created, updated, length in rows:
        summary = Summary(name, path, default, created, updated, offset, length)
        index[summary.arn] = summary
        offset += length
    return MappingProxyType(index)


def every() -> Iterable[Summary]:
    """All AWS managed policies, by name, without their documents."""
    return _index().values()


def summary(arn: str) -> Summary | None:
    """The policy `arn` without its document, or None."""
    return _index().get(arn) if arn.startswith(_ARN_PREFIX) else None


def get(arn: str) -> Policy | None:
    """The policy `arn` with its document, or None."""
    found = summary(arn)
    return None if found is None else _read(found)


@cache
def _read(found: Summary) -> Policy:
    with _DATA.open("rb") as file:
        file.seek(found.offset)
        document = zlib.decompress(file.read(found.length)).decode()
    return Policy(
        account=AWS_MANAGED_ACCOUNT,
        name=found.name,
        path=found.path,
        id=found.id,
        created=found.created,
        updated=found.updated,
        description=found.description,
        versions=(PolicyVersion(number=found.default, document=document, created=found.updated),),
        default=found.default,
        next_number=found.default + 1,
    )
