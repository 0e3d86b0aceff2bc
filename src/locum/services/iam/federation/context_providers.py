"""Context providers: how trusted context is made of what an identity provider says, and who may use it.

IAM API Reference, UpdateOpenIDConnectProvider: "A single request can change either the context provider or the IAM
Identity Center association, but not both. [...] To remove the context provider, first remove the IAM Identity Center
association in a separate request." CreateOpenIDConnectProvider: "If you specify [IdentityCenterInstanceArn], you must
also specify ContextProvider". AWS's texts are not published.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from locum.core.arn import Arn
from locum.services.iam.faults import invalid_input
from locum.services.verbs import Params
from locum.state.providers import ContextProvider, KeyDefinition

_CONTEXT: Final = ("ContextProvider", "RemoveContextProvider")
_ASSOCIATION: Final = ("IdentityCenterInstanceArn", "RemoveIdentityCenterInstance")
_KEY: Final = re.compile(r"[A-Za-z0-9_.:/=+@#-]+( [A-Za-z0-9_.:/=+@#-]+)*")


def given(params: Params) -> ContextProvider | None:
    """The context provider in `params`, or None. Raises InvalidInput."""
    shape = params.get("ContextProvider")
    if shape is None:
        return None
    if shape.get("SubjectTypeValue") and shape.get("SubjectTypeSourceKey"):
        raise invalid_input("Specify either SubjectTypeValue or SubjectTypeSourceKey, but not both.")
    return ContextProvider(
        subject_key=_key(shape["SubjectSourceKey"]),
        subject_type=shape.get("SubjectTypeValue", ""),
        subject_type_key=_key(shape.get("SubjectTypeSourceKey", "")),
        keys=tuple(
            KeyDefinition(source=_key(entry["SourceKey"]), target=_key(entry.get("TargetKey", "")))
            for entry in shape.get("KeyDefinitionList", ())
        ),
    )


def new_association(params: Params) -> str:
    """The ARN of the instance of IAM Identity Center for a new provider, or empty. Raises InvalidInput."""
    if "IdentityCenterInstanceArn" in params and "ContextProvider" not in params:
        raise invalid_input("IdentityCenterInstanceArn requires a ContextProvider.")
    return _instance(params)


def updated(context: ContextProvider | None, association: str, params: Params) -> tuple[ContextProvider | None, str]:
    """Context provider and association after the change that `params` ask for. Raises InvalidInput."""
    for setting, removing in (_CONTEXT, _ASSOCIATION):
        if setting in params and params.get(removing):
            raise invalid_input(f"Specify either {setting} or {removing}, but not both.")
    of_context = "ContextProvider" in params or params.get("RemoveContextProvider", False)
    of_association = "IdentityCenterInstanceArn" in params or params.get("RemoveIdentityCenterInstance", False)
    if of_context == of_association:
        raise invalid_input("A request changes either the context provider or the IAM Identity Center association.")
    if params.get("RemoveContextProvider") and association:
        raise invalid_input("Remove the IAM Identity Center association before the context provider.")
    if of_context:
        return given(params), association
    if context is None:
        raise invalid_input("An IAM Identity Center association requires a context provider.")
    return context, _instance(params)


def shown(context: ContextProvider | None, association: str) -> Mapping[str, Any]:
    """The members of a provider's answer."""
    members: dict[str, Any] = {}
    if context is not None:
        of_type = {"SubjectTypeValue": context.subject_type, "SubjectTypeSourceKey": context.subject_type_key}
        members["ContextProvider"] = {
            "SubjectSourceKey": context.subject_key,
            **{name: value for name, value in of_type.items() if value},
            "KeyDefinitionList": [
                {"SourceKey": key.source, **({"TargetKey": key.target} if key.target else {})} for key in context.keys
            ],
        }
    if association:
        members["IdentityCenterInstanceArn"] = association
    return members


def _key(text: str) -> str:
    """`text`, which is a key or empty. Raises InvalidInput.

    "ASCII letters, numbers, single spaces, and the following characters: _ . : / = + - @ #."
    """
    if text and not _KEY.fullmatch(text):
        raise invalid_input(f"The key {text} is not valid.")
    return text


def _instance(params: Params) -> str:
    text: str = params.get("IdentityCenterInstanceArn", "")
    arn = Arn.find(text)
    if text and (arn is None or arn.service != "sso" or not arn.resource.startswith("instance/")):
        raise invalid_input(f"ARN {text} is not valid.")
    return text
