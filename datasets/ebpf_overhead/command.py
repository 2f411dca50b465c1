"""The command `ebpf-overhead`, whose code says `flows` and `tasks` for the folders in `HOME`."""

import sys

from . import HOME


def main() -> None:
    sys.path.insert(0, str(HOME))
    from flows.cli.main import main as command

    command()
