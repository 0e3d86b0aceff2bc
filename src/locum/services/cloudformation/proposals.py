"""What a call proposes that a stack be: its template, parameters, tags and capabilities, checked together."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final, NamedTuple

from locum.core.actors import on_behalf_of
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.services.cloudformation.dynamic_references import (
    DynamicReference,
    answered,
    misplaced,
    misplaced_text,
    reference_of,
)
from locum.services.cloudformation.intrinsics import Evaluation, Pseudo
from locum.services.cloudformation.lookup import template_of
from locum.services.cloudformation.parameters import (
    UNREAD,
    ParameterValue,
    parameter_values,
    ssm_parameters,
    still_secret,
)
from locum.services.cloudformation.providers import PROVIDERS
from locum.services.cloudformation.sealing import HIDDEN, Seals
from locum.services.cloudformation.template import Template, parsed
from locum.services.cloudformation.templates import CLOUDFORMATION, decoded, invalid, template_text
from locum.services.cloudformation.transforms import expanded, untransformed
from locum.services.cloudformation.validation import capability_of, check_recognized
from locum.services.verbs import Context, Params
from locum.state import ChangeSet, Stack, StackTemplate, StackVersion, State

MOST_TAGS: Final = 50
AUTO_EXPAND: Final = "CAPABILITY_AUTO_EXPAND"
"""CloudFormation API Reference, CreateChangeSet: "This capacity doesn't apply to creating change sets"."""

NOTHING: Final = "{}"
"""The processed text of a template whose transforms failed: there is nothing to be made."""

_NO_TEMPLATE: Final = Template("", {}, {}, {}, {}, {}, {}, (), {})
_NAMED: Final = "CAPABILITY_NAMED_IAM"


class Proposal(NamedTuple):
    """A template with the values that a call gives it. `processed` is the template after transforms, if any."""

    text: str
    processed: str
    template: Template
    parameters: Mapping[str, ParameterValue]
    evaluation: Evaluation
    tags: dict[str, str]
    capabilities: tuple[str, ...]
    rereads: bool
    """Whether there are values that every update reads again."""

    def version(self, seals: Seals, account: str, stack: str, template: int) -> StackVersion:
        """The proposal as a version of the stack with that id, whose template has this number."""
        parameters = seals.seal(account, stack, {name: list(value) for name, value in self.parameters.items()})
        return StackVersion(template=template, parameters=parameters, tags=self.tags, capabilities=self.capabilities)


class TransformFailed(Fault):
    """The transforms of a template failed. `proposal` is what the call proposes, with a template that has nothing."""

    def __init__(self, message: str, proposal: Proposal) -> None:
        super().__init__("ValidationError", message)
        self.proposal = proposal


Proposing = Generator[Ask, Mapping[str, Any], Proposal]


@lru_cache(maxsize=64)
def template_in(text: str) -> Template:
    """The template of `text`, JSON or YAML. Raises Fault ValidationError."""
    return parsed(decoded_once(text))


@lru_cache(maxsize=64)
def template_before(text: str) -> Template:
    """The template of `text`; where it has transforms, what is known before them. Raises Fault ValidationError."""
    found = untransformed(decoded_once(text))
    return found if found.transforms else template_in(text)


def parameters_of(version: StackVersion, seals: Seals, account: str, stack: str) -> dict[str, ParameterValue]:
    """The parameters of a version of a stack."""
    kept = seals.open(account, stack, version.parameters)
    return {name: ParameterValue(*value) for name, value in kept.items()}


def template_of_version(state: State, stack: Stack, version: StackVersion) -> Template:
    """The template of a version of a stack, as its transforms left it."""
    found = template_of(state, stack, version.template)
    if found.processed == NOTHING:
        return _NO_TEMPLATE
    return template_in(found.effective)


def evaluation_of(state: State, stack: Stack, version: StackVersion, seals: Seals) -> Evaluation:
    """The template of a version of a stack, with its parameters."""
    parameters = parameters_of(version, seals, stack.account, stack.id)
    return Evaluation(template_of_version(state, stack, version), parameters, pseudo_of(stack))


def pseudo_of(stack: Stack) -> Pseudo:
    """The pseudo parameters of a stack."""
    return Pseudo(stack.account, stack.region, stack.name, stack.arn, notification_arns=stack.notifications)


def proposed(
    ctx: Context, params: Params, pseudo: Pseudo, before: Stack | None, seals: Seals, promise: ChangeSet | None = None
) -> Proposing:
    """What `params` propose for a new stack, or for `before`. Raises Fault.

    Asks S3 for a template that is named by a URL, and Systems Manager for parameters, as the caller. `promise` is the
    change set that says what the template is, whatever is at its URL now.
    """
    if promise is not None:
        return (yield from proposed_of(ctx, params, promise.text, pseudo, before, seals, promise))
    kept = None if before is None else template_of(ctx.state, before, before.version.template)
    if params.get("UsePreviousTemplate"):
        if kept is None or "TemplateBody" in params or "TemplateURL" in params:
            raise invalid("Either Template URL or Template Body must be specified.")
        text = kept.text
    else:
        text = yield from template_text(ctx, params)
    return (yield from proposed_of(ctx, params, text, pseudo, before, seals))


def proposed_of(
    ctx: Context,
    params: Params,
    text: str,
    pseudo: Pseudo,
    before: Stack | None,
    seals: Seals,
    promise: ChangeSet | None = None,
    unknown: Set[str] = frozenset(),
) -> Proposing:
    """What `params` propose with the template `text`. Raises Fault.

    Parameters that are `unknown` have values that stand for others: nothing is checked that depends on these.
    """
    previous, values = None, dict[str, ParameterValue]()
    if before is not None:
        values = parameters_of(before.version, seals, before.account, before.id)
        previous = {name: value.value for name, value in values.items()}
    given, capabilities = params.get("Parameters") or (), tuple(params.get("Capabilities") or ())
    tags = tags_of(params, {} if before is None else before.version.tags)
    template, processed = template_before(text), ""
    read = yield from _parameters(ctx, _loosened(template, unknown), given, previous)
    parameters = still_secret(read, given, values)
    if template.transforms:
        if "ChangeSetName" not in params and AUTO_EXPAND not in capabilities:
            raise insufficient([AUTO_EXPAND])
        try:
            processed = _processed_before(promise, parameters, seals)
            if not processed:
                processed = yield from expanded(ctx, template, parameters, pseudo)
            template = template_in(processed)
        except Fault as fault:
            empty = Evaluation(_NO_TEMPLATE, parameters, pseudo)
            proposal = Proposal(text, NOTHING, _NO_TEMPLATE, parameters, empty, tags, capabilities, rereads=False)
            raise TransformFailed(fault.message, proposal) from fault
    evaluation = Evaluation(template, parameters, pseudo)
    check_types(template)
    check_allowed(template, params.get("ResourceTypes") or ())
    references = [] if unknown else _checked(evaluation)
    yield from _check_versions(ctx, references)
    if not unknown and (broken := evaluation.rules_broken()):
        raise invalid("Template validation error: " + "; ".join(broken))
    check_capabilities(template, capabilities)
    rereads = any(it.latest for it in references)
    return Proposal(text, processed, template, parameters, evaluation, tags, capabilities, rereads)


def _checked(evaluation: Evaluation) -> set[DynamicReference]:
    """What `check_values` tells. Its Fault has no values of NoEcho parameters: the stack before may have them."""
    try:
        return check_values(evaluation)
    except Fault as fault:
        message = fault.message
        for it in evaluation.parameters.values():
            if it.no_echo and it.value:
                message = message.replace(it.value, HIDDEN)
        raise Fault(fault.code, message, fault.status) from fault


def _processed_before(promise: ChangeSet | None, parameters: Mapping[str, ParameterValue], seals: Seals) -> str:
    """What transforms made of the template of `promise` with these parameters; empty where that is not known."""
    if promise is None or promise.processed == NOTHING:
        return ""
    promised = parameters_of(promise.version, seals, promise.account, promise.stack)
    return promise.processed if promised == dict(parameters) else ""


def _loosened(template: Template, unknown: Set[str]) -> Template:
    """`template`, whose parameters that are `unknown` may have any value."""
    if not unknown:
        return template
    declared = dict(template.parameters)
    for name in unknown & declared.keys():
        kind, hidden = declared[name]["Type"], {"NoEcho": declared[name].get("NoEcho", False)}
        listed = "List<" in kind or "CommaDelimitedList" in kind
        declared[name] = {"Type": "CommaDelimitedList" if listed else "String", **hidden}
    return template._replace(parameters=declared)


@lru_cache(maxsize=16)
def decoded_once(text: str) -> dict[str, Any]:
    """The decoded template of `text`, which nobody changes."""
    return decoded(text)


def _unread(fault: Fault, key: str) -> str:
    """The text about a parameter of Systems Manager that could not be read."""
    if not fault.code.startswith("AccessDenied"):
        return UNREAD.format(key)
    told = f"Status Code: 400; Error Code: AccessDeniedException; Request ID: {fault.request_id}; Proxy: null"
    return f"{fault.message} (Service: AWSSimpleSystemsManagement; {told})"


def _parameters(
    ctx: Context, template: Template, given: Any, previous: Mapping[str, str] | None
) -> Generator[Ask, Mapping[str, Any], dict[str, ParameterValue]]:
    """The values of parameters, those of Systems Manager read with the caller's permissions."""
    read: dict[str, str] = {}
    caller = on_behalf_of(ctx.caller, CLOUDFORMATION)
    for name, key in ssm_parameters(template, given, previous).items():
        try:
            answer = yield Ask(ServiceCall(caller, "ssm", "GetParameters", {"Names": [key]}, ctx.region))
        except Fault as fault:
            raise invalid(_unread(fault, key)) from fault
        label = key.rpartition(":")[2] if ":" in key and not key.startswith("arn:") else "0"
        if not answer.get("Parameters") or not label.isdecimal():
            raise invalid(UNREAD.format(key))
        found = answer["Parameters"][0]
        if found["Type"] == "SecureString":
            raise invalid(f"Parameters [{key}] referenced by template have types not supported by CloudFormation.")
        if (found["Type"] == "StringList") != ("List" in template.parameters[name]["Type"]):
            raise invalid(f"Types for SSM parameters [{key}] defined in CFN template and SSM are incompatible")
        read[name] = found["Value"]
    return parameter_values(template, list(given), previous, read)


def check_types(template: Template) -> None:
    """Check that all resource types are known. Raises Fault ValidationError, NotImplemented for types of AWS's."""
    check_recognized(template)
    absent = dict.fromkeys(it.type for it in template.resources.values() if it.type not in PROVIDERS)
    if absent:
        raise Fault("NotImplemented", f"Locum does not make resources of the types [{', '.join(absent)}] yet.", 501)


def check_allowed(template: Template, allowed: Sequence[str]) -> None:
    """Check that all resource types are those that ResourceTypes names, if it names any. Raises Fault ValidationError.

    API Reference, CreateStack, ResourceTypes: a type, or all of a service (`AWS::EC2::*`), `AWS::*` or `Custom::*`.
    """
    for it in template.resources.values() if allowed else ():
        if not any(it.type == name or (name.endswith("::*") and it.type.startswith(name[:-1])) for name in allowed):
            names = ", ".join(allowed)
            raise invalid(f"Resource type {it.type} is not allowed by parameter ResourceTypes [{names}]")


class _OutsideError(Exception):
    """A value takes something that is not in the template."""


class Outside(NamedTuple):
    """What the functions of a template take that is not in it, as far as parameters tell.

    `misplaced` are references to secrets that are not where they may be, with their places; `imports` are the names of
    exports.
    """

    references: set[DynamicReference]
    misplaced: list[tuple[str, DynamicReference]]
    imports: dict[str, None]


class _Outside:
    """Lookups of which none is made."""

    def __init__(self) -> None:
        self.found = Outside(set(), [], {})

    def ref(self, _logical: str) -> Any:
        """No value of Ref."""
        raise _OutsideError

    def attribute(self, _logical: str, _name: str) -> Any:
        """No attribute."""
        raise _OutsideError

    def imported(self, export: str) -> Any:
        """No export, whose name is noted."""
        self.found.imports[export] = None
        raise _OutsideError

    def zones(self, _region: str) -> list[str]:
        """No zones."""
        raise _OutsideError

    def dynamic(self, reference: str) -> str:
        """The reference, which is noted."""
        self.found.references.add(reference_of(reference))
        return reference


def check_values(evaluation: Evaluation) -> set[DynamicReference]:
    """Check what can be told from a template and its parameters alone; the dynamic references that could be found.

    Raises Fault ValidationError.
    """
    evaluation.dependencies()
    found = outside_of(evaluation)
    if wrong := [path for path, it in found.misplaced if it.version]:
        raise invalid(misplaced_text(wrong))
    return found.references


def outside_of(evaluation: Evaluation) -> Outside:
    """What a template takes that is not in it. Raises Fault ValidationError."""
    template, outside = evaluation.template, _Outside()
    for it in template.resources.values():
        for name, value in it.properties.items() if evaluation.exists(it) else ():
            with suppress(_OutsideError):
                outside.found.misplaced.extend(misplaced(it.type, evaluation.resolve({name: value}, outside)))
    for output in template.outputs.values():
        if evaluation.exists(output):
            with suppress(_OutsideError):
                evaluation.resolve({"Value": output["Value"]}, outside)
    return outside.found


def _check_versions(ctx: Context, references: Iterable[DynamicReference]) -> Generator[Ask, Mapping[str, Any], None]:
    """Check that parameters of Systems Manager are there in the versions that are named. Raises Fault ValidationError.

    What the caller may not read is not checked: another role may do so in the end.
    """
    caller = on_behalf_of(ctx.caller, CLOUDFORMATION)
    for reference in sorted(it for it in references if it.service == "ssm" and it.version):
        call = ServiceCall(caller, "ssm", "GetParameters", {"Names": [reference.rest]}, ctx.region)
        try:
            answer = yield Ask(call)
        except Fault:
            continue
        answered(reference, answer)


def check_capabilities(template: Template, capabilities: Iterable[str]) -> None:
    """Check that what a template does to IAM is acknowledged. Raises Fault InsufficientCapabilitiesException."""
    needed = capability_of(template.source["Resources"])
    if needed and not {needed, _NAMED} & set(capabilities):
        raise insufficient([needed])


def insufficient(needed: Iterable[str]) -> Fault:
    """The Fault of a call that does not acknowledge what its template does."""
    return Fault("InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(needed)}]", 400)


def tags_of(params: Params, before: dict[str, str]) -> dict[str, str]:
    """The tags that a call gives a stack, or else those that it has. Raises Fault ValidationError."""
    given = params.get("Tags")
    if given is None:
        return before
    tags = {tag["Key"]: tag["Value"] for tag in given}
    if len(tags) > MOST_TAGS:
        raise invalid(f"Stack can have at most {MOST_TAGS} tags")
    if any(key.startswith("aws:") for key in tags):
        raise invalid("aws: prefixed tag key names are not allowed for external use.")
    return tags


def kept_template(ctx: Context, stack: str, number: int, proposal: Proposal | ChangeSet) -> StackTemplate:
    """The template of a proposal or a change set, to be kept for the stack with that id."""
    return StackTemplate(
        account=ctx.account,
        region=ctx.region,
        stack=stack,
        number=number,
        text=proposal.text,
        processed=proposal.processed,
    )
