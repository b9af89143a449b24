"""Real MicroPython interpreters are found, or it is said how to get them."""

import pathlib
import subprocess

import pytest

from hil.micropython.interpreters import VARIABLES, cached_micropython, find_micropython
from twin.files.errors import InputError


def ask(precision: str, expression: str) -> str:
    """What MicroPython of that precision prints for an expression."""
    command = [str(find_micropython(precision)), "-c", f"print({expression})"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("precision", "third", "largest"),
    [("double", "0.3333333333333333", 2**63 - 1), ("single", "0.3333333", 2**31 - 1)],
)
def test_both_interpreters_are_there_and_calculate_in_their_precision(
    precision: str, third: str, largest: int
):
    assert ask(precision, "1 / 3") == third
    assert ask(precision, "__import__('sys').maxsize") == str(largest)


def test_the_single_precision_interpreter_loses_what_a_microcontroller_loses():
    assert ask("single", "16777216.0 + 1 == 16777216.0") == "True"
    assert ask("double", "16777216.0 + 1 == 16777216.0") == "False"


@pytest.fixture
def empty_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    """No interpreter is named in the environment and the cache is empty."""
    for variable in VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("precision", VARIABLES)
def test_no_interpreter_is_one_line_that_says_how_to_get_one(
    precision: str, empty_cache: pathlib.Path
):
    with pytest.raises(InputError, match=f"run scripts/test, or set {VARIABLES[precision]}"):
        find_micropython(precision)


def test_an_interpreter_in_the_cache_is_found(empty_cache: pathlib.Path):
    path = cached_micropython("single")
    path.parent.mkdir(parents=True)
    path.touch(mode=0o755)
    assert empty_cache in path.parents
    assert find_micropython("single") == path


def test_an_interpreter_named_in_the_environment_comes_first_and_must_exist(
    empty_cache: pathlib.Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TUBETWIN_MICROPYTHON", str(empty_cache / "missing"))
    with pytest.raises(InputError, match=r"missing is not an executable: correct or unset it"):
        find_micropython("double")
    mine = empty_cache / "mine"
    mine.touch(mode=0o755)
    monkeypatch.setenv("TUBETWIN_MICROPYTHON", str(mine))
    assert find_micropython("double") == mine
