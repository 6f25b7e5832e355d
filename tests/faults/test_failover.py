"""The failovers of `make failover`, the short form: planned and crash."""

import pytest
from failover import World, rest, run


@pytest.fixture(scope="module")
def world():
    with World() as found:
        yield found


@pytest.mark.parametrize("part, way", [("database", "planned"), ("database", "crash"), ("cache", "planned"), ("cache", "crash")])
def test_a_failover_under_load_loses_nothing_and_needs_nobody(world, part, way):
    pair = getattr(world, part)
    if pair.replica.process.poll() is not None:
        pair.rejoin()
    outcome = run(world, part, way)
    assert not outcome.broken


def test_after_all_of_them_every_event_had_its_effect_once_and_every_mail_came(world):
    assert rest(world) == []
