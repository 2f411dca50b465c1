"""The flows, one a file: each wires verbs and nothing else. `cli` holds the command that a shell
starts, `server` what runs Prefect on this machine."""
