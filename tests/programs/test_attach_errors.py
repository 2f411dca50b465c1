"""Messages of tools that found no such probe, as bpftrace 0.17 and BCC 0.26 write them."""

import pytest

from tasks.programs.attach_errors import MissingProbe, missing_probe

KPROBE = """\
stdin:1:1-17: WARNING: kfree_skb is not traceable (either non-existing, inlined, or marked as \
"notrace"); attaching to it will likely fail
kprobe:kfree_skb { @=count(); } kprobe:ip_rcv { @a=count(); }
~~~~~~~~~~~~~~~~
cannot attach kprobe, probe entry may not exist
ERROR: Error attaching probe: 'kprobe:kfree_skb'
"""
BCC = """\
cannot attach kprobe, probe entry may not exist
Traceback (most recent call last):
  File "/tmp/b.py", line 3, in <module>
    b.attach_kprobe(event="kfree_skb", fn_name="f")
Exception: Failed to attach BPF program b'f' to kprobe b'kfree_skb', it's not traceable \
(either non-existing, inlined, or marked as "notrace")
"""


@pytest.mark.parametrize(
    ("said", "kind", "name"),
    [
        (KPROBE, "kprobe", "kfree_skb"),
        (BCC, "kprobe", "kfree_skb"),
        ("ERROR: Error attaching probe: kfunc:dev_queue_xmit\n", "kfunc", "dev_queue_xmit"),
        ("stdin:1:1-20: ERROR: tracepoint not found: skb:nope\n", "tracepoint", "skb:nope"),
        (
            "Exception: Failed to attach BPF program b'tracepoint__skb__nope' to tracepoint "
            "b'skb:nope'\n",
            "tracepoint",
            "skb:nope",
        ),
    ],
)
def test_the_probe_that_was_not_attached_is_found(said, kind, name):
    assert missing_probe(said) == MissingProbe(kind, name)


@pytest.mark.parametrize("said", ["", "Attaching 1 probe...\n", "ERROR: Could not open file x\n"])
def test_other_messages_name_none(said):
    assert missing_probe(said) is None
