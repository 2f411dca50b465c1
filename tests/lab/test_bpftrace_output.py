"""Reading what bpftrace printed: recorded from tun_ring_latency.bt and vhost_batches.bt."""

from .bpftrace_output import counted, lines, total, totals

PRINTED = """\
Attaching 5 probes...
07:52:48 microseconds in the tap's ring; ring full
@us:
[32, 64)               3 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

@full: 0
07:52:49 microseconds in the tap's ring; ring full
@us:
[32, 64)               3 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |
[64, 128)              0 |                                                    |
[16K, 32K)             6 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|

@full: 2

@batch[vhost-1391]:
[1]                   38 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|
[2, 4)                 1 |@                                                   |

@buffers[vhost-1391]: 40
@buffers[vhost-1394]: 2
"""


def test_the_last_print_of_each_map_counts():
    assert totals(PRINTED) == {
        "@us": {"": 9},
        "@full": {"": 2},
        "@batch": {"[vhost-1391]": 39},
        "@buffers": {"[vhost-1391]": 40, "[vhost-1394]": 2},
    }


def test_keys_are_added_up_and_an_empty_map_is_none():
    assert total(PRINTED, "@buffers") == 42
    assert counted("@buffers", "1394")(PRINTED) == 2
    assert total(PRINTED, "@drops") == 0


def test_lines_are_counted():
    assert lines(r"^\d\d:\d\d:\d\d microseconds")(PRINTED) == 2
