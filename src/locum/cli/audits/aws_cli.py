"""Calls as command lines of the AWS CLI, quoted for a POSIX shell.

AWS CLI User Guide, "Specifying parameter values": a structure or a list is given as JSON, a boolean as a flag.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore import xform_name

_NAMES: Final = {"s3": "s3api", "codedeploy": "deploy", "config": "configservice"}
"""The CLI's name of a service, where it is not botocore's."""


def command_line(service: str, operation: str, params: Mapping[str, Any], region: str = "") -> str:
    """The command line that makes a call."""
    words = ["aws", _NAMES.get(service, service), xform_name(operation, "-")]
    for name, value in params.items():
        words += _option(xform_name(name, "-"), value)
    if region:
        words += _option("region", region)
    return " ".join(map(quoted, words))


def _option(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, bool):
        yield f"--{name}" if value else f"--no-{name}"
        return
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    if text.startswith("-"):  # else it would be taken for an option
        yield f"--{name}={text}"
    else:
        yield from (f"--{name}", text)


def quoted(word: str) -> str:
    """`word` for a shell, in one line of printable characters."""
    if word.isprintable():
        return shlex.quote(word)
    octets = (chr(o) if 32 <= o < 127 and o not in b"'\\" else f"\\x{o:02x}" for o in word.encode())
    return f"$'{''.join(octets)}'"
