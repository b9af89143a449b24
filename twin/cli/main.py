"""The command line `tubetwin`: finds the commands and reports errors in one line.

The entry points of the group `tubetwin.commands` name packages. Each module in such a package is a
command: it holds a function of its own name, or a typer.Typer of that name for a group of commands.
Modules whose names begin with _ are none. So the twin does not import the bench, and another
distribution can add commands. A package's PANEL is the heading of its commands in `--help`.
"""

import signal
import sys
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from types import FrameType

import typer

from twin.cli.output import forgiving_streams, note
from twin.files.errors import InputError

COMMANDS = "tubetwin.commands"
OURS = "tubetwin"
FIRST = "run"
RETRY_S = 0.01
INTERRUPTED = 130  # as a shell reports it


def front_door() -> typer.Typer:
    """The command line with all commands that are installed, `run` first."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help="Digital twin and control firmware of an air-cooled microfocus X-ray tube.",
        epilog="Exit status: 0 the limit held; 1 it did not, or the firmware tripped; "
        "2 unusable input.",
    )
    commands: dict[str, tuple[typer.Typer | object, str]] = {}
    for entry in sorted(entry_points(group=COMMANDS), key=_is_foreign):
        try:
            _collect(entry, commands)
        except (Exception, SystemExit) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            note(f"the commands of {entry.value} are left out: {reason}; repair or uninstall it")
    for name in sorted(commands, key=lambda name: (name != FIRST, name)):
        command, panel = commands[name]
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name, rich_help_panel=panel)
        else:
            app.command(rich_help_panel=panel)(command)  # type: ignore[type-var]
    return app


def _is_foreign(entry: EntryPoint) -> bool:
    return entry.dist is None or entry.dist.name != OURS


def _collect(entry: EntryPoint, commands: dict[str, tuple[typer.Typer | object, str]]) -> None:
    """Add the commands of one package, all or none."""
    package = entry.load()
    panel = getattr(package, "PANEL", entry.name)
    found: dict[str, tuple[typer.Typer | object, str]] = {}
    for module in iter_modules(package.__path__):
        name = module.name
        if name.startswith("_"):
            continue
        if name in commands:
            raise ValueError(f"there is a command {name} already")
        found[name] = getattr(import_module(f"{package.__name__}.{name}"), name), panel
    commands.update(found)


def main() -> None:
    """Entry point: every error a user can repair is one line on stderr and exit status 2."""
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
        if signal.getsignal(kind) is not signal.SIG_IGN:  # as nohup and background jobs have it
            signal.signal(kind, _interrupt)
    with forgiving_streams():
        status = _run()
    sys.exit(status)


def _run() -> int:
    """The command that was typed; its exit status."""
    try:
        status: int = front_door()(standalone_mode=False) or 0
    except InputError as error:
        return _complain(str(error))
    except (typer.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    except Exception as error:
        message = getattr(error, "format_message", None)  # click's own usage errors
        if message is None:
            raise
        return _complain(f"{message()} Try `tubetwin --help`.")
    if status == INTERRUPTED:
        _complain("interrupted")
    return status


def _complain(line: str) -> int:
    print(f"tubetwin: {' '.join(line.split())}", file=sys.stderr)
    return 2


def _interrupt(_kind: int, frame: FrameType | None) -> None:
    """Ctrl-C, or a signal that cancels a job: KeyboardInterrupt, so nothing is left behind.

    Raised in the callback of a weak reference or in `__del__` it would only be printed and lost;
    there it is put off for a moment.
    """
    code = frame.f_code if frame else None
    if code and (code.co_name == "__del__" or code.co_filename.endswith("weakref.py")):
        signal.setitimer(signal.ITIMER_REAL, RETRY_S)
        return
    raise KeyboardInterrupt
