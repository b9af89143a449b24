"""One parameter of a description: a number with its source and, if it is assumed, its range."""

from typing import Any

from pydantic import AfterValidator, BaseModel, Field, model_validator

from twin.files.toml import EntryError, Strict, shown


class Parameter(Strict):
    """A number, its source and, if it is assumed, the range of plausible values."""

    value: float
    source: str = Field(default="not given", min_length=1)
    range: tuple[float, float] | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_number(cls, given: Any) -> Any:
        """Accept a bare number as a parameter without a source."""
        if isinstance(given, dict | Parameter):
            return given
        if isinstance(given, bool) or not isinstance(given, int | float):
            text = str(given).lower() if isinstance(given, bool) else shown(given)
            raise ValueError(f"{text} instead of a number; write a number")
        return {"value": given}

    @model_validator(mode="after")
    def _range_holds_value(self) -> "Parameter":
        if self.range and not self.range[0] < self.range[1]:
            raise ValueError(f"range {list(self.range)} does not go from low to high; correct it")
        if self.range and not self.range[0] <= self.value <= self.range[1]:
            raise ValueError(f"value {self.value:g} lies outside its own range {list(self.range)}")
        return self


def bounded(low: float, high: float) -> AfterValidator:
    """Validator: value and range must be from `low` to `high`, where the models are valid."""

    def check(parameter: Parameter) -> Parameter:
        for value in (parameter.value, *(parameter.range or ())):
            if not low <= value <= high:
                raise ValueError(f"{value:g} is outside {low:g} to {high:g}")
        return parameter

    return AfterValidator(check)


def exactly(
    section: BaseModel, required: tuple[str, ...], owner: str, optional: tuple[str, ...]
) -> None:
    """Raise EntryError unless exactly the `required` ones of the `optional` entries are given."""
    for name in optional:
        given = getattr(section, name) is not None
        if given and name not in required:
            raise EntryError(f"does not apply to {owner}; delete it", name)
        if not given and name in required:
            raise EntryError(f"is missing: {owner} needs it; add it", name, missing=True)
