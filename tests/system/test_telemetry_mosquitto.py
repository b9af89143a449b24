"""Telemetry against a real Mosquitto, started here on a free loopback port."""

import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import trustme

from tests.kit.mosquitto import Line, Mosquitto, tool
from tests.kit.watcher import Watcher
from twin.files.errors import InputError
from twin.telemetry.telemetry import Telemetry

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETUP = ROOT / "scripts" / "mosquitto"
OPEN = "allow_anonymous true\nmax_queued_messages 0\n"  # a slow watcher must not miss anything


@pytest.fixture
def mosquitto(tmp_path) -> Iterator[Callable[[str], Mosquitto]]:
    """Start a broker with a configuration."""
    started: list[Mosquitto] = []

    def start(configuration: str = OPEN) -> Mosquitto:
        folder = tmp_path / f"mosquitto-{len(started)}"
        folder.mkdir()
        started.append(Mosquitto(folder, configuration))
        return started[-1]

    yield start
    for broker in started:
        broker.kill()


@pytest.fixture
def secured(tmp_path) -> Iterator[tuple[Mosquitto, str]]:
    """A broker set up as scripts/mosquitto/ shows, and the file with its authority."""
    folder = tmp_path / "secured"
    (folder / "certs").mkdir(parents=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate = authority.issue_cert("localhost")
    with (folder / "certs" / "server.pem").open("wb") as chain:
        for part in certificate.cert_chain_pems:
            chain.write(part.bytes())
    certificate.private_key_pem.write_to_path(str(folder / "certs" / "server.key"))
    shutil.copy(SETUP / "acl", folder / "acl")
    (folder / "passwd").touch(0o600)
    for user, password in (("tube01", "tube secret"), ("watcher", "look")):
        command = [tool("mosquitto_passwd"), "-b", "passwd", user, password]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / "acl").chmod(0o600)
    broker = Mosquitto(folder, (SETUP / "mosquitto.conf").read_text())
    yield broker, str(folder / "ca.pem")
    broker.kill()


def connected(url: str, device: str = "tube01", ca_file: str | None = None) -> Telemetry:
    telemetry = Telemetry(url, device, ca_file=ca_file)
    telemetry.connect()
    return telemetry


def record(telemetry: Telemetry, first: int, end: int) -> None:
    for second in range(first, end):
        telemetry.sample(1000 * second, {"second": second, "tube_kv": 50.0})


def test_everything_arrives_once_and_in_order(mosquitto):
    broker = mosquitto()
    with closing(Watcher(broker.port)) as watcher:
        telemetry = connected(broker.url)
        telemetry.status("running", 0)
        record(telemetry, 0, 500)
        telemetry.event(500_000, "trip", {"cause": "fan"})
        assert telemetry.close() == (501, 0, 0, 0)
        watcher.wait_for(b'"state":"offline"', b'"sent":501')
        assert watcher.wait_for(b'"cause":"fan"').topic == "tubetwin/tube01/event"
        assert len(watcher.samples()) == 500 and watcher.seqs() == set(range(500))


def test_the_status_is_retained_for_whoever_comes_later(mosquitto):
    broker = mosquitto()
    telemetry = connected(broker.url)
    telemetry.status("running", 0)
    telemetry.close()
    with closing(Watcher(broker.port)) as watcher:
        assert watcher.wait_for(b'"state":"offline"').retain
        assert len(watcher.seen) == 1


def test_another_client_sees_the_will_when_the_publisher_is_killed(mosquitto):
    broker = mosquitto()
    script = f"""
import threading
from twin.telemetry.telemetry import Telemetry
telemetry = Telemetry("{broker.url}", "tube01")
telemetry.connect()
telemetry.status("running", 0)
threading.Event().wait()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with closing(Watcher(broker.port)) as watcher:
        with subprocess.Popen([sys.executable, "-c", script], env=environment) as run:
            watcher.wait_for(b'"state":"running"')
            run.kill()
        watcher.wait_for(b'"state":"offline"', b'"reason":"connection lost"')
    with closing(Watcher(broker.port)) as later:
        assert later.wait_for(b'"reason":"connection lost"').retain


def test_a_line_that_is_cut_and_mended_loses_nothing(mosquitto):
    broker = mosquitto()
    with closing(Line(broker.port)) as line, closing(Watcher(broker.port)) as watcher:
        telemetry = connected(f"mqtt://127.0.0.1:{line.port}")
        record(telemetry, 0, 1000)
        watcher.wait_for(b'"seq":100,')
        line.cut()
        record(telemetry, 1000, 2000)
        line.mend(broker.port)
        watcher.wait_for(b'"seq":1999,', b'"late":true', b'"now_ms":1999000')
        record(telemetry, 2000, 2100)
        counts = telemetry.close()
        assert (counts.sent, counts.dropped, counts.unsent) == (2100, 0, 0)
        assert counts.late >= 1000
        watcher.wait_for(b'"state":"offline"', b'"sent":2100')
        assert watcher.seqs() == set(range(2100))


def test_a_broker_killed_and_restarted_gets_the_rest(mosquitto):
    broker = mosquitto()
    with closing(Line(broker.port)) as line:
        telemetry = connected(f"mqtt://127.0.0.1:{line.port}")
        with closing(Watcher(broker.port)) as watcher:
            record(telemetry, 0, 200)
            watcher.wait_for(b'"seq":199,')
            before = watcher.seqs()
            broker.kill()
        line.cut()
        record(telemetry, 200, 400)
        broker.start()
        with closing(Watcher(broker.port)) as watcher:
            line.mend(broker.port)
            assert telemetry.close()._replace(late=0) == (400, 0, 0, 0)
            watcher.wait_for(b'"state":"offline"', b'"sent":400')
            assert before | watcher.seqs() == set(range(400))
            assert watcher.seqs() >= set(range(200, 400))
            late = [b'"late":true' in entry.payload for entry in watcher.samples()]
            assert late and all(late)


def test_two_runs_at_once_keep_their_own_topics(mosquitto):
    broker = mosquitto()
    with closing(Watcher(broker.port)) as watcher:
        left, right = connected(broker.url, "left"), connected(broker.url, "right")
        record(left, 0, 300)
        record(right, 0, 200)
        assert (left.close().sent, right.close().sent) == (300, 200)
        watcher.wait_for(b'"state":"offline"', b'"sent":300')
        watcher.wait_for(b'"state":"offline"', b'"sent":200')
        topics = [entry.topic for entry in watcher.seen]
        assert topics.count("tubetwin/left/telemetry") == 300
        assert topics.count("tubetwin/right/telemetry") == 200


def test_the_set_up_that_is_shipped_works_over_tls_with_a_password(secured):
    broker, ca_file = secured
    url = f"mqtts://tube01:tube%20secret@localhost:{broker.port}"
    with closing(Watcher(broker.port, ca_file)) as watcher:
        telemetry = connected(url, "tube01", ca_file)
        record(telemetry, 0, 50)
        assert telemetry.close() == (50, 0, 0, 0)
        watcher.wait_for(b'"state":"offline"')
        assert watcher.seqs() == set(range(50))


def test_an_own_authority_can_be_named_in_the_environment(secured, monkeypatch):
    broker, ca_file = secured
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    telemetry = connected(f"mqtts://tube01:tube%20secret@localhost:{broker.port}")
    record(telemetry, 0, 5)
    assert telemetry.close() == (5, 0, 0, 0)


def test_a_device_cannot_speak_in_another_ones_name(secured):
    broker, ca_file = secured
    url = f"mqtts://tube01:tube%20secret@localhost:{broker.port}"
    with closing(Watcher(broker.port, ca_file)) as watcher:
        thief = connected(url, "tube02", ca_file)
        thief.sample(0, {"second": 0})
        thief.close()
        honest = connected(url, "tube01", ca_file)
        honest.close()
        watcher.wait_for(b'"state":"offline"')
        assert {entry.topic for entry in watcher.seen} == {"tubetwin/tube01/status"}


@pytest.mark.parametrize("user", ["", "tube01:wrong@", "nobody:at%20all@", "tube01@"])
def test_a_wrong_password_is_told_in_one_line(secured, user):
    broker, ca_file = secured
    with pytest.raises(InputError, match=r"not authorised|refused") as caught:
        connected(f"mqtts://{user}localhost:{broker.port}", "tube01", ca_file)
    message = str(caught.value)
    assert "\n" not in message and "wrong" not in message and "at all" not in message


def test_a_certificate_of_an_unknown_authority_is_told_in_one_line(secured):
    broker, _ = secured
    with pytest.raises(InputError, match="certificate not trusted") as caught:
        connected(f"mqtts://tube01:x@localhost:{broker.port}")
    assert "\n" not in str(caught.value)


def test_a_certificate_for_another_host_is_told_in_one_line(secured):
    broker, ca_file = secured
    with pytest.raises(InputError, match="certificate not trusted"):
        connected(f"mqtts://tube01:x@127.0.0.1:{broker.port}", ca_file=ca_file)


def test_tls_where_there_is_none_and_none_where_there_is_are_told_in_one_line(secured, mosquitto):
    with pytest.raises(InputError, match=r"no TLS there|closed the connection|reset"):
        connected(mosquitto().url.replace("mqtt:", "mqtts:"))
    with pytest.raises(InputError, match="does it expect mqtts://"):
        connected(f"mqtt://localhost:{secured[0].port}")
