"""Entities of CloudTrail Lake: imports of log files into event data stores. Times are epoch seconds."""

from __future__ import annotations

from typing import Final

from locum.state.autoscaling import regional
from locum.state.entities import Entity

UNDER_WAY: Final = ("INITIALIZING", "IN_PROGRESS")
"""Values of ImportStatus of imports that have not ended."""


class TrailImport(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="trail-import"):
    """An import from the `location` (s3://BUCKET/PREFIX) in `bucket_region` to the event data store with id `store`.

    It reads as `role`, and has events from `start` to `end`, where these are not 0. `status` is the API's. All files up
    to the key `after` are done with, of which the last is in the folder `folder`; `folders` have been found, and from
    `files` of them `events` were taken in. `retries`: the files that failed before are to be read again.
    """

    region: str
    id: str
    store: str
    location: str
    bucket_region: str
    role: str
    created: float
    updated: float
    start: float = 0.0
    end: float = 0.0
    status: str = "INITIALIZING"
    after: str = ""
    folder: str = ""
    folders: int = 0
    files: int = 0
    events: int = 0
    retries: bool = False

    @property
    def key(self) -> str:
        return regional(self.region, self.id)

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return self.status in UNDER_WAY

    @property
    def bucket(self) -> str:
        """The bucket of its location."""
        return self.location.removeprefix("s3://").partition("/")[0]

    @property
    def prefix(self) -> str:
        """What the keys in its location begin with."""
        return self.location.removeprefix("s3://").partition("/")[2]


class TrailImportFailure(Entity, frozen=True, kw_only=True, omit_defaults=True, tag="trail-import-failure"):
    """A file, by its key `file`, that could not be imported. `status` is the API's ImportFailureStatus."""

    region: str
    of: str
    file: str
    error: str
    message: str
    updated: float
    status: str = "FAILED"

    @property
    def key(self) -> str:
        return regional(self.region, self.of, self.file)
