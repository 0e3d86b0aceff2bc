"""AWS CodeCommit: the condition key of the branch that a call changes."""

from __future__ import annotations

from typing import Final

from locum.authz.call import Call, Check
from locum.authz.functions import Functions
from locum.state import State

_BRANCHES: Final = "refs/heads/"
_CHANGING: Final = frozenset({"CreateBranch", "CreateCommit", "DeleteBranch", "DeleteFile", "PutFile"})


def _reference(state: State, call: Call, check: Check) -> list[str]:
    """codecommit:References: the full name of the branch.

    AWS CodeCommit User Guide, "Limit pushes and merges to branches". Merges of pull requests name none.
    """
    merges = call.operation.startswith("MergeBranches")
    if not merges and call.operation not in _CHANGING:
        return []
    given = call.params.get("targetBranch" if merges else "branchName")
    return [] if not given else [_BRANCHES + str(given).removeprefix(_BRANCHES)]


FUNCTIONS: Final = Functions(keys={"codecommit_reference": _reference})
