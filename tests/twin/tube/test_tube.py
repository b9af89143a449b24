"""Descriptions of tubes: every number has a source, and a bad file is refused in one line."""

import re

import pytest

from firmware.settings import Settings
from tests.kit.variants import DEFAULT, varied
from twin.files.errors import InputError
from twin.tube.parameter import Parameter
from twin.tube.tube import DEFAULT_TUBE, SECTIONS, TUBES, builtin_tubes, load_tube

# Endings of names: what a unit looks like.
UNITS = (
    "_j_per_k",
    "_k_per_w",
    "_w_per_k",
    "_s",
    "_w",
    "_rpm",
    "_mm",
    "_mm2",
    "_mw_per_k",
    "_ev",
    "_a_per_cm2_k2",
    "_ppm_per_k",
    "_percent_per_sqrt_h",
    "_percent",
    "_ma_per_kv1_5",
    "_ppm_per_sqrt_h",
    "_kv",
    "_um",
    "_mrad",
    "_um_per_k",
    "_c",
    "_deg",
    "_hz",
    "_m_s",
    "_ohm",
    "_mj_per_k",
    "_kohm",
    "_nm",
    "_arcsec",
    "_per_1000_h",
    "_ms",
    "_k_per_k",
    "hours",
    "_k",
    "_k_per_sqrt_h",
    "_hpa",
    "_hpa_per_sqrt_h",
    "_counts_per_frame",
)
WITHOUT_UNIT = {
    "fan_exponent",
    "fan_stall",
    "backscatter_fraction",
    "amplification",
    "emissivity",
    "counts_per_frame",
    "heavy_part",
    "bilayers",
}
TEXT = (TUBES / f"{DEFAULT_TUBE}.toml").read_text(encoding="utf-8")


def parameters(tube):
    return [
        (f"{section}.{name}", entry)
        for section in SECTIONS
        for name, entry in getattr(tube, section)
        if isinstance(entry, Parameter)
    ]


@pytest.fixture
def load(tmp_path):
    """Load the default tube's file with one line replaced, and a line more at its end."""

    def write_and_load(name="", line="", end=""):
        text, count = re.subn(rf"^{name} = .*$", line, TEXT, flags=re.MULTILINE)
        assert count == 1 or not name
        path = tmp_path / "mine.toml"
        path.write_text((text if name else TEXT) + end, encoding="utf-8")
        return load_tube(str(path))

    return write_and_load


@pytest.fixture
def complaint(load):
    def of(*args, **more):
        with pytest.raises(InputError) as caught:
            load(*args, **more)
        text = str(caught.value)
        assert "\n" not in text
        assert re.match(r".*mine\.toml:\d+: ", text), text
        return text.split("mine.toml:", 1)[1]

    return of


@pytest.mark.parametrize("name", builtin_tubes())
def test_every_number_of_a_built_in_tube_has_a_source(name):
    for parameter_name, parameter in parameters(load_tube(name)[1]):
        assert len(parameter.source) > 5, parameter_name
        assert parameter.source != "not given", parameter_name


@pytest.mark.parametrize("name", builtin_tubes())
def test_every_range_holds_its_value_and_is_one(name):
    assumed = load_tube(name)[1].assumptions()
    assert len(assumed) > 40
    for parameter_name, parameter in assumed:
        low, high = parameter.range or (0.0, 0.0)
        assert low <= parameter.value <= high, parameter_name
        assert low < high, parameter_name


@pytest.mark.parametrize("name", builtin_tubes())
def test_what_is_assumed_says_how_far_it_may_be_off(name):
    for parameter_name, parameter in parameters(load_tube(name)[1]):
        if "assumed" in parameter.source:
            assert parameter.range, parameter_name


def test_every_name_ends_in_its_unit():
    for name, _ in parameters(DEFAULT):
        assert name.split(".")[1] in WITHOUT_UNIT or name.endswith(UNITS), name


@pytest.mark.parametrize("name", builtin_tubes())
def test_a_built_in_tubes_settings_can_be(name):
    assert load_tube(name)[1].firmware_settings().problem() is None


def test_the_default_tube_is_the_one_that_the_main_job_asks_for():
    """In the middle of what is published or plausible, not at its kind end."""
    optics, generator = DEFAULT.optics, DEFAULT.generator
    assert optics.head_expansion_x_um_per_k.value == 1.0
    assert optics.mount_expansion_x_um_per_k.value == 0.15
    assert abs(optics.focus_offset_x_um.value) == 3.0
    assert 25.0 <= DEFAULT.target.spot_width_um.value <= 40.0
    assert optics.acceptance_mrad is not None
    assert 0.4 <= optics.acceptance_mrad.value <= 0.6
    assert generator.kv_ppm_per_k.value == generator.ma_ppm_per_k.value == 50.0
    settings = DEFAULT.firmware_settings()
    assert 45.0 < settings.kv * settings.ma <= settings.power_limit_w == 50.0


def test_a_bare_number_is_a_parameter_without_a_source(load):
    name, tube = load("fan_exponent", "fan_exponent = 1")
    assert name == "mine"
    assert tube.heat.fan_exponent is not None
    assert tube.heat.fan_exponent.value == 1.0
    assert tube.heat.fan_exponent.source == "not given"
    assert tube.heat.fan_exponent.range is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('fan_exponent = "0.8"', "'0.8' instead of a number; write a number"),
        ("fan_exponent = true", "true instead of a number; write a number"),
        ("fan_exponent = [0.8]", "instead of a number; write a number"),
        ("fan_exponent = 2", "2 is outside 0.3 to 1"),
        ("fan_exponent = -0.8", "-0.8 is outside 0.3 to 1"),
        ("fan_exponent = nan", "nan is not a usable number"),
        ("fan_exponent = inf", "inf is not a usable number"),
        ("fan_exponent = { value = 0.8, range = [0.9, 1] }", "lies outside its own range"),
        ("fan_exponent = { value = 0.8, range = [0.9, 0.5] }", "does not go from low to high"),
        ("fan_exponent = { value = 0.8, range = [0.1, 0.9] }", "0.1 is outside 0.3 to 1"),
    ],
)
def test_a_number_that_cannot_be_is_refused_by_file_line_and_key(complaint, line, words):
    text = complaint("fan_exponent", line)
    assert re.match(r"\d+: heat\.fan_exponent: ", text)
    assert TEXT.splitlines()[int(text.split(":")[0]) - 1].startswith("fan_exponent")
    assert words in text
    assert "; " in text  # what is wrong; what to do


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('fan_exponent = { value = "0.8" }', "heat.fan_exponent.value"),
        ("fan_exponent = { range = [0.5, 0.8] }", "heat.fan_exponent.value"),
        ("fan_exponent = { value = 0.8, range = [0.5] }", "heat.fan_exponent.range"),
        ("fan_exponent = { value = 0.8, unit = 1 }", "heat.fan_exponent.unit"),
        ('fan_exponent = { value = 0.8, source = "" }', "heat.fan_exponent.source"),
        ("fan_exponnt = 0.8", "heat.fan_exponnt"),
        ("", "heat.fan_exponent"),
    ],
)
def test_a_parameter_of_the_wrong_shape_is_refused_by_key(complaint, line, key):
    assert f": {key}" in complaint("fan_exponent", line)


def test_a_parameter_in_the_wrong_section_is_told_where_it_belongs(complaint):
    text = complaint("fan_stall", "kv_lag_s = 0.1")
    assert "heat.kv_lag_s: unknown key; it belongs in [generator]" in text


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("head_set = 50\n", "settings.head_set: unknown setting; did you mean head_set_c?"),
        ("load = 1\n", "settings.load: unknown setting"),
        ('head_kp_w_per_k = "20"\n', "settings.head_kp_w_per_k: the text '20'"),
        ("head_kp_w_per_k = true\n", "settings.head_kp_w_per_k: true"),
        ("fan_min = 1.5\n", "settings.fan_min: 1.5 is outside 0 to 0.9"),
        ("trip_power_w = 40\n", "settings.power_limit_w: 50 is above trip_power_w = 40"),
        ("filament_preheat_a = nan\n", "settings.filament_preheat_a: nan is not a usable number"),
    ],
)
def test_settings_that_are_unknown_or_cannot_be_are_refused(complaint, end, words):
    assert words in complaint(end=end)


def test_a_voltage_that_does_not_excite_the_line_is_refused(complaint):
    text = complaint("kv", "kv = 8.9")
    assert "settings.kv: 8.9 kV does not excite Cu Ka, which needs 8.979 kV" in text


def test_more_power_than_the_rating_is_refused(complaint):
    assert "settings.ma: 55 W is above power_limit_w = 50" in complaint("ma", "ma = 1.1")


def test_a_section_that_is_missing_is_named(complaint, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(re.sub(r"\[sensors\].*?(?=\[settings\])", "", TEXT, flags=re.DOTALL))
    with pytest.raises(InputError, match=r"mine\.toml:\d+: sensors: is missing; add it"):
        load_tube(str(path))


@pytest.mark.parametrize("name", ["", "cu-50w", "../tubes/cu-50w-air", "CU-50W-AIR", "a\nb"])
def test_a_name_that_is_not_built_in_is_refused_with_the_ones_that_are(name):
    with pytest.raises(InputError) as caught:
        load_tube(name)
    assert "\n" not in str(caught.value)
    assert DEFAULT_TUBE in str(caught.value)


def test_the_fingerprint_is_of_the_numbers_and_not_of_the_words(load):
    same = [
        DEFAULT,
        load("title", 'title = "another"')[1],
        load("fan_exponent", "fan_exponent = 0.8")[1],
        load("fan_exponent", 'fan_exponent = { value = 0.8, source = "x", range = [0.3, 1] }')[1],
    ]
    assert len({tube.fingerprint() for tube in same}) == 1


def test_any_other_number_gives_another_fingerprint():
    prints = {DEFAULT.fingerprint()}
    for count, (name, parameter) in enumerate(parameters(DEFAULT), start=2):
        near = parameter.value * (1.0 + 1e-9) or 1e-9
        prints.add(varied({name: near}).fingerprint())
        assert len(prints) == count, name
    prints.add(varied({}, {"fan_min": 0.1}).fingerprint())
    assert len(prints) == count + 1


def test_firmware_settings_are_the_defaults_with_the_makers_values():
    ours = varied({}, {"head_set_c": 50.0}).firmware_settings().values()
    assert ours == Settings().values() | DEFAULT.settings | {"head_set_c": 50.0}


def test_a_tube_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="frozen"):
        DEFAULT.heat.mount_to_air_k_per_w.value = 0.5


@pytest.mark.parametrize(
    ("name", "line", "words"),
    [
        ("anode", 'anode = "rotating"', "target.track_diameter_mm: is missing: a rotating anode"),
        ("emitter", 'emitter = "LaB6"', "does not apply to a LaB6 emitter; delete it"),
        ("cooling", 'cooling = "water"', "does not apply to a head cooled by water; delete it"),
        ("mirror", 'mirror = "none"', "does not apply to mirror"),
        ("element", 'element = "Fe"', "target.element: 'Fe' is unknown; write"),
        ("period_nm", "", "optics.period_nm: is missing"),
    ],
)
def test_what_a_kind_needs_and_has_is_held_to_what_it_says(complaint, name, line, words):
    assert words in complaint(name, line)


def test_a_water_cooled_head_and_a_firmware_that_steers_a_fan_contradict_each_other(complaint):
    text = complaint(end="air_cooled = 0\n")
    assert "settings.air_cooled" in text
