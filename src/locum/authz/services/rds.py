"""Amazon RDS: the condition keys of tags that are its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from locum.authz.functions import Circumstances, Functions, TagReader
from locum.authz.tags import request_tags


def _requested(subject: Circumstances) -> Mapping[str, str]:
    """rds:req-tag/KEY: the tags in the request."""
    return request_tags(subject.call.params) if subject.call.service == "rds" else {}


def _tags_of(kind: str) -> TagReader:
    """The reader of the tags of resources whose ARN has `kind`: `arn:aws:rds:us-east-1:123456789012:db:NAME`."""
    return lambda subject: (subject.facts.tags or {}) if subject.check.resource.split(":")[5:6] == [kind] else {}


FUNCTIONS: Final = Functions(
    tags={
        "rds:cluster-pg-tag": _tags_of("cluster-pg"),
        "rds:cluster-snapshot-tag": _tags_of("cluster-snapshot"),
        "rds:cluster-tag": _tags_of("cluster"),
        "rds:db-tag": _tags_of("db"),
        "rds:es-tag": _tags_of("es"),
        "rds:og-tag": _tags_of("og"),
        "rds:pg-tag": _tags_of("pg"),
        "rds:req-tag": _requested,
        "rds:ri-tag": _tags_of("ri"),
        "rds:secgrp-tag": _tags_of("secgrp"),
        "rds:snapshot-tag": _tags_of("snapshot"),
        "rds:subgrp-tag": _tags_of("subgrp"),
    }
)
