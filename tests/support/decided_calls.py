"""Decision cases as real calls: what a case says is set up by calls, and its request is made by its principal."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from moto.backends import get_backend

from locum import policy
from locum.policy import PolicyKind, Verdict, cases
from locum.services.verbs import Outcome
from locum.state import Event, put, remove
from support import organized_cases
from support.inprocess import InProcess, Key, _Raw, arrived

HOME: Final = "111111111111"
AWAY: Final = "222222222222"
USER: Final = f"arn:aws:iam::{HOME}:user/alice"
ROLE: Final = f"arn:aws:iam::{HOME}:role/team/app"
WHO: Final = {
    USER: "user",
    f"arn:aws:sts::{HOME}:assumed-role/app/run": "role",
    f"arn:aws:sts::{HOME}:federated-user/bob": "federated",
    f"arn:aws:iam::{HOME}:root": "root",
    "anonymous": "anonymous",
}
"""The principals that are there, by the ARN in a case."""

IDS: Final = ("AIDAEXAMPLEUSERID0001", "AROAEXAMPLEROLEID0001")
DENIALS: Final = frozenset({"AccessDenied", "AccessDeniedException", "AuthorizationError"})
UNFIT: Final = frozenset({"MalformedPolicy", "MalformedPolicyDocumentException", "InvalidAttributeValue"})
FULL: Final = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})

PRINCIPAL = "the principal is a service, or not one of those that are set up"
ORGANIZATION = "no organization is like that: exemptions without policies, or RCPs on what they do not speak of"
ACTION = "the action is asked within another operation, or of a service or operation that the test does not call"
OWNER = "the resource is not the owner's by its ARN, or of a name that is not set up"
ALWAYS_A_POLICY = "a role or key without its policy does not exist"
POLICY_OF_NOTHING = "there is no resource to attach the policy to"
REFUSED = "a document would be refused when it is written"
CONTEXT = "no call makes a condition key what the case says it is"
ROOT_ROLES = "root users may not assume roles, nor federated sessions, whatever policies say"
CIPHERTEXT = "moto's ciphertexts name a key, and not the account that it is of"
UNSIGNED_ELSEWHERE = "only S3 takes calls that nobody signed"

_MADE = itertools.count(1)

# --- what cannot be set up -----------------------------------------------------------------------------------


def unreachable(raw: Mapping[str, Any], case: cases.Case) -> str:
    """Why no calls make the situation of the case; empty where some do."""
    request = case.request
    who = WHO.get(raw["principal_arn"], "")
    action, owner = request.action.lower(), request.resource_account
    reasons: dict[str, Callable[[], bool]] = {
        PRINCIPAL: lambda: not _is_there(raw, who),
        ORGANIZATION: lambda: organized_cases.out_of_reach(raw, case, HOME),
        ACTION: lambda: action not in OPERATIONS,
        OWNER: lambda: owner not in (HOME, AWAY) or not re.fullmatch(OPERATIONS[action].resource(owner), _arn(case)),
        ALWAYS_A_POLICY: lambda: OPERATIONS[action].always and raw.get("resource_policy") is None,
        POLICY_OF_NOTHING: lambda: not OPERATIONS[action].attaches and raw.get("resource_policy") is not None,
        ROOT_ROLES: lambda: action == "sts:assumerole" and who in ("root", "federated"),
        CIPHERTEXT: lambda: action == "kms:decrypt" and owner != HOME,
        UNSIGNED_ELSEWHERE: lambda: who == "anonymous" and not action.startswith("s3:"),
        REFUSED: lambda: any(not _stored(document, kind) for document, kind in _documents(raw)),
        CONTEXT: lambda: any(not _as_said(key, raw, case, who) for key in _mentioned(raw)),
    }
    return next((reason for reason, holds in reasons.items() if holds()), "")


def _is_there(raw: Mapping[str, Any], who: str) -> bool:
    session = raw.get("session") or {}
    if raw.get("principal_type") or raw.get("principal_unique_id", "") not in ("", *IDS):
        return False
    if who == "federated":
        return session.get("federating_user_arn") == USER
    return bool(who) and (who != "role" or session.get("role_arn") == ROLE)


def _arn(case: cases.Case) -> str:
    return "*" if case.request.wildcard_only else case.request.resource


def _documents(raw: Mapping[str, Any]) -> list[tuple[Any, PolicyKind]]:
    found = [(document, PolicyKind.IDENTITY) for document in raw.get("identity_policies") or ()]
    found += [(document, PolicyKind.SESSION) for document in raw.get("session_policies") or ()]
    found += [(document, PolicyKind.SCP) for level in raw.get("scps") or () for document in level]
    found += [(document, PolicyKind.RCP) for level in raw.get("rcps") or () for document in level]
    if raw.get("boundary") is not None:
        found.append((raw["boundary"], PolicyKind.BOUNDARY))
    if raw.get("resource_policy") is not None:
        trust = raw["request"]["action"].lower() == "sts:assumerole"
        found.append((raw["resource_policy"], PolicyKind.TRUST if trust else PolicyKind.RESOURCE))
    return found


def _stored(document: Any, kind: PolicyKind) -> bool:
    try:
        policy.parse(json.dumps(document), kind)
    except policy.MalformedPolicy:
        return False
    # IAM looks up whom a trust policy names.
    named = re.findall(r'arn:aws:iam::[^"]*|A(?:ID|RO)A[A-Z0-9]+', json.dumps(document))
    there = {USER, ROLE, f"arn:aws:iam::{HOME}:root", f"arn:aws:iam::{AWAY}:root", *IDS}
    return kind is not PolicyKind.TRUST or set(named) <= there


def _mentioned(raw: Mapping[str, Any]) -> set[str]:
    """The condition keys that any document asks for, lower-case."""
    found: set[str] = set()
    for document, _ in _documents(raw):
        text = json.dumps(document)
        found.update(key.lower() for key in re.findall(r'"([a-zA-Z0-9-]+:[A-Za-z][\w/:.-]*)": ', text))
        found.update(key.split(",")[0].strip().lower() for key in re.findall(r"\$\{([^{}]+:[^{}]*)\}", text))
    return {key for key in found if not key.startswith(("forallvalues:", "foranyvalue:"))}


_OF_THE_PRINCIPAL: Final = ("aws:username", "aws:userid", "aws:principalarn", "aws:principalaccount")


def _as_said(key: str, raw: Mapping[str, Any], case: cases.Case, who: str) -> bool:
    """Whether the call that will be made has, or has not, the key as the case has it."""
    said = case.request.context.get(key)
    action = case.request.action.lower()
    if key in (*_OF_THE_PRINCIPAL, "aws:principaltype"):
        return said is None
    if key in organized_cases.KEYS:
        return said is None and not raw.get("scps") and not raw.get("rcps")
    if key.startswith("aws:principaltag/"):
        fits = isinstance(said, str) and re.fullmatch(r"[\w .:/=+@-]*", said) is not None
        return said is None or (fits and who in ("user", "role"))
    settable = {
        "aws:sourceip": re.compile(r"[0-9a-f.:]+"),
        "aws:securetransport": re.compile("true|false"),
        "aws:viaawsservice": re.compile("false"),
        "aws:principalisawsservice": re.compile("false"),
        "aws:requestedregion": re.compile("us-east-1"),
        "sts:rolesessionname": re.compile(r"[\w+=,.@-]{2,}"),
    }
    if key in settable:
        return isinstance(said, str) and settable[key].fullmatch(said) is not None
    if (action, key) in _OPTIONAL:
        return said is None or (isinstance(said, str) and _OPTIONAL[action, key].fullmatch(said) is not None)
    of_sessions = key in ("aws:multifactorauthpresent", "aws:tokenissuetime", "aws:multifactorauthage")
    return said is None and key not in ("aws:currenttime", "aws:epochtime") and (who == "user" or not of_sessions)


_OPTIONAL: Final = {
    ("s3:listbucket", "s3:prefix"): re.compile(".*"),
    ("s3:listbucket", "s3:max-keys"): re.compile("[1-9][0-9]{0,8}"),
    ("sts:assumerole", "sts:externalid"): re.compile(r"[\w+=,.@:/-]{2,}"),
}

# --- the calls -----------------------------------------------------------------------------------------------


class Made(NamedTuple):
    """A resource that was made for a case, and what becomes of the names in the case."""

    name: str
    pattern: str = "(?!)"
    """In the JSON of the case, what is to be replaced by the name."""


class Operation(NamedTuple):
    """How an action is called."""

    service: str
    method: str
    resource: Callable[[str], str]
    """The pattern of the ARNs that the case may ask for, by owner."""
    attaches: bool = False
    always: bool = False


def _nowhere(_owner: str) -> str:
    return r"\*"


OPERATIONS: Final[dict[str, Operation]] = {
    "s3:getobject": Operation("s3", "get_object", lambda _: r"arn:aws:s3:::b/.+", attaches=True),
    "s3:getobjectacl": Operation("s3", "get_object_acl", lambda _: r"arn:aws:s3:::b/.+", attaches=True),
    "s3:listbucket": Operation("s3", "list_objects_v2", lambda _: r"arn:aws:s3:::b", attaches=True),
    "s3:listallmybuckets": Operation("s3", "list_buckets", _nowhere),
    "sqs:sendmessage": Operation("sqs", "send_message", lambda a: f"arn:aws:sqs:us-east-1:{a}:q", attaches=True),
    "sns:publish": Operation("sns", "publish", lambda a: f"arn:aws:sns:us-east-1:{a}:t", attaches=True),
    "kms:decrypt": Operation(
        "kms", "decrypt", lambda a: f"arn:aws:kms:us-east-1:{a}:key/[0-9a-f-]+", attaches=True, always=True
    ),
    "kms:listkeys": Operation("kms", "list_keys", _nowhere),
    "kms:listaliases": Operation("kms", "list_aliases", _nowhere),
    "sts:assumerole": Operation(
        "sts", "assume_role", lambda a: f"arn:aws:iam::{a}:role/.+", attaches=True, always=True
    ),
    "sts:getcalleridentity": Operation("sts", "get_caller_identity", _nowhere),
    "iam:listusers": Operation("iam", "list_users", _nowhere),
    "iam:getuser": Operation("iam", "get_user", lambda _: re.escape(USER)),
}


class Answered(NamedTuple):
    """What the caller was told. `verdict` is None where the refusal says no more than that it is one."""

    allowed: bool
    verdict: Verdict | None
    message: str


class Stage:
    """A plane on which alice and the role app are, in the account 111111111111; 222222222222 is another's."""

    def __init__(self, plane: InProcess) -> None:
        self.plane = plane
        self.source_ip, self.secure = "127.0.0.1", False
        self.roots = {HOME: plane.account(HOME), AWAY: plane.account(AWAY)}
        self._clients: dict[tuple[str, Key | None], Any] = {}
        iam = self.iam = self._root(HOME, "iam")
        self.user_id = iam.create_user(UserName="alice")["User"]["UserId"]
        self.user_key = self._key("alice")
        iam.create_user(UserName="starter")
        iam.put_user_policy(UserName="starter", PolicyName="own", PolicyDocument=FULL)
        self._starter = self._key("starter")
        self._trusting = _trust(f"arn:aws:iam::{HOME}:user/starter")
        made = iam.create_role(RoleName="app", Path="/team/", AssumeRolePolicyDocument=self._trusting)
        self.role_id = made["Role"]["RoleId"]

    def _key(self, user: str) -> Key:
        key = self.iam.create_access_key(UserName=user)["AccessKey"]
        return Key(key["AccessKeyId"], key["SecretAccessKey"])

    def _root(self, account: str, service: str) -> Any:
        return self._client(service, self.roots[account])

    def _client(self, service: str, key: Key | None) -> Any:
        client = self._clients.get((service, key))
        if client is None:
            config: dict[str, Any] = {"signature_version": UNSIGNED} if key is None else {}
            client = self.plane._client(service, key, "us-east-1", config)
            client.meta.events.register("before-send", self._carry)
            self._clients[service, key] = client
        return client

    def _carry(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        http = replace(arrived(request), source_ip=self.source_ip, secure=self.secure)
        answer = self.plane.send(http)
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.body))

    # -- one case ----------------------------------------------------------------------------------------

    def play(self, raw: Mapping[str, Any]) -> tuple[cases.Case, Answered]:
        """Sets the case up, makes its request, and undoes what would be in the way of the next."""
        action = raw["request"]["action"].lower()
        owner = str(raw["request"]["resource_account"])
        made = self._make(OPERATIONS[action].service, owner, raw)
        actual = self._renamed(raw, made)
        case = cases.case(actual)
        parameters = self._parameters(action, owner, made.name, case)
        key = self._signed_up(WHO[raw["principal_arn"]], actual)
        organization = organized_cases.entities(actual, case, HOME)
        try:
            self._attach(action, owner, made.name, actual)
            self._change([put(entity) for entity in organization])
            context = case.request.context
            self.source_ip = str(context.get("aws:sourceip", "127.0.0.1"))
            self.secure = context.get("aws:securetransport") == "true"
            client = self._client(OPERATIONS[action].service, key)
            return case, _answer(getattr(client, OPERATIONS[action].method), parameters)
        finally:
            self.source_ip, self.secure = "127.0.0.1", False
            self._change([remove(entity) for entity in organization])
            self._undo(actual)

    def _change(self, events: list[Event]) -> None:
        if events:
            ledger = self.plane.node.runtime.ledger
            self.plane.run(ledger.transact(lambda _state: Outcome({}, tuple(events)), lambda _outcome: ()))

    def _renamed(self, raw: Mapping[str, Any], made: Made) -> dict[str, Any]:
        """The case with the names and ids that things have here."""
        text = json.dumps(raw).replace(IDS[0], self.user_id).replace(IDS[1], self.role_id)
        found: dict[str, Any] = json.loads(re.sub(made.pattern, lambda m: m.group(1) + made.name, text))
        return found

    def _make(self, service: str, owner: str, raw: Mapping[str, Any]) -> Made:
        """The resource that the case is about: a new one, since what protects it may keep its owner out as well."""
        client, name = self._root(owner, service), f"made{next(_MADE)}"
        if service == "s3":
            client.create_bucket(Bucket=name)
            return Made(name, r'("arn:[^":]*:s3:[^":]*:[^":]*:)b(?=[/"*?])')
        if service == "sqs":
            client.create_queue(QueueName=name)
            return Made(name, r'(:sqs:[^":]*:[^":]*:)q(?=")')
        if service == "sns":
            client.create_topic(Name=name)
            return Made(name, r'(:sns:[^":]*:[^":]*:)t(?=")')
        if service == "kms":
            found = client.create_key()["KeyMetadata"]["KeyId"]
            wanted = re.escape(raw["request"]["resource"].rpartition("/")[2])
            return Made(found, rf'(:key/){wanted}(?=")')
        if raw["request"]["action"].lower() == "sts:assumerole":
            role = raw["request"]["resource"].rpartition("/")[2]
            return Made("app" if role == "app" else name, rf'(:role/){re.escape(role)}(?=")')
        return Made("")

    def _parameters(self, action: str, owner: str, name: str, case: cases.Case) -> dict[str, Any]:
        context, arn = case.request.context, case.request.resource
        if action.startswith("s3:getobject"):
            key = arn.partition("/")[2]
            self._root(owner, "s3").put_object(Bucket=name, Key=key, Body=b"x")
            return {"Bucket": name, "Key": key}
        if action == "s3:listbucket":
            wanted = {"Prefix": context.get("s3:prefix"), "MaxKeys": context.get("s3:max-keys")}
            given = {key: int(str(v)) if key == "MaxKeys" else v for key, v in wanted.items() if v is not None}
            return {"Bucket": name, **given}
        if action == "kms:decrypt":
            sealed = self._root(owner, "kms").encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
            return {"KeyId": arn, "CiphertextBlob": sealed}
        if action == "sts:assumerole":
            external = context.get("sts:externalid")
            session = str(context.get("sts:rolesessionname", "next"))
            return {"RoleArn": arn, "RoleSessionName": session} | ({"ExternalId": external} if external else {})
        return {
            "sqs:sendmessage": {"QueueUrl": f"http://127.0.0.1:4566/{owner}/{name}", "MessageBody": "x"},
            "sns:publish": {"TopicArn": arn, "Message": "x"},
            "iam:getuser": {"UserName": "alice"},
        }.get(action, {})

    # -- the caller --------------------------------------------------------------------------------------

    def _signed_up(self, who: str, raw: Mapping[str, Any]) -> Key | None:
        """The caller's key. Sessions begin before the case's policies are there."""
        if who in ("anonymous", "root"):
            return None if who == "anonymous" else self.roots[HOME]
        key = self.user_key if who == "user" else self._session(who, raw)
        entity, name = self._entity(raw)
        for number, document in enumerate(raw.get("identity_policies") or ()):
            put = getattr(self.iam, f"put_{entity}_policy")
            put(**name, PolicyName=f"p{number}", PolicyDocument=json.dumps(document))
        if raw.get("boundary") is not None:
            put = getattr(self.iam, f"put_{entity}_permissions_boundary")
            put(**name, PermissionsBoundary=self._managed(raw["boundary"]))
        tags = _tags(raw)
        if tags:
            getattr(self.iam, f"tag_{entity}")(**name, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])
        return key

    def _entity(self, raw: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        return (
            ("role", {"RoleName": "app"}) if "assumed-role" in raw["principal_arn"] else ("user", {"UserName": "alice"})
        )

    def _session(self, who: str, raw: Mapping[str, Any]) -> Key:
        first, *others = raw.get("session_policies") or (None,)
        passed: dict[str, Any] = {} if first is None else {"Policy": json.dumps(first)}
        if others:
            passed["PolicyArns"] = [{"arn": self._managed(document)} for document in others]
        if who == "role":
            sts = self._client("sts", self._starter)
            found = sts.assume_role(RoleArn=ROLE, RoleSessionName="run", **passed)["Credentials"]
        else:
            self.iam.put_user_policy(UserName="alice", PolicyName="p0", PolicyDocument=FULL)
            found = self._client("sts", self.user_key).get_federation_token(Name="bob", **passed)["Credentials"]
            self.iam.delete_user_policy(UserName="alice", PolicyName="p0")
        return Key(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])

    def _managed(self, document: Any) -> str:
        made = self.iam.create_policy(PolicyName=f"managed{next(_MADE)}", PolicyDocument=json.dumps(document))
        arn: str = made["Policy"]["Arn"]
        return arn

    def _undo(self, raw: Mapping[str, Any]) -> None:
        if WHO[raw["principal_arn"]] in ("anonymous", "root"):
            return
        entity, name = self._entity(raw)
        for number in range(len(raw.get("identity_policies") or ())):
            getattr(self.iam, f"delete_{entity}_policy")(**name, PolicyName=f"p{number}")
        if raw.get("boundary") is not None:
            getattr(self.iam, f"delete_{entity}_permissions_boundary")(**name)
        if _tags(raw):
            getattr(self.iam, f"untag_{entity}")(**name, TagKeys=list(_tags(raw)))
        self.iam.update_assume_role_policy(RoleName="app", PolicyDocument=self._trusting)

    # -- the resource ------------------------------------------------------------------------------------

    def _attach(self, action: str, owner: str, name: str, raw: Mapping[str, Any]) -> None:
        document = raw.get("resource_policy")
        if document is None:
            return
        service, text = OPERATIONS[action].service, json.dumps(document)
        client = self._root(owner, service)
        if service in ("s3", "sqs", "kms"):
            self._keep(service, owner, name, text)
        elif service == "sns":
            arn = raw["request"]["resource"]
            client.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)
        elif name == "app":
            self.iam.update_assume_role_policy(RoleName="app", PolicyDocument=text)
        else:
            path = "/" + "/".join([*raw["request"]["resource"].split("/")[1:-1], ""])
            self._root(owner, "iam").create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=text)

    def _keep(self, service: str, owner: str, name: str, text: str) -> None:
        """Attach a policy. One that the service refuses, as of `Resource: "*"`, is put where the backend keeps it."""
        client = self._root(owner, service)
        try:
            if service == "s3":
                client.put_bucket_policy(Bucket=name, Policy=text)
            elif service == "kms":
                client.put_key_policy(
                    KeyId=name, PolicyName="default", Policy=text, BypassPolicyLockoutSafetyCheck=True
                )
            else:
                url = f"http://127.0.0.1:4566/{owner}/{name}"
                client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
        except ClientError as error:
            if error.response["Error"]["Code"] not in UNFIT:
                raise
            models = get_backend(service)[owner]["aws" if service == "s3" else "us-east-1"]
            if service == "s3":
                models.buckets[name].policy = text.encode()
            elif service == "kms":
                models.keys[name].policy = text
            else:
                models.queues[name]._policy_json = json.loads(text)


def _trust(arn: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def _tags(raw: Mapping[str, Any]) -> dict[str, str]:
    context = raw["request"].get("context") or {}
    family = "aws:principaltag/"
    return {key[len(family) :]: str(value) for key, value in context.items() if key.lower().startswith(family)}


def _answer(call: Callable[..., Any], parameters: Mapping[str, Any]) -> Answered:
    try:
        call(**parameters)
    except ClientError as error:
        told = error.response["Error"]
        if told["Code"] not in DENIALS:
            raise
        message = told["Message"]
        if message == "Access Denied":
            return Answered(False, None, message)
        explicit = "with an explicit deny" in message
        return Answered(False, Verdict.EXPLICIT_DENY if explicit else Verdict.IMPLICIT_DENY, message)
    return Answered(True, Verdict.ALLOW, "")
