"""Reading a recording: whole, thinned, as CSV; and what is not one."""

import csv

import h5py
import numpy as np
import pytest

from twin.files.errors import InputError
from twin.recording.reader import export_csv, load
from twin.recording.recorder import Column, Recorder

COLUMNS = (
    Column("now_ms", "ms", "simulated time"),
    Column("intensity", "1", "relative intensity"),
    Column("fan_program_raw", "count", "fan pulse width"),
)
ROWS = 4000


def row(second: int) -> tuple[float, ...]:
    return (second * 1000, 1.0 + 0.001 * np.sin(second / 1000.0), second % 65536)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("recording") / "run.nxs"
    with Recorder(path, COLUMNS, {}) as recorder:
        for second in range(ROWS):
            recorder.append(row(second))
        recorder.frame(0, 1.0, 1.001)
        recorder.close()
    return path


def test_a_thinned_recording_keeps_the_extremes(path):
    whole = load(path, ["intensity", "no_such_channel"])
    thin = load(path, ["intensity"], most_points=100)
    assert len(thin.now_ms) <= 100
    assert thin.low["intensity"].min() == whole.columns["intensity"].min()
    assert thin.high["intensity"].max() == whole.columns["intensity"].max()
    assert thin.columns["intensity"].mean() == pytest.approx(
        whole.columns["intensity"].mean(), 1e-6
    )
    assert list(whole.columns) == ["intensity"]


def test_csv_holds_every_number_to_the_bit(path, tmp_path):
    export_csv(path, tmp_path / "run.csv", tmp_path / "frames.csv")
    with (tmp_path / "run.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == [column.name for column in COLUMNS]
    np.testing.assert_array_equal(
        np.array(rows, dtype=float), np.array([row(second) for second in range(ROWS)])
    )
    assert rows[5][0] == "5000"
    first = (tmp_path / "frames.csv").read_text().splitlines()[:2]
    assert first == ["start_ms,intensity_true,intensity_measured", "0,1,1.001"]
    assert sorted(item.name for item in tmp_path.iterdir()) == ["frames.csv", "run.csv"]


def test_csv_that_cannot_be_written_leaves_nothing(path, tmp_path):
    with pytest.raises(InputError, match="can't be written"):
        export_csv(path, tmp_path / "run.csv", tmp_path / "missing" / "frames.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [None, b"", b"time,kv\n0,50\n"])
def test_what_is_not_a_recording_is_one_line(tmp_path, content):
    path = tmp_path / "other.nxs"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"other\.nxs") as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_another_hdf5_file_is_not_taken_for_a_recording(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w", libver="v110") as file:
        file["x"] = 1
    with pytest.raises(InputError, match="not a recording of tubetwin"):
        load(tmp_path / "other.h5")
