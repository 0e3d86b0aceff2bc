"""Where an archive is, and what its files are called.

    PREFIX/installation=UUID/day=2026-11-30/00000000000000000001.parquet

A file has the records from the position in its name on, up to the next file's; its day is that of its first record.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from locum.core.clock import iso8601
from locum.core.errors import ConfigurationError

ACCESS_KEY: Final = "LOCUM_ARCHIVE_ACCESS_KEY_ID"
SECRET: Final = "LOCUM_ARCHIVE_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a variable
_URL: Final = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[^?#]*))?")
_ENDPOINT: Final = re.compile(r"https?://[^/?#@]+/?")
_REGION: Final = "us-east-1"


class Place(NamedTuple):
    """A bucket, the beginning of the keys in it, and the endpoint of the store; AWS's own where that is empty."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""

    def key(self, installation: str, at: float, first: int) -> str:
        """The key of the file whose first record is of the time `at` (epoch seconds), at the position `first`."""
        name = f"installation={installation}/day={iso8601(at)[:10]}/{first:020d}.parquet"
        return f"{self.prefix}/{name}" if self.prefix else name


def place(url: str, endpoint: str = "") -> Place:
    """The place that `s3://BUCKET/PREFIX` names. Raises ConfigurationError."""
    found = _URL.fullmatch(url)
    if found is None:
        raise ConfigurationError(f"an archive is named like s3://bucket/prefix, not {url!r}")
    if endpoint and not _ENDPOINT.fullmatch(endpoint):
        raise ConfigurationError(
            "the endpoint of an archive is one like https://store.example, without anything behind"
        )
    return Place(found["bucket"], (found["prefix"] or "").strip("/"), endpoint.rstrip("/"))


def client(where: Place, environ: Mapping[str, str]) -> Any:
    """A client of the store. Its credentials are in the environment, else what AWS's clients find: never an option."""
    from botocore.config import Config  # noqa: PLC0415 - takes a while, and is for processes of an archive alone
    from botocore.session import Session  # noqa: PLC0415

    config = Config(
        s3={"addressing_style": "path" if where.endpoint else "auto"},
        request_checksum_calculation="when_required",  # not every store knows the newer ones
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,  # the environment's may be the plane's own
        connect_timeout=10,
        read_timeout=60,
    )
    keys = {"aws_access_key_id": environ.get(ACCESS_KEY), "aws_secret_access_key": environ.get(SECRET)}
    given = {name: value for name, value in keys.items() if value}
    session = Session()
    region = session.get_config_variable("region") or _REGION
    return session.create_client("s3", region, endpoint_url=where.endpoint or None, config=config, **given)
