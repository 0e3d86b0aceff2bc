"""The AWS client by which commands call the plane's public API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from locum.cli.home import Plane, RootKey, read_root_key
from locum.core.errors import LocumError


class CallFailed(LocumError):
    """A call failed: with an error of the service, whose text it has, or because the plane did not respond."""


def own_session() -> botocore.session.Session:
    """A session of botocore that reads nothing of the user's: no profile, no configuration, no credentials."""
    session = botocore.session.Session({"profile": (None, None, None, None)})  # not the user's AWS_PROFILE
    session.set_config_variable("config_file", "/dev/null")
    session.set_config_variable("credentials_file", "/dev/null")
    return session


class CallerClient:
    """Makes calls with an access key, and the session token where it is a temporary one."""

    def __init__(self, plane: Plane, key: RootKey, token: str = "") -> None:
        self._key = key
        self._token = token or None
        self._plane = plane
        self._session = own_session()

    def call(self, service: str, operation: str, region: str = "", /, **parameters: Any) -> dict[str, Any]:
        """Call `operation` (its boto3 name), in the plane's region by default; the answer. Raises CallFailed."""
        client = self._session.create_client(
            service,
            region_name=region or self._plane.region,
            endpoint_url=self._plane.endpoint,
            aws_access_key_id=self._key.access_key_id,
            aws_secret_access_key=self._key.secret_access_key,
            aws_session_token=self._token,
            config=Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=60, proxies={}),
        )
        try:
            answer: dict[str, Any] = getattr(client, operation)(**parameters)
        except (BotoCoreError, ClientError) as error:
            raise CallFailed(str(error)) from error
        finally:
            client.close()
        return answer


class RootClient(CallerClient):
    """Makes calls as the root user."""

    def __init__(self, data: Path, plane: Plane) -> None:
        super().__init__(plane, read_root_key(data))
