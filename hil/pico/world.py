"""The emulated Pico as a world: the real image, chips on its buses, the same plant.

The board's clock controls the twin. Plant and firmware are connected only by pins and buses; they
are not stepped together. The console carries the commands and the state of the firmware.
"""

from typing import Any

from firmware.boards.board_table import PICO
from firmware.controller import STATES, TRIPPED
from firmware.interlocks import NAMES
from firmware.signals import Command, Inputs, Outputs
from firmware.ticks import MASK
from hil.link.link import LinkError
from hil.micropython.interpreters import find_pico_image
from hil.pico.console import Answer, PicoConsole
from hil.pico.emulated import MS
from hil.pico.unit import PicoUnit, unit_files
from hil.wiring.plan import WiringPlan, load_plan
from twin.files.errors import InputError
from twin.plant.plant import TICK_MS
from twin.runs.job import Job
from twin.runs.run import build_world
from twin.world.board import TwinBoard
from twin.world.faults import Fault, Faults
from twin.world.world import World

PLAN = "emulated-pico"  # in hil/wiring/built_in/
BOOT_MS = 6000  # limit from power-up to the first status
LONGEST_MS = 300_000
AFTER_TICK_NS = 1000  # from the plant's tick of a time to the other events of the same time
STARTED_NS = 300 * MS  # from the command `run` until the firmware has left its last trip
CODES = {"": 0} | {name: code for code, name in NAMES.items()}


class PicoWorld(World):
    """A run on the emulated Pico. Raises InputError for a job that can't run on it.

    The job's settings are in the board's flash. The board boots before the first tick of the run;
    then the plant is set back to its state before the boot. Raises LinkError if the board does not
    answer any more.

    unit    : board and chips; unit.enabled has the enable line's changes, see ms_of()
    console : the board's console
    """

    def __init__(self, job: Job):
        _refuse(job)
        base = build_world(job)
        firmware = PicoFirmware()
        super().__init__(base.plant, firmware, base.command, TwinBoard(base.plant))
        self.faults = faults = PicoFaults(self.inputs, load_plan(PLAN))
        for step in (*job.scenario.step, *job.faults):
            if step.fault:
                self.faults.refuse(step.made())  # before the boot, which takes half a minute
        self.unit = PicoUnit(find_pico_image(), unit_files(job.settings()), self.plant)
        self.console = firmware.console = PicoConsole(self.unit.pico.send)
        self._firmware = firmware
        faults.unit = self.unit
        self._begin_ns = 0
        self._run = False
        self._run_ns = 0
        self._trip_noted = False
        self._untripped_ns = 0
        self._changes = 0  # of the enable line, after which a status was requested
        self._boot()

    def ask(self, answer: Answer) -> None:
        """Call answer(condition, name of the trip) after the console's answer, in about 0.2 s."""
        self.console.ask(answer)

    def load(self, state: dict[str, Any]) -> None:
        self._firmware.load(state)  # refuses, before anything is changed

    def ms_of(self, ns: float) -> float:
        """The time of the run in ms at the emulator's time `ns`."""
        return (ns - self._begin_ns) / MS

    def _boot(self) -> None:
        """Run from power-up until the console answers; then set the plant back to the start."""
        plant = self.plant
        state = plant.state()
        end_ms = plant.now_ms + BOOT_MS
        self.console.ask()
        self._begin_ns = AFTER_TICK_NS - plant.now_ms * MS
        while not self.console.status:
            if plant.now_ms >= end_ms:
                raise LinkError(
                    f"the emulated board sent no status within {BOOT_MS / 1000:g} s after power-up"
                )
            self._tick_until(plant.now_ms + TICK_MS)
        booted_ms = plant.now_ms
        plant.load(state)
        self._begin_ns += (booted_ms - plant.now_ms) * MS
        self._look()

    def _advance_to(self, time_ms: int) -> None:
        """Run the emulator until `time_ms`, which may be between two ticks."""
        self._obey()
        plant = self.plant
        while self.ms_of(self.unit.pico.now_ns) < time_ms:
            self._tick_until(min(time_ms, plant.now_ms + TICK_MS))

    def _tick_until(self, time_ms: int) -> None:
        pico = self.unit.pico
        end_ns = self._begin_ns + time_ms * MS
        pico.run((end_ns - pico.now_ns) / MS)
        self._look()
        self.console.turn(pico.now_ns // MS, pico.take_lines(), bytes(pico.received))
        if self._changes != len(self.unit.enabled):
            self._changes = len(self.unit.enabled)
            self.console.ask()
        if self.condition != TRIPPED:
            self._untripped_ns = self.console.state_ms * MS
        elif not self._trip_noted:
            self._note_trip()

    def _note_trip(self) -> None:
        """Set the time of the trip, once for each start, on the first status that reports it.

        The time of a trip is the last fall of the enable line. If the high voltage was off, it is
        the time of the last status without a trip.
        """
        if self.console.state_ms * MS < self._run_ns + STARTED_NS:
            return
        self._trip_noted = True
        falls = [ns for ns, high in self.unit.enabled if not high and ns >= self._run_ns]
        at_ns = falls[-1] if falls else max(self._untripped_ns, self._run_ns)
        self._firmware.trip_ms = int(self.ms_of(at_ns)) & MASK

    def _obey(self) -> None:
        """Send the commands that have changed since the last call."""
        command = self.command
        if command.hold:
            raise InputError("--without: the emulated Pico can hold no law; choose another target")
        if command.run != self._run:
            self._run = command.run
            if command.run:
                self._run_ns = self.unit.pico.now_ns
                self._trip_noted = False
                self.console.command(f"run {command.kv!r} {command.ma!r}")
            else:
                self.console.command("stop")

    def _look(self) -> None:
        """Load inputs from the chips' values, outputs from the pins and the DAC."""
        self.faults.in_front_of(self.board).read(self.inputs)
        plant, outputs, pico = self.plant, self.outputs, self.unit.pico
        outputs.hv_enable = int(pico.level(PICO["hv_enable"]))
        outputs.lamp_on = int(pico.level(PICO["lamp"]))
        outputs.kv_program_raw = plant.kv_program_raw
        outputs.grid_program_raw = plant.grid_program_raw
        outputs.filament_program_raw = plant.filament_program_raw
        outputs.fan_program_raw = plant.fan_program_raw
        outputs.state = self.condition
        outputs.trip = self.trip


class PicoFirmware:
    """The firmware on the emulated board (twin/world/seam.py), from the last report of its console.

    trip_ms : time when the enable line fell; if it was off, time of the last status without a trip
    """

    console: PicoConsole

    def __init__(self) -> None:
        self.trip_ms = 0

    @property
    def condition(self) -> int:
        """State in the last status, requested by `ask` and after a change of the enable line."""
        return STATES.index(self.console.state)

    @property
    def trip(self) -> int:
        return CODES[self.console.trip]

    @property
    def trim(self) -> float:
        return float(self.console.status["trim"])

    def readings(self, inputs: Inputs, outputs: Outputs) -> dict[str, Any]:
        """The last status of the console."""
        return dict(self.console.status)

    def step(self, now_ms: int, inputs: Inputs, outputs: Outputs, command: Command) -> None:
        """Its ticks are those of the emulated board's clock."""
        raise RuntimeError("the firmware on the emulated Pico can't be stepped")

    def state(self) -> dict[str, Any]:
        raise InputError("the emulated Pico's state can't be saved; choose another target")

    def load(self, state: dict[str, Any]) -> None:
        raise InputError("the emulated Pico can't continue a snapshot; choose another target")


class PicoFaults(Faults):
    """The faults of a wiring plan, made on pins and buses."""

    unit: PicoUnit

    def __init__(self, inputs: Inputs, plan: WiringPlan):
        super().__init__(inputs)
        self.KINDS = tuple(plan.faults)
        self._plan = plan

    def make(self, fault: Fault) -> None:
        """Make the fault at once. Raises InputError if it can't be made here."""
        super().make(fault)
        self._switch()

    def clear(self, name: str | None = None) -> None:
        super().clear(name)
        self._switch()

    def _switch(self) -> None:
        """Set the dead pins and the absent chips of the active faults."""
        unit, plan = self.unit, self._plan
        made = [plan.faults[kind] for kind in self.active]
        absent = [plan.chips[chip] for fault in made for chip in fault.chips]
        unit.i2c.absent = {chip.address for chip in absent if chip.bus == "i2c"}
        unit.spi.absent = {PICO[chip.select] for chip in absent if chip.bus == "spi"}
        unit.dead = {fault.pin for fault in made if fault.pin}
        unit.show()


def _refuse(job: Job) -> None:
    """Raises InputError for a job that can't run on the emulated Pico."""
    scenario = job.scenario
    length_ms = job.end_ms - job.begin_ms
    if length_ms > LONGEST_MS:
        raise InputError(
            f"scenario {scenario.name}: {length_ms / 1000:g} s from power-up on are too many for "
            f"the emulated Pico: {LONGEST_MS // 1000} s at most; choose bench-short, or the "
            "target micropython-f32, which has the same arithmetic"
        )
    if job.without:
        raise InputError(
            f"--without {job.without[0]}: the emulated Pico can hold no law; choose another target"
        )
    if job.settings().serial_generator:
        raise InputError(
            f"tube {job.tube_name}: has a serial generator, and the emulated Pico's is analog; "
            "choose another target"
        )
