"""A change in each of some fifty services is answered once its record is on the disk."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from locum.core.reading import reads_only
from support.holdings import Clients, Held, Holding, filled, half
from support.inprocess import InProcess


@pytest.mark.parametrize("holding", half(1))
def test_the_record_of_a_change_is_on_the_disk_when_its_answer_comes(
    plane: InProcess, clients: Clients, holding: Holding
) -> None:
    held = Held(holding, clients)
    client = clients(holding.service)
    changes = [way for way in holding.ways if not reads_only(client.meta.method_to_api_mapping[way.operation])]
    assert changes
    for way in changes:
        try:
            answer = getattr(client, way.operation)(**filled(way.params, held.names))
        except ClientError as error:  # what the call before it deleted
            answer = error.response
        asked = answer["ResponseMetadata"]["RequestId"]
        stored = plane.node.runtime.history.by_request(asked)  # from the disk: nothing is written for the question
        assert [record.request_id for record in stored] == [asked], way.operation
