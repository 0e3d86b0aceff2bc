"""CreateFleet, for fleets of type `instant`: they launch once, and the answer has the instances and what failed.

EC2 User Guide, "Configure an EC2 Fleet of type instant". EC2 Fleet launches with its caller's permissions: each launch
is decided on and recorded as a RunInstances of the caller by `ec2fleet.amazonaws.com`, with everything that is in the
template (forward access). What is refused is an error of the fleet, and the next override is tried.

A fleet of another type keeps its capacity with a service-linked role; those are refused.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from locum.core.actors import on_behalf_of
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.core.identifiers import request_id
from locum.services.asking import Asking
from locum.services.ec2.faults import bad_value, idempotency_mismatch, missing_parameter
from locum.services.ec2.fleet_descriptions import FLEET_SERVICE, removals_of_deleted
from locum.services.ec2.fleet_pools import Lifecycle, Pool, capacities, in_order, overrides_of, shown_config
from locum.services.ec2.held import Answer
from locum.services.ec2.idempotency import check_token, digest_of
from locum.services.ec2.launch import events_of, launched
from locum.services.ec2.shapes import InstanceRow
from locum.services.ec2.tagging import specified_tags
from locum.services.ec2.templates import version_of, with_template
from locum.services.verbs import Context, Outcome, Params
from locum.state import Fleet, change, put

FLEET_TAG: Final = "aws:ec2:fleet-id"

_MOST_FAILURES: Final = 16
"""Launches that may fail before a fleet tries no other override."""
_KEPT: Final = ("OnDemandOptions", "SpotOptions", "TargetCapacitySpecification", "Context")


def create_fleet(ctx: Context, params: Params) -> Asking:
    """ec2:CreateFleet, of type `instant`."""
    _require_supported(params)
    token, digest = params.get("ClientToken", ""), digest_of(params)
    earlier = _created_with(ctx, token)
    if earlier is not None:
        if earlier.request_digest != digest:
            raise idempotency_mismatch()
        return Outcome(_answer(earlier))
    wanted = list(capacities(params))
    tags = specified_tags(params, "fleet")
    pools = yield from _pools(ctx, params)
    launches = _Launches(ctx, f"fleet-{request_id(ctx.entropy)}")
    for lifecycle, capacity in wanted:
        yield from launches.fill(lifecycle, capacity, in_order(pools, params, lifecycle), params)
    fleet = Fleet(
        account=ctx.account,
        id=launches.fleet_id,
        region=ctx.region,
        created=int(ctx.now),
        client_token=token,
        request_digest=digest,
        given={
            "LaunchTemplateConfigs": [shown_config(each) for each in params["LaunchTemplateConfigs"]],
            **{name: params[name] for name in _KEPT if params.get(name)},
        },
        launches=tuple(launches.done),
        errors=tuple(launches.errors),
        tags=tags,
    )
    return Outcome(_answer(fleet), (*removals_of_deleted(ctx), put(fleet), *events_of(launches.rows)))


class _Launches:
    """The launches of a new fleet: `rows` are its instances, `done` and `errors` what the answer tells of them."""

    def __init__(self, ctx: Context, fleet_id: str) -> None:
        self._ctx = ctx
        self.fleet_id = fleet_id
        self.rows: list[InstanceRow] = []
        self.done: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []

    def fill(
        self, lifecycle: Lifecycle, capacity: int, pools: list[Pool], params: Params
    ) -> Generator[Ask, Answer, None]:
        """Launch the capacity from the first pool that it can be launched from."""
        for pool in pools:
            if len(self.errors) >= _MOST_FAILURES:
                return
            told = {"LaunchTemplateAndOverrides": pool.shape(), "Lifecycle": lifecycle}
            launch = pool.launch(pool.number(capacity), lifecycle) | _instance_tags(params)
            try:
                rows = yield from _launched(self._ctx, launch)
            except Fault as fault:
                self.errors.append({**told, "ErrorCode": fault.code, "ErrorMessage": fault.message})
                continue
            self._add(rows, told)
            return

    def _add(self, rows: list[InstanceRow], told: Mapping[str, Any]) -> None:
        tagged = [
            row._replace(instance=replace(row.instance, tags={**row.instance.tags, FLEET_TAG: self.fleet_id}))
            for row in rows
        ]
        self.rows += tagged
        ids, type_ = [row.instance.id for row in tagged], tagged[0].instance.instance_type
        self.done.append({**told, "InstanceIds": ids, "InstanceType": type_})
        # The next launch sees the instances of this one: their addresses are taken.
        self._ctx = self._ctx._replace(state=change(self._ctx.state, events_of(tagged)))


def _launched(ctx: Context, params: Params) -> Generator[Ask, Answer, list[InstanceRow]]:
    """A launch that the fleet's caller has to be allowed. Raises Fault."""
    caller = on_behalf_of(ctx.caller, FLEET_SERVICE)
    yield Ask(ServiceCall(caller, "ec2", "RunInstances", params, ctx.region), decided_only=True)
    merged = yield from with_template(ctx, params)
    return (yield from launched(ctx, merged))


def _require_supported(params: Params) -> None:
    kind = params.get("Type") or "maintain"
    if kind not in ("request", "maintain", "instant"):
        raise bad_value(kind, "Type", "Expected request, maintain or instant.")
    if kind != "instant":
        raise Fault("UnsupportedOperation", f"Fleets of type {kind} are not launched here: those of type instant are.")
    if not params.get("LaunchTemplateConfigs"):
        raise missing_parameter("LaunchTemplateConfigs")


def _pools(ctx: Context, params: Params) -> Generator[Ask, Answer, list[Pool]]:
    """All pools of the request, in its order. Raises Fault for a launch template that is not there."""
    pools: list[Pool] = []
    for config in params["LaunchTemplateConfigs"]:
        specification = config.get("LaunchTemplateSpecification") or {}
        version = yield from version_of(ctx, specification)
        user_data = specification.get("LaunchTemplateSpecificationUserData") or ""
        pools += [Pool(version, override, user_data) for override in overrides_of(config)]
    return pools


def _instance_tags(params: Params) -> dict[str, Any]:
    """The tags for what is launched, as a parameter of RunInstances."""
    given = [each for each in params.get("TagSpecifications") or () if each.get("ResourceType") != "fleet"]
    return {"TagSpecifications": given} if given else {}


def _created_with(ctx: Context, token: str) -> Fleet | None:
    if not token:
        return None
    check_token(token)
    fleets = ctx.state.table(Fleet, ctx.account).values()
    return next((each for each in fleets if (each.region, each.client_token) == (ctx.region, token)), None)


def _answer(fleet: Fleet) -> dict[str, Any]:
    return {"FleetId": fleet.id, "Instances": list(fleet.launches), "Errors": list(fleet.errors)}
