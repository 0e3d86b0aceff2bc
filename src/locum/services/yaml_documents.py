"""Documents of YAML that somebody sends: what is small as text is small as a value."""

from __future__ import annotations

from typing import Any


def document(text: str, deepest: int) -> Any:
    """The value of `text`, which has no aliases, and no more than `deepest` levels. Raises ValueError."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - loaded with the first document

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > deepest or isinstance(event, yaml.AliasEvent):
                raise ValueError("an alias, or nested too deeply")
        return yaml.load(text, Loader=loader)  # noqa: S506 - a safe one
    except (yaml.YAMLError, TypeError, AttributeError, LookupError) as error:
        raise ValueError(str(error)) from error
