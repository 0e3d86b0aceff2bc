"""The issue codes, their types and the templates of their texts."""

from __future__ import annotations

from typing import Final

from locum.lint.finding import FindingType
from locum.lint.texts.errors import ERRORS
from locum.lint.texts.suggestions import SUGGESTIONS
from locum.lint.texts.warnings import SECURITY_WARNINGS, WARNINGS

CODES: Final[dict[str, tuple[FindingType, str]]] = {
    code: (kind, text)
    for kind, texts in (
        (FindingType.ERROR, ERRORS),
        (FindingType.SECURITY_WARNING, SECURITY_WARNINGS),
        (FindingType.WARNING, WARNINGS),
        (FindingType.SUGGESTION, SUGGESTIONS),
    )
    for code, text in texts.items()
}

__all__ = ["CODES"]
