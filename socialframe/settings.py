"""Key and base URL, from where users keep them; the only place that reads the outside.

The key comes from the argument, else from ``SOCIALAPI_KEY``, else from ``.env``, else from the
keyring. The base URL comes from the argument or from ``SOCIALAPI_BASE_URL`` in the environment, and
never from ``.env``: a cloned folder must not be able to send the user's key elsewhere.
"""

from __future__ import annotations

import ipaddress
import os
import stat
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from socialframe.errors import ArgumentError, InvalidKeyError, MissingKeyError
from socialframe.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BASE_URL = "https://api.socialsyncerapi.com"
KEY_NAME = "SOCIALAPI_KEY"
URL_NAME = "SOCIALAPI_BASE_URL"
_SERVICE = "socialframe"  # of the keyring
#: How the types of file systems begin that several machines share, or where locks do not hold.
_NETWORKS = (
    *("nfs", "cifs", "smb", "9p", "afs", "ceph", "lustre", "beegfs", "gpfs", "ocfs", "gfs"),
    *("fuse.sshfs", "fuse.gluster", "fuse.ceph", "fuse.s3", "fuse.rclone", "fuse.gcs"),
)

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
    proxy : str or None
        The environment's proxy for it. None for plain http: a proxy would see the key.
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

    Parameters
    ----------
    secret : Secret or None
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
    >>> read_settings(Secret("sk_made0up0for0this0page")).base_url
    'https://api.socialsyncerapi.com'
    """
    url = normalised(base_url or _environment(environ, URL_NAME) or BASE_URL)
    proxy = _proxy(url)
    if secret is not None:
        return Settings(secret, "the argument", url, proxy)
    for source, value in _stored(environ, folder):
        if not value:
            continue
        try:
            return Settings(Secret(value), source, url, proxy)
        except InvalidKeyError as error:
            del value  # no traceback that shows local variables repeats it
            raise InvalidKeyError(f"{error} It was found in {source}.") from None
    raise MissingKeyError(_MISSING)


def runtime_folder() -> Path:
    """Return the folder for what the user's processes tell each other; it is made if need be.

    It is the user's own, and nobody else may look into it: ``socialframe`` in the user's runtime
    folder, else in the one for temporary files.

    Raises
    ------
    OSError
        If there is no such folder and none can be made.

    Examples
    --------
    >>> runtime_folder().is_dir()
    True
    """
    import tempfile

    import platformdirs

    try:
        with warnings.catch_warnings():  # that there is none is no news to most users
            warnings.simplefilter("ignore")
            return _private(platformdirs.user_runtime_path("socialframe", appauthor=False))
    except OSError:
        owner = os.geteuid() if hasattr(os, "geteuid") else "own"
        return _private(Path(tempfile.gettempdir(), f"socialframe-{owner}"))


def _private(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if hasattr(os, "geteuid"):
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PermissionError(f"{path} is not a folder of this user's own")
        if found.st_mode & 0o077:
            path.chmod(0o700)
    return path


def boot_name() -> str:
    """Return what tells this start of the machine from others; empty where nothing does.

    Examples
    --------
    >>> boot_name() == boot_name()
    True
    """
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def cache_file() -> Path:
    """Return the file that keeps answers, unless another is named: in the user's cache folder.

    Examples
    --------
    >>> cache_file().name
    'http.sqlite'
    """
    import platformdirs

    return Path(platformdirs.user_cache_path("socialframe", appauthor=False), "http.sqlite")


def data_folder() -> Path:
    """Return the folder for what is worth more than a cache; it is made if need be.

    It is the user's own, and nobody else may look into it: ``socialframe`` in the user's data
    folder.

    Raises
    ------
    OSError
        If there is no such folder and none can be made.

    Examples
    --------
    >>> data_folder().name
    'socialframe'
    """
    import platformdirs

    return _private(Path(platformdirs.user_data_path("socialframe", appauthor=False)))


def mounts() -> str:
    """Return which file systems are mounted where, as Linux tells it; empty elsewhere.

    Examples
    --------
    >>> isinstance(mounts(), str)
    True
    """
    try:
        return Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def on_network(path: Path, mounts: str) -> bool:
    r"""Whether a path is on a file system that other machines share.

    Parameters
    ----------
    path : Path
        It need not be there yet.
    mounts : str
        As ``/proc/mounts`` has it: device, folder and type, a mount a line.

    Examples
    --------
    >>> mounts = "/dev/sda1 / ext4 rw 0 0\nserver:/x /net nfs4 rw 0 0\n"
    >>> on_network(Path("/net/ada/.cache"), mounts), on_network(Path("/nether"), mounts)
    (True, False)
    """
    whole = Path(os.path.realpath(path))
    best, kind = -1, ""
    for line in mounts.splitlines():
        _, folder, found, *_ = [*line.split(), "", "", ""]
        for code in (" ", "\t", "\n", "\\"):  # they are written in octal
            folder = folder.replace(f"\\{ord(code):03o}", code)
        if folder and whole.is_relative_to(folder) and len(folder) >= best:
            best, kind = len(folder), found  # a later mount lies over an earlier one
    return kind.startswith(_NETWORKS)


def no_color() -> bool:
    """Whether the user asks every program for output without colours.

    Examples
    --------
    >>> no_color()
    False
    """
    return bool(os.environ.get("NO_COLOR"))


def public_base(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the address of this notebook server in the world, where a hub says it.

    Examples
    --------
    >>> public_base({"JUPYTERHUB_PUBLIC_URL": "https://hub.example/user/ada/"})
    'https://hub.example/user/ada/'
    """
    return _environment(environ, "JUPYTERHUB_PUBLIC_URL") or None


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
        parts = urlsplit(str(url).strip())
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")
    except ValueError:  # UnicodeError is one
        host = None
    if host is None or not str(url).isprintable() or parts.scheme not in {"http", "https"}:
        raise ArgumentError(f"base_url is an address such as {BASE_URL}, which this is not.")
    if parts.path.rstrip("/").endswith("/v1"):
        raise ArgumentError("base_url goes without /v1, which each call adds; leave it out.")
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


def _environment(environ: Mapping[str, str] | None, name: str) -> str | None:
    # The mapping is no local variable of a function that raises: a traceback that shows those would
    # show all of the environment.
    return (os.environ if environ is None else environ).get(name)


def _stored(
    environ: Mapping[str, str] | None, folder: Path | None
) -> Iterator[tuple[str, str | None]]:
    """Yield where a key may be, in words, and what is there; a later place only when asked for."""
    yield f"{KEY_NAME} in the environment", _environment(environ, KEY_NAME)
    with suppress(FileNotFoundError):  # the working folder may be gone
        yield from _from_dotenv((folder or Path.cwd()).absolute())
    yield "the keyring", _from_keyring()


def _from_dotenv(folder: Path) -> Iterator[tuple[str, str | None]]:
    """Yield the key of each .env, no further up than the git root or home."""
    from dotenv import dotenv_values

    for place in _searched(folder):
        path = place / ".env"
        if os.path.isfile(path):  # noqa: PTH113 - no error where it may not look
            try:
                values = dotenv_values(path, interpolate=False)
            except (OSError, UnicodeDecodeError):  # somebody else's file
                continue
            if values.get(URL_NAME):
                text = f"{URL_NAME} is not read from {path}; set it in the environment."
                warnings.warn(text, stacklevel=2)
            yield str(path), values.get(KEY_NAME)


def _searched(folder: Path) -> list[Path]:
    """Return the folders to look in: where no root is above, only this one."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none
    places = [folder, *folder.parents]
    for count, place in enumerate(places, 1):
        if os.path.exists(place / ".git") or place == home:  # noqa: PTH110 - no error where it may not look
            return places[:count]
    return [folder]


def _from_keyring() -> str | None:
    try:
        import keyring

        return keyring.get_password(_SERVICE, KEY_NAME)
    except Exception:  # noqa: BLE001 - not installed, no backend, locked, misconfigured: not there
        return None


def _proxy(url: str) -> str | None:
    parts = urlsplit(url)
    if parts.scheme != "https" or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get("https") or proxies.get("all")
