"""What templates have as the code of functions."""

from typing import Any


def handler(event: Any, context: Any) -> dict[str, Any]:
    return {"remaining": context.get_remaining_time_in_millis(), "event": event}
