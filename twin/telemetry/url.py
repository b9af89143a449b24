"""Where telemetry goes: the address of an MQTT broker, and the device's name in its topics."""

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from twin.files.errors import InputError

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}
_EXPECTED = "give mqtt://[user[:password]@]host[:port] or mqtts://…"
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?")


@dataclass(frozen=True)
class BrokerAddress:
    """Where a broker listens and who we are there. `str()` never shows the password."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    password: str | None = None

    def __str__(self) -> str:
        scheme = "mqtts" if self.tls else "mqtt"
        user = "" if self.user is None else f"{self.user}@"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{user}{host}:{self.port}"

    def __repr__(self) -> str:
        return f"<BrokerAddress {self}>"


def broker_address(url: str) -> BrokerAddress:
    """Read mqtt://[user[:password]@]host[:port] or mqtts://….

    Ports default to 1883 and 8883; user and password may be percent-encoded.
    Raises InputError, in one line and without the password, on anything else.
    """
    shown = re.sub(r"//[^/]*@", "//…@", url.encode("unicode_escape").decode())

    def reject(what: str) -> InputError:
        return InputError(f"broker {shown}: {what}; {_EXPECTED}")

    if not url.isprintable() or " " in url:
        raise reject("white space or control characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        wrong = "unusable port" if "port" in str(error).lower() else "unusable host"
        raise reject(wrong) from None
    if parts.scheme not in DEFAULT_PORTS:
        raise reject("unknown scheme" if "://" in url else "no scheme")
    if not parts.hostname:
        raise reject("no host")
    if not _HOST.fullmatch(parts.hostname):
        raise reject("unusable host")
    if port == 0:
        raise reject("port 0")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise reject("nothing may follow the port")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password is not None else None
    if password is not None and user is None:
        raise reject("a password without a user")
    if not ((user or "") + (password or "")).isprintable():
        raise reject("control characters in user or password")
    return BrokerAddress(
        host=parts.hostname,
        port=DEFAULT_PORTS[parts.scheme] if port is None else port,
        tls=parts.scheme == "mqtts",
        user=user,
        password=password,
    )


def checked_device(device: str) -> str:
    """The name itself if it can be one level of a topic. Raises InputError."""
    if not _DEVICE.fullmatch(device):
        shown = device.encode("unicode_escape").decode()
        raise InputError(
            f"device {shown!r}: unusable in an MQTT topic; give at most 64 letters, digits, . _ -"
        )
    return device
