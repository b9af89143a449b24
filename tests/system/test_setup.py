"""The set-up: from a bare Python to a working .venv. Nothing here uses more than loopback."""

import hashlib
import http.server
import io
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator

import pytest

import bootstrap
import fetch_uv
from fetch_uv import SetupError

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE_URL = "http://index.test/simple/uv/"


# Which index, which certificates


def write(path: pathlib.Path, text: str) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_pips_environment_variable_wins_over_its_files(tmp_path: pathlib.Path):
    conf = write(tmp_path / "pip.conf", "[global]\nindex-url = http://file.test/simple\n")
    environ = {"PIP_INDEX_URL": "http://environment.test/simple"}
    assert fetch_uv.pip_setting("index-url", environ, [conf]) == environ["PIP_INDEX_URL"]
    assert fetch_uv.pip_setting("index-url", {}, [conf]) == "http://file.test/simple"


def test_the_later_of_pips_files_wins_and_a_missing_one_is_no_error(tmp_path: pathlib.Path):
    system = write(tmp_path / "1.conf", "[global]\nindex-url = http://one.test\ncert = /ca.pem\n")
    user = write(tmp_path / "2.conf", "[global]\nindex-url = http://two.test\n")
    files = [system, tmp_path / "missing.conf", user]
    assert fetch_uv.pip_setting("index-url", {}, files) == "http://two.test"
    assert fetch_uv.pip_setting("cert", {}, files) == "/ca.pem"
    assert fetch_uv.pip_setting("cert", {}, [user]) is None


def test_a_broken_pip_configuration_is_one_clear_line(tmp_path: pathlib.Path):
    conf = write(tmp_path / "pip.conf", "index-url = nowhere\n")
    with pytest.raises(SetupError, match="pip's configuration is not readable"):
        fetch_uv.pip_setting("index-url", {}, [conf])


def test_pips_files_are_looked_for_where_pip_looks(tmp_path: pathlib.Path):
    files = fetch_uv.pip_config_files({"PIP_CONFIG_FILE": "/mine/pip.conf"}, tmp_path)
    assert pathlib.Path("/etc/pip.conf") in files
    assert tmp_path / ".config/pip/pip.conf" in files
    assert files[-1] == pathlib.Path("/mine/pip.conf")
    assert fetch_uv.pip_config_files({"PIP_CONFIG_FILE": os.devnull}, tmp_path) == []


# The index page and the wheel


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("../../files/uv-1%2Blocal.whl#sha256=00", "http://index.test/files/uv-1%2Blocal.whl"),
        ("http://files.test/a/uv-1+local.whl#sha256=00", "http://files.test/a/uv-1+local.whl"),
        ("/files/uv-1+local.whl", "http://index.test/files/uv-1+local.whl"),
    ],
)
def test_a_file_is_found_on_an_index_page(href: str, expected: str):
    page = f'<a href="uv-0.whl">uv-0.whl</a> <a data-x href="{href}">uv-1+local.whl</a>'
    assert fetch_uv.link_to("uv-1+local.whl", page, PAGE_URL) == expected


def test_a_file_that_the_index_lacks_is_one_clear_line():
    with pytest.raises(SetupError, match=r"has no uv-2\.whl: point pip's index-url"):
        fetch_uv.link_to("uv-2.whl", '<a href="uv-1.whl">uv-1.whl</a>', PAGE_URL)


def test_a_password_in_the_index_address_goes_into_the_header_alone():
    request = fetch_uv.request("http://me:p%40ss@index.test:8080/simple/")
    assert request.full_url == "http://index.test:8080/simple/"
    assert request.get_header("Authorization") == "Basic bWU6cEBzcw=="
    assert fetch_uv.request(PAGE_URL).get_header("Authorization") is None


def test_a_wheel_is_pinned_for_the_usual_machines_and_others_are_told_what_to_do():
    for machine in fetch_uv.UV_WHEELS:
        name, sha256 = fetch_uv.wheel_name(*machine)
        assert name.startswith(f"uv-{fetch_uv.UV_VERSION}-py3-none-")
        assert len(bytes.fromhex(sha256)) == 32
    with pytest.raises(SetupError, match=r"make \.venv yourself"):
        fetch_uv.wheel_name("sunos5", "sparc")


class Index(http.server.BaseHTTPRequestHandler):
    """A package index with one project and one file."""

    wheel = b""
    name = ""
    requests: list[str]

    def do_GET(self) -> None:
        self.requests.append(self.path)
        page = f'<a href="../../files/{self.name}">{self.name}</a>'.encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.wheel if self.path.endswith(".whl") else page)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Iterator[str]:
    """The address of an index on loopback that holds a small wheel in the place of uv's."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"uv-{fetch_uv.UV_VERSION}.data/scripts/uv", "#!/bin/sh\necho fake\n")
    Index.wheel, Index.requests = buffer.getvalue(), []
    sha256 = hashlib.sha256(Index.wheel).hexdigest()
    here = (sys.platform, platform.machine())
    monkeypatch.setattr(fetch_uv, "UV_WHEELS", {here: ("any", sha256)})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    Index.name = fetch_uv.wheel_name(*here)[0]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


def test_uv_is_fetched_once_and_then_taken_from_the_cache(index: str):
    uv = fetch_uv.provide_uv(index, None)
    assert subprocess.run([uv], capture_output=True, text=True).stdout == "fake\n"
    assert Index.requests == ["/simple/uv/", f"/files/{Index.name}"]
    assert fetch_uv.provide_uv(index, None) == uv
    assert len(Index.requests) == 2


def test_a_wheel_that_is_not_the_pinned_one_is_refused_and_nothing_is_kept(
    index: str, tmp_path: pathlib.Path
):
    Index.wheel += b"tampered"
    with pytest.raises(SetupError, match="does not match its pinned SHA-256"):
        fetch_uv.provide_uv(index, None)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_index_that_does_not_answer_is_one_clear_line_without_the_password():
    with pytest.raises(SetupError) as caught:
        fetch_uv.fetch("http://me:secret@127.0.0.1:1/simple/uv/", None)
    assert "127.0.0.1 does not answer" in str(caught.value)
    assert "secret" not in str(caught.value)


# The stamp


@pytest.fixture
def project(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with the files that the environment depends on, and a .venv that was set up."""
    root = tmp_path / "a project"
    for name in ("pyproject.toml", *bootstrap.LOCKS.values()):
        write(root / name, name)
    for name in ("bootstrap.py", "fetch_uv.py"):
        write(root / "scripts" / name, name)
    write(root / ".venv/bin/python3.11", "")
    for what in bootstrap.LOCKS:
        stamp = bootstrap.fingerprint(root, what, (3, 11))
        write(bootstrap.stamp(root, what), stamp)
    return root


def test_an_unchanged_environment_is_ready(project: pathlib.Path):
    assert bootstrap.is_ready(project, "run", (3, 11))
    assert bootstrap.is_ready(project, "dev", (3, 11))


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.txt", "scripts/fetch_uv.py"])
def test_an_environment_is_not_ready_when_what_it_depends_on_changed(
    project: pathlib.Path, name: str
):
    write(project / name, "changed")
    assert not bootstrap.is_ready(project, "run", (3, 11))


def test_a_change_of_the_test_lock_alone_leaves_the_program_ready(project: pathlib.Path):
    write(project / "requirements-dev.txt", "changed")
    assert bootstrap.is_ready(project, "run", (3, 11))
    assert not bootstrap.is_ready(project, "dev", (3, 11))


def test_another_python_a_moved_folder_or_a_removed_venv_is_not_ready(project: pathlib.Path):
    write(project / ".venv/bin/python3.12", "")
    assert not bootstrap.is_ready(project, "run", (3, 12))
    moved = project.rename(project.parent / "moved")
    assert not bootstrap.is_ready(moved, "run", (3, 11))
    shutil.rmtree(moved / ".venv")
    assert not bootstrap.is_ready(moved, "run", (3, 11))


# The shell scripts


@pytest.mark.parametrize("name", ["run", "test", "docs", "tables", "release", "find-python"])
def test_a_script_is_executable_posix_shell(name: str):
    script = ROOT / "scripts" / name
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", script], capture_output=True).returncode == 0


def find_python(folder: pathlib.Path, recent_enough: dict[str, bool]) -> tuple[int, str, str]:
    """The status and output of find-python where only these commands exist."""
    for name, good in recent_enough.items():
        write(folder / name, f"#!/bin/sh\nexit {0 if good else 1}\n").chmod(0o755)
    command = [ROOT / "scripts/find-python"]
    done = subprocess.run(command, env={"PATH": str(folder)}, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_python3_is_taken_where_it_is_recent_enough(tmp_path: pathlib.Path):
    assert find_python(tmp_path, {"python3": True, "python3.14": True}) == (0, "python3\n", "")


def test_an_old_python3_is_passed_over_for_the_newest_there_is(tmp_path: pathlib.Path):
    commands = {"python3": False, "python3.12": True, "python3.11": True}
    assert find_python(tmp_path, commands) == (0, "python3.12\n", "")


def test_no_python_that_will_do_is_one_line_that_says_what_to_install(tmp_path: pathlib.Path):
    status, printed, said = find_python(tmp_path, {"python3": False})
    assert (status, printed) == (2, "")
    assert said.count("\n") == 1
    assert "no Python 3.11 or newer: install one" in said
