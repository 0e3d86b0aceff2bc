"""A user, network, mount and IPC namespace without privileges, and the addresses of an instance inside it.

user_namespaces(7), network_namespaces(7), netdevice(7). In a new user namespace a process holds all
capabilities over the namespaces made with it, so it may raise the loopback interface, give it an address
and bind port 80 there; none of it is visible outside.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from locum.compute.libc import call, has
from locum.core.errors import LocumError

METADATA_ADDRESS: Final = "169.254.169.254"
METADATA_ADDRESS_6: Final = "fd00:ec2::254"
METADATA_PORT: Final = 80

_CLONE_NEWNS: Final = 0x00020000
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_CLONE_NEWPID: Final = 0x20000000
_MS_NOSUID_NODEV_NOEXEC: Final = 0x2 | 0x4 | 0x8
_CLONE_NEWIPC: Final = 0x08000000
_MS_RDONLY: Final = 0x1
_MS_REMOUNT: Final = 0x20
_MS_BIND: Final = 0x1000
_MS_REC: Final = 0x4000
_MS_PRIVATE: Final = 1 << 18
KERNEL_SETTINGS: Final = ("bus", "fs", "irq", "sys", "sysrq-trigger")
"""The parts of /proc that are the whole machine's, to which uid 0 of the host may write even without capabilities."""

_PR_SET_PDEATHSIG: Final = 1
_PR_CAPBSET_DROP: Final = 24
_PR_SET_CHILD_SUBREAPER: Final = 36
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_CAP_SETFCAP: Final = 31
_CAPABILITY_VERSION_3: Final = 0x20080522
_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_SIOCSIFADDR: Final = 0x8916
_SIOCSIFNETMASK: Final = 0x891C
_IFF_UP: Final = 0x1
_RTM_NEWADDR: Final = 20
_NLM_F_REQUEST: Final = 0x1
_NLM_F_ACK: Final = 0x4
_NLM_F_CREATE: Final = 0x400
_IFA_ADDRESS: Final = 1
_IFA_F_NODAD: Final = 0x02


class NamespaceUnavailable(LocumError):
    """This machine does not let an unprivileged process make namespaces (or is no Linux)."""


def enter_new(*, network: bool = True, processes: bool = False) -> None:
    """Move this (single-threaded) process into new user, mount, IPC and (where `network`) network namespaces.

    The user keeps its own numeric id, so files look as before. Where `processes`, the next process that this one forks
    is the first of a new PID namespace: with its end, the kernel kills all others in there. pid_namespaces(7).
    Raises NamespaceUnavailable; the process is of no further use then, for some of it may have happened.
    """
    try:
        _unshare(_CLONE_NEWIPC | (_CLONE_NEWNET if network else 0) | (_CLONE_NEWPID if processes else 0))
        if network:
            raise_loopback()
    except (OSError, AttributeError) as error:
        raise NamespaceUnavailable(f"no namespaces for an unprivileged process here ({error})") from error


def enter_own() -> None:
    """Move this (single-threaded) process into new namespaces of a user, of mounts, of a network and of shared memory.

    The process that it forks next is the first one of new process namespaces. The network has a loopback interface
    alone, without the metadata addresses. Raises NamespaceUnavailable, as `enter_new` does.
    """
    try:
        _unshare(_CLONE_NEWNET | _CLONE_NEWPID | _CLONE_NEWIPC)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            _interface_up(control, b"lo")
    except (OSError, AttributeError) as error:
        raise NamespaceUnavailable(f"no namespaces for an unprivileged process here ({error})") from error


def join(pid: int) -> None:
    """Move this (single-threaded) process into the namespaces of process `pid`, which the same user made.

    Of the PID namespace only the processes are part that this one forks afterwards.
    """
    directory = Path.cwd()
    _enter(pid, ("user", "net", "mnt", *_others(pid, "ipc", "pid")))
    os.chdir(directory)


def join_network(pid: int) -> None:
    """Move this (single-threaded) process into the network of process `pid`, by its user namespace where that differs.

    Raises OSError: where that is neither this user's nor below its own, or the network is this process's already.
    """
    kinds = _others(pid, "user", "net")
    if "net" not in kinds:
        raise OSError(errno.EINVAL, "it has the network of this machine")
    _enter(pid, kinds)


def _others(pid: int, *kinds: str) -> list[str]:
    """Those of `kinds` whose namespace of process `pid` is not that of this one."""
    theirs, own = Path(f"/proc/{pid}/ns"), Path("/proc/self/ns")
    return [kind for kind in kinds if (theirs / kind).readlink() != (own / kind).readlink()]


def _enter(pid: int, kinds: Sequence[str]) -> None:
    """Move this process into the namespaces of process `pid`. All are opened before one is entered, which may hide."""
    handles = [os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in kinds]
    try:
        for handle in handles:
            call("setns", handle, 0)
    finally:
        for handle in handles:
            os.close(handle)


def mount_processes() -> None:
    """Have /proc show the processes of this PID namespace alone. Raises OSError where the host's /proc is masked."""
    call("mount", b"proc", b"/proc", b"proc", _MS_NOSUID_NODEV_NOEXEC, None)


def keep_kernel_settings() -> None:
    """Have nobody in this mount namespace write to the `KERNEL_SETTINGS`: what `mount_processes` mounted is there."""
    flags = _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID_NODEV_NOEXEC
    for place in map(os.fsencode, filter(Path.exists, (Path("/proc", name) for name in KERNEL_SETTINGS))):
        call("mount", place, place, None, _MS_BIND | _MS_REC, None)
        call("mount", None, place, None, flags, None)


def raise_loopback() -> None:
    """Bring up `lo` and give it the metadata addresses beside its own, that of IPv6 where the machine has it."""
    _add_address_6("lo", METADATA_ADDRESS_6)
    add_metadata_address()


def add_metadata_address() -> None:
    """Bring up `lo` and give it 169.254.169.254 beside its own address. Raises OSError without CAP_NET_ADMIN."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        _interface_up(control, b"lo")
    add_address(METADATA_ADDRESS, 0)


def add_address(address: str, number: int) -> None:
    """Give `lo` an IPv4 address as its alias with that `number`, or an IPv6 address where the machine has IPv6."""
    if ":" in address:
        _add_address_6("lo", address)
        return
    alias = b"lo:%d" % number
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFADDR, _with_address(alias, address))
        fcntl.ioctl(control, _SIOCSIFNETMASK, _with_address(alias, "255.255.255.255"))


def listen_on_metadata_6() -> socket.socket | None:
    """A socket that listens on the metadata service's IPv6 address; None where the machine has no IPv6."""
    return listen_on_6(METADATA_ADDRESS_6)


def listen_on_6(address: str) -> socket.socket | None:
    """A socket that listens on an IPv6 address of `lo`, on port 80; None where the machine has no IPv6.

    The kernel makes the route to a new address some milliseconds later.
    """
    try:
        return socket.create_server((address, METADATA_PORT), family=socket.AF_INET6)
    except OSError:
        return None


def hide(place: Path) -> None:
    """Lay an empty directory over `place`, or an empty file, for this mount namespace only.

    Nothing happens where it is missing.
    """
    if place.is_dir():
        mount_memory(place, "64k")
    elif place.is_file():
        call("mount", b"/dev/null", os.fsencode(place), None, _MS_BIND, None)


def mount_memory(place: Path, size: str) -> None:
    """Lay an empty directory of `size` (`64k`, `512m`) over `place`, for this mount namespace only. tmpfs(5)."""
    call("mount", b"tmpfs", os.fsencode(place), b"tmpfs", 0, f"mode=0700,size={size}".encode())


def lay_over(place: Path, source: Path) -> None:
    """Have the directory or the file `source` be at `place` as well, for this mount namespace only."""
    call("mount", os.fsencode(source), os.fsencode(place), None, _MS_BIND, None)


def lay_beside(place: Path, name: str, directory: Path, scratch: Path) -> None:
    """Have `directory` be `place`/`name`, beside all else that is in `place`, for this mount namespace only.

    What has that name is covered. `place` may be another user's: it is made again in `scratch`, an empty directory.
    """
    call("mount", b"tmpfs", os.fsencode(scratch), b"tmpfs", 0, b"mode=0755,size=1m")
    with os.scandir(place) as entries:
        for entry in entries:
            made = scratch / entry.name
            if entry.name == name:
                continue
            if entry.is_symlink():
                made.symlink_to(Path(entry.path).readlink())
                continue
            if entry.is_dir():
                made.mkdir()
            else:
                made.touch()
            call("mount", os.fsencode(entry.path), os.fsencode(made), None, _MS_BIND | _MS_REC, None)
    (scratch / name).mkdir()
    lay_over(scratch / name, directory)
    call("mount", os.fsencode(scratch), os.fsencode(place), None, _MS_BIND | _MS_REC, None)


def renounce_capabilities(*, nesting: bool = False) -> None:
    """Give up all capabilities, also those that what is executed next would get, be it as root. capabilities(7).

    Root in a user namespace of its own could take away again what `hide` laid over its files. With `nesting`, root may
    map itself into another user namespace below this one, which takes CAP_SETFCAP. user_namespaces(7).
    """
    kept = _CAP_SETFCAP if nesting and os.geteuid() == 0 else -1
    number = 0
    while True:
        try:
            if number != kept:
                call("prctl", _PR_CAPBSET_DROP, number, 0, 0, 0)
        except OSError as error:
            if error.errno == errno.EINVAL:  # past the last capability that this kernel has
                break
            raise
        number += 1
    held = 1 << kept if kept >= 0 else 0
    call("capset", struct.pack("Ii", _CAPABILITY_VERSION_3, 0), struct.pack("6I", held, held, 0, 0, 0, 0))


def gain_no_privileges() -> None:
    """Have nothing that is executed from now on gain privileges by its file. prctl(2), PR_SET_NO_NEW_PRIVS."""
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def become_unreadable() -> None:
    """Have no other process of this user read or trace this one, until it executes something. prctl(2)."""
    call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)


def die_with_parent(signal_number: int) -> None:
    """Have the kernel send this process `signal_number` when its parent ends. prctl(2); Linux alone has it."""
    if has("prctl"):
        call("prctl", _PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def _unshare(others: int) -> None:
    """Enter new namespaces of a user, who keeps its id, and of mounts, and `others`. Raises OSError, AttributeError."""
    uid, gid = os.geteuid(), os.getegid()
    call("unshare", _CLONE_NEWUSER | _CLONE_NEWNS | others)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)


def adopt_orphans(adopt: bool) -> None:
    """Be, or be no more, the parent of all descendants whose own parent ends. prctl(2); Linux alone has it."""
    if has("prctl"):
        call("prctl", _PR_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0)


def descendants(pid: int) -> list[int]:
    """The processes that `pid` and its children started, as far as this process sees them. proc(5), /proc/PID/stat."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            parent = int(entry.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.parent.name))
    found = list(children.get(pid, ()))
    for each in found:
        found += children.get(each, ())
    return found


def _interface_up(control: socket.socket, name: bytes) -> None:
    request = struct.pack("16sH14x", name, 0)
    flags = struct.unpack_from("16sH", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
    fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", name, flags | _IFF_UP))


def _add_address_6(name: str, address: str) -> None:
    """Give an interface an IPv6 address, where the machine has IPv6. rtnetlink(7), RTM_NEWADDR.

    It can be bound at once: the kernel does not look for a duplicate first (IFA_F_NODAD), as it would with an ioctl.
    """
    octets = socket.inet_pton(socket.AF_INET6, address)
    added = struct.pack("=BBBBI", socket.AF_INET6, 128, _IFA_F_NODAD, 0, socket.if_nametoindex(name))
    added += struct.pack("=HH16s", 4 + len(octets), _IFA_ADDRESS, octets)
    request = struct.pack("=IHHII", 16 + len(added), _RTM_NEWADDR, _NLM_F_REQUEST | _NLM_F_ACK | _NLM_F_CREATE, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as control:
        control.send(request + added)
        control.recv(4096)  # done, or refused as there is no IPv6: `listen_on_metadata_6` finds that out


def _with_address(name: bytes, address: str) -> bytes:
    """struct ifreq with a sockaddr_in."""
    return struct.pack("16sHH4s8x", name, socket.AF_INET, 0, socket.inet_aton(address))
