"""Queries of CloudTrail Lake, through the whole plane, on what it really recorded."""

from __future__ import annotations

from typing import Any

import pytest

from support.inprocess import InProcess

MANAGEMENT = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}


class Lake:
    """The client of an account, and its queries."""

    def __init__(self, plane: InProcess, key: Any = None) -> None:
        self.plane = plane
        self.client = plane.client("cloudtrail", key)

    def store(self, name: str, **params: Any) -> str:
        """The id of a new event data store."""
        made = self.client.create_event_data_store(Name=name, **params)
        return str(made["EventDataStoreArn"]).rpartition("/")[2]

    def started(self, statement: str) -> str:
        return str(self.client.start_query(QueryStatement=statement)["QueryId"])

    def ended(self, statement: str) -> str:
        query = self.started(statement)
        self.plane.run(self.plane.node.lake.runner.settled())
        return query

    def rows(self, statement: str) -> list[list[str]]:
        query = self.ended(statement)
        answer = self.client.get_query_results(QueryId=query)
        assert answer["QueryStatus"] == "FINISHED", answer
        return [[value for column in row for value in column.values()] for row in answer["QueryResultRows"]]


@pytest.fixture(scope="module")
def lake(plane: InProcess) -> Lake:
    return Lake(plane)


def test_a_query_counts_the_calls_that_were_made(plane: InProcess, lake: Lake) -> None:
    store = lake.store("counts")
    iam = plane.client("iam")
    for name in ("ann", "bob"):
        iam.create_user(UserName=name)
    iam.get_user(UserName="ann")
    found = lake.rows(
        f"SELECT eventName, count(*) AS n, min(userIdentity.type) FROM {store}"
        " WHERE eventSource = 'iam.amazonaws.com' GROUP BY eventName ORDER BY n DESC"
    )
    assert found == [["CreateUser", "2", "Root"], ["GetUser", "1", "Root"]]
