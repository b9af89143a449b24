"""The channels of a recording by name, as values of this moment."""

from twin.files.errors import InputError
from twin.files.toml import nearest
from twin.recording.columns import COLUMNS, row
from twin.world.world import World

UNITS = {column.name: column.unit for column in COLUMNS if column.name != "now_ms"}
PLACES = {column.name: at for at, column in enumerate(COLUMNS)}


def unit_of(name: str) -> str:
    """InputError if there is no such channel."""
    if name not in UNITS:
        raise InputError(f"channel {name!r}: not known; {nearest(name, UNITS)}")
    return UNITS[name]


def values_of(world: World, names: tuple[str, ...]) -> list[float]:
    """All but the intensity, which is a mean over time."""
    now = row(world.plant.now_ms, world, 0.0)
    return [now[PLACES[name]] for name in names]
