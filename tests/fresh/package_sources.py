"""What a fresh machine takes over from this one: where packages come from, and how to get there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tasks.lab.booted.debian import ARCHIVES, own_mirrors

OUTER_LOOPBACK = "10.0.2.2"
"""This machine's 127.0.0.1, as slirp4netns shows it to a fresh machine."""

CERTIFICATES = "/etc/outer-certificates.pem"

_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_BUNDLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
_PIP_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout",
                "default-timeout", "retries")  # fmt: skip


def apt_sources(suite: str) -> list[str]:
    """Lines of a sources.list: the component main of `suite`, from this machine's own mirrors."""
    mirrors = ARCHIVES | own_mirrors()
    return [
        f"deb {mirrors['main']} {suite} main",
        f"deb {mirrors['main']} {suite}-updates main",
        f"deb {mirrors['security']} {suite}-security main",
    ]


def apt_options() -> list[str]:
    """How this machine's apt downloads: proxies, certificates, validity; as lines of apt.conf."""
    shown = _output("apt-config", "dump").splitlines()
    wanted = re.compile(r"Acquire::(https?::|ftp::|Check-|Retries|ForceIP).*", re.IGNORECASE)
    return [_from_inside(line) for line in shown if wanted.match(line) and '""' not in line]


def environment() -> dict[str, str]:
    """Variables that lead pip to this machine's package index. Its folders stay outside."""
    found = {name: _from_inside(os.environ[name]) for name in _PROXIES if name in os.environ}
    listed = _output(sys.executable, "-m", "pip", "config", "list").splitlines()
    for line in listed:  # files first, then the environment, which takes precedence
        key, _, quoted = line.partition("=")
        option, value = key.rpartition(".")[2], quoted.strip("'\"")
        remote = " ".join(word for word in value.split() if not word.startswith(("/", "file:")))
        if option in _PIP_OPTIONS and remote:
            found[f"PIP_{option.upper().replace('-', '_')}"] = _from_inside(remote)
    if certificates():
        found |= {"PIP_CERT": CERTIFICATES, "SSL_CERT_FILE": CERTIFICATES}
    return found


def certificates() -> Path | None:
    """The file of certificate authorities that this machine trusts in addition, if it names one."""
    named = [Path(os.environ[name]) for name in _BUNDLES if name in os.environ]
    return next((file for file in named if file.is_file()), None)


def _from_inside(setting: str) -> str:
    return re.sub(r"\b(127\.0\.0\.1|localhost)(?=:\d)", OUTER_LOOPBACK, setting)


def _output(*argv: str) -> str:
    return subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout
