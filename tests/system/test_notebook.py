"""The notebook of docs/user/ runs from its first cell to its last, and is kept without outputs."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[2] / "docs" / "user" / "first-steps.ipynb"


@pytest.fixture(scope="module")
def executed():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    return NotebookClient(notebook, timeout=300, kernel_name="python3").execute()


def printed(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    return outputs, "".join(one.text for one in outputs if one.get("name") == "stdout")


def test_the_notebook_runs_and_shows_what_its_text_promises(executed):
    outputs, text = printed(executed)
    words = [line.split(":")[0] for line in text.splitlines() if line[0] not in " <"]
    assert words == ["HELD", "NOT HELD", "HELD"]
    assert "<twin.World beam at 9.00 s>" in text
    assert "<twin.World tripped at 9.02 s> chain-a" in text
    assert outputs[-1].data["text/plain"] == "False"
    assert sum("image/png" in one.get("data", {}) for one in outputs) == 2


def test_the_notebook_gives_no_warning(executed):
    outputs, _ = printed(executed)
    assert [one.text for one in outputs if one.get("name") == "stderr"] == []


def test_the_notebook_is_kept_without_outputs():
    for cell in nbformat.read(NOTEBOOK, as_version=4).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
