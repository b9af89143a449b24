"""A tube stepped by hand from Python: `twin.World`."""

import math
import os
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from firmware.controller import STATES
from firmware.interlocks import NAMES
from twin.files.errors import InputError
from twin.plant.ambient import Ambient
from twin.plant.plant import TICK_MS
from twin.recording.columns import TRUTH, row
from twin.runs.lookup import changed
from twin.runs.prepare import prepare
from twin.runs.run import build_world
from twin.scenarios.room_file import LONGEST_S
from twin.scenarios.scenario import LONGEST_H, Scenario, load_scenario
from twin.tube.tube import DEFAULT_TUBE, Tube
from twin.world.faults import Fault

SAFE_WITHIN_S = 1.0
NOT_NOW = ("now_ms", "intensity")  # the intensity is a mean over time


class World:
    """A tube, its room and its firmware, stepped by hand.

    Use it in a ``with`` block: at its end the high voltage is off. Time passes only in `step`.
    The steps of the scenario are not made; you are the operator.

    Parameters
    ----------
    scenario : str, os.PathLike or Scenario
        It gives the room, the beam path and settings of the firmware. A tube that is on
        ("warm") is here warm and just switched off. After the end of the scenario the room stays
        as it was then.
    tube : str, os.PathLike or Tube
        A built-in tube, see `twin.tubes`, a .toml file, or what `twin.describe_tube` returned.
    seed : int
        Seed of all noise and drift, 0 or more.
    ambient : str or os.PathLike, optional
        A CSV file with the conditions of a room, see `twin.scenario`.
    settings : mapping of str to float, optional
        Settings of the firmware that replace those of the tube; the unit is the ending of a name.

    Raises
    ------
    InputError
        If an argument is not usable.

    See Also
    --------
    run : A whole scenario, with a verdict.

    Examples
    --------
    >>> import twin
    >>> with twin.World("bench-short") as world:
    ...     world.step(1.0)
    ...     world.command(run=True)
    ...     world.step(8.0)
    ...     world.state
    'beam'
    """

    def __init__(
        self,
        scenario: str | os.PathLike[str] | Scenario = "bench-short",
        *,
        tube: str | os.PathLike[str] | Tube = DEFAULT_TUBE,
        seed: int = 1,
        ambient: str | os.PathLike[str] | None = None,
        settings: Mapping[str, float] | None = None,
    ):
        chosen = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
        chosen = changed(chosen, None, ambient, settings)
        start = "rest" if chosen.start == "warm" else chosen.start
        endless = {"start": start, "duration_h": LONGEST_H, "step": ()}
        chosen = chosen.with_room(_endless(chosen.room())).model_copy(update=endless)
        job = prepare(
            chosen, tube if isinstance(tube, Tube) else os.fspath(tube), None, None, seed, ()
        )
        self._world = build_world(job)
        self._closed = False

    def __repr__(self) -> str:
        return f"<twin.World {self.state} at {self.time_s:.2f} s>"

    def __enter__(self) -> "World":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def time_s(self) -> float:
        """Simulated time since the start, in s."""
        return 0.001 * self._world.plant.now_ms

    @property
    def state(self) -> str:
        """State of the firmware: off, preheat, ramp, beam or tripped."""
        return STATES[self._world.condition]

    @property
    def trip(self) -> str:
        """First cause of the last trip, such as "chain-a"; empty if there was none."""
        return str(NAMES.get(self._world.trip, ""))

    @property
    def energised(self) -> bool:
        """Whether the high voltage is enabled, as the generator sees it."""
        return bool(self._world.plant.hv_enable)

    def step(self, seconds: float = 0.01) -> None:
        """Let simulated time pass.

        Parameters
        ----------
        seconds : float
            How long, in s; rounded to whole ticks of 10 ms.

        Raises
        ------
        InputError
            If that is not a time to pass, or the world is closed.
        """
        self._check_open()
        if not (math.isfinite(seconds) and 0.0 <= seconds <= LONGEST_S):
            raise InputError(f"{seconds:g} s: give a number of seconds, 0 or more")
        self._advance(round(1000.0 * seconds / TICK_MS) * TICK_MS)

    def command(
        self, run: bool | None = None, kv: float | None = None, ma: float | None = None
    ) -> None:
        """Give the command of the operator; what is not given stays as it is.

        Parameters
        ----------
        run : bool, optional
            True requests the beam, False no beam. The beam starts when the firmware sees the
            change from False to True, also after a trip: `step` once with False before a start.
        kv : float, optional
            Requested tube voltage, in kV.
        ma : float, optional
            Requested emission current, in mA.

        Raises
        ------
        InputError
            If a value is not a number of 0 or more, or the world is closed.
        """
        self._check_open()
        for name, value in (("kv", kv), ("ma", ma)):
            if value is not None and not (math.isfinite(value) and value >= 0.0):
                raise InputError(f"{name} {value:g}: give a number, 0 or more")
        command = self._world.command
        command.kv = command.kv if kv is None else kv
        command.ma = command.ma if ma is None else ma
        command.run = command.run if run is None else run

    def readings(self) -> dict[str, Any]:
        """Return what the firmware reads and does, in physical units.

        Returns
        -------
        dict
            Names with units to numbers and words, such as kv, ma, head_temperature_c,
            fan_percent and state: with the errors and the noise of the sensors. They are those of
            the last tick, so `step` first.
        """
        return self._world.readings()

    def truth(self) -> dict[str, float]:
        """Return the true values of the twin now, which no firmware knows.

        Returns
        -------
        dict of str to float
            Names with units to numbers: temperatures of anode, head, mount, electronics and
            room, tube voltage in kV, emission current in mA, displacement of the focal spot in um.
        """
        values = row(self._world.plant.now_ms, self._world, 0.0)
        return {
            column.name: float(value)
            for column, value in zip(TRUTH, values, strict=False)
            if column.name not in NOT_NOW
        }

    def inject(self, kind: str, signal: str = "", raw: int = 0) -> None:
        """Make a fault at the seam between firmware and plant, from the next tick on.

        Parameters
        ----------
        kind : str
            One of the kinds in docs/user/scenarios.md, such as "chain-a", "fan" or "stale-head".
        signal : str
            For "stuck" and "offset": the input signal, see docs/contributing/signals.md.
        raw : int
            For "stuck" and "offset": the raw counts.

        Raises
        ------
        InputError
            If there is no such fault, or the world is closed.
        """
        self._check_open()
        self._world.faults.make(Fault(kind, signal, raw))

    def clear(self, kind: str | None = None) -> None:
        """End a fault, or all of them.

        Parameters
        ----------
        kind : str, optional
            The kind that `inject` was given; for "stuck" and "offset" with the signal behind it,
            as "stuck head_temperature_raw". All faults if it is not given.

        Raises
        ------
        InputError
            If the world is closed.
        """
        self._check_open()
        self._world.faults.clear(kind)

    def close(self) -> None:
        """Switch the beam off and wait until the high voltage is disabled; done by ``with``.

        Raises
        ------
        RuntimeError
            If the high voltage stays enabled.
        """
        if self._closed:
            return
        self._world.command.run = False
        for _ in range(round(1000.0 * SAFE_WITHIN_S) // TICK_MS):
            self._advance(TICK_MS)
            if not self.energised:
                break
        self._closed = True
        if self.energised:
            raise RuntimeError(f"the high voltage is still enabled {SAFE_WITHIN_S:g} s after stop")

    def _advance(self, length_ms: int) -> None:
        if length_ms:
            self._world.run(self._world.plant.now_ms + length_ms)

    def _check_open(self) -> None:
        if self._closed:
            raise InputError("this world is closed; make another")


def _endless(room: Ambient) -> Ambient:
    """The same room, which after its end stays as it was then."""
    if room.repeat or room.duration_s >= LONGEST_S:
        return room
    return Ambient(
        [*room.time_s, LONGEST_S],
        [*room.temperature_c, room.temperature_c[-1]],
        [*room.pressure_hpa, room.pressure_hpa[-1]],
        [*room.humidity_percent, room.humidity_percent[-1]],
    )
