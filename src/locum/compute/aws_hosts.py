"""The files of an instance in which AWS's host names are this plane's: its resolver, and the authority that it trusts.

They are in memory, over the data directory, which is covered inside in any case, and laid over the machine's own files
for the mount namespace of the instance only. Nothing is written to a disk, and nothing is left when the last process
inside has ended.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from locum.compute import namespace, resolver
from locum.compute.dns import Zone
from locum.compute.handover import GATEWAY, GATEWAY_TLS, METADATA
from locum.compute.resolver import ADDRESS

GATEWAY_ADDRESS: Final = "127.0.0.1"
HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443

BUNDLE: Final = "ca-certificates.pem"
"""The machine's authorities and the installation's."""
AUTHORITY: Final = "authority.pem"
"""The installation's alone."""

_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",
)
"""The files that TLS libraries are built to trust, by distribution."""
_RESOLVER: Final = f"nameserver {ADDRESS}\n"
_NAMES: Final = "hosts: files dns\n"
"""The sources of host names, nsswitch.conf(5): not systemd-resolved nor mDNS, which answer over sockets of the host."""
_CACHES: Final = (Path("/run/nscd"), Path("/var/run/nscd"))
"""The directories of nscd's socket, by which the host would resolve names."""
_ROOM: Final = "8m"


class AwsHosts(NamedTuple):
    """The settings of an instance with AWS's host names: the suffixes of those, and the authority's certificate in PEM.

    `folder` is where its files are, inside: a directory of the machine that is there, and is covered by them.
    """

    suffixes: Sequence[str]
    authority: bytes
    folder: Path

    @property
    def zone(self) -> Zone:
        """The names that its resolver knows."""
        return Zone(self.suffixes, GATEWAY_ADDRESS)


class Sockets(NamedTuple):
    """The listening sockets of an instance with AWS's host names: those that the plane serves, by their kinds, and
    those of its resolver."""

    serving: tuple[str, ...]
    served: Sequence[socket.socket]
    resolver: Sequence[socket.socket]


def listen(gateway_port: int) -> list[socket.socket]:
    """The sockets of the resolver, and the gateway's at AWS's own ports. Raises OSError."""
    ports = [port for port in (HTTP_PORT, HTTPS_PORT) if port != gateway_port]
    return [*resolver.listen(), *(socket.create_server((GATEWAY_ADDRESS, port)) for port in ports)]


def sorted_out(sockets: Sequence[socket.socket]) -> Sockets:
    """Sort the sockets of an instance by their use, which follows from the addresses that they are bound to."""
    names = [sock.getsockname() for sock in sockets]
    own = [sock for sock, name in zip(sockets, names, strict=True) if name[1] == resolver.PORT]
    kinds = [
        (GATEWAY_TLS if name[1] == HTTPS_PORT else GATEWAY if name[0] == GATEWAY_ADDRESS else METADATA, sock)
        for sock, name in zip(sockets, names, strict=True)
        if sock not in own
    ]
    return Sockets(tuple(kind for kind, _ in kinds), [sock for _, sock in kinds], own)


def lay(hosts: AwsHosts) -> None:
    """Put the files into memory over the folder, and over the machine's own. Raises OSError."""
    folder, authority = hosts.folder, hosts.authority
    own = next((found.read_bytes() for name in _BUNDLES if (found := Path(name)).is_file()), b"")
    namespace.mount_memory(folder, _ROOM)
    bundle, alone, resolver, names = (folder / name for name in (BUNDLE, AUTHORITY, "resolv.conf", "nsswitch.conf"))
    bundle.write_bytes(own.rstrip(b"\n") + b"\n" + authority)
    alone.write_bytes(authority)
    resolver.write_text(_RESOLVER)
    switch = Path("/etc/nsswitch.conf")
    kept = [line for line in _lines(switch) if not line.startswith("hosts:")]
    names.write_text("".join(f"{line}\n" for line in kept) + _NAMES)
    over = {"/etc/resolv.conf": resolver, str(switch): names, **dict.fromkeys(_BUNDLES, bundle)}
    for place, source in over.items():
        if Path(place).is_file():  # where there is no resolv.conf, 127.0.0.1 is asked
            namespace.lay_over(Path(place), source)
    for cache in _CACHES:
        namespace.hide(cache)


def trusting(folder: Path) -> dict[str, str]:
    """The variables by which clients trust the authority. `folder` is that of the files."""
    bundle = str(folder / BUNDLE)
    names = ("AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
    return {**dict.fromkeys(names, bundle), "NODE_EXTRA_CA_CERTS": str(folder / AUTHORITY)}


def _lines(file: Path) -> list[str]:
    return file.read_text(errors="replace").splitlines() if file.is_file() else []
