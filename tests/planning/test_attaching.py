"""Tools that cannot attach to their host's kernel are not planned, with the reason."""

import pytest

from tasks.attach_check import attaching_of
from tasks.make_plan import make_plan_of
from tasks.model.catalog import Traits, catalog_path, read_catalog
from tasks.model.settings import Measurement, Selection
from tasks.planning.attaching import asked_of_kernels, attach_points

from ..paths import REFERENCE_CASES

FULL = (REFERENCE_CASES / "os630-kernel-510-intel-full.yaml").read_text()
FACTS = """
facts:
  {node}:
    node: {node}
    kernel: {kernel}
    bpf:
      has: [{has}]
      lacks: {{{lacks}}}
"""
SENDPAGE = '"function:tcp_sendpage": [inet_sendpage]'
CHOSEN = Selection(catalog=["bcc"], tools=["tcptop-bpfcc", "tcprtt-bpfcc", "runqlen-bpfcc"])


@pytest.fixture
def bootstrapped(tmp_path):
    """Writes an environment whose server has this kernel."""

    def write(kernel, has="", lacks=""):
        folder = tmp_path / kernel
        folder.mkdir()
        facts = FACTS.format(node="host-server", kernel=kernel, has=has, lacks=lacks)
        (folder / "e-full.yaml").write_text(FULL + facts)
        return folder

    return write


def test_a_case_whose_kernel_lacks_an_attach_point_has_no_slot(bootstrapped):
    folder = bootstrapped("6.12.1", '"function:tcp_rcv_established"', SENDPAGE)
    plan = make_plan_of(folder, CHOSEN, Measurement(iterations=1, workloads=["latency_tcp_rr"]))
    case = next(case for case in plan.cases if case.tool == "tcptop_bpfcc")
    assert case.cannot_attach
    assert case.skipped == (
        "Linux 6.12.1 has no function tcp_sendpage to trace; it has inet_sendpage"
    )
    measured = {plan.case(slot.case_id, slot.layer).tool for slot in plan.slots}
    assert {"tcprtt_bpfcc", "runqlen_bpfcc"} <= measured
    assert "tcptop_bpfcc" not in measured


def test_a_tool_of_which_nothing_was_asked_is_planned(bootstrapped):
    plan = make_plan_of(bootstrapped("6.12.1"), CHOSEN, Measurement(workloads=["latency_tcp_rr"]))
    assert not any(case.skipped for case in plan.cases)


def test_each_kernel_says_which_tools_attach(bootstrapped):
    old = bootstrapped("6.1.0", '"function:tcp_sendpage", "function:tcp_sendmsg", '
                       '"function:tcp_cleanup_rbuf"')  # fmt: skip
    new = bootstrapped("6.12.1", '"function:tcp_rcv_established"', SENDPAGE)
    settings = Measurement(workloads=["latency_tcp_rr"])
    before, after = (attaching_of(f, make_plan_of(f, CHOSEN, settings)) for f in (old, new))
    assert (before.kernel, after.kernel) == ("6.1.0", "6.12.1")
    assert before.tools["tcptop_bpfcc"] == "attaches"
    assert before.tools["tcprtt_bpfcc"] == "not known until it starts"
    assert after.tools["tcptop_bpfcc"].startswith("Linux 6.12.1 has no function tcp_sendpage")
    assert after.tools["tcprtt_bpfcc"] == "attaches"
    assert (before.lacking, after.lacking) == (frozenset(), {"tcptop_bpfcc"})


def test_a_bpftrace_script_of_the_tools_folder_says_itself_where_it_attaches(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/t.bt").write_text("kprobe:kfree_skb { @ = count(); }")
    assert attach_points("t.bt", "a", Traits(), tmp_path) == ("kprobe:kfree_skb",)
    assert attach_points("t.bt", "a", Traits(attaches=["kprobe:x"]), tmp_path) == ("kprobe:x",)
    assert attach_points("t.bt", "a", Traits(), None) == ()
    assert attach_points("t.py", "a", Traits(), tmp_path) == ()


@pytest.mark.parametrize("name", ["bcc", "bpftrace", "libbpf-tools"])
def test_every_tool_of_a_shipped_catalogue_says_where_it_attaches(name):
    catalog = read_catalog(catalog_path(name))
    assert all(t.attaches for category in catalog.categories.values() for t in category.tools)
    assert len(asked_of_kernels([catalog], None)) > 5
