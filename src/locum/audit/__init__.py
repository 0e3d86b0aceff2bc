"""Audit records: one `Record` per call, its CloudTrail event, and look-ups.

Pure but for `History`, which blocks on the journal and is called through `Ledger.read`.
"""

from locum.audit.bounded import bounded
from locum.audit.cloudtrail import cloudtrail_event, render
from locum.audit.history import History, Page
from locum.audit.identity import Identity, caller_of, identify
from locum.audit.record import Record, Resource, decode, readable
from locum.audit.row_template import RowTemplate
from locum.audit.selection import VERDICTS, Selection

__all__ = [
    "VERDICTS",
    "History",
    "Identity",
    "Page",
    "Record",
    "Resource",
    "RowTemplate",
    "Selection",
    "bounded",
    "caller_of",
    "cloudtrail_event",
    "decode",
    "identify",
    "readable",
    "render",
]
