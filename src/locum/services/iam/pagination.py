"""Lists of IAM: MaxItems (100 where it is not given), Marker and IsTruncated.

IAM API Reference, "Marker": "Use this parameter only when paginating results and only after you receive a
response indicating that the results are truncated." "MaxItems": default 100.
"""

from __future__ import annotations

from typing import Final

from locum.services.iam.faults import validation_error
from locum.services.pagination import Pagination

DEFAULT_MAX_ITEMS: Final = 100

_LISTS: Final = Pagination(
    "MaxItems", "Marker", "Marker", DEFAULT_MAX_ITEMS, lambda: validation_error("Invalid Marker."), "IsTruncated"
)

page = _LISTS.page
position = _LISTS.position
