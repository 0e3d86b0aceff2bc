"""Violations of the model's constraints, and the faults in which services report them.

The format is that of Coral, the framework of AWS's services:

    2 validation errors detected: Value '' at 'roleArn' failed to satisfy constraint: Member must satisfy regular
    expression pattern: [...]+; Value '' at 'roleArn' failed to satisfy constraint: Member must have length greater
    than or equal to 20

A path is written `tags.1.member.key`: names begin with a lower-case letter, list items count from 1. Of a list of
scalars the whole list is shown, with all constraints of its items: `Value '[x]' at 'names' failed to satisfy
constraint: Member must satisfy constraint: [...]`. IAM omits the values and the lists of enumerations, and has its own
texts for names and paths, as recorded in 2026. Organizations and EC2 have formats of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from locum.core.errors import Fault
from locum.core.s3_errors import MALFORMED_XML

if TYPE_CHECKING:
    from botocore.model import OperationModel


class Constraint(NamedTuple):
    """One constraint of a shape. `reason` is the kind of violation, as Organizations names it.

    `holds` returns a truthy value where a value satisfies the constraint.
    """

    reason: str
    text: str
    holds: Callable[[Any], object]


class Violation(NamedTuple):
    """A violation of a constraint. `value` is None for a member that is absent or must not be shown."""

    path: str
    wire_path: str
    value: Any
    constraint: Constraint
    sensitive: bool = False


Render = Callable[[list[Violation]], Fault]

# The reasons of InvalidInputException: https://docs.aws.amazon.com/organizations/latest/APIReference/
_ORGANIZATIONS = {
    "INPUT_REQUIRED": "You must include a value for all required parameters.",
    "INVALID_ENUM": "You specified an invalid value.",
    "INVALID_PATTERN": "You provided a value that does not match the required pattern.",
    "INVALID_LIST_MEMBER": "You provided a list to a parameter that contains at least one invalid value.",
    "MAX_LENGTH_EXCEEDED": "You provided a string parameter that is longer than allowed.",
    "MAX_VALUE_EXCEEDED": "You provided a numeric parameter that has a larger value than allowed.",
    "MIN_LENGTH_EXCEEDED": "You provided a string parameter that is shorter than allowed.",
    "MIN_VALUE_EXCEEDED": "You provided a numeric parameter that has a smaller value than allowed.",
}


_NAMES = "It must contain only alphanumeric characters and/or the following: +=,.@_-"
_PATHS = "It must begin and end with / and contain only alphanumeric characters and/or / characters."
_PREFIXES = "It must begin with the / character and contain only alphanumeric characters and/or / characters."

# IAM's own texts for these parameters; IAM checks them after all of Coral's checks have passed.
_IAM = {
    "path": _PATHS,
    "newPath": _PATHS,
    "pathPrefix": _PREFIXES,
    "userName": _NAMES,
    "newUserName": _NAMES,
    "groupName": _NAMES,
    "newGroupName": _NAMES,
    "roleName": _NAMES,
    "policyName": _NAMES,
    "instanceProfileName": _NAMES,
    "serverCertificateName": _NAMES,
    "newServerCertificateName": _NAMES,
    "virtualMFADeviceName": _NAMES,
}


def fault_renderer(model: OperationModel, protocol: str) -> Render:
    """The function that converts violations (at least one) to the Fault of the operation's service."""
    service = model.service_model.service_name
    if service == "organizations":
        return _organizations_fault
    if protocol == "ec2":
        return _ec2_fault
    if service == "accessanalyzer":
        return _access_analyzer_fault
    if service == "iam":
        return _iam_fault
    if service in ("s3", "s3control"):
        return _s3_fault
    code = "ValidationError" if protocol == "query" else "ValidationException"
    return lambda violations: Fault(code, validation_message(violations))


def reports_by_hash(model: OperationModel, protocol: str) -> bool:
    """Whether the service reports violations in the order of a Java hash map, as Coral services do."""
    return protocol != "ec2" and model.service_model.service_name not in ("organizations", "accessanalyzer")


def java_bucket(place: str, members: int) -> int:
    """The bucket of `place` in a `java.util.HashMap` of that many members.

    Coral checks the members of a structure in that order: minimumPasswordLength, passwordReusePrevention,
    maxPasswordAge (recorded from IAM); subjectAlternativeNames, domainName (from ACM).
    """
    buckets = 16
    while members > 3 * buckets // 4:
        buckets *= 2
    code = 0
    for character in place:
        code = (31 * code + ord(character)) & 0xFFFFFFFF
    return (code ^ code >> 16) % buckets


def validation_message(violations: list[Violation], *, shown: bool = True) -> str:
    """Coral's message for one or more violations, with the values where `shown`."""
    noun = "error" if len(violations) == 1 else "errors"
    sentences = (_sentence(violation, shown) for violation in violations)
    return f"{len(violations)} validation {noun} detected: " + "; ".join(sentences)


def _sentence(violation: Violation, shown: bool) -> str:
    if violation.sensitive or (not shown and violation.value is not None):
        value = "Value"
    elif violation.value is None:
        value = "Value null"
    else:
        value = f"Value '{_java_text(violation.value)}'"
    return f"{value} at '{violation.path}' failed to satisfy constraint: {violation.constraint.text}"


def _java_text(value: Any) -> str:
    """Format a value as Java does."""
    if isinstance(value, list):
        return f"[{', '.join(map(_java_text, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_java_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, bytes):
        return f"java.nio.HeapByteBuffer[pos=0 lim={len(value)} cap={len(value)}]"
    return str(value)


def _s3_fault(violations: list[Violation]) -> Fault:
    if any(violation.constraint.reason == "INPUT_REQUIRED" for violation in violations):
        return Fault(*MALFORMED_XML)
    return Fault("InvalidTag", "The TagKey you have provided is invalid")


def _iam_fault(violations: list[Violation]) -> Fault:
    corals = [_without_enumeration(violation) for violation in violations if not _is_iams_own(violation)]
    if corals:
        return Fault("ValidationError", validation_message(corals, shown=False))
    place = violations[0].path
    return Fault("ValidationError", f"The specified value for {place} is invalid. {_IAM[place]}")


def _without_enumeration(violation: Violation) -> Violation:
    if violation.constraint.reason != "INVALID_ENUM":
        return violation
    return violation._replace(constraint=violation.constraint._replace(text="Member must satisfy enum value set"))


def _is_iams_own(violation: Violation) -> bool:
    return violation.constraint.reason == "INVALID_PATTERN" and violation.path in _IAM


def _organizations_fault(violations: list[Violation]) -> Fault:
    reason = violations[0].constraint.reason
    return Fault("InvalidInputException", _ORGANIZATIONS[reason], members={"Reason": reason})


def _access_analyzer_fault(violations: list[Violation]) -> Fault:
    fields = [{"name": violation.path, "message": violation.constraint.text} for violation in violations]
    members = {"reason": "fieldValidationFailed", "fieldList": fields}
    return Fault("ValidationException", validation_message(violations), members=members)


def _ec2_fault(violations: list[Violation]) -> Fault:
    """EC2's fault, which reports only the first:
    https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
    """
    violation = violations[0]
    reason, value = violation.constraint.reason, _java_text(violation.value)
    if reason == "INPUT_REQUIRED":
        if violation.path == "instanceIds":
            return Fault("InvalidParameterCombination", "No instances specified")
        return Fault("MissingParameter", f"The request must contain the parameter {violation.wire_path}")
    if reason == "INVALID_ENUM" and violation.path == "attribute":
        text = f"Value ({value}) for parameter attribute is invalid. Unknown attribute."
        return Fault("InvalidParameterValue", text)
    if reason == "INVALID_ENUM":
        return Fault("InvalidParameterValue", f"Invalid value '{value}' for {violation.wire_path}.")
    what = violation.constraint.text.removeprefix("Member must have ").removeprefix("Member must ")
    text = f"Value ( {value} ) for parameter {violation.path} is invalid. Expecting a {what}."
    return Fault("InvalidParameterValue", text.replace("Expecting a satisfy ", "It must satisfy "))
