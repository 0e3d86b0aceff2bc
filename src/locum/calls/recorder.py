"""Writes down every call: who, what, with which parameters, what was decided and why."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Final

from locum.audit import Identity, Record, Resource, RowTemplate, bounded, identify
from locum.authz import Authorization, Plan, Refusal
from locum.authz.access_points import KIND, recorded
from locum.calls.operation_traits import Traits, traits_of
from locum.calls.request_context import RequestContext
from locum.calls.withheld import Withheld, names_any, unread, without_signatures
from locum.core.arn import Arn
from locum.core.calls import BY_HEADER
from locum.core.clock import Entropy
from locum.core.errors import Fault
from locum.core.identifiers import ACCOUNT_ID, RequestIds
from locum.core.principal import NOBODY, Caller, PrincipalKind, Source
from locum.store import AuditRow, Ledger, Use
from locum.store.batches import PendingRow

_log: Final = logging.getLogger(__name__)

_IDENTITIES: Final = 4096
_TEMPLATES: Final = 1024
_REGIONS: Final = 64
"""Regions that uses are told apart by. A region is what the caller says it is: there are as many as it likes."""
_LARGE: Final = 1 << 16  # octets
_NAMED_PLAINLY: Final = frozenset({"ec2", "iam"})
"""Services whose resources CloudTrail names without the type and path in their ARNs."""
_NO_SOURCE: Final = Source("")
_QUERY: Final = "REST-QUERY-STRING"
_NO_ENDPOINT: Final = ("", "", "")
_TYPES: Final = {
    "sts": "IAM", "sqs": "SQS", "sns": "SNS", "kms": "KMS", "dynamodb": "DynamoDB", "lambda": "Lambda",
    "cloudtrail": "CloudTrail",
}  # fmt: skip

_NOUNS: Final = {KIND: "AccessPoint"}


class Recorder:
    """Makes records of requests and hands them to the ledger."""

    def __init__(self, ledger: Ledger, entropy: Entropy, mode: str) -> None:
        self._ledger = ledger
        self._ids = RequestIds(entropy)
        self._mode = mode
        self._templates: dict[Hashable, RowTemplate] = {}
        self._identities: dict[_Who, Identity] = {}
        self._uses: dict[tuple[str, str, str], Use] = {}
        self._regions: set[str] = set()

    def answered(self, context: RequestContext, status: int = 200, fault: Fault | None = None) -> None:
        """Record a call that changed nothing here and was answered with `status`, by a backend perhaps with `fault`."""
        context.recorded = True
        self._record(context, status, fault)

    async def stored(self, context: RequestContext, status: int = 200, fault: Fault | None = None) -> None:
        """Record a call like `answered`, and wait until its record is durable, with those of other calls.

        Raises Fault ServiceUnavailable where it cannot be: the client must not be told of a success then.
        """
        self.answered(context, status, fault)
        await self._ledger.flush()

    def refused(self, context: RequestContext, fault: Fault) -> None:
        """Record a call that got `fault`. Raises Fault where it cannot be recorded."""
        self._record(context, fault.status, fault)

    def row(
        self,
        context: RequestContext,
        status: int = 200,
        fault: Fault | None = None,
        answer: Mapping[str, Any] | None = None,
    ) -> AuditRow:
        """The row of a call that was answered with `status`, for the transaction of what it changes or causes.

        That of an unauthenticated one is of a bounded size.
        """
        record = self._made(context, status, fault, answer)
        return (bounded(record) if record.stranger else record).row(self._use(context, traits_of(context.codec)))

    def _record(self, context: RequestContext, status: int, fault: Fault | None = None) -> None:
        """Have the row written with others. It is made in the writer thread, with theirs, which takes less time."""
        authorization = context.authorization
        plain = fault is None and context.signing.age is None and not context.service and context.caller is not NOBODY
        if plain and authorization is not None and authorization.allowed:
            self._ledger.record(self._plain_row(context, self._template(context, authorization, status)))
        elif len(context.request.body) > _LARGE:  # not to be kept in memory any longer
            self._ledger.record(self.row(context, status, fault))
        else:
            self._ledger.record(partial(self._row_made_later, context, status, fault))

    def _plain_row(self, context: RequestContext, template: RowTemplate) -> PendingRow:
        """The row of an allowed call, still to be made, without the rest of its request."""
        params, traits = context.request_parameters, traits_of(context.codec)
        parameters = traits.parameters(params) if params else None
        sensitive = _sensitive(params, traits)
        return partial(
            _templated, template, self._ids, context.request_id, context.now, parameters, context.plan, sensitive
        )

    def _row_made_later(self, context: RequestContext, status: int, fault: Fault | None) -> AuditRow:
        """`row`, in the writer thread, where an exception would end the ledger: then who called what, and no more."""
        try:
            return self.row(context, status, fault)
        except Exception as error:  # a fault barrier: one call that cannot be told does not end the recording of all
            _log.error("request %s is recorded without particulars: %s", context.request_id, type(error).__name__)
        return Record(**self._head(context, status), error_code="" if fault is None else fault.code).row()

    def _head(self, context: RequestContext, status: int) -> dict[str, Any]:
        """The fields for who called what, when and from where, which nothing in the call can make fail."""
        traits = traits_of(context.codec)
        return {
            "event_id": self._ids(),
            "request_id": context.request_id,
            "at": context.now,
            "account": _account(context),
            "region": context.region,
            "event_source": traits.source,
            "service": traits.service,
            "operation": traits.operation,
            "identity": self._identity(context.caller),
            "read_only": traits.read_only,
            "management": traits.management,
            "source_ip": context.request.source_ip,
            "status": status,
            "mode": self._mode,
        }

    def _template(self, context: RequestContext, authorization: Authorization, status: int) -> RowTemplate:
        """The template of allowed calls of a client that changed nothing here and are like this one."""
        request, codec, caller = context.request, context.codec, context.caller
        headers, principal = request.headers, caller.principal
        traits = traits_of(codec)
        kind = (
            codec,
            _action(context, traits),
            caller.access_key_id,
            principal.arn,
            principal.user_id,
            principal.account,
            principal.name,
            context.region,
            request.source_ip,
            headers.get("user-agent"),
            headers.get("host"),
            request.secure,
            status,
            authorization.determining,
            headers.get("referer"),
            context.signing,
            context.endpoint,
        )
        template = self._templates.get(kind)
        if template is None:
            if len(self._templates) >= _TEMPLATES:
                self._templates.clear()
            template = self._templates[kind] = RowTemplate(self._made(context, status), self._use(context, traits))
        return template

    def _made(
        self, context: RequestContext, status: int, fault: Fault | None = None, answer: Mapping[str, Any] | None = None
    ) -> Record:
        request, caller, traits = context.request, context.caller, traits_of(context.codec)
        source, headers = caller.source or _NO_SOURCE, request.headers
        parameters = traits.parameters(context.request_parameters) if context.request_parameters else None
        return Record(
            **self._head(context, status),
            user_agent=without_signatures(headers.get("user-agent", "")),
            secure=request.secure,
            parameters=parameters,
            answer=traits.answer(answer) if answer else None,
            resources=_resources(context.plan, _sensitive(context.request_parameters, traits)),
            invoked_by=context.service,
            event_type=_event_type(context),
            host=headers.get("host", ""),
            protocol=context.protocol,
            referer=without_signatures(headers.get("referer", "")),
            presigned=context.signing.mechanism == _QUERY,
            second_factor=context.second_factor,
            via=caller.via,
            source_account=source.account,
            source_arn=source.arn,
            effect="" if context.effect is None else context.effect.id,
            cause=context.cause,
            injected=context.injected,
            signing=None if context.signing == BY_HEADER else (*context.signing,),
            endpoint=_NO_ENDPOINT if context.endpoint is None else context.endpoint[:3],
            **_texts(context, fault, parameters),
        )

    def _use(self, context: RequestContext, traits: Traits) -> Use | None:
        """The use that the call is, allowed or not: the very same value each time, so that it is cheap to find."""
        caller, action = context.caller, _action(context, traits)
        if not caller.access_key_id or not action:
            return None
        key = (caller.access_key_id, action, context.region)
        use = self._uses.get(key)
        if use is None:
            if len(self._uses) >= _IDENTITIES:
                self._uses.clear()
            principal, long_term = caller.principal, caller.access_key_id if caller.session is None else ""
            use = Use(principal.account, principal.unique_id, long_term, action, self._region(context.region))
            self._uses[key] = use
        return use

    def _region(self, region: str) -> str:
        """`region`, if it is one of those that uses are told apart by; else the empty one."""
        if len(self._regions) < _REGIONS:
            self._regions.add(region)
        return region if region in self._regions else ""

    def _identity(self, caller: Caller) -> Identity:
        """The caller's identity: made once for each access key, for it is the same in every record."""
        key = _who(caller)
        known = self._identities.get(key)
        if known is None:
            if len(self._identities) >= _IDENTITIES:
                self._identities.clear()
            known = self._identities[key] = identify(caller)
        return known


def _templated(
    template: RowTemplate,
    ids: RequestIds,
    request_id: str,
    at: float,
    parameters: Any,
    plan: Plan | None,
    sensitive: Sequence[Any],
) -> AuditRow:
    """The row of one call from its template; without what cannot be written down (see `_row_made_later`)."""
    try:
        return template.row(ids(), request_id, at, parameters, _resources(plan, sensitive))
    except Exception as error:  # a fault barrier: one call that cannot be told does not end the recording of all
        _log.error("request %s is recorded without particulars: %s", request_id, type(error).__name__)
        return template.row(ids(), request_id, at, None, ())


_Who = tuple[str, str, str, str, str]


def _who(caller: Caller) -> _Who:
    """The key of a caller: of federated ones, whose ids are their provider's, also the account they call in."""
    principal = caller.principal
    return caller.access_key_id, principal.arn, principal.user_id, principal.account, principal.name


def _account(context: RequestContext) -> str:
    """The account in whose event history the record is: the caller's; of a service's call, its resource's owner's."""
    caller = context.caller
    if caller.principal.kind is PrincipalKind.SERVICE and context.plan is not None:
        for check in context.plan.checks:
            arn = Arn.find(check.resource)
            if arn is not None and ACCOUNT_ID.fullmatch(arn.account):
                return arn.account
    return caller.account


def _event_type(context: RequestContext) -> str:
    """CloudTrail's eventType: of what a service does to what is its own, AwsServiceEvent."""
    principal, codec = context.caller.principal, context.codec
    own = codec is not None and principal.arn == f"{codec.signing_name}.amazonaws.com"
    by_itself = principal.kind is PrincipalKind.SERVICE and context.caller.certificate is None
    return "AwsServiceEvent" if own and by_itself else "AwsApiCall"


def _action(context: RequestContext, traits: Traits) -> str:
    """The first action that the call takes a permission for."""
    plan = context.plan
    return plan.checks[0].action if plan is not None and plan.checks else traits.action


def _texts(context: RequestContext, fault: Fault | None, parameters: Any) -> dict[str, Any]:
    """The decision and the answer: texts that may quote the parameters, without what the record has not of those."""
    texts = _decided(fault.authorization if isinstance(fault, Refusal) else context.authorization)
    if fault is not None:
        texts |= {"error_code": fault.code, "error_message": fault.message}
    quoting = [name for name in ("error_message", "denial", "explanation") if texts.get(name)]
    if quoting:
        withheld = _withheld(context, parameters)
        texts |= {name: withheld.clean(texts[name]) for name in quoting}
    return texts


def _withheld(context: RequestContext, parameters: Any) -> Withheld:
    model = None if context.codec is None else context.codec.model
    resources = _resources(context.plan, _sensitive(context.request_parameters, traits_of(context.codec)))
    shown = (parameters, context.caller.principal.arn, [resource.arn for resource in resources])
    return Withheld(model, context.request_parameters, shown, _unread(context))


def traceback_of(error: BaseException, context: RequestContext) -> str:
    """The traceback of `error` for the log, without what the record of its call withholds."""
    parameters = traits_of(context.codec).parameters(context.request_parameters)
    return str(_withheld(context, parameters).clean("".join(traceback.format_exception(error))))


def _unread(context: RequestContext) -> Iterable[str]:
    """The values that came with a call that was refused before its parameters were read."""
    if context.plan is not None or context.request_parameters:
        return ()
    return unread(context.request, context.body)


def _decided(authorization: Authorization | None) -> dict[str, Any]:
    """The fields of a record that tell what was decided; of a denial, why."""
    if authorization is None:
        return {}
    decided: dict[str, Any] = {"verdict": authorization.verdict, "determining": authorization.determining}
    if not authorization.allowed:
        decided |= {"denial": authorization.fault().message, "explanation": authorization.explanation()}
    return decided


def _sensitive(params: Mapping[str, Any], traits: Traits) -> Sequence[Any]:
    """The values of the sensitive members of a request."""
    return [params[name] for name in traits.sensitive if name in params] if traits.sensitive else ()


def _resources(plan: Plan | None, sensitive: Sequence[Any]) -> tuple[Resource, ...]:
    """The resources that were checked, each once, but for those that a `sensitive` value names."""
    if plan is None or plan.permissionless:
        return ()
    found: dict[str, Resource] = {}
    for check in plan.checks:
        arn, kind = recorded(check)
        if arn != "*" and arn not in found:
            found[arn] = _resource(arn, kind)
    if sensitive:
        return tuple(resource for resource in found.values() if not names_any(sensitive, resource.arn))
    return tuple(found.values())


@lru_cache(maxsize=4096)
def _resource(arn: str, kind: str) -> Resource:
    parsed = Arn.find(arn)
    if parsed is None:
        return Resource(kind, arn, arn)
    service = _TYPES.get(parsed.service) or (
        parsed.service.upper() if len(parsed.service) <= 3 else parsed.service.capitalize()
    )
    noun = _NOUNS.get(kind) or "".join(part.capitalize() for part in re.split(r"[-_/]", kind or "resource"))
    name = parsed.resource.rsplit("/", 1)[-1] if parsed.service in _NAMED_PLAINLY else parsed.resource
    return Resource(f"AWS::{service}::{noun}", name, arn, parsed.account)
