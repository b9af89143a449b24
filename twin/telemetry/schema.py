"""The shape of every MQTT message, as pydantic models and as one JSON Schema.

    python -m twin.telemetry.schema > docs/user/telemetry.schema.json

For documentation, tests and clients; sending does not use these models.
The models do not list a run's own fields: those may be any flat JSON values.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

Value = float | str | bool | None
BootId = Annotated[
    str, Field(pattern="^[0-9a-f]{12}$", description="random, one per run of the program")
]


class _Message(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)
    __pydantic_extra__: dict[str, Value]

    v: Annotated[Literal[1], Field(description="version of this schema")]


class _Record(_Message):
    now_ms: Annotated[int, Field(description="simulated time of the record, ms; < 0: warm-up")]
    seq: Annotated[
        int, Field(ge=0, description="counts the records of a topic from 0; a gap is a loss")
    ]
    boot_id: BootId
    late: Annotated[bool, Field(description="not sent when it was new; now_ms is the original")]


class Sample(_Record):
    """tubetwin/<device>/telemetry: the tube's values, once a simulated second."""


class Event(_Record):
    """tubetwin/<device>/event: something happened."""

    kind: Annotated[str, Field(min_length=1, description="what, for example start or trip")]


class Status(_Message):
    """tubetwin/<device>/status: retained, and the last will."""

    now_ms: Annotated[int | None, Field(description="simulated time, ms; null if unknown")]
    boot_id: BootId
    state: Annotated[str, Field(min_length=1, description="online, offline, or the run's own word")]


def json_schema() -> dict[str, Any]:
    """One JSON Schema (2020-12) that holds the three messages under $defs."""
    models = [(model, "validation") for model in (Sample, Event, Status)]
    _, schema = models_json_schema(models, title="tubetwin telemetry")  # type: ignore[arg-type]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
