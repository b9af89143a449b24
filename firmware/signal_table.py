"""The one declaration of everything that crosses between the firmware and the world.

Each signal is (name, unit of one count or of the bits, lowest raw, highest raw, struct code,
meaning). Raw counts cross here, never physical units; the factors are in calibration.py.
The records, the HIL frame, the recorder's columns, the telemetry fields and the table in
docs/contributing/signals.md are derived from these two tuples.
"""

INPUTS = (
    ("switches", "bits", 0, 7, "B", "chain A, chain B and generator-healthy contacts"),
    ("kv_monitor_raw", "count", 0, 32767, "H", "tube voltage monitor (15-bit ADC)"),
    ("ma_monitor_raw", "count", 0, 32767, "H", "emission current monitor (15-bit ADC)"),
    ("adc_age_ms", "ms", 0, 65535, "H", "age of the two monitors above"),
    ("lamp_current_raw", "count", 0, 4095, "H", "X-RAY ON lamp current (12-bit ADC)"),
    ("filament_monitor_raw", "count", 0, 32767, "H", "filament current monitor (15-bit ADC)"),
    ("fan_tach_raw", "rpm", 0, 65535, "H", "fan tachometer"),
    ("head_temperature_raw", "count", 0, 32767, "H", "tube head PT100 over its reference resistor"),
    ("head_age_ms", "ms", 0, 65535, "H", "age of the head temperature"),
    ("mount_temperature_raw", "count", 0, 32767, "H", "optics mount PT100, the same"),
    ("mount_age_ms", "ms", 0, 65535, "H", "age of the mount temperature"),
    ("generator_temperature_raw", "0.01 degC", -4000, 12500, "h", "generator board temperature"),
    ("generator_age_ms", "ms", 0, 65535, "H", "age of the generator temperature"),
    ("room_temperature_raw", "0.01 degC", -4000, 8500, "h", "air at the beam path, temperature"),
    ("room_pressure_raw", "Pa", 30000, 110000, "I", "air at the beam path, pressure"),
    ("room_humidity_raw", "0.01 %", 0, 10000, "H", "air at the beam path, relative humidity"),
    ("room_age_ms", "ms", 0, 65535, "H", "age of the three room values"),
)

OUTPUTS = (
    ("hv_enable", "bit", 0, 1, "B", "high voltage enable; 0 is the safe state"),
    ("lamp_on", "bit", 0, 1, "B", "X-RAY ON lamp"),
    ("kv_program_raw", "count", 0, 4095, "H", "tube voltage program (12-bit DAC)"),
    ("grid_program_raw", "count", 0, 4095, "H", "grid bias program (12-bit DAC); 0 is cut-off"),
    ("filament_program_raw", "count", 0, 4095, "H", "filament current program (12-bit DAC)"),
    ("fan_program_raw", "count", 0, 65535, "H", "fan pulse width"),
    ("state", "code", 0, 7, "B", "state of the controller, see controller.py"),
    ("trip", "code", 0, 31, "B", "first cause of the trip, see interlocks.py; 0 is none"),
)
