"""A browser without a screen: the pages of a plane's console over HTTP, with cookies, origin and forms."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html import unescape
from typing import Any, Final

import httpx
import pyotp

from locum.cli.home import PLANE_FILE
from support.plane import Key, RunningPlane, fresh

_TOKEN: Final = re.compile(r'name="csrf" value="(\w+)"')
PASSWORD: Final = "Correct-horse-9-battery"


class Browser:
    """A browser with nothing in it yet. `plane` is a plane with a console."""

    def __init__(self, plane: RunningPlane) -> None:
        self.plane = plane
        self.url = json.loads((plane.data / PLANE_FILE).read_text())["console"].removesuffix("/console/")
        self.http = httpx.Client(
            base_url=self.url,
            headers={"origin": self.url},
            timeout=60,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),  # nothing is left open
        )

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A page."""
        return self.http.get(path, headers=headers)

    def post(self, path: str, **fields: str) -> httpx.Response:
        """A form, with the token of the session."""
        return self.http.post(path, data={"csrf": self.token(), **fields})

    def token(self) -> str:
        """The token of the session's forms."""
        found = _TOKEN.search(self.get("/console/region").text)
        assert found is not None
        return found[1]

    def sign_in(self, user: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        """What the form of signing in answers."""
        fields = {"account": "000000000000", "user": user, "as": "user", "password": password, "next": ""}
        return self.http.post("/console/sign-in", data=fields | more)

    def enter(self, user: str = "", account: str = "") -> Browser:
        """Sign in with a link of `locum console`, as a user or as root, of the first account or of another."""
        flags = (*(("--user", user) if user else ()), *(("--account", account) if account else ()))
        link = self.plane.locum("console", "--url", *flags).stdout.strip()
        assert self.get(link.removeprefix(self.url)).status_code == 200
        return self

    def text(self, path: str) -> str:
        """The words of a page, without its markup."""
        return words(self.get(path).text)


def words(html: str) -> str:
    """The words of a page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


def user_with_password(plane: RunningPlane, *statements: dict[str, Any], **profile: Any) -> str:
    """The name of a new user with a password."""
    name, _ = plane.user(*statements)
    plane.client("iam").create_login_profile(UserName=name, Password=PASSWORD, **profile)
    return name


def mfa_device(plane: RunningPlane, user: str) -> pyotp.TOTP:
    """An MFA device that is enabled for `user`: two of its codes are spent, the next ones are good."""
    iam = plane.client("iam")
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=fresh("device"))["VirtualMFADevice"]
    totp = pyotp.TOTP(made["Base32StringSeed"].decode())
    step = totp.timecode(datetime.now(UTC))
    codes = [totp.generate_otp(step + offset) for offset in (-2, -1)]
    iam.enable_mfa_device(
        UserName=user, SerialNumber=made["SerialNumber"], AuthenticationCode1=codes[0], AuthenticationCode2=codes[1]
    )
    return totp


def key_of(answer: dict[str, Any]) -> Key:
    """The credentials in an answer of STS."""
    return Key.of(answer["Credentials"])
