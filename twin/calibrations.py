"""Where a tube's calibration is kept: beside a built-in tube, or in the user's cache."""

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from twin.commission import VERSION, commission
from twin.tube import TUBES, Tube


def calibration_of(
    name: str, tube: Tube, progress: Callable[[float], None] = lambda part: None
) -> dict[str, float]:
    """Firmware settings that commissioning found for exactly this tube.

    A built-in tube brings them; any other is commissioned once, which takes some seconds, and
    remembered under the hash of its numbers.
    """
    key = f"{tube.fingerprint()}-{VERSION}"
    for path in (TUBES / f"{name}.calibration.json", _cached(key)):
        found = _read(path, key)
        if found is not None:
            return found
    found = commission(tube, progress)
    write_calibration(_cached(key), tube, found)
    return found


def write_calibration(path: Path, tube: Tube, settings: dict[str, float]) -> None:
    """Write a calibration file, whole or not at all. A cache that can't be written is no error."""
    document = {"tube": f"{tube.fingerprint()}-{VERSION}", "settings": settings}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=".", delete=False, encoding="utf-8"
        ) as file:
            file.write(json.dumps(document, indent=1, sort_keys=True) + "\n")
        os.replace(file.name, path)
    except OSError:
        return


def _cached(key: str) -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "tubetwin" / "calibrations" / f"{key}.json"


def _read(path: Path, key: str) -> dict[str, float] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return dict(document["settings"]) if document["tube"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
