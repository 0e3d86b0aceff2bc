"""The members of management requests that are recorded: those that are listed here, and none of the others.

CloudTrail leaves out or hides what is a value in the hands of the caller (passwords, the environment of a function, a
template's parameters), and shows what names things and how they are set. Which is which no model says, save for those
that are `sensitive`: so a string is recorded where the last word of its member's name is one that names or classifies
(`RoleArn`, `VpcId`, `InstanceType`), or where the whole name is listed. A member that a later model adds is hidden,
unless it is called so.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

UNGUARDED: Final = frozenset({"accessanalyzer", "cloudcontrol", "iam", "organizations", "rolesanywhere", "sts"})
"""Services that no backend has a part in: each of their members has been looked at. Of these, secrets are listed."""


def _lists() -> dict[str, frozenset[str]]:
    text = re.sub("(?m)^#.*", "", (Path(__file__).parent / "data" / "recorded_members.txt").read_text("utf-8"))
    parts = re.split(r"\[(\w+)\]", text)
    return {name: frozenset(listed.split()) for name, listed in zip(parts[1::2], parts[2::2], strict=True)}


_LISTS: Final = _lists()
_WORDS: Final = _LISTS["words"]
"""Last words, or last two, of members whose strings are recorded."""

_NAMES: Final = _LISTS["names"]
_ARNS: Final = _LISTS["arns"]
"""Last words of members whose strings are recorded where they are ARNs, though nothing else is: the endpoint of a
subscription is a queue, or somebody's address; a role that is passed stands between what is hidden."""

_OF_SERVICE: Final = {
    "apigateway": frozenset({"apiKey"}),  # its id
    "cloudtrail": frozenset({"AttributeValue"}),
    "kms": frozenset({"EncryptionContext", "EncryptionContextSubset", "SourceEncryptionContext",
                      "DestinationEncryptionContext", "Origin"}),
    "sns": frozenset({"Attributes"}),
    "sqs": frozenset({"Attributes"}),
}  # fmt: skip
"""Further members of a service, maps among them.

AWS KMS Developer Guide, "Encryption context": "It appears in plaintext in the CloudTrail logs".
"""

ATTRIBUTES: Final = re.compile(
    r"\w+Arn|ArchivePolicy|ContentBasedDeduplication|DeduplicationScope|DelaySeconds|DeliveryPolicy|DisplayName|Enabled"
    r"|EventDeliveryFailure|EventEndpoint(Created|Deleted|Updated)|FifoQueue|FifoThroughputLimit|FifoTopic"
    r"|FilterPolicyScope|KmsDataKeyReusePeriodSeconds|KmsMasterKeyId|MaximumMessageSize|MessageRetentionPeriod|Policy"
    r"|RawMessageDelivery|ReceiveMessageWaitTimeSeconds|Redrive(Allow)?Policy|ReplayPolicy|SignatureVersion"
    r"|SqsManagedSseEnabled|SuccessFeedbackSampleRate|TracingConfig|VisibilityTimeout"
)
"""The attributes of topics, subscriptions and queues whose values are recorded."""

SECRET_ATTRIBUTES: Final = frozenset({"CustomUserData", "PlatformCredential", "PlatformPrincipal", "Token"})
"""Those of platforms and endpoints of SNS that are hidden."""

_LABELS: Final = frozenset({"tags", "tagging"})
_LABEL: Final = 3
"""Words of a member for tags at most: a DistributionConfigWithTags has more than tags."""

_SELECTIONS: Final = frozenset({"filter", "filters", "dimension", "dimensions", "targets"})
_WITHIN: Final = frozenset({"Key", "Value", "Values", "key", "value", "values"})
_ALONE: Final = frozenset({"Items", "Quantity", "Value", "Values", "items", "quantity", "value", "values"})
_CLOSED: Final = _LISTS["closed"]
"""Last words of members with which all within them is hidden but ARNs: even a name is the caller's choice there."""

_SECRET: Final = re.compile(
    r"passw(or)?d|passphrase|secret|credential|private|api_?key|jdbc|connection_?string|webhook|bearer|cookie|mfa",
    re.IGNORECASE,
)
_POINTER: Final = re.compile(r"\w*(Id|Ids|Arn|Arns|ARN|ARNs|Name|Names|Identifier|Type|Version|id|arn|name|names|type)")
_WORD: Final = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


class Place(NamedTuple):
    """The place of a value in a request of `service`: as which `member`, and what the members around it allow.

    `labels`: among tags. `selects`: in a filter, a dimension or a list of targets. `shut`: in a structure of which ARNs
    alone are recorded.
    """

    service: str
    member: str = ""
    labels: bool = False
    selects: bool = False
    shut: bool = False

    def within(self, member: str, beside: Collection[str]) -> Place:
        """The place of `member` in a structure here that has it `beside` others.

        A value alone (`{"InstanceType": {"Value": ...}}`), like items, stands for the member that it is in.
        """
        words = words_of(member)
        own = self.member if member in _ALONE and _ALONE.issuperset(beside) else member
        return Place(
            self.service,
            own or member,
            labels=self.labels or member.startswith(("Tag", "tag")) or (words[-1] in _LABELS and len(words) <= _LABEL),
            selects=(self.selects and member in _WITHIN) or not _SELECTIONS.isdisjoint(words),
            shut=self.shut or self.closed,
        )

    @property
    def closed(self) -> bool:
        """Whether of a structure here ARNs alone are recorded, and of a map nothing."""
        return not self.open and (words_of(self.member)[-1] in _CLOSED or bool(_SECRET.search(self.member)))

    @property
    def open(self) -> bool:
        """Whether everything here is recorded that is not sensitive: labels, and what is listed by its name."""
        return not self.shut and (self.labels or self.member in _OF_SERVICE.get(self.service, ()))

    @property
    def recorded(self) -> bool:
        """Whether a string here is recorded."""
        name = self.member
        if self.shut:
            return False
        if self.open or (self.selects and name in _WITHIN):
            return True
        if _SECRET.search(name) and not _POINTER.fullmatch(name):
            return False
        words = words_of(name)
        return name in _NAMES or words[-1] in _WORDS or "".join(words[-2:]) in _WORDS

    @property
    def arns_recorded(self) -> bool:
        """Whether an ARN here is recorded, though another string is not."""
        last = words_of(self.member)[-1]
        return last in _ARNS and (last in ("arn", "role") or not _SECRET.search(self.member))


@lru_cache(maxsize=8192)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a member's name, in lower case and without digits: `vpcIds` has `vpc` and `ids`."""
    return tuple(word.lower() for word in _WORD.findall(name)) or (name.lower(),)
