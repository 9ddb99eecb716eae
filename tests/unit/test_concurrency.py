"""Which parameters fit an account's concurrent Lambda executions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storehooks_cli.concurrency import MIN_UNRESERVED, Parameters, fitting, needed

WANTED = st.builds(
    Parameters,
    maximum_concurrency=st.integers(2, 1000),
    burst=st.integers(1, 5000),
    rate=st.integers(1, 10_000),
)


def test_a_stack_needs_both_queues_two_functions_and_the_burst_of_a_route():
    assert needed(20, 200) == 20 + 20 + 1 + 1 + 200


def test_the_defaults_do_not_fit_a_new_accounts_ten_and_these_do():
    assert fitting(10, Parameters(20, 200, 100)) == Parameters(2, 4, 4)


@pytest.mark.parametrize(
    ("unreserved", "wanted", "fits"),
    [
        (1000, Parameters(20, 200, 100), Parameters(20, 200, 100)),
        (242, Parameters(20, 200, 100), Parameters(20, 200, 100)),
        (241, Parameters(20, 200, 100), Parameters(20, 199, 100)),
        (100, Parameters(20, 200, 100), Parameters(20, 58, 58)),
        (100, Parameters(500, 1, 1), Parameters(48, 1, 1)),
        (7, Parameters(20, 200, 100), Parameters(2, 1, 1)),
        (6, Parameters(20, 200, 100), None),
        (0, Parameters(2, 1, 1), None),
    ],
)
def test_what_fits_is_as_near_to_what_is_wanted_as_the_account_allows(unreserved, wanted, fits):
    assert fitting(unreserved, wanted) == fits


@given(st.integers(0, 3000), WANTED)
def test_what_fits_needs_no_more_than_there_is_and_is_accepted_by_the_template(unreserved, wanted):
    fits = fitting(unreserved, wanted)
    assert (fits is None) == (unreserved < MIN_UNRESERVED)
    if fits:
        assert fits.needed <= unreserved
        assert 2 <= fits.maximum_concurrency <= wanted.maximum_concurrency
        assert 1 <= fits.burst <= wanted.burst
        assert 1 <= fits.rate <= wanted.rate


@given(st.integers(MIN_UNRESERVED, 3000), WANTED)
def test_what_is_wanted_is_kept_where_it_fits(unreserved, wanted):
    assert (fitting(unreserved, wanted) == wanted) == (wanted.needed <= unreserved)
