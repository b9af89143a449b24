"""The very steps of `tubetwin flash` against the real image on an emulated board, by mpremote.

What is flashed here is a stand-in of a kilobyte; tests/system/test_cli_flash.py takes the real
firmware, over a socket.
"""

import os
import pty
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from littlefs import LittleFS, UserContext

from hil.console import ConsoleClient, LostError, open_port
from hil.emulated_pico import BLOCK_BYTES, BLOCKS, FILES_AT, FLASH_BYTES, EmulatedPico
from hil.flash import Flashed, check, choose, flash, named_boards
from hil.flash_board import BoardLine, Facts, Patience
from hil.flash_image import BOARDS, MAIN, Image, compile_tree, make_image
from hil.flash_slots import Install, Ready, slot_to_write
from hil.interpreters import find_micropython, find_pico_image
from tests.hil.protocol_emulated import Cable, plug_in
from tests.hil.stand_in import START, stand_in
from twin.errors import InputError

URL = "emulated://pico"
MINE_BYTES = 1_392_000  # leaves some blocks of the 352


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Source trees of small firmwares, by name."""
    folder = tmp_path_factory.mktemp("trees")
    crash = START.replace("serve({", "raise_({", 1)
    return {
        "old": stand_in(folder / "old", "1"),
        "new": stand_in(folder / "new", "2"),
        "busy": stand_in(folder / "busy", "3", state="ramp"),
        "broken": stand_in(folder / "broken", "4", start="import nothing_of_that_name\n"),
        "crashing": stand_in(folder / "crashing", "5", start=crash),
    }


@pytest.fixture(scope="module")
def images(trees: dict[str, Path]) -> dict[str, Image]:
    return {
        name: make_image(compile_tree(path), "pico", source=path) for name, path in trees.items()
    }


def installed(image: Image, slot: str = "a", number: int = 1) -> dict[str, bytes]:
    """The files of a board on which an image has been flashed."""
    files = {f"{slot}/{path}": content for path, content in image.files.items()}
    ready = str(Ready(number, image.build)).encode()
    return {"main.py": MAIN, f"{slot}/ready": ready, **files}


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


def started_from(files: Mapping[str, bytes], folder: Path) -> str:
    """What main.py prints that starts from these files, on a real MicroPython, asked `version`."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    interpreter = str(find_micropython("single").absolute())
    done = subprocess.run(
        [interpreter, "main.py"], cwd=folder, input="version\n", capture_output=True, text=True
    )
    assert done.stderr == ""
    return done.stdout


def build_in(said: str) -> str:
    found = re.search(r'"build": "(\w+)"', said)
    return found[1] if found else said


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
def test_a_cable_pulled_anywhere_is_told_and_the_next_flash_succeeds(cuts, trees, images):
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
    assert "is not on the board as it was sent" in said
    assert said.endswith("what was on the board still starts")
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
    said = refusal(lambda: run_flash(cable, trees["new"], wanted_board="pico2"))
    assert "is a Raspberry Pi Pico with RP2040, not a pico2" in said
    assert cable.pico.files() == before


def test_a_full_flash_is_told_before_anything_is_written(trees, images, monkeypatch):
    cable = board_with({**installed(images["old"]), "mine.bin": bytes(MINE_BYTES)})
    before = cable.pico.files()
    said = refusal(lambda: run_flash(cable, trees["new"]))
    assert re.search(r"the flash of the board is full: .* needs \d+ KiB and \d+ KiB are free", said)
    assert said.endswith("what was on the board still starts")
    assert cable.pico.files() == before

    monkeypatch.setattr(Install, "_expect_room", lambda self, there: None)
    said = refusal(lambda: run_flash(cable, trees["new"]))
    assert said == f"{URL}: the flash of the board is full; what was on the board still starts"
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


def test_a_watchdog_that_nobody_can_stop_does_not_keep_the_board_from_being_stopped(tmp_path):
    start = START.replace(
        '    line = ""\n    while True:\n',
        '    line = ""\n    time.sleep_ms(1000)\n    import machine\n'
        "    watchdog = machine.WDT(timeout=500)\n    while True:\n        watchdog.feed()\n",
    )
    tree = stand_in(tmp_path, "6", start=start)
    cable = board_with(installed(make_image(compile_tree(tree), "pico", source=tree)))
    cable.pico.run(2000)  # it is armed
    with BoardLine(URL, Patience(), cable.clock()) as line:
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


# Which board, which slot, which build -------------------------------------------------------------

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
    assert choose("x", is_it, BOARDS).name == name
    for board in BOARDS:
        if board.name == name:
            assert choose("x", is_it, (board,)) is board
        else:
            with pytest.raises(InputError, match=f"is a {machine}, not a {board.name}$"):
                choose("x", is_it, (board,))


def test_another_board_with_the_same_chip_is_taken_only_if_it_is_named():
    feather = facts(machine="Adafruit Feather RP2040 with RP2040")
    assert choose("x", feather, BOARDS[:1]).name == "pico"
    with pytest.raises(InputError, match="is a Adafruit Feather"):
        choose("x", feather, BOARDS)


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
        make_image(compiled, "pico", bench=True, source=trees["old"]),
        images["new"],
    ]
    assert len({same.build, *(image.build for image in others)}) == 4
    assert all(image.build.encode() in image.files["unit.mpy"] for image in others)


def test_a_source_that_does_not_compile_is_told(tmp_path):
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


def test_a_bench_board_starts_the_bench_entry(trees, tmp_path):
    source = trees["old"]
    image = make_image(compile_tree(source), "pico", bench=True, source=source)
    assert '"bench": true' in started_from(installed(image), tmp_path / "1")
