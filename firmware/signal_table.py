"""The declaration of all signals between the firmware and the world.

Each signal is (name, unit of one count or of the bits, lowest raw, highest raw, struct code,
meaning, age). `age` belongs to a reading whose age is an input of its own: "head" stands for
head_age_ms; "" without one. Signals are raw counts, never physical units; the factors are in
calibration.py.

Derived from these two tuples: the records, the payloads of the link and the checksum in its START,
the ages that grow on the link, the twin's board, the faults stale-*, the columns of a recording,
and docs/contributing/signals.md.
"""

from binascii import crc32

INPUTS = (
    ("switches", "bits", 0, 7, "B", "chain A, chain B and generator-healthy contacts", ""),
    ("kv_monitor_raw", "count", 0, 32767, "H", "tube voltage monitor (15-bit ADC)", "adc"),
    ("ma_monitor_raw", "count", 0, 32767, "H", "emission current monitor (15-bit ADC)", "adc"),
    ("adc_age_ms", "ms", 0, 65535, "H", "age of the kV and mA monitors", ""),
    ("lamp_current_raw", "count", 0, 4095, "H", "X-RAY ON lamp current (12-bit ADC)", ""),
    ("filament_monitor_raw", "count", 0, 32767, "H", "filament current monitor (15-bit ADC)", ""),
    ("fan_tach_raw", "rpm", 0, 65535, "H", "fan tachometer", ""),
    ("head_temperature_raw", "count", 0, 32767, "H", "tube head PT100 / reference", "head"),
    ("head_age_ms", "ms", 0, 65535, "H", "age of the head temperature", ""),
    ("mount_temperature_raw", "count", 0, 32767, "H", "optics mount PT100 / reference", "mount"),
    ("mount_age_ms", "ms", 0, 65535, "H", "age of the mount temperature", ""),
    ("generator_temperature_raw", "0.01 degC", -4000, 12500, "h", "board temperature", "generator"),
    ("generator_age_ms", "ms", 0, 65535, "H", "age of the generator temperature", ""),
    ("room_temperature_raw", "0.01 degC", -4000, 8500, "h", "beam path air temperature", "room"),
    ("room_pressure_raw", "Pa", 30000, 110000, "I", "beam path air pressure", "room"),
    ("room_humidity_raw", "0.01 %", 0, 10000, "H", "beam path air relative humidity", "room"),
    ("room_age_ms", "ms", 0, 65535, "H", "age of the three room values", ""),
)

OUTPUTS = (
    ("hv_enable", "bit", 0, 1, "B", "high voltage enable; 0 is the safe state", ""),
    ("lamp_on", "bit", 0, 1, "B", "X-RAY ON lamp", ""),
    ("kv_program_raw", "count", 0, 4095, "H", "tube voltage program (12-bit DAC)", ""),
    ("grid_program_raw", "count", 0, 4095, "H", "grid bias program (12-bit DAC); 0: cut-off", ""),
    ("filament_program_raw", "count", 0, 4095, "H", "filament current program (12-bit DAC)", ""),
    ("fan_program_raw", "count", 0, 65535, "H", "fan pulse width", ""),
    ("state", "code", 0, 7, "B", "state of the controller, see controller.py", ""),
    ("trip", "code", 0, 31, "B", "first cause of the trip, see interlocks.py; 0 is none", ""),
)


def ages(signals) -> dict:
    """Name of each age, in the order of the table -> names of the readings that it belongs to."""
    found: dict = {}
    for signal in signals:
        if signal[6]:
            found.setdefault(signal[6] + "_age_ms", []).append(signal[0])
    return found


def checksum(inputs, outputs) -> int:
    """Return the CRC-32 of all that two ends of a link must agree on: each row but its meaning, in
    order."""
    crc = 0
    for signals in (inputs, outputs):
        for name, unit, low, high, code, _, age in signals:
            row = "|".join((name, unit, str(low), str(high), code, age))
            crc = crc32((row + "\n").encode(), crc)
        crc = crc32(b"\n", crc)  # here the inputs end
    return crc
