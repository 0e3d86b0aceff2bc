"""An AWS client on the plane, for the commands: they speak nothing but its public API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from locum.cli.home import Plane, read_root_key
from locum.core.errors import LocumError


class CallFailed(LocumError):
    """A call of the plane's API was refused (the text is the service's), or the plane did not answer."""


class Root:
    """The root user's clients."""

    def __init__(self, data: Path, plane: Plane) -> None:
        self._key = read_root_key(data)
        self._plane = plane
        self._session = botocore.session.Session({"profile": (None, None, None, None)})  # AWS_PROFILE is the user's
        self._session.set_config_variable("config_file", "/dev/null")
        self._session.set_config_variable("credentials_file", "/dev/null")

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer of `operation` (by its boto3 name). Raises CallFailed."""
        client = self._session.create_client(
            service,
            region_name=self._plane.region,
            endpoint_url=self._plane.endpoint,
            aws_access_key_id=self._key.access_key_id,
            aws_secret_access_key=self._key.secret_access_key,
            config=Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=60, proxies={}),
        )
        try:
            answer: dict[str, Any] = getattr(client, operation)(**parameters)
        except (BotoCoreError, ClientError) as error:
            raise CallFailed(str(error)) from error
        finally:
            client.close()
        return answer
