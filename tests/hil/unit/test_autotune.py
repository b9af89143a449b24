"""An autotune on a unit, over its console: told to, watched, ended, kept."""

import pytest

from firmware.controller import OFF
from firmware.setting_table import TABLE
from firmware.settings import Settings
from firmware.store import Store
from hil.unit.autotune import keep_on, measure_on
from hil.unit.console import ConsoleClient, RefusedError
from tests.kit.disk import Disk
from tests.kit.wires import Wire

SETTINGS = {row[0] for row in TABLE}


def wire_of(**changed: float) -> Wire:
    disk, settings = Disk(), Settings()
    settings.load(changed)
    assert Store("", disk.open).save(settings) is None
    wire = Wire(disk)
    wire.bench.run(100)
    return wire


def client(wire: Wire) -> ConsoleClient:
    return ConsoleClient(wire, "unit", now_s=wire.now_s)


def waiting(wire: Wire, then=lambda: None):
    def wait(seconds: float) -> None:
        wire.bench.run(int(1000 * seconds))
        then()

    return wait


def test_a_unit_measures_its_own_head_and_fan_and_keeps_what_it_found():
    wire = wire_of()
    parts: list[float] = []
    with client(wire) as unit:
        measured = measure_on(unit, waiting(wire), parts.append)
        wire.bench.run(100)
        assert wire.bench.controller.condition == OFF  # it was told to stop
        assert measured.reason == ""
        assert set(measured.found) <= SETTINGS
        assert measured.capacity_j_per_k == pytest.approx(720.0, rel=0.1)  # tests/kit/chip_bench.py
        assert measured.found["fan_g1_w_per_k"] == pytest.approx(2.2, rel=0.15)
        assert parts[-1] == 1.0
        keep_on(unit, measured.found)
    kept = Settings()
    Store("", wire.disk.open).boot(kept)
    for name, value in measured.found.items():
        assert kept.values()[name] == value


def test_a_trip_in_the_middle_ends_it_and_nothing_is_found():
    wire = wire_of()
    looks: list[int] = []

    def open_the_chain() -> None:
        looks.append(1)
        if len(looks) == 20:
            wire.bench.forced["switches"] = 0

    with client(wire) as unit:
        measured = measure_on(unit, waiting(wire, open_the_chain))
    assert measured.found == {}
    assert "tripped" in measured.reason
    assert "chain" in measured.reason
    assert not wire.bench.command.run


def test_a_unit_without_a_fan_refuses_and_no_beam_is_started():
    wire = wire_of(air_cooled=0)
    with client(wire) as unit, pytest.raises(RefusedError, match="air_cooled"):
        measure_on(unit, waiting(wire))
    assert not wire.bench.command.run


def test_whoever_is_interrupted_has_stopped_the_beam():
    wire = wire_of()

    def interrupt() -> None:
        if wire.bench.command.run:
            raise KeyboardInterrupt

    with client(wire) as unit, pytest.raises(KeyboardInterrupt):
        measure_on(unit, waiting(wire, interrupt))
    assert not wire.bench.command.run


def test_after_a_trip_it_begins_with_the_next_start_all_the_same():
    wire = wire_of()
    with client(wire) as unit:
        unit.ask("run")
        wire.bench.run(20_000)
        wire.bench.forced["switches"] = 0
        wire.bench.run(1000)
        wire.bench.forced.clear()
        wire.bench.run(1000)
        unit.ask("stop")
        wire.bench.run(1000)
        unit.ask("tune on")
        unit.ask("run")
        wire.bench.run(20_000)
        assert '"stage": "idle"' not in unit.ask("tune")[1]


def test_a_unit_that_does_not_begin_is_stopped_and_not_waited_for():
    wire = wire_of()

    def forget() -> None:
        wire.bench.command.hold = 0
        wire.bench.controller.tuner.law = None

    with client(wire) as unit:
        measured = measure_on(unit, waiting(wire, forget))
    assert measured.found == {}
    assert not wire.bench.command.run
