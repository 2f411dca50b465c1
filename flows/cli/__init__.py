"""The command `ebpf-overhead`: what a person types, and what the terminal shows."""
