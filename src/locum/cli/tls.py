"""The TLS listeners of a plane: their ports, and the files of their certificates in the data directory.

tls-authority.pem      the certificate of this installation's authority, for AWS_CA_BUNDLE
tls-authority-key.pem  its key (mode 0600, like all of these files)
tls-server.pem         the certificate of the listener
tls-server-key.pem     its key
tls-agents.pem         the certificate of the listener for agents
tls-agents-key.pem     its key
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from locum.agents.aws_hosts import AwsHosts
from locum.cli.home import TLS_AUTHORITY_FILE
from locum.core.clock import Clock, Entropy
from locum.core.errors import ConfigurationError
from locum.credentials import KeyRing
from locum.http import authority
from locum.http.authority import Issued
from locum.http.listener import Listeners
from locum.store.directory import DataDirectory
from locum.store.installation_files import InstallationFiles
from locum.wire import is_aws_host

_AUTHORITY_KEY: Final = "tls-authority-key.pem"
_SHARED: Final = "tls-authority"
"""The name of certificate and key among the files of an installation of several nodes, where they are sealed."""
_SERVER: Final = "tls-server.pem", "tls-server-key.pem"
AGENTS: Final = "tls-agents.pem", "tls-agents-key.pem"


class TlsOptions(NamedTuple):
    """The port of the listener (0: a free one), and files in PEM that take the place of a certificate of our own."""

    port: int
    certificate: Path | None = None
    key: Path | None = None


def tls_context(options: TlsOptions, directory: DataDirectory, region: str, now: float) -> ssl.SSLContext:
    """The context of the listener. Raises ConfigurationError where given files cannot be used."""
    if (options.certificate is None) != (options.key is None):
        raise ConfigurationError("--tls-certificate and --tls-key are given together, or neither is")
    files = options.certificate, options.key
    certificate, key = (str(file) for file in files) if files[0] is not None else _own(directory, region, now)
    try:
        return authority.server_context(certificate, key)
    except OSError as error:  # of which an SSLError is one
        raise ConfigurationError(f"{certificate} and {key} are no certificate and its key: {error}") from error


def _own(directory: DataDirectory, region: str, now: float) -> tuple[str, str]:
    """The files of a certificate of the installation's own authority; both are made where they are not there."""
    return own_server(directory, own_authority(directory, now), _SERVER, authority.names_of(region), now)


def own_authority(directory: DataDirectory, now: float) -> Issued:
    """The authority of the installation, which is made where it is not there."""
    own = _read(directory, TLS_AUTHORITY_FILE, _AUTHORITY_KEY)
    if own is None:
        own = authority.new_authority(now)
        _write(directory, own, TLS_AUTHORITY_FILE, _AUTHORITY_KEY)
    return own


def share_authority(
    files: InstallationFiles, directory: DataDirectory, ring: KeyRing, entropy: Entropy, now: float
) -> None:
    """Have the directory hold the authority that an installation's nodes have in common, which one of them makes."""

    def made() -> bytes:
        own = own_authority(directory, now)
        return ring.seal(_SHARED, json.dumps([own.certificate.decode(), own.key.decode()]).encode(), entropy)

    certificate, key = json.loads(ring.open(_SHARED, files.create(_SHARED, made)))
    _write(directory, Issued(certificate.encode(), key.encode()), TLS_AUTHORITY_FILE, _AUTHORITY_KEY)


def aws_hosts(directory: DataDirectory, listeners: Listeners, gateway: Any, wall: Clock) -> AwsHosts:
    """The gateway over TLS at AWS's host names in instances, with certificates of the installation's authority."""
    return AwsHosts(listeners, gateway, lambda: own_authority(directory, wall()), is_aws_host, wall)


def own_server(
    directory: DataDirectory, own: Issued, files: tuple[str, str], names: Sequence[str], now: float
) -> tuple[str, str]:
    """The paths of `files`, a certificate of the authority `own` with `names` and its key; made where need be."""
    server = _read(directory, *files)
    if server is None or not authority.serves(server.certificate, names, now):
        _write(directory, authority.server_certificate(own, names, now), *files)
    certificate, key = (str(directory.path / file) for file in files)
    return certificate, key


def _read(directory: DataDirectory, certificate: str, key: str) -> Issued | None:
    try:
        return Issued((directory.path / certificate).read_bytes(), (directory.path / key).read_bytes())
    except FileNotFoundError:
        return None


def _write(directory: DataDirectory, issued: Issued, certificate: str, key: str) -> None:
    directory.write(key, issued.key)
    directory.write(certificate, issued.certificate)
