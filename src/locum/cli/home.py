"""The data directory, and the small files in it that the commands share.

keyring       the key ring (mode 0600)
credentials   the root user's access key, as an AWS shared credentials file (mode 0600)
plane.json    the address of the running plane; removed when it stops
clock         how many seconds the plane's clock is ahead of the wall clock, once it was moved (mode 0600)
audits        the schedule of audits and the last report, once there was one (mode 0600)
labs          the progress with labs, once one was started (mode 0600)
backend.sock  the socket at which workers reach the embedded backend; plane.lock is held by their plane
control.sock  the socket by which launchers hand over their listening sockets
instance-identity.key, .pem   the key that signs instance identity documents (sealed, mode 0600), and its certificate
cluster-identity.key   the key that signs the tokens of service accounts (sealed, mode 0600)
carriers      the tokens of the pods that run
backend/      what the embedded backend holds (sealed, mode 0600; see `backends.kept_files`)
snapshots/    saved states of the plane; `loading` names one that is being loaded (see `cli.saved`)
locum.log     warnings, errors and their tracebacks (mode 0600; locum.log.1 and so on: older ones)
locum.db      the journal and the event history
users/        the access keys that `locum init` made (mode 0600)
init/         the states of the Terraform configurations that it applied
lake/         the events of event data stores, and the results of queries on them (mode 0600)
tls-*.pem     the authority and the certificates of the TLS listeners (see `cli.tls`)
"""

from __future__ import annotations

import configparser
import io
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import click

from locum.core.clock import LATEST, system_clock
from locum.core.errors import ConfigurationError

KEYRING_FILE: Final = "keyring"
"""Also among the files of an installation of several nodes, where it is wrapped."""
PLANE_FILE: Final = "plane.json"
CREDENTIALS_FILE: Final = "credentials"
CLOCK_FILE: Final = "clock"
AUDITS_FILE: Final = "audits"
LABS_FILE: Final = "labs"
TERRAFORM: Final = "terraform"
"""The folder in each of `init/` with what Terraform has installed for a configuration."""
TLS_AUTHORITY_FILE: Final = "tls-authority.pem"


def default_home() -> Path:
    """The default data directory: LOCUM_DATA, else that of the user."""
    given = os.environ.get("LOCUM_DATA")
    return Path(given) if given else user_home()


def user_home() -> Path:
    """The data directory of the user (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "locum"


data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_home,
    is_eager=True,
    show_default="$LOCUM_DATA or ~/.local/share/locum",
    help="The directory that holds everything durable.",
)


@dataclass(frozen=True, slots=True)
class Plane:
    """A running plane. `endpoint` is its URL, `port` that of the gateway, `tls_port` that of it over TLS (0: none).

    `agents` is the address of the listener for agents, HOST:PORT, or empty. `console` is the console's URL, or empty.
    """

    endpoint: str
    port: int
    region: str
    account: str
    pid: int
    tls_port: int = 0
    agents: str = ""
    console: str = ""


@dataclass(frozen=True, slots=True)
class RootKey:
    """The root user's access key."""

    access_key_id: str
    secret_access_key: str


def plane_text(plane: Plane) -> bytes:
    """The content of PLANE_FILE."""
    return json.dumps(asdict(plane)).encode()


def read_plane(data: Path) -> Plane:
    """The plane that runs on `data`. Raises ConfigurationError where there is none."""
    try:
        plane = Plane(**json.loads((data / PLANE_FILE).read_text()))
        os.kill(plane.pid, 0)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"no Locum is running on {data}: start one with `locum up`, or name its directory with --data"
        ) from error
    return plane


def ahead_text(ahead: float) -> bytes:
    """The content of CLOCK_FILE."""
    return f"{ahead!r}\n".encode()


def read_ahead(data: Path) -> float:
    """The seconds in CLOCK_FILE, 0 where there is none. Raises ConfigurationError where it has no number."""
    path = data / CLOCK_FILE
    try:
        ahead = float(path.read_text())
    except FileNotFoundError:
        return 0.0
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} does not hold a number of seconds: remove it to reset the clock") from error
    if not abs(ahead) < LATEST:
        raise ConfigurationError(f"{path} does not hold a number of seconds: remove it to reset the clock")
    return ahead


def plane_time(data: Path) -> float:
    """The time by the clock of the plane on `data` (epoch seconds). Raises ConfigurationError."""
    return system_clock() + read_ahead(data)


def root_key_text(key: RootKey) -> bytes:
    """The content of CREDENTIALS_FILE, an AWS shared credentials file."""
    lines = (
        "[default]",
        f"aws_access_key_id = {key.access_key_id}",
        f"aws_secret_access_key = {key.secret_access_key}",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def read_root_key(data: Path) -> RootKey:
    """The root user's credentials. Raises ConfigurationError where the file is missing or unreadable."""
    path = data / CREDENTIALS_FILE
    try:
        return read_key(path)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path} does not hold the root user's access key: start `locum up` once") from error


def read_key(path: Path) -> RootKey:
    """The access key in an AWS shared credentials file. Raises ConfigurationError as `read_root_key`."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_file(io.StringIO(path.read_text()))
        section = parser["default"]
        return RootKey(section["aws_access_key_id"], section["aws_secret_access_key"])
    except (OSError, KeyError, configparser.Error) as error:
        raise ConfigurationError(f"{path} does not hold an access key") from error
