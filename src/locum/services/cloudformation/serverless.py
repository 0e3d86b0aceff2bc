"""The transform AWS::Serverless-2016-10-31, which is AWS's own: the translator of the Serverless Application Model.

AWS Serverless Application Model Developer Guide; CloudFormation Template Reference, "AWS::Serverless transform".
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from locum.core.errors import Fault
from locum.services.cloudformation.libraries import serverless_translator
from locum.services.cloudformation.sections import section_of
from locum.services.cloudformation.template import MOST
from locum.services.cloudformation.templates import invalid
from locum.state import managed

SERVERLESS: Final = "AWS::Serverless-2016-10-31"
_APPLICATION: Final = "AWS::Serverless::Application"
_WITH_EVENTS: Final = ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")
_BROKEN: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What the translator raises where a template has a value of another kind than it takes for granted."""

_TRANSLATING: Final = threading.Lock()
"""The translator keeps the region of whoever uses it in a class."""


class _Session(NamedTuple):
    """What the translator asks of a session of boto3."""

    region_name: str


def translated(source: dict[str, Any], known: Mapping[str, Any], region: str, partition: str) -> dict[str, Any]:
    """A template with resources of CloudFormation in place of serverless ones. Raises Fault ValidationError.

    `known` are the values of parameters. The default of a parameter that is not among them stands for no value here.
    """
    _small(source)
    _no_repository(source)
    declared = source.get("Parameters")
    template = dict(source)
    if isinstance(declared, Mapping):
        template["Parameters"] = {
            name: it if name in known else {key: value for key, value in it.items() if key != "Default"}
            for name, it in declared.items()
        }
    values = {**known, "AWS::Region": region, "AWS::Partition": partition}
    with _TRANSLATING:
        result = _translation(template, values, region)
    result.pop("Transform", None)
    return result | ({} if declared is None else {"Parameters": declared})


def _translation(template: dict[str, Any], values: dict[str, Any], region: str) -> dict[str, Any]:
    """What the translator makes of a template, which it may change."""
    translator, parser, hashes, exceptions, measuring = serverless_translator()
    metrics = measuring.Metrics("ServerlessTransform", measuring.DummyMetricsPublisher())
    try:
        hashes.to_py27_compatible_template(template, values)
        run = translator.Translator(_managed_policies(), parser.Parser(), None, _Session(region), metrics)
        result: dict[str, Any] = hashes.undo_mark_unicode_str_in_template(run.translate(template, values))
    except exceptions.InvalidDocumentException as error:
        causes = sorted(cause.message for cause in error.causes)
        raise _failed(" ".join([error.message, *causes])) from error
    except exceptions.ExceptionWithMessage as error:
        raise _failed(error.message) from error
    except _BROKEN as error:
        raise _failed("Internal transform failure.") from error
    finally:
        metrics.publish()
    return result


@cache
def _managed_policies() -> dict[str, str]:
    """The ARNs of AWS managed policies by name."""
    return {it.name: it.arn for it in managed.every()}


def _small(source: Mapping[str, Any]) -> None:
    """Check that a template becomes no more resources than there may be: one of each, and one of each event.

    The translator takes quadratic time.
    """
    resources = section_of(source, "Resources")
    number = len(resources)
    for it in resources.values():
        properties = it.get("Properties") if isinstance(it, Mapping) else None
        events = properties.get("Events") if isinstance(properties, Mapping) else None
        number += len(events) if isinstance(events, Mapping) and str(it.get("Type")) in _WITH_EVENTS else 0
    most = MOST["resources"]
    if number > most:
        raise invalid(f"Template format error: Number of resources, {number}, is greater than maximum allowed, {most}")


def _no_repository(source: Mapping[str, Any]) -> None:
    """Check that no application is from the Serverless Application Repository, which the translator would call."""
    resources = source.get("Resources")
    causes = []
    for name, it in resources.items() if isinstance(resources, Mapping) else ():
        if isinstance(it, Mapping) and it.get("Type") == _APPLICATION:
            properties = it.get("Properties")
            if isinstance(properties, Mapping) and isinstance(properties.get("Location"), Mapping):
                why = "Serverless Application Repository is not available in this region."
                causes.append(f"Resource with id [{name}] is invalid. {why}")
    if causes:
        what = f"Invalid Serverless Application Specification document. Number of errors found: {len(causes)}."
        raise _failed(" ".join([what, *causes]))


def _failed(why: str) -> Fault:
    return invalid(f"Transform {SERVERLESS} failed with: {why}")
