"""Calibrations: what is shipped is what commissioning gives, and a cache can only save time."""

import json
import os
import stat
import threading
from pathlib import Path

import pytest

from tests.kit.full_disk import fill_disk
from tests.kit.variants import DEFAULT, varied
from twin.commission import calibrations
from twin.commission.calibrations import calibration_of, write_calibration
from twin.commission.commission import VERSION, commission
from twin.files.errors import InputError
from twin.tube.tube import DEFAULT_TUBE, TUBES, builtin_tubes, load_tube

FOUND = {"kv_exponent": 1.5, "head_per_k": 0.01, "fan_exponent": 0.8}
OTHER = varied({"heat.fan_exponent": 0.7})


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and commissioning that takes no time: `.runs` counts it."""

    class Cache:
        runs = 0
        directory = tmp_path / "tubetwin" / "calibrations"

        def path(self, tube=OTHER):
            return self.directory / f"{tube.fingerprint()}-{VERSION}.json"

        def leave(self, text):
            self.directory.mkdir(parents=True, exist_ok=True)
            self.path().write_text(text)

    cache = Cache()

    def fake(tube, progress):
        cache.runs += 1
        progress(1.0)
        return dict(FOUND)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(calibrations, "commission", fake)
    return cache


def document(settings=None, key=None):
    key = key or f"{OTHER.fingerprint()}-{VERSION}"
    return json.dumps({"tube": key, "settings": FOUND if settings is None else settings})


# What is shipped ---------------------------------------------------------------------------------


# An air-cooled and a water-cooled one first: as many as --tubes says are commissioned anew.
IN_ORDER = sorted(builtin_tubes(), key=lambda name: name not in (DEFAULT_TUBE, "cu-txs-water"))


@pytest.mark.slow
def test_built_in_tubes_bring_exactly_what_commissioning_gives_today(pytestconfig):
    for name in IN_ORDER[: pytestconfig.getoption("--tubes")]:
        as_today(name)


def as_today(name):
    """Bit for bit. If it does not: was that meant? Then count commission.VERSION up, which
    makes users' remembered calibrations void too, and `tubetwin commission NAME --out` its file.
    """
    tube = load_tube(name)[1]
    shipped = json.loads((TUBES / f"{name}.calibration.json").read_text(encoding="utf-8"))
    assert shipped == {"tube": f"{tube.fingerprint()}-{VERSION}", "settings": commission(tube)}


@pytest.mark.parametrize("name", builtin_tubes())
def test_a_built_in_tube_is_never_commissioned(cache, name):
    found = calibration_of(name, load_tube(name)[1])
    assert cache.runs == 0
    assert found["head_per_k"] != 0.0
    assert not cache.directory.exists()


def test_a_tube_of_a_built_in_name_and_other_numbers_does_not_get_the_built_in_constants(cache):
    assert calibration_of("cu-50w-air", OTHER) == FOUND
    assert cache.runs == 1


def test_a_tube_of_another_name_and_the_same_numbers_is_another_file(cache):
    assert calibration_of("mine", DEFAULT) == FOUND
    assert cache.runs == 1


# The cache ---------------------------------------------------------------------------------------


def test_a_tube_is_commissioned_once(cache):
    told: list[float] = []
    assert calibration_of("mine", OTHER, told.append) == FOUND
    assert calibration_of("mine", OTHER, told.append) == FOUND
    assert calibration_of("renamed", OTHER) == FOUND
    assert cache.runs == 1
    assert told == [1.0]
    calibration_of("mine", varied({"heat.fan_exponent": 0.71}))
    assert cache.runs == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "null",
        "[]",
        "3",
        '"tube"',
        "{}",
        "[" * 100_000,
        "\x00\x01",
        document()[:-20],
        document(key=f"{OTHER.fingerprint()}-{VERSION - 1}"),
        document(key=f"{DEFAULT.fingerprint()}-{VERSION}"),
        document(settings=[1, 2]),
        document(settings=None).replace('"settings"', '"setings"'),
        document(settings={"kv_exponnt": 1.5}),
        document(settings={"kv_exponent": "1.5"}),
        document(settings={"kv_exponent": None}),
        document(settings={"kv_exponent": float("nan")}),
        document(settings={"kv_exponent": float("inf")}),
        document(settings={"kv_exponent": 1e9}),
    ],
)
def test_a_file_that_is_stale_or_unfit_is_made_anew(cache, text):
    cache.leave(text)
    assert calibration_of("mine", OTHER) == FOUND
    assert cache.runs == 1
    assert json.loads(cache.path().read_text())["settings"] == FOUND
    assert calibration_of("mine", OTHER) == FOUND
    assert cache.runs == 1


def test_bytes_that_are_no_text_are_made_anew(cache):
    cache.leave("")
    cache.path().write_bytes(b"\xff\xfe\x00{")
    assert calibration_of("mine", OTHER) == FOUND
    assert cache.runs == 1


def test_a_cache_that_cannot_be_written_costs_only_time(cache, tmp_path, monkeypatch):
    (tmp_path / "plain file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "plain file"))
    assert calibration_of("mine", OTHER) == FOUND
    assert calibration_of("mine", OTHER) == FOUND
    assert cache.runs == 2


def test_a_directory_where_the_file_belongs_costs_only_time(cache):
    cache.path().mkdir(parents=True)
    assert calibration_of("mine", OTHER) == FOUND
    assert [path.name for path in cache.directory.iterdir()] == [cache.path().name]


def test_a_user_without_a_home_has_no_cache(cache, monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", no_home)
    assert calibration_of("mine", OTHER) == FOUND


def test_without_xdg_the_cache_is_in_the_home(cache, tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    calibration_of("mine", OTHER)
    assert (tmp_path / "home" / ".cache" / "tubetwin" / "calibrations").is_dir()


# Writing -----------------------------------------------------------------------------------------


def test_what_is_written_is_what_is_read(cache):
    write_calibration(cache.path(), OTHER, {**FOUND, "air_depth_per_cm": 0.1 + 0.2})
    assert calibration_of("mine", OTHER) == {**FOUND, "air_depth_per_cm": 0.1 + 0.2}
    assert cache.runs == 0


def test_a_disk_that_fills_up_leaves_nothing_behind(cache, monkeypatch):
    fill_disk(monkeypatch)
    assert calibration_of("mine", OTHER) == FOUND
    assert list(cache.directory.iterdir()) == []
    with pytest.raises(InputError, match="No space left on device"):
        write_calibration(cache.path(), OTHER, FOUND)
    assert list(cache.directory.iterdir()) == []


def test_a_file_that_fails_to_be_replaced_stays_as_it_was(cache, monkeypatch):
    cache.leave(document())

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InputError):
        write_calibration(cache.path(), OTHER, {"kv_exponent": 2.0})
    assert cache.path().read_text() == document()
    assert len(list(cache.directory.iterdir())) == 1


def test_a_file_asked_for_that_cannot_be_written_is_an_error_in_one_line(tmp_path):
    (tmp_path / "plain file").write_text("")
    path = tmp_path / "plain file" / "calibration.json"
    with pytest.raises(InputError) as caught:
        write_calibration(path, OTHER, FOUND)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_others_may_read_what_the_umask_lets_them(tmp_path):
    write_calibration(tmp_path / "c.json", OTHER, FOUND)
    (tmp_path / "plain").write_text("")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("c.json", "plain")]
    assert modes[0] == modes[1]


def test_many_writers_at_once_and_no_reader_ever_sees_half_a_file(cache):
    stop = threading.Event()
    broken = []
    write_calibration(cache.path(), OTHER, FOUND)

    def read():
        while not stop.is_set():
            try:
                json.loads(cache.path().read_text())
            except ValueError as error:
                broken.append(error)

    def write(number):
        for index in range(100):
            write_calibration(cache.path(), OTHER, {**FOUND, "fan_min": 0.001 * number + index})

    reader = threading.Thread(target=read)
    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    reader.start()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    stop.set()
    reader.join()
    assert broken == []
    assert [path.name for path in cache.directory.iterdir()] == [cache.path().name]
