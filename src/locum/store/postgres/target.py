"""Where the database is: libpq's connection parameters, checked and completed.

What is secret comes by libpq's other ways (PGPASSFILE, PGPASSWORD, a service file): a command line is in the list of
processes. libpq's own messages about a string that it cannot read quote it, so they are not passed on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import ip_address
from os import environ
from typing import Any, Final
from urllib.parse import parse_qsl

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from locum.core.errors import ConfigurationError, StorageError

_URLS: Final = ("postgresql://", "postgres://")
_SECRETS: Final = ("password", "sslpassword", "oauth_client_secret")
_DEFAULTS: Final = {
    "target_session_attrs": "read-write",
    "connect_timeout": "2",
    "keepalives_idle": "1",
    "keepalives_interval": "1",
    "keepalives_count": "2",
    "tcp_user_timeout": "2000",
    "fallback_application_name": "locum",
}
"""A peer that is gone is noticed in some two seconds (tcp_user_timeout is in milliseconds). A standby, which may be
behind, is never taken for the database; of several hosts, the one that takes writes is."""
_SCHEME: Final = re.compile("[a-z]{1,12}://")
_UNREAD: Final = "the URL of the journal is not one that PostgreSQL's clients can read"
_WRITABLE: Final = frozenset({"read-write", "primary"})


@dataclass(frozen=True, slots=True)
class Target:
    """A database: the complete parameters, and its name in messages, which has neither a user nor a secret."""

    conninfo: str
    name: str


def check_conninfo(text: str) -> str:
    """`text`, where it is the URL of a database that may stand on a command line. Raises ConfigurationError."""
    if not text.startswith(_URLS):
        begins = _SCHEME.match(text)
        other = f", which does not begin with {begins[0]}" if begins else ""
        raise ConfigurationError(f"a journal on PostgreSQL is named by a URL: postgresql://host/database{other}")
    try:
        given = conninfo_to_dict(text)
    except psycopg.Error:
        raise ConfigurationError(_UNREAD + _meant(text)) from None
    ports = str(given.get("port") or "0").split(",")
    if not all(port.isdecimal() or not port for port in ports) or "@" in str(given.get("dbname") or ""):
        raise ConfigurationError(_UNREAD)  # a password with a slash in it makes such parts
    secret = next((name for name in _SECRETS if given.get(name)), None)
    if secret is not None:
        raise ConfigurationError(
            f"the URL of the journal has a {secret}, which the list of processes would show: leave it out, and name a"
            " password file (PGPASSFILE, or passfile= in the URL), a service, or PGPASSWORD in the environment"
        )
    _check_session(given)
    return text


def _meant(text: str) -> str:
    """The parameters that may have been meant by unknown ones, which are not repeated: they may be of a secret."""
    known = {option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults()}
    unknown = [name for name, _ in parse_qsl(text.partition("?")[2]) if name not in known]
    close = [found for name in unknown for found in get_close_matches(name, known, 1)]
    return f": it has a parameter that there is not; is {' or '.join(close)} meant?" if close else ""


def target(conninfo: str) -> Target:
    """The database of `conninfo`, a URL or a string of parameters, with what is not said. Raises StorageError."""
    try:
        given = conninfo_to_dict(conninfo)
    except psycopg.Error:
        raise StorageError("the journal's database is not named in a way that PostgreSQL's clients can read") from None
    _check_session(given)
    defaults = dict(_DEFAULTS)
    if "PGSSLMODE" not in environ and not _is_local(given):
        defaults["sslmode"] = "verify-full"
    return Target(make_conninfo("", **{**defaults, **given}), _name(given))


def _check_session(given: dict[str, Any]) -> None:
    """Refuse what would let a standby be taken for the database. Raises ConfigurationError."""
    wanted = given.get("target_session_attrs", "read-write")
    if wanted not in _WRITABLE:
        raise ConfigurationError(f"target_session_attrs={wanted}: a journal needs the database that takes writes")


def _is_local(given: dict[str, Any]) -> bool:
    """Whether every host is certainly this machine: a Unix socket or a loopback address."""
    if given.get("service") or environ.get("PGSERVICE"):
        return False
    hosts = str(given.get("hostaddr") or given.get("host") or environ.get("PGHOSTADDR") or environ.get("PGHOST") or "")
    return all(_is_loopback(host) for host in hosts.split(","))


def _is_loopback(host: str) -> bool:
    if not host or host[0] in "/@" or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _name(given: dict[str, Any]) -> str:
    hosts = str(given.get("host") or given.get("hostaddr") or "").split(",")
    ports = str(given.get("port") or "").split(",")
    pairs = [f"{host}:{port}" if port else host for host, port in zip(hosts, ports * len(hosts), strict=False)]
    return f"the database {given.get('dbname') or ''} at {','.join(pairs) or 'this machine'}"
