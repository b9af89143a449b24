"""Telemetry against a broker that answers, hangs up, dawdles and dies."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest

from tests.kit.fake_broker import PATIENCE_S, FakeBroker
from twin.telemetry import telemetry as telemetry_module
from twin.telemetry.schema import Event, Sample, Status, json_schema
from twin.telemetry.telemetry import Telemetry, TelemetryCounts

ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.fixture
def broker():
    with FakeBroker() as fake:
        yield fake


@pytest.fixture
def publish(broker):
    """Make connected telemetry, and stop it at the end if the test did not."""
    made = []

    def connected(device: str = "tube01", **settings) -> Telemetry:
        telemetry = Telemetry(broker.url, device, **settings)
        telemetry.connect()
        made.append(telemetry)
        broker.wait(lambda fake: len(fake.messages("status")) >= len(made))
        return telemetry

    yield connected
    for telemetry in made:
        telemetry.close(0.0)


def record(telemetry: Telemetry, first: int, end: int) -> None:
    for second in range(first, end):
        telemetry.sample(1000 * second, {"tube_kv": 50.0, "second": second})


def seqs(messages: list[dict]) -> list[int]:
    return [message["seq"] for message in messages]


# -- what is sent


def test_a_sample_arrives_as_flat_json_with_its_simulated_time(broker, publish):
    telemetry = publish()
    telemetry.sample(61_000, {"head_c": 41.25, "state": 3, "law": "thermal"})
    assert telemetry.close() == TelemetryCounts(sent=1, late=0, dropped=0, unsent=0)
    (sample,) = broker.messages("telemetry")
    assert sample == {
        "v": 1,
        "now_ms": 61_000,
        "seq": 0,
        "boot_id": telemetry.boot_id,
        "late": False,
        "head_c": 41.25,
        "state": 3,
        "law": "thermal",
    }
    assert [entry.topic for entry in broker.ledger][1] == "tubetwin/tube01/telemetry"


def test_events_and_samples_are_counted_each_on_their_topic(broker, publish):
    telemetry = publish()
    record(telemetry, 0, 2)
    telemetry.event(1500, "trip", {"cause": "over-temperature"})
    record(telemetry, 2, 3)
    telemetry.event(2500, "start")
    telemetry.close()
    assert seqs(broker.messages("telemetry")) == [0, 1, 2]
    trip, start = broker.messages("event")
    assert (trip["seq"], trip["kind"], trip["cause"]) == (0, "trip", "over-temperature")
    assert (start["seq"], start["kind"], start["now_ms"]) == (1, "start", 2500)


def test_a_value_that_is_not_a_number_becomes_null(broker, publish):
    telemetry = publish()
    telemetry.sample(0, {"a": float("nan"), "b": float("inf"), "c": -float("inf"), "d": 1.5})
    telemetry.status("running", 0, {"rms_percent": float("nan")})
    telemetry.close()
    (sample,) = broker.messages("telemetry")
    assert [sample[name] for name in "abcd"] == [None, None, None, 1.5]


def test_values_of_other_types_are_sent_as_what_they_mean(broker, publish):
    telemetry = publish()
    fields = {"kv": np.float64(49.5), "n": np.int32(7), "where": pathlib.PurePosixPath("x")}
    telemetry.sample(0, fields)
    telemetry.close()
    (sample,) = broker.messages("telemetry")
    assert (sample["kv"], sample["n"]) == (49.5, 7.0)
    assert "x" in sample["where"]


def test_a_field_cannot_pass_itself_off_as_the_envelope(broker, publish):
    telemetry = publish()
    telemetry.sample(5000, {"seq": 99, "late": True, "now_ms": 1, "kv": 50.0})
    telemetry.event(6000, "trip", {"kind": "start"})
    telemetry.close()
    (sample,), (event,) = broker.messages("telemetry"), broker.messages("event")
    assert (sample["seq"], sample["late"], sample["now_ms"]) == (0, False, 5000)
    assert event["kind"] == "trip"


def test_the_caller_may_reuse_its_dictionary(broker, publish):
    telemetry, fields = publish(), {"second": 0}
    for second in range(200):
        fields["second"] = second
        telemetry.sample(second * 1000, fields)
    telemetry.close()
    assert [sample["second"] for sample in broker.messages("telemetry")] == list(range(200))


def test_every_message_matches_the_published_schema(broker, publish):
    telemetry = publish()
    record(telemetry, -1, 3)
    telemetry.event(3000, "trip", {"cause": "lamp", "value": float("nan")})
    telemetry.status("tripped", 3000, {"cause": "lamp"})
    telemetry.close()
    for model, name in ((Sample, "telemetry"), (Event, "event"), (Status, "status")):
        assert broker.messages(name)
        for message in broker.messages(name):
            model.model_validate(message)
    Status.model_validate_json(broker.connects[0]["will"])


def test_the_schema_in_the_documentation_is_the_one_in_use():
    documented = json.loads((ROOT / "docs" / "user" / "telemetry.schema.json").read_text())
    assert documented == json_schema()


# -- status and will


def test_the_status_is_retained_and_ends_offline_with_the_counts(broker, publish):
    telemetry = publish()
    telemetry.status("running", 0, {"scenario": "ramp"})
    record(telemetry, 0, 3)
    telemetry.close()
    assert all(entry.retained for entry in broker.ledger if entry.topic.endswith("/status"))
    states = broker.messages("status")
    assert [status["state"] for status in states] == ["online", "running", "offline"]
    assert states[1]["scenario"] == "ramp"
    assert (states[2]["reason"], states[2]["sent"], states[2]["unsent"]) == ("closed", 3, 0)
    broker.wait(lambda fake: fake.goodbyes == 1)


def test_the_broker_is_given_a_retained_will(broker, publish):
    telemetry = publish()
    (connect,) = broker.connects
    assert (connect["protocol"], connect["level"]) == (b"MQTT", 4)
    assert connect["will_topic"] == b"tubetwin/tube01/status" and connect["will_retained"]
    will = json.loads(connect["will"])
    assert (will["state"], will["reason"]) == ("offline", "connection lost")
    assert will["boot_id"] == telemetry.boot_id


def test_a_run_that_is_killed_leaves_without_goodbye_and_its_last_samples_arrive(broker):
    script = f"""
import sys, threading
from twin.telemetry.telemetry import Telemetry
telemetry = Telemetry("{broker.url}", "tube01")
telemetry.connect()
for second in range(100):
    telemetry.sample(1000 * second, {{"second": second}})
print("recorded", flush=True)
threading.Event().wait()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment, text=True
    )
    with run:
        assert run.stdout is not None and run.stdout.readline() == "recorded\n"
        broker.wait(lambda fake: len(fake.messages("telemetry")) >= 1)
        run.kill()
    broker.wait(lambda fake: fake.open == 0)
    assert broker.goodbyes == 0
    assert broker.messages("status")[-1]["state"] == "online"
    arrived = seqs(broker.messages("telemetry"))
    assert arrived == list(range(len(arrived)))


# -- a broker that goes away


def test_a_broker_that_hangs_up_loses_nothing(broker, publish):
    telemetry = publish()
    broker.hang_up_after = 10
    record(telemetry, 0, 30)
    counts = telemetry.close()
    assert counts._replace(late=0) == TelemetryCounts(sent=30, late=0, dropped=0, unsent=0)
    samples = [entry for entry in broker.ledger if entry.topic.endswith("/telemetry")]
    assert {entry.message["seq"] for entry in samples} == set(range(30))
    assert all(entry.message["now_ms"] == 1000 * entry.message["seq"] for entry in samples)
    assert all(entry.message["late"] == (entry.connection > 0) for entry in samples)
    again = [entry.message["seq"] for entry in samples if entry.connection == 1]
    assert again == sorted(again) and counts.late == len(again) > 0


def test_a_broker_that_dies_and_comes_back_gets_everything_with_its_original_time(broker, publish):
    telemetry = publish()
    record(telemetry, 0, 50)
    broker.wait(lambda fake: len(fake.messages("telemetry")) == 50)
    broker.stop()
    record(telemetry, 50, 150)
    broker.start()
    broker.wait(lambda fake: 149 in seqs(fake.messages("telemetry")))
    record(telemetry, 150, 200)
    assert telemetry.close()._replace(late=0) == TelemetryCounts(200, 0, 0, 0)
    samples = {message["seq"]: message for message in broker.messages("telemetry")}
    assert sorted(samples) == list(range(200))
    assert [samples[seq]["now_ms"] for seq in range(200)] == [1000 * seq for seq in range(200)]
    assert all(samples[seq]["late"] for seq in range(50, 150))
    assert not any(samples[seq]["late"] for seq in range(150, 200))


def test_after_a_reconnection_the_current_status_is_told_before_the_backlog(broker, publish):
    telemetry = publish()
    telemetry.status("running", 0)
    broker.wait(lambda fake: len(fake.messages("status")) == 2)
    broker.stop()
    record(telemetry, 0, 5)
    telemetry.status("tripped", 5000)
    broker.start()
    telemetry.close()
    second = [entry for entry in broker.ledger if entry.connection == 1]
    assert second[0].message["state"] in ("running", "tripped")
    states = [entry.message["state"] for entry in second if entry.topic.endswith("/status")]
    assert states[-2:] == ["tripped", "offline"]


def test_while_the_broker_is_away_the_oldest_are_dropped_and_counted(broker, publish):
    telemetry = publish(capacity=100, window=10)
    broker.stop()
    record(telemetry, 0, 300)
    until(lambda: telemetry.counts.dropped == 200)
    broker.start()
    broker.wait(lambda fake: 299 in seqs(fake.messages("telemetry")))
    assert telemetry.close() == TelemetryCounts(sent=100, late=100, dropped=200, unsent=0)
    assert seqs(broker.messages("telemetry")) == list(range(200, 300))


def test_a_broker_that_never_comes_back_does_not_hold_the_end_up(broker, publish):
    telemetry = publish(capacity=100)
    record(telemetry, 0, 20)
    broker.wait(lambda fake: len(fake.messages("telemetry")) == 20)
    broker.stop()
    record(telemetry, 20, 500)
    counts = close_in_time(telemetry, drain_s=3600.0)
    assert counts.sent + counts.dropped + counts.unsent == 500
    assert counts.unsent == 100 and counts.late == 0


def test_a_broker_that_takes_everything_and_acknowledges_nothing_is_given_up(broker, publish):
    telemetry = publish(window=5)
    broker.acknowledge = False
    record(telemetry, 0, 50)
    broker.wait(lambda fake: len(fake.messages("telemetry")) == 5)
    assert close_in_time(telemetry, drain_s=0.2) == TelemetryCounts(0, 0, 0, 50)
    assert seqs(broker.messages("telemetry")) == [0, 1, 2, 3, 4]


def test_a_slow_broker_has_no_more_in_flight_than_the_window_and_gets_all(broker, publish):
    telemetry = publish(window=5, late_after_s=0.0)
    broker.acknowledge = False
    record(telemetry, 0, 50)
    broker.wait(lambda fake: len(fake.messages("telemetry")) >= 5)
    assert len(broker.unacknowledged) == 5
    broker.release()
    assert telemetry.close() == TelemetryCounts(sent=50, late=50, dropped=0, unsent=0)
    assert seqs(broker.messages("telemetry")) == list(range(50))


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread or process brings about."""
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("waited in vain")


def close_in_time(telemetry: Telemetry, drain_s: float) -> TelemetryCounts:
    """Close, and fail if that hangs."""
    results: list[TelemetryCounts] = []
    closing = threading.Thread(target=lambda: results.append(telemetry.close(drain_s)), daemon=True)
    closing.start()
    closing.join(PATIENCE_S)
    assert results, "close hangs"
    return results[0]


# -- a sender that goes away


def test_recording_goes_on_when_the_sender_is_stopped_or_killed(broker, publish, monkeypatch):
    monkeypatch.setattr(telemetry_module, "_GRACE_S", 0.2)
    for blow in (signal.SIGSTOP, signal.SIGKILL):
        telemetry = publish(capacity=100)
        assert telemetry._child is not None
        os.kill(telemetry._child.pid, blow)
        record(telemetry, 0, 5000)
        counts = close_in_time(telemetry, drain_s=0.2)
        assert counts.sent + counts.dropped + counts.unsent == 5000
        assert counts.sent == 0


def test_an_interrupt_ends_the_draining_at_once(broker, publish):
    telemetry = publish()
    broker.acknowledge = False
    record(telemetry, 0, 50)

    def interrupt() -> None:
        telemetry._closing.wait(PATIENCE_S)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        telemetry.close(3600.0)
    assert telemetry.counts.unsent == 50
    broker.wait(lambda fake: fake.open == 0)
    assert telemetry._over.is_set()


def test_closing_twice_or_without_a_connection_is_harmless(broker, publish):
    telemetry = publish()
    record(telemetry, 0, 3)
    assert telemetry.close() == telemetry.close() == TelemetryCounts(3, 0, 0, 0)
    never = Telemetry(broker.url, "tube01")
    record(never, 0, 2)
    assert never.close() == TelemetryCounts(0, 0, 0, 2)


def test_two_runs_share_a_broker_without_throwing_each_other_out(broker, publish):
    one, two = publish("left"), publish("right")
    record(one, 0, 20)
    record(two, 0, 30)
    assert (one.close().sent, two.close().sent) == (20, 30)
    assert len(broker.connects) == 2 and one.boot_id != two.boot_id
    topics = [entry.topic for entry in broker.ledger]
    assert topics.count("tubetwin/left/telemetry") == 20
    assert topics.count("tubetwin/right/telemetry") == 30
