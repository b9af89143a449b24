"""The front door: who may bring a command, and what becomes of output that nobody can take."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SHORT = ["--hours", "0.1", "--no-mqtt"]
COMMAND = '''"""The command `tubetwin hello`."""

import typer


def hello(name: str = "you") -> None:
    """Greet whoever looks."""
    print(f"hello {name}")
    raise typer.Exit(7)
'''
GROUP = '''"""The commands `tubetwin lamp on|off`."""

import typer

lamp = typer.Typer()


@lamp.command()
def on() -> None:
    print("lamp on")


@lamp.command()
def off() -> None:
    print("lamp off")
'''


@pytest.fixture
def distribution(tmp_path_factory, monkeypatch):
    """Install a distribution with these modules in its command package; called once a test."""
    folder = tmp_path_factory.mktemp("installed")

    def install(name: str, **modules: str) -> None:
        package = folder / f"{name}_commands"
        package.mkdir()
        for module, source in modules.items():
            (package / f"{module}.py").write_text(source)
        about = folder / f"{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[tubetwin.commands]\n{name} = {package.name}\n")

    monkeypatch.syspath_prepend(folder)
    yield install
    for module in [name for name in sys.modules if "_commands" in name]:
        del sys.modules[module]


# Commands of others ------------------------------------------------------------------------------


def test_another_distribution_brings_a_command_of_its_own(distribution, tubetwin):
    distribution("laba", __init__='PANEL = "Laboratory A"\n', hello=COMMAND, _helper="")
    assert tubetwin("hello", "--name", "tube") == (7, "hello tube\n", "")
    shown = tubetwin("--help")[1]
    assert "Laboratory A" in shown
    assert "Greet whoever looks." in shown
    assert shown.index("run  ") < shown.index("hello  ")


def test_a_module_may_hold_a_group_of_commands(distribution, tubetwin):
    distribution("labb", __init__="", lamp=GROUP)
    assert tubetwin("lamp", "off") == (0, "lamp off\n", "")


@pytest.mark.parametrize(
    ("modules", "reason"),
    [
        ({"__init__": "", "hello": "import no_such_module_here\n"}, "no_such_module_here"),
        ({"__init__": "1 / 0\n", "hello": COMMAND}, "division by zero"),
        ({"__init__": "", "hello": "raise SystemExit('stop')\n"}, "stop"),
        ({"__init__": "", "hello": "def other(): pass\n"}, "hello"),
        ({"__init__": "", "run": COMMAND.replace("hello", "run")}, "run"),
        ({"__init__": "", "hello": "def hello(:\n"}, "invalid syntax"),
    ],
)
def test_a_broken_one_is_one_line_and_all_other_commands_work(
    distribution, tubetwin, modules, reason
):
    distribution("labc", **modules)
    status, out, err = tubetwin("scenarios")
    assert status == 0
    assert "ramp" in out
    assert err.startswith("tubetwin: note: the commands of labc_commands are left out: ")
    assert reason in err
    assert err.count("\n") == 1


def test_each_module_of_a_command_package_is_a_command():
    import hil.cli
    import twin.cli.commands
    from twin.cli.main import front_door

    app = front_door()
    names = {getattr(one.callback, "__name__", "") for one in app.registered_commands}
    names |= {group.name for group in app.registered_groups}
    folders = [Path(package.__path__[0]) for package in (twin.cli.commands, hil.cli)]
    files = {path.stem for folder in folders for path in folder.glob("*.py")} - {"__init__"}
    assert names == files


# Output that nobody can take ---------------------------------------------------------------------

QUICK = [
    ["tubes"],
    ["tubes", "--json"],
    ["scenarios"],
    ["compare", "--json"],
    ["tube", "t.toml"],
    ["targets"],
    ["settings", "check", "kv=45"],
    ["flash", "--dry-run", "--board", "pico"],
    ["snapshot", "bench-short", "s.json", "--at", "3"],
    ["run", *SHORT],
    ["bench", "bench-short", "--no-mqtt"],
    ["--help"],
]


def unread():
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def full():
    return Path("/dev/full").open("w")


@pytest.mark.parametrize("command", QUICK, ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("stream", "reason"),
    [(unread, "Broken pipe"), (full, "No space left on device")],
    ids=["closed", "full"],
)
def test_results_that_nobody_can_take_are_one_line_and_change_no_exit_status(
    tubetwin, tmp_path, monkeypatch, command, stream, reason
):
    tube = Path(__file__).parents[2] / "twin" / "tube" / "built_in" / "cu-50w-air.toml"
    (tmp_path / "t.toml").write_text(tube.read_text())
    with stream() as taken:
        monkeypatch.setattr(sys, "stdout", taken)
        status, _, err = tubetwin(*command)
    assert status == 0
    assert err.count(f"tubetwin: note: standard output: {reason}\n") == 1
    assert "Traceback" not in err


def test_a_failed_check_keeps_its_exit_status_without_a_reader(tubetwin, monkeypatch):
    with full() as taken:
        monkeypatch.setattr(sys, "stdout", taken)
        status, _, _ = tubetwin("bench", "bench-short", "--no-mqtt", "--fault", "lamp@10")
    assert status == 1


@pytest.mark.parametrize("arguments", [["run", "rmap"], ["run", *SHORT], ["fly"]])
def test_errors_and_progress_that_nobody_can_take_change_no_exit_status(
    tubetwin, monkeypatch, arguments
):
    with full() as taken:
        monkeypatch.setattr(sys, "stderr", taken)
        status, out, _ = tubetwin(*arguments)
    assert (status, bool(out)) == ((0, True) if "--hours" in arguments else (2, False))


def test_a_process_without_standard_streams_does_its_work(tmp_path):
    code = "from twin.cli.main import main; main()"
    command = [sys.executable, "-c", code, "commission", "--out", "c.json"]
    line = '"$@" <&- >&- 2>&-'
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        ["sh", "-c", line, "sh", *command], cwd=tmp_path, env=os.environ | {"PYTHONPATH": root}
    )
    assert done.returncode == 0
    assert os.listdir(tmp_path) == ["c.json"]
