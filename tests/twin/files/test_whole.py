"""A file is there whole, or what was there before is; the message is one line."""

import os
import re
import stat
from pathlib import Path

import pytest

from tests.kit.full_disk import fill_disk
from twin.files.errors import InputError
from twin.files.whole import check_writable, whole, write_whole


def refused(do, *arguments, **options):
    with pytest.raises(InputError) as caught:
        do(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_file_gets_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    with whole(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
        assert part.parent == tmp_path
        assert part.name.startswith(".page.html.")
    assert path.read_text() == "new"
    assert os.listdir(tmp_path) == ["page.html"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, ZeroDivisionError, InputError])
def test_an_exception_leaves_the_earlier_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(error), whole(path) as part:
        part.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["page.html"]


def test_a_full_disk_is_one_line_and_leaves_the_earlier_file(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    path.write_text("old")
    fill_disk(monkeypatch)
    assert refused(write_whole, path, "new", "--out") == (
        f"--out {path}: can't be written (No space left on device); "
        "free some space, or name a file on another disk"
    )
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["page.html"]


def test_two_files_get_their_names_only_when_both_are_written(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    with pytest.raises(InputError), whole(first) as one, whole(second) as two:
        one.write_text("1")
        two.write_text("2")
        raise OSError(28, "full")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no/page.html", "No such file or directory); make the directory"),
        ("folder", "Is a directory); name a file in it"),
        ("file/page.html", "Not a directory"),
        ("x" * 300, "name too long"),
        ("pipe", "not a plain file"),
    ],
)
def test_what_can_not_be_a_file_is_refused_before_and_while_it_is_written(tmp_path, name, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("in the way")
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / name
    assert refused(check_writable, path, "--out").startswith(f"--out {path}: can't be written (")
    assert words in refused(check_writable, path)
    assert words in refused(write_whole, path, "text")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "pipe"]


def test_a_device_is_never_replaced():
    assert "not a plain file" in refused(write_whole, Path("/dev/full"), "text")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)


def test_folders_are_made_where_that_was_asked_for(tmp_path):
    path = tmp_path / "a" / "b" / "page.html"
    check_writable(path, folders=True)
    assert os.listdir(tmp_path) == []
    write_whole(path, "text", folders=True)
    assert path.read_text() == "text"


def test_a_name_of_255_bytes_is_enough_for_any_file(tmp_path):
    path = tmp_path / ("µ" * 127 + "a")
    write_whole(path, "text")
    assert path.read_text() == "text"
    assert os.listdir(tmp_path) == [path.name]


def test_a_link_goes_on_pointing_to_the_file_it_names(tmp_path):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "folder" / "page.html")
    write_whole(link, "text")
    assert link.is_symlink()
    assert os.listdir(tmp_path / "folder") == ["page.html"]


def test_a_name_that_is_not_printable_is_shown_on_one_line(tmp_path):
    assert re.search(r"a\\nb", refused(write_whole, tmp_path / "a\nb" / "c", "text"))
