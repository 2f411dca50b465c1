"""Attach points: what to ask of a kernel, its answer, and those of a bpftrace program."""

import subprocess

from hypothesis import given
from hypothesis import strategies as st

from tasks.lab.minimal_input import TOOLS
from tasks.programs.attach_points import (
    LIST_SCRIPT,
    Symbols,
    bpftrace_attach_points,
    nearest,
    parse_symbols,
    symbols_of,
)

LINUX_6_1 = """==> functions <==
__kfree_skb
kfree_skb_list
__pfx_kfree_skb
__traceiter_kfree_skb
kfree_skb_reason
tcp_v4_connect
==> events <==
sched/sched_switch/
skb/consume_skb/
skb/kfree_skb/
==> kernel <==
6.1.0-56-amd64
"""
ASKED = symbols_of(
    [
        "kprobe:kfree_skb",
        "fentry:tcp_v4_connect | kprobe:tcp_v4_connect",
        "tracepoint:skb:kfree_skb",
        "tracepoint:skb:drop_skb",
        "raw_tracepoint:sched_switch",
        "perf_event:cpu-clock",
    ]
)


def test_asked_are_functions_and_tracepoints_each_once():
    assert ASKED == [
        "function:kfree_skb", "function:tcp_v4_connect", "tracepoint:skb:kfree_skb",
        "tracepoint:skb:drop_skb", "tracepoint:*:sched_switch",
    ]  # fmt: skip


def test_what_a_kernel_lacks_has_a_name_that_it_has_instead():
    found = parse_symbols(LINUX_6_1, ASKED)
    assert found.has == (
        "function:tcp_v4_connect", "tracepoint:skb:kfree_skb", "tracepoint:*:sched_switch"
    )  # fmt: skip
    assert found.lacks["function:kfree_skb"] == (
        "__kfree_skb",
        "kfree_skb_list",
        "kfree_skb_reason",
    )
    assert "skb:kfree_skb" in found.lacks["tracepoint:skb:drop_skb"]
    assert found.why_not(["kprobe:tcp_v4_connect", "kprobe:kfree_skb"]) == (
        "Linux 6.1.0-56-amd64 has no function kfree_skb to trace; "
        "it has __kfree_skb, kfree_skb_list, kfree_skb_reason"
    )


def test_one_of_several_is_enough():
    found = parse_symbols(LINUX_6_1, symbols_of(["kprobe:kfree_skb", "kprobe:kfree_skb_reason"]))
    assert found.why_not(["kprobe:kfree_skb | kprobe:kfree_skb_reason"]) is None


def test_nothing_is_said_of_what_was_not_asked_or_not_listed():
    silent = parse_symbols("==> functions <==\n==> events <==\n==> kernel <==\n6.1\n", ASKED)
    assert silent == Symbols("6.1", (), {})
    assert silent.why_not(["kprobe:kfree_skb"]) is None
    assert not silent.known(["kprobe:kfree_skb"])
    assert silent.known(["perf_event:cpu-clock"])


def test_the_script_asks_this_machines_kernel():
    asked = ["function:tcp_v4_connect", "function:no_such_function_tcp_v4_connect"]
    argv = ["sh", "-c", LIST_SCRIPT, "symbols", *asked]
    text = subprocess.run(argv, capture_output=True, text=True, check=False).stdout
    found = parse_symbols(text, asked)
    assert found.release
    if "tcp_v4_connect" in text:  # not every kernel shows its symbols
        assert asked[0] in found.has
        assert asked[1] in found.lacks


def test_names_made_of_the_missing_one_come_first():
    known = ["kfree_skbmem", "rtnl_kfree_skbs", "__kfree_skb", "kfree_skb_reason", "kfree_skb_list"]
    assert nearest("kfree_skb", known) == ["__kfree_skb", "kfree_skb_list", "kfree_skb_reason"]
    assert nearest("dev_queue_xmit", ["__dev_queue_xmit", "dev_xmit"]) == ["__dev_queue_xmit"]


def test_without_such_names_the_most_alike_are_shown():
    assert nearest("skb:kfree", ["skb:kfree_skb", "skb:consume_skb"]) == ["skb:kfree_skb"]
    assert nearest("skb:kfre", ["skb:free", "net:x"]) == ["skb:free"]
    assert nearest("abc", ["xyz"]) == []


PROGRAM = r"""#!/usr/bin/env bpftrace
/* kprobe:in_a_comment { } */
// kprobe:in_a_line
BEGIN { printf("kprobe:in_a_text { %d }\n", 1); @names[1] = "k:x"; }
kprobe:tcp_v4_connect,
kretprobe:tcp_v6_connect / pid > 1 /
{
    if ($1 == 2) { @a[tid] = kstack; } else { @b = hist(args->len); }
}
tracepoint:skb:kfree_skb { @[args->location] = count(); }
t:sched:sched_switch,k:ip_rcv { @x = 1 }
kprobe:tcp_* { } kprobe:vfs_read+8 { } tracepoint:net:* { }
profile:hz:99 { } interval:s:1 { print(@x); } usdt:/bin/x:y:z { }
"""


def test_the_probes_of_a_bpftrace_program_without_comments_texts_and_wildcards():
    assert bpftrace_attach_points(PROGRAM) == (
        "kprobe:tcp_v4_connect", "kretprobe:tcp_v6_connect", "tracepoint:skb:kfree_skb",
        "tracepoint:sched:sched_switch", "kprobe:ip_rcv",
    )  # fmt: skip


def test_every_program_of_the_labs_names_its_probes():
    for path in sorted(TOOLS.rglob("*.bt")):
        assert bpftrace_attach_points(path.read_text()), path.name


@given(st.text())
def test_any_text_is_read(text):
    bpftrace_attach_points(text)
    parse_symbols(text, ASKED)
