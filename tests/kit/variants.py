"""The default tube, and tubes that differ from it in some numbers."""

from collections.abc import Mapping

from pydantic import BaseModel

from twin.tube.parameter import Parameter
from twin.tube.tube import DEFAULT_TUBE, Tube, load_tube

DEFAULT = load_tube(DEFAULT_TUBE)[1]


def numbers(section: BaseModel) -> dict[str, float]:
    """The parameters of a section by name, without what is no number or is not there."""
    return {name: entry.value for name, entry in section if isinstance(entry, Parameter)}


def varied(
    values: Mapping[str, float | str | None],
    settings: Mapping[str, float] | None = None,
    of: Tube = DEFAULT,
) -> Tube:
    """A tube with other values by dotted name: varied({"heat.fan_exponent": 0.5})."""
    document = of.model_dump()
    for name, value in values.items():
        section, parameter = name.split(".")
        assert parameter in document[section], name
        document[section][parameter] = {"value": value} if isinstance(value, float) else value
    document["settings"].update(settings or {})
    return Tube.model_validate(document)
