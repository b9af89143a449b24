"""The files that describe the project agree with each other and name no machine and no registry."""

import pathlib
import re
import subprocess
import tomllib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOCKS = ["requirements.txt", "requirements-dev.txt"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

# Put together here, so that this file does not contain them.
HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"))]
HOSTS += [".".join(("deb", "debian", "org"))]
MACHINE_PATH = re.compile(r"(?<![\w.$}{<])/" + r"(?:home|root|work|Users|opt)/" + r"\w")


def tracked_texts() -> list[tuple[str, str]]:
    """(name, text) of all text files that are or would be committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    texts = []
    for name in filter(None, names.split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b"\0"
        if b"\0" not in content:
            texts.append((name, content.decode()))
    return texts


def entries(lock: str) -> dict[str, str]:
    """The requirements of a lock file: "name==version ; marker" to the text with its hashes."""
    text = re.sub(r"(?m)^\s*#.*\n?", "", (ROOT / lock).read_text()).replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return {line.partition(" --hash")[0].strip(): line for line in lines}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_pinned_and_carries_hashes(lock: str):
    assert len(entries(lock)) > 20
    for requirement, line in entries(lock).items():
        assert re.match(r"[a-z0-9-]+==\S+", requirement), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), requirement


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_names_no_place_to_fetch_from(lock: str):
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "--index" not in text and "--extra-index" not in text and "--find-links" not in text


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", entry)[0].lower().replace("_", "-") for entry in requirements}


def test_the_locks_hold_what_the_project_asks_for():
    run, dev = (names([entry.partition("==")[0] for entry in entries(lock)]) for lock in LOCKS)
    groups = PROJECT["dependency-groups"]
    assert names(PROJECT["project"]["dependencies"] + groups["build"]) <= run
    assert names(groups["dev"]) <= dev


def test_the_tests_run_with_the_same_versions_as_the_program():
    assert set(entries(LOCKS[0])) <= set(entries(LOCKS[1]))


def test_no_file_names_a_package_registry():
    found = [(name, host) for name, text in tracked_texts() for host in HOSTS if host in text]
    assert found == []


def test_no_file_names_a_path_on_somebodys_machine():
    found = [(name, hit) for name, text in tracked_texts() for hit in MACHINE_PATH.findall(text)]
    assert found == []


def test_ci_runs_the_tests_as_a_user_does():
    command, script = (ROOT / ".ci/run").read_text().splitlines()
    assert command == "#!/usr/bin/env bash"
    assert script.startswith("exec ") and script.endswith('/scripts/test"')


def test_the_checks_before_a_commit_are_local_and_run_what_scripts_test_runs():
    config = (ROOT / ".pre-commit-config.yaml").read_text()
    assert re.findall(r"^  - repo: (.+)$", config, re.M) == ["local"]
    entries = re.findall(r"^ +entry: \.venv/bin/(.+)$", config, re.M)
    script = (ROOT / "scripts/test").read_text()
    for check in ("ruff check", "ruff format --check", "lint-imports --no-cache", "mypy"):
        assert any(entry.startswith(check) for entry in entries), check
        assert re.search(rf"^{check}", script, re.M), check
    assert "python scripts/tables.py --check" in entries
    assert "\nscripts/tables --check\n" in script


def test_every_script_is_on_the_page_of_scripts():
    page = (ROOT / "scripts/README.md").read_text()
    for path in (ROOT / "scripts").glob("*"):
        named = path.name in page or f"scripts/{path.name}`" in page
        generator = re.search(r"_(table|picture)\.py$", path.name)
        assert named or generator or path.name in ("README.md", "__pycache__"), path.name
