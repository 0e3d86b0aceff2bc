"""Validation of the values in a policy document, when it is written, so that evaluation meets no invalid value.

The messages are IAM's where its texts are known; others are of the same form.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from locum.policy import values
from locum.policy.document import Condition, Document, Principals, Statement
from locum.policy.errors import MalformedPolicy
from locum.policy.grammar import (
    ACCOUNT,
    IAM_PRINCIPAL,
    ROOT_ARN,
    RULES,
    SERVICE_PRINCIPAL,
    UNIQUE_ID,
    PolicyKind,
    operator,
)
from locum.policy.location import JsonPath
from locum.policy.patterns import Variable, arn_fields, has_variables, scan
from locum.policy.resource_forms import fails_legacy_parsing, not_an_arn, resource_fault

NO_VENDOR: Final = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
TWO_COLONS: Final = "Actions/Condition can contain only one colon."
ACTION_VENDOR_PATTERN: Final = "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards."
INVALID_PROVIDER: Final = "Federated principals must be valid domain names or SAML metadata ARNs"
TRUST_ACTIONS: Final = "AssumeRole policy may only specify STS AssumeRole actions."
SYNTAX: Final = "Syntax errors in policy."
LEGACY: Final = "The policy failed legacy parsing"

_VENDOR: Final = re.compile(r"[a-zA-Z0-9.-]+")
# IAM accepts spaces too; such an action matches nothing.
_ACTION: Final = re.compile(r"[^:]+")
# The actions that a role's trust policy may contain, lower-case.
_TRUST_ACTIONS: Final = re.compile(
    r"sts:(assumerole|assumerolewithsaml|assumerolewithwebidentity|tagsession|setsourceidentity|setcontext"
    r"|\*|assume\*|assumerole\*|tag\*|assumerolewith\*)"
)
_PROVIDER: Final = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(oidc-provider|saml-provider)/[^*?]+|[a-z0-9.-]+\.[a-z]+")


def check_values(document: Document) -> None:
    """Raise MalformedPolicy for the first invalid value of `document`. `check_legacy` comes first."""
    checks = _Checks(document)
    for statement in document.statements:
        checks.statement(statement)


def check_legacy(document: Document) -> None:
    """Raise MalformedPolicy where IAM's first parser fails on an ARN or a date, before any other check."""
    if RULES[document.kind].legacy:
        checks = _Checks(document)
        for statement in document.statements:
            checks.legacy(statement)


class _Checks:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.kind = document.kind
        self.rules = RULES[document.kind]

    def refuse(self, message: str, path: JsonPath, *, legacy: str = "") -> None:
        """Raise MalformedPolicy with `message`, or with `legacy` (and `message` as detail) for IAM's first parser."""
        if self.rules.legacy and legacy:
            raise MalformedPolicy(legacy, path, self.document.text, detail=message)
        raise MalformedPolicy(message, path, self.document.text)

    def legacy(self, statement: Statement) -> None:
        """Check the ARNs and dates of one statement as IAM's first parser does."""
        for name, resources in (("Resource", statement.resources), ("NotResource", statement.not_resources)):
            for resource in resources or ():
                if fails_legacy_parsing(resource):
                    self.refuse(not_an_arn(resource), (*statement.path, name), legacy=LEGACY)
        for condition in statement.conditions:
            parts = operator(condition.operator)
            for text in condition.values if parts is not None and parts.family == "Date" else ():
                if values.instant(text) is None:
                    self._refuse_value(condition, text, LEGACY)

    def statement(self, statement: Statement) -> None:
        """Check the values of one statement, element by element."""
        for name, resources in (("Resource", statement.resources), ("NotResource", statement.not_resources)):
            for resource in resources or ():
                self._resource(resource, (*statement.path, name))
        for name, actions in (("Action", statement.actions), ("NotAction", statement.not_actions)):
            for action in actions or ():
                self._action(action, (*statement.path, name))
        for name, principals in (("Principal", statement.principals), ("NotPrincipal", statement.not_principals)):
            if principals is not None:
                self._principals(principals, (*statement.path, name))
        for condition in statement.conditions:
            self._condition(condition)
        if self.rules.only_denies:
            self._check_rcp_principal(statement)

    # --- actions and resources ---

    def _action(self, action: str, path: JsonPath) -> None:
        if action not in ("*", "*:*"):
            vendor, colon, name = action.partition(":")
            if not colon:
                self.refuse(NO_VENDOR, path)
            if ":" in name:
                self.refuse(TWO_COLONS, path)
            if "*" in vendor or "?" in vendor:
                self.refuse(ACTION_VENDOR_PATTERN, path)
            if not _VENDOR.fullmatch(vendor):
                self.refuse(f"Vendor {vendor} is not valid", path)
            if not _ACTION.fullmatch(name):
                self.refuse(SYNTAX, path)
        if self.kind is PolicyKind.TRUST and path[-1] == "Action" and not _TRUST_ACTIONS.fullmatch(action.lower()):
            self.refuse(TRUST_ACTIONS, path)

    def _resource(self, resource: str, path: JsonPath) -> None:
        if resource == "*":
            return
        self._variables(resource, path)
        variables = self.document.variables
        if self.rules.legacy:
            fault = resource_fault(resource, completes=self.rules.completes, variables=variables)
        else:
            fault = _fault_of_arn(resource, variables=variables)
        if fault:
            self.refuse(fault, path)

    def _variables(self, text: str, path: JsonPath) -> None:
        tokens = scan(text, variables=self.document.variables)
        if any(isinstance(token, Variable) and ":" not in token.key for token in tokens):
            self.refuse(f"Invalid policy variable in {text}", path, legacy=SYNTAX)

    # --- principals ---

    def _principals(self, principals: Principals, path: JsonPath) -> None:
        kinds: tuple[tuple[str, tuple[str, ...], Callable[[str], bool]], ...] = (
            ("AWS", principals.aws, self._aws_principal),
            ("Service", principals.service, lambda text: bool(SERVICE_PRINCIPAL.fullmatch(text))),
            ("Federated", principals.federated, lambda text: bool(_PROVIDER.fullmatch(text))),
            ("CanonicalUser", principals.canonical, lambda text: text.isalnum()),
        )
        for name, listed, valid in kinds:
            for text in listed:
                if not valid(text):
                    self.refuse(self._invalid_principal(name, text), (*path, name))

    def _invalid_principal(self, name: str, text: str) -> str:
        if self.kind is not PolicyKind.TRUST:
            return f'Invalid principal in policy: "{name}":"{text}"'
        return INVALID_PROVIDER if name == "Federated" else f'Invalid principal in policy: "{name.upper()}":"{text}"'

    def _aws_principal(self, text: str) -> bool:
        """Whether `text` is a valid AWS principal (SEMANTICS 11).

        "You cannot use a wildcard to match part of a principal name or ARN".
        """
        if text == "*":
            return True
        return any(form.fullmatch(text) for form in (ACCOUNT, ROOT_ARN, IAM_PRINCIPAL, UNIQUE_ID))

    def _check_rcp_principal(self, statement: Statement) -> None:
        """Refuse a statement of an RCP whose Principal is not `*` ("RCP syntax")."""
        everyone = statement.principals is not None and (
            statement.principals.everyone or statement.principals.aws == ("*",)
        )
        if not everyone:
            self.refuse('Invalid principal in policy: a resource control policy has "Principal": "*"', statement.path)

    # --- conditions ---

    def _condition(self, condition: Condition) -> None:
        parts = operator(condition.operator)
        # IAM's first parser accepts keys without a prefix, which no request has.
        if ":" not in condition.key and not self.rules.legacy:
            self.refuse(NO_VENDOR, condition.path)
        for text in condition.values:
            if parts is not None and not self._is_valid(parts.family, text, condition.path):
                self._refuse_value(condition, text, SYNTAX)

    def _refuse_value(self, condition: Condition, text: str, legacy: str) -> None:
        self.refuse(f"Invalid value for {condition.operator}: {text}", condition.path, legacy=legacy)

    def _is_valid(self, family: str, text: str, path: JsonPath) -> bool:
        if family in ("String", "Arn", "Bool"):
            self._variables(text, path)
        if family == "Bool":
            return values.boolean(text) is not None or has_variables(
                scan(text, variables=self.document.variables, wildcards=False)
            )
        if family == "Arn":
            # "*" alone is any ARN; a variable at the start may be a whole ARN.
            tokens = scan(text, variables=self.document.variables)
            return text == "*" or len(arn_fields(tokens)) == 6 or (bool(tokens) and isinstance(tokens[0], Variable))
        reader = _READERS.get(family)
        return reader is None or reader(text) is not None


_READERS: Final[dict[str, Callable[[str], object]]] = {
    "Numeric": values.number,
    "Date": values.instant,
    "Binary": values.binary,
    "Ip": values.network,
    "Null": values.boolean,
}


def _fault_of_arn(resource: str, *, variables: bool) -> str:
    """The error message for a resource of a policy that IAM does not store (a bucket's, a queue's); empty if valid."""
    fields = resource.split(":")
    if fields[0] != "arn" or len(arn_fields(scan(resource, variables=variables))) < 6:
        return not_an_arn(resource)
    return resource_fault(resource, completes=False, variables=variables)
