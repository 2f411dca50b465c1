"""The flows, one per file: each only connects tasks. `cli` is the command line, `server` runs
Prefect on this machine."""
