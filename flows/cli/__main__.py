"""`python -m flows.cli` is `ebpf-overhead`."""

from .main import main

main()
