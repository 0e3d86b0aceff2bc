"""CloudTrail Lake in a plane in process."""

from __future__ import annotations

from typing import Any

from support.inprocess import InProcess, Key

MANAGEMENT = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}


class Lake:
    """The event data stores and queries of the owner of `key`, or of the root user."""

    def __init__(self, plane: InProcess, key: Key | None = None, region: str = "us-east-1") -> None:
        self.plane = plane
        self.client = plane.client("cloudtrail", key, region)
        self._made: list[str] = []

    def store(self, name: str, *conditions: dict[str, Any], **params: Any) -> str:
        """The id of a new event data store, of management events that meet the conditions."""
        if conditions:
            params["AdvancedEventSelectors"] = [{"FieldSelectors": [*MANAGEMENT["FieldSelectors"], *conditions]}]
        arn = str(self.client.create_event_data_store(Name=name, **params)["EventDataStoreArn"])
        self._made.append(arn)
        return arn.rpartition("/")[2]

    def clear(self) -> None:
        """Delete the event data stores that are left."""
        for arn in self._made:
            self.client.update_event_data_store(EventDataStore=arn, TerminationProtectionEnabled=False)
            self.client.delete_event_data_store(EventDataStore=arn)

    def started(self, statement: str) -> str:
        """The id of a new query."""
        return str(self.client.start_query(QueryStatement=statement)["QueryId"])

    def ended(self, statement: str) -> str:
        """The id of a new query, which has ended."""
        query = self.started(statement)
        self.plane.run(self.plane.node.lake.runner.settled())
        return query

    def status(self, query: str) -> str:
        """The status of a query."""
        return str(self.client.describe_query(QueryId=query)["QueryStatus"])

    def rows(self, statement: str) -> list[list[str]]:
        """The first page of the result of a new query."""
        answer = self.client.get_query_results(QueryId=self.ended(statement))
        assert answer["QueryStatus"] == "FINISHED", answer
        return [[value for column in row for value in column.values()] for row in answer["QueryResultRows"]]

    def names(self, store: str) -> list[str]:
        """The names of the events that a store has, but for those of CloudTrail, sorted."""
        condition = "eventSource <> 'cloudtrail.amazonaws.com'"
        statement = f"SELECT eventName FROM {store} WHERE {condition} ORDER BY eventName"
        return [name for (name,) in self.rows(statement)]
