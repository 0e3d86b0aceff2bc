"""How far a learner is: which labs are built, which hints were shown, what is solved. One small JSON document."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol

from locum.core.errors import ConfigurationError

BUILDING: Final = "building"
STARTED: Final = "started"
"""The states of a lab that has a world. Without one it has no state."""

BY_LEARNER: Final = "you"
BY_SOLVE: Final = "solve"
"""Who solved a lab."""


class Store(Protocol):
    """Where the document is kept, readable by the learner alone: what labs note may be secret."""

    def get(self) -> bytes:
        """The document; empty where there is none."""

    def put(self, content: bytes) -> None:
        """Replace it."""


@dataclass(slots=True)
class Standing:
    """How far somebody is with one lab. `helped`: `solve` has worked on the world that is there."""

    state: str = ""
    hints: int = 0
    solved: str = ""
    helped: bool = False
    notes: dict[str, str] = field(default_factory=dict)


class Progress:
    """The standings of all labs, kept in a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._standings = _read(store.get())

    def of(self, lab: str) -> Standing:
        """The standing with `lab`. What is changed in it is kept by `keep`."""
        return self._standings.setdefault(lab, Standing())

    def keep(self, lab: str) -> None:
        """Write the standing with `lab`, and of others what is in the store by now."""
        told = _read(self._store.get()) | {lab: self.of(lab)}
        content = {name: asdict(standing) for name, standing in told.items() if standing != Standing()}
        self._store.put(json.dumps(content, indent=1).encode())


def _read(content: bytes) -> dict[str, Standing]:
    """Raises ConfigurationError where it is no such document."""
    try:
        told: dict[str, Any] = json.loads(content or b"{}")
        return {lab: Standing(**fields) for lab, fields in told.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError("the file of the labs' progress cannot be read: remove it to begin anew") from error
