"""What is put on a board, on which one, into which slot; and main.py on a real MicroPython."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hil.board_types import BOARD_TYPES
from hil.flash.board import Facts
from hil.flash.flash import check, choose, named_boards
from hil.flash.image import MAIN, Image, compile_tree, make_image
from hil.flash.slots import OURS, Ready, slot_to_write
from tests.kit.stand_in import build_in, image_of, installed, stand_in, stand_ins, started_from
from twin.files.errors import InputError


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return stand_ins(tmp_path_factory.mktemp("trees"))


@pytest.fixture(scope="module")
def images(trees: dict[str, Path]) -> dict[str, Image]:
    return {name: image_of(path) for name, path in trees.items()}


KINDS = tuple(BOARD_TYPES.values())
PICO = Facts("micropython", (1, 25, 0), "Raspberry Pi Pico with RP2040", 6, "rp2", True, 4096, 99)


def facts(**other: Any) -> Facts:
    return Facts(**{**vars(PICO), **other})


@pytest.mark.parametrize(
    ("machine", "platform", "name"),
    [
        ("Raspberry Pi Pico with RP2040", "rp2", "pico"),
        ("Raspberry Pi Pico W with RP2040", "rp2", "pico"),
        ("Raspberry Pi Pico2 with RP2350", "rp2", "pico2"),
        ("Raspberry Pi Pico 2 W with RP2350", "rp2", "pico2"),
        ("Generic ESP32 module with ESP32", "esp32", "esp32"),
        ("PYBv1.1 with STM32F405RG", "pyboard", "pyboard"),
    ],
)
def test_a_board_is_known_by_what_it_says_of_itself(machine, platform, name):
    is_it = facts(machine=machine, platform=platform)
    assert choose("x", is_it, KINDS).name == name
    for board in KINDS:
        if board.name == name:
            assert choose("x", is_it, (board,)) is board
        else:
            with pytest.raises(InputError, match=f"is a {machine}, not a {board.name}$"):
                choose("x", is_it, (board,))


def test_another_board_with_the_same_chip_is_taken_only_if_it_is_named():
    feather = facts(machine="Adafruit Feather RP2040 with RP2040")
    assert choose("x", feather, KINDS[:1]).name == "pico"
    with pytest.raises(InputError, match="is a Adafruit Feather"):
        choose("x", feather, KINDS)


def test_a_board_without_firmware_is_no_choice(trees):
    with pytest.raises(InputError, match=r"--board esp32: .* choose auto, pico, pico2$"):
        named_boards("esp32", trees["new"])


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"version": (1, 23, 0)}, "runs micropython 1.23.0; the firmware needs MicroPython 1.24"),
        ({"python": "circuitpython", "version": (9, 2, 1)}, "runs circuitpython 9.2.1"),
        ({"mpy": 5}, "loads compiled files of version 5, and mpy-cross here makes version 6"),
    ],
)
def test_an_interpreter_that_can_not_run_the_firmware_is_refused(other, words, images):
    check("x", facts(), images["old"].files)
    with pytest.raises(InputError, match=words):
        check("x", facts(**other), images["old"].files)


@pytest.mark.parametrize(
    ("a", "b", "running", "slot"),
    [
        ((0, ""), (0, ""), None, "a"),
        ((1, "x"), (0, ""), "x", "b"),
        ((1, "x"), (2, "y"), "y", "a"),
        ((3, "x"), (2, "y"), "x", "b"),
        ((3, "x"), (2, "y"), None, "b"),
        ((3, "x"), (2, "y"), "", "b"),
        ((3, "x"), (2, "y"), "y", "a"),  # the newer one can't be imported
        ((3, "x"), (2, "x"), "x", "b"),
        ((3, "x"), (2, "y"), "z", "b"),  # flashed by other means
        ((0, ""), (2, "y"), "y", "a"),
    ],
)
def test_the_slot_that_is_written_is_the_one_that_does_not_run(a, b, running, slot):
    assert slot_to_write({"a": Ready(*a), "b": Ready(*b)}, running) == slot


@given(text=st.text() | st.from_regex(r"\A[0-9]{1,3} [0-9a-f]{8} whole\n\Z"))
def test_only_a_whole_line_says_that_a_slot_is_whole(text: str):
    ready = Ready.read(text)
    if ready.number:
        assert Ready.read(str(ready)) == ready
        for end in range(len(str(ready)) - 1):
            assert Ready.read(str(ready)[:end]).number == 0


def test_a_build_is_named_by_all_that_is_in_it(trees, images):
    compiled = compile_tree(trees["old"])
    same = make_image(compiled, "pico", source=trees["old"])
    assert (same.build, dict(same.files)) == (images["old"].build, dict(images["old"].files))
    others = [
        make_image(compiled, "pico2", source=trees["old"]),
        make_image(compiled, "pico", bare=True, source=trees["old"]),
        images["new"],
    ]
    assert len({same.build, *(image.build for image in others)}) == 4
    assert all(image.build.encode() in image.files["unit.mpy"] for image in others)


def test_a_source_that_does_not_compile_is_reported(tmp_path):
    tree = stand_in(tmp_path, "1", start="def main(board, build)\n")
    with pytest.raises(InputError, match=r"start\.py: mpy-cross can't compile it \(SyntaxError"):
        compile_tree(tree)


# main.py, on a real MicroPython -------------------------------------------------------------------


def test_the_newest_whole_firmware_starts(images, tmp_path):
    old, new = images["old"], images["new"]
    both = {**installed(old, "a", 9), **installed(new, "b", 10)}
    assert build_in(started_from(both, tmp_path / "1")) == new.build
    both = {**installed(old, "a", 11), **installed(new, "b", 10)}
    assert build_in(started_from(both, tmp_path / "2")) == old.build
    for damaged in (b"", b"10", b"10 0000", b"10 00000000 whol", b"x y whole", b"\xff\xfe"):
        both = {**installed(old, "a", 9), **installed(new, "b", 10), "b/ready": damaged}
        assert build_in(started_from(both, tmp_path / damaged.hex())) == old.build


def test_a_firmware_that_can_not_be_imported_gives_way_to_the_other(images, tmp_path):
    old, broken = images["old"], images["broken"]
    both = {**installed(old, "a", 1), **installed(broken, "b", 2)}
    said = started_from(both, tmp_path / "1")
    assert said.startswith("the firmware in b can't be imported: ImportError(")
    assert build_in(said) == old.build
    damaged = {**installed(old, "a", 2), **installed(images["new"], "b", 1)}
    damaged["a/firmware/start.mpy"] = b"M\x05" + damaged["a/firmware/start.mpy"][2:]
    assert build_in(started_from(damaged, tmp_path / "2")) == images["new"].build


def test_with_nothing_whole_the_board_says_so(images, tmp_path):
    files = installed(images["broken"])
    assert "there is no whole firmware" in started_from(files, tmp_path / "1")
    assert "there is no whole firmware" in started_from({"main.py": MAIN}, tmp_path / "2")


def test_a_bare_board_starts_the_bare_entry(trees, tmp_path):
    source = trees["old"]
    image = make_image(compile_tree(source), "pico", bare=True, source=source)
    assert '"bare": true' in started_from(installed(image), tmp_path / "1")


def test_main_py_is_known_as_ours_by_its_own_words():
    assert OURS in MAIN.decode()
