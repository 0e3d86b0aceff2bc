"""The AWS client by which commands call the plane's public API."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from locum.cli.home import Plane, RootKey, read_root_key
from locum.core.errors import ConfigurationError, LocumError


class CallFailed(LocumError):
    """A call failed: with an error of the service, whose text it has, or because the plane did not respond.

    `code` is that of the service's error, and `message` its own text.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        told = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
        self.code = str(told.get("Code", ""))
        self.message = str(told.get("Message", error))


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
        client = self._client(service, region)
        try:
            answer: dict[str, Any] = getattr(client, operation)(**parameters)
        except (BotoCoreError, ClientError) as error:
            raise CallFailed(error) from error
        finally:
            self._done(client)
        return answer

    def _client(self, service: str, region: str, connections: int = 1) -> Any:
        return self._session.create_client(
            service,
            region_name=region or self._plane.region,
            endpoint_url=self._plane.endpoint,
            aws_access_key_id=self._key.access_key_id,
            aws_secret_access_key=self._key.secret_access_key,
            aws_session_token=self._token,
            config=Config(
                retries={"max_attempts": 1},
                connect_timeout=5,
                read_timeout=60,
                proxies={},
                max_pool_connections=connections,
            ),
        )

    def _done(self, client: Any) -> None:
        client.close()


class LastingClient(CallerClient):
    """Makes many calls, of several threads at once: it keeps its connections. `close` it."""

    threads = 4

    def __init__(self, plane: Plane, key: RootKey, token: str = "") -> None:
        super().__init__(plane, key, token)
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], Any] = {}

    def _client(self, service: str, region: str, connections: int = threads) -> Any:
        with self._lock:  # a session makes one client at a time
            if (service, region) not in self._kept:
                self._kept[service, region] = super()._client(service, region, connections)
            return self._kept[service, region]

    def _done(self, client: Any) -> None:
        """It is used again."""

    def close(self) -> None:
        """Close the connections."""
        for client in self._kept.values():
            client.close()


class RootClient(CallerClient):
    """Makes calls as the root user."""

    def __init__(self, data: Path, plane: Plane) -> None:
        super().__init__(plane, read_root_key(data))


def credentials(data: Path) -> tuple[RootKey, str]:
    """The access key and session token in the environment, or where there are none the key of the plane's root user.

    Raises ConfigurationError where an access key has no secret.
    """
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID", ""), os.environ.get("AWS_SECRET_ACCESS_KEY", "")
    if bool(key) is not bool(secret):
        raise ConfigurationError("the environment has only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    if key:
        return RootKey(key, secret), os.environ.get("AWS_SESSION_TOKEN", "")
    return read_root_key(data), ""
