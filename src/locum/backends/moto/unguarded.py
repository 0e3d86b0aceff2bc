"""moto's own opinions on who may do what, withdrawn: Locum has decided before moto is called.

moto reads bucket and key policies by itself, without their principals and conditions, and would refuse what
they allow (a Deny whose condition does not hold). There is no switch for it, so the two functions that
judge are replaced when their service is first used. Nothing else of moto is changed.
"""

from __future__ import annotations

import importlib
from typing import Any


def withdraw(module: str) -> None:
    """Take the guards out of the moto service `module` (`s3`, `kms`); nothing to do for the others."""
    if module == "s3":
        neutral = importlib.import_module("moto.iam.access_control").PermissionResult.NEUTRAL

        def no_opinion(_bucket: Any, _action: str, _resource: str) -> Any:
            return neutral

        importlib.import_module("moto.s3.models").FakeBucket.get_permission = no_opinion
    elif module == "kms":

        def no_objection(_key: Any, _action: str) -> None:
            return None

        setattr(importlib.import_module("moto.kms.responses"), "validate_policy", no_objection)  # noqa: B010 - for mypy
