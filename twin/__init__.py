"""The digital twin of a microfocus X-ray tube, with its control firmware.

    import twin

    result = twin.run("ramp", tube="cu-50w-air", seed=1, without=["thermal"])
    result.rms_true_percent
    result.frame
    result.report("out")

The names in `__all__` are public; docs/user/python.md shows their use. Each is imported at its
first use, so that `import twin` is fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.files.errors import InputError as InputError
    from twin.runs.by_hand import World as World
    from twin.runs.lookup import describe_tube as describe_tube
    from twin.runs.lookup import scenario as scenario
    from twin.runs.lookup import scenario_names as scenario_names
    from twin.runs.lookup import tubes as tubes
    from twin.runs.result import Result as Result
    from twin.runs.result import run as run
    from twin.verdict_words import Verdict as Verdict

__all__ = [
    "run",
    "Result",
    "Verdict",
    "World",
    "scenario",
    "scenario_names",
    "tubes",
    "describe_tube",
    "InputError",
]

_HOMES = {
    "run": "twin.runs.result",
    "Result": "twin.runs.result",
    "Verdict": "twin.verdict_words",
    "World": "twin.runs.by_hand",
    "scenario": "twin.runs.lookup",
    "scenario_names": "twin.runs.lookup",
    "tubes": "twin.runs.lookup",
    "describe_tube": "twin.runs.lookup",
    "InputError": "twin.files.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
