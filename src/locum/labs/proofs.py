"""Proofs of answers: steps that are carried out on the plane, each of which has to come out as it says.

A step is a mapping. What it makes has a name of the proof's own (`World.name`) and is gone afterwards:

    role: NAME, trust: ec2 | lambda | account | STATEMENT, can: [STATEMENT...]
    profile: NAME, can: [STATEMENT...]      a role for EC2 in an instance profile
    user: NAME, can: [STATEMENT...]         and an access key, the key NAME
    policy: NAME, can: [STATEMENT...]
    instance: NAME, profile: NAME, tokens: required | optional; its id is the value NAME
    bucket: NAME, objects: {KEY: TEXT}      its name is the value NAME
    member: NAME, guard: [STATEMENT...]     another account: its id is the value NAME, its administrator the key NAME
    assume: ROLE, by: KEY                   the session is the key ROLE

What it asks, and what has to come of it:

    do: SERVICE.OPERATION, with: {...}, who: KEY; who is the learner by default
        drop: token                         the session token of KEY is left out
        refused: CODE                       the call is refused with it; otherwise it has to succeed
        says: TEXT                          ... and the message has TEXT in it
        shows: {JMESPATH: VALUE}            what the answer has
        keep: {NAME: JMESPATH}              what of the answer is a value from now on
        key: NAME                           the answer has credentials
    metadata: INSTANCE, put | get: PATH, headers: {...}, token: false; a GET has a token by default
        status: N                           200 by default
        has: TEXT                           in the body
        key: NAME                           the body has credentials
    decide: [STATEMENT...], boundary: [STATEMENT...], action: NAME, resource: ARN, given: {KEY: VALUE}
        is: allowed | implicitDeny | explicitDeny   what the policy simulator says

In texts `$NAME` is a value: `$p` is what all names of the proof begin with, `$account`, `$region`, `$image` are what
they say. A mapping with a `Statement` is a policy document. In a STATEMENT, Effect is Allow and Resource `*` unless it
says otherwise (a trust policy's has no Resource, and the Action sts:AssumeRole).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from string import Template
from typing import Any, Final

import jmespath
from botocore.exceptions import ClientError, ParamValidationError

from locum.core.errors import LocumError
from locum.core.identifiers import OWN_IMAGE
from locum.labs import inside, making, organizations
from locum.labs.documents import EC2, LAMBDA, document, trusting
from locum.labs.sweeping import FINDERS, sweep
from locum.labs.world import Credentials, World, code_of

_TRUSTED: Final = {"ec2": EC2, "lambda": LAMBDA}
_TTL: Final = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
_SERVICES_OF: Final = {"instance": "ec2", "bucket": "s3"}


class Unproven(LocumError):
    """A step came out otherwise than its proof says."""


def prove(world: World, steps: tuple[dict[str, Any], ...]) -> Iterator[str]:
    """Carry out the steps of a proof, each of which is told in a line. Raises Unproven. Nothing is left afterwards."""
    proof = _Proof(world)
    try:
        for step in steps:
            yield proof.step(step)
    except ClientError as error:
        raise Unproven(f"a call failed that had to succeed: {error}") from error
    finally:
        clear(world, steps)


def clear(world: World, steps: tuple[dict[str, Any], ...]) -> None:
    """Remove what a proof made. Raises Unproven where something is left."""
    used = {step["do"].partition(".")[0] for step in steps if "do" in step}
    used |= {service for kind, service in _SERVICES_OF.items() if any(kind in step for step in steps)}
    left = organizations.leave(world) if any("member" in step for step in steps) else []
    left += sweep(world, tuple(used & set(FINDERS))).left
    if left:
        raise Unproven(f"something is left of the proof: {'; '.join(left)}")


class _Proof:
    """A proof that is being carried out: its values and its credentials."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._values = {"p": world.prefix, "account": world.account, "region": world.region, "image": OWN_IMAGE}
        self._keys: dict[str, Credentials] = {}

    def step(self, step: dict[str, Any]) -> str:
        """Carry out one step; what came of it. Raises Unproven."""
        kind = next(iter(step))
        told = self._filled({name: value for name, value in step.items() if name not in ("shows", "keep")})
        if kind in ("do", "metadata", "decide"):
            asked = {"do": self._do, "metadata": self._metadata, "decide": self._decide}[kind]
            return asked({**told, "shows": step.get("shows", {}), "keep": step.get("keep", {})})
        getattr(self, f"_make_{kind}")(told[kind], told)
        return f"{kind} {told[kind]}"

    def _filled(self, value: Any) -> Any:
        """`value` with values in the place of their names, and documents as texts."""
        if isinstance(value, str):
            return Template(value).safe_substitute(self._values)
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        if not isinstance(value, Mapping):
            return value
        filled = {self._filled(name): self._filled(each) for name, each in value.items()}
        if "Statement" in filled:
            return document(*map(_statement, filled["Statement"]))
        return filled

    # -- what is made ------------------------------------------------------------------------------------

    def _make_role(self, name: str, step: dict[str, Any]) -> None:
        trust = step.get("trust", "account")
        if trust == "account":
            text = trusting(AWS=f"arn:aws:iam::{self._world.account}:root")
        elif isinstance(trust, str):
            text = trusting(Service=_TRUSTED[trust])
        else:
            text = document({"Effect": "Allow", "Action": "sts:AssumeRole", **trust})
        making.role(self._world, name, text, *_statements(step))

    def _make_profile(self, name: str, step: dict[str, Any]) -> None:
        making.profile(self._world, name, *_statements(step))

    def _make_user(self, name: str, step: dict[str, Any]) -> None:
        user = making.user(self._world, name, *_statements(step))
        self._keys[name] = Credentials.of(self._world.do("iam", "create_access_key", UserName=user)["AccessKey"])

    def _make_policy(self, name: str, step: dict[str, Any]) -> None:
        making.policy(self._world, name, *_statements(step))

    def _make_instance(self, name: str, step: dict[str, Any]) -> None:
        profile = self._world.name(step["profile"]) if "profile" in step else ""
        self._values[name] = making.instance(self._world, name, profile, step.get("tokens", "required"))

    def _make_bucket(self, name: str, step: dict[str, Any]) -> None:
        self._values[name] = making.bucket(self._world, name, **step.get("objects", {}))

    def _make_member(self, name: str, step: dict[str, Any]) -> None:
        account = self._values[name] = organizations.member(self._world)
        with self._world.administrator(account) as key:
            self._keys[name] = key
        if "guard" in step:
            organizations.guard(self._world, name, account, document(*map(_statement, step["guard"])))

    def _make_assume(self, name: str, step: dict[str, Any]) -> None:
        self._keys[name] = self._world.session(self._world.arn("role", name), self._keys[step["by"]])

    # -- what is asked -----------------------------------------------------------------------------------

    def _do(self, step: dict[str, Any]) -> str:
        service, _, operation = step["do"].partition(".")
        who = self._keys[step["who"]] if "who" in step else None
        if who is not None and step.get("drop") == "token":
            who = who._replace(session_token="")
        told = f"{step.get('who', 'you')}: {service} {operation}"
        try:
            answer = self._world.do(service, operation, who, **step.get("with", {}))
        except (ClientError, ParamValidationError) as error:
            return f"{told}: {_refused(step, told, error)}"
        if "refused" in step:
            raise Unproven(f"{told} succeeded, and was to be refused with {step['refused']}")
        return f"{told}: {self._shown(step, told, answer) or 'done'}"

    def _shown(self, step: dict[str, Any], told: str, answer: dict[str, Any]) -> str:
        """What of an answer had to be shown, and was; what is to be kept of it is kept."""
        for path, wanted in step["shows"].items():
            if (found := jmespath.search(self._filled(path), answer)) != self._filled(wanted):
                raise Unproven(f"{told}: {path} is {found!r}, not {self._filled(wanted)!r}")
        for name, path in step["keep"].items():
            self._values[name] = str(jmespath.search(self._filled(path), answer))
        if "key" in step:
            self._keys[step["key"]] = Credentials.of(answer.get("Credentials") or answer["AccessKey"])
        return ", ".join(f"{path} is {self._filled(wanted)}" for path, wanted in step["shows"].items())

    def _metadata(self, step: dict[str, Any]) -> str:
        instance = self._values[step["metadata"]]
        method, path = ("PUT", step["put"]) if "put" in step else ("GET", step["get"])
        headers = {str(name).replace("-", "_"): str(value) for name, value in step.get("headers", {}).items()}
        if method == "GET" and step.get("token", True):
            status, body = inside.read(self._world, instance, path)
        else:
            status, body = inside.metadata(self._world, instance, path, method, **headers)
        told = f"{instance}: {method} {path}: {status}"
        if status != step.get("status", 200):
            raise Unproven(f"{told}, not {step.get('status', 200)}")
        if step.get("has", "") not in body:
            raise Unproven(f"{told}, without {step['has']}")
        if "key" in step:
            self._keys[step["key"]] = Credentials.of(json.loads(body))
        return f"{told}{', with ' + step['has'] if 'has' in step else ''}"

    def _decide(self, step: dict[str, Any]) -> str:
        boundary = [document(*map(_statement, step["boundary"]))] if "boundary" in step else []
        context = [
            {"ContextKeyName": name, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for name, value in step.get("given", {}).items()
        ]
        answer = self._world.do(
            "iam", "simulate_custom_policy",
            PolicyInputList=[document(*map(_statement, step["decide"]))],
            PermissionsBoundaryPolicyInputList=boundary, ContextEntries=context,
            ActionNames=[step["action"]], ResourceArns=[step.get("resource", "*")],
        )  # fmt: skip
        found = answer["EvaluationResults"][0]["EvalDecision"]
        told = f"{step['action']} on {step.get('resource', '*')}: {found}"
        if found != step["is"]:
            raise Unproven(f"{told}, not {step['is']}")
        return told


def _refused(step: dict[str, Any], told: str, error: ClientError | ParamValidationError) -> str:
    """The error with which a call had to be refused, and was. Raises Unproven.

    What the service model does not let a client send has the code ParamValidationError.
    """
    code = code_of(error)
    message = error.response["Error"].get("Message", "") if isinstance(error, ClientError) else str(error)
    if code != step.get("refused"):
        raise Unproven(f"{told} was refused with {code}: {message}") from error
    if step.get("says", "") not in message:
        raise Unproven(f"{told} was refused with {message}, which does not say {step['says']}") from error
    return f"{code}{', ' + step['says'] if 'says' in step else ''}"


def _statements(step: dict[str, Any]) -> list[dict[str, Any]]:
    return [_statement(each) for each in step.get("can", ())]


def _statement(given: Mapping[str, Any]) -> dict[str, Any]:
    """A statement with what it does not say: it allows, and on anything."""
    bare = "NotResource" in given or ("Principal" in given and given.get("Action") == "sts:AssumeRole")
    return {"Effect": "Allow", **({} if bare else {"Resource": "*"}), **given}
