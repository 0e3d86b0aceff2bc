"""Access keys of users, in files that nobody else may read: `DATA/users/NAME.credentials`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from locum.cli.accounts.reading import Client
from locum.cli.home import RootKey, read_key, root_key_text
from locum.cli.private_files import write_private
from locum.core.errors import ConfigurationError

FOLDER: Final = "users"


def ensure_key(data: Path, user: str, client: Client) -> str:
    """The file with an active key of a user, who gets one where there is none in it. Raises CallFailed, OSError."""
    path = data / FOLDER / f"{user}.credentials"
    keys = client.call("iam", "list_access_keys", UserName=user)["AccessKeyMetadata"]
    active = {key["AccessKeyId"] for key in keys if key["Status"] == "Active"}
    try:
        if read_key(path).access_key_id in active:
            return str(path)
    except ConfigurationError:  # lost, or never made
        pass
    made = client.call("iam", "create_access_key", UserName=user)["AccessKey"]
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_private(path, root_key_text(RootKey(made["AccessKeyId"], made["SecretAccessKey"])))
    return str(path)
