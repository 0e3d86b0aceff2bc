"""A worker of a node writes nothing that an older node could not read: it asks for itself, as its plane does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from locum.backends.remote import UsedServices
from locum.cli.options import Options
from locum.cli.workers.given import Given
from locum.cli.workers.node import WorkerNode
from locum.core.http import HttpResponse
from locum.state.formats import OLDEST
from support.postgresql import ONE_SERVER, conninfo_of

pytestmark = ONE_SERVER


async def _exposed() -> HttpResponse:
    return HttpResponse(200)


def test_attack_a_worker_writes_no_newer_format_before_it_knows_that_all_nodes_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("locum.store.ledger.FORMAT", OLDEST + 1)
    place = conninfo_to_dict(conninfo_of(tmp_path))
    journal = f"postgresql://{place['user']}@/{place['dbname']}?host={place['host']}&port={place['port']}"
    options = Options(data=tmp_path / "data", port=0, journal=journal, workers=2)

    async def story() -> None:
        node = WorkerNode(Given(options, 0, 0, "000000000000"), UsedServices.none_yet(), _exposed)
        try:
            await node.open()
            assert node.ledger._format == OLDEST
        finally:
            await node.close()

    asyncio.run(story())
