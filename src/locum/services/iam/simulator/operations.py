"""The policy simulator: what policies would decide, on the same evaluator that decides.

"The simulation does not perform the API operations; it only checks the authorization". What AWS's own simulator
leaves out, this one does not: trust policies and every Principal form count as they do in a real call.
"""

from __future__ import annotations

import re
from typing import Final

from locum.core.markers import key_in, marker_of
from locum.policy import PolicyKind
from locum.services.iam.faults import invalid_input
from locum.services.iam.pagination import DEFAULT_MAX_ITEMS
from locum.services.iam.simulator import sources
from locum.services.iam.simulator.inputs import Simulation, of_documents, of_entity
from locum.services.iam.simulator.keys import mentioned
from locum.services.iam.simulator.results import results
from locum.services.verbs import Context, Operation, Outcome, Params, computes

_MARKED: Final = re.compile("#([0-9]{1,9})")
"""What a marker holds: how many actions were answered. No marker of a list, which holds a name, is one."""

_DECISIONS: Final = 2_000
"""In one page, some hundredths of a second of work: "IAM might return fewer results, even when there are more"."""


def simulate_custom_policy(context: Context, params: Params) -> Outcome:
    """SimulateCustomPolicy. Raises InvalidInput."""
    return _page(params, of_documents(context, params))


def simulate_principal_policy(context: Context, params: Params) -> Outcome:
    """SimulatePrincipalPolicy. Raises InvalidInput, NoSuchEntity, PolicyEvaluation."""
    source = sources.entity(context, params["PolicySourceArn"])
    return _page(params, of_entity(context, params, source))


def get_context_keys_for_custom_policy(context: Context, params: Params) -> Outcome:
    """GetContextKeysForCustomPolicy. Raises InvalidInput."""
    given = sources.given(params["PolicyInputList"], PolicyKind.IDENTITY, "PolicyInputList", "Policy input")
    return Outcome({"ContextKeyNames": mentioned(found.document for found in given)})


def get_context_keys_for_principal_policy(context: Context, params: Params) -> Outcome:
    """GetContextKeysForPrincipalPolicy. Raises InvalidInput, NoSuchEntity, PolicyEvaluation."""
    source = sources.entity(context, params["PolicySourceArn"])
    texts = params.get("PolicyInputList") or ()
    given = sources.given(texts, PolicyKind.IDENTITY, "PolicyInputList", "Policy input")
    stored = sources.stored(context.state, source, bounded=False, governed=False).policies
    return Outcome({"ContextKeyNames": mentioned(found.document for found in (*stored.identity, *given))})


def _page(params: Params, simulation: Simulation) -> Outcome:
    """One page of the results, which are in the order of the actions: a marker says how many were answered."""
    begin = _answered(params["Marker"]) if "Marker" in params else 0
    size = min(int(params.get("MaxItems", DEFAULT_MAX_ITEMS)), max(1, _DECISIONS // len(simulation.resources)))
    end = begin + size
    more = end < len(simulation.actions)
    return Outcome(
        {
            "EvaluationResults": results(simulation, simulation.actions[begin:end]),
            "IsTruncated": more,
            **({"Marker": marker_of(f"#{end}")} if more else {}),
        }
    )


def _answered(marker: str) -> int:
    """The number of actions that were answered before the page of `marker`. Raises InvalidInput."""
    found = _MARKED.fullmatch(key_in(marker) or "")
    if found is None:
        raise invalid_input("Invalid marker for pagination.")
    return int(found[1])


OPERATIONS: Final[dict[str, Operation]] = {
    "SimulateCustomPolicy": computes(simulate_custom_policy),
    "SimulatePrincipalPolicy": computes(simulate_principal_policy),
    "GetContextKeysForCustomPolicy": computes(get_context_keys_for_custom_policy),
    "GetContextKeysForPrincipalPolicy": computes(get_context_keys_for_principal_policy),
}
