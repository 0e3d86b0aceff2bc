"""Lambda functions as values: what is known of a deployed one when it is invoked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Asynchronous(NamedTuple):
    """The settings of asynchronous invocations: of a function's `EventInvokeConfig`, and its `DeadLetterConfig`.

    `most_age` is in seconds. `on_success`, `on_failure` and `dead_letter` are ARNs, or empty.
    """

    retries: int = 2
    most_age: int = 21_600
    on_success: str = ""
    on_failure: str = ""
    dead_letter: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One version of a function: its configuration and its code, as AWS's `FunctionConfiguration` names them.

    `arn` has no qualifier; `version` is `$LATEST` or a number. `runtime` and `handler` are empty for a container
    image, as is `code`, the deployment package (a zip archive), of which `code_sha256` is the digest in base64.
    `layers` are the archives of its layers, in their order.
    `timeout` is in seconds, `memory` and `storage` (of /tmp) in MiB, `role` the ARN of the execution role. `reserved`
    is the reserved concurrency, None where there is none. Two that differ in that or in `asynchronous` alone are equal.
    """

    account: str
    region: str
    name: str
    arn: str
    version: str
    runtime: str
    handler: str
    role: str
    timeout: int
    memory: int
    environment: Mapping[str, str] = field(repr=False)
    code: bytes = field(repr=False)
    code_sha256: str
    layers: tuple[bytes, ...] = field(default=(), repr=False)
    storage: int = 512
    asynchronous: Asynchronous = field(default=Asynchronous(), compare=False)
    reserved: int | None = field(default=None, compare=False)


Find = Callable[[str, str, str, str], Function | None]
"""The version of a function that an account, a region, a name and a qualifier (a version, an alias, or empty) mean."""
