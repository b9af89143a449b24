"""Child process of laws_off.py: python -m twin.runs.laws_off_process.

Answers at once, so that the main run need not wait for the imports; then runs and records.
"""

import os
import pickle
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from twin.files import child

if TYPE_CHECKING:
    from twin.verdict import Frames


def main() -> None:
    """Read (pickled job, path), answer, record. Exit status 2 after an answer with the error."""
    child.ignore_interrupt()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # removes the partial file, too
    job, path = child.read_one(0)
    os.write(1, child.frame(("started",)))

    from twin.files.errors import InputError
    from twin.runs.laws_off import record_laws_off

    def stop_if_orphaned(_now_ms: int, _frames: "Frames") -> None:
        if child.orphaned():
            sys.exit(1)

    try:
        record_laws_off(pickle.loads(job), Path(path), stop_if_orphaned)
    except InputError as error:
        os.write(1, child.frame((str(error),)))
        sys.exit(2)


if __name__ == "__main__":
    main()
