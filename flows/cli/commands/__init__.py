"""The commands, by when a person needs them. Each imports what it runs only when it runs."""
