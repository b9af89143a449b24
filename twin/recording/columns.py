"""What a recording holds: the twin's truth, then every signal of the seam as raw counts."""

from firmware.calibration import FAN_FULL
from firmware.signal_table import INPUTS, OUTPUTS
from twin.recording.nexus import Column
from twin.world.world import World

TRUTH = (
    Column("now_ms", "ms", "simulated time; before 0 the tube is warmed up"),
    Column("room_temperature_c", "degC", "room, true"),
    Column("room_pressure_hpa", "hPa", "room, true"),
    Column("room_humidity_percent", "%", "room, relative humidity, true"),
    Column("anode_temperature_c", "degC", "anode, true"),
    Column("head_temperature_c", "degC", "tube head, true"),
    Column("mount_temperature_c", "degC", "optics mount, true"),
    Column("generator_temperature_c", "degC", "electronics, true"),
    Column("fan_percent", "%", "fan program"),
    Column("kv", "kV", "tube voltage, true"),
    Column("ma", "mA", "emission current, true"),
    Column("filament_temperature_k", "K", "cathode, true"),
    Column("displacement_x_um", "um", "focal spot off the optic's peak, x"),
    Column("displacement_y_um", "um", "the same, y"),
    Column("intensity", "1", "mean over the second, relative to the nominal tube, noise-free"),
    Column("trim", "1", "factor that the compensation law puts on the emission current"),
)
COLUMNS = (
    *TRUTH,
    *(Column(signal[0], signal[1], signal[5]) for signal in (*INPUTS, *OUTPUTS)),
)


def row(now_ms: int, world: World, intensity: float) -> tuple[float, ...]:
    """One row of COLUMNS, from the world as it is."""
    plant, heat = world.plant, world.plant.heat
    return (
        now_ms,
        plant.room_c,
        plant.pressure_hpa,
        plant.humidity_percent,
        heat.anode_c,
        heat.head_c,
        heat.mount_c,
        heat.electronics_c,
        100.0 / FAN_FULL * world.outputs.fan_program_raw,
        plant.kv,
        plant.ma,
        plant.filament.temperature_k,
        plant.displacement_x_um,
        plant.displacement_y_um,
        intensity,
        world.trim,
        *world.inputs.values(),
        *world.outputs.values(),
    )
