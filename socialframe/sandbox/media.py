"""Uploads: an address for the bytes, given by the API; the bytes, taken somewhere else."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import secrets
import shutil
import tempfile
import weakref
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.utils import send_file
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

from socialframe.sandbox.answers import Answer
from socialframe.sandbox.asking import invalid
from socialframe.sandbox.body import PIECE, pass_over
from socialframe.sandbox.fields import text_in
from socialframe.sandbox.platforms import File, elsewhere
from socialframe.sandbox.world import dumps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from wsgiref.types import WSGIEnvironment

    from socialframe.sandbox.answers import Routes
    from socialframe.sandbox.asking import Ask
    from socialframe.sandbox.state import State
    from socialframe.sandbox.world import Json

log = logging.getLogger(__name__)

#: Where the bytes go while the sandbox is not served: a host of its own, in this process.
UPLOADS = "http://uploads.sandbox.invalid"
LARGEST = 5 * 2**30  # bytes; 5 GB is documented (5.8)
LASTS = 3600  # seconds that an upload URL is good for, as the sibling's is (5.8)

#: What may be uploaded, with the ending of its address and the media type of section 6.2. No page
#: lists MIME types; these are those of the formats in section 7.
TYPES = {
    "image/jpeg": (".jpg", "image"),
    "image/png": (".png", "image"),
    "image/webp": (".webp", "image"),
    "image/gif": (".gif", "gif"),
    "video/mp4": (".mp4", "video"),
    "video/quicktime": (".mov", "video"),
    "video/webm": (".webm", "video"),
}

_DATE = "%Y%m%dT%H%M%SZ"


class Stored(NamedTuple):
    """A file that was uploaded."""

    file: Path
    content_type: str
    etag: str
    size: int


class Media:
    """What one sandbox has of uploads; files lie in a folder that goes when it goes.

    Examples
    --------
    >>> media = Media()
    >>> with media.at("http://127.0.0.1:9"):
    ...     media.base
    'http://127.0.0.1:9'
    >>> media.base
    'http://uploads.sandbox.invalid'
    """

    def __init__(self) -> None:
        self.base = UPLOADS
        self._bases = {UPLOADS}
        self.stored: dict[str, Stored] = {}
        self._secret = secrets.token_bytes()
        self._folder: Path | None = None

    @contextlib.contextmanager
    def at(self, base: str) -> Iterator[None]:
        """Let uploads go to another base URL until the context ends."""
        before, self.base = self.base, base
        self._bases.add(base)
        try:
            yield
        finally:
            self.base = before

    def folder(self) -> Path:
        """Give the folder of the files; made at the first use."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="socialframe-uploads-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder

    def file(self, item: Json) -> File:
        """Tell what is known of a file of a post: of one that was uploaded here, all.

        Examples
        --------
        >>> Media().file({"type": "image", "url": f"{UPLOADS}/up/nothing.png"}).missing
        True
        """
        parts = urlsplit(item["url"])
        if f"{parts.scheme}://{parts.netloc.lower()}" not in self._bases:
            return elsewhere(item)
        stored = self.stored.get(parts.path)
        if stored is None:
            return elsewhere(item)._replace(missing=True)
        ending = TYPES[stored.content_type][0].removeprefix(".")
        return File(item["type"], item["url"], ending, stored.size)

    def sign(self, path: str, query: dict[str, str], content_type: str) -> str:
        """Sign all that a PUT must repeat to the letter."""
        signed = "\n".join(("PUT", path, urlencode(sorted(query.items())), content_type))
        return hmac.new(self._secret, signed.encode(errors="replace"), "sha256").hexdigest()


def presign(ask: Ask) -> Answer:
    """Answer ``POST /v1/media/presign``.

    Parameters
    ----------
    ask
        The request.

    Returns
    -------
    Answer
        Where to put the bytes, and where they are found then.

    Raises
    ------
    ApiError
        400, if a field is missing or the type cannot be uploaded.

    Examples
    --------
    >>> from werkzeug.test import Client
    >>> from socialframe.sandbox import Sandbox
    >>> body = {"filename": "hours.png", "contentType": "image/png"}
    >>> headers = {"Authorization": "Bearer sk_demo"}
    >>> client = Client(Sandbox(key="sk_demo"))
    >>> sorted(client.post("/v1/media/presign", json=body, headers=headers).json)
    ['publicUrl', 'uploadUrl']
    """
    body = ask.json()
    text_in(body, "filename", most=255)
    content_type = text_in(body, "contentType", most=255)
    if content_type not in TYPES:
        # 5.8: no page says what a bad type answers; the sibling's is a 400.
        raise invalid(f"contentType must be one of: {', '.join(TYPES)}")
    ending, kind = TYPES[content_type]
    media = ask.box.part(Media)
    path = f"/up/{secrets.token_hex(8)}{ending}"
    # Named as S3 names them. The path holds nothing that the asker wrote.
    query = {
        "X-Amz-Date": ask.box.now.strftime(_DATE),
        "X-Amz-Expires": str(LASTS),
        "X-Amz-SignedHeaders": "content-type",
    }
    query["X-Amz-Signature"] = media.sign(path, query, content_type)
    told: dict[str, object] = {
        "uploadUrl": f"{media.base}{path}?{urlencode(query)}",
        "publicUrl": media.base + path,
    }
    if ask.switches is not None and ask.switches.extra_fields:
        told |= {"key": path[1:], "type": kind, "expiresIn": LASTS}  # the sibling's, 5.8
    return Answer(dumps(told))


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """What the store of the bytes answers instead, as S3 words it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> Response:
        """Give it as the small XML of S3."""
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>"
        )
        return Response(xml, self.status, content_type="application/xml")


def in_xml(status: int, text: str) -> Answer:
    """Word what the server of the store refuses by itself.

    Examples
    --------
    >>> in_xml(400, "Malformed Content-Length Header.").content_type
    'application/xml'
    """
    response = Refusal(status, "InvalidRequest", text).response()
    return Answer(response.get_data(), (), status, "application/xml")


def store(state: State, environ: WSGIEnvironment) -> Response:
    """Answer a request to the store of the bytes, which knows no key; never an exception.

    Parameters
    ----------
    state
        Of the sandbox whose uploads these are.
    environ
        The request, as WSGI has it.

    Returns
    -------
    Response
        200 with an ``ETag`` for a ``PUT`` that was signed, the bytes for a ``GET``; else XML.

    Examples
    --------
    >>> from werkzeug.test import Client
    >>> from socialframe.sandbox import Sandbox
    >>> Client(Sandbox().uploads).get("/up/nothing.png").status
    '404 NOT FOUND'
    """
    try:
        response = _stored(state, environ, get_input_stream(environ))
    except Refusal as refusal:
        response = refusal.response()
    except HTTPException:
        response = Refusal(416, "InvalidRange", "The requested range is not satisfiable").response()
    except Exception:
        log.exception("The sandbox could not take or give a file")
        response = Refusal(500, "InternalError", "We encountered an internal error.").response()
    pass_over(environ)
    response.headers["X-Sandbox"] = "made-up data"
    return response


def _stored(state: State, environ: WSGIEnvironment, stream: IO[bytes]) -> Response:
    media, path = state.part(Media), environ.get("PATH_INFO", "")
    if "HTTP_AUTHORIZATION" in environ:
        # The key belongs to the API alone (5.9). S3 refuses two ways to prove oneself, too, with
        # 400 InvalidArgument, and repeats the header in its answer; this one never shows a key.
        raise Refusal(403, "AccessDenied", "Only one auth mechanism allowed; send no Authorization")
    if environ["REQUEST_METHOD"] == "PUT":
        _check_signature(media, path, environ, state.now)
        etag = _take(media, path, environ, stream)
        return Response(status=200, headers={"ETag": f'"{etag}"'})
    if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
        raise Refusal(
            405, "MethodNotAllowed", "The specified method is not allowed against this resource."
        )
    if path not in media.stored:
        raise Refusal(404, "NoSuchKey", "The specified key does not exist.")
    file, content_type, etag, _ = media.stored[path]
    return send_file(file, environ, mimetype=content_type, etag=etag)


def _check_signature(media: Media, path: str, environ: WSGIEnvironment, now: datetime) -> None:
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    sent = query.pop("X-Amz-Signature", None)
    if sent is None:
        raise Refusal(403, "AccessDenied", "Access Denied")
    right = media.sign(path, query, environ.get("CONTENT_TYPE", ""))
    if not hmac.compare_digest(sent.encode(errors="replace"), right.encode()):
        raise Refusal(
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
        )
    signed = datetime.strptime(query["X-Amz-Date"], _DATE).replace(tzinfo=UTC)
    if now >= signed + timedelta(seconds=LASTS):
        raise Refusal(403, "AccessDenied", "Request has expired")


def _take(media: Media, path: str, environ: WSGIEnvironment, stream: IO[bytes]) -> str:
    """Write a body to its file, and give the ETag of S3: the MD5 of the bytes."""
    if "HTTP_TRANSFER_ENCODING" in environ:
        raise Refusal(
            501, "NotImplemented", "A header you provided implies functionality that is not there."
        )
    length = environ.get("CONTENT_LENGTH", "")
    if not (length.isascii() and length.isdigit()):
        raise Refusal(411, "MissingContentLength", "You must provide the Content-Length header.")
    if int(length[:20]) > LARGEST:
        raise Refusal(
            400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"
        )
    digest, size = hashlib.md5(usedforsecurity=False), 0
    file = media.folder() / Path(path).stem
    part = file.with_suffix(f".{secrets.token_hex(4)}")
    try:
        with part.open("wb") as out, contextlib.suppress(HTTPException):
            while piece := stream.read(PIECE):
                out.write(piece)
                digest.update(piece)
                size += len(piece)
        if size != int(length):
            raise Refusal(
                400,
                "IncompleteBody",
                "You did not provide the number of bytes specified by the Content-Length header",
            )
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    media.stored[path] = Stored(file, environ["CONTENT_TYPE"], digest.hexdigest(), size)
    return digest.hexdigest()


ROUTES: Routes = {("POST", "/v1/media/presign"): presign}
"""What answers where."""
