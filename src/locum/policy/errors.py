"""The error of the policy parser."""

from __future__ import annotations

from locum.core.errors import LocumError
from locum.policy.location import JsonPath, Span, locate, render_path


class MalformedPolicy(LocumError):
    """A document is not a valid policy.

    `message` is IAM's text of MalformedPolicyDocument. `path` is the JSON path of the offending value, `span` its
    position in the text, and `detail` the actual fault where AWS's message does not tell it (for local tools only).
    """

    def __init__(
        self, message: str, path: JsonPath = (), text: str = "", offset: int | None = None, detail: str = ""
    ) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.detail = detail
        self._text = text
        self._offset = offset

    @property
    def span(self) -> Span:
        """The position of the error in the text: lines and columns count from 1."""
        if self._offset is not None:
            return Span.of(self._text, self._offset, self._offset)
        return locate(self._text, self.path)

    def describe(self) -> str:
        """The message with its position: `Invalid effect: allow (at $.Statement[0].Effect, line 3, column 17)`."""
        span = self.span
        message = f"{self.message} {self.detail}" if self.detail else self.message
        return f"{message} (at {render_path(self.path)}, line {span.line}, column {span.column})"
