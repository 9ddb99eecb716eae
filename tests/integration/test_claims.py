"""What a process remembers of claims itself, and what it makes of lost responses.

tests/contract/test_once.py has what claims promise.
"""

import pytest
from botocore.exceptions import ClientError

from storehooks.adapters.claims import CLAIM_SECONDS, Claims
from storehooks.domain.errors import StoreFailedError
from tests.world import Clock

WHAT = "destination#5ueh97#0"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def process(aws, clock):
    """Makes the claims of another process."""
    return lambda: Claims("EventIdsTable", dynamodb=aws.dynamodb, clock=clock)


def test_a_process_asks_once_and_then_knows_until_when_it_is_refused(aws, process, clock):
    first, second = process(), process()
    first.claim(WHAT)
    assert second.claim(WHAT) is False
    clock.now += CLAIM_SECONDS - 1
    before = len(aws.calls)
    assert (first.claim(WHAT), second.claim(WHAT)) == (False, False)
    assert len(aws.calls) == before
    clock.now += 1
    assert second.claim(WHAT) is True, "not remembered for longer than the claim that it lost to"
    second.confirm(WHAT, for_seconds=600)
    before = len(aws.calls)
    for _ in range(3):
        assert (first.claim(WHAT), second.claim(WHAT)) == (False, False)
    assert len(aws.calls) == before + 1
    clock.now += 600
    assert first.claim(WHAT) is True


def test_a_process_that_knows_too_much_forgets_it_and_asks_again(process, monkeypatch):
    monkeypatch.setattr("storehooks.adapters.claims._MAX_REMEMBERED", 3)
    claims, whats = process(), [str(number) for number in range(10)]
    assert [claims.claim(what) for what in whats] == [True] * 10
    assert len(claims._refused_until) <= 3
    assert [claims.claim(what) for what in whats] == [False] * 10


def test_a_claim_whose_response_was_lost_is_its_own_when_it_is_repeated(aws, process, monkeypatch):
    claims, put = process(), aws.dynamodb.put_item

    def twice(**given):
        put(**given)
        return put(**given)

    with monkeypatch.context() as patched:
        patched.setattr(aws.dynamodb, "put_item", twice)
        assert claims.claim(WHAT) is True
    assert (claims.claim(WHAT), process().claim(WHAT)) == (False, False)


def test_what_was_done_and_not_confirmed_only_its_own_process_knows(aws, process, clock, monkeypatch):
    def fail(**_given):
        raise ClientError({"Error": {"Code": "InternalServerError"}}, "PutItem")

    claims = process()
    claims.claim(WHAT)
    with monkeypatch.context() as patched:
        patched.setattr(aws.dynamodb, "put_item", fail)
        with pytest.raises(StoreFailedError):
            claims.confirm(WHAT, for_seconds=600)
    clock.now += CLAIM_SECONDS
    assert claims.claim(WHAT) is False
    assert process().claim(WHAT) is True


def test_claims_of_earlier_releases_hold(aws, process, clock):
    """They have no more than these two attributes; a `#` begins no publisher's event id."""
    item = {"event_key": {"S": f"#told#{WHAT}"}, "expires_at": {"N": str(int(clock.now) + 600)}}
    aws.dynamodb.put_item(TableName="EventIdsTable", Item=item)
    assert process().claim(WHAT) is False
    clock.now += 600
    assert process().claim(WHAT) is True
