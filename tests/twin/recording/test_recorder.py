"""The recording: what is in the file, who can read it, and what is left when things go wrong."""

import os
import subprocess
import sys
import tracemalloc

import h5py
import numpy as np
import pytest

from twin.files.errors import InputError
from twin.recording.reader import load
from twin.recording.recorder import BATCH_ROWS, Column, Recorder

COLUMNS = (
    Column("now_ms", "ms", "simulated time at the end of the row's second"),
    Column("kv", "kV", "tube voltage"),
    Column("ma", "mA", "emission current"),
    Column("intensity", "1", "relative intensity, mean of the second"),
    Column("fan_program_raw", "count", "fan pulse width"),
)
PARAMETERS = {
    "seed": 7,
    "scenario": "ramp",
    "without": ["thermal", "emission"],
    "ambient": None,
    "tube_toml": 'title = "ä tube"\n[heat]\n',
    "heat": {
        "capacity": {"value": 720.0, "unit": "J/K", "source": "assumed", "range": [500, 1000]}
    },
}
ROWS = 2 * BATCH_ROWS + 300


def row(second: int) -> tuple[float, ...]:
    drift = np.sin(second / 1000.0)
    return (second * 1000, 50.0 + 0.01 * drift, 0.98, 1.0 + 0.001 * drift, second % 65536)


def record(path, rows=ROWS, parameters=PARAMETERS):
    with Recorder(path, COLUMNS, parameters) as recorder:
        for second in range(rows):
            recorder.append(row(second))
            if second % 60 == 59:
                recorder.frame((second - 59) * 1000, 1.0, 1.001)
        recorder.close({"rms_true_percent": 0.03})
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return record(tmp_path_factory.mktemp("recording") / "run.nxs")


def in_child(code: str, *arguments: object, **options):
    """Run Python code in a process of its own, as a user's run is."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


CHILD = """
import os, resource, signal, sys
from twin.files.errors import InputError
from twin.recording.recorder import BATCH_ROWS, Column, Recorder
columns = [Column("now_ms", "ms", "time")] + [Column(f"c{i}", "1", "noise") for i in range(40)]
row = lambda second: (second * 1000, *(hash((second, i)) * 1e-18 for i in range(40)))
"""


def test_every_group_says_its_nexus_class(path):
    classes = {}
    with h5py.File(path) as file:
        classes["/"] = file.attrs["NX_class"]
        file.visititems(
            lambda name, item: (
                classes.update({name: item.attrs["NX_class"]})
                if isinstance(item, h5py.Group)
                else None
            )
        )
    assert classes == {
        "/": "NXroot",
        "entry": "NXentry",
        "entry/frames": "NXdata",
        "entry/instrument": "NXinstrument",
        "entry/instrument/source": "NXsource",
        "entry/instrument/channels": "NXcollection",
        "entry/instrument/channels/kv": "NXlog",
        "entry/instrument/channels/ma": "NXlog",
        "entry/instrument/channels/intensity": "NXlog",
        "entry/instrument/channels/fan_program_raw": "NXlog",
        "entry/parameters": "NXparameters",
        "entry/parameters/tube_toml": "NXnote",
        "entry/parameters/heat": "NXparameters",
        "entry/results": "NXparameters",
    }


def test_a_viewer_that_follows_default_signal_and_axes_finds_the_frames(path):
    with h5py.File(path) as file:
        group = file[file.attrs["default"]]
        group = group[group.attrs["default"]]
        signal, (axis,) = group[group.attrs["signal"]], group.attrs["axes"]
        assert group.attrs[f"{axis}_indices"] == [0]
        assert signal.shape == group[axis].shape == (ROWS // 60,)
        assert group[axis].attrs["units"] == "ms"
        assert all(group[name].shape == signal.shape for name in group.attrs["auxiliary_signals"])


def test_the_source_is_a_fixed_tube_and_its_voltage_is_the_channel(path):
    with h5py.File(path) as file:
        source = file["entry/instrument/source"]
        channels = file["entry/instrument/channels"]
        assert source["type"].asstr()[()] == "Fixed Tube X-ray"
        assert source["probe"].asstr()[()] == "x-ray"
        assert source["voltage"] == channels["kv/value"]
        assert source["emission_current"] == channels["ma/value"]
        assert source["voltage"].attrs["target"] == channels["kv/value"].name


def test_each_channel_has_unit_meaning_and_the_one_shared_time(path):
    with h5py.File(path) as file:
        channels = file["entry/instrument/channels"]
        assert list(channels) == ["time", *(column.name for column in COLUMNS[1:])]
        for column in COLUMNS[1:]:
            log = channels[column.name]
            assert log["value"].attrs["units"] == column.unit
            assert log["description"].asstr()[()] == column.meaning
            assert log["time"] == channels["time"]
            assert log["value"].compression == "gzip"
            assert log["value"].shuffle


def test_what_was_recorded_is_what_is_read(path):
    recording = load(path)
    expected = np.array([row(second) for second in range(ROWS)])
    assert recording.now_ms.dtype == np.int64
    np.testing.assert_array_equal(recording.now_ms, expected[:, 0])
    for index, column in enumerate(COLUMNS[1:], 1):
        np.testing.assert_array_equal(recording.columns[column.name], expected[:, index])
    np.testing.assert_array_equal(recording.frames.start_ms, np.arange(ROWS // 60) * 60_000)
    assert set(recording.frames.measured) == {1.001}
    assert recording.units["kv"] == "kV"
    assert recording.parameters == PARAMETERS
    assert recording.results == {"rms_true_percent": 0.03}


def test_the_same_calls_give_the_same_bytes(path, tmp_path):
    assert record(tmp_path / "again.nxs").read_bytes() == path.read_bytes()


def test_a_run_without_any_row_gives_a_readable_recording(tmp_path):
    recording = load(record(tmp_path / "empty.nxs", rows=0))
    assert len(recording.now_ms) == len(recording.frames.true) == 0


def test_a_run_that_is_killed_leaves_a_readable_file(tmp_path):
    code = CHILD + (
        "recorder = Recorder(sys.argv[1], columns, {'seed': 1})\n"
        "for second in range(BATCH_ROWS + 10):\n"
        "    if second % 60 == 59: recorder.frame(second * 1000 - 59_000, 1.0, 1.0)\n"
        "    recorder.append(row(second))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert in_child(code, tmp_path / "run.nxs").returncode == -9
    (part,) = tmp_path.iterdir()
    recording = load(part)
    assert part.name.startswith(".run.nxs.")
    assert len(recording.now_ms) == BATCH_ROWS
    assert len(recording.frames.true) == BATCH_ROWS // 60
    assert recording.parameters == {"seed": 1}


def test_another_process_reads_along_while_the_run_goes_on(tmp_path):
    with Recorder(tmp_path / "run.nxs", COLUMNS, {}) as recorder:
        for second in range(100):
            recorder.append(row(second))
        recorder.flush()
        code = "import sys; from twin.recording.reader import load; "
        code += "print(len(load(sys.argv[1]).now_ms))"
        assert in_child(code, recorder.part).stdout == "100\n"


@pytest.mark.parametrize("kib", [100, 1000, 1500, 3000])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path, kib):
    code = CHILD + (
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]) << 10,) * 2)\n"
        "try:\n"
        "    with Recorder(sys.argv[1], columns, {}) as recorder:\n"
        "        for second in range(20 * BATCH_ROWS): recorder.append(row(second))\n"
        "        recorder.close()\n"
        "except InputError as error:\n"
        "    print(error)\n"
    )
    child = in_child(code, tmp_path / "run.nxs", kib)
    assert child.returncode == 0
    assert child.stderr == ""
    assert child.stdout.count("\n") == 1
    assert "can't be written (File too large); free some space" in child.stdout
    assert not list(tmp_path.iterdir())


def test_an_unwritable_directory_is_one_line(tmp_path):
    tmp_path.chmod(0o500)
    # The superuser may write everywhere but there.
    directory = "/proc" if os.access(tmp_path, os.W_OK) else str(tmp_path)
    with pytest.raises(InputError, match=r"can't be written \(.*\); (make|name a file in) "):
        Recorder(f"{directory}/run.nxs", COLUMNS, {})
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", ["missing/run.nxs", "directory"])
def test_a_path_that_cannot_be_a_file_is_one_line(tmp_path, name):
    (tmp_path / "directory").mkdir()
    with pytest.raises(InputError) as caught:
        Recorder(tmp_path / name, COLUMNS, {})
    assert "\n" not in str(caught.value)
    assert [item.name for item in tmp_path.rglob("*")] == ["directory"]


def test_discard_leaves_nothing_and_may_come_twice(tmp_path):
    recorder = Recorder(tmp_path / "run.nxs", COLUMNS, {})
    for second in range(BATCH_ROWS + 1):
        recorder.append(row(second))
    recorder.discard()
    recorder.discard()
    assert not list(tmp_path.iterdir())


def test_leaving_the_block_without_close_keeps_the_recording_that_was_there(tmp_path):
    path = record(tmp_path / "run.nxs", rows=60)
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), Recorder(path, COLUMNS, {}) as recorder:
        recorder.append(row(0))
        raise ZeroDivisionError
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_row_of_another_length_is_a_programming_error(tmp_path):
    with Recorder(tmp_path / "run.nxs", COLUMNS, {}) as recorder:
        recorder.append((0, 1.0))
        with pytest.raises(ValueError, match="a row has 5 columns"):
            recorder.flush()


def test_texts_that_are_not_utf8_and_numbers_beyond_64_bits_are_kept_readable(tmp_path):
    hostile = {"scenario": "a\0b\udcff", "seed": 1 << 70, "mixed": [1, "two"], "flags": [True]}
    hostile["none"] = []
    recording = load(record(tmp_path / "run.nxs", rows=1, parameters=hostile))
    assert recording.parameters == {
        "scenario": "a\\0b\\udcff",
        "seed": str(1 << 70),
        "mixed": '[1, "two"]',
        "flags": "[true]",
        "none": [],
    }


def test_memory_stays_flat_over_many_batches(tmp_path):
    def peak(batches: int) -> int:
        tracemalloc.start()
        record(tmp_path / "run.nxs", rows=batches * BATCH_ROWS)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(1)
    assert peak(12) < 1.2 * peak(3)
