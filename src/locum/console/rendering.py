"""HTML from templates, with everything escaped in which a person could have put markup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote, unquote

from jinja2 import Environment, PackageLoader, StrictUndefined

from locum.console.navigation import navigation


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("locum.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["navigation"] = navigation
    filters = document, when, segment, short, trusted, marked
    made.filters |= {each.__name__: each for each in filters}
    return made


def rendered(template: str, /, **values: Any) -> str:
    """The HTML of a template."""
    return _environment().get_template(template).render(**values)


def document(value: Any) -> str:
    """A policy document, indented, whether it comes as JSON text, URL-encoded (IAM's), or decoded."""
    if isinstance(value, str):
        text = value if value.lstrip().startswith(("{", "[")) else unquote(value)
        try:
            value = json.loads(text)
        except ValueError:
            return text
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def when(value: Any) -> str:
    """A moment as ISO 8601 in UTC, to the second; a dash where there is none."""
    if isinstance(value, int | float):
        value = datetime.fromtimestamp(value, UTC)
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return str(value) if value else "–"


def segment(value: Any) -> str:
    """`value` as one segment of a path."""
    return quote(str(value), safe="")


def short(arn: str) -> str:
    """The end of an ARN that people know: what comes after its account."""
    parts = arn.split(":", 5)
    return parts[5] if len(parts) == 6 else arn


def tags_of(entity: Mapping[str, Any]) -> dict[str, str]:
    """The tags of an entity as AWS lists them."""
    return {tag["Key"]: tag["Value"] for tag in entity.get("Tags", ())}


def trusted(trust: Any) -> str:
    """Whom a trust policy names, in short."""
    statements = trust.get("Statement", []) if isinstance(trust, Mapping) else []
    names: dict[str, None] = {}
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", "*")
        values = principal.values() if isinstance(principal, Mapping) else [principal]
        for value in values:
            names |= dict.fromkeys(value if isinstance(value, list) else [value])
    return ", ".join(names)


def marked(text: str, index: int) -> list[tuple[str, bool]]:
    """The lines of a policy document, with whether they are of the statement `index` (from 0)."""
    try:
        policy = json.loads(text)
    except ValueError:
        return [(text, False)]
    statements = policy.get("Statement", []) if isinstance(policy, Mapping) else []
    if not isinstance(statements, list):
        statements = [statements]
    head = {name: value for name, value in policy.items() if name != "Statement"}
    lines = [(line, False) for line in json.dumps(head, indent=2, ensure_ascii=False).splitlines()[:-1]]
    lines = [*lines[:-1], (lines[-1][0] + ",", False)] if head else [("{", False)]
    lines.append(('  "Statement": [', False))
    for number, statement in enumerate(statements):
        shown = json.dumps(statement, indent=2, ensure_ascii=False).splitlines()
        ending = "," if number + 1 < len(statements) else ""
        lines += [(f"    {line}", number == index) for line in shown[:-1]]
        lines.append((f"    {shown[-1]}{ending}", number == index))
    return [*lines, ("  ]", False), ("}", False)]
