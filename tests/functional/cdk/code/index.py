"""The function of the application."""

import os
from typing import Any


def handler(_event: Any, _context: Any) -> dict[str, str]:
    """Tell the table that the function was given."""
    return {"table": os.environ["TABLE"]}
