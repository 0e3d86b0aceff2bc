"""Checks of the machine: its system, namespaces, programs, optional libraries."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from typing import Final

from locum.cli.checks.findings import Examined, Finding, note, ok
from locum.core.extras import PACKAGES, installed

_PROC: Final = Path("/proc")
_SWITCHES: Final = {
    "sys/kernel/apparmor_restrict_unprivileged_userns": (
        "1", "AppArmor forbids them: `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`"),
    "sys/kernel/unprivileged_userns_clone": (
        "0", "the kernel forbids them: `sudo sysctl kernel.unprivileged_userns_clone=1`"),
    "sys/user/max_user_namespaces": (
        "0", "the kernel allows none: `sudo sysctl user.max_user_namespaces=15000`"),
}  # fmt: skip
"""Switches of Linux below /proc, the value that forbids namespaces (user_namespaces(7); Debian's and Ubuntu's), and
what allows them."""
_INSTEAD: Final = "instances get the host's network (`--network loopback`)"
_IN_CONTAINER: Final = "in a container, start it with namespaces allowed, or do without"

_USES: Final = {
    "moto": "the embedded backend for S3, DynamoDB, SQS and the rest",
    "cloudformation": "stacks",
    "analyze": "proofs of Access Analyzer's policy checks, queries of CloudTrail Lake",
    "postgres": "a journal on PostgreSQL",
    "otel": "traces",
}
"""What the libraries of an extra are for."""


def system(_examined: Examined) -> Finding:
    """What Locum is made for is Linux; WSL is one."""
    name = platform.system()
    if name == "Linux":
        wsl = " (WSL)" if "microsoft" in platform.release().lower() else ""
        return ok(f"Linux {platform.release()}{wsl}, Python {platform.python_version()}")
    return note(f"{name}: no namespaces", f"{_INSTEAD}; for all else use Linux, or WSL on Windows")


def namespaces(_examined: Examined) -> Finding:
    """`locum run` makes an instance of user and network namespaces."""
    if platform.system() != "Linux":
        return note("there are none on this system", _INSTEAD)
    from locum.cli.inside import namespaces_work  # late: it needs Linux

    if namespaces_work():
        return ok("this user can make user and network namespaces")
    reasons = [remedy for switch, (value, remedy) in _SWITCHES.items() if _read(_PROC / switch) == value]
    return note(f"this user cannot make them: {_INSTEAD}", "; ".join(reasons) or _IN_CONTAINER)


def node(examined: Examined) -> Finding:
    """Functions with a Node.js runtime are run by it."""
    return _program(examined, ("node",), "Lambda functions in JavaScript do not run: install Node.js (nodejs)")


def bubblewrap(examined: Examined) -> Finding:
    """`--closed` and closed functions take it."""
    return _program(
        examined, ("bwrap",), "`--closed` does not work, functions see files of this user: install bubblewrap"
    )


def engine(examined: Examined) -> Finding:
    """`--driver container` and `locum run --container` take one."""
    return _program(examined, ("docker", "podman"), "instances cannot be containers: install podman or docker")


def terraform(examined: Examined) -> Finding:
    """`locum plan` of Terraform's configurations runs it."""
    return _program(examined, ("terraform", "tofu"), "needed for Terraform configurations only")


def libraries(_examined: Examined) -> Finding:
    """Libraries that come with extras."""
    missing = [f"{extra} ({_USES[extra]})" for extra in PACKAGES if not installed(extra)]
    if missing:
        return note(f"not installed: {', '.join(missing)}", "pip install 'locum[EXTRA]' adds one, 'locum[all]' all")
    return ok("all optional libraries are installed")


def _program(examined: Examined, names: tuple[str, ...], lacking: str) -> Finding:
    found = [place for name in names if (place := shutil.which(name, path=examined.environment.get("PATH")))]
    return ok(found[0]) if found else note(f"there is no {' or '.join(names)} on PATH", lacking)


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
