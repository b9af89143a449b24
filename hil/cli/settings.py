"""The commands `tubetwin settings get|set|check`: settings and calibration of a unit."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from twin.cli import options
from twin.files.errors import InputError
from twin.files.json import print_json

PortOption = Annotated[
    str,
    typer.Option(
        metavar="URL",
        help="Serial port or pyserial URL of the unit, such as /dev/ttyACM0, COM3 or "
        "socket://host:port. auto: the only USB port that answers.",
    ),
]
TubeOption = Annotated[
    str | None,
    typer.Option(help="Begin with the [settings] of a built-in tube or a .toml file."),
]

settings = typer.Typer(
    no_args_is_help=True, help="Settings and calibration on a unit's flash: get, set, check."
)


@settings.command("get")
def get_(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]…", help="Default: all settings.")
    ] = None,
    port: PortOption = "auto",
    as_json: options.Json = False,
) -> None:
    """Print settings of a unit. `settings set --from` accepts the output of --json."""
    from hil.unit.console import connect

    with connect(port) as unit:
        values = unit.settings(names or ())
    if as_json:
        print_json({"port": unit.name, "settings": values})
        return
    width = max(map(len, values))
    for name, value in values.items():
        print(f"{name:{width}}  {value}")


@settings.command("set")
def set_(
    values: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]…", help="Such as kv=45 ma=0.9")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE.json",
            help="A calibration, from `tubetwin commission --out`.",
        ),
    ] = None,
    tube: TubeOption = None,
    port: PortOption = "auto",
    as_json: options.Json = False,
) -> None:
    """Store settings on a unit, all or none: checked by the unit, saved, read back, compared.

    NAME=VALUE replaces --from, and --from replaces --tube. The settings take effect at the unit's
    next reset. Its beam must be off.
    """
    from hil.unit.console import connect

    new = _gathered([*([str(source)] if source else []), *map(_assigned, values or ())], tube)
    if not new:
        raise InputError("settings set: nothing to set; give NAME=VALUE, --from or --tube")
    with connect(port) as unit:
        answer = unit.save(new)
    if as_json:
        print_json({"port": unit.name, "saved": new, "unit": answer})
    else:
        print(f"{unit.name}: {len(new)} settings stored and read back ({answer})")


@settings.command("check")
def check_(
    items: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE.json | NAME=VALUE]…", help="Settings; the last value counts."
        ),
    ] = None,
    tube: TubeOption = None,
    port: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Check on a unit, with its other settings. auto: as for get."
        ),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Check settings: names, limits, and their limits against each other.

    Without --port they are checked here, with the firmware's defaults or --tube. With --port and
    no settings, the unit reports whether it is set up: exit status 1 if not.
    """
    values = _gathered(items or (), tube)
    if port is None:
        if not values:
            raise InputError("settings check: give FILE.json, NAME=VALUE, --tube or --port")
        _check_here(values)
        _report(as_json, {"ok": True, "settings": len(values)}, f"{len(values)} settings: ok")
        return
    from hil.unit.console import connect

    with connect(port) as unit:
        if values:
            unit.check(values)
        else:
            status = unit.status()
    if values:
        document = {"port": unit.name, "ok": True, "settings": len(values)}
        _report(as_json, document, f"{unit.name}: {len(values)} settings: ok")
        return
    stored, why = status.get("stored") is True, str(status.get("store", ""))
    line = f"{unit.name}: {'set up' if stored else 'not set up'}" + (f": {why}" if why else "")
    _report(as_json, {"port": unit.name, "ok": stored, "store": why}, line)
    raise typer.Exit(0 if stored else 1)


def _gathered(items: Iterable[str], tube: str | None) -> dict[str, float]:
    """Values by name from a tube's settings and then each FILE.json or NAME=VALUE in turn."""
    values: dict[str, float] = {}
    if tube is not None:
        from twin.tube.tube import load_tube

        values.update(load_tube(tube)[1].firmware_settings().values())
    for item in items:
        values.update(_one(item) if re.match(r"\w+=", item) else _read(Path(item)))
    return values


def _assigned(item: str) -> str:
    if not re.match(r"\w+=", item):
        raise InputError(f"{item}: write NAME=VALUE, such as kv=45; give a file with --from")
    return item


def _one(item: str) -> dict[str, float]:
    name, _, text = item.partition("=")
    try:
        return _numbers({name: float(text)})
    except ValueError:
        raise InputError(f"{item}: {text!r} is not a number; write {name}=0.98") from None


def _read(path: Path) -> dict[str, float]:
    """The settings in a calibration, or in a plain object of names and values."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: is not JSON; give a file of `tubetwin commission`") from None
    values = document.get("settings", document) if isinstance(document, dict) else None
    if not isinstance(values, dict) or not values:
        raise InputError(f'{path}: has no settings; write {{"settings": {{"kv": 45.0}}}}')
    try:
        return _numbers(values)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _numbers(values: dict[str, Any]) -> dict[str, float]:
    """The values. Raises InputError if one is not a finite number; the unit checks the names."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"{name} is {value!r}, not a number")
        if not abs(value) < 1e300:
            raise InputError(f"{name} is {value!r}, not a finite number")
    return values


def _check_here(values: dict[str, float]) -> None:
    from firmware.settings import Settings

    tried = Settings()
    try:
        tried.load(values)
    except ValueError as error:
        raise InputError(f"{error}; the names are in docs/board/settings.md") from None
    if problem := tried.problem():
        raise InputError(f"{problem[0]}: {problem[1]}")


def _report(as_json: bool, document: dict[str, Any], line: str) -> None:
    if as_json:
        print_json(document)
    else:
        print(line)
