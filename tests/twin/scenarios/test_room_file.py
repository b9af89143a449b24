"""Room conditions from a file: what is read, and what is said about a file that cannot be used."""

import math
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.files.errors import InputError
from twin.scenarios import room_file

HEADER = "time_s,temperature_c\n"


def read(tmp_path, content):
    path = tmp_path / "room.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return room_file.read_room(path)


def complaint(tmp_path, content):
    """The one line about this file, without its directory."""
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    line = str(caught.value)
    assert "\n" not in line and line.isprintable()
    return line.removeprefix(f"{tmp_path}/")


def test_a_file_with_two_columns_has_standard_pressure_and_humidity(tmp_path):
    ambient = read(tmp_path, HEADER + "0,18\n60,19\n")
    assert ambient.at(30) == (18.5, 1013.25, 45)


def test_columns_come_in_any_order_among_comments_blanks_quotes_and_a_byte_order_mark(tmp_path):
    ambient = read(
        tmp_path,
        '\ufeff# logger 7\r\n\r\nhumidity_percent, temperature_c ,pressure_hpa,"time_s"\r\n'
        '40,18,990,-5\r\n  # a note, with a comma\r\n"50", "19", 1000 ,55\r\n \r\n',
    )
    assert ambient.duration_s == 60
    assert ambient.at(0) == (18, 990, 40)
    assert ambient.at(60) == (19, 1000, 50)


def test_time_counts_from_the_first_row_even_from_1970(tmp_path):
    ambient = read(tmp_path, HEADER + "1760000000.25,18\n1760000060.25,19\n")
    assert ambient.duration_s == 60
    assert ambient.at(15) == (18.25, 1013.25, 45)


def test_a_step_may_be_as_steep_as_the_clock_can_see(tmp_path):
    ambient = read(tmp_path, HEADER + "0,18\n1000,18\n1000.001,22\n2000,22\n")
    assert ambient.at(1000)[0] == 18
    assert ambient.at(1000.001)[0] == 22


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.floats(-1e6, 1e6),
            st.floats(-20.0, 60.0),
            st.floats(500.0, 1100.0),
            st.floats(0.0, 100.0),
        ),
        min_size=2,
        unique_by=lambda row: row[0] + 1e6,
    ).map(sorted),
    st.permutations(range(4)),
    st.integers(1, 5),
    st.booleans(),
)
def test_what_is_written_is_read_back_exactly(
    tmp_path, monkeypatch, rows, order, block_lines, quoted
):
    monkeypatch.setattr(room_file, "_BLOCK_LINES", block_lines)
    cell = '"{!r}"' if quoted else "{!r}"
    lines = [",".join(room_file.COLUMNS[k] for k in order)]
    lines += [",".join(cell.format(row[k]) for k in order) for row in rows]
    ambient = read(tmp_path, "\n".join(lines))
    assert list(ambient.time_s) == [row[0] - rows[0][0] for row in rows]
    for k, name in list(enumerate(room_file.COLUMNS))[1:]:
        assert list(getattr(ambient, name)) == [row[k] for row in rows]


FULL = "time_s,temperature_c,pressure_hpa,humidity_percent\n"


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("", 1, "empty; begin it with time_s,temperature_c"),
        ("\n# nothing\n\n", 3, "empty"),
        (HEADER, 1, "no row of values; give two"),
        (HEADER + "0,20\n", 2, "one row of values; give two"),
        ("0,20\n60,21\n", 1, "no header; put a first line such as time_s,temperature_c"),
        ("time_s,temp\n0,20\n", 1, "'temp': unknown column; did you mean temperature_c?"),
        ("time_s,humid,temperature_c\n", 1, "'humid': unknown column; did you mean humidity_perc"),
        ("<html>\n", 1, "'<html>': unknown column; known here: time_s, temperature_c"),
        ("time_s\n0\n", 1, "temperature_c: the column is missing; add it"),
        ("# a\ntemperature_c\n", 2, "time_s: the column is missing"),
        ("time_s,temperature_c,time_s\n", 1, "time_s: the column is there twice; delete one"),
        ("time_s,temperature_c,\n", 1, "column 3 has no name; name it or delete its comma"),
        ("time_s;temperature_c\n0;20,5\n", 1, "semicolons; use commas, and decimal points"),
        ("time_s\ttemperature_c\n", 1, "tabs; use commas"),
        (HEADER + "0;20\n", 2, "1 value in 2 columns; separate values by commas, not semicolons"),
        (HEADER + "0;20,5\n", 2, "'0;20' is not a number; separate values by commas"),
        (HEADER + "0,0,20,5\n", 2, "4 values in 2 columns; are these decimal commas?"),
        (HEADER + "0,20,5\n", 2, "3 values in 2 columns; give one value per column"),
        (HEADER + "\n0,20\n#\n60\n", 5, "1 value in 2 columns"),
        (HEADER + '0,"20,5"\n', 2, "temperature_c: '20,5' is not a number; use a decimal point"),
        (HEADER + "0,20\n60,warm\n", 3, "temperature_c: 'warm' is not a number; write a plain"),
        (HEADER + "0,20\n60,\n", 3, "temperature_c: '' is not a number"),
        (HEADER + "0,20\n1_0,21\n", 3, "time_s: '1_0' is not a number"),
        (HEADER + "0,nan\n", 2, "temperature_c: nan is not a usable number"),
        (HEADER + "0,20\n60,-inf\n", 3, "temperature_c: -inf is not a usable number"),
        (HEADER + "nan,20\n60,20\n", 2, "time_s: nan is not a usable number"),
        (HEADER + "0,20\n1e999,20\n", 3, "time_s: inf is not a usable number"),
        (HEADER + "0,20\n60,20\n60,21\n", 4, "time is repeated, 60 after 60 in line 3; give each"),
        (HEADER + "0,20\n60,20\n\n59,21\n", 5, "time runs backwards, 59 after 60 in line 3"),
        (HEADER + "1e308,20\n-1e308,21\n", 3, "time runs backwards"),
        (HEADER + "0,20\n86400000000,21\n", 3, "more than a year; is it in ms? give seconds"),
        (HEADER + "-1e308,20\n1e308,21\n", 3, "more than a year"),
        (HEADER + "0,300\n60,301\n", 2, "300 is outside -20 to 60 °C; is it kelvin or fahrenheit?"),
        (HEADER + "0,20\n60,-20.5\n", 3, "-20.5 is outside -20 to 60 °C"),
        (FULL + "0,20,101325,45\n", 2, "pressure_hpa: 101325 is outside 500 to 1100 hPa; is it Pa"),
        (FULL + "0,20,1013,100.1\n", 2, "humidity_percent: 100.1 is outside 0 to 100 %"),
        (FULL + "0,20,1013,-1\n", 2, "humidity_percent: -1 is outside"),
        (
            b"\x89PNG\r\n\x1a\n\0\0\0",
            3,
            "is binary or UTF-16, not CSV text; save it as CSV in UTF-8",
        ),
        (HEADER.encode("utf-16"), 1, "is binary or UTF-16"),
        (HEADER.encode() + b"0,20\n60,\xe9\n", 3, "is not UTF-8 text; save it as CSV in UTF-8"),
        ("time_s,temperature_c\r0,20\r60,21\r", 1, "carriage return without line feed; save it"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_with_its_line_and_the_mend(
    tmp_path, content, line, says
):
    told = complaint(tmp_path, content)
    assert told.startswith(f"room.csv:{line}: ")
    assert says in told
    assert re.search(r"; .", told)


@pytest.mark.parametrize("block_lines", [1, 2, 3, 20_000])
@pytest.mark.parametrize("odd", ["2.0,20", "-1,20", "3,nan", "3,x", "3", '"3",-99'])
def test_the_line_is_right_wherever_the_reading_in_blocks_cuts(
    tmp_path, monkeypatch, block_lines, odd
):
    monkeypatch.setattr(room_file, "_BLOCK_LINES", block_lines)
    told = complaint(tmp_path, f"#\n{HEADER}0,20\n\n1,20\n2,20\n{odd}\n4,20")
    assert told.startswith("room.csv:7: ")
    assert "repeated" not in told or "2 after 2 in line 6" in told


def test_the_line_is_right_far_into_a_long_file(tmp_path):
    rows = [f"{k},20" for k in range(50_000)]
    rows[45_000] = "44999,20"
    told = complaint(tmp_path, HEADER + "\n".join(rows))
    assert told.startswith("room.csv:45002: time_s: time is repeated, 44999 after 44999 in line")


def test_what_is_no_file_is_told_in_one_line(tmp_path):
    for path, says in (
        (tmp_path / "none.csv", "no such file; check"),
        (tmp_path, "is a directory; name a file in it"),
        ("/dev/zero", "is not a plain file; save the data to a file"),
        ("a\0b.csv", "cannot be read"),
        ("two\nlines.csv", "no such file"),
        ("", "no such file"),
    ):
        with pytest.raises(InputError, match=says) as caught:
            room_file.read_room(path)
        assert str(caught.value).isprintable()


CELLS = st.one_of(
    st.sampled_from(["", "nan", "0", "1e400", "-5", "20", '"', "#", ";", ",", "\r", "\0", "é"]),
    st.floats().map(repr),
    st.text(max_size=5),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=100).map(lambda tail: HEADER.encode() + b"0,20\n" + tail),
        st.lists(st.lists(CELLS, max_size=4).map(",".join), max_size=8).map(
            lambda rows: (HEADER + "\n".join(rows)).encode("utf-8", "surrogatepass")
        ),
    )
)
def test_no_bytes_at_all_lead_to_anything_but_a_table_or_one_line(tmp_path, content):
    try:
        ambient = read(tmp_path, content)
    except InputError as error:
        assert "\n" not in str(error) and str(error).startswith(f"{tmp_path}/room.csv:")
    else:
        assert all(map(math.isfinite, ambient.at(0.5 * ambient.duration_s)))
