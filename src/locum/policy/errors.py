"""What a policy document is refused with."""

from __future__ import annotations

from locum.core.errors import LocumError
from locum.policy.location import JsonPath, Span, locate, render_path


class MalformedPolicy(LocumError):
    """The document cannot be used as a policy.

    `message` is the text that IAM gives in MalformedPolicyDocument. `path` leads to the offending value,
    `span` says where that is in the text, `detail` what is wrong with it where the message does not: what AWS does
    not tell, for whoever asks locally.
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
        """Where in the text: lines and columns count from 1."""
        if self._offset is not None:
            return Span.of(self._text, self._offset, self._offset)
        return locate(self._text, self.path)

    def describe(self) -> str:
        """The message with its place: `Invalid effect: allow (at $.Statement[0].Effect, line 3, column 17)`."""
        span = self.span
        message = f"{self.message} {self.detail}" if self.detail else self.message
        return f"{message} (at {render_path(self.path)}, line {span.line}, column {span.column})"
