"""Command documents: AWS-RunShellScript, and those of the account that have shell scripts in them.

AWS Systems Manager User Guide, "Schemas, features, and examples" (schema 2.2) and "Command document plugin reference",
aws:runShellScript. The parameters of a command stand for `{{ name }}` in the steps: once, and never in each other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, Final

from locum.core.actors import on_behalf_of, service_principal
from locum.core.arn import PARTITION
from locum.core.calls import Ask, ServiceCall
from locum.core.errors import Fault
from locum.services.ssm import faults
from locum.services.ssm.allowed_patterns import NotChecked, matches
from locum.services.ssm.scripts import Step
from locum.services.verbs import Context

SERVICE: Final = "ssm.amazonaws.com"
RUN_SHELL_SCRIPT: Final = "AWS-RunShellScript"
PLUGIN: Final = "aws:runShellScript"
DEFAULT_TIMEOUT: Final = 3600
LONGEST: Final = 172_800
"""Seconds: "The default is 3600 (1 hour). The maximum is 172800 (48 hours)." """

_WINDOWS: Final = ("AWS-RunPowerShellScript", "AWS-InstallPowerShellModule", "AWS-InstallWindowsUpdates")
_AMAZONS: Final = ("aws", "amazon", "amzn")
_REFERENCE: Final = re.compile(r"\{\{\s*([\w-]+)\s*\}\}")
_PARAMETER: Final = re.compile(r"\{\{\s*ssm:([^\s{}]+)\s*\}\}")
_SECURE: Final = re.compile(r"\{\{\s*ssm-secure:")

Values = Mapping[str, Sequence[str]]
Document = Mapping[str, Any]

_SHELL_SCRIPT: Final[Document] = {
    "schemaVersion": "2.2",
    "parameters": {
        "commands": {"type": "StringList"},
        "workingDirectory": {"type": "String", "default": ""},
        "executionTimeout": {"type": "String", "default": str(DEFAULT_TIMEOUT), "allowedPattern": "[1-9][0-9]{0,5}"},
    },
    "mainSteps": [
        {
            "action": PLUGIN,
            "name": PLUGIN,
            "inputs": {
                "runCommand": ["{{ commands }}"],
                "workingDirectory": "{{ workingDirectory }}",
                "timeoutSeconds": "{{ executionTimeout }}",
            },
        }
    ],
}


def document_of(ctx: Context, name: str, version: str) -> Generator[Ask, Mapping[str, Any], Document]:
    """The content of a document that runs shell scripts. Raises Fault."""
    name = _name_in(ctx, name)
    if name == RUN_SHELL_SCRIPT:
        return _SHELL_SCRIPT
    if name in _WINDOWS:
        raise faults.unsupported_platform(name)
    if name.lower().startswith(_AMAZONS):
        raise faults.not_implemented(f"the document {name}")
    params = {"Name": name, **({"DocumentVersion": version} if version else {}), "DocumentFormat": "JSON"}
    made = ServiceCall(service_principal(SERVICE, ctx.account), "ssm", "GetDocument", params, ctx.region)
    try:
        found = yield Ask(made, of_backend=True, if_used=True)
    except Fault as fault:
        raise faults.no_such_document(name) from fault
    if not found:
        raise faults.no_such_document(name)
    return _readable(name, found)


def _name_in(ctx: Context, given: str) -> str:
    """The name of a document that is given by name or ARN. Raises Fault: InvalidDocument.

    An ARN has to be the one that the permission to send is decided on for the name: with the account of the caller, and
    without one for Amazon's. Another one would be another name of the same document.
    """
    if not given.startswith("arn:"):
        return given
    name = given.rpartition("/")[2]
    account = "" if name.lower().startswith(_AMAZONS) else ctx.account
    if given != f"arn:{PARTITION}:ssm:{ctx.region}:{account}:document/{name}":
        raise faults.no_such_document(given)
    return name


def _readable(name: str, found: Mapping[str, Any]) -> Document:
    if found.get("DocumentType", "Command") != "Command":
        raise faults.invalid_document(f"The document {name} is of type {found['DocumentType']}, not Command.")
    try:
        content = json.loads(found["Content"])
    except ValueError as error:
        raise faults.invalid_document(f"The content of {name} cannot be read.") from error
    if not isinstance(content, dict) or str(content.get("schemaVersion")) not in ("2.0", "2.2"):
        raise faults.not_implemented("documents of other schemas than 2.2")
    return content


def steps_of(document: Document, values: Values) -> tuple[Step, ...]:
    """The steps of a document with these parameters. Raises Fault: InvalidParameters, InvalidDocument."""
    given = _with_defaults(document.get("parameters") or {}, values)
    steps = tuple(_steps(document, given))
    if not steps:
        raise faults.invalid_document("The document has no step for Linux.")
    return steps


def _steps(document: Document, given: Values) -> Iterator[Step]:
    for step in document.get("mainSteps") or ():
        platforms = (step.get("precondition") or {}).get("StringEquals") or ()
        if platforms and "Linux" not in platforms:
            continue
        if step.get("action") != PLUGIN:
            raise faults.not_implemented(f"{step.get('action')} in documents")
        inputs = step.get("inputs") or {}
        commands = inputs.get("runCommand") or []
        written = [commands] if isinstance(commands, str) else commands
        lines = [line for each in written for line in _lines(each, given)]
        directory = _filled(str(inputs.get("workingDirectory") or ""), given)
        timeout = _filled(str(inputs.get("timeoutSeconds") or DEFAULT_TIMEOUT), given)
        if not timeout.isdecimal() or not 0 < int(timeout) <= LONGEST:
            raise faults.invalid_parameters(f"{timeout} is not a valid number of seconds, from 1 to {LONGEST}.")
        yield Step(str(step.get("name", PLUGIN)), "\n".join(lines) + "\n", directory, int(timeout))


def _lines(text: str, given: Values) -> Sequence[str]:
    """The lines that an entry of runCommand stands for: several where it is a list parameter and nothing else."""
    whole = _REFERENCE.fullmatch(text.strip())
    return _value(whole[1], given) if whole else (_filled(text, given),)


def _filled(text: str, given: Values) -> str:
    return _REFERENCE.sub(lambda found: " ".join(_value(found[1], given)), text)


def _value(name: str, given: Values) -> Sequence[str]:
    if name not in given:
        raise faults.invalid_document(f"The document refers to a parameter that it has not: {name}")
    return given[name]


def _with_defaults(declared: Mapping[str, Mapping[str, Any]], values: Values) -> Values:
    """The values of all parameters of a document. Raises Fault: InvalidParameters."""
    for name in values:
        if name not in declared:
            raise faults.invalid_parameters(f"Invalid parameter {name}: the document has no such parameter.")
    found: dict[str, Sequence[str]] = {}
    for name, rule in declared.items():
        if name in values:
            found[name] = _checked(name, rule, values[name])
        elif "default" in rule:
            default = rule["default"]
            found[name] = [str(each) for each in default] if isinstance(default, list) else [str(default)]
        else:
            raise faults.invalid_parameters(f"Missing required parameter: {name}")
    return found


def _checked(name: str, rule: Mapping[str, Any], values: Sequence[str]) -> Sequence[str]:
    if rule.get("type") != "StringList" and len(values) != 1:
        raise faults.invalid_parameters(f"Parameter {name} takes one value.")
    if rule.get("type") == "StringList" and not values:
        raise faults.invalid_parameters(f"Missing required parameter: {name}")
    for value in values:
        if rule.get("allowedValues") and value not in rule["allowedValues"]:
            raise faults.invalid_parameters(f"Invalid value of parameter {name}.")
        pattern = rule.get("allowedPattern")
        if pattern and not _is_allowed(str(pattern), value):
            raise faults.invalid_parameters(f"Invalid value of parameter {name}: it must match {pattern}")
    return values


def _is_allowed(pattern: str, value: str) -> bool:
    try:
        return matches(pattern, value)
    except NotChecked:
        text = f"The allowedPattern {pattern} could take too long for a value of {len(value)} characters."
        raise faults.invalid_document(text) from None
    except re.error as error:
        raise faults.invalid_document(f"The allowedPattern {pattern} is not valid: {error}.") from error


def with_stored_parameters(ctx: Context, values: Values) -> Generator[Ask, Mapping[str, Any], Values]:
    """`values` with what `{{ssm:name}}` in them stands for, as far as the caller may read it. Raises Fault.

    User Guide, "Working with Parameter Store parameters in Run Command": the type SecureString is not for that.
    """
    texts = [text for each in values.values() for text in each]
    if any(_SECURE.search(text) for text in texts):
        raise faults.invalid_parameters("{{ssm-secure:name}} is not supported by this document.")
    names = sorted({name for text in texts for name in _PARAMETER.findall(text)})
    if not names:
        return values
    if len(names) > 10:
        raise faults.invalid_parameters("More than 10 parameters of Parameter Store are referred to.")
    actor = on_behalf_of(ctx.caller, SERVICE)
    told = yield Ask(ServiceCall(actor, "ssm", "GetParameters", {"Names": names}, ctx.region))
    found = {each["Name"]: each for each in told.get("Parameters", ())}
    for name in names:
        if name not in found:
            raise faults.invalid_parameters(f"Parameter {name} of Parameter Store does not exist.")
        if found[name].get("Type") == "SecureString":
            raise faults.invalid_parameters(f"Parameter {name} is a SecureString, which cannot be referred to here.")
    return {
        key: [_PARAMETER.sub(lambda match: str(found[match[1]]["Value"]), text) for text in each]
        for key, each in values.items()
    }
