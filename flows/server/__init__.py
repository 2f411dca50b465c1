"""Prefect's server on this machine, the deployments, and the automations that find crashed runs."""
