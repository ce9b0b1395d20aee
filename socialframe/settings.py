"""Key and base URL, from where users keep them; the only place that reads the outside.

The key comes from the argument, else from ``SOCIALAPI_KEY``, else from ``.env``, else from the
keyring. The base URL comes from the argument or from ``SOCIALAPI_BASE_URL`` in the environment, and
never from ``.env``: a cloned folder must not be able to send the user's key elsewhere.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from socialframe.errors import ArgumentError, InvalidKeyError, MissingKeyError
from socialframe.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE_URL = "https://api.socialsyncerapi.com"
KEY_NAME = "SOCIALAPI_KEY"
URL_NAME = "SOCIALAPI_BASE_URL"
_SERVICE = "socialframe"  # of the keyring

_MISSING = (
    "There is no API key. Make one at app.socialsyncerapi.com (Settings, API Keys) and set "
    f"{KEY_NAME} in the environment or in a .env file, or pass Client(key). To try everything "
    "without a key, on made-up data: sf.Client.sandbox()."
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a client needs to know.

    Parameters
    ----------
    secret : Secret
        The key.
    source : str
        Where it was found, in words.
    base_url : str
        Normalised: scheme, lower-case host, port where it is unusual, path without a last slash.
    """

    secret: Secret
    source: str
    base_url: str


def read_settings(
    key: str | Secret | None = None,
    base_url: str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """Find the key and the base URL.

    Parameters
    ----------
    key : str, Secret or None
        The key; None looks for it.
    base_url : str or None
        The base URL; None looks for it.
    environ : mapping or None
        None means the process environment.
    folder : Path or None
        Where the search for ``.env`` begins; None means the working folder.

    Returns
    -------
    Settings

    Raises
    ------
    MissingKeyError
        If there is no key anywhere.
    InvalidKeyError
        If what was found cannot be a key; it is not repeated.
    ArgumentError
        If the base URL cannot be one, or would send the key in clear.

    Examples
    --------
    >>> read_settings("sk_made0up0for0this0page").base_url
    'https://api.socialsyncerapi.com'
    """
    environ = os.environ if environ is None else environ
    url = normalised(base_url or environ.get(URL_NAME) or BASE_URL)
    if isinstance(key, Secret):
        return Settings(key, "the argument", url)
    if key is not None:
        try:
            return Settings(Secret(key), "the argument", url)
        except InvalidKeyError:
            del key  # a traceback that shows local variables does not repeat it
            raise
    if environ.get(KEY_NAME):
        return Settings(_secret(environ[KEY_NAME], f"{KEY_NAME} in the environment"), KEY_NAME, url)
    found = _from_dotenv(Path.cwd() if folder is None else folder)
    if found is not None:
        return Settings(_secret(found[0], str(found[1])), str(found[1]), url)
    stored = _from_keyring()
    if stored is not None:
        return Settings(_secret(stored, "the keyring"), "the keyring", url)
    raise MissingKeyError(_MISSING)


def normalised(url: str) -> str:
    """Return the base URL in its one normal form.

    Raises
    ------
    ArgumentError
        If it is not an https address (http is for loopback alone), or holds a user, a query or a
        fragment.

    Examples
    --------
    >>> normalised("https://API.example:443/base/")
    'https://api.example/base'
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in {"http", "https"}:
        raise ArgumentError(f"base_url is an address such as {BASE_URL}, which this is not.")
    if parts.username is not None or parts.query or parts.fragment:
        raise ArgumentError("base_url is scheme, host and path alone: no user, query or fragment.")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ArgumentError(
            f"http://{host} would carry the key in clear; use https. Plain http is only for "
            "127.0.0.1 and localhost."
        )
    host = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    shown = "" if port in {None, usual} else f":{port}"
    return f"{parts.scheme}://{host}{shown}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(text: str, source: str) -> Secret:
    try:
        return Secret(text)
    except InvalidKeyError as error:
        del text
        raise InvalidKeyError(f"{error} It was found in {source}.") from None


def _from_dotenv(folder: Path) -> tuple[str, Path] | None:
    """Return the key of the nearest .env, no further up than the git root or home."""
    from dotenv import dotenv_values

    for place in _searched(folder.absolute()):
        path = place / ".env"
        if path.is_file():
            try:
                value = dotenv_values(path, interpolate=False).get(KEY_NAME)
            except (OSError, UnicodeDecodeError):
                continue
            if value:
                return value, path
    return None


def _searched(folder: Path) -> list[Path]:
    """Return the folders to look in: where no root is above, only this one."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none
    places = [folder, *folder.parents]
    for count, place in enumerate(places, 1):
        if (place / ".git").exists() or place == home:
            return places[:count]
    return [folder]


def _from_keyring() -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(_SERVICE, KEY_NAME)
    except KeyringError:  # no backend, locked, refused: then it is not there
        return None
