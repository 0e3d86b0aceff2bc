"""CloudFormation, as far as it is Locum's own: templates, read with their caller's permissions.

`OPERATIONS` are the verbs. Every other operation goes to the backend.
"""

from __future__ import annotations

from typing import Final

from locum.services.asking import asking
from locum.services.cloudformation.validation import validate_template
from locum.services.verbs import Operation, asks

OPERATIONS: Final[dict[str, Operation]] = {
    "ValidateTemplate": asks(asking(validate_template))._replace(computes=True),
}

__all__ = ["OPERATIONS"]
