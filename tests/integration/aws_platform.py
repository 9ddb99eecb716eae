"""What AWS does around the functions that no request comes to, in a time of its own.

It brings each message of a queue to its function, again after a while if that failed, and to the
dead letters if it failed too often; it calls the sweep each minute, and a function behind a rule of
the bus up to three times. The functions are the real ones, over moto's tables and queues; only
destinations are not.
"""

import io
import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import contextmanager, redirect_stdout
from operator import attrgetter
from typing import Any

from aws_lambda_powertools import Logger
from moto.core import DEFAULT_ACCOUNT_ID
from moto.ses.models import ses_backends
from moto.sqs.models import sqs_backends

from storehooks.composition import Handler
from storehooks.domain.deactivation_day import FIRST, LATER
from storehooks.domain.errors import StorehooksError
from storehooks.domain.identity import Caller
from storehooks_cli.store_hooks import StoreHooks
from tests import emf
from tests.faults import Fault, Killed, around_aws
from tests.integration.cloudwatch import Metrics
from tests.integration.conftest import REGION, Aws, Functions, load_event
from tests.message_heap import MAX_BATCH, VISIBILITY_SECONDS, Message, MessageHeap
from tests.template_file import logical_id, resources
from tests.world import STORE, BaseWorld, Sender, envelope

MAX_RECEIVES = resources("AWS::SQS::Queue")["DeliveriesQueue"]["RedrivePolicy"]["maxReceiveCount"]
READERS = {"EventsQueue": "match_events", "DeliveriesQueue": "deliver"}
DEAD_LETTERS = {"EventsQueue": "EventsDeadLetters", "DeliveriesQueue": "DeliveriesDeadLetters"}
# SQS no longer counts the age of what was received more often and is still there.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
_RECEIVES_WITH_AGE = 3
_MINUTE_SECONDS = 60
_MAX_LOOKS = 100
_ASYNC_PAUSES = (60, 120)
SECRET = "hunter2"


class SlowSender(Sender):
    """Responds once a further message was taken and its attempt begun, or at the latest after a while."""

    _looks = 0

    def wait(self, seconds: float):
        self._looks += 1
        if self.in_flight > 1 or self._looks % _MAX_LOOKS == 0:
            return super().wait(seconds)
        time.sleep(0.001)
        return []


class Platform(BaseWorld):
    """A deployment with one client, and all that happens in it after its functions' cold start."""

    def __init__(self, aws: Aws, monkeypatch, schedule: str) -> None:
        monkeypatch.setenv("RETRY_SCHEDULE", schedule)
        super().__init__(aws, schedule)
        self.is_slow = False
        self.is_throttled = False
        self.running = ""
        self.invocations = 0
        self.events_on_bus: list[dict[str, Any]] = []
        self.notices: list[tuple[str, str]] = []
        """The kind and the store of each notice that was put on the bus."""
        self.metrics = Metrics()
        self._dead_in: Counter[str] = Counter()
        self._sampled = self.clock.now
        self.printed = io.StringIO()
        self.queues = {name: MessageHeap(self.clock, lambda: self.lineage) for name in READERS}
        self._functions = Functions(clock=self.clock, sleep=lambda _: None)
        aws.empty("HooksTable", "DeliveriesTable", "EventIdsTable", *READERS, "EventsDeadLetters")
        self.mails.clear()
        self.start()

    # ------------------------------------------------------------ what happens

    def hook(self, path: str = "", scope: str = "store/order/*", **fields: Any):
        """An active hook with secrets in its headers and its destination."""
        destination = f"https://app.example.com/{path}?key={SECRET}"
        return super().hook(destination, scope, headers={"Authorization": SECRET}, **fields)

    def hooks_of_store(self):
        """The hooks of all the store's clients."""
        hooks = StoreHooks("HooksTable", dynamodb=self.account.dynamodb)
        return [hook for page in hooks.pages(STORE) for hook in page]

    def new_client(self) -> None:
        """From here on hooks are another client's; those that there are get no more events."""
        for hook in filter(attrgetter("is_active"), self.hooks_of_store()):
            client = Caller(STORE, hook.client_id, frozenset())
            self.hooks.update(client, hook.id, {"is_active": False})
        client_id, _ = self.account.new_client(STORE)
        self.caller = Caller(STORE, client_id, frozenset())

    def event(self, *, has_id: bool = True, body: str | None = None) -> None:
        """A message is on the events queue."""
        event = envelope(next(self._numbers), has_id=has_id)
        self.queues["EventsQueue"].put(body if body is not None else json.dumps(event))

    def sweep(self) -> None:
        self.invoke("retry_due", load_event("retry_due"))

    def next_due(self) -> float:
        first = [queue.waiting[0].due for queue in self.queues.values() if queue.waiting]
        return min([self._sampled + _MINUTE_SECONDS, *first])

    def notified_of(self, kind: str, detail: Mapping[str, Any]) -> None:
        """The bus hands a notice to the function behind its rule, which is tried three times."""
        event = load_event("notify_owners") | {"detail-type": kind, "detail": detail}
        for pause in (*_ASYNC_PAUSES, None):
            if self.invoke("notify_owners", event) is not None:
                return
            if pause is None:
                self._die("EmailsDeadLetters", json.dumps(detail))
                return
            self.pass_time(pause)

    # ------------------------------------------------------------ the platform

    def handler(self, name: str) -> Handler:
        if "sender" not in self._functions.given:
            self._functions.given["sender"] = (SlowSender if self.is_slow else Sender)(self)
            if self.is_slow:
                self._functions.given["patience_seconds"] = 0
        return self._functions.handler(name)

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """What a function answers; None if it failed or its process ended."""
        handler, self.running = self.handler(name), name
        self.metrics.put("AWS/Lambda", "Invocations", logical_id(name), self.clock.now, 1)
        written = io.StringIO()
        try:
            with redirect_stdout(written):
                return handler(event, None)
        except Killed:
            self._functions.end(name)
            self._functions.given.clear()  # what it sent, ended with it
            return None
        except StorehooksError:  # Lambda tries again
            self.metrics.put("AWS/Lambda", "Errors", logical_id(name), self.clock.now, 1)
            return None
        finally:
            self.running = ""
            self.invocations += 1
            for metric, values in emf.metrics(written.getvalue(), "storehooks").items():
                self.metrics.put(emf.NAMESPACE, metric, "", self.clock.now, *values)

    def work(self) -> None:
        if self.clock.now >= self._sampled + _MINUTE_SECONDS:
            self._sample()
        self._drain()
        while due := [(queue.waiting[0], name) for name, queue in self.queues.items() if queue.has_due]:
            _, name = min(due)
            self._bring(name, self.queues[name].take(1 if self.is_slow else MAX_BATCH))

    def _bring(self, queue: str, batch: list[Message]) -> None:
        spent = [message for message in batch if message.received > MAX_RECEIVES]
        for message in spent:
            self._die(DEAD_LETTERS[queue], message.body)
        batch = [message for message in batch if message not in spent]
        if self.is_throttled or not batch:
            # Lambda tries again until the visibility timeout is over. To have been received counts.
            for message in batch:
                self.queues[queue].put_back(message)
            return
        with self.chained(READERS[queue], [message.lineage for message in batch]) as is_invoked:
            if is_invoked:
                self._invoke_with(queue, batch)
                return
        for message in batch:
            self._die(DEAD_LETTERS[queue], message.body)

    def _invoke_with(self, queue: str, batch: list[Message]) -> None:
        records = []
        for message in batch:
            (record, *_) = load_event(READERS[queue])["Records"]
            attributes = record["attributes"] | {"ApproximateReceiveCount": str(message.received)}
            records.append(
                record | {"messageId": str(message.number), "body": message.body, "attributes": attributes}
            )
        if self.is_slow:
            self._leave_to_receive(queue)
        response = self.invoke(READERS[queue], {"Records": records})
        failed = {str(message.number) for message in batch}
        if response is not None:
            failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
        for message in batch:
            if str(message.number) in failed:
                self.queues[queue].put_back(message)
        self._drain()

    def _die(self, dead_letters: str, body: str) -> None:
        self.dead.append(body)
        self._dead_in[dead_letters] += 1

    def _sample(self) -> None:
        """What SQS says each minute, and of the sweep that it is called, with or without something to do."""
        self._sampled = now = self.clock.now
        for queue in READERS:
            ages = [
                now - one.sent_at for one in self.queues[queue].waiting if one.received <= _RECEIVES_WITH_AGE
            ]
            self.metrics.put(
                "AWS/SQS", "ApproximateAgeOfOldestMessage", queue, now, *[max(ages)] if ages else []
            )
        for queue in (*DEAD_LETTERS.values(), "EmailsDeadLetters"):
            put_there = len(sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues[queue]._messages)
            number = self._dead_in[queue] + put_there
            self.metrics.put("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue, now, number)
        self.metrics.put("AWS/Lambda", "Invocations", logical_id("retry_due"), now, 1)

    def _leave_to_receive(self, queue: str) -> None:
        """What is due besides is there for a function that asks for more work."""
        with self.account.uncounted():
            for message in list(self.queues[queue].waiting):
                if not message.received and message.due <= self.clock.now:
                    self.queues[queue].remove(message)
                    self.account.sqs.send_message(
                        QueueUrl=self.account.queues[queue], MessageBody=message.body
                    )

    def _drain(self) -> None:
        """From moto's queues, whose time is another."""
        for name in READERS:
            queue = sqs_backends[DEFAULT_ACCOUNT_ID][REGION].queues[name]
            for message in queue._messages:
                received = message.approximate_receive_count
                delay = max(0, round((message.delayed_until - message.sent_timestamp) / 1000))
                if received:
                    delay = VISIBILITY_SECONDS
                self.queues[name].put(message.body, delay, received=received)
        self.account.empty(*READERS)

    # ------------------------------------------------------------ what is seen

    @property
    def mails(self) -> list[Any]:
        """What was sent by SES."""
        return ses_backends[DEFAULT_ACCOUNT_ID][REGION].sent_messages

    @contextmanager
    def watched(self, monkeypatch, fault: Fault | None):
        """With a fault in it, all that is logged written down, and what the bus took as well."""
        handler = Logger().registered_handler
        before = handler.setStream(self.printed)

        def meet(operation, given, call):
            def with_effect(given):
                response = call(given)
                if operation == "PutEvents":
                    for entry in given["Entries"]:
                        detail = json.loads(entry["Detail"])
                        if entry["DetailType"] in {FIRST, LATER}:
                            self.notices.append((entry["DetailType"], detail["store_hash"]))
                        else:
                            self.events_on_bus.append(detail)
                return response

            if fault is None or self.running != fault.function or self.is_undisturbed:
                return with_effect(given)
            return fault.meet(self.invocations, operation, given, with_effect)

        with monkeypatch.context() as patched:
            around_aws(patched, meet)
            yield
        if before is not None:
            handler.setStream(before)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What was logged, without metrics."""
        lines = [json.loads(line) for line in self.printed.getvalue().splitlines()]
        return [line for line in lines if "message" in line]
