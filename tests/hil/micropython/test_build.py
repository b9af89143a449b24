"""One hash for the source of a firmware, whoever answers it; another source is seen."""

import shutil
from pathlib import Path

import firmware
from firmware.settings import Settings
from hil.flash.image import compile_tree, make_image
from hil.link.link import Peer
from hil.micropython.build import FIRMWARE, source_hash, source_in
from hil.micropython.processes import command_of
from hil.targets.figures import firmware_words


def test_one_changed_byte_is_another_source(tmp_path: Path):
    tree = shutil.copytree(FIRMWARE, tmp_path / "firmware")
    assert source_hash(tree) == source_hash()
    with (tree / "controller.py").open("a") as file:
        file.write("\n")
    assert source_hash(tree) != source_hash()


def test_a_board_and_a_process_answer_with_the_hash_of_the_same_source():
    image = make_image(compile_tree(), "pico")
    assert source_in(image.build) == source_hash()
    for interpreter in ("cpython", "micropython"):
        with Peer(command_of(interpreter), Settings()) as peer:
            assert peer.ask_identity() == (firmware.__version__, source_hash())


def test_a_bench_shows_which_firmware_ran_and_whether_it_is_another_than_here():
    ran = {"firmware": "0.1.0", "source": "1a2b3c4d", "source_here": "1a2b3c4d"}
    assert firmware_words(ran) == "0.1.0 1a2b3c4d"
    assert firmware_words(ran | {"source_here": "99999999"}) == "0.1.0 1a2b3c4d (here 99999999)"
    assert firmware_words(ran | {"source": None}) == "0.1.0 unknown (here 1a2b3c4d)"
    assert firmware_words({}) == "-"
