"""The restricted view of the host's files that an instance may have: by bubblewrap, Debian's `bwrap`. bwrap(1).

    closed    a read-only system, and /tmp, /var, /root and the home directory of its own. They are in memory, shared by
              all that runs in the instance, and gone with it
    a root    a directory of the host in place of /, for a process that is root there

Commands are executed by bwrap in the namespaces of the instance (`within`), in a user namespace below that of them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from locum.compute import namespace
from locum.core.errors import ConfigurationError

TOOLS: Final = "bin"
"""The directory with the commands of an instance, in the one that covers the data directory."""

TOOLS_WITHIN: Final = "/run/locum/bin"
_PRIVATE: Final = "private"
_MACHINE: Final = "machine"
_MAKER: Final = "Amazon EC2"
_PRIVATE_SIZE: Final = "512m"
_OWN: Final = {"tmp": "/tmp", "var": "/var", "root": "/root"}  # noqa: S108 - it is the instance's own
_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt")
_BWRAP: Final = ("bwrap", "--unshare-user", "--die-with-parent")


def check_bubblewrap() -> None:
    """Raises ConfigurationError where this machine has no bwrap."""
    if shutil.which("bwrap") is None:
        raise ConfigurationError("there is no bwrap on the PATH: install Debian's package bubblewrap")


def closed(data: Path, home: Path, shared: Sequence[Path] = ()) -> list[str]:
    """The words before a command that is executed in a closed file system, with the directories `shared`, read-only.

    `data` is the data directory, which `furnish` has furnished in this mount namespace, `home` the user's.
    """
    line = [*_BWRAP, "--cap-drop", "ALL"]
    for place in map(Path, _SYSTEM):
        if place.is_symlink():
            line += ["--symlink", os.fspath(place.readlink()), os.fspath(place)]
        elif place.is_dir():
            line += ["--ro-bind", os.fspath(place), os.fspath(place)]
    line += ["--bind", "/proc", "/proc", "--dev", "/dev", "--tmpfs", "/run"]
    for name, own in (*_OWN.items(), ("home", os.fspath(home))):
        line += ["--bind", os.fspath(data / _PRIVATE / name), own]
    line += ["--ro-bind-try", os.fspath(data / TOOLS), TOOLS_WITHIN]
    for directory in shared:
        line += ["--ro-bind", os.fspath(directory), os.fspath(directory)]
    return [*line, "--"]


def rooted(data: Path, root: Path) -> list[str]:
    """The words before a command for which the directory `root` is /. It is root there, with a host name of its own.

    `data` is the data directory, which `furnish` has furnished in this mount namespace.
    """
    line = [*_BWRAP, "--uid", "0", "--gid", "0", "--cap-add", "ALL", "--unshare-uts"]
    line += ["--bind", os.fspath(root), "/", "--bind", "/proc", "/proc", "--dev", "/dev"]
    line += ["--tmpfs", "/sys", "--ro-bind", os.fspath(data / _MACHINE), "/sys/class/dmi/id"]
    return [*line, "--tmpfs", "/run", "--tmpfs", "/tmp", "--"]  # noqa: S108 - it is the instance's own


def furnish(data: Path, instance: str) -> None:
    """Make what `closed` and `rooted` bind, for the mount namespace of `instance`, in which `data` is covered."""
    namespace.keep_kernel_settings()
    _furnish_machine(data / _MACHINE, instance)
    private = data / _PRIVATE
    private.mkdir()
    namespace.mount_memory(private, _PRIVATE_SIZE)
    for name in (*_OWN, "home"):
        (private / name).mkdir(mode=0o700)
    (private / "tmp").chmod(0o1777)
    for name in ("cache", "lib", "log", "tmp"):
        (private / "var" / name).mkdir(mode=0o755)
    (private / "var" / "tmp").chmod(0o1777)


def _furnish_machine(place: Path, instance: str) -> None:
    """Make the files by which a program knows an instance of EC2: EC2 User Guide, "Detect whether a host is an EC2
    instance", "Inspect the system UUID".
    """
    digits = hashlib.sha256(instance.encode()).hexdigest()[:29]
    number = f"ec2{digits[:5]}-{digits[5:9]}-{digits[9:13]}-{digits[13:17]}-{digits[17:]}"
    place.mkdir()
    for name, value in {
        "board_asset_tag": instance,
        "bios_vendor": _MAKER,
        "product_serial": number,
        "product_uuid": number,
        "sys_vendor": _MAKER,
    }.items():
        (place / name).write_text(f"{value}\n")
