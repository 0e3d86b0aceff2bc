"""The exception tree.

LocumError              anything of ours; its text says what was wrong, with which input, what would be right
 +- Fault               an answer to a client: AWS's error code, message and HTTP status
 +- ConfigurationError  a bad option, file or environment variable; ends a command with its text
 +- StorageError        the data directory cannot be used: held by another process, newer format, damaged
     +- PassingStorageError  it cannot be used now: locked, full, out of memory; the same again may succeed
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

INTERNAL: Final = ("InternalFailure", "The request processing has failed because of an unknown error.", 500)
"""The Fault for what is not the caller's doing, and was not foreseen: code, message and status."""


class LocumError(Exception):
    """Base of every error that Locum raises on purpose."""


class ConfigurationError(LocumError):
    """A bad option, file or environment variable."""


class StorageError(LocumError):
    """The data directory cannot be used as it is."""


class PassingStorageError(StorageError):
    """Storage cannot be used at the moment. What was asked for may have happened: ask again, with the same id."""


class Fault(LocumError):
    """An error as an AWS service answers it. `wire` renders it for the protocol of the call.

    `code` is the code as AWS documents it for the operation (`NoSuchEntity`), without any suffix
    that one protocol adds. `status` is the HTTP status; a status of 500 or more marks a fault of the
    receiver, any other one of the sender. `members` are the further members of a modelled error shape.
    `resource` is what S3 reports as `<Resource>`. `request_id` is that of the call that was refused, once it is known.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        members: Mapping[str, Any] | None = None,
        resource: str | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members: Mapping[str, Any] = members or {}
        self.resource = resource
        self.request_id = ""

    @property
    def sender(self) -> bool:
        """Whether the client is to blame (the query protocol's `<Type>Sender</Type>`)."""
        return self.status < 500
