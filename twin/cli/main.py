"""The command line `tubetwin`: finds the commands and reports errors in one line.

The commands are the modules of the packages that the entry points of the group `tubetwin.commands`
name. So the twin does not import the bench, and another distribution can add commands of its own.
"""

import signal
import sys
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules

import typer

from twin.files.errors import InputError

COMMANDS = "tubetwin.commands"
FIRST = "run"
INTERRUPTED = 130  # as the shell says it


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
    found = {}
    for entry in entry_points(group=COMMANDS):
        package = entry.load()
        for module in iter_modules(package.__path__):
            found[module.name] = f"{package.__name__}.{module.name}"
    for name in sorted(found, key=lambda name: (name != FIRST, name)):
        import_module(found[name]).register(app)
    return app


def main() -> None:
    """Entry point: every error a user can mend is one line on stderr and exit status 2."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing is left behind
    try:
        status = front_door()(standalone_mode=False) or 0
    except InputError as error:
        sys.exit(_complain(str(error)))
    except (typer.Abort, KeyboardInterrupt):
        status = INTERRUPTED
    except Exception as error:
        message = getattr(error, "format_message", None)  # click's own usage errors
        if message is None:
            raise
        sys.exit(_complain(f"{message()} Try `tubetwin --help`."))
    if status == INTERRUPTED:
        _complain("interrupted")
    sys.exit(status)


def _complain(line: str) -> int:
    print(f"tubetwin: {' '.join(line.split())}", file=sys.stderr)
    return 2
