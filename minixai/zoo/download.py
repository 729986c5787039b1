"""Files that somebody else publishes: fetched when asked for, checked before use.

What arrives goes to NAME.part. It may break off at any moment and goes on from there; only with the right checksum
does it get its name, in one stroke.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from minixai.taxonomy import closest

HOME = "MINIXAI_HOME"
PIECE = 1 << 16  # bytes read at once
PATIENCE = 30  # seconds without a byte
HERE = ("127.0.0.1", "::1", "localhost")  # a mirror on this machine needs no https


def _is_safe(url: str) -> bool:
    """Whether nobody on the way can swap what comes from this address."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in HERE)


@dataclass(frozen=True)
class Published:
    """A file that ``minixai download NAME`` fetches: where it is, its checksum, its size and its licence.

    ``sha256`` is the digest, or as many of its first digits (8 at least) as its publisher tells. ``bytes`` is exact.
    """

    name: str
    url: str
    sha256: str
    bytes: int
    licence: str

    def __post_init__(self) -> None:
        if not _is_safe(self.url):
            raise ValueError(f"the address is {self.url!r}; expected one that starts with https://")
        if not 8 <= len(self.sha256) <= 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise ValueError(f"sha256 is {self.sha256!r}; expected 64 hexadecimal digits, or the first 8 or more")
        if self.bytes < 1 or not self.file or self.file.startswith("."):
            raise ValueError(f"got {self.bytes} bytes and the file name {self.file!r}; expected both to be there")

    @property
    def file(self) -> str:
        """The name of the file: the last part of its address."""
        return urlsplit(self.url).path.rsplit("/", 1)[-1]

    @property
    def command(self) -> str:
        """What to type to get it."""
        return f"minixai download {self.name}"

    def is_right(self, digest: str) -> bool:
        return digest.startswith(self.sha256)


def _pytorchs(name: str, file: str, size: int) -> Published:
    """A file of PyTorch's, whose name ends in the first digits of its checksum."""
    digits = file.removesuffix(".pth").rsplit("-", 1)[-1]
    return Published(name, f"https://download.pytorch.org/models/{file}", digits, size, "BSD")


PUBLISHED = {
    "squeezenet": Published(
        "squeezenet",
        "https://github.com/songhan/SqueezeNet-Deep-Compression/raw/master/compressed_SqueezeNet.net",
        sha256="e4ab6960ae8cd81505e1c2136921201507e930966c53deaf15862a395b3a3261",
        bytes=675_763,
        licence="BSD",
    ),
    "vgg16": _pytorchs("vgg16", "vgg16-397923af.pth", 553_433_881),
    "resnet34": _pytorchs("resnet34", "resnet34-b627a593.pth", 87_319_819),
    "alexnet": _pytorchs("alexnet", "alexnet-owt-7be5be79.pth", 244_408_911),
}


def home() -> Path:
    """The folder of downloads: $MINIXAI_HOME, which may be read-only, else this user's cache."""
    chosen = os.environ.get(HOME)
    if chosen:
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path  # here, as tqdm and urllib below: the engine alone needs none of them

    return user_cache_path("minixai", appauthor=False)


def published(name: str) -> Published:
    """The record of what to download for a network. Raises ValueError for a name that has none."""
    if not isinstance(name, str) or name not in PUBLISHED:
        raise ValueError(f"there is nothing to download for {name!r}; {closest(str(name), list(PUBLISHED))}")
    return PUBLISHED[name]


def content(name: str) -> bytes:
    """What the downloaded file holds, checked: its size before it is read, its checksum before it is used.

    Raises FileNotFoundError where it is not there, ValueError where it is not the file that was published.
    """
    wanted = published(name)
    place = home() / wanted.file
    if not place.is_file():
        raise FileNotFoundError(f"{name} needs {place}, which is not there; fetch it with: {wanted.command}")
    size = place.stat().st_size
    found = place.read_bytes() if size == wanted.bytes else b""
    if not wanted.is_right(sha256(found).hexdigest()):
        raise ValueError(
            f"{place} ({size} bytes) is not the file of {wanted.bytes} bytes that was published; fetch it again "
            f"with: {wanted.command}"
        )
    return found


def download(name: str, progress: bool = True) -> Path:
    """The file of a network, fetched unless it is there already and right; a wrong one of that name is replaced.

    Raises ConnectionError where the address cannot be reached or breaks off, ValueError where it gives another file,
    another OSError where nothing can be written. Whatever happens, no unfinished file stands under the final name.
    """
    wanted, folder = published(name), home()
    place, part = folder / wanted.file, folder / f"{wanted.file}.part"
    with _disk_troubles_explained(wanted, folder):
        if not _is_right(place, wanted):
            folder.mkdir(parents=True, exist_ok=True)
            _complete(part, wanted, progress)
            _check(part, wanted)
            os.replace(part, place)
    return place


def _complete(part: Path, wanted: Published, progress: bool) -> None:
    """Fetch what the part lacks; a part that is already too long is begun anew."""
    have = part.stat().st_size if part.is_file() else 0
    if have != wanted.bytes:
        response, start = _ask(wanted, have if have < wanted.bytes else 0)
        with closing(response):
            _check_offer(response, start, wanted)
            _save(response, start, part, wanted, progress)


def _ask(wanted: Published, start: int) -> tuple[Any, int]:
    """The server's answer and the byte it begins with: ``start``, or 0 where the server cannot do that."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    headers = {"User-Agent": "minixai", "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    try:
        response = urlopen(Request(wanted.url, headers=headers), timeout=PATIENCE)
    except HTTPError as error:
        error.close()
        if start and error.code == 416:  # Range Not Satisfiable
            return _ask(wanted, 0)
        raise ConnectionError(f"{wanted.url} answers {error.code} ({error.reason}); {_otherwise(wanted)}") from error
    except (OSError, HTTPException) as error:
        raise ConnectionError(
            f"{wanted.url} cannot be reached ({getattr(error, 'reason', error)}); check the connection and type "
            f"again: {wanted.command}, or {_otherwise(wanted)}"
        ) from error
    resumed = response.status == 206
    if start and resumed and not str(response.headers.get("Content-Range")).startswith(f"bytes {start}-"):
        response.close()
        return _ask(wanted, 0)
    return response, start if resumed else 0


def _check_offer(response: Any, start: int, wanted: Published) -> None:
    """Refuse, before a byte is written, an answer from an unsafe address or of another size."""
    if not _is_safe(response.geturl()):
        raise ConnectionError(f"{wanted.url} leads to {response.geturl()}, which is not https; {_otherwise(wanted)}")
    if response.length is not None and start + response.length != wanted.bytes:
        raise ValueError(
            f"{wanted.url} offers {start + response.length} bytes, expected {wanted.bytes}: a login page may stand "
            f"in between, or the file is no longer the same; {_otherwise(wanted)}"
        )


def _save(response: Any, start: int, part: Path, wanted: Published, progress: bool) -> None:
    """Append the answer to the part, or begin the part anew where the answer begins at byte 0."""
    from tqdm import tqdm

    scale: dict[str, Any] = {"total": wanted.bytes, "initial": start, "unit": "B", "unit_scale": True}
    with (
        open(part, "ab" if start else "wb") as file,
        tqdm(desc=wanted.file, disable=not progress, **scale) as bar,
    ):
        for piece in _pieces(response, start, wanted):
            file.write(piece)
            bar.update(len(piece))


def _pieces(response: Any, start: int, wanted: Published) -> Iterator[bytes]:
    """The answer piece by piece, up to the size that is expected and never beyond."""
    from http.client import HTTPException

    have = start
    while have < wanted.bytes:
        try:
            piece = response.read1(min(PIECE, wanted.bytes - have))  # whatever has arrived
        except (OSError, HTTPException) as error:
            raise ConnectionError(_broke_off(wanted, have, str(error) or type(error).__name__)) from error
        if not piece:
            raise ConnectionError(_broke_off(wanted, have, "the server closed the connection"))
        have += len(piece)
        yield piece


def _check(part: Path, wanted: Published) -> None:
    """Remove a part that is complete but wrong: nothing can be built on it."""
    if not _is_right(part, wanted):
        part.unlink()
        raise ValueError(
            f"what came from {wanted.url} has not the checksum {wanted.sha256}, so it was removed; try once more: "
            f"{wanted.command}, and if that gives the same, do not use what is at this address"
        )


def _is_right(path: Path, wanted: Published) -> bool:
    """Whether the published file stands there: its size first, then its checksum."""
    if not path.is_file() or path.stat().st_size != wanted.bytes:
        return False
    with open(path, "rb") as file:
        return wanted.is_right(file_digest(file, "sha256").hexdigest())


@contextmanager
def _disk_troubles_explained(wanted: Published, folder: Path) -> Iterator[None]:
    try:
        yield
    except ConnectionError:  # of the network, and explained already
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            sentence = f"the disk of {folder} is full; make room for {wanted.bytes} bytes and type: {wanted.command}"
        else:
            sentence = f"{folder} cannot be used ({error.strerror or error}); set {HOME} to a folder of your own"
        raise type(error)(sentence) from error


def _broke_off(wanted: Published, have: int, why: str) -> str:
    return (
        f"{wanted.url} broke off after {have} of {wanted.bytes} bytes ({why}); to go on from there, type: "
        f"{wanted.command}"
    )


def _otherwise(wanted: Published) -> str:
    return f"get the file {wanted.file} in another way and put it into {home()}"
