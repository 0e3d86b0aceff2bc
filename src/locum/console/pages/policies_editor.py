"""What the editor of a policy says while somebody types: the findings of IAM Access Analyzer's ValidatePolicy."""

from __future__ import annotations

import json
from typing import Final

from starlette.responses import Response

from locum.console.aws import attempt
from locum.console.person import Person, View, url

TYPES: Final = frozenset({"IDENTITY_POLICY", "RESOURCE_POLICY", "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"})
_TRUST: Final = "TRUST_POLICY"


async def validate(person: Person) -> Response:
    """The findings about the document in the field that the query names."""
    text, kind = person.field(person.query("field", "document")), person.query("type", "IDENTITY_POLICY")
    if not text:
        return person.part("findings.html", findings=(), flaw="", failed=None)
    try:
        json.loads(text)
    except ValueError as error:
        return person.part("findings.html", findings=(), flaw=str(error), failed=None)
    parameters = {"policyDocument": text, "policyType": kind if kind in TYPES else "IDENTITY_POLICY"}
    if kind == _TRUST:
        parameters |= {
            "policyType": "RESOURCE_POLICY",
            "validatePolicyResourceType": "AWS::IAM::AssumeRolePolicyDocument",
        }
    found = await attempt(person.aws.call("accessanalyzer", "validate_policy", **parameters))
    findings = found.value["findings"] if found.value is not None else ()
    return person.part("findings.html", findings=findings, flaw="", failed=found.error)


ROUTES: Final[tuple[tuple[str, str, View], ...]] = (("POST", url("validate"), validate),)
