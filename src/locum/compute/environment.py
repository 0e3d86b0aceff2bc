"""The environment of a command inside an instance: everything of the host's but its credentials."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_PREFIXES: Final = ("AWS", "BOTO_", "LOCUM_", "AMAZON_", "EC2_", "S3_ACCESS", "S3_SECRET")
_FILES: Final = ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE")


def inside(host: Mapping[str, str], endpoint: str, region: str, metadata_endpoint: str | None = None) -> dict[str, str]:
    """The variables for the command. `endpoint` is the gateway as seen from inside.

    SDKs find the region and the endpoint, and are left with one source of credentials: the metadata
    service. The host's shared files are named away, as are all its AWS variables.
    `metadata_endpoint` is given where the service is not at 169.254.169.254.
    """
    environment = {name: value for name, value in host.items() if not name.startswith(_PREFIXES)}
    environment |= {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "BOTO_CONFIG": "/dev/null",
        "NO_PROXY": _no_proxy(host),
        "no_proxy": _no_proxy(host),
    }
    if metadata_endpoint is not None:
        environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = metadata_endpoint
    return environment


def _no_proxy(host: Mapping[str, str]) -> str:
    own = "169.254.169.254,127.0.0.1,localhost"
    given = host.get("NO_PROXY") or host.get("no_proxy")
    return f"{given},{own}" if given else own


def secret_places(host: Mapping[str, str], home: Path, data: Path) -> list[Path]:
    """Directories and files of the host that hold credentials: hidden from what runs inside."""
    return [home / ".aws", data, *(Path(host[name]).expanduser() for name in _FILES if host.get(name))]
