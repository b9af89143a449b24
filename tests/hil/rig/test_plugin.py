"""The pytest plugin for benches, as pytest runs it: each of these starts a pytest of its own."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

import hil.rig.job
import hil.targets.targets  # noqa: F401 (numpy can't be loaded twice, as parseconfigure would have it)
from hil.micropython.interpreters import VARIABLES, find_micropython

pytest_plugins = ["pytester"]

EXAMPLE = Path(__file__).parents[3] / "hil" / "rig" / "examples" / "test_my_bench.py"
# Targets that no machine has: a board that may have anything attached, one that is not there.
TARGETS = """
    from contextlib import contextmanager
    from pathlib import Path

    import hil.targets.targets
    from twin.world.faults import Faults

    class Physical(hil.targets.targets.InProcess):
        name = "board"
        switches_high_voltage = True

        @contextmanager
        def world(self, job, mode=None):
            with super().world(job, mode) as world:
                world.faults = FewFaults(world)
                yield world
            Path("left.txt").write_text(f"{world.plant.hv_enable} {world.command.run}")

    class FewFaults(Faults):
        KINDS = ("chain-a",)

    class Absent(hil.targets.targets.InProcess):
        def missing(self):
            return "it is not plugged in; plug it in"

    OURS = {"board": Physical, "absent": Absent}
    find = hil.targets.targets.find_target
    hil.targets.targets.find_target = lambda name: OURS[name]() if name in OURS else find(name)
"""
WITH_BEAM = """
    import pytest

    @pytest.mark.high_voltage
    def test_beam(rig):
        rig.start()
        rig.run_until("beam")

    @pytest.mark.high_voltage
    def test_beam_again(rig):
        rig.start()

    @pytest.mark.needs_board
    def test_rest(rig):
        rig.run(0.1)
        assert not rig.energised
"""


@pytest.fixture(scope="session")
def micropython() -> Path:
    """Looked for before pytester hides the user's cache."""
    return find_micropython("single").absolute()


@pytest.fixture
def bench(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder for tests, with the targets above, as on a desk: in CI pytest says more."""
    monkeypatch.delenv("CI", raising=False)
    pytester.makeconftest(TARGETS)
    return pytester


def run(bench: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """In a process of its own: in this one it would load and forget modules that others hold."""
    return bench.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def properties(bench: pytest.Pytester, test: str) -> dict[str, str]:
    """Those of a test case in the file results.xml."""
    for case in ElementTree.parse(bench.path / "results.xml").iter("testcase"):
        if case.get("name") == test:
            return {p.get("name", ""): p.get("value", "") for p in case.iter("property")}
    raise AssertionError(f"no {test} in results.xml")


def test_the_example_of_the_docs_passes_here_and_on_micropython_and_leaves_its_values_and_a_page(
    micropython: Path, bench: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(VARIABLES["single"], str(micropython))
    (bench.path / "test_my_bench.py").write_text(EXAMPLE.read_text())
    result = run(
        bench,
        "--tube-target=in-process",
        "--tube-target=micropython-f32",
        "--junitxml=results.xml",
        "--tube-report=page.html",
        "--strict-markers",
    )
    result.assert_outcomes(passed=10)
    result.stdout.fnmatch_lines(["tubetwin: report: *page.html"])
    here = properties(bench, "test_the_beam_comes_and_stays[in-process]")
    there = properties(bench, "test_the_beam_comes_and_stays[micropython-f32]")
    assert (here["target"], here["mode"]) == ("in-process", "lockstep")
    assert re.fullmatch(r"off 0\.00 s, preheat .*, ramp .*, beam .*, off .* s", here["states"])
    assert 1.0 < float(here["beam after [s]"]) < 5.0
    assert 0.9 < float(here["ma mean [mA]"]) < 1.1
    assert 0.0 < float(here["ma rms [%]"]) < 1.0
    assert "link_frames" not in here
    assert there["target"] == "micropython-f32"
    assert there["states"] == here["states"]
    assert float(there["ma mean [mA]"]) == pytest.approx(float(here["ma mean [mA]"]), rel=1e-3)
    assert int(there["link_frames"]) > 1000
    assert 0.0 < float(there["round_trip_p50_us"]) <= float(there["round_trip_p99_us"])
    assert there["lost_frames"] == there["corrupt_frames"] == "0"
    page = (bench.path / "page.html").read_text()
    assert "<h1>10 passed</h1>" in page
    assert page.count("<img src=") == 10
    assert f"{float(here['ma mean [mA]']):.5g}" in page
    assert set(re.findall(r"(?:src|href)=.(.{5})", page)) == {"data:", "#test"}


def test_every_test_runs_on_each_target_that_is_named(bench: pytest.Pytester):
    bench.makepyfile("def test_it(rig): rig.run(0.1)")
    result = run(
        bench, "-v", "--tube-target=in-process", "--tube-target=board", "--tube-target=board"
    )
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*::test_it?in-process? PASSED*", "*::test_it?board? PASSED*"])


def test_a_failure_tells_the_story_and_names_a_file_that_can_be_read(bench: pytest.Pytester):
    bench.makepyfile("""
        def test_it(rig, faults):
            rig.start()
            rig.run_until("beam")
            rig.record("<note>", "a & b")
            faults.make("generator")
            rig.run_until("off")
    """)
    result = run(bench, "--tube-report=page.html")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '>*rig.run_until("off")',
            "E*the unit is tripped by 'generator' at 3.06 s, not in 'off' within 10 s",
            "E*states  off 0.00 s, preheat 0.10 s, * beam 3.05 s, tripped 3.06 s by 'generator'",
            "E*faults  generator",
            "*bench*",
            "  file    *recording.h5",
        ]
    )
    assert "rig.py" not in result.stdout.str()
    assert result.stdout.str().count("  states  ") == 1
    name = next(line.split()[1] for line in result.outlines if line.startswith("  file "))
    from twin.recording.reader import load

    assert load(name).columns["trip"][-1] == 4
    page = (bench.path / "page.html").read_text()
    assert "<h1>1 failed</h1>" in page
    assert "tripped by &#39;generator&#39;" in page
    assert "&lt;note&gt;" in page and "a &amp; b" in page
    assert "<note>" not in page


def test_an_assertion_of_ones_own_gets_the_story_too(bench: pytest.Pytester):
    bench.makepyfile("def test_it(rig):\n    rig.run(1)\n    assert rig.kv > 1")
    result = run(bench)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*- bench -*", "  states  off 0.00 s", "  now     1.00 s: 0.00 kV*"]
    )


def test_what_a_target_can_not_do_fails_the_test_in_one_line_and_a_mistake_with_its_traceback(
    bench: pytest.Pytester,
):
    bench.makepyfile(
        test_impossible="""
        def test_it(rig, faults):
            rig.run(0.1)
            faults.make("fan")
    """,
        test_mistake="def test_it(rig):\n    rig.run('a second')",
    )
    result = run(bench, "--tube-target=board")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines([">*rig.run('a second')", "E*TypeError*"])
    line = "test_impossible.py:3: fault fan: this target can't make it*"
    result.stdout.fnmatch_lines([line])
    assert "def make" not in result.stdout.str()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tube-target=in-process", "--tube-target=nonsense"], "nonsense"),
        (["--tube-scenario=nowhere"], "scenario 'nowhere': not built in"),
        (["--tube=nothing"], "nothing"),
        (["--tube-seed=-1"], "--tube-seed -1: give 0 or more"),
        (["--tube-report=no/such/page.html"], "no such directory; make it"),
        (["--tube-report=."], "is a directory; give a file"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_runs(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
):
    monkeypatch.setenv("TUBETWIN_PICO_IMAGE", __file__)  # there is one; it is not started
    with pytest.raises(pytest.UsageError) as refused:
        pytester.parseconfigure(*arguments)
    assert str(refused.value).startswith("tubetwin: ") and said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_target_that_is_missing_is_one_line_and_no_test_runs(bench: pytest.Pytester):
    bench.makepyfile("def test_it(rig): open('ran', 'w')")
    result = run(bench, "--tube-target=absent")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = [line for line in result.errlines if line]
    assert said == ["ERROR: tubetwin: target absent: it is not plugged in; plug it in"]
    assert not (bench.path / "ran").exists()


def test_what_the_markers_keep_from_running_is_counted_with_the_reason(
    bench: pytest.Pytester,
):
    bench.makepyfile(WITH_BEAM)
    result = run(
        bench, "--tube-target=board", "--tube-target=in-process", "--tube-report=page.html"
    )
    result.assert_outcomes(passed=3, skipped=3)
    board = (
        "tubetwin: 1 test not run: target in-process: is not a board; choose one by --tube-target"
    )
    line = "tubetwin: 2 tests not run: target board: may switch high voltage; --allow-hv permits it"
    result.stdout.fnmatch_lines_random([line, board])
    assert "<h1>3 passed, 3 skipped</h1>" in (bench.path / "page.html").read_text()


def test_with_allow_hv_they_run(bench: pytest.Pytester):
    bench.makepyfile(WITH_BEAM)
    result = run(bench, "--tube-target=board", "--allow-hv")
    result.assert_outcomes(passed=3)
    assert "not run" not in result.stdout.str()


def test_without_allow_hv_an_unmarked_test_can_not_start_a_physical_target(bench: pytest.Pytester):
    bench.makepyfile("def test_it(rig):\n    rig.run(0.1)\n    rig.start()")
    result = run(bench, "--tube-target=board")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*.py:3: target board: may switch high voltage; --allow-hv permits it"]
    )


@pytest.mark.parametrize("end", ["raise KeyboardInterrupt", "assert False"])
def test_the_beam_is_off_after_a_test_however_it_ends(bench: pytest.Pytester, end: str):
    bench.makepyfile(f"""
        def test_it(rig):
            rig.start()
            rig.run_until("beam")
            open("energised.txt", "w").write(str(rig.energised))
            {end}
    """)
    result = run(bench, "--tube-target=board", "--allow-hv")
    assert result.ret == (2 if "Interrupt" in end else 1)
    assert (bench.path / "energised.txt").read_text() == "True"
    assert (bench.path / "left.txt").read_text() == "0 False"


def test_settings_of_ones_own_are_a_fixture(bench: pytest.Pytester):
    bench.makepyfile("""
        import pytest
        from hil.rig.job import bench_job

        @pytest.fixture(scope="session")
        def tube_job():
            return bench_job(preheat_ms=500)

        def test_it(rig, recorder):
            rig.start()
            assert rig.run_until("ramp") < 1.0
            assert max(recorder["kv"]) < 10.0
    """)
    run(bench).assert_outcomes(passed=1)


def test_a_page_that_can_not_be_written_in_the_end_fails_the_run(bench: pytest.Pytester):
    bench.mkdir("out")
    bench.makepyfile("def test_it(rig):\n    import shutil\n    shutil.rmtree('out')")
    result = run(bench, "--tube-report=out/page.html")
    result.assert_outcomes(passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["tubetwin: *page.html: can't be written (No such file*"])


HEAVY = """
    import sys

    def heavy():
        packages = {"numpy", "simpy", "matplotlib", "h5py", "pydantic", "scipy", "serial", "jinja2"}
        LIGHT = {"twin.defaults", "twin.files", "twin.files.errors"}
        ours = [name for name in sys.modules if name.startswith(("twin.", "firmware"))]
        return sorted(packages & set(sys.modules)) + sorted(set(ours) - LIGHT)
"""


def test_where_no_bench_is_used_the_plugin_loads_nothing_and_touches_no_test(
    pytester: pytest.Pytester,
):
    pytester.makepyfile(
        HEAVY
        + """
    import pytest

    @pytest.fixture
    def rig():
        return "of somebody else"

    @pytest.mark.needs_board
    @pytest.mark.high_voltage
    def test_a_stranger(rig):
        assert rig == "of somebody else"
        assert heavy() == []
    """
    )
    result = run(pytester)
    result.assert_outcomes(passed=1)
    assert "tubetwin:" not in result.stdout.str()


def test_where_a_bench_is_used_that_check_finds_it_loaded(pytester: pytest.Pytester):
    pytester.makepyfile(HEAVY + "\n    def test_it(rig):\n        assert 'simpy' not in heavy()\n")
    result = run(pytester)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*assert 'simpy' not in*"])


def test_the_docs_show_the_example_as_it_is():
    page = (Path(__file__).parents[3] / "docs" / "bench" / "bench-tests.md").read_text(
        encoding="utf-8"
    )
    shown = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert any(text.strip() in EXAMPLE.read_text() for text in shown)
