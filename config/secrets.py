"""Secrets by reference: a variable, a file or a keyring entry; never plain text in a configuration file.

A secret is read when it is needed, not when the configuration is loaded, so a rotated one is picked up.
"""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

CREDENTIALS = Path("/run/credentials")
"""Where systemd hands secrets to its services, each in a folder that only root and the service may enter."""


class SecretError(Exception):
    """A secret that cannot be read. The message says which, why and what to do; never the secret."""


@dataclass(frozen=True, kw_only=True)
class Secret:
    """A reference to a secret. Exactly one of env, file and keyring (`service/user`) is set."""

    env: str | None = None
    file: Path | None = None
    keyring: str | None = None

    def read(self) -> str:
        """The secret without a trailing newline. Raises SecretError if it is absent, empty or open to others."""
        if self.env is not None:
            return _from_environment(self.env)
        if self.file is not None:
            return _from_file(self.file)
        return _from_keyring(self.keyring or "")


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SecretError(f"environment variable {name} is not set: set it for the service, or use a file")
    return value


def _from_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        value = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        instead = "make it a file of one line that the service alone can read (chmod 600)"
        raise SecretError(f"secret file {path} cannot be read: {reason}; {instead}") from error
    if mode & (stat.S_IRWXO if _is_credential(path) else stat.S_IRWXG | stat.S_IRWXO):
        raise SecretError(f"secret file {path} can be read by others: run chmod 600 {path}")
    if not value:
        raise SecretError(f"secret file {path} is empty: write the secret into it, on one line")
    return value


def _is_credential(path: Path) -> bool:
    """systemd 254 and later gives the service access by an ACL, whose mask shows as the group's bits (mode 0440)."""
    own = os.environ.get("CREDENTIALS_DIRECTORY")
    return path.is_relative_to(CREDENTIALS) or (own is not None and path.is_relative_to(own))


def _from_keyring(entry: str) -> str:
    import keyring  # imported when used: back ends probe the desktop
    from keyring.errors import KeyringError

    service, _, user = entry.partition("/")
    try:
        value = keyring.get_password(service, user)
    except KeyringError as error:
        raise SecretError(
            f"keyring entry {entry} cannot be read: {error}; unlock the keyring, or use a file"
        ) from error
    if not value:
        raise SecretError(f"keyring has no entry {entry}: store it with `keyring set {service} {user}`")
    return value
