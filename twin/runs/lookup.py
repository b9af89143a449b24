"""Tubes and scenarios by name, for Python: `twin.tubes()`, `twin.scenario(...)`."""

import math
import os
from collections.abc import Mapping
from pathlib import Path

from firmware.settings import Settings
from twin.files.errors import InputError
from twin.files.toml import nearest
from twin.scenarios.scenario import Scenario, builtin_scenarios, load_scenario
from twin.tube.tube import Tube, builtin_tubes, load_tube


def tubes() -> list[str]:
    """List the names of the built-in tubes.

    Returns
    -------
    list of str
        The names in alphabetical order; each can be given to `twin.run` as `tube`.

    Examples
    --------
    >>> import twin
    >>> "cu-50w-air" in twin.tubes()
    True
    """
    return builtin_tubes()


def describe_tube(name_or_path: str | os.PathLike[str]) -> Tube:
    """Load the description of a tube: each parameter with its unit, source and range.

    Parameters
    ----------
    name_or_path : str or os.PathLike
        A built-in tube, see `twin.tubes`, or a .toml file as in docs/user/tubes.md.

    Returns
    -------
    twin.tube.tube.Tube
        The checked description. A parameter has `value`, `source` and `range`; its unit is the
        ending of its name, as in ``description.heat.head_capacity_j_per_k.value``.

    Raises
    ------
    InputError
        If there is no such tube, or the file is not a usable description.

    Examples
    --------
    >>> import twin
    >>> twin.describe_tube("cu-50w-air").heat.cooling
    'air'
    """
    return load_tube(os.fspath(name_or_path))[1]


def scenario_names() -> list[str]:
    """List the names of the built-in scenarios.

    Returns
    -------
    list of str
        The names in alphabetical order; each can be given to `twin.run` as `scenario`.

    Examples
    --------
    >>> import twin
    >>> "ramp" in twin.scenario_names()
    True
    """
    return builtin_scenarios()


def scenario(
    name_or_path: str | os.PathLike[str] = "ramp",
    *,
    hours: float | None = None,
    ambient: str | os.PathLike[str] | None = None,
    settings: Mapping[str, float] | None = None,
) -> Scenario:
    """Load a scenario, and change its length, its room or the settings of the firmware.

    Parameters
    ----------
    name_or_path : str or os.PathLike
        A built-in scenario, see `twin.scenario_names`, or a .toml file as in
        docs/user/scenarios.md.
    hours : float, optional
        Simulated hours, if shorter than the scenario.
    ambient : str or os.PathLike, optional
        A CSV file with the conditions of a room, instead of those of the scenario. Its columns are
        time_s, temperature_c and, optional, pressure_hpa and humidity_percent.
    settings : mapping of str to float, optional
        Settings of the firmware that replace those of the tube; the unit is the ending of a name.

    Returns
    -------
    twin.scenarios.scenario.Scenario
        The checked scenario, which `twin.run` and `twin.World` take in place of a name.

    Raises
    ------
    InputError
        If there is no such scenario or setting, or the files are not usable.

    Examples
    --------
    >>> import twin
    >>> twin.scenario("ramp", hours=0.5).duration_h
    0.5
    """
    return changed(load_scenario(name_or_path), hours, ambient, settings)


def changed(
    chosen: Scenario,
    hours: float | None = None,
    ambient: str | os.PathLike[str] | None = None,
    settings: Mapping[str, float] | None = None,
) -> Scenario:
    """The scenario with another length, another room, other settings. InputError."""
    if ambient is not None:
        chosen = chosen.with_ambient(Path(ambient), hours)
    elif hours is not None:
        chosen = chosen.with_hours(hours)
    known = Settings().values()
    for name, value in (settings or {}).items():
        if name not in known:
            raise InputError(f"settings: {name!r} is unknown; {nearest(name, known)}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"settings: {name} is not a number; give a number")
        if not math.isfinite(value):
            raise InputError(f"settings: {name} is not finite; give a finite number")
    if settings:
        chosen = chosen.model_copy(update={"settings": {**chosen.settings, **settings}})
    return chosen
