"""Role templates: GetRoleTemplateVersion and AcquireRole.

Service Authorization Reference: `arn:aws:iam::aws:role-template/SERVICE/NAME:MAJOR`. IAM API Reference,
RoleTemplateVersion, ManagedByType: the one value is `Service`. Only AWS services have role templates, and AWS does not
publish their contents. So there are none here: valid template ARNs raise NoSuchEntity, others InvalidInput.
"""

from __future__ import annotations

import re
from typing import Final

from locum.core.errors import Fault
from locum.services.iam.faults import invalid_input, no_such_entity
from locum.services.verbs import Context, Operation, Outcome, Params, reads, writes

_ARN: Final = re.compile(r"arn:aws:iam::aws:role-template/[A-Za-z0-9.-]+/[A-Za-z0-9_+=,.-]{1,128}:[0-9]+")


def get_version(_context: Context, params: Params) -> Outcome:
    """GetRoleTemplateVersion. Raises InvalidInput, NoSuchEntity."""
    raise _missing(params["TemplateArn"])


def acquire_role(_context: Context, params: Params) -> Outcome:
    """AcquireRole. Raises InvalidInput, NoSuchEntity."""
    raise _missing(params["TemplateArn"])


def _missing(arn: str) -> Fault:
    if not _ARN.fullmatch(arn):
        return invalid_input(f"{arn} is not the ARN of a role template.")
    return no_such_entity(f"The role template {arn} cannot be found.")


OPERATIONS: Final[dict[str, Operation]] = {
    "GetRoleTemplateVersion": reads(get_version),
    "AcquireRole": writes(acquire_role),
}
