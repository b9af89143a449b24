"""Brokers that cannot be had, and settings that cannot be: one line each, without the password."""

import pytest

from tests.kit.fake_broker import FakeBroker
from twin.files.errors import InputError
from twin.telemetry.telemetry import Telemetry
from twin.telemetry.url import broker_address


@pytest.fixture
def broker():
    with FakeBroker() as fake:
        yield fake


def refusal(url: str, timeout_s: float = 5.0) -> str:
    with pytest.raises(InputError) as caught:
        Telemetry(url, "tube01").connect(timeout_s)
    message = str(caught.value)
    assert "\n" not in message and "secret" not in message and "--no-mqtt" in message
    return message


def test_nobody_listening_is_told_in_one_line(broker):
    broker.stop()
    message = refusal(broker.url)
    assert message.startswith(f"broker {broker.url}: connection refused; ")


def test_a_silent_broker_is_told_in_one_line():
    with FakeBroker(answer=None) as silent:
        assert "does not answer as an MQTT broker" in refusal(silent.url, timeout_s=0.3)


def test_a_server_without_tls_is_told_in_one_line(broker):
    assert "no TLS there" in refusal(broker.url.replace("mqtt://", "mqtts://"))


@pytest.mark.parametrize(
    ("code", "words"), [(4, "user name or password refused"), (5, "not authorised"), (3, "unavail")]
)
def test_a_refusal_is_told_in_one_line_without_the_password(code, words):
    with FakeBroker(answer=code) as strict:
        message = refusal(strict.url.replace("//", "//operator:secret@"))
        assert words in message and "operator@127.0.0.1" in message
        assert strict.connects[0]["password"] == b"secret"


def test_a_server_that_hangs_up_at_once_is_told_in_one_line(broker, monkeypatch):
    def hang_up(self, sock, first, body):
        raise EOFError

    monkeypatch.setattr(FakeBroker, "_handle", hang_up)
    assert "closed the connection without a word" in refusal(broker.url)


def test_an_unknown_host_is_told_in_one_line():
    assert "unknown host" in refusal("mqtt://no-such-host.invalid")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "no scheme"),
        ("localhost", "no scheme"),
        ("localhost:1883", "no scheme"),
        ("http://localhost", "unknown scheme"),
        ("mqtt://", "no host"),
        ("mqtt://:1883", "no host"),
        ("mqtt://host:port", "port"),
        ("mqtt://host:70000", "port"),
        ("mqtt://host:0", "port"),
        ("mqtt://host/topic", "nothing may follow"),
        ("mqtt://host?qos=1", "nothing may follow"),
        ("mqtt://ho st", "white space"),
        ("mqtt://host\n", "white space"),
        ("mqtt://ho+st", "host"),
        ("mqtt://[::1", "host"),
        ("mqtt://:secret@host", "without a user"),
        ("mqtt://me:secret%00@host", "control characters"),
        ("mqtt://me:secret@host:99999", "port"),
    ],
)
def test_a_nonsense_url_is_told_in_one_line(url, words):
    with pytest.raises(InputError) as caught:
        Telemetry(url, "tube01")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)


def test_an_address_has_the_usual_ports_and_hides_its_password():
    assert broker_address("mqtt://host").port == 1883
    assert broker_address("mqtts://host").port == 8883
    address = broker_address("mqtts://me%40lab:p%3Aq@[::1]:8884/")
    assert (address.host, address.user, address.password) == ("::1", "me@lab", "p:q")
    assert str(address) == "mqtts://me@lab@[::1]:8884" and "p:q" not in repr(address)


@pytest.mark.parametrize("device", ["", "a/b", "#", "+", "tube 1", "x" * 65, "ü", "\n"])
def test_a_device_that_is_no_topic_level_is_told_in_one_line(device):
    with pytest.raises(InputError, match="device") as caught:
        Telemetry("mqtt://host", device)
    assert "\n" not in str(caught.value)


def test_unusable_certificates_are_told_in_one_line(tmp_path):
    (tmp_path / "empty.pem").touch()
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(InputError, match=name):
            Telemetry("mqtts://host", "tube01", ca_file=str(tmp_path / name))
