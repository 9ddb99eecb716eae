"""The model of deliveries over the tables of moto: calls to AWS fail."""

from functools import partial

import pytest
from hypothesis.stateful import run_state_machine_as_test as run

from tests.conftest import sequences
from tests.delivery_model import Deliveries, check_figures
from tests.faults import OF_AWS, around_aws

pytestmark = pytest.mark.toolchain  # a long search


class DeliveriesOverMoto(Deliveries):
    calls = ("BatchGetItem", "BatchWriteItem", "PutItem", "UpdateItem", "GetItem", "Query")

    def __init__(self, aws, functions, monkeypatch) -> None:
        aws.empty("HooksTable", "DeliveriesTable", "EventIdsTable")
        self.functions = functions
        super().__init__(aws, monkeypatch)

    def invoke(self, name, event):
        return self.functions.invoke(name, event)[0]

    def patch(self, patched, call, fault, around):
        def meet(operation, given, api_call):
            return (around(api_call, OF_AWS[fault]) if operation == call else api_call)(given)

        around_aws(patched, meet)


def test_whatever_happens_each_delivery_is_made_or_accounted_for(aws, functions, monkeypatch):
    Deliveries.figures.clear()
    run(partial(DeliveriesOverMoto, aws, functions, monkeypatch), settings=sequences(10, steps=40))
    check_figures()
