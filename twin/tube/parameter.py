"""One parameter of a description: a number with its source and, where it is assumed, its range."""

from typing import Any

from pydantic import AfterValidator, BaseModel, Field, model_validator

from twin.files.toml import EntryError, Strict, shown


class Parameter(Strict):
    """One number, where it comes from, and how far an assumed one may lie from it."""

    value: float
    source: str = Field(default="not given", min_length=1)
    range: tuple[float, float] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, given: Any) -> Any:
        """A bare number is short for a parameter without a source."""
        if isinstance(given, dict | Parameter):
            return given
        if isinstance(given, bool) or not isinstance(given, int | float):
            text = str(given).lower() if isinstance(given, bool) else shown(given)
            raise ValueError(f"{text} where a number belongs; write a number")
        return {"value": given}

    @model_validator(mode="after")
    def _range_holds_value(self) -> "Parameter":
        if self.range and not self.range[0] < self.range[1]:
            raise ValueError(f"range {list(self.range)} does not go from low to high; correct it")
        if self.range and not self.range[0] <= self.value <= self.range[1]:
            raise ValueError(f"value {self.value:g} lies outside its own range {list(self.range)}")
        return self


def bounded(low: float, high: float) -> AfterValidator:
    """Value and range must lie within what the models are valid for."""

    def check(parameter: Parameter) -> Parameter:
        for value in (parameter.value, *(parameter.range or ())):
            if not low <= value <= high:
                raise ValueError(f"{value:g} is outside {low:g} to {high:g}")
        return parameter

    return AfterValidator(check)


def exactly(
    section: BaseModel, wanted: tuple[str, ...], owner: str, optional: tuple[str, ...]
) -> None:
    """Of the `optional` entries exactly the `wanted` ones must be there."""
    for name in optional:
        given = getattr(section, name) is not None
        if given and name not in wanted:
            raise EntryError(f"{owner} has no such thing; delete it", name)
        if not given and name in wanted:
            raise EntryError(f"is missing: {owner} needs it; add it", name, missing=True)
