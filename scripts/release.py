"""Build a release and check that it works in an environment with only the release installed.

    scripts/release            needs a clean working tree and a version with its date
    scripts/release --trial    the same checks for a version that is not released yet

1. pyproject.toml, CHANGELOG.md, CITATION.cff and the firmware agree on version and date.
2. The sdist is built into dist/, and the wheel from the sdist.
3. The wheel has every file of the three packages: data files, templates and examples included.
4. The wheel is installed in an empty environment with the locked packages, and the main job runs
   from an empty folder.
5. The SHA-256 of each file is printed and written to dist/SHA256SUMS.

Exit status 2: a check failed; its name is in one line.
"""

import ast
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Collection

from bootstrap import LOCKS, ROOT, Uv, base_python, install
from fetch_uv import SetupError

PACKAGES = ("firmware", "twin", "hil")
MAIN_JOB = ("run", "--hours", "0.2", "--no-mqtt")
RESULTS = ("report.html", "report.png", "recording.h5", "summary.json")
UNRELEASED = "unreleased"


def disagreements(root: pathlib.Path, trial: bool = False) -> list[str]:
    """The differences between the files that contain the version, one line each.

    trial: the changelog may still have "unreleased" in place of the date.
    """
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    changelog = (root / "CHANGELOG.md").read_text("utf-8")
    citation = (root / "CITATION.cff").read_text("utf-8")
    heading = re.search(r"^## \[([^\]]+)\](?: - (\S+))?", changelog, re.M)
    newest, date = heading.groups() if heading else (None, None)
    found = []
    if newest != version:
        found.append(
            f"CHANGELOG.md: the first heading is of {newest}, pyproject.toml has {version}"
        )
    if not (trial and date == UNRELEASED) and not re.fullmatch(r"\d{4}-\d\d-\d\d", date or ""):
        found.append(
            f"CHANGELOG.md: version {newest} needs its date, such as 2026-11-21, not {date}"
        )
    cited = dict(re.findall(r"^(version|date-released): (\S+)$", citation, re.M))
    if cited.get("version") != version:
        found.append(f"CITATION.cff: version {cited.get('version')}, pyproject.toml has {version}")
    if date != UNRELEASED and cited.get("date-released") != date:
        found.append(
            f"CITATION.cff: date-released {cited.get('date-released')}, CHANGELOG.md has {date}"
        )
    firmware = firmware_version(root)
    if firmware != version:
        found.append(f"firmware/__init__.py: version {firmware}, pyproject.toml has {version}")
    return found


def firmware_version(root: pathlib.Path) -> str | None:
    """The version that a unit reports."""
    tree = ast.parse((root / "firmware/__init__.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return str(ast.literal_eval(node.value))
    return None


def tracked(root: pathlib.Path) -> list[str]:
    """The files of the three packages in the repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *PACKAGES]
    done = subprocess.run(command, cwd=root, capture_output=True, check=True)
    names = done.stdout.decode().split("\0")
    return sorted(name for name in names if name and (root / name).is_file())


def missing_files(wheel: pathlib.Path, needed: Collection[str]) -> list[str]:
    """The files that a wheel lacks."""
    with zipfile.ZipFile(wheel) as content:
        return sorted(set(needed) - set(content.namelist()))


def build(
    uv: Uv, into: pathlib.Path, source: pathlib.Path = ROOT
) -> tuple[pathlib.Path, pathlib.Path]:
    """Build the sdist, and from it the wheel -> (wheel, sdist).

    The times in the wheel are those of the newest commit: built again, it has the same bytes.
    """
    command = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True)
    if done.returncode == 0:
        uv.environ["SOURCE_DATE_EPOCH"] = done.stdout.strip()
    python = str(ROOT / ".venv/bin/python")
    options = ("--quiet", "--no-build-isolation", "--python", python, "--out-dir", str(into))
    uv("build", *options, str(source))
    [wheel], [sdist] = into.glob("tubetwin-*.whl"), into.glob("tubetwin-*.tar.gz")
    return wheel, sdist


def install_and_run(uv: Uv, wheel: pathlib.Path, folder: pathlib.Path) -> str:
    """Run the main job with the wheel in an otherwise empty environment; returns its output."""
    environment, empty = folder / "environment", folder / "empty"
    empty.mkdir()
    uv("venv", "--quiet", "--python", base_python(), str(environment))
    into = ("--quiet", "--python", str(environment / "bin/python"))
    uv("pip", "install", *into, "--require-hashes", "-r", LOCKS["run"])
    uv("pip", "install", *into, "--no-deps", str(wheel))
    uv("pip", "check", *into)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(environment / "bin/tubetwin"), *MAIN_JOB, "--out", "results"]
    done = subprocess.run(command, cwd=empty, env=environ, capture_output=True, text=True)
    if done.returncode != 0:
        raise SetupError(
            f"tubetwin {' '.join(MAIN_JOB)}: exit status {done.returncode}: {done.stderr.strip()}"
        )
    absent = [name for name in RESULTS if not (empty / "results" / name).is_file()]
    if absent:
        raise SetupError(f"tubetwin {' '.join(MAIN_JOB)} did not write {', '.join(absent)}")
    return done.stdout


def sums(files: Collection[pathlib.Path]) -> str:
    """The SHA-256 of each file, as `sha256sum -c` reads them."""
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    return "".join(lines)


def release(trial: bool) -> None:
    """All steps. SetupError at the first that fails."""
    found = disagreements(ROOT, trial)
    if (
        not trial
        and subprocess.run(
            ["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, check=True
        ).stdout
    ):
        found.append("the working tree has changes: commit them first")
    if found:
        raise SetupError("; ".join(found))
    install("run")
    uv = Uv(os.environ)
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    wheel, sdist = build(uv, dist)
    missing = missing_files(wheel, tracked(ROOT))
    if missing:
        raise SetupError(f"{wheel.name} lacks {', '.join(missing)}")
    with tempfile.TemporaryDirectory() as folder:
        print(install_and_run(uv, wheel, pathlib.Path(folder)), end="")
    text = sums([wheel, sdist])
    (dist / "SHA256SUMS").write_text(text)
    print(text, end="")


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--trial"]):
        print("usage: scripts/release [--trial]", file=sys.stderr)
        return 2
    try:
        release(trial=bool(arguments))
    except (SetupError, OSError, subprocess.CalledProcessError) as error:
        print(f"[release] failed: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
