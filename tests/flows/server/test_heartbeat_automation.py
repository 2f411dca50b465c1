"""Runs send heartbeats as often as the automation expects, however they were started."""

import yaml

from flows.analysis import analysis
from flows.campaign import campaign
from flows.lab_demo import demo
from flows.measure import ITERATION, measure
from flows.nightly import nightly
from flows.server import heartbeat_automation
from flows.server.deploy import PREFECT_FILE
from flows.server.prefect_settings import shared_settings, shell_settings

HEARTBEATS = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"


def test_two_heartbeats_may_be_lost() -> None:
    deployed = yaml.safe_load(PREFECT_FILE.read_text())["deployments"]
    settings = [one["work_pool"]["job_variables"]["env"] for one in deployed]
    settings += [shared_settings(), shell_settings()]
    assert {int(one[HEARTBEATS]) * 3 for one in settings} == {heartbeat_automation.SILENT_AFTER_S}


def test_every_flow_that_reserves_hosts_is_watched() -> None:
    flows = (campaign, nightly, analysis, demo, measure)
    watched = [name for names, _ in heartbeat_automation.WATCHED.values() for name in names]
    assert sorted(watched) == sorted([*(flow.name for flow in flows), ITERATION])
