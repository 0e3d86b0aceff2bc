"""A file system of a process's own: what it needs of the host to read, its own directories, and nothing else.

mount_namespaces(7), pivot_root(2). To be made in mount and process namespaces of its own; what is bound is read-only,
with everything that is mounted below it (mount_setattr(2), Linux 5.12). The root is a file system in memory, made
read-only in the end.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from locum.compute import namespace
from locum.compute.libc import call

_SYSTEM: Final = ("bin", "lib", "lib32", "lib64", "libx32", "nix", "sbin", "usr")
"""Directories of programs and libraries. file-hierarchy(7)."""

_ETC: Final = (
    "alternatives", "ca-certificates", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types", "pki",
    "protocols", "services", "ssl/certs", "ssl/openssl.cnf",
)  # fmt: skip
"""The configuration in /etc that programs read, in which nothing is private."""

_OWN_ETC: Final = {
    "group": "sbx_user:x:{gid}:\n",
    "hosts": "127.0.0.1 localhost\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "passwd": "sbx_user:x:{uid}:{gid}::/tmp:/sbin/nologin\n",
}
_DEVICES: Final = ("full", "null", "random", "urandom", "zero")
_OF_PROCESS: Final = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}

_MS_NOSUID: Final = 0x2
_MS_NODEV: Final = 0x4
_MS_NOEXEC: Final = 0x8
_MS_REMOUNT: Final = 0x20
_MS_BIND: Final = 0x1000
_MS_REC: Final = 0x4000
_MS_RDONLY: Final = 0x1
_MNT_DETACH: Final = 0x2
_MOUNT_SETATTR: Final = 442  # the system call, on all architectures since Linux 5.12
_AT_FDCWD: Final = -100
_AT_RECURSIVE: Final = 0x8000
_MOUNT_ATTR_RDONLY_NOSUID: Final = 0x1 | 0x2
_ROOT_SIZE: Final = "size=1m"


class View(NamedTuple):
    """The contents of the file system: directories by the place where they are seen, and those that are where they are.

    `own` are read-only directories of the process by their place, `shown` files and directories of the host, `hidden`
    those of them that are covered again. `storage` is the size of /tmp in MiB.
    """

    own: Mapping[str, str]
    shown: Iterable[str]
    hidden: Iterable[str]
    storage: int


def enter(view: View, root: Path) -> None:
    """Have `view` be the file system of this process's namespace, mounted first at the directory `root`.

    Raises OSError: the process is of no use then.
    """
    _mount("tmpfs", root, _MS_NOSUID | _MS_NODEV, f"mode=0755,{_ROOT_SIZE}")
    for name in _SYSTEM:
        _as_on_host(root, Path("/", name))
    _configuration(root / "etc")
    _devices(root / "dev")
    (root / "tmp").mkdir()
    _mount("tmpfs", root / "tmp", _MS_NOSUID | _MS_NODEV, f"mode=0700,size={view.storage}m")
    for place in sorted(set(view.shown)):
        _as_on_host(root, Path(place))
    for place, directory in view.own.items():
        _own(Path(directory), _made(root / place[1:]))
    _processes(root / "proc")
    for place in view.hidden:
        namespace.hide(root / place[1:])
    call("mount", None, os.fsencode(root), None, _MS_REMOUNT | _MS_BIND | _MS_RDONLY | _MS_NOSUID | _MS_NODEV, None)
    os.chdir(root)
    call("pivot_root", b".", b".")
    call("umount2", b".", _MNT_DETACH)
    os.chdir("/")


def _own(directory: Path, seen: Path) -> None:
    """Have `directory` be at `seen`: what is in it, where something of the host is shown there (a Python in /opt)."""
    if not any(seen.iterdir()):
        _bind(directory, seen)
        return
    for entry in directory.iterdir():
        at = seen / entry.name
        if not at.exists():
            at.mkdir() if entry.is_dir() else at.touch()
            _bind(entry, at)


def _as_on_host(root: Path, place: Path) -> None:
    """Have the host's `place` be seen below `root`, a link as one. Nothing is done where it is missing or seen."""
    seen = root / str(place)[1:]
    if seen.exists() or seen.is_symlink():
        return
    if place.is_symlink():
        _made(seen.parent)
        seen.symlink_to(place.readlink())
    elif place.is_dir():
        _bind(place, _made(seen))
    elif place.is_file():
        _made(seen.parent)
        seen.touch()
        _bind(place, seen)


def _configuration(etc: Path) -> None:
    etc.mkdir()
    for name in _ETC:
        _as_on_host(etc.parent, Path("/etc", name))
    for name, text in _OWN_ETC.items():
        (etc / name).write_text(text.format(uid=os.geteuid(), gid=os.getegid()))


def _devices(dev: Path) -> None:
    dev.mkdir()
    for name in _DEVICES:
        (dev / name).touch()
        call("mount", os.fsencode(Path("/dev", name)), os.fsencode(dev / name), None, _MS_BIND, None)
    for name, of in _OF_PROCESS.items():
        (dev / name).symlink_to(f"/proc/self/fd{of}")


def _processes(proc: Path) -> None:
    """Mount the processes of this namespace; those of the host where a container's engine does not let us."""
    proc.mkdir()
    try:
        _mount("proc", proc, _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, "")
    except OSError:
        call("mount", b"/proc", os.fsencode(proc), None, _MS_BIND | _MS_REC, None)
    for place in filter(Path.exists, (proc / name for name in namespace.KERNEL_SETTINGS)):
        _bind(place, place)


def _bind(source: Path, target: Path) -> None:
    call("mount", os.fsencode(source), os.fsencode(target), None, _MS_BIND | _MS_REC, None)
    attributes = ctypes.create_string_buffer(struct.pack("=4Q", _MOUNT_ATTR_RDONLY_NOSUID, 0, 0, 0), 32)
    path = ctypes.c_char_p(os.fsencode(target))
    call("syscall", ctypes.c_long(_MOUNT_SETATTR), _AT_FDCWD, path, _AT_RECURSIVE, attributes, ctypes.c_size_t(32))


def _mount(kind: str, place: Path, flags: int, options: str) -> None:
    call("mount", kind.encode(), os.fsencode(place), kind.encode(), flags, options.encode() or None)


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    return directory
