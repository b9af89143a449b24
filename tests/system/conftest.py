"""What the tests of the command line share."""

import sys

import pytest

from twin.cli.main import main


@pytest.fixture
def tubetwin(tmp_path, monkeypatch, capsys):
    """Call the command line in an empty directory -> (exit status, standard output, error)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["tubetwin", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        captured = capsys.readouterr()
        return exit_.value.code or 0, captured.out, captured.err

    return call
