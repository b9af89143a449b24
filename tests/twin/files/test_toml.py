"""TOML descriptions: strict types, the right line, one line of complaint and nothing else."""

from typing import Annotated, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from twin.files.errors import InputError
from twin.files.toml import MAX_BYTES, EntryError, load_toml


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Number(Strict):
    value: float
    range: tuple[float, float] | None = None


def from_number(given: Any) -> Any:
    return {"value": given} if isinstance(given, int | float) else given


def not_nine(number: Number) -> Number:
    if number.value == 9:
        raise ValueError("nine is outside\n1 to 8")
    return number


class Part(Strict):
    size: Annotated[Number, BeforeValidator(from_number), AfterValidator(not_nine)]
    kind: Literal["big", "small"] = "big"


def no_gap(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    for index, part in enumerate(parts):
        if part.kind == "small":
            raise EntryError("no small ones; choose big", index, "kind")
    return parts


class Whole(Strict):
    title: str
    count: int = Field(default=1, ge=0, lt=10)
    flag: bool = False
    main: Part | None = None
    parts: Annotated[tuple[Part, ...], AfterValidator(no_gap)] = ()
    settings: dict[str, float | int] = {}
    note: Annotated[str, Field(max_length=3)] = ""


@pytest.fixture
def load(tmp_path):
    def write_and_load(content, **given):
        path = tmp_path / "d.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_toml(path, Whole, **given)

    return write_and_load


@pytest.fixture
def told(load, tmp_path):
    def complain(content, **given):
        with pytest.raises(InputError) as caught:
            load(content, **given)
        assert str(caught.value).isprintable()
        return str(caught.value).removeprefix(f"{tmp_path}/d.toml:")

    return complain


def test_a_good_file_becomes_a_model_with_tuples_for_lists(load):
    whole = load(
        "\ufefftitle = 't'\r\n[main]\r\nsize = {value = 1, range = [0, 2]}\n[settings]\na=1"
    )
    assert whole.main.size == Number(value=1, range=(0, 2))
    assert whole.settings == {"a": 1}


def test_what_the_caller_gives_the_file_may_not_set(load, told):
    assert load("count = 2", title="given").title == "given"
    assert told("count = 2\ntitle = 'own'", title="given") == (
        "2: title: unknown key; delete it, the program sets it"
    )
    assert told("titel = 1", title="given").startswith("1: titel: unknown key; known here: count,")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("title = 't'\ncuont = 1", "2: cuont: unknown key; did you mean count?"),
        (
            "title = 't'\n\n[main]\nsize = 1\nsise = 1",
            "5: main.sise: unknown key; did you mean size?",
        ),
        ("title='t'\n[main]\nsize=1\ncount=1", "4: main.count: unknown key; it belongs above the"),
        ("title = 't'\nsize = 1", "2: size: unknown key; it belongs in [main]"),
        ("title='t'\n[[parts]]\nsize=1\n[[parts]]\nsize=1\nxyz=1", "6: parts[1].xyz: unknown key"),
        (
            "title='t'\nparts=[\n {size=1},\n {size=1, kynd=1}]",
            "4: parts[1].kynd: unknown key; did",
        ),
        ("title='t'\n'ti\\ntle'=1", '2: "ti\\\\ntle": unknown key'),
        ("title='t'\n\"a\\nb\"=1", '2: "a\\nb": unknown key'),
        ("title = 1", "1: title: the number 1 instead of text in quotes; write text in quotes"),
        ("title='t'\ncount='1'", "2: count: the text '1' instead of a whole number; write a"),
        ("title='t'\ncount=1.5", "2: count: the number 1.5 instead of a whole number"),
        ("title='t'\ncount=true", "2: count: true instead of a whole number"),
        ("title='t'\ncount=[1]", "2: count: a list instead of a whole number"),
        ("title='t'\ncount={a=1}", "2: count: a table instead of a whole number"),
        ("title='t'\ncount=1979-05-27", "2: count: the date 1979-05-27 instead of a whole number"),
        ("title='t'\ncount=12", "2: count: 12 must be below 10; change it"),
        ("title='t'\ncount=-1", "2: count: -1 must be at least 0; change it"),
        ("title='t'\nflag=1", "2: flag: the number 1 instead of true or false"),
        ("title='t'\nmain=1", "2: main: the number 1 instead of a table"),
        ("title='t'\nmain.size=true", "2: main.size: true instead of a number"),
        (
            "title='t'\n[main]\nsize={value=1,\trange=['0',1]}",
            "3: main.size.range[0]: the text '0'",
        ),
        ("title='t'\n[main]\nsize={range=[0,1]}", "3: main.size.value: is missing; add it"),
        ("title='t'\n[main]\n  size = 9", "3: main.size: nine is outside 1 to 8; correct it"),
        (
            "title='t'\n[main]\nsize=1\nkind='huge'",
            "4: main.kind: 'huge' is unknown; write 'big' or",
        ),
        (
            "title='t'\n[[parts]]\nsize=1\nkind='small'",
            "4: parts[0].kind: no small ones; choose big",
        ),
        ("title='t'\n[settings]\na=1\nb='x'", "4: settings.b: the text 'x' instead of a number"),
        ("title='t'\nnote='long'", "2: note: String should have at most 3 characters; correct it"),
        ("[main]\nsize=1", "1: title: is missing; add it"),
        ("title='t'\n[main]\nkind='big'", "2: main.size: is missing; add it"),
        ("count=-1\nflag=2\nnote=3", "1: count: -1 must be at least 0; change it (and 2 more)"),
        ("title='t'\nsettings.a=nan", "2: settings.a: nan is not a usable number; write a finite"),
        (
            "title='t'\nmain.size=-inf\ncount=nan",
            "2: main.size: -inf is not a usable number; write a",
        ),
        ("title='t'\nsettings.a=9223372036854775808", "2: settings.a: the number is too large"),
        (
            "title='t'\ncount=" + "9" * 5000,
            "2: TOML syntax: a number of thousands of digits; shorten",
        ),
        ("title='t'\ncount=1,5", "2: TOML syntax: Expected newline"),
        ("title='t'\ncount = warm", "2: TOML syntax: Invalid value at column 9; text needs quotes"),
        ("title='t'\nparts = [1,\n2,\n", "3: TOML syntax: "),
        (
            "title='t'\ntitle='u'",
            "2: TOML syntax: Cannot overwrite a value; the same key or table appears",
        ),
        ("[main]\nsize=1\n[main]\n", "3: TOML syntax: Cannot declare ('main',) twice at column 6"),
        (b"title='t'\n# \xe9\n", "2: is not UTF-8 text; save it as UTF-8"),
        (b"\0", "1: TOML syntax: Invalid statement at column 1"),
    ],
)
def test_the_first_problem_is_told_with_its_line_its_key_and_the_mend(told, content, says):
    complaint = told(content)
    assert complaint.startswith(says)
    assert "; " in complaint


def test_a_file_nested_without_end_is_told(load):
    for content in ("a=" + "[" * 20_000, "a" + ".a" * 2_000 + "=1", "a=" + "{a=" * 20_000):
        with pytest.raises(InputError, match=r"d\.toml(:1)?: (nested too deeply|TOML syntax)"):
            load(content)


def test_a_file_too_large_for_a_description_is_told(load):
    with pytest.raises(InputError, match="larger than 4 MB; name a TOML description"):
        load("#" * (MAX_BYTES + 1))


def test_what_is_no_file_is_told(tmp_path):
    for path, says in (
        (tmp_path, "is a directory"),
        (tmp_path / "none.toml", "no such file"),
        (tmp_path / "none.toml" / "x", "no such file"),
        ("/dev/zero", "not a plain file"),
        ("\ud800.toml", "no such file|cannot be read"),
    ):
        with pytest.raises(InputError, match=says) as caught:
            load_toml(path, Whole)
        assert str(caught.value).isprintable()


TOKENS = st.sampled_from(
    [
        "title",
        "=",
        "'t'",
        "\n",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        '"',
        "'''",
        "#",
        "main",
        "size",
        "1",
        "nan",
        "parts",
        "true",
        "\\",
        "1e999",
        "\r",
        "\0",
        "é",
        "settings",
        "count",
        " ",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(TOKENS, max_size=40).map(lambda tokens: "".join(tokens).encode()),
        st.lists(TOKENS, max_size=20).map(
            lambda tokens: ("title='t'\n" + "".join(tokens)).encode()
        ),
    )
)
def test_no_bytes_at_all_lead_to_anything_but_a_model_or_one_line(load, content):
    try:
        load(content)
    except InputError as error:
        assert "\n" not in str(error) and "; " in str(error)
