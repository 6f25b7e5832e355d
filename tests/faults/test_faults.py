"""A short fault run of one seed; seeds that failed once stay here."""

import pytest
from faults import run

SECONDS = 25


@pytest.mark.parametrize("seed", [1])
def test_nothing_is_lost_and_nothing_comes_twice_under_mixed_faults(seed):
    report, load = run(seed, SECONDS)
    assert not report.broken, str(report)
    assert load.acknowledged > 50
