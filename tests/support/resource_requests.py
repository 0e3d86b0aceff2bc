"""Resources of a plane in this process, made, changed and deleted by the Cloud Control API."""

from __future__ import annotations

import json
from typing import Any

from support.inprocess import InProcess, Key


class Resources:
    """The resources of a plane, by a client with `key`: the root user's without one."""

    def __init__(self, plane: InProcess, key: Key | None = None, **more: Any) -> None:
        self._plane = plane
        self.client = plane.client("cloudcontrol", key, **more)

    def create(self, kind: str, properties: Any, **more: Any) -> dict[str, Any]:
        """Create a resource; its ProgressEvent once nothing is under way."""
        return self.settled(
            self.client.create_resource(TypeName=kind, DesiredState=json.dumps(properties), **more)["ProgressEvent"]
        )

    def update(self, kind: str, identifier: str, *operations: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Change a resource by patch operations; its ProgressEvent once nothing is under way."""
        patch = json.dumps(operations)
        return self.settled(
            self.client.update_resource(TypeName=kind, Identifier=identifier, PatchDocument=patch, **more)[
                "ProgressEvent"
            ]
        )

    def delete(self, kind: str, identifier: str, **more: Any) -> dict[str, Any]:
        """Delete a resource; its ProgressEvent once nothing is under way."""
        return self.settled(self.client.delete_resource(TypeName=kind, Identifier=identifier, **more)["ProgressEvent"])

    def settled(self, event: dict[str, Any]) -> dict[str, Any]:
        """The ProgressEvent of a request once nothing is under way."""
        self._plane.settle_resource_requests()
        return self.told(event["RequestToken"])

    def told(self, token: str) -> dict[str, Any]:
        """The ProgressEvent of a request."""
        return dict(self.client.get_resource_request_status(RequestToken=token)["ProgressEvent"])

    def model(self, kind: str, identifier: str) -> dict[str, Any]:
        """The model of a resource."""
        found = self.client.get_resource(TypeName=kind, Identifier=identifier)["ResourceDescription"]
        return dict(json.loads(found["Properties"]))

    def listed(self, kind: str, **more: Any) -> list[str]:
        """The identifiers of all resources of a type."""
        pages = self.client.get_paginator("list_resources").paginate(TypeName=kind, **more)
        return [it["Identifier"] for page in pages for it in page["ResourceDescriptions"]]
