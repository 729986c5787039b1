"""Downloads from a server on this machine: good, broken off, wrong, gone; and what is left on the disk each time."""

import errno
import os
import stat
from dataclasses import replace
from itertools import islice
from pathlib import Path

import platformdirs
import pytest

import minixai as mx
from minixai.zoo import download
from minixai.zoo.download import PUBLISHED
from tests.zoo.mirror import BODY

OTHER = bytes(len(BODY))
COMMAND = "minixai download toy"


def put(home, **files):
    """Files that are there before: toy="..." for toy.net, part="..." for toy.net.part."""
    home.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (home / {"toy": "toy.net", "part": "toy.net.part"}[name]).write_bytes(content)


def stands(home):
    """What is on the disk: {file name: content}."""
    return {path.name: path.read_bytes() for path in home.iterdir()} if home.exists() else {}


def refused(kind, *parts):
    """Download, which fails with one sentence that has these parts in it, in this order."""
    with pytest.raises(kind) as error:
        download.download("toy", progress=False)
    sentence = str(error.value)
    assert "\n" not in sentence
    places = [sentence.find(part) for part in parts]
    assert -1 not in places, sentence
    assert places == sorted(places), sentence
    if kind is ConnectionError:
        assert sentence.startswith(PUBLISHED["toy"].url)  # whose trouble it is comes first


def fetched(home):
    assert download.download("toy", progress=False) == home / "toy.net"
    assert stands(home) == {"toy.net": BODY}


def test_what_was_published_arrives(mirror, home):
    fetched(home)
    assert mirror.asked == [None]
    assert download.content("toy") == BODY


@pytest.mark.parametrize("digits", [8, 63])
def test_the_first_digits_of_the_checksum_are_enough_where_no_more_are_known(mirror, home, monkeypatch, digits):
    monkeypatch.setitem(PUBLISHED, "toy", replace(PUBLISHED["toy"], sha256=PUBLISHED["toy"].sha256[:digits]))
    fetched(home)
    mirror.body = OTHER
    (home / "toy.net").unlink()
    refused(ValueError, "checksum")


def test_what_is_there_and_right_is_not_fetched_again(mirror, home):
    put(home, toy=BODY)
    fetched(home)
    assert mirror.asked == []


@pytest.mark.parametrize("wrong", [b"", BODY[:-1], BODY + b"?", OTHER], ids=["empty", "short", "long", "other"])
def test_what_is_there_and_wrong_is_not_used_but_replaced(mirror, home, wrong):
    put(home, toy=wrong)
    with pytest.raises(ValueError, match=f"{len(wrong)} bytes.* is not the file of {len(BODY)} bytes.*{COMMAND}"):
        download.content("toy")
    fetched(home)
    assert download.content("toy") == BODY


def test_the_size_is_looked_at_before_the_file_is_read(mirror, home, monkeypatch):
    def reading(*args):
        raise AssertionError("a file of the wrong size is read")

    put(home, toy=BODY + b"?")
    mirror.status = 503
    monkeypatch.setattr(download, "file_digest", reading)
    monkeypatch.setattr(Path, "read_bytes", reading)
    refused(ConnectionError, "503")
    with pytest.raises(ValueError, match="is not the file"):
        download.content("toy")


def test_a_wrong_file_stays_as_it_is_while_it_cannot_be_replaced(mirror, home):
    put(home, toy=OTHER)
    mirror.status = 503
    refused(ConnectionError, "503")
    assert stands(home) == {"toy.net": OTHER}


def test_what_is_not_there_says_what_to_type(home):
    with pytest.raises(FileNotFoundError, match="minixai download squeezenet"):
        download.content("squeezenet")


@pytest.mark.parametrize("how", [{}, {"says_length": False}, {"in_chunks": True}], ids=["plain", "no length", "chunks"])
def test_a_broken_off_download_goes_on_from_there(mirror, home, how):
    vars(mirror).update(how, stops_after=70_001)
    refused(ConnectionError, "broke off after 70001 of 200000 bytes", COMMAND)
    assert stands(home) == {"toy.net.part": BODY[:70_001]}
    mirror.stops_after = 120_000
    refused(ConnectionError, "broke off after 120000 of 200000 bytes")
    assert stands(home) == {"toy.net.part": BODY[:120_000]}
    mirror.stops_after = None
    fetched(home)
    assert mirror.asked == [None, "bytes=70001-", "bytes=120000-"]


def test_a_server_that_falls_silent_is_not_waited_for_for_ever(mirror, home, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 0.2)
    mirror.stops_after, mirror.waits = 70_001, True
    refused(ConnectionError, "broke off after 70001 of 200000 bytes", "timed out", COMMAND)
    assert stands(home) == {"toy.net.part": BODY[:70_001]}


def test_an_interrupt_leaves_a_part_that_goes_on(mirror, home, monkeypatch):
    real = download._pieces

    def interrupted(*args):
        yield from islice(real(*args), 2)
        raise KeyboardInterrupt

    put(home, toy=OTHER)
    with monkeypatch.context() as patch:
        patch.setattr(download, "PIECE", 1000)
        patch.setattr(download, "_pieces", interrupted)
        with pytest.raises(KeyboardInterrupt):
            download.download("toy", progress=False)
    left = stands(home)["toy.net.part"]
    assert 0 < len(left) <= 2000
    assert stands(home) == {"toy.net": OTHER, "toy.net.part": BODY[: len(left)]}
    fetched(home)
    assert mirror.asked == [None, f"bytes={len(left)}-"]


def test_a_server_that_cannot_resume_sends_everything(mirror, home):
    put(home, part=BODY[:1000])
    mirror.knows_ranges = False
    fetched(home)
    assert mirror.asked == ["bytes=1000-"]


@pytest.mark.parametrize("says_length", [True, False])
def test_a_server_that_resumes_somewhere_else_is_asked_for_everything(mirror, home, says_length):
    put(home, part=BODY[:1000])
    mirror.answers_from, mirror.says_length = 999, says_length
    fetched(home)
    assert mirror.asked == ["bytes=1000-", None]


def test_a_server_that_refuses_to_resume_is_asked_for_everything(mirror, home, monkeypatch):
    def refusing(request, answer=mirror.answer):
        mirror.status = 416 if request.headers["Range"] else 200
        answer(request)

    put(home, part=BODY[:1000])
    monkeypatch.setattr(mirror, "answer", refusing)
    fetched(home)
    assert mirror.asked == ["bytes=1000-", None]


def test_a_file_of_another_content_is_removed(mirror, home):
    mirror.body = OTHER
    refused(ValueError, mirror.url, PUBLISHED["toy"].sha256, COMMAND)
    assert stands(home) == {}


def test_a_part_of_another_file_is_noticed_and_removed(mirror, home):
    put(home, part=OTHER[:1000])
    refused(ValueError, "checksum", COMMAND)
    assert stands(home) == {}
    fetched(home)


def test_a_part_that_only_lacks_its_name_needs_no_server(mirror, home):
    put(home, part=BODY)
    fetched(home)
    assert mirror.asked == []


def test_a_part_that_is_complete_and_wrong_is_removed(mirror, home):
    put(home, part=OTHER)
    refused(ValueError, "checksum")
    assert stands(home) == {}


def test_a_part_that_is_too_long_is_begun_anew(mirror, home):
    put(home, part=BODY + b"?")
    fetched(home)
    assert mirror.asked == [None]


@pytest.mark.parametrize("length", [0, 5, len(BODY) - 1, len(BODY) + 1])
def test_an_answer_of_another_size_is_refused_before_a_byte_is_written(mirror, home, length):
    mirror.body = bytes(length)
    refused(ValueError, f"offers {length} bytes, expected 200000", str(home))
    assert stands(home) == {}


def test_an_endless_answer_is_cut_at_the_size_that_was_published(mirror, home):
    mirror.body, mirror.says_length = OTHER * 50, False
    refused(ValueError, "checksum")
    assert stands(home) == {}
    mirror.body = BODY + OTHER * 50
    fetched(home)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_an_address_that_refuses_says_so(mirror, home, status):
    mirror.status = status
    refused(ConnectionError, f"answers {status}", "get the file toy.net in another way", str(home))
    assert stands(home) == {}


def test_offline_says_what_to_type_and_where_to_put_the_file(mirror, home, monkeypatch):
    nobody = replace(PUBLISHED["toy"], url="http://127.0.0.1:1/toy.net")  # no server listens at port 1
    monkeypatch.setitem(PUBLISHED, "toy", nobody)
    by_hand = f"get the file toy.net in another way and put it into {home}"
    refused(ConnectionError, "cannot be reached", COMMAND, by_hand)
    assert stands(home) == {}


def test_an_address_that_leads_away_from_https_is_refused(mirror, home, monkeypatch):
    mirror.moved_to = f"http://localhost:{mirror.port}/elsewhere/toy.net"
    fetched(home)
    (home / "toy.net").unlink()
    monkeypatch.setattr(download, "HERE", ("127.0.0.1",))
    refused(ConnectionError, f"leads to {mirror.moved_to}, which is not https")
    assert stands(home) == {}


def test_a_folder_that_cannot_be_made(mirror, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MINIXAI_HOME", str(tmp_path / "file" / "home"))
    refused(OSError, str(tmp_path / "file" / "home"), "cannot be used", "set MINIXAI_HOME to a folder of your own")


def test_a_folder_that_is_read_only(mirror, home, monkeypatch):
    def read_only(path, mode="r"):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(download, "open", read_only, raising=False)
    refused(PermissionError, str(home), "Permission denied", "set MINIXAI_HOME to a folder of your own")
    assert stands(home) == {}


def test_a_read_only_folder_is_enough_for_what_is_there(mirror, home):
    put(home, toy=BODY)
    for path in (home / "toy.net", home):
        path.chmod(stat.S_IREAD | (stat.S_IEXEC if path.is_dir() else 0))
    before = (home.stat().st_mtime_ns, (home / "toy.net").stat().st_mtime_ns)
    try:
        assert download.download("toy") == home / "toy.net"
        assert download.content("toy") == BODY
        assert (home.stat().st_mtime_ns, (home / "toy.net").stat().st_mtime_ns) == before
    finally:
        home.chmod(stat.S_IRWXU)


def test_a_full_disk(mirror, home, monkeypatch):
    class Full:
        """A file on a disk with no room: neither writing nor closing works."""

        def __init__(self, path, mode):
            Path(path).touch()

        def __enter__(self):
            return self

        def write(self, piece):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def __exit__(self, *error):
            self.write(b"")

    with monkeypatch.context() as patch:
        patch.setattr(download, "open", Full, raising=False)
        refused(OSError, f"the disk of {home} is full", "200000 bytes", COMMAND)
    assert stands(home) == {"toy.net.part": b""}
    fetched(home)


def test_the_progress_bar_is_shown_where_it_is_wanted(mirror, home, capsys):
    download.download("toy", progress=False)
    assert capsys.readouterr() == ("", "")
    (home / "toy.net").unlink()
    put(home, part=BODY[:150_000])
    download.download("toy")
    out, shown = capsys.readouterr()
    assert out == ""
    assert "toy.net:  75%" in shown
    assert "100%" in shown


def test_the_folder_is_the_one_in_the_environment_or_the_cache(monkeypatch):
    monkeypatch.setenv("MINIXAI_HOME", os.path.join("~", "zoo"))
    assert download.home() == Path.home() / "zoo"
    for unset in ("", None):
        monkeypatch.delenv("MINIXAI_HOME") if unset is None else monkeypatch.setenv("MINIXAI_HOME", unset)
        assert download.home() == Path(platformdirs.user_cache_dir("minixai", appauthor=False))


@pytest.mark.parametrize("call", [download.published, download.content, download.download])
@pytest.mark.parametrize(("name", "hint"), [("squeezent", "did you mean squeezenet"), (7, "known: "), ([], "known: ")])
def test_a_name_that_is_not_published(call, name, hint):
    with pytest.raises(ValueError, match=f"nothing to download for .*{hint}"):
        call(name)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://example.org/toy.net"}, "https://"),
        ({"url": "ftp://127.0.0.1/toy.net"}, "https://"),
        ({"url": "https://example.org/folder/"}, "file name ''"),
        ({"url": "https://example.org/.."}, "file name '..'"),
        ({"sha256": "e4ab696"}, "first 8 or more"),
        ({"sha256": "E4AB6960"}, "hexadecimal"),
        ({"sha256": "0" * 65}, "64 hexadecimal digits"),
        ({"bytes": 0}, "0 bytes"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(PUBLISHED["squeezenet"], **change)


def test_everything_that_is_published_is_a_network_of_the_zoo():
    assert set(PUBLISHED) <= {card.name for card in mx.networks()}
    assert all(name == record.name for name, record in PUBLISHED.items())
