"""The pinned uv, fetched once through the package index that pip is configured to use."""

import base64
import configparser
import hashlib
import html.parser
import os
import pathlib
import platform
import ssl
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Iterable, Mapping

UV_VERSION = "0.13.8"
UV_WHEELS = {  # (sys.platform, machine): the wheel's platform tag and its SHA-256
    ("linux", "x86_64"): (
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "e18a57b8b352eb7c8feb317b9f6f533c8f0ad9673fd6cf34bbe3cf1a9f6a8984",
    ),
    ("linux", "aarch64"): (
        "manylinux_2_28_aarch64",
        "5337c30bb893b4f9ce0ceb921ba2da0d13f649da644f40ad3bef84083bef0203",
    ),
    ("darwin", "arm64"): (
        "macosx_11_0_arm64",
        "62b6943c7fd64fac6854f780bea6e0359e5a5bc3241f83ee357bb38276afac49",
    ),
    ("darwin", "x86_64"): (
        "macosx_10_12_x86_64",
        "b7124ca1956ec2e476a1003ea5715a15f0266afaec37f4dc9c6972ba8183e6d1",
    ),
}
DEFAULT_INDEX = f"https://{'.'.join(('pypi', 'org'))}/simple"  # pip's own default


class SetupError(Exception):
    """An error of the set-up: one line with its fix."""


def say(line: str) -> None:
    print(f"[set-up] {line}", file=sys.stderr, flush=True)


# What pip is configured to use


def pip_config_files(environ: Mapping[str, str], home: pathlib.Path) -> list[pathlib.Path]:
    """pip's configuration files in its own order, the last one winning."""
    explicit = environ.get("PIP_CONFIG_FILE")
    if explicit == os.devnull:
        return []
    xdg = pathlib.Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [pathlib.Path("/etc/xdg/pip/pip.conf"), pathlib.Path("/etc/pip.conf")]
    files += [home / ".pip/pip.conf", xdg / "pip/pip.conf", pathlib.Path(sys.prefix, "pip.conf")]
    return files + ([pathlib.Path(explicit)] if explicit else [])


def pip_setting(name: str, environ: Mapping[str, str], files: Iterable[pathlib.Path]) -> str | None:
    """One setting of pip, such as "index-url": the environment first, then the files."""
    value = environ.get("PIP_" + name.upper().replace("-", "_"))
    if value:
        return value
    parser = configparser.RawConfigParser()
    try:
        parser.read(files, encoding="utf-8")
    except configparser.Error as error:
        raise SetupError(f"pip's configuration is not readable: {error.message}") from None
    for section in ("install", "global"):
        if parser.has_option(section, name):
            return parser.get(section, name).strip() or None
    return None


# Fetching uv


class Links(html.parser.HTMLParser):
    """All targets of links on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.targets += [value for name, value in attrs if tag == "a" and name == "href" and value]


def link_to(filename: str, page: str, page_url: str) -> str:
    """The address of a file on a project page of a simple index (PEP 503)."""
    links = Links()
    links.feed(page)
    for target in links.targets:
        url = urllib.parse.urldefrag(urllib.parse.urljoin(page_url, target)).url
        if urllib.parse.unquote(url.rpartition("/")[2]) == filename:
            return url
    raise SetupError(f"the package index has no {filename}: point pip's index-url at a full one")


def request(url: str) -> urllib.request.Request:
    """A request for an address that may carry a user name and password."""
    parts = urllib.parse.urlsplit(url)
    if parts.username is None:
        return urllib.request.Request(url)
    host = parts.netloc.rpartition("@")[2]
    user = urllib.parse.unquote(f"{parts.username}:{parts.password or ''}")
    token = base64.b64encode(user.encode()).decode()
    return urllib.request.Request(
        parts._replace(netloc=host).geturl(), headers={"Authorization": f"Basic {token}"}
    )


def fetch(url: str, certificates: str | None) -> bytes:
    """The content of an address."""
    if certificates and not os.path.exists(certificates):
        raise SetupError(f"no certificates in {certificates}: correct PIP_CERT or pip's `cert`")
    context = ssl.create_default_context(cafile=certificates)
    for attempt in (1, 2, 3):
        try:
            with urllib.request.urlopen(request(url), timeout=60, context=context) as answer:
                return bytes(answer.read())
        except (OSError, urllib.error.URLError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                raise SetupError(
                    "the package index's certificate cannot be checked: install the package "
                    "ca-certificates, or set PIP_CERT to your site's certificate file"
                ) from None
            if attempt == 3 or isinstance(error, urllib.error.HTTPError):
                host = urllib.parse.urlsplit(url).hostname
                raise SetupError(
                    f"the package index at {host} does not answer ({reason}): check the network, "
                    "or set PIP_INDEX_URL to an index you can reach"
                ) from None
    raise AssertionError("unreachable")


def checked(content: bytes, sha256: str, name: str) -> bytes:
    """The content. Raises SetupError if its hash is not the pinned one."""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise SetupError(f"{name} does not match its pinned SHA-256: it was not used")
    return content


def wheel_name(system: str, machine: str) -> tuple[str, str]:
    """The file name of uv's wheel for this type of machine, and its SHA-256."""
    if (system, machine) not in UV_WHEELS:
        raise SetupError(
            f"no uv is pinned for {system} on {machine}: make .venv yourself and "
            "`pip install -r requirements-dev.txt -e .` into it"
        )
    tag, sha256 = UV_WHEELS[system, machine]
    return f"uv-{UV_VERSION}-py3-none-{tag}.whl", sha256


def provide_uv(index: str, certificates: str | None) -> pathlib.Path:
    """The path of the pinned uv, fetched if it is not in the cache yet."""
    name, sha256 = wheel_name(sys.platform, platform.machine())
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    uv = pathlib.Path(base, "tubetwin", f"uv-{sha256[:16]}")
    if uv.exists():
        return uv
    say(f"fetching uv {UV_VERSION}")
    page_url = index.rstrip("/") + "/uv/"
    page = fetch(page_url, certificates).decode()
    wheel = checked(fetch(link_to(name, page, page_url), certificates), sha256, name)
    uv.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=uv.parent) as folder:
        path = pathlib.Path(folder, name)
        path.write_bytes(wheel)
        with zipfile.ZipFile(path) as archive:
            binary = archive.extract(f"uv-{UV_VERSION}.data/scripts/uv", folder)
        os.chmod(binary, 0o755)
        os.replace(binary, uv)
    return uv
