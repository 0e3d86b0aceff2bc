"""Labs, which are broken worlds to be mended, and a quiz whose answers are shown on the plane.

They call AWS's API through clients that somebody hands in, and know nothing of how Locum carries the calls out.
"""

from __future__ import annotations

from locum.labs.catalogue import LABS
from locum.labs.lab import INSIDE, ORGANIZATION, Lab
from locum.labs.progress import BY_LEARNER, BY_SOLVE, Standing, Store
from locum.labs.runner import LabError, Row, Runner, Verdict, facts, lab_of
from locum.labs.world import Broken, Call, Clients, Credentials, Inside, World

__all__ = [
    "BY_LEARNER",
    "BY_SOLVE",
    "INSIDE",
    "LABS",
    "ORGANIZATION",
    "Broken",
    "Call",
    "Clients",
    "Credentials",
    "Inside",
    "Lab",
    "LabError",
    "Row",
    "Runner",
    "Standing",
    "Store",
    "Verdict",
    "World",
    "facts",
    "lab_of",
]
