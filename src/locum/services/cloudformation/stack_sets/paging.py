"""Pagination of lists about stack sets."""

from __future__ import annotations

from typing import Final

from locum.services.cloudformation.templates import invalid
from locum.services.pagination import Pagination

LISTS: Final = Pagination("MaxResults", "NextToken", "NextToken", 100, lambda: invalid("NextToken is not valid"))
