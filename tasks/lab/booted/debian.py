"""Where this machine's apt takes Debian's packages from, and how it gets there."""

import re
from collections.abc import Sequence

from ..machine import run

SUITE, OLDER_SUITE = "bookworm", "bullseye"
"""Debian 12 is what a machine runs; Debian 11 has Linux 5.10."""

ARCHIVES = {
    "main": "http://deb.debian.org/debian",
    "security": "http://deb.debian.org/debian-security",
}


def sources() -> Sequence[str]:
    """Lines of a sources.list, from this machine's own mirrors where it is a Debian."""
    mirrors = ARCHIVES | own_mirrors()
    return [
        line
        for suite, components in ((SUITE, "main non-free"), (OLDER_SUITE, "main"))
        for line in (
            f"deb {mirrors['main']} {suite} {components}",
            f"deb {mirrors['security']} {suite}-security main",
        )
    ]


def own_mirrors() -> dict[str, str]:
    """main, security -> the address from which this machine's apt takes that part of Debian."""
    form = "$(ORIGIN) $(COMPONENT) $(CODENAME) $(REPO_URI)"
    lines = run("apt-get", "indextargets", "--format", form).splitlines()
    found = [re.fullmatch(r"Debian main ([a-z]+)(-security)? (\S+)", line) for line in lines]
    return {"security" if one[2] else "main": one[3] for one in found if one}


def apt_options() -> Sequence[str]:
    """How this machine's apt downloads: proxies, certificates, validity; lines of apt.conf."""
    wanted = re.compile(r"Acquire::(https?::|ftp::|Check-|Retries|ForceIP).*", re.IGNORECASE)
    shown = run("apt-config", "dump").splitlines()
    return [line for line in shown if wanted.match(line) and '""' not in line]
