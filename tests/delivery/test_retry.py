import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.delivery.endpoints.retry import next_wait

SCHEDULE = (5.0, 300.0, 1800.0)


def test_each_failed_attempt_waits_as_the_schedule_says() -> None:
    assert [next_wait(attempt, SCHEDULE, 0.5) for attempt in (1, 2, 3)] == list(SCHEDULE)


def test_after_the_last_attempt_there_is_no_other() -> None:
    assert next_wait(4, SCHEDULE, 0.5) is None
    assert next_wait(1, (), 0.5) is None


@pytest.mark.parametrize(("spread", "wait"), [(0.0, 240.0), (1.0, 360.0)])
def test_a_wait_is_spread_over_a_fifth_either_way(spread: float, wait: float) -> None:
    assert next_wait(2, SCHEDULE, spread) == pytest.approx(wait)


@given(st.integers(1, 3), st.floats(0, 1))
def test_no_wait_is_further_than_a_fifth_from_the_schedule(attempt: int, spread: float) -> None:
    wait = next_wait(attempt, SCHEDULE, spread)

    assert wait is not None
    assert 0.8 <= wait / SCHEDULE[attempt - 1] <= 1.2 + 1e-9
