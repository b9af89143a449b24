"""What `import twin` offers: few names, loaded when they are used, with whole docstrings."""

import importlib
import inspect
import subprocess
import sys

import pytest
from numpydoc.validate import validate  # type: ignore[import-untyped]

import twin

# Not asked for: an empty first line, sections that only some need, the imperative of a property.
STYLE = {"GL01", "ES01", "SA01", "SA04", "EX01"}
OWN = [name for name in twin.__all__ if name != "InputError"]
MEMBERS = [
    f"{name}.{member}"
    for name in ("Result", "World")
    for member, found in vars(getattr(twin, name)).items()
    if not member.startswith("_") and inspect.isroutine(found)
]


def test_each_public_name_is_there_and_listed():
    assert set(twin.__all__) <= set(dir(twin))
    for name in twin.__all__:
        assert getattr(twin, name) is not None
    with pytest.raises(AttributeError, match="'twin' has no attribute 'runs_away'"):
        _ = twin.runs_away


def test_import_twin_loads_neither_numpy_nor_the_firmware():
    code = "import sys, twin; print({'numpy', 'pydantic', 'firmware'} & set(sys.modules))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout == "set()\n"


@pytest.mark.parametrize("name", [*OWN, *MEMBERS])
def test_docstrings_are_whole_in_the_form_of_numpydoc(name):
    found = getattr(twin, name.partition(".")[0])
    path = f"{found.__module__}.{found.__name__}"
    member = name.partition(".")[2]
    errors = validate(f"{path}.{member}" if member else path)["errors"]
    assert [error for error in errors if error[0] not in STYLE] == []


def test_the_package_is_marked_as_typed():
    assert importlib.resources.files("twin").joinpath("py.typed").is_file()
