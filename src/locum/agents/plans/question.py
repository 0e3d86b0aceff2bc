"""The question of `locum plan`, and its answer: what a deployment takes, and what of it who deploys lacks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from locum import analysis
from locum.agents.plans import principals
from locum.agents.plans.arn_forms import Place
from locum.agents.plans.deciding import Decider, Finding
from locum.agents.plans.marks import MARK, shown
from locum.agents.plans.parts import PHASES, Part
from locum.agents.plans.principals import Parties
from locum.agents.plans.reading import Plane
from locum.agents.plans.rehearsal import PlannedCall, Stage
from locum.agents.plans.templates import TemplatePlan
from locum.agents.plans.terraform import terraform_parts
from locum.agents.plans.whole import Surroundings, exports_of, nobody_reads, prepared
from locum.analysis import Permission
from locum.analysis.identities import named
from locum.calls.activity import encoded
from locum.calls.runtime import Runtime
from locum.core.errors import ConfigurationError, Fault
from locum.services.cloudformation.drafts import STACK
from locum.services.cloudformation.intrinsics import Pseudo
from locum.services.cloudformation.sealing import Seals
from locum.state import Account, Role, State, put
from locum.state.cloudformation import stack_arn
from locum.state.state import change

DEPLOYMENT: Final = "(deployment)"
"""In place of a logical id: what CloudFormation itself is called for."""

_CALLS: Final = {"create": "CreateStack", "update": "UpdateStack", "delete": "DeleteStack"}


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks what a deployment of `text` takes: a template, or where `terraform`, a plan of Terraform as JSON.

    `acting` is who makes the resources, a user or a role (the stack's role) by its name or ARN; `caller` who calls
    CloudFormation. Without them it is the owner of `access_key`, or where that is empty the root user. `policies`
    (documents by name) are in place of the identity policies of who makes the resources. `phases` are some of PHASES.
    """

    text: str
    terraform: bool = False
    acting: str = ""
    caller: str = ""
    access_key: str = ""
    account: str = ""
    region: str = ""
    stack_name: str = "stack"
    parameters: dict[str, str] = {}
    tags: dict[str, str] = {}
    policies: dict[str, str] = {}
    phases: tuple[str, ...] = PHASES


async def answer(runtime: Runtime, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a plane to a question, as JSON values. Raises ConfigurationError where it is none."""
    return await planned(runtime, runtime.ledger.state, runtime.clock(), _question(asked))


async def answer_offline(asked: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The answer where there is no plane: nothing is known but what the question has. Raises ConfigurationError."""
    question = _question(asked)
    account = question.account
    role = principals.nobody_yet(account)
    state = change(State(), [put(Account(account=account, created=0)), put(role)])
    acting = {"acting": role.arn} if question.terraform else {"caller": role.arn}
    return await planned(None, state, now, msgspec.structs.replace(question, **acting))


def _question(asked: Mapping[str, Any]) -> Question:
    try:
        return msgspec.convert(asked, Question)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"not a question about a deployment: {error}") from error


async def planned(runtime: Runtime | None, state: State, now: float, question: Question) -> dict[str, Any]:
    """The answer to `question`. Raises ConfigurationError where it cannot be answered."""
    plane = None if runtime is None else Plane(runtime, asyncio.get_running_loop())
    try:
        return await asyncio.to_thread(_planned, plane, state, now, question)
    except Fault as fault:
        raise ConfigurationError(fault.message) from fault


def _planned(plane: Plane | None, state: State, now: float, question: Question) -> dict[str, Any]:
    state, place, parties = _parties(state, now, question)
    stage = Stage(place, parties.makes.caller, now, state)
    deployment = _deployment(stage, _surroundings(plane, stage, parties), question)
    decider = Decider(stage, parties.makes, plane)
    findings = [finding for part in deployment.parts for finding in decider.findings(part)]
    around = [] if question.terraform else _around(stage, question, parties, deployment.calls)
    caller = Decider(stage.by(parties.by.caller), parties.by, plane)
    own = [finding for part in around for finding in caller.findings(part)]
    same = not parties.role
    return {
        "principal": parties.makes.arn,
        "caller": parties.by.arn,
        "role": parties.role,
        "refusal": parties.refusal,
        "capabilities": list(deployment.capabilities),
        "findings": [_row(finding) for finding in findings],
        "ofCaller": [_row(finding) for finding in own],
        "notes": [_note(part, note) for part in deployment.parts for note in dict.fromkeys(part.notes)],
        "unknown": sorted({part.kind for part in deployment.parts if _is_unknown(part)}),
        "permissions": _encoded([*findings, *(own if same else ())]),
        "permissionsOfCaller": [] if same else _encoded(own),
    }


class Deployment(NamedTuple):
    """The parts of a deployment, and the calls that reading a template takes of who deploys it."""

    parts: list[Part]
    capabilities: tuple[str, ...] = ()
    calls: tuple[PlannedCall, ...] = ()


def _deployment(stage: Stage, around: Surroundings, question: Question) -> Deployment:
    if question.terraform:
        return Deployment(terraform_parts(stage, around, question.text, question.phases))
    pseudo = Pseudo(*stage.place, question.stack_name, _stack(stage.place, question.stack_name))
    whole = prepared(stage, around, question.text, question.parameters, pseudo)
    plan = TemplatePlan(stage, whole.evaluation, around, question.tags)
    return Deployment(plan.run(question.phases), whole.capabilities, whole.calls)


def _surroundings(plane: Plane | None, stage: Stage, parties: Parties) -> Surroundings:
    """What templates are read with."""
    if plane is None:
        return Surroundings(nobody_reads, parties.by.caller)
    runtime = plane.runtime
    exports = exports_of(stage, Seals(runtime.keyring, runtime.entropy))
    read = partial(plane.read, account=stage.place.account)
    return Surroundings(read, parties.by.caller, exports, runtime.settings)


def _stack(place: Place, name: str) -> str:
    return stack_arn(place.region, place.account, name, MARK)


def _parties(state: State, now: float, question: Question) -> tuple[State, Place, Parties]:
    account = question.account
    place = Place(account, question.region)
    acting = named(state, account, question.acting) if question.acting else None
    by = named(state, account, question.caller) if question.caller else None
    if by is None and (acting is None or isinstance(acting, Role)):
        by = principals.owner_of(state, question.access_key, account)
    if acting is not None:
        state, acting = principals.with_own(state, acting, question.policies)
    else:
        state, by = principals.with_own(state, by, question.policies)
    if question.terraform:
        made = principals.party(acting or by, account, now)
        return state, place, Parties(made, made)
    stack = _stack(place, question.stack_name)
    return state, place, principals.of_template(state, place, now, acting, by, stack)


def _around(stage: Stage, question: Question, parties: Parties, calls: Iterable[PlannedCall]) -> list[Part]:
    """What CloudFormation is called for: in a phase, with the role that is passed to it."""
    made = []
    role = {"RoleARN": parties.role} if parties.role else {}
    for phase in question.phases:
        params: dict[str, Any] = {"StackName": question.stack_name, **role}
        asked = PlannedCall("cloudformation", _CALLS[phase], params, stage.place.region, stage.state)
        more = () if phase == "delete" else tuple(calls)
        made.append(Part(DEPLOYMENT, STACK, phase, (asked, *more)))
    return made


def _row(finding: Finding) -> dict[str, Any]:
    return {**finding._asdict(), "needed": finding.needed is not None}


def _is_unknown(part: Part) -> bool:
    """Whether it is not known what a part takes."""
    return bool(part.notes) and not (part.calls or part.actions or part.known)


def _note(part: Part, note: str) -> dict[str, str]:
    return {"logical": part.logical, "kind": part.kind, "phase": part.phase, "note": shown(note)}


def _encoded(findings: Iterable[Finding]) -> list[Any]:
    needed: set[Permission] = {finding.needed for finding in findings if finding.needed is not None}
    return [encoded(permission) for permission in analysis.distinct(needed)]
