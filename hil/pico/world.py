"""The emulated Pico as a world: the real image, chips on its buses, the same plant.

The board's own clock rules here. Plant and firmware meet on pins and buses alone, nothing is
stepped together; commands go in on the console, and what the firmware thinks comes from there.
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
BOOT_MS = 6000  # at most, until the console has told the status
LONGEST_MS = 300_000
AFTER_TICK_NS = 1000  # what happens at a time comes this long after the plant's tick of it
STARTED_NS = 300 * MS  # after so long a firmware that was told to start has left its last trip
CODES = {"": 0} | {name: code for code, name in NAMES.items()}


class PicoWorld(World):
    """A run on the emulated Pico. InputError for a job that can't be run on it.

    The job's settings are in the board's flash, and it has booted before the first tick of the
    run; the plant is as it was then. LinkError when the board falls silent.

    unit       : board and chips; unit.enabled has the enable line's changes, see ms_of()
    console    : what the board has said
    build      : of the firmware in its flash
    """

    def __init__(self, job: Job):
        _refuse(job)
        base = build_world(job)
        firmware = PicoFirmware()
        super().__init__(base.plant, firmware, base.command, TwinBoard(base.plant))
        self.faults = faults = PicoFaults(self.inputs, load_plan(PLAN))
        for step in (*job.scenario.step, *job.faults):
            if step.fault:
                self.faults.refuse(step.made())  # before half a minute is spent on booting
        self.unit = PicoUnit(find_pico_image(), unit_files(job.settings()), self.plant)
        self.console = firmware.console = PicoConsole(self.unit.pico.send)
        self._firmware = firmware
        faults.unit = self.unit
        self._begin_ns = 0
        self._run = False
        self._run_ns = 0
        self._trip_noted = False
        self._untripped_ns = 0
        self._changes = 0  # of the enable line that the console has been asked about
        self._boot()

    def ask(self, answer: Answer) -> None:
        """Call answer(condition, name of the trip) when the console has told it, 0.2 s from now."""
        self.console.ask(answer)

    def load(self, state: dict[str, Any]) -> None:
        self._firmware.load(state)  # refuses, before anything is changed

    def ms_of(self, ns: float) -> float:
        """The time of the run, ms, that was at `ns` of the emulator."""
        return (ns - self._begin_ns) / MS

    def _boot(self) -> None:
        """Power-up, until the console answers; then everything is as at the start of the run."""
        plant = self.plant
        state = plant.state()
        end_ms = plant.now_ms + BOOT_MS
        self.console.ask()
        self._begin_ns = AFTER_TICK_NS - plant.now_ms * MS
        while not self.console.status:
            if plant.now_ms >= end_ms:
                raise LinkError(
                    f"the emulated board has told no status {BOOT_MS / 1000:g} s after power-up"
                )
            self._tick_until(plant.now_ms + TICK_MS)
        booted_ms = plant.now_ms
        plant.load(state)
        self._begin_ns += (booted_ms - plant.now_ms) * MS
        self._look()

    def _advance_to(self, time_ms: int) -> None:
        """Let the emulator run until `time_ms`, which may be between two ticks."""
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
        """Once for each start, when a status that was asked for after it tells of a trip."""
        if self.console.state_ms * MS < self._run_ns + STARTED_NS:
            return
        self._trip_noted = True
        falls = [ns for ns, high in self.unit.enabled if not high and ns >= self._run_ns]
        at_ns = falls[-1] if falls else max(self._untripped_ns, self._run_ns)
        self._firmware.trip_ms = int(self.ms_of(at_ns)) & MASK

    def _obey(self) -> None:
        """Carry over what has been commanded since the last time."""
        command = self.command
        if command.hold:
            raise InputError("--without: the emulated Pico can hold no law; choose another target")
        if command.run != self._run:
            self._run = command.run
            if command.run:
                self._run_ns = self.unit.pico.now_ns
                self._trip_noted = False
                self.console.tell(f"run {command.kv!r} {command.ma!r}")
            else:
                self.console.tell("stop")

    def _look(self) -> None:
        """Inputs as the chips offer them, outputs as they stand on pins and at the DAC."""
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
    """The firmware on the emulated board (twin/world/seam.py), as its console has reported it last.

    trip_ms : when the enable line fell; where it was not on, the last status without a trip
    """

    console: PicoConsole

    def __init__(self) -> None:
        self.trip_ms = 0

    @property
    def condition(self) -> int:
        """Known when the console is asked, and after the enable line has changed."""
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
        raise InputError("the emulated Pico can't go on from a snapshot; choose another target")


class PicoFaults(Faults):
    """The faults of a wiring plan, made on pins and buses; the records show what comes of it."""

    unit: PicoUnit

    def __init__(self, inputs: Inputs, plan: WiringPlan):
        super().__init__(inputs)
        self.KINDS = tuple(plan.faults)
        self._plan = plan

    def make(self, fault: Fault) -> None:
        """At once. InputError if it can't be made here."""
        super().make(fault)
        self._switch()

    def clear(self, name: str | None = None) -> None:
        super().clear(name)
        self._switch()

    def _switch(self) -> None:
        """Let exactly those pins be dead and those chips off their buses that should be."""
        unit, plan = self.unit, self._plan
        made = [plan.faults[kind] for kind in self.active]
        absent = [plan.chips[chip] for fault in made for chip in fault.chips]
        unit.i2c.absent = {chip.address for chip in absent if chip.bus == "i2c"}
        unit.spi.absent = {PICO[chip.select] for chip in absent if chip.bus == "spi"}
        unit.dead = {fault.pin for fault in made if fault.pin}
        unit.show()


def _refuse(job: Job) -> None:
    """InputError for what can't be run on the emulated Pico."""
    scenario = job.scenario
    length_ms = job.end_ms - job.begin_ms
    if length_ms > LONGEST_MS:
        raise InputError(
            f"scenario {scenario.name}: {length_ms / 1000:g} s from power-up on are too many for "
            f"the emulated Pico, which takes {LONGEST_MS // 1000} s at most; choose bench-short, "
            "or the target micropython-f32, whose arithmetic is the same"
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
