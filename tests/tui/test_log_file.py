"""The end of a log, whatever it holds and whatever happens to it."""

import time

import pytest

from vp_tui.tui import log_file
from vp_tui.tui.log_file import MOST_CHARS, MOST_LINES, NAME, read_tail


@pytest.fixture
def log(tmp_path):
    return tmp_path / NAME


def test_a_short_log_is_read_whole(log):
    log.write_bytes(b"one\ntwo\nthree\n")
    tail = read_tail(log.parent)
    assert tail.lines == ("one", "two", "three")
    assert (tail.num_lines, tail.trouble) == (3, None)


def test_an_empty_log_has_no_line_and_no_trouble(log):
    log.write_bytes(b"")
    assert read_tail(log.parent).lines == ()
    assert read_tail(log.parent).trouble is None


def test_a_missing_log_and_a_missing_folder_are_words(log):
    assert "nothing written yet" in read_tail(log.parent).trouble
    assert "does not exist" in read_tail(log.parent / "gone").trouble


def test_a_folder_in_the_place_of_the_log_is_words(log):
    log.mkdir()
    assert read_tail(log.parent).trouble.startswith("cannot read")


def test_of_a_long_log_the_last_lines_are_kept_and_all_are_counted(log):
    log.write_text("".join(f"line {number}\n" for number in range(MOST_LINES + 500)))
    tail = read_tail(log.parent)
    assert len(tail.lines) == MOST_LINES
    assert tail.lines[-1] == f"line {MOST_LINES + 499}"
    assert tail.num_lines == MOST_LINES + 500


def test_a_hundred_megabytes_are_counted_but_not_kept(log):
    with log.open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 99 + b"\n" + (b"y" * 127 + b"\n") * 8191)
        file.write(b"the last\n")
    begin = time.process_time()
    tail = read_tail(log.parent)
    assert time.process_time() - begin < 3
    assert tail.num_lines == 100 * 8192 + 1
    assert (len(tail.lines), tail.lines[-1]) == (MOST_LINES, "the last")


def test_a_look_reads_only_what_is_new(log, monkeypatch):
    log.write_bytes(b"one\ntwo")
    first = read_tail(log.parent)
    assert first.lines == ("one", "two")
    texts = []
    whole = log_file._text
    monkeypatch.setattr(log_file, "_text", lambda raw: texts.append(raw) or whole(raw))
    with log.open("ab") as file:
        file.write(b" and a half\nthree\n")
    second = read_tail(log.parent, first)
    assert second.lines == ("one", "two and a half", "three")
    assert second.num_lines == 3
    assert texts == [b"two and a half", b"three"]


def test_a_log_that_did_not_change_gives_the_same_record(log):
    log.write_bytes(b"one\ntwo")
    first = read_tail(log.parent)
    assert read_tail(log.parent, first) is first


@pytest.mark.parametrize(
    "now", [b"new\n", b"other and longer than it was before\n", b"NEW\ntwo\n"], ids=["cut", "longer", "as long"]
)
def test_a_log_that_was_cut_or_written_anew_is_read_from_its_start(log, now):
    log.write_bytes(b"one\ntwo\n")
    first = read_tail(log.parent)
    log.write_bytes(now)
    again = read_tail(log.parent, first)
    assert again.lines == tuple(now.decode().splitlines())
    assert again.num_lines == len(again.lines)


def test_a_log_that_was_replaced_or_deleted_is_noticed(log):
    log.write_bytes(b"one\n")
    first = read_tail(log.parent)
    other = log.with_name("other")
    other.write_bytes(b"one\ntwo\n")
    other.replace(log)
    assert read_tail(log.parent, first).lines == ("one", "two")
    log.unlink()
    gone = read_tail(log.parent, first)
    assert gone.trouble
    assert gone.lines == ()
    log.write_bytes(b"back\n")
    assert read_tail(log.parent, gone).lines == ("back",)


def test_a_gap_between_two_looks_drops_what_was_known(log, monkeypatch):
    monkeypatch.setattr(log_file, "TAIL_BYTES", 20)
    log.write_bytes(b"one\ntwo\n")
    first = read_tail(log.parent)
    with log.open("ab") as file:
        file.write(b"a lost line\n" * 10 + b"four\nfive\n")
    tail = read_tail(log.parent, first)
    assert tail.lines == ("four", "five")
    assert tail.num_lines == 14


def test_a_line_without_an_end_that_grows_is_one_line(log, monkeypatch):
    monkeypatch.setattr(log_file, "TAIL_BYTES", 20)
    log.write_bytes(b"one\n")
    tail = read_tail(log.parent)
    for _ in range(5):
        with log.open("ab") as file:
            file.write(b"0123456789")
        tail = read_tail(log.parent, tail)
        assert (len(tail.lines), tail.num_lines, tail.lines[0]) == (2, 2, "one")
    with log.open("ab") as file:
        file.write(b"\nend\n")
    tail = read_tail(log.parent, tail)
    assert (tail.lines[0], tail.lines[-1], tail.num_lines) == ("one", "end", 3)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\x1b[31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07after", "after"),
        (b"\x1b]8;;http://x\x1b\\link", "link"),
        (b"10%\r20%\r30%", "30%"),
        (b"windows\r", "windows"),
        (b"\xff\xfe broken", "\ufffd\ufffd broken"),
        (b"bell\x07 null\x00 \xc2\x9b31m", "bell null 31m"),
        ("right \u202eleft".encode(), "right left"),
        (b"a\tb", "a   b"),
        (b"", ""),
    ],
)
def test_a_line_is_text_that_steers_nothing(log, raw, text):
    log.write_bytes(raw + b"\nnext\n")
    assert read_tail(log.parent).lines == (text, "next")


def test_a_line_of_a_megabyte_is_cut_and_says_how_long_it_is(log):
    log.write_bytes(b"x" * 1_000_000 + b"\n")
    (line,) = read_tail(log.parent).lines
    assert line.endswith(".. (1.0M bytes in this line)")
    assert len(line) < MOST_CHARS + 50
