"""The embedded broker: quick, quiet, on loopback only, and never there without its run."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from tests.kit.watcher import PATIENCE_S, Watcher
from twin.files.errors import InputError
from twin.telemetry.broker import EmbeddedBroker
from twin.telemetry.telemetry import Telemetry

ROOT = pathlib.Path(__file__).resolve().parents[3]


def answers(port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(PATIENCE_S)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def wait_until_silent(port: int) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE_S / 0.05)):
        if not answers(port):
            return
        pause.wait(0.05)
    pytest.fail("the broker outlives its run")


def test_a_subscriber_sees_samples_events_and_status():
    with EmbeddedBroker() as broker, closing(Watcher(broker.port)) as watcher:
        telemetry = Telemetry(broker.url, "tube01")
        telemetry.connect()
        telemetry.sample(1000, {"tube_kv": 50.0})
        telemetry.event(1500, "trip", {"cause": "fan"})
        telemetry.close()
        assert watcher.wait_for(b'"tube_kv":50.0').topic == "tubetwin/tube01/telemetry"
        assert watcher.wait_for(b'"cause":"fan"').topic == "tubetwin/tube01/event"
        watcher.wait_for(b'"state":"offline"')


def test_whoever_comes_later_is_told_the_retained_status():
    with EmbeddedBroker() as broker:
        telemetry = Telemetry(broker.url, "tube01")
        telemetry.connect()
        telemetry.status("running", 0)
        telemetry.close()
        with closing(Watcher(broker.port)) as watcher:
            status = watcher.wait_for(b'"state":"offline"')
            assert status.retain and status.topic == "tubetwin/tube01/status"


def test_subscribers_get_all_that_was_acknowledged_before_the_broker_goes():
    with EmbeddedBroker() as broker:
        watcher = Watcher(broker.port)
        telemetry = Telemetry(broker.url, "tube01")
        telemetry.connect()
        for second in range(3000):
            telemetry.sample(1000 * second, {"second": second})
        assert telemetry.close().sent == 3000
    with closing(watcher):
        watcher.wait_for(b'"state":"offline"')
        assert len(watcher.samples()) == 3000


def test_the_will_speaks_when_the_publisher_is_killed():
    with EmbeddedBroker() as broker, closing(Watcher(broker.port)) as watcher:
        script = f"""
import threading
from twin.telemetry.telemetry import Telemetry
Telemetry("{broker.url}", "tube01").connect()
threading.Event().wait()
"""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen([sys.executable, "-c", script], env=environment) as run:
            watcher.wait_for(b'"state":"online"')
            run.kill()
        watcher.wait_for(b'"reason":"connection lost"')


def test_it_listens_on_loopback_only():
    with EmbeddedBroker() as broker:
        listening = []
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for line in pathlib.Path(table).read_text().splitlines()[1:]:
                address, port = line.split()[1].split(":")
                if line.split()[3] == "0A" and int(port, 16) == broker.port:
                    listening.append(address)
        assert listening == ["0100007F"]


def test_two_brokers_live_side_by_side():
    with EmbeddedBroker() as one, EmbeddedBroker() as two:
        assert one.port != two.port
        assert answers(one.port) and answers(two.port)


def test_it_is_gone_after_the_block():
    with EmbeddedBroker() as broker:
        assert answers(broker.port)
    wait_until_silent(broker.port)


def test_it_dies_with_its_run_even_if_another_process_holds_the_pipe():
    script = """
import os, threading
from twin.telemetry.broker import EmbeddedBroker
with EmbeddedBroker() as broker:
    holder = os.fork()  # it has all the pipes open, too
    if holder == 0:
        threading.Event().wait(60.0)
        os._exit(0)
    print(broker.port, holder, flush=True)
    threading.Event().wait()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-c", script]
    run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    assert run.stdout is not None
    port, holder = map(int, run.stdout.readline().split())
    try:
        assert answers(port)
        run.kill()
        run.wait()
        wait_until_silent(port)
    finally:
        os.kill(holder, signal.SIGKILL)
        run.stdout.close()


def test_ctrl_c_in_the_terminal_does_not_reach_it():
    with EmbeddedBroker() as broker:
        assert broker.process is not None
        assert os.getsid(broker.process.pid) != os.getsid(0)
        os.kill(broker.process.pid, signal.SIGINT)
        telemetry = Telemetry(broker.url, "tube01")
        telemetry.connect()
        telemetry.sample(0, {"kv": 50.0})
        assert telemetry.close().sent == 1


def test_it_says_nothing_on_standard_error_whatever_a_client_does():
    script = """
import socket
from twin.telemetry.broker import EmbeddedBroker
with EmbeddedBroker() as broker:
    for nonsense in (b"", b"GET / HTTP/1.1\\r\\n\\r\\n", b"\\x10\\x03abc", b"\\xff" * 100):
        with socket.create_connection(("127.0.0.1", broker.port)) as sock:
            sock.sendall(nonsense)
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, timeout=PATIENCE_S
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_taken_port_is_told_in_one_line():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"embedded broker: port {port} is taken; "):
            EmbeddedBroker(port).__enter__()


def test_a_broker_that_cannot_start_is_told_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "amqtt.py").write_text("raise ImportError('no amqtt')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(InputError, match="embedded broker: ") as caught:
        EmbeddedBroker().__enter__()
    assert "\n" not in str(caught.value)


def test_the_same_port_can_be_had_again_after_a_kill_and_the_run_goes_on():
    with EmbeddedBroker() as first:
        telemetry = Telemetry(first.url, "tube01")
        telemetry.connect()
        for second in range(100):
            telemetry.sample(1000 * second, {"second": second})
        assert first.process is not None
        first.process.kill()
        first.process.wait()
        for second in range(100, 200):
            telemetry.sample(1000 * second, {"second": second})
        with EmbeddedBroker(first.port):
            counts = telemetry.close()
    assert (counts.sent, counts.dropped, counts.unsent) == (200, 0, 0)
    assert counts.late >= 100
