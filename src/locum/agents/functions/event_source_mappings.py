"""The host of event source mappings: carries out Lambda's operations on them, and has their sources read.

Whoever makes a mapping must be allowed to; whether the source may be read is a matter of the function's execution role,
which is asked when the mapping is made, and with every read. AWS Lambda Developer Guide, "Event source mappings".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from locum.agents.functions.event_sources import EventSources
from locum.agents.functions.execution_roles import named_function
from locum.agents.functions.mapping_checks import check_source
from locum.agents.functions.mapping_requests import QUEUE, invalid, settings_of, source_of, told
from locum.agents.functions.sources import Plane
from locum.backends import Backend, BackendCall, Carried
from locum.core.arn import PARTITION
from locum.core.clock import Entropy
from locum.core.errors import Fault
from locum.core.event_sources import DELETING, UPDATING, EventSourceMapping, Mappings
from locum.core.functions import Find, Function
from locum.core.identifiers import request_id
from locum.services.pagination import Pagination

MOST_LISTED: Final = 100
"""The limit for MaxItems, however many are asked for. AWS Lambda API Reference, ListEventSourceMappings."""

_LISTS: Final = Pagination(
    "MaxItems", "Marker", "NextMarker", MOST_LISTED, lambda: invalid("The pagination marker is not valid.")
)

Carry = Callable[[BackendCall], Awaitable[dict[str, Any]]]


class MappingHost(Backend):
    """Carries out the operations on event source mappings, which `mappings` keeps; `find` knows the functions."""

    forgets = True

    def __init__(self, plane: Plane, find: Find, mappings: Mappings, entropy: Entropy) -> None:
        self._plane = plane
        self._find = find
        self._mappings = mappings
        self._clock = plane.clock
        self._entropy = entropy
        self._sources = EventSources(plane, find, mappings)
        self._operations: Mapping[str, Carry] = {
            "CreateEventSourceMapping": self._create,
            "DeleteEventSourceMapping": self._delete,
            "GetEventSourceMapping": self._get,
            "ListEventSourceMappings": self._list,
            "UpdateEventSourceMapping": self._update,
        }

    async def call(self, call: BackendCall) -> Carried:
        call.codec.check(call.params)
        output = await self._operations[call.operation](call)
        return Carried(call.codec.serialize(output, call.origin.request_id))

    async def resume(self) -> None:
        for mapping in await asyncio.to_thread(self._mappings.under_way):
            self._sources.begin(mapping)

    async def forget(self, account: str) -> None:
        await self._sources.close(account)

    async def close(self) -> None:
        await self._sources.close()

    # -- operations ------------------------------------------------------------------------------------------

    async def _create(self, call: BackendCall) -> dict[str, Any]:
        params = call.params
        source = source_of(params.get("EventSourceArn", ""))
        function, arn = self._function(call, params)
        settings = settings_of(source, params)
        mapping = EventSourceMapping(
            account=call.account,
            region=call.region,
            uuid=request_id(self._entropy),
            source=source,
            function=arn,
            settings=settings,
            enabled=params.get("Enabled", True),
            modified=self._clock(),
        )
        self._check_new(mapping, function)
        await check_source(self._plane, mapping, function, call.origin.request_id)
        self._check_new(mapping, function)  # somebody else may have made it while the role was asked
        self._mappings.put(mapping, params.get("Tags") or {})
        self._sources.begin(mapping)
        return told(mapping)

    async def _get(self, call: BackendCall) -> dict[str, Any]:
        return told(self._existing(call))

    async def _list(self, call: BackendCall) -> dict[str, Any]:
        params, found = call.params, self._mappings.every(call.account, call.region)
        if "EventSourceArn" in params:
            found = [mapping for mapping in found if str(mapping.source) == params["EventSourceArn"]]
        if "FunctionName" in params:
            name, qualifier = named_function(params)
            suffix = f":function:{name}" + (f":{qualifier}" if qualifier else "")
            found = [mapping for mapping in found if mapping.function.endswith(suffix)]
        asked = {name: value for name, value in params.items() if value != ""}  # an empty marker is no marker
        asked |= {"MaxItems": min(params.get("MaxItems", MOST_LISTED), MOST_LISTED)}
        return _LISTS.page(asked, found, lambda mapping: mapping.uuid).outcome("EventSourceMappings", told).answer

    async def _update(self, call: BackendCall) -> dict[str, Any]:
        params, before = call.params, self._existing(call)
        if before.state == DELETING:
            raise Fault("ResourceInUseException", "The event source mapping is being deleted.", 400)
        named = params.get("FunctionName")
        function, arn = self._function(call, params if named else {"FunctionName": before.function})
        mapping = replace(
            before,
            function=arn,
            settings=settings_of(before.source, params, before.settings),
            enabled=params.get("Enabled", before.enabled),
            modified=self._clock(),
            state=UPDATING,
        )
        if mapping.enabled:
            await check_source(self._plane, mapping, function, call.origin.request_id)
        self._existing(call)
        self._mappings.put(mapping)
        self._sources.begin(mapping)
        return told(mapping)

    async def _delete(self, call: BackendCall) -> dict[str, Any]:
        mapping = replace(self._existing(call), state=DELETING)
        self._mappings.put(mapping)
        self._sources.end(mapping)
        return told(mapping)

    def _existing(self, call: BackendCall) -> EventSourceMapping:
        found = self._mappings.find(call.account, call.region, call.params["UUID"])
        if found is None:
            members = {"Type": "User"}
            text = "The resource you requested does not exist."
            raise Fault("ResourceNotFoundException", text, 404, members=members)
        return found

    def _function(self, call: BackendCall, params: Mapping[str, Any]) -> tuple[Function, str]:
        """The function that is named, and its ARN with the qualifier. Raises Fault."""
        name, qualifier = named_function(params)
        function = self._find(call.account, call.region, name, qualifier)
        own = "", f"arn:{PARTITION}:lambda:{call.region}:{call.account}:", f"{call.account}:"
        if function is None or params["FunctionName"].rpartition("function:")[0] not in own:
            raise invalid("Function does not exist")
        return function, f"{function.arn}:{qualifier}" if qualifier else function.arn

    def _check_new(self, mapping: EventSourceMapping, function: Function) -> None:
        """Raise Fault where there is a mapping from the source to the function."""
        for other in self._mappings.every(mapping.account, mapping.region):
            if (other.source, other.function) != (mapping.source, mapping.function):
                continue
            ends = f'(" {function.name} ") provided mapping already exists.'
            text = f'The event source arn (" {mapping.source} ") and function {ends}'
            if mapping.source.service == QUEUE:
                ends = f'(" {function.name} ") already exists.'
                text = f'An event source mapping with SQS arn (" {mapping.source} ") and function {ends}'
            text = f"{text} Please update or delete the existing mapping with UUID {other.uuid}"
            raise Fault("ResourceConflictException", text, 409, members={"Type": "User"})
