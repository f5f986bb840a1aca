from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from libs.common.chassis.tally import Counters, Histograms


def shown(registry: CollectorRegistry) -> list[str]:
    return generate_latest(registry).decode().splitlines()


def test_a_counter_is_shown_under_its_labels_with_what_it_is() -> None:
    registry = CollectorRegistry()
    starts = Counters(registry, "gatehouse_starts", "Sessions begun.", "tenant", "type")
    starts.add("acme", "login")
    starts.add("acme", "login")
    starts.add("acme", "logout")
    assert shown(registry) == [
        "# HELP gatehouse_starts_total Sessions begun.",
        "# TYPE gatehouse_starts_total counter",
        'gatehouse_starts_total{tenant="acme",type="login"} 2.0',
        'gatehouse_starts_total{tenant="acme",type="logout"} 1.0',
    ]


def test_a_counter_can_be_shown_before_anything_is_counted() -> None:
    registry = CollectorRegistry()
    replays = Counters(registry, "gatehouse_replays", "Repeats.")
    replays.show()
    assert "gatehouse_replays_total 0.0" in shown(registry)
    replays.add()
    replays.show()
    assert "gatehouse_replays_total 1.0" in shown(registry)


def test_counters_past_the_limit_share_one() -> None:
    registry = CollectorRegistry()
    starts = Counters(registry, "gatehouse_starts", "Starts.", "tenant", "type", limit=2)
    for tenant in ("a", "b", "c", "d", "a", "c"):
        starts.add(tenant, "login")
    lines = shown(registry)
    assert 'gatehouse_starts_total{tenant="a",type="login"} 2.0' in lines
    assert 'gatehouse_starts_total{tenant="other",type="other"} 3.0' in lines
    assert not any('tenant="c"' in line for line in lines)


def test_a_duration_is_counted_in_every_bucket_that_is_as_long() -> None:
    registry = CollectorRegistry()
    turns = Histograms(registry, "gatehouse_turn_seconds", "Turns.", "type")
    for seconds in (0.001, 0.002, 60.0):
        turns.add(seconds, "login")
    lines = shown(registry)
    assert 'gatehouse_turn_seconds_bucket{le="0.001",type="login"} 1.0' in lines
    assert 'gatehouse_turn_seconds_bucket{le="0.0025",type="login"} 2.0' in lines
    assert 'gatehouse_turn_seconds_bucket{le="10.0",type="login"} 2.0' in lines
    assert 'gatehouse_turn_seconds_bucket{le="+Inf",type="login"} 3.0' in lines
    assert 'gatehouse_turn_seconds_count{type="login"} 3.0' in lines
    assert 'gatehouse_turn_seconds_sum{type="login"} 60.003' in lines


def test_durations_that_are_counted_together_come_to_the_same() -> None:
    together, apart = CollectorRegistry(), CollectorRegistry()
    many = Histograms(together, "gatehouse_node_seconds", "Nodes.", "node_type", limit=2)
    each = Histograms(apart, "gatehouse_node_seconds", "Nodes.", "node_type", limit=2)
    measured = [(f"type {number % 3}", number / 8) for number in range(1_300)]
    for start in range(0, len(measured), 100):
        many.add_all(measured[start : start + 100])
    for node_type, seconds in measured:
        each.add(seconds, node_type)
    assert shown(together) == shown(apart)
    assert 'gatehouse_node_seconds_count{node_type="other"} 433.0' in shown(together)


def test_histograms_past_the_limit_share_one() -> None:
    registry = CollectorRegistry()
    turns = Histograms(registry, "gatehouse_turn_seconds", "Turns.", "type", limit=1)
    for kind in ("login", "logout", "recovery"):
        turns.add(0.1, kind)
    lines = shown(registry)
    assert 'gatehouse_turn_seconds_count{type="login"} 1.0' in lines
    assert 'gatehouse_turn_seconds_count{type="other"} 2.0' in lines
