"""Checks of EC2 tags.

EC2 User Guide, "Tag restrictions" and API, CreateTags: "Tag keys are case-sensitive and accept a maximum of 127 Unicode
characters. May not begin with aws:"; values "a maximum of 256 Unicode characters"; "Maximum number of tags per
resource: 50". "View tags for your EC2 instances using instance metadata": with tags in the metadata enabled, a key
"can only include letters, numbers, and the characters + - = . , _ : @" and "can't consist only of . or .., or _index".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from locum.core.errors import Fault
from locum.core.system_tags import RESERVED, is_refused
from locum.services.ec2.faults import invalid_value, missing_parameter
from locum.services.verbs import Params
from locum.state import MetadataOptions

MAX_TAGS: Final = 50
MAX_KEY: Final = 127
MAX_VALUE: Final = 256

_METADATA_KEY: Final = re.compile(r"[0-9a-zA-Z\-_+=,.@:]{1,255}")
_NO_PATHS: Final = (".", "..", "_index")


def read_tags(given: Iterable[Mapping[str, str]], own: str = "") -> dict[str, str]:
    """The tags of a `TagList`. Raises Fault: InvalidParameterValue.

    `own` is the beginning of keys that a service alone gives: `aws:autoscaling:`, in its service-linked role.
    """
    tags: dict[str, str] = {}
    for tag in given:
        key, value = tag.get("Key", ""), tag.get("Value") or ""
        if not key:
            raise invalid_value("Tag key cannot be null or empty")
        if is_refused(key) and not (own and key.startswith(own)):
            raise invalid_value(
                f"Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved."
            )
        if len(key) > MAX_KEY:
            raise invalid_value(f"Tag key exceeds the maximum length of {MAX_KEY} characters")
        if len(value) > MAX_VALUE:
            raise invalid_value(f"Tag value exceeds the maximum length of {MAX_VALUE} characters")
        if key in tags:
            raise invalid_value(f"Duplicate tag key '{key}' specified.")
        tags[key] = value
    return tags


def specified_tags(params: Params, kind: str, own: str = "") -> dict[str, str]:
    """The tags that TagSpecifications give to a kind of resources: `instance`, `fleet`; `own` as in `read_tags`."""
    tags: dict[str, str] = {}
    for specification in params.get("TagSpecifications") or ():
        if not specification.get("ResourceType"):
            raise missing_parameter("TagSpecification.1.ResourceType")
        given = read_tags(specification.get("Tags") or (), own)
        if specification["ResourceType"] == kind:
            tags.update(given)
    return tags


def check_tags(tags: Mapping[str, str], options: MetadataOptions) -> None:
    """Raise Fault where an instance with `options` cannot have `tags`: TagLimitExceeded, InvalidParameterValue."""
    if sum(not key.startswith(RESERVED) for key in tags) > MAX_TAGS:
        raise Fault("TagLimitExceeded", f"More than {MAX_TAGS} tags specified")
    check_metadata_keys(tags, options)


def check_metadata_keys(tags: Iterable[str], options: MetadataOptions) -> None:
    """Raise Fault where tags are in the instance metadata and a key of `tags` is not valid there."""
    if options.instance_tags == "disabled":
        return
    for key in tags:
        if key.startswith(RESERVED):
            continue
        if key in _NO_PATHS or not _METADATA_KEY.fullmatch(key):
            raise invalid_value(
                f"'{key}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{{1,255}}), "
                "and must not be a reserved name ('.', '..', '_index')"
            )
