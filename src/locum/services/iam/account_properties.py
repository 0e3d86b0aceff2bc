"""Account properties and security token service preferences.

The only property is `RoleManager/Enabled`. Errors and their texts are those of recorded answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from locum.services.iam.account import account_of
from locum.services.iam.faults import invalid_input
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes
from locum.state import put

_NAMESPACE: Final = "RoleManager"
_PROPERTY: Final = "RoleManager/Enabled"
_VALUES: Final = {"true": True, "false": False}


def get_account_properties(context: Context, _params: Params) -> Outcome:
    """GetAccountProperties."""
    enabled = account_of(context).role_manager
    return Outcome({"Properties": {_PROPERTY: "true" if enabled else "false"}})


def put_account_properties(context: Context, params: Params) -> Outcome:
    """PutAccountProperties: other properties of the namespace are ignored."""
    enabled = _enabled(params["Properties"])
    return Outcome({}, (put(replace(account_of(context), role_manager=enabled)),))


def set_security_token_service_preferences(context: Context, params: Params) -> Outcome:
    """SetSecurityTokenServicePreferences: only GetAccountSummary shows it, as all session tokens are alike here."""
    version = {"v1Token": 1, "v2Token": 2}[params["GlobalEndpointTokenVersion"]]
    return Outcome({}, (put(replace(account_of(context), token_version=version)),))


def _enabled(properties: Mapping[str, str]) -> bool:
    """The value of the property in `properties`. Raises InvalidInput."""
    for key in properties:
        if "/" not in key.strip("/"):
            raise invalid_input(f"Property key must be in format Namespace/PropertyName: {key}")
    namespaces = {key.partition("/")[0] for key in properties}
    if len(namespaces) > 1:
        raise invalid_input("All properties must belong to the same namespace")
    if namespaces != {_NAMESPACE}:
        raise invalid_input(f"Unsupported namespace: {''.join(namespaces)}")
    if _PROPERTY not in properties:
        raise invalid_input("RoleManager namespace requires Enabled property")
    try:
        return _VALUES[properties[_PROPERTY]]
    except KeyError:
        raise invalid_input("Enabled must be 'true' or 'false'") from None


OPERATIONS: Final[dict[str, Operation]] = {
    "GetAccountProperties": reads(get_account_properties),
    "PutAccountProperties": writes(put_account_properties),
    "SetSecurityTokenServicePreferences": writes(set_security_token_service_preferences),
}
