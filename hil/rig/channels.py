"""The present values of a recording's channels, by name."""

from twin.files.errors import InputError
from twin.files.toml import nearest
from twin.recording.columns import COLUMNS, row
from twin.world.world import World

UNITS = {column.name: column.unit for column in COLUMNS if column.name != "now_ms"}
PLACES = {column.name: at for at, column in enumerate(COLUMNS)}


def unit_of(name: str) -> str:
    """The unit of a channel. Raises InputError for an unknown channel."""
    if name not in UNITS:
        raise InputError(f"channel {name!r}: not known; {nearest(name, UNITS)}")
    return UNITS[name]


def values_of(world: World, names: tuple[str, ...]) -> list[float]:
    """Present values of channels; not of the intensity, which is a mean over time."""
    now = row(world.plant.now_ms, world, 0.0)
    return [now[PLACES[name]] for name in names]
