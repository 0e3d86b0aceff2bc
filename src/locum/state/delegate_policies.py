"""The default policies by which delegated administrators of CloudTrail reach what the management account owns.

CloudTrail User Guide, "Default resource policy for delegated administrators": it is generated, and "will be evaluated
in tandem with any policy you submit for the resource".
"""

from __future__ import annotations

import json
from typing import Any, Final

from locum.core.arn import root_arn
from locum.state.event_data_stores import EventDataStore
from locum.state.organizations import delegates_of
from locum.state.state import State
from locum.state.trails import CLOUDTRAIL, Trail

_OF_STORES: Final = """
AddTags CancelQuery CreateEventDataStore DeleteEventDataStore DescribeQuery DisableFederation EnableFederation
GenerateQuery GenerateQueryResultsSummary GetEventConfiguration GetEventDataStore GetInsightSelectors GetQueryResults
ListEventDataStores ListQueries ListTags PutEventConfiguration PutInsightSelectors RemoveTags RestoreEventDataStore
SearchSampleQueries StartEventDataStoreIngestion StartQuery StopEventDataStoreIngestion UpdateEventDataStore
"""
_OF_TRAILS: Final = "AddTags GetEventConfiguration ListTags PutEventConfiguration RemoveTags"
"""What is not decided by the policies of the caller alone, as the other actions on trails are."""


def delegate_policy(state: State, resource: Trail | EventDataStore) -> str:
    """The default policy of a trail or an event data store; empty where no delegated administrator is to reach it."""
    administrators = delegates_of(state, resource.account, CLOUDTRAIL) if resource.organization else []
    if not administrators:
        return ""
    actions = _OF_TRAILS if isinstance(resource, Trail) else _OF_STORES
    statement = {
        "Sid": "DelegatedAdministrators",
        "Effect": "Allow",
        "Principal": {"AWS": [root_arn(account) for account in sorted(it.id for it in administrators)]},
        "Action": [f"cloudtrail:{action}" for action in actions.split()],
        "Resource": resource.arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def with_default(own: str, default: str) -> str | None:
    """The policy with the statements of a resource's `own` policy and of its `default` one; None where it has none.

    A Sid of the default one, which may be one of its own as well, is left out.
    """
    if not own or not default:
        return own or default or None
    document = json.loads(own)
    given = [{name: value for name, value in it.items() if name != "Sid"} for it in _statements(json.loads(default))]
    document["Statement"] = [*_statements(document), *given]
    return json.dumps(document, separators=(",", ":"))


def _statements(document: dict[str, Any]) -> list[Any]:
    found = document["Statement"]
    return found if isinstance(found, list) else [found]
