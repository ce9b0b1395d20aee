"""The API key, base URL and proxy: from arguments, the environment, ``.env`` and the keyring.

The first key found wins: argument, ``SOCIALAPI_KEY`` in the environment, ``.env``, keyring. The
base URL comes from the argument or from ``SOCIALAPI_BASE_URL`` in the environment, never from
``.env``: a cloned repository must not be able to send the user's key to another host.
"""

from __future__ import annotations

import ipaddress
import os
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from socialframe.errors import ArgumentError, InvalidKeyError, MissingKeyError
from socialframe.redact import redacted
from socialframe.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BASE_URL = "https://api.socialsyncerapi.com"
KEY_NAME = "SOCIALAPI_KEY"
URL_NAME = "SOCIALAPI_BASE_URL"
_SERVICE = "socialframe"  # of the keyring

_MISSING = (
    "There is no API key. Create one at app.socialsyncerapi.com (Settings, API Keys) and set "
    f"{KEY_NAME} in the environment or in a .env file, or pass Client(key). To try everything "
    "without a key, on made-up data: sf.Client.sandbox()."
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The key, where it was found, the normalized base URL and the proxy.

    The proxy is None for plain http, because a proxy could read the key.
    """

    secret: Secret
    source: str
    base_url: str
    proxy: str | None = None


def read_settings(
    secret: Secret | None = None,
    base_url: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """Find the key and the base URL.

    ``environ`` defaults to the process environment. The search for ``.env`` starts in ``folder``,
    by default the working directory.
    """
    url = normalize_base_url(base_url or _environment(environ, URL_NAME) or BASE_URL)
    proxy = _proxy(url)
    if secret is not None:
        return Settings(secret, "the argument", url, proxy)
    for source, value in _stored_keys(environ, folder):
        if not value:
            continue
        try:
            return Settings(Secret(value), source, url, proxy)
        except InvalidKeyError as error:
            del value  # keep the key out of tracebacks that show local variables
            raise InvalidKeyError(f"{error} It was found in {source}.") from None
    raise MissingKeyError(_MISSING)


def public_base(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the public URL of this notebook server, if JupyterHub sets it."""
    return _environment(environ, "JUPYTERHUB_PUBLIC_URL") or None


def normalize_base_url(url: str) -> str:
    """Return the base URL in its normal form, so that one API has one tenant.

    https is required, except for loopback. A user, query or fragment is refused.
    """
    try:
        parts = urlsplit(str(url).strip())
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError:  # UnicodeError is a subclass
        host = None
    if host is None or not str(url).isprintable() or parts.scheme not in {"http", "https"}:
        hidden = redacted(re.sub(r"//.*@", "//…@", repr(url)))
        raise ArgumentError(f"base_url must be a URL like {BASE_URL}; got {hidden}.")
    if parts.path.rstrip("/").endswith("/v1"):
        raise ArgumentError("base_url must not end in /v1; each request adds it. Remove /v1.")
    if parts.username is not None or parts.query or parts.fragment:
        raise ArgumentError(
            "base_url must have only scheme, host and path. Remove the user, query or fragment."
        )
    if parts.scheme == "http" and not _is_loopback(host):
        raise ArgumentError(
            f"base_url must use https; http://{host} would send the key unencrypted. Plain http "
            "is allowed only for 127.0.0.1 and localhost."
        )
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    suffix = "" if port in {None, default} else f":{port}"
    return f"{parts.scheme}://{host}{suffix}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _environment(environ: Mapping[str, str] | None, name: str) -> str | None:
    # No function that raises may hold the mapping in a local variable: a traceback that shows
    # local variables would print the whole environment.
    return (os.environ if environ is None else environ).get(name)


def _stored_keys(
    environ: Mapping[str, str] | None, folder: Path | None
) -> Iterator[tuple[str, str | None]]:
    """Yield each source and its key, reading a source only when it is reached."""
    yield f"{KEY_NAME} in the environment", _environment(environ, KEY_NAME)
    with suppress(FileNotFoundError):  # the working directory may have been deleted
        yield from _keys_from_dotenv((folder or Path.cwd()).absolute())
    yield "the keyring", _key_from_keyring()


def _keys_from_dotenv(folder: Path) -> Iterator[tuple[str, str | None]]:
    """Yield the key of each .env, from the folder up to the git root or the home directory."""
    from dotenv import dotenv_values

    for parent in _dotenv_folders(folder):
        path = parent / ".env"
        if os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises without permission
            try:
                values = dotenv_values(path, interpolate=False)
            except (OSError, UnicodeDecodeError):  # another user's file, or no text
                continue
            if values.get(URL_NAME):
                text = f"{URL_NAME} is not read from {path}; set it in the environment."
                warnings.warn(text, stacklevel=2)
            yield str(path), values.get(KEY_NAME)


def _dotenv_folders(folder: Path) -> list[Path]:
    """Return the folders up to the git root or home; only this one without such a parent."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises without a home
    folders = [folder, *folder.parents]
    for count, parent in enumerate(folders, 1):
        if os.path.exists(parent / ".git") or parent == home:  # noqa: PTH110 - Path.exists raises without permission
            return folders[:count]
    return [folder]


def _key_from_keyring() -> str | None:
    try:
        import keyring

        return keyring.get_password(_SERVICE, KEY_NAME)
    except Exception:  # noqa: BLE001 - not installed, no backend, locked or misconfigured
        return None


def _proxy(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.scheme != "https" or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get("https") or proxies.get("all")
