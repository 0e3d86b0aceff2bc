"""Calls of the C library that Python has no function for."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Any, Final

_libc: Final = ctypes.CDLL(None, use_errno=True)


def has(function: str) -> bool:
    """Whether the C library has `function`."""
    return hasattr(_libc, function)


def call(function: str, *arguments: Any) -> None:
    """Call `function`, which answers 0. Raises OSError as Python's own wrappers would."""
    if getattr(_libc, function)(*arguments) != 0:
        number = ctypes.get_errno() or errno.EINVAL
        raise OSError(number, f"{function}: {os.strerror(number)}")
