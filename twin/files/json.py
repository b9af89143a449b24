"""JSON output: `--json` of every command, and the files beside a report."""

import json
import math
from typing import Any


def plain(value: Any) -> Any:
    """The same value with None for NaN and infinity, which JSON lacks. Tuples become lists."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def print_json(document: Any) -> None:
    """Print one line on standard output, in ASCII, so that every terminal can print it."""
    print(json.dumps(plain(document)), flush=True)
