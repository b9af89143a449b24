"""The virtual generator by itself: what it answers, when, and what it does to the tube."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.calibration import ADC_FULL
from firmware.settings import Settings
from hil.pico.chips.spellman import VirtualGenerator, VirtualUart, checksum, frame
from tests.kit.open_loop import IDEAL, plant_of


def stub() -> SimpleNamespace:
    return SimpleNamespace(
        hv_enable=0,
        kv_program_raw=0,
        filament_program_raw=0,
        kv_monitor_raw=0,
        ma_monitor_raw=0,
        filament_monitor_raw=0,
        sensors=SimpleNamespace(generator_temperature_raw=2500),
    )


def closed(model: str = "uX50P50") -> VirtualGenerator:
    """With its interlock loop closed, ready for high voltage."""
    generator = VirtualGenerator(stub(), Settings(), model)
    generator.interlock_open = False
    if model != "uX50P50":
        assert said(generator, 99, 1) == "99,$,"
    return generator


def said(generator: VirtualGenerator, *fields: object) -> str:
    """Its answer to a request, without the frame; "" for none."""
    generator.feed(frame(*fields))
    answer = generator.take()
    if not answer:
        return ""
    assert (answer[0], answer[-1], answer[-2]) == (2, 3, checksum(answer[1:-2]))
    return answer[1:-2].decode()


@pytest.mark.parametrize(
    ("text", "last"),
    [
        (b"10,4095,", 0x75),  # worked out in Spellman's V6 manual, 118109-001 B, p. 7
        (b"22,", 0x70),  # and this in its ST manual, 101501-565 C, p. 37
        (b"20,", 0x72),
        (b"52,", 0x6D),
        (b"99,1,", 0x45),
    ],
)
def test_the_checksum_is_that_of_the_manuals(text, last):
    assert checksum(text) == last


@pytest.mark.parametrize(
    "wire",
    [
        b"\x0210,4095,\x61\x03",  # the sum without the last comma
        b"\x0222,q\x03",
        b"22,p\x03",
        b"\x0222,p",
        b"\x02\x03",
        b"\x02p\x03",
    ],
)
def test_a_bad_frame_is_not_answered(wire):
    generator = closed()
    generator.feed(wire)
    assert generator.take() == b""
    assert generator.set_points[10] == 0
    assert said(generator, 22) == "22,0,0,0,"


@given(garbage=st.binary(max_size=200))
def test_no_bytes_are_an_error_and_a_request_after_them_is_answered(garbage):
    generator = closed()
    generator.feed(garbage)
    generator.take()
    assert said(generator, 22).startswith("22,")


@pytest.mark.parametrize("command", [10, 11, 12, 13])
def test_set_points_are_taken_and_read_back_and_not_above_their_range(command):
    generator = closed()
    assert said(generator, command, 4095) == f"{command},$,"
    assert said(generator, command, 4096) == f"{command},1,"
    assert said(generator, command + 4) == f"{command + 4},4095,"
    assert said(generator, command, "0042") == f"{command},$,"
    assert said(generator, command + 4) == f"{command + 4},42,"


@pytest.mark.parametrize(
    ("model", "request_", "answer"),
    [
        ("uX50P50", ("77",), "77,2,"),
        ("uX50P50", (99, 2), "99,1,"),
        ("uX50P50", (10, "x"), "10,1,"),
        ("uX50P50", (60,), "60,2,"),
        ("SLM70P300", ("77",), "77,!,2,"),
        ("SLM70P300", (10, 5000), "10,!,3,"),
        ("SLM70P300", (10, "x"), "10,!,1,"),
        ("SLM70P300", (12, 1), "12,!,2,"),
        ("SLM70P300", (20,), "20,!,2,"),
    ],
)
def test_what_it_does_not_understand_it_says(model, request_, answer):
    assert said(closed(model), *request_) == answer


@pytest.mark.parametrize(("model", "high_voltage"), [("uX50P50", 99), ("SLM70P300", 98)])
def test_high_voltage_is_off_until_it_is_asked_for(model, high_voltage):
    generator = closed(model)
    plant = generator._plant
    said(generator, 10, 2048)
    assert (plant.hv_enable, plant.kv_program_raw) == (0, 0)
    assert said(generator, high_voltage, 1) == f"{high_voltage},$,"
    assert plant.hv_enable == 1
    kv = 2048 / 4095 * generator.build.kv
    assert plant.kv_program_raw / 4095 * 60.0 == pytest.approx(kv, abs=60.0 / 4095)
    assert said(generator, high_voltage, 0) == f"{high_voltage},$,"
    assert (plant.hv_enable, plant.kv_program_raw) == (0, 0)


def test_an_open_interlock_refuses_high_voltage_and_drops_it():
    generator = VirtualGenerator(stub(), Settings())
    assert said(generator, 99, 1) == "99,0,"
    generator.interlock_open = False
    assert said(generator, 99, 1) == "99,$,"
    generator.interlock_open = True
    assert generator._plant.hv_enable == 0
    assert said(generator, 22) == "22,0,1,0,"
    generator.interlock_open = False
    assert said(generator, 22) == "22,0,0,0,"  # it does not come back by itself


@pytest.mark.parametrize(("model", "reset"), [("uX50P50", 52), ("SLM70P300", 31)])
def test_a_fault_drops_high_voltage_and_stays_until_it_is_reset(model, reset):
    generator = closed(model)
    high_voltage = generator.build.high_voltage
    said(generator, high_voltage, 1)
    generator.trip()
    assert generator._plant.hv_enable == 0
    assert said(generator, 22).split(",")[1:4] == ["0", "0", "1"]
    assert "$" not in said(generator, high_voltage, 1)
    assert said(generator, reset) == f"{reset},$,"
    assert said(generator, high_voltage, 1) == f"{high_voltage},$,"


def test_an_slm_obeys_only_in_remote_mode():
    generator = VirtualGenerator(stub(), Settings(), "SLM70P300")
    generator.interlock_open = False
    assert said(generator, 98, 1) == "98,!,1,"
    assert said(generator, 99, 1) == "99,$,"
    assert said(generator, 22) == "22,0,0,0,1,0,0,0,0,"
    assert said(generator, 98, 1) == "98,$,"


def test_a_ux_heats_to_its_preheat_and_with_high_voltage_to_its_limit():
    generator = closed()
    said(generator, 13, 900)
    said(generator, 12, 700)
    plant = generator._plant
    amps_per_count = 10.0 / 4095
    assert plant.filament_program_raw / 4095 * 4.0 == pytest.approx(700 * amps_per_count, abs=1e-3)
    said(generator, 99, 1)
    assert plant.filament_program_raw / 4095 * 4.0 == pytest.approx(900 * amps_per_count, abs=1e-3)


def test_the_monitors_are_the_tubes_in_the_scales_of_the_published_program():
    """SpellmanUSB: 50 kV, 2.4 mA, 3.6 A and 300 degC for 4095."""
    generator = closed()
    plant = generator._plant
    plant.kv_monitor_raw = round(45.0 / 60.0 * ADC_FULL)
    plant.ma_monitor_raw = round(0.98 / 2.0 * ADC_FULL)
    plant.filament_monitor_raw = round(2.1 / 4.0 * ADC_FULL)
    values = [int(field) for field in said(generator, 20).split(",")[1:-1]]
    assert len(values) == 7
    found = [values[2] * 50 / 4095, values[3] * 2.4 / 4095, values[4] * 3.6 / 4095]
    assert found == pytest.approx([45.0, 0.98, 2.1], rel=1e-3)
    assert values[6] * 300 / 4095 == pytest.approx(25.0, abs=0.04)


def test_an_slm_has_two_monitors():
    generator = closed("SLM70P300")
    generator._plant.kv_monitor_raw = round(35.0 / 60.0 * ADC_FULL)
    assert said(generator, 60) in ("60,2047,", "60,2048,")  # half of 70 kV
    assert said(generator, 61) == "61,0,"


def test_at_9600_baud_an_answer_takes_its_time():
    """Ten bits a byte: 6 bytes in, 2 ms of thought, 12 bytes out."""
    now_us = 0
    generator = VirtualGenerator(stub(), Settings(), now_us=lambda: now_us, baud=9600)
    generator.feed(frame(22))
    expected = frame(22, 0, 1, 0)
    byte_us = 10e6 / 9600
    arrived = b""
    times = []
    for now_us in range(0, 40_000, 100):
        taken = generator.take()
        arrived += taken
        times += [now_us] * len(taken)
    assert arrived == expected
    assert times[0] == pytest.approx(6 * byte_us + 2000 + byte_us, abs=100)
    assert times[-1] - times[0] == pytest.approx((len(expected) - 1) * byte_us, abs=100)


@pytest.mark.parametrize("fault", ["mute", "wrong_checksum", "garbage"])
def test_its_faults_can_be_set_and_taken_back(fault):
    generator = closed()
    setattr(generator, fault, b"\x02??" if fault == "garbage" else True)
    generator.feed(frame(22))
    answer = generator.take()
    good = frame(22, 0, 0, 0)
    assert answer != good
    assert bool(answer) == (fault != "mute")
    setattr(generator, fault, b"" if fault == "garbage" else False)
    generator.feed(frame(22))
    assert generator.take() == good


def test_it_moves_the_twins_tube():
    plant = plant_of(IDEAL)
    generator = VirtualGenerator(plant, plant.tube.firmware_settings())
    generator.interlock_open = False
    said(generator, 10, round(40.0 / 50.0 * 4095))
    said(generator, 99, 1)
    for _ in range(100):
        plant.advance()
    assert plant.kv == pytest.approx(40.0, rel=0.001)
    counts = int(said(generator, 20).split(",")[3])
    assert counts * 50.0 / 4095 == pytest.approx(40.0, rel=0.002)


def test_the_uart_hands_over_no_more_than_asked_for():
    uart = VirtualUart(closed())
    assert uart.any() == 0
    buffer = bytearray(64)
    assert uart.readinto(buffer, 64) is None
    assert uart.write(frame(22)) == 6
    assert uart.any() == 12
    assert uart.readinto(buffer, 5) == 5
    assert uart.any() == 7
    assert uart.readinto(buffer, 64) == 7
