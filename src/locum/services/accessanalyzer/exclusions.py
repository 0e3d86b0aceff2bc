"""The configurations of analyzers of unused access: the tracking period, and which users and roles are left out.

Access Analyzer API Reference, UnusedAccessConfiguration, AnalysisRuleCriteria.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from locum.core.system_tags import RESERVED
from locum.services.accessanalyzer.faults import invalid
from locum.services.accessanalyzer.zones import check_accounts

Configuration = Mapping[str, Any]

AGE: Final = 90
"""The days of an analyzer of unused access that is made without: User Guide, "Tracking period"."""
_OLDEST: Final = 365
_ACCOUNTS: Final = 2_000
_KEY_LENGTH: Final = 128
_VALUE_LENGTH: Final = 256
_TEXT: Final = re.compile(r"[\w\s./=+-]*")


def configured(kind: str, owner: str, given: Configuration) -> dict[str, Any]:
    """The UnusedAccessConfiguration of an analyzer of the account `owner`. Raises Fault ValidationException."""
    age = given.get("unusedAccessAge", AGE)
    if not 1 <= age <= _OLDEST:
        raise invalid("unusedAccessAge", f"It is a number of days from 1 to {_OLDEST}.")
    found: dict[str, Any] = {"unusedAccessAge": age}
    exclusions = (given.get("analysisRule") or {}).get("exclusions")
    if exclusions:
        found["analysisRule"] = {"exclusions": [_criteria(kind, owner, it) for it in exclusions]}
    return found


def _criteria(kind: str, owner: str, given: Configuration) -> dict[str, Any]:
    """An AnalysisRuleCriteria of accounts and tags that are excluded."""
    accounts, tags = given.get("accountIds") or (), given.get("resourceTags") or ()
    _check_accounts(kind, owner, accounts)
    for pairs in tags:
        _check_tags(pairs)
    named = {"accountIds": list(accounts), "resourceTags": [dict(pairs) for pairs in tags]}
    return {name: value for name, value in named.items() if value}


def _check_accounts(kind: str, owner: str, accounts: Sequence[str]) -> None:
    check_accounts(kind, accounts)
    if len(accounts) > _ACCOUNTS:
        raise invalid("accountIds", f"There are at most {_ACCOUNTS} accounts.")
    if owner in accounts:
        raise invalid("accountIds", "The account that owns the analyzer cannot be excluded.")


def _check_tags(pairs: Mapping[str, str]) -> None:
    for key, value in pairs.items():
        if not 1 <= len(key) <= _KEY_LENGTH or not _TEXT.fullmatch(key) or key.lower().startswith(RESERVED):
            raise invalid("resourceTags", f"A key has 1 to {_KEY_LENGTH} characters, and does not begin with aws:.")
        if len(value) > _VALUE_LENGTH or not _TEXT.fullmatch(value):
            raise invalid("resourceTags", f"A value has at most {_VALUE_LENGTH} characters.")


# -- what it means ---------------------------------------------------------------------------------------


def age_of(configuration: Configuration) -> int:
    """The days in which access has to be used."""
    return int((configuration.get("unusedAccess") or {}).get("unusedAccessAge", AGE))


def is_excluded(configuration: Configuration, account: str, tags: Mapping[str, str]) -> bool:
    """Whether a user or role is left out. A criterion holds where all of it does; one of many is enough."""
    rule = (configuration.get("unusedAccess") or {}).get("analysisRule") or {}
    return any(_holds(criterion, account, tags) for criterion in rule.get("exclusions") or ())


def _holds(criterion: Configuration, account: str, tags: Mapping[str, str]) -> bool:
    accounts, wanted = criterion.get("accountIds"), criterion.get("resourceTags")
    if not accounts and not wanted:
        return False
    return (not accounts or account in accounts) and (not wanted or any(_tagged(pairs, tags) for pairs in wanted))


def _tagged(pairs: Mapping[str, str], tags: Mapping[str, str]) -> bool:
    """Whether tags have all pairs: a value that is empty stands for any."""
    return bool(pairs) and all(key in tags and value in ("", tags[key]) for key, value in pairs.items())
