"""What a kernel has instead of a probe that it lacks."""

from tasks.execution.attach import nearest


def test_names_made_of_the_missing_one_come_first():
    known = ["kfree_skbmem", "rtnl_kfree_skbs", "__kfree_skb", "kfree_skb_reason", "kfree_skb_list"]
    assert nearest("kfree_skb", known) == ["__kfree_skb", "kfree_skb_list", "kfree_skb_reason"]
    assert nearest("dev_queue_xmit", ["__dev_queue_xmit", "dev_xmit"]) == ["__dev_queue_xmit"]


def test_without_such_names_the_most_alike_are_shown():
    assert nearest("skb:kfree", ["skb:kfree_skb", "skb:consume_skb"]) == ["skb:kfree_skb"]
    assert nearest("skb:kfre", ["skb:free", "net:x"]) == ["skb:free"]
    assert nearest("abc", ["xyz"]) == []
