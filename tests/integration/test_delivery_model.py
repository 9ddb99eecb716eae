"""The model of deliveries over the tables of moto: calls to AWS fail."""

from functools import partial

import botocore.client
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis.stateful import run_state_machine_as_test as run

from tests.conftest import sequences
from tests.delivery_model import Crash, Deliveries, check_figures

FAULTS = {
    "throttled": lambda: ClientError({"Error": {"Code": "ThrottlingException"}}, "call"),
    "failed": lambda: ClientError({"Error": {"Code": "InternalServerError"}}, "call"),
    "unanswered": lambda: ReadTimeoutError(endpoint_url="local"),
    "crash": Crash,
}


class DeliveriesOverMoto(Deliveries):
    calls = ("BatchGetItem", "BatchWriteItem", "PutItem", "UpdateItem", "GetItem", "Query")

    def __init__(self, aws, functions, monkeypatch) -> None:
        aws.empty("HooksTable", "DeliveriesTable", "EventIdsTable")
        self.functions = functions
        super().__init__(aws, monkeypatch)

    def invoke(self, name, event):
        return self.functions.invoke(name, event)[0]

    def patch(self, patched, call, fault, around):
        api_call = botocore.client.BaseClient._make_api_call
        faulty = around(api_call, lambda _: FAULTS[fault]())

        def one_call(client, operation, kwargs):
            chosen = faulty if operation == call else api_call
            return chosen(client, operation, kwargs)

        patched.setattr(botocore.client.BaseClient, "_make_api_call", one_call)


def test_whatever_happens_each_delivery_is_made_or_accounted_for(aws, functions, monkeypatch):
    Deliveries.figures.clear()
    run(partial(DeliveriesOverMoto, aws, functions, monkeypatch), settings=sequences(10, steps=40))
    check_figures()
