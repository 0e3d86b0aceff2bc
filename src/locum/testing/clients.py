"""boto3 clients of a plane, which read nothing of the user's environment and share what is slow to load."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config

from locum.testing.link import Keys

_CONFIG: Final = Config(
    retries={"total_max_attempts": 1, "mode": "standard"},
    connect_timeout=5,
    read_timeout=60,
    proxies={},
    use_fips_endpoint=False,
    use_dualstack_endpoint=False,
)
"""Whatever the user's profile says: no attempt is made again, and none goes by a proxy."""

_LEADING_ELSEWHERE: Final = (
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_ENDPOINT_URL_", "AWS_USE_",
)  # fmt: skip
"""The beginnings of variables by which a client would take another profile or endpoint."""

_NOTHING: Final = "/dev/null"
_making: Final = Lock()
"""boto3's sessions know no threads (its guide, "Multithreading or multiprocessing with sessions")."""


def client(service: str, endpoint: str, region: str, keys: Keys, config: Config | None = None) -> Any:
    """A client of `service` at the plane, with these credentials. What `config` says goes before what is usual."""
    with _making:
        return _session().client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            aws_session_token=keys.session_token,
            config=_CONFIG if config is None else _CONFIG.merge(config),
        )


def variables(present: Mapping[str, str], endpoint: str, region: str, keys: Keys) -> dict[str, str | None]:
    """What to change in the environment `present` for AWS clients to go to the plane, with these credentials.

    None: not to be there.
    """
    direct = urlsplit(endpoint).hostname
    return {
        **{name: None for name in present if name.startswith(_LEADING_ELSEWHERE)},
        **{name: ",".join(filter(None, (present.get(name), direct))) for name in ("NO_PROXY", "no_proxy")},
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_SESSION_TOKEN": keys.session_token,
        "AWS_CONFIG_FILE": _NOTHING,
        "AWS_SHARED_CREDENTIALS_FILE": _NOTHING,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@cache
def _session() -> Any:
    """The session of all clients: it keeps the service models that it has read."""
    known = botocore.session.Session.SESSION_VARIABLES
    own = {name: (None, None, *row[2:]) for name, row in known.items()}  # neither in files nor in the environment
    session = botocore.session.Session(session_vars=own)
    session.set_config_variable("config_file", _NOTHING)
    session.set_config_variable("credentials_file", _NOTHING)
    return boto3.session.Session(botocore_session=session)
