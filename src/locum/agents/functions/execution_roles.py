"""Functions by their names, and their execution roles as Lambda assumes them: to run them, to read event sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from locum.core.actors import ServiceRole
from locum.core.functions import Function
from locum.core.principal import Source

LAMBDA: Final = "lambda.amazonaws.com"
"""The service principal that the trust policy of an execution role lets in."""


def execution_role(function: Function) -> ServiceRole:
    """The execution role, in a session that is named after the function."""
    source = Source(function.account, function.arn, {"lambda:sourcefunctionarn": function.arn})
    name = function.name.ljust(2, "-")  # [U] a session's name has two characters, a function's may have one
    return ServiceRole(LAMBDA, function.role, name, source)


def named_function(params: Mapping[str, Any]) -> tuple[str, str]:
    """Name and qualifier, out of a name, a partial ARN (`account:function:name`) or an ARN."""
    name, _, qualifier = params["FunctionName"].rpartition("function:")[2].partition(":")
    return name, qualifier or params.get("Qualifier", "")
