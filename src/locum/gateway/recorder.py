"""Writes down every call: who, what, with which parameters, what was decided and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

from locum.audit import Identity, Record, Resource, RowTemplate, identify
from locum.authz import Authorization
from locum.core.arn import Arn
from locum.core.clock import Entropy
from locum.core.errors import Fault
from locum.core.identifiers import RequestIds
from locum.core.principal import Caller
from locum.gateway.request_context import RequestContext
from locum.services.sts import AttachedProfile, InstanceCredentials
from locum.state import Instance
from locum.store import AuditRow, Ledger, Use
from locum.wire import Codec
from locum.wire.redact import compile_answer_redactor, compile_redactor

_READING: Final = re.compile(
    r"(Get|List|Describe|Head|Lookup|Search|Query|Scan|Select|BatchGet|TransactGet|AssumeRole|AssumeRoot|Simulate)"
)
_DATA_EVENTS: Final = {
    "dynamodb": re.compile(r"(Batch|Transact|Execute)|(Get|Put|Update|Delete)Item$|Query$|Scan$"),
    "sqs": re.compile(r"(Send|Receive|Delete|ChangeMessageVisibility)\w*Message|ChangeMessageVisibility"),
    "sns": re.compile(r"Publish"),
    "lambda": re.compile(r"Invoke"),
}  # fmt: skip
"""CloudTrail User Guide, "Logging data events": not in the event history that LookupEvents reads."""

_S3_DATA_EVENTS: Final = frozenset(
    {"DeleteObjects", "HeadBucket", "ListMultipartUploads", "ListObjects", "ListObjectsV2", "ListObjectVersions"}
)
"""S3 User Guide, "Amazon S3 CloudTrail events": these, and whatever is about one object."""

_IDENTITIES: Final = 4096
_TEMPLATES: Final = 1024
_REGIONS: Final = 64
"""Regions that uses are told apart by. A region is what the caller says it is: there are as many as it likes."""
_LARGE: Final = 1 << 16  # octets
_EC2: Final = "ec2.amazonaws.com"
_TYPES: Final = {"sts": "IAM", "sqs": "SQS", "sns": "SNS", "kms": "KMS", "dynamodb": "DynamoDB", "lambda": "Lambda"}


class Recorder:
    """Makes records of requests and hands them to the ledger."""

    def __init__(self, ledger: Ledger, entropy: Entropy, mode: str) -> None:
        self._ledger = ledger
        self._ids = RequestIds(entropy)
        self._mode = mode
        self._templates: dict[Hashable, RowTemplate] = {}
        self._identities: dict[tuple[str, str, str], Identity] = {}
        self._uses: dict[tuple[str, str, str], Use] = {}
        self._regions: set[str] = set()

    def answered(self, progress: RequestContext, status: int = 200, fault: Fault | None = None) -> None:
        """Record a call that changed nothing here and was answered with `status`, by a backend perhaps with `fault`."""
        self._record(progress, status, fault)

    def delivered(
        self, instance: Instance, attached: AttachedProfile, credentials: InstanceCredentials, now: float
    ) -> None:
        """Record that EC2 assumed an instance's role for it, or could not."""
        if attached.role is None:
            return
        refused = not credentials.succeeded
        self._ledger.record(
            Record(
                event_id=self._ids(),
                request_id=self._ids(),
                at=now,
                account=instance.account,
                region=instance.region,
                event_source="sts.amazonaws.com",
                service="sts",
                operation="AssumeRole",
                identity=Identity("service", _EC2),
                read_only=True,
                source_ip=_EC2,
                user_agent=_EC2,
                status=403 if refused else 200,
                parameters={"roleArn": attached.role.arn, "roleSessionName": instance.id},
                error_code="AccessDenied" if refused else "",
                error_message=credentials.message,
                resources=(Resource("AWS::IAM::Role", attached.role.name, attached.role.arn, attached.role.account),),
                invoked_by=_EC2,
                verdict="implicit-deny" if refused else "allow",
                denial=credentials.message,
                mode=self._mode,
            ).row()
        )

    def ended_row(self, instance: Instance, now: float) -> AuditRow:
        """The row of an instance that EC2 terminated by itself, because nobody holds on to it any more."""
        return Record(
            event_id=self._ids(),
            request_id=self._ids(),
            at=now,
            account=instance.account,
            region=instance.region,
            event_source=_EC2,
            service="ec2",
            operation="TerminateInstances",
            identity=Identity("service", _EC2),
            source_ip=_EC2,
            user_agent=_EC2,
            parameters={"instanceIds": [instance.id]},
            resources=(Resource("AWS::EC2::Instance", instance.id, instance.arn, instance.account),),
            invoked_by=_EC2,
            verdict="allow",
            mode=self._mode,
            event_type="AwsServiceEvent",
        ).row()

    def answered_row(self, progress: RequestContext, answer: Mapping[str, Any]) -> AuditRow:
        """The row of a call that changes something, for its transaction."""
        return self._row(progress, 200, answer=answer)

    def refused(self, progress: RequestContext, fault: Fault) -> None:
        """Record a call that got `fault`. Raises Fault where it cannot be recorded."""
        self._record(progress, fault.status, fault)

    def refused_row(self, progress: RequestContext, fault: Fault) -> AuditRow:
        """The row of a call that got `fault` from its verb."""
        return self._row(progress, fault.status, fault)

    def _record(self, progress: RequestContext, status: int, fault: Fault | None = None) -> None:
        """Have the row written with others. A refusal, which is explained, is put into words in the writer thread."""
        if fault is None and progress.verdict is not None and progress.verdict.allowed:
            self._ledger.record(self._allowed_row(progress, progress.verdict, status))
        elif len(progress.request.body) > _LARGE:  # not to be kept in memory any longer
            self._ledger.record(self._row(progress, status, fault))
        else:
            self._ledger.record(partial(self._row, progress, status, fault))

    def _allowed_row(self, progress: RequestContext, verdict: Authorization, status: int) -> AuditRow:
        """The row of an allowed call that changed nothing here, out of the mould of its kind."""
        request, codec, caller = progress.request, progress.codec, progress.caller
        headers = request.headers
        traits = _traits(codec)
        kind = (
            codec,
            _action(progress, traits),
            caller.access_key_id,
            caller.principal.arn,
            caller.principal.user_id,
            progress.region,
            request.source_ip,
            headers.get("user-agent"),
            headers.get("host"),
            request.secure,
            status,
            verdict.determining,
        )
        mould = self._templates.get(kind)
        if mould is None:
            if len(self._templates) >= _TEMPLATES:
                self._templates.clear()
            mould = self._templates[kind] = RowTemplate(self._made(progress, status), self._use(progress, traits))
        parameters = traits.parameters(progress.params) if progress.params else None
        return mould.row(self._ids(), progress.request_id, progress.now, parameters, _resources(progress))

    def _row(
        self, progress: RequestContext, status: int, fault: Fault | None = None, answer: Mapping[str, Any] | None = None
    ) -> AuditRow:
        traits = _traits(progress.codec)
        return self._made(progress, status, fault, answer).row(self._use(progress, traits))

    def _made(
        self, progress: RequestContext, status: int, fault: Fault | None = None, answer: Mapping[str, Any] | None = None
    ) -> Record:
        request, codec, verdict = progress.request, progress.codec, progress.verdict
        headers = request.headers
        traits = _traits(codec)
        denied = verdict is not None and not verdict.allowed
        return Record(
            event_id=self._ids(),
            request_id=progress.request_id,
            at=progress.now,
            account=progress.caller.principal.account,
            region=progress.region,
            event_source=traits.source,
            service=traits.service,
            operation=traits.operation,
            identity=self._identity(progress.caller),
            read_only=traits.read_only,
            management=traits.management,
            source_ip=request.source_ip,
            user_agent=headers.get("user-agent", ""),
            secure=request.secure,
            status=status,
            parameters=traits.parameters(progress.params) if progress.params else None,
            answer=traits.answer(answer) if answer else None,
            error_code="" if fault is None else fault.code,
            error_message="" if fault is None else fault.message,
            resources=_resources(progress),
            verdict="" if verdict is None else _verdict(verdict),
            determining=() if verdict is None else verdict.determining,
            denial=verdict.fault().message if verdict is not None and denied else "",
            explanation=verdict.explanation() if verdict is not None and denied else None,
            mode=self._mode,
            host=headers.get("host", ""),
        )

    def _use(self, progress: RequestContext, traits: _Traits) -> Use | None:
        """What the call is a use of, allowed or not: the very same value each time, so that it is cheap to find."""
        caller, action = progress.caller, _action(progress, traits)
        if not caller.access_key_id or not action:
            return None
        key = (caller.access_key_id, action, progress.region)
        use = self._uses.get(key)
        if use is None:
            if len(self._uses) >= _IDENTITIES:
                self._uses.clear()
            principal, long_term = caller.principal, caller.access_key_id if caller.session is None else ""
            use = Use(principal.account, principal.unique_id, long_term, action, self._region(progress.region))
            self._uses[key] = use
        return use

    def _region(self, region: str) -> str:
        """`region`, if it is one of those that uses are told apart by; else the empty one."""
        if len(self._regions) < _REGIONS:
            self._regions.add(region)
        return region if region in self._regions else ""

    def _identity(self, caller: Caller) -> Identity:
        """The caller's identity: made once for each access key, for it is the same in every record."""
        key = (caller.access_key_id, caller.principal.arn, caller.principal.user_id)
        known = self._identities.get(key)
        if known is None:
            if len(self._identities) >= _IDENTITIES:
                self._identities.clear()
            known = self._identities[key] = identify(caller)
        return known


class _Traits(NamedTuple):
    """What is the same for every call of an operation. `action` is its own, where its plan has none."""

    service: str
    operation: str
    action: str
    source: str
    read_only: bool
    management: bool
    parameters: Callable[[Mapping[str, Any]], Any]
    answer: Callable[[Mapping[str, Any]], Any]


def _action(progress: RequestContext, traits: _Traits) -> str:
    """The first action that the call takes a permission for."""
    plan = progress.plan
    return plan.checks[0].action if plan is not None and plan.checks else traits.action


def _nothing(_members: Mapping[str, Any]) -> None:
    return None


_UNNAMED: Final = _Traits("", "", "", "", False, True, _nothing, _nothing)


@lru_cache(maxsize=4096)
def _traits(codec: Codec | None) -> _Traits:
    """Of the operation of `codec`; of None, those of a call that was refused before it was named."""
    if codec is None:
        return _UNNAMED
    service, operation = codec.service, codec.operation
    shape = codec.model.input_shape
    if service == "s3":
        data = operation in _S3_DATA_EVENTS or (shape is not None and "Key" in shape.members)
    else:
        pattern = _DATA_EVENTS.get(service)
        data = pattern is not None and pattern.match(operation) is not None
    return _Traits(
        service,
        operation,
        f"{codec.signing_name}:{operation}",
        f"{codec.signing_name}.amazonaws.com",
        _READING.match(operation) is not None,
        not data,
        compile_redactor(codec.model),
        compile_answer_redactor(codec.model),
    )


def _verdict(verdict: Authorization) -> str:
    if verdict.allowed:
        return "allow"
    failing = verdict.failing
    return "implicit-deny" if failing is None else failing.decision.verdict.value.lower().replace("_", "-")


def _resources(progress: RequestContext) -> tuple[Resource, ...]:
    """The resources that were checked, each once."""
    plan = progress.plan
    if plan is None or plan.permissionless:
        return ()
    found: dict[str, Resource] = {}
    for check in plan.checks:
        if check.resource != "*" and check.resource not in found:
            found[check.resource] = _resource(check.resource, check.kind)
    return tuple(found.values())


@lru_cache(maxsize=4096)
def _resource(arn: str, kind: str) -> Resource:
    parsed = Arn.find(arn)
    if parsed is None:
        return Resource(kind, arn, arn)
    service = _TYPES.get(parsed.service) or (
        parsed.service.upper() if len(parsed.service) <= 3 else parsed.service.capitalize()
    )
    noun = "".join(part.capitalize() for part in re.split(r"[-_/]", kind or "resource"))
    name = parsed.resource.rsplit("/", 1)[-1] if parsed.service == "iam" else parsed.resource
    return Resource(f"AWS::{service}::{noun}", name, arn, parsed.account)
