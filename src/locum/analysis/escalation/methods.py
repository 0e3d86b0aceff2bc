"""Methods by which a principal takes the permissions of another one, or gives itself more, and their calls.

The table of those by which it becomes another one is `becoming`, of those by which it raises one `raising`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

ADMINISTRATOR: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
EVERYTHING: Final = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
NAME: Final = "locum-audit"
"""The name of what a method creates, where the policies of its principal do not ask for another one."""

Bindings = Mapping[str, str]
"""The values that stand for `{name}` in the parameters of a method's calls."""


class Act(NamedTuple):
    """One call of a method: botocore's names of service and operation, and the input, with `{name}` for bindings.

    `effect` names what it changes for the calls that follow (`effects.EFFECTS`). `passes` is the service that the call
    hands the role to where its input has the role in a place that the catalogue of permissions does not read.
    """

    service: str
    operation: str
    params: Mapping[str, Any]
    effect: str = ""
    passes: str = ""

    def filled(self, bindings: Bindings) -> dict[str, Any]:
        """The input of the call, without members that are bound to nothing."""
        filled = {name: _filled(value, bindings) for name, value in self.params.items()}
        return {name: value for name, value in filled.items() if value not in ("", [])}


class Method(NamedTuple):
    """A method: all of its calls are needed, in their order.

    `binds` says what they are made on (`bindings.BINDERS`). `service` is the service principal that has to be able to
    assume the role of the target. `raises`: the target does not change hands, but becomes an administrator.
    """

    name: str
    acts: tuple[Act, ...]
    binds: str
    service: str = ""
    raises: bool = False

    @property
    def on_target(self) -> bool:
        """Whether the first call is on the target itself: its ARN is the resource."""
        return self.binds.startswith(("user", "role", "bound-"))

    def __hash__(self) -> int:
        return hash((self.name, self.binds))


def _filled(value: Any, bindings: Bindings) -> Any:
    if isinstance(value, str):
        return bindings[value[1:-1]] if value.startswith("{") and value[1:-1] in bindings else value
    if isinstance(value, Mapping):
        return {name: _filled(inner, bindings) for name, inner in value.items()}
    if not isinstance(value, list):
        return value
    return [filled for inner in value if (filled := _filled(inner, bindings)) != ""]


def iam(operation: str, effect: str = "", /, **params: Any) -> Act:
    """A call of IAM."""
    return Act("iam", operation, params, effect)
