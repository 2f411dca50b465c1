"""A stranger's machine: a minimal Debian in namespaces of its own, set up by the README alone."""
