"""The search finds the highest rate that the hosts hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.execution.capacity import BISECTIONS, Trial, at_rate, highest_held
from tasks.model.plan import HELD_LOSS_PCT, Workload


class Hosts:
    """A client that sends at most `sends`, a server that receives at most `holds`, packets/s.
    The first `disturbed` trials lose 3 %."""

    def __init__(self, sends: float, holds: float, disturbed: int = 0) -> None:
        self.sends, self.holds, self.disturbed, self.trials = sends, holds, disturbed, 0

    async def trial(self, rate_pps: float | None) -> Trial:
        self.trials += 1
        sent = self.sends if rate_pps is None else min(rate_pps, self.sends)
        lost = 100 * max(0.0, sent - self.holds) / sent
        if self.trials <= self.disturbed:
            lost = max(lost, 3.0)
        return Trial(rate_pps, sent, lost)


@given(sends=st.floats(1e3, 1e7), holds=st.floats(1e3, 1e7))
async def test_what_is_found_is_held_and_not_far_below_the_best(sends: float, holds: float):
    hosts = Hosts(sends, holds)
    found = await highest_held(hosts.trial)
    best = min(sends, holds)
    assert found is not None
    assert (await hosts.trial(found)).held
    assert found >= best * (1 - HELD_LOSS_PCT / 100) - sends / 2**BISECTIONS


async def test_a_client_that_cannot_overload_the_server_takes_two_trials():
    hosts = Hosts(sends=5e4, holds=1e6)
    assert await highest_held(hosts.trial) == 5e4
    assert hosts.trials == 2


async def test_a_rate_that_the_client_sends_only_unpaced_is_not_the_capacity():
    hosts = Hosts(sends=5e4, holds=1e6)

    async def trial(rate_pps: float | None) -> Trial:
        made = await hosts.trial(rate_pps)
        return made if rate_pps is None else Trial(rate_pps, min(rate_pps, 4e4), 0.0)

    found = await highest_held(trial)
    assert found is not None and 0.9 * 4e4 <= found <= 4e4 / 0.97


async def test_one_disturbed_trial_does_not_halve_the_rate():
    hosts = Hosts(sends=1e5, holds=1e6, disturbed=2)
    found = await highest_held(hosts.trial)
    assert found == pytest.approx(97_000, rel=0.05)


async def test_hosts_that_lose_at_every_rate_hold_none():
    assert await highest_held(Hosts(1e5, 1e6, disturbed=99).trial) is None


def test_a_rate_that_the_client_cannot_send_is_not_held():
    assert not Trial(rate_pps=1e5, sent_pps=9e4, lost_pct=0.0).held


def test_the_rate_becomes_iperf3s_bandwidth():
    load = Workload("load_udp_50", "load", "iperf3", "udp", length=64, load_pct=50)
    assert at_rate(load, 1000.0).bandwidth == "512000"
