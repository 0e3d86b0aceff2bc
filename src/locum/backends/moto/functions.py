"""Functions of Lambda as moto keeps them: configuration and code, for whoever invokes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException

from locum.backends.moto.internals import dead_letter_target
from locum.backends.moto.invoke_settings import settings_of
from locum.backends.moto.lookups import Within
from locum.backends.moto.models import models_of
from locum.backends.moto.reliance import check
from locum.backends.moto.turns import in_turn
from locum.core.arn import PARTITION
from locum.core.functions import Asynchronous, Function


def find(account: str, region: str, name: str, qualifier: str) -> Function | None:
    """The version of the function `name` that `qualifier` (a version, an alias, or nothing) means, or None."""
    check("awslambda")
    return in_turn(_find, account, region, name, qualifier)


def _find(account: str, region: str, name: str, qualifier: str) -> Function | None:
    kept = models_of("lambda", account, region)
    if kept is None:
        return None
    try:
        with Within("awslambda", account):
            found = kept.get_function(name, qualifier or None)
            reserved = kept.get_function_concurrency(name)  # which a version does not have
            layers = tuple(_layers(kept, found))
            settings = settings_of(kept.get_function(name), qualifier)
            code_sha256 = found.get_configuration()["CodeSha256"]
    except UnknownFunctionException:
        return None
    return Function(
        account=account,
        region=region,
        name=name,
        arn=f"arn:{PARTITION}:lambda:{region}:{account}:function:{name}",
        version=str(found.version),
        runtime=found.run_time or "",
        handler=found.handler or "",
        role=found.role,
        timeout=found.timeout,
        memory=found.memory_size,
        environment=dict(found.environment_vars or {}),
        code=getattr(found, "code_bytes", b""),  # which a container image does not have
        code_sha256=code_sha256,
        layers=layers,
        storage=int(found.ephemeral_storage),
        asynchronous=_asynchronous(found, settings),
        reserved=None if reserved is None else int(reserved),
    )


def _layers(kept: Any, found: Any) -> Iterator[bytes]:
    """The archives of a function's layers; one whose version is deleted is not there."""
    for attached in found.layers:
        layer = kept.layers_versions_by_arn(attached["Arn"])
        if layer is not None:
            yield layer.code_bytes


def _asynchronous(found: Any, settings: Mapping[str, Any] | None) -> Asynchronous:
    """The settings of asynchronous invocations: of the version or alias, or those that moto has of the function."""
    config: Mapping[str, Any] = found.event_invoke_config[0].config if found.event_invoke_config else {}
    config = config if settings is None else settings
    targets = config.get("DestinationConfig") or {}
    on_success, on_failure = ((targets.get(on) or {}).get("Destination") or "" for on in ("OnSuccess", "OnFailure"))
    usual = Asynchronous()
    return Asynchronous(
        config.get("MaximumRetryAttempts", usual.retries),
        config.get("MaximumEventAgeInSeconds", usual.most_age),
        on_success,
        on_failure,
        dead_letter_target(found),
    )
