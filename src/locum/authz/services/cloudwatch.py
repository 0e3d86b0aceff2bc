"""Amazon CloudWatch: what the definition of a Contributor Insights rule says."""

from __future__ import annotations

import json
from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions
from locum.authz.paths import UNKNOWN_VALUE
from locum.state import State


def _log_groups(state: State, call: Call, check: Check) -> list[str]:
    """cloudwatch:requestInsightRuleLogGroups: the log groups that the rule reads.

    CloudWatch User Guide, "Contributor Insights rule syntax": `LogGroupNames`. A definition without them, or one that
    is not understood, has a value that is not known.
    """
    try:
        definition = json.loads(call.params.get("RuleDefinition") or "{}")
    except ValueError:
        return [UNKNOWN_VALUE]
    groups = definition.get("LogGroupNames") if isinstance(definition, dict) else None
    if not isinstance(groups, list):
        return [UNKNOWN_VALUE]
    return [group if isinstance(group, str) else UNKNOWN_VALUE for group in groups]


FUNCTIONS: Final = Functions(keys={"insight_rule_groups": _log_groups})
