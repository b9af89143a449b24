"""A board made of chips: the two methods of the seam over the drivers of firmware/drivers/.

Signals that every tick needs are read every tick. Slow chips take turns, each twice a second, so
that no tick reads all of them. The interlock chain is read in the tick and watched by an interrupt
between ticks: the interrupt sets the generator's enable line low at once, and the next tick reports
the chain as open even if it is closed again. The chain itself breaks the high voltage without this
program (docs/board/wiring.md).
"""

from firmware.drivers.generator import AGE_FULL_MS, older
from firmware.signals import CHAIN_A, CHAIN_B, GENERATOR_OK
from firmware.ticks import COUNT_MASK, MASK, diff

TURNS = 50  # ticks, half a second
FIVE = 5
HEAD_TURN = 1
MOUNT_TURN = 11
ROOM_TURN = 21  # and the three after it, which calculate
FAN_TURN = 31
BUS_TURN = 41
SILENT_MS = 2000  # an age that is called silence


class Hardware:
    """A board with read(inputs) and write(outputs). No bus error raises an exception.

    generator      : one of the drivers of a high-voltage generator
    head, mount    : Max31865
    room           : Bme280
    fan, lamp      : Fan, Lamp
    chain_a, _b    : pins that read 1 while the channel of the interlock chain is closed
    ticks_ms       : that of the `time` module
    free_bus       : () -> clears the I2C bus and opens it again
    """

    def __init__(
        self, generator, head, mount, room, fan, lamp, chain_a, chain_b, ticks_ms, free_bus
    ):
        self.generator = generator
        self._head = head
        self._mount = mount
        self._room = room
        self._fan = fan
        self._lamp = lamp
        self._chain_a = chain_a
        self._chain_b = chain_b
        self._ticks_ms = ticks_ms
        self._free_bus = free_bus
        # Counted by the interrupts alone and compared by the tick alone: neither can lose one.
        self._openings_a = 0
        self._openings_b = 0
        self._seen_a = 0
        self._seen_b = 0
        self._closed = False  # both channels, at the last read
        self._turn = 0
        self._last_ms = ticks_ms() & MASK
        self._head_age_ms = AGE_FULL_MS
        self._mount_age_ms = AGE_FULL_MS
        self._room_age_ms = AGE_FULL_MS
        self._room_good = False
        self._off = generator.off  # bound once: looking it up would allocate in the interrupt
        self._off()
        for pin, act in ((chain_a, self._opened_a), (chain_b, self._opened_b)):
            try:
                pin.irq(handler=act, trigger=pin.IRQ_FALLING, hard=True)
            except TypeError:  # a port with soft interrupts only
                pin.irq(handler=act, trigger=pin.IRQ_FALLING)

    def read(self, inputs) -> None:
        """Fill raw counts, contacts and ages."""
        now_ms = self._ticks_ms() & MASK
        openings_a = self._openings_a
        openings_b = self._openings_b
        switches = 0
        if self._chain_a() and openings_a == self._seen_a:
            switches = CHAIN_A
        if self._chain_b() and openings_b == self._seen_b:
            switches |= CHAIN_B
        self._seen_a = openings_a
        self._seen_b = openings_b
        self._closed = switches == CHAIN_A | CHAIN_B
        if self.generator.read(now_ms, inputs):
            switches |= GENERATOR_OK
        inputs.switches = switches
        turn = self._turn
        self._turn = turn + 1 if turn + 1 < TURNS else 0
        if turn % FIVE == 0:
            self._grow_older(now_ms, inputs)
        elif turn % FIVE == 1:
            self._take_turn(turn, inputs)
        elif ROOM_TURN < turn < ROOM_TURN + 4:
            self._calculate(turn - ROOM_TURN, inputs)

    def write(self, outputs) -> None:
        """Apply the actuator values; they hold until the next tick."""
        opened = self._openings_a != self._seen_a or self._openings_b != self._seen_b
        self.generator.write(outputs, self._closed and not opened)
        self._lamp.set(outputs.lamp_on)
        self._fan.set(outputs.fan_program_raw)

    def health(self) -> dict:
        """What does not answer, for the operator: names, "" if there is none."""
        silent = self.generator.silent()
        for name, age_ms in (
            ("head", self._head_age_ms),
            ("mount", self._mount_age_ms),
            ("room", self._room_age_ms),
        ):
            if age_ms > SILENT_MS:
                silent.append(name)
        if self._room_age_ms > SILENT_MS and not self.generator.programs.answers():
            silent.insert(0, "I2C bus")
        eeprom = self.generator.programs.power_up_safe()
        return {
            "silent": ", ".join(silent),
            "dac_eeprom": "unread" if eeprom is None else "zero" if eeprom else "not zero",
        }

    def _grow_older(self, now_ms: int, inputs) -> None:
        dt_ms = diff(now_ms, self._last_ms)
        self._last_ms = now_ms
        inputs.head_age_ms = self._head_age_ms = older(self._head_age_ms, dt_ms)
        inputs.mount_age_ms = self._mount_age_ms = older(self._mount_age_ms, dt_ms)
        inputs.room_age_ms = self._room_age_ms = older(self._room_age_ms, dt_ms)
        if self._lamp.read():
            inputs.lamp_current_raw = self._lamp.raw

    def _take_turn(self, turn: int, inputs) -> None:
        if turn == HEAD_TURN:
            if self._head.read():
                inputs.head_temperature_raw = self._head.raw
                inputs.head_age_ms = self._head_age_ms = 0
        elif turn == MOUNT_TURN:
            if self._mount.read():
                inputs.mount_temperature_raw = self._mount.raw
                inputs.mount_age_ms = self._mount_age_ms = 0
        elif turn == ROOM_TURN:
            self._room_good = self._room.fetch()
        elif turn == FAN_TURN:
            inputs.fan_tach_raw = self._fan.rpm()
        elif turn == BUS_TURN and not self.generator.programs.answers():
            self._free_bus()  # the DAC is on it with every generator

    def _calculate(self, step: int, inputs) -> None:
        """The room's three values, one in a tick; all are passed on together with the last."""
        room = self._room
        if not self._room_good:
            return
        if step == 1:
            self._room_good = room.compute_temperature()
        elif step == 2:
            self._room_good = room.compute_pressure()
        elif room.compute_humidity():
            inputs.room_temperature_raw = room.temperature_raw
            inputs.room_pressure_raw = room.pressure_raw
            inputs.room_humidity_raw = room.humidity_raw
            inputs.room_age_ms = self._room_age_ms = 0

    def _opened_a(self, _pin) -> None:
        """Handle an opened chain. A hard interrupt: allocates nothing."""
        self._off()
        self._openings_a = (self._openings_a + 1) & COUNT_MASK

    def _opened_b(self, _pin) -> None:
        self._off()
        self._openings_b = (self._openings_b + 1) & COUNT_MASK
