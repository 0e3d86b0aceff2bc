"""A resource in each of some sixty services is there after a restart, and every part of moto can be kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import moto.backends as moto_backends
import pytest

from locum.backends.moto import handlers
from locum.backends.moto.keeping import NOT_KEPT, parts_of, unit_of
from locum.backends.moto.lookups import Within
from locum.backends.moto.models import dictionaries
from locum.backends.moto.pickling import Pickled, proven
from support.holdings import ACCOUNT, HOLDINGS, KEPT_POLICIES, Held
from support.inprocess import REGION, InProcess
from support.kept import keeping, restarted

_NOW = re.compile(r'"(Timestamp|EventId|SequenceNumber)": "[^"]*"')
"""The time at which EFS tells a size, and what tells of an event or record that is put to look at a bus or stream."""


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[InProcess]:
    found = keeping(tmp_path / "data")
    yield found
    found.close()


@pytest.mark.nightly
def test_every_resource_is_there_after_a_restart(plane: InProcess, caplog: pytest.LogCaptureFixture) -> None:
    owner = plane.account(ACCOUNT)
    clients = cache(lambda service: plane.client(service, owner, parameter_validation=False))
    held = [Held(holding, clients) for holding in (*HOLDINGS, *KEPT_POLICIES)]
    before = [(str(one.holding), _NOW.sub("", one.seen())) for one in held]
    restarted(plane)
    assert [(str(one.holding), _NOW.sub("", one.seen())) for one in held] == before
    assert "cannot be" not in caplog.text
    assert "copies" not in caplog.text


PARTS = sorted(set(moto_backends.list_of_moto_modules()) - NOT_KEPT - {"moto_proxy", "moto_server", "utilities"})


@pytest.mark.nightly
@pytest.mark.parametrize("part", PARTS)
def test_every_part_of_moto_can_be_kept(part: str) -> None:
    if part == "s3bucket_path":
        pytest.skip("it is another address of S3")
    handlers.load_part(part)
    for variable, backends in dictionaries(part):
        regions = backends[ACCOUNT]
        region = next(name for name in (REGION, "aws", "global") if name in regions)
        with Within(part, ACCOUNT):
            models = regions[region]
        pickled = Pickled({variable: vars(models)}, frozenset(parts_of(unit_of(part))), 1, lambda: "x")
        proven(pickled)
        assert pickled.copied == set()
