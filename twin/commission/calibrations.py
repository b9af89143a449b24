"""Where a tube's calibration is kept: beside a built-in tube, or in the user's cache."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from twin.commission.commission import VERSION, commission
from twin.files.errors import InputError
from twin.files.whole import write_whole
from twin.tube.tube import TUBES, Tube


def calibration_of(
    name: str, tube: Tube, progress: Callable[[float], None] = lambda part: None
) -> dict[str, float]:
    """Firmware settings that commissioning found for exactly this tube.

    A built-in tube brings them; any other is commissioned once, which takes some seconds, and
    remembered under the hash of its numbers. A cache that can't be read or written is no error.
    """
    key = f"{tube.fingerprint()}-{VERSION}"
    cached = _cached(key)
    for path in (TUBES / f"{name}.calibration.json", cached):
        found = _read(path, key, tube) if path else None
        if found is not None:
            return found
    found = commission(tube, progress)
    if cached:
        with suppress(InputError):
            write_calibration(cached, tube, found)
    return found


def write_calibration(path: Path, tube: Tube, settings: dict[str, float], option: str = "") -> None:
    """Write a calibration file, whole or not at all. InputError if it can't be written.

    option : of the command line that names the file, for the message
    """
    document = {"tube": f"{tube.fingerprint()}-{VERSION}", "settings": settings}
    write_whole(path, json.dumps(document, indent=1, sort_keys=True) + "\n", option, True)


def _cached(key: str) -> Path | None:
    """The file in the user's cache; None where a user has no home."""
    try:
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        return None
    return Path(cache) / "tubetwin" / "calibrations" / f"{key}.json"


def _read(path: Path, key: str, tube: Tube) -> dict[str, float] | None:
    """The settings in the file; None if there is none, or it is not fit to be used."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["tube"] != key:
            return None
        found = dict(document["settings"])
        settings = tube.firmware_settings()
        settings.load(found)
        return None if settings.problem() else found
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
