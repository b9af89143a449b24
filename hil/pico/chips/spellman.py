"""A virtual high-voltage generator with Spellman's serial protocol, as in a uX or an SLM.

It is independent of the firmware: its messages are made and read here, without the firmware's
code. Its set-points go to the plant's actuators, and its monitors are the plant's. Commands and
scales are those of published manuals and programs (docs/board/generators.md); it was not compared
with a real generator. Assumptions:

* a monitor's answer is its value when the request began to arrive
* a uX holds the filament at its current limit while high voltage is on, because its own emission
  loop measures less current than its set-point; without high voltage, at the preheat
* with a latched fault, high voltage is refused with 1; an open interlock switches the high voltage
  off without a fault
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from firmware.calibration import ADC_FULL, DAC_FULL
from firmware.settings import Settings

STX, ETX = 0x02, 0x03
FULL = 4095
BITS_PER_BYTE = 10  # start, eight, stop
LONGEST_REQUEST = 40
# Error codes of the SLM manual, chapter 7.
FORMAT, COMMAND, RANGE = 1, 2, 3


class Sensed(Protocol):
    @property
    def generator_temperature_raw(self) -> int: ...


class Tube(Protocol):
    """The required attributes of twin.plant.plant.Plant."""

    hv_enable: int
    kv_program_raw: int
    filament_program_raw: int
    kv_monitor_raw: int
    ma_monitor_raw: int
    filament_monitor_raw: int

    @property
    def sensors(self) -> Sensed: ...


@dataclass(frozen=True)
class Build:
    """One model's commands, and full scales in kV, mA and A."""

    high_voltage: int
    reset: int
    remote: int | None
    heats: bool
    kv: float
    ma: float
    filament_a: float
    ma_monitor: float
    filament_monitor_a: float


BUILDS = {
    "uX50P50": Build(99, 52, None, True, 50.0, 2.0, 10.0, 2.4, 3.6),
    "SLM70P300": Build(98, 31, 99, False, 70.0, 4.28, 0.0, 4.28, 0.0),
}


def checksum(text: bytes) -> int:
    """Two's complement of the sum, low 7 bits, bit 6 set. `text` ends in its last comma."""
    return (256 - sum(text) % 256) & 0x7F | 0x40


def frame(*fields: object) -> bytes:
    """STX, the fields, checksum, ETX."""
    text = "".join(f"{field}," for field in fields).encode("ascii")
    return bytes([STX]) + text + bytes([checksum(text), ETX])


class VirtualGenerator:
    """The generator. `feed` it the bytes of the firmware, `take` the bytes received by now.

    now_us : the time, for the pace of the bytes; without it all bytes arrive at once

    Attributes that a test may set:
    interlock_open : state of its interlock loop, with the enable pin; True at the start
    mute           : True: it does not answer and does not execute commands
    answer_us      : time from the end of a request to the start of the answer
    wrong_checksum : True: its answers have a wrong checksum
    garbage        : bytes before each answer
    interlock_code : its answer to "high voltage on" with an open interlock
    """

    def __init__(
        self,
        plant: Tube,
        settings: Settings,
        model: str = "uX50P50",
        now_us: Callable[[], int] | None = None,
        baud: int = 115200,
    ):
        self.build = BUILDS[model]
        self.mute = False
        self.answer_us = 2000
        self.wrong_checksum = False
        self.garbage = b""
        self.interlock_code = "0"
        self.set_points = {10: 0, 11: 0, 12: 0, 13: 0}
        self.hv_on = False
        self.faulted = False
        self.remote = False
        self.heard: list[bytes] = []  # good requests, without checksum
        self._plant = plant
        self._settings = settings
        self._interlock_open = True
        self._now_us = now_us or (lambda: 0)
        self._byte_us = BITS_PER_BYTE * 1e6 / baud if now_us else 0.0
        self._received_us = 0.0  # end of the last received byte
        self._sent_us = 0.0  # end of the last byte to send
        self._request: bytearray | None = None
        self._outgoing: deque[tuple[float, int]] = deque()

    @property
    def interlock_open(self) -> bool:
        return self._interlock_open

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        self._interlock_open = is_open
        if is_open:
            self.hv_on = False
            self._apply()

    def trip(self) -> None:
        """An internal fault: high voltage goes off, and the fault stays until its reset."""
        self.faulted = True
        self.hv_on = False
        self._apply()

    def feed(self, data: bytes) -> None:
        """Bytes on its receiving line, one after the other from now on."""
        for byte in data:
            self._received_us = max(self._now_us(), self._received_us) + self._byte_us
            if byte == STX:
                self._request = bytearray()
            elif self._request is None:
                pass
            elif byte == ETX:
                self._hear(bytes(self._request))
                self._request = None
            elif len(self._request) < LONGEST_REQUEST:
                self._request.append(byte)
            else:
                self._request = None

    def take(self) -> bytes:
        """The bytes that have arrived since the last call."""
        taken = bytearray()
        now_us = self._now_us()
        while self._outgoing and self._outgoing[0][0] <= now_us:
            taken.append(self._outgoing.popleft()[1])
        return bytes(taken)

    def _hear(self, request: bytes) -> None:
        text, last = request[:-1], request[-1:]
        if self.mute or text[-1:] != b"," or last != bytes([checksum(text)]):
            return  # a damaged request gets no answer
        self.heard.append(text)
        fields = text.decode("latin-1").split(",")[:-1]
        if not all(field.isascii() and field.isdigit() for field in fields):
            self._send(frame(fields[0], *self._error(FORMAT)))
            return
        command, *arguments = (int(field) for field in fields)
        self._send(frame(fields[0], *self._obey(command, arguments)))
        self._apply()

    def _send(self, answer: bytes) -> None:
        if self.wrong_checksum:
            answer = answer[:-2] + bytes([answer[-2] ^ 1]) + answer[-1:]
        start_us = self._received_us + self.answer_us if self._byte_us else 0.0
        self._sent_us = max(start_us, self._sent_us)
        for byte in self.garbage + answer:
            self._sent_us += self._byte_us
            self._outgoing.append((self._sent_us, byte))

    def _error(self, code: int) -> list[object]:
        if self.build.heats:  # uX manual, 118153-001: one character, and 1 is "out of range"
            return [1 if code == RANGE else code]
        return ["!", code]

    def _obey(self, command: int, arguments: list[int]) -> list[object]:
        """The fields of the answer."""
        build = self.build
        if not arguments:
            values = self._requested(command)
            if values is not None:
                return values
            if command == build.reset:
                self.faulted = False
                return ["$"]
            return self._error(COMMAND)
        value = arguments[0]
        if len(arguments) > 1:
            return self._error(FORMAT)
        if command in (10, 11) or (command in (12, 13) and build.heats):
            if value > FULL:
                return self._error(RANGE)
            self.set_points[command] = value
            return ["$"]
        if command == build.high_voltage:
            return self._switch(value)
        if command == build.remote:
            if value > 1:
                return self._error(RANGE)
            self.remote = value == 1
            return ["$"]
        return self._error(COMMAND)

    def _switch(self, value: int) -> list[object]:
        if value > 1:
            return self._error(RANGE)
        if value and self.interlock_open:
            return [self.interlock_code]
        if value and (self.faulted or (self.build.remote is not None and not self.remote)):
            return self._error(FORMAT)
        self.hv_on = value == 1
        return ["$"]

    def _requested(self, command: int) -> list[object] | None:
        build, plant, settings = self.build, self._plant, self._settings
        kv = plant.kv_monitor_raw / ADC_FULL * settings.kv_full
        ma = plant.ma_monitor_raw / ADC_FULL * settings.ma_full
        if command == 22:
            status: list[object] = [int(self.hv_on), int(self.interlock_open), int(self.faulted)]
            return status if build.heats else [*status, int(self.remote), 0, 0, 0, 0]
        if command in (14, 15) or (command in (16, 17) and build.heats):
            return [self.set_points[command - 4]]
        if not build.heats:
            if command == 60:
                return [counts(kv, build.kv)]
            return [counts(ma, build.ma_monitor)] if command == 61 else None
        if command != 20:
            return None
        amps = plant.filament_monitor_raw / ADC_FULL * settings.filament_full_a
        board_c = 0.01 * plant.sensors.generator_temperature_raw
        return [
            counts(board_c, 300.0),  # its control board; assumed as warm as the other board
            counts(24.0, 42.9),  # the low-voltage supply
            counts(kv, build.kv),
            counts(ma, build.ma_monitor),
            counts(amps, build.filament_monitor_a),
            counts(0.75 * amps, 5.5),  # filament voltage, of a wire of 0.75 ohm
            counts(board_c, 300.0),
        ]

    def _apply(self) -> None:
        """Write the set-points to the plant's actuators, in counts."""
        build, plant, settings = self.build, self._plant, self._settings
        plant.hv_enable = int(self.hv_on)
        kv = self.set_points[10] / FULL * build.kv if self.hv_on else 0.0
        plant.kv_program_raw = round(kv / settings.kv_full * DAC_FULL)
        if build.heats:
            preheat, limit = self.set_points[12], self.set_points[13]
            amps = (limit if self.hv_on else min(preheat, limit)) / FULL * build.filament_a
            plant.filament_program_raw = min(
                DAC_FULL, round(amps / settings.filament_full_a * DAC_FULL)
            )


def counts(value: float, full: float) -> int:
    """The value in counts of 12 bits."""
    return min(max(round(value / full * FULL), 0), FULL)


class VirtualUart:
    """The firmware's end of the wire, with the methods of machine.UART that the driver uses."""

    def __init__(self, generator: VirtualGenerator):
        self._generator = generator
        self._arrived = bytearray()

    def any(self) -> int:
        self._arrived += self._generator.take()
        return len(self._arrived)

    def readinto(self, buffer: bytearray, count: int) -> int | None:
        taken = self._arrived[: min(count, self.any())]
        buffer[: len(taken)] = taken
        del self._arrived[: len(taken)]
        return len(taken) or None

    def write(self, data: bytes) -> int:
        self._generator.feed(bytes(data))
        return len(data)
