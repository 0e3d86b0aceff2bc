"""GetLabProgress and PutLabProgress: how far the caller's account is with labs, which the console shows."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from locum.agents.api.plane import Plane
from locum.backends import BackendCall
from locum.core.errors import Fault


async def get_lab_progress(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """Carry out GetLabProgress."""
    content = await asyncio.to_thread(plane.labs(call.caller.account).get)
    return {"Progress": content.decode()} if content else {}


async def put_lab_progress(plane: Plane, call: BackendCall) -> dict[str, Any]:
    """Carry out PutLabProgress."""
    text = call.params["Progress"]
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Fault("ValidationException", "Progress is a JSON object.")
    await asyncio.to_thread(plane.labs(call.caller.account).put, text.encode())
    return {}
