"""The very steps of `tubetwin flash` against the real image on an emulated board, by mpremote.

What is flashed here is a stand-in of a kilobyte; tests/system/test_cli_flash.py takes the real
firmware, over a socket.
"""

import os
import pty
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from littlefs import LittleFS, UserContext

from hil.flash.board import Patience, RawPrompt
from hil.flash.flash import Flashed, flash
from hil.flash.image import Image
from hil.flash.slots import Install, Ready
from hil.micropython.interpreters import find_pico_image
from hil.pico.emulated import BLOCK_BYTES, BLOCKS, FILES_AT, FLASH_BYTES, EmulatedPico
from hil.unit.console import ConsoleClient, LostError, open_port
from tests.kit.protocol_emulated import Cable, plug_in
from tests.kit.stand_in import (
    START,
    build_in,
    image_of,
    installed,
    stand_in,
    stand_ins,
    started_from,
)
from twin.files.errors import InputError

URL = "emulated://pico"
MINE_BYTES = 1_392_000  # leaves some blocks of the 352


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return stand_ins(tmp_path_factory.mktemp("trees"))


@pytest.fixture(scope="module")
def images(trees: dict[str, Path]) -> dict[str, Image]:
    return {name: image_of(path) for name, path in trees.items()}


def board_with(files: Mapping[str, bytes]) -> Cable:
    return plug_in("pico", EmulatedPico(find_pico_image(), files))


def build_of(cable: Cable) -> str:
    """Which build answers on the console."""
    with ConsoleClient(open_port(URL), URL, now_s=cable.clock().now_s) as unit:
        return str(unit.about["build"])


def run_flash(cable: Cable, source: Path, **how: Any) -> Flashed:
    return flash(URL, source=source, clock=cable.clock(), **how)


def refusal(act: Callable[[], object]) -> str:
    """The one line that it is refused with."""
    with pytest.raises(InputError) as told:
        act()
    assert "\n" not in str(told.value)
    assert str(told.value).startswith(URL)
    return str(told.value)


# An update ---------------------------------------------------------------------------------------


@dataclass
class Update:
    """A flash over a running firmware, with everything that happened on the wire and in the flash.

    writes : (address, bytes before, bytes after) of each page programmed and each sector erased
    """

    done: Flashed
    build_after: str
    files_after: dict[str, bytes]
    sent: bytes
    flash_before: bytes
    writes: list[tuple[int, bytes, bytes]] = field(default_factory=list)


@pytest.fixture(scope="module")
def update(trees: dict[str, Path], images: dict[str, Image]) -> Update:
    """The new firmware over the old one; in the other slot are the remains of a third."""
    remains = {
        "b/ready": b"12 00000000 whol",
        "b/unit.mpy": b"of another",
        "b/firmware/gone.mpy": b"stale",
    }
    cable = board_with({**installed(images["old"], number=12), **remains})
    writes = _recorded(cable.pico)
    before = bytes(cable.pico.mcu.flash[FILES_AT:FLASH_BYTES])
    done = run_flash(cable, trees["new"])
    return Update(done, build_of(cable), cable.pico.files(), bytes(cable.sent), before, writes)


def _recorded(pico: EmulatedPico) -> list[tuple[int, bytes, bytes]]:
    """Let every write to the flash be noted from now on."""
    writes: list[tuple[int, bytes, bytes]] = []
    ssi: Any = pico.mcu.ssi
    act = ssi._apply_command

    def noted() -> None:
        command = bytes(ssi._tx_buffer[:4])
        size = {0x20: BLOCK_BYTES, 0x02: 256}.get(command[0] if command else 0)
        if size is None or not ssi._write_enabled:
            assert not command or command[0] != 0xD8, "64 KiB were erased: note that too"
            return act()
        start = int.from_bytes(command[1:4], "big") & ~(size - 1)
        old = bytes(pico.mcu.flash[start : start + size])
        act()
        writes.append((start - FILES_AT, old, bytes(pico.mcu.flash[start : start + size])))

    ssi._apply_command = noted
    return writes


def test_an_update_goes_into_the_other_slot_and_is_in_force_after_the_reset(update, images):
    old, new = images["old"], images["new"]
    assert (update.done.was, update.done.build) == (old.build, new.build)
    assert (update.done.slot, update.build_after) == ("b", new.build)
    assert update.files_after == {**installed(old, number=12), **installed(new, "b", 13)}
    assert update.done.kept_as == ""


# A cable pulled in the middle ---------------------------------------------------------------------


def states(update: Update) -> list[bytes]:
    """The flash after each write, and with each write done in part."""
    flash, found = bytearray(update.flash_before), []
    for address, old, new in update.writes:
        for done in (16, len(new) // 2, len(new) - 16, len(new)):
            flash[address : address + len(new)] = new[:done] + old[done:]
            found.append(bytes(flash))
    return found


def files_of(flash: bytes) -> dict[str, bytes]:
    context = UserContext(buffsize=BLOCK_BYTES * BLOCKS)
    context.buffer[:] = flash
    disk = LittleFS(context=context, block_size=BLOCK_BYTES, block_count=BLOCKS, mount=True)
    found = {}
    for folder, _, names in disk.walk("/"):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with disk.open(path, "rb") as file:
                found[path.lstrip("/")] = file.read()
    return found


def test_whenever_the_supply_fails_the_old_firmware_starts_or_the_new_one(update, images, tmp_path):
    """Every write of an update, done and done in part, looked at as the next boot finds it."""
    known: dict[tuple[tuple[str, bytes], ...], str] = {}
    builds = []
    for state in states(update):
        files = files_of(state)
        key = tuple(sorted(files.items()))
        if key not in known:
            known[key] = build_in(started_from(files, tmp_path / str(len(known))))
        builds.append(known[key])
    assert len(builds) > 80 and len(known) > 10
    # The old one up to one write near the end, from then on the new one: nothing in between.
    changed = builds.index(images["new"].build)
    assert set(builds[:changed]) == {images["old"].build}
    assert set(builds[changed:]) == {images["new"].build}
    assert changed > 0.8 * len(builds)


@pytest.mark.parametrize("part", [0.3, 1.0])
def test_the_board_itself_starts_after_a_supply_that_failed(part, update, images):
    found = states(update)
    last = [build_in_files(files_of(state)) for state in found].index(images["new"].build)
    pico = EmulatedPico(find_pico_image())
    pico.mcu.flash[FILES_AT:FLASH_BYTES] = found[int(part * last) - 1]
    assert build_of(plug_in("pico", pico)) == images["old"].build


def build_in_files(files: Mapping[str, bytes]) -> str:
    """The build in force, by the files `ready` alone."""
    ready = [Ready.read(files.get(f"{slot}/ready", b"").decode()) for slot in "ab"]
    return max(ready, key=lambda one: one.number).build


@pytest.fixture
def cuts(request: pytest.FixtureRequest, update: Update) -> list[int]:
    """After how many bytes the cable is pulled: in the copying, in the last, tiny write, and as
    many more as are asked for."""
    switch = update.sent.index(b"f = open('b/ready'")
    number = int(request.config.getoption("--cuts", 0))
    spread = [(at + 1) * switch // (number + 1) for at in range(number)]
    return [switch // 2, switch + 20, *spread]


@pytest.mark.slow
def test_a_cable_pulled_anywhere_is_reported_and_the_next_flash_succeeds(cuts, trees, images):
    for cut in cuts:
        cable = board_with(installed(images["old"]))
        cable.pull_after = cut
        said = refusal(partial(run_flash, cable, trees["new"]))
        assert "the line was lost" in said
        assert "starts" in said and "after a reset" in said
        assert build_of(cable) == images["old"].build
    done = run_flash(cable, trees["new"])
    assert done.build == images["new"].build
    assert done.copied < len(images["new"].files), "what was there is not copied again"


def test_a_cable_pulled_before_the_board_is_stopped_changes_nothing(trees, images):
    cable = board_with(installed(images["old"]))
    cable.pull_after = 12
    before = cable.pico.files()
    said = refusal(lambda: run_flash(cable, trees["new"]))
    assert "the line was lost" in said
    assert cable.pico.files() == before


def test_ctrl_c_in_the_middle_of_a_command_lets_the_old_firmware_start(update, trees, images):
    cable = board_with(installed(images["old"]))
    carry, at = cable.carry, update.sent.index(b"f.write(raw('") + 100

    def carried(byte: int) -> None:
        if len(cable.sent) == at:
            cable.carry = carry  # type: ignore[method-assign]
            raise KeyboardInterrupt
        carry(byte)

    cable.carry = carried  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        run_flash(cable, trees["new"])
    assert build_of(cable) == images["old"].build
    assert cable.pico.resets == 1


def test_a_byte_damaged_on_the_wire_is_found_by_the_hash(update, trees, images):
    cable = board_with({**installed(images["old"], number=12), **{"b/unit.mpy": b"of another"}})
    content = update.sent.index(b"f.write(raw('")
    # The sixth bit of a base64 digit: 'B' becomes 'C', and so on.
    digit = re.compile(rb"[BDFHJLNPRTVXbdfhjlnprtvx]").search(update.sent, content + 60)
    assert digit
    offset = digit.start() - update.sent.index(b"f = open(")
    damage_when_it_comes(cable, offset)
    said = refusal(lambda: run_flash(cable, trees["new"]))
    assert "was damaged on the way to the board" in said
    assert said.endswith("the old firmware still starts")
    files = cable.pico.files()
    assert "b/unit.mpy" in files and "b/ready" not in files


def damage_when_it_comes(cable: Cable, offset: int) -> None:
    """Let a byte so far behind the beginning of the first file that is written arrive damaged."""
    carry = cable.carry

    def carried(byte: int) -> None:
        if cable.damage is None and cable.sent.endswith(b"f = open("):
            cable.damage = len(cable.sent) - len(b"f = open(") + offset
        carry(byte)

    cable.carry = carried  # type: ignore[method-assign]


# What is refused ----------------------------------------------------------------------------------


def test_a_wrong_board_is_refused_before_anything_is_written(trees, images):
    cable = board_with(installed(images["old"]))
    before = cable.pico.files()
    said = refusal(lambda: run_flash(cable, trees["new"], board_name="pico2"))
    assert "is a Raspberry Pi Pico with RP2040, not a pico2" in said
    assert cable.pico.files() == before


def test_a_full_flash_is_reported_before_anything_is_written(trees, images, monkeypatch):
    cable = board_with({**installed(images["old"]), "mine.bin": bytes(MINE_BYTES)})
    before = cable.pico.files()
    said = refusal(lambda: run_flash(cable, trees["new"]))
    assert re.search(r"the flash of the board is full: .* needs \d+ KiB and \d+ KiB are free", said)
    assert said.endswith("the old firmware still starts")
    assert cable.pico.files() == before

    monkeypatch.setattr(Install, "_expect_room", lambda self, there: None)
    said = refusal(lambda: run_flash(cable, trees["new"]))
    assert said == f"{URL}: the flash of the board is full; the old firmware still starts"
    after = cable.pico.files()
    assert {path: after[path] for path in before} == before and "b/ready" not in after


def test_a_unit_whose_beam_is_on_is_neither_stopped_nor_changed(trees, images):
    cable = board_with(installed(images["busy"]))
    said = refusal(lambda: run_flash(cable, trees["new"]))
    assert "the beam is on (ramp): stop it first" in said
    assert b"\x03" not in cable.sent
    assert build_of(cable) == images["busy"].build


def test_a_firmware_that_does_not_run_is_taken_out_again(trees, images):
    cable = board_with(installed(images["old"]))
    said = refusal(lambda: run_flash(cable, trees["crashing"], patience=Patience(back=4.0)))
    assert f"build {images['crashing'].build}, does not run on this board" in said
    assert said.endswith(f"build {images['old'].build} runs again")
    assert build_of(cable) == images["old"].build


def test_a_board_with_a_watchdog_that_cannot_be_stopped_is_stopped_all_the_same(tmp_path):
    start = START.replace(
        '    line = ""\n    while True:\n',
        '    line = ""\n    time.sleep_ms(1000)\n    import machine\n'
        "    watchdog = machine.WDT(timeout=500)\n    while True:\n        watchdog.feed()\n",
    )
    tree = stand_in(tmp_path, "6", start=start)
    cable = board_with(installed(image_of(tree)))
    cable.pico.run(2000)  # it is armed
    with RawPrompt(URL, Patience(), cable.clock()) as line:
        line.stop()
        assert cable.pico.resets == 1
        cable.pico.run(2000)
        assert line.run("print(1 + 1)") == b"2\r\n"
    assert cable.pico.resets == 1


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/nowhere/tty", "can't be opened (No such file or directory)"),
        ("warp://x", "can't be opened"),
        ("socket://127.0.0.1:1", "can't be opened"),
    ],
)
def test_a_port_that_is_none_is_told(url, words, trees):
    with pytest.raises(InputError, match=re.escape(words)):
        flash(url, source=trees["new"])


def test_a_device_that_never_answers_is_not_waited_for(trees):
    nobody, slave = pty.openpty()
    limits = Patience(hello=0.1, stop=0.1, again=0.1, give_up=0.2, answer=0.1, back=0.1)
    with pytest.raises(LostError, match="no MicroPython answers Ctrl-C"):
        flash(os.ttyname(slave), source=trees["new"], patience=limits)
    os.close(nobody)
    os.close(slave)
