"""The flows: each wires verbs and nothing else. `cli.py` is the command that a shell starts."""
