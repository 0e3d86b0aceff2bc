"""Resources made, changed and deleted by their providers alone, in a plane in this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from locum import wire
from locum.agents.stacks.work import carried_out
from locum.core.actors import on_behalf_of
from locum.core.errors import Fault
from locum.core.principal import Caller, Principal
from locum.services.cloudformation.comparison import compared
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.providers.base import Found, Request, Resource
from locum.wire.fitting import fitted
from support.inprocess import REGION, InProcess
from support.plane import ACCOUNT

STACK = "0f3c1a2b-1111-2222-3333-444455556666"


def exact(work: Any) -> Any:
    """`work`, whose requests are checked to have the members of the API, and values of their types."""
    step = next(work)
    try:
        while True:
            assert isinstance(step, Request)
            codec = wire.codec_of(step.service, step.operation)
            assert codec is not None, step.operation
            assert fitted(codec.model, step.params) == step.params
            try:
                answer = yield step
            except Fault as fault:
                step = work.throw(fault)
            else:
                step = work.send(answer)
    except StopIteration as done:
        return done.value


class Making:
    """Makes resources as the root user, on whose behalf CloudFormation acts."""

    def __init__(self, plane: InProcess) -> None:
        self._plane = plane
        self._count = 0

    def create(self, kind: str, logical: str = "Thing", **properties: Any) -> Resource:
        """A new resource of type `kind`."""
        self._count += 1
        arn = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/shop/{STACK}"
        tags = {"aws:cloudformation:stack-name": "shop", "team": "blue"}
        token = f"TOKEN{self._count:07d}"
        wanted = Resource(kind, logical, properties, ACCOUNT, REGION, "shop", arn, token, tags=tags)
        return self._after(wanted, PROVIDERS[kind].create(wanted))

    def update(self, before: Resource, **properties: Any) -> Resource:
        """`before` with other properties; it is the same resource."""
        wanted = replace(before, properties=properties)
        update = PROVIDERS[before.type].update
        assert update is not None
        return self._after(wanted, update(wanted, before.properties))

    def delete(self, resource: Resource) -> None:
        """Delete `resource`."""
        self._run(PROVIDERS[resource.type].delete(resource))

    def _after(self, wanted: Resource, work: Any) -> Resource:
        made = self._run(work)
        attributes: Mapping[str, Any] = made.attributes
        there = replace(wanted, physical=made.physical, attributes=attributes)
        self.check_read(there)
        return there

    def read(self, resource: Resource) -> Found:
        """What is read of `resource`."""
        read = PROVIDERS[resource.type].read
        assert read is not None
        found: Found = self._run(exact(read(resource)))
        return found

    def check_read(self, resource: Resource) -> None:
        """Check what is read of a resource that is there, if it is read: nothing of it differs, and it is listed."""
        provider = PROVIDERS[resource.type]
        if provider.read is not None:
            wanted = {"properties": resource.properties, "tags": resource.tags}
            assert compared(resource.type, wanted, self.read(resource), ACCOUNT).differences == ()
        if provider.list is not None:
            listed = self._run(exact(provider.list(replace(resource, physical=""))))
            ids = {resource.physical, resource.attributes.get("Id")}  # of a group that Ref gives by its name
            assert ids & set(listed) or "|" in resource.physical  # a rule of another bus than the default one

    def _run(self, work: Any) -> Any:
        actor = on_behalf_of(Caller(Principal.root(ACCOUNT)), "cloudformation.amazonaws.com")
        return self._plane.run(carried_out(self._plane.node.calls.make, actor, REGION, work))
