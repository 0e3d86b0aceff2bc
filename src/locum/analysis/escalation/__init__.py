"""Privilege escalation: which principals can become administrators, and by which calls.

surface   what the search looks at
methods   what a method is: its calls, and what they are made on
becoming  the table of methods by which a principal becomes another one
raising   the table of methods by which it makes one an administrator
effects   what a call of a method changes, as far as later decisions depend on it
bindings  what the calls of a method are made on
looking   who cannot be allowed in any case, at a cheap look
judging   the decisions: may this principal make this call, is that one an administrator
paths     the search for the shortest paths

    found = escalations(Surface(state, now, region, worn, facts))
"""

from typing import Final

from locum.analysis.escalation.becoming import BECOMING
from locum.analysis.escalation.judging import Hop, Judge
from locum.analysis.escalation.paths import Escalations, Path, escalations
from locum.analysis.escalation.raising import RAISING
from locum.analysis.escalation.surface import Surface, Worn

METHODS: Final = (*BECOMING, *RAISING)

__all__ = ["METHODS", "Escalations", "Hop", "Judge", "Path", "Surface", "Worn", "escalations"]
