"""The libraries of Locum's extras: whether they are installed, and what adds those that are not.

An extra is what `pip install 'locum[EXTRA]'` names. Whoever loads one of these libraries does so late, in one module,
and answers in these words where it is not there.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from locum.core.errors import Fault

PACKAGES: Final = {
    "analyze": ("duckdb", "sqlglot", "z3"),
    "cloudformation": ("cfnlint", "samtranslator"),
    "moto": ("moto",),
    "postgres": ("psycopg", "alembic"),
    "otel": ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http"),
}
"""By extra, the packages that are imported."""


def installed(extra: str) -> bool:
    """Whether the packages of `extra` are there. They are not loaded."""
    return all(map(_is_there, PACKAGES[extra]))


def adding(extra: str) -> str:
    """The sentence that says what adds `extra`."""
    return f"pip install 'locum[{extra}]' adds it."


def not_installed(extra: str, what: str) -> Fault:
    """NotImplemented, 501, which SDKs do not try again: `what` says which library is needed for what."""
    return Fault("NotImplemented", f"{what}, which is not installed here: {adding(extra)}", 501)


def _is_there(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # the package that has it is not there
        return False
