"""The environment of a command inside an instance, and of a function: nothing of the host's credentials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from locum.core.functions import Function

_PREFIXES: Final = ("AWS", "BOTO_", "LOCUM_", "AMAZON_", "EC2_", "ECS_CONTAINER_", "S3_ACCESS", "S3_SECRET")
_FILES: Final = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE")


def inside(
    host: Mapping[str, str],
    endpoint: str,
    region: str,
    metadata_endpoint: str | None = None,
    direct: Sequence[str] = (),
) -> dict[str, str]:
    """The variables for the command. `endpoint` is the gateway as seen from inside; empty where AWS's hosts are it.

    SDKs find the region and the endpoint, and are left with one source of credentials: the metadata
    service. The host's shared files are named away, as are all its AWS variables.
    `metadata_endpoint` is given where the service is not at 169.254.169.254. `direct` are suffixes of host names that
    are reached without a proxy.
    """
    environment = {name: value for name, value in host.items() if not name.startswith(_PREFIXES)}
    environment |= {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "BOTO_CONFIG": "/dev/null",
        "NO_PROXY": _no_proxy(host, direct),
        "no_proxy": _no_proxy(host, direct),
    }
    if endpoint:
        environment["AWS_ENDPOINT_URL"] = endpoint
    if metadata_endpoint is not None:
        environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = metadata_endpoint
    return environment


def of_command(host: Mapping[str, str], endpoint: str, region: str, instance: str) -> dict[str, str]:
    """The variables of a command that Run Command runs inside `instance`. `endpoint` is the gateway as seen from there.

    Of the host's there are those that every shell has, and no others.
    """
    plain = {name: host[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in host}
    named = {"AWS_SSM_INSTANCE_ID": instance, "AWS_SSM_REGION_NAME": region}
    return inside(plain, endpoint, region) | named


def of_function(function: Function, credentials: Mapping[str, str], endpoint: str, search_path: str) -> dict[str, str]:
    """The variables of a process of `function`: its own, and those that Lambda defines.

    Of the host's there is only `search_path`, its PATH. `credentials` are those of the function's role, as STS answers
    them, `endpoint` is the gateway. Lambda Developer Guide, "Defined runtime environment variables": the reserved ones
    are not the function's to set.
    """
    given = {
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "LANG": "en_US.UTF-8",
        "PATH": search_path,
        "TZ": ":UTC",
    }
    provided = function.runtime.startswith("provided")
    named = {} if provided else {"AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}"}
    reserved = {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_DEFAULT_REGION": function.region,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_REGION": function.region,
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
        "_HANDLER": function.handler,
    }
    return given | dict(function.environment) | named | reserved


def _no_proxy(host: Mapping[str, str], direct: Sequence[str]) -> str:
    addresses = "169.254.169.254", "169.254.170.2", "169.254.170.23", "127.0.0.1", "localhost"
    own = ",".join((*addresses, *(f".{suffix}" for suffix in direct)))
    given = host.get("NO_PROXY") or host.get("no_proxy")
    return f"{given},{own}" if given else own


def secret_places(host: Mapping[str, str], home: Path, data: Path) -> list[Path]:
    """Directories and files of the host that hold credentials: hidden from what runs inside."""
    return [home / ".aws", data, *(Path(host[name]).expanduser() for name in _FILES if host.get(name))]
