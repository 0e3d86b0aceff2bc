"""Channels of CloudTrail Lake in a plane in process, and events from outside of AWS."""

from __future__ import annotations

import json
from typing import Any

from support.inprocess import InProcess, Key
from support.lake import Lake

ACTIVITY = {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["ActivityAuditLog"]}]}
ACCOUNT = "000000000000"


def event(**members: Any) -> dict[str, Any]:
    """An event of an application, with what it must have."""
    return {
        "version": "1.0",
        "userIdentity": {"type": "CustomUser", "principalId": "p-1", "details": {"team": "red"}},
        "eventSource": "shop.example.com",
        "eventName": "Bought",
        "eventTime": "2026-01-02T03:04:05Z",
        "UID": "u-1",
        "recipientAccountId": ACCOUNT,
        **members,
    }


def entry(name: str, **members: Any) -> dict[str, Any]:
    """An entry of PutAuditEvents."""
    return {"id": name, "eventData": json.dumps(event(**members))}


class Channels:
    """A store for events from outside of AWS, and a channel to it."""

    def __init__(self, plane: InProcess, source: str = "Custom") -> None:
        self.plane, self.lake = plane, Lake(plane)
        self.cloudtrail = self.lake.client
        self.store = self.store_for("activity")
        self.arn = self.channel("events", source)

    def store_for(self, name: str, **params: Any) -> str:
        """The id of a new store for events from outside of AWS."""
        settings = {"RetentionPeriod": 3653, "TerminationProtectionEnabled": False, **params}
        made = self.cloudtrail.create_event_data_store(Name=name, AdvancedEventSelectors=[ACTIVITY], **settings)
        return str(made["EventDataStoreArn"]).rpartition("/")[2]

    def channel(self, name: str, source: str, *stores: str, **params: Any) -> str:
        """The ARN of a new channel."""
        places = [{"Type": "EVENT_DATA_STORE", "Location": self.arn_of(it)} for it in stores or (self.store,)]
        made = self.cloudtrail.create_channel(Name=name, Source=source, Destinations=places, **params)
        return str(made["ChannelArn"])

    def arn_of(self, store: str) -> str:
        return f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:eventdatastore/{store}"

    def put(self, *entries: dict[str, Any], key: Key | None = None, **params: Any) -> dict[str, Any]:
        """What PutAuditEvents answers."""
        client = self.plane.client("cloudtrail-data", key)
        answer: dict[str, Any] = client.put_audit_events(
            **{"channelArn": self.arn, "auditEvents": list(entries), **params}
        )
        return answer

    def rows(self, columns: str = "eventData.eventName", store: str = "") -> list[list[str]]:
        """What is in the store, or in another one."""
        return self.lake.rows(f"SELECT {columns} FROM {store or self.store} ORDER BY 1")
