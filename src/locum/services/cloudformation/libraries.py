"""Loading of the libraries of the extra `cloudformation`, cfn-lint and AWS's translator of SAM, here and at first use.

Each takes a second to import, and is used by few calls. Without them, Fault NotImplemented says what adds them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple, cast

from locum.core.extras import not_installed


class Schemas(NamedTuple):
    """cfn-lint's manager of published schemas, and what it raises for a type that has none."""

    manager: Any
    absent: type[Exception]


class Translator(NamedTuple):
    """The modules of the translator that are used."""

    translator: ModuleType
    parser: ModuleType
    hashes: ModuleType
    exceptions: ModuleType
    metrics: ModuleType


def template_decoder() -> Callable[[str], Any]:
    """cfn-lint's function that reads a template. Raises Fault NotImplemented."""
    return cast("Callable[[str], Any]", _cfn_lint("decode", "CloudFormation's templates are read").decode_str)


def published_schemas() -> Schemas:
    """The published schemas of resource types. Raises Fault NotImplemented."""
    what = "The schemas of resource types are had"
    manager = _cfn_lint("schema.manager", what).PROVIDER_SCHEMA_MANAGER
    return Schemas(manager, _cfn_lint("schema._exceptions", what).ResourceNotFoundError)


def serverless_translator() -> Translator:
    """AWS's translator of serverless templates. Raises Fault NotImplemented."""
    names = "translator.translator", "parser.parser", "utils.py27hash_fix", "model.exceptions", "metrics.metrics"
    try:
        return Translator(*(import_module(f"samtranslator.{name}") for name in names))
    except ImportError as error:
        what = "Serverless templates are transformed with aws-sam-translator"
        raise not_installed("cloudformation", what) from error


def _cfn_lint(module: str, what: str) -> ModuleType:
    try:
        return import_module(f"cfnlint.{module}")
    except ImportError as error:
        raise not_installed("cloudformation", f"{what} with cfn-lint") from error
