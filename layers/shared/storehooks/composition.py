"""Builds a function's objects. Only this module knows what each of them is made of.

A function's module builds its handler from :class:`Parts`. In Lambda that happens at init, once for each
process, with the environment and the machine's clock. Tests pass another clock, or fakes for some parts.
"""

import os
import time
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from storehooks.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from storehooks.adapters.access import ClientSecrets, TokensTable
    from storehooks.adapters.access_tokens import AccessTokens, TokenIssuer
    from storehooks.adapters.bus import EventBus
    from storehooks.adapters.claims import Claims
    from storehooks.adapters.clients import Clients
    from storehooks.adapters.dead_letters import DeadLetters
    from storehooks.adapters.deliveries_queue import DeliveriesQueue
    from storehooks.adapters.delivery_context import DeliveryContexts
    from storehooks.adapters.delivery_log.circuits import Circuits
    from storehooks.adapters.delivery_log.deactivation_days import DeactivationDays
    from storehooks.adapters.delivery_log.deliveries import DeliveryLog
    from storehooks.adapters.delivery_log.due import DueIndex
    from storehooks.adapters.delivery_log.held_watches import HeldWatches
    from storehooks.adapters.delivery_log.lines import Lines
    from storehooks.adapters.delivery_log.missed import MissedEvents
    from storehooks.adapters.delivery_log.pulled import PulledDeliveries
    from storehooks.adapters.delivery_log.recoveries import Recoveries
    from storehooks.adapters.delivery_log.scans import Scans
    from storehooks.adapters.delivery_log.selections import Selections
    from storehooks.adapters.direct_dynamodb import DirectDynamoDB
    from storehooks.adapters.event_ids import EventIdsTable
    from storehooks.adapters.events_queue import EventsQueue
    from storehooks.adapters.hooks_table import HooksTable
    from storehooks.adapters.leases import Leases
    from storehooks.adapters.mailer import Mailer
    from storehooks.adapters.notification_emails import NotificationEmails
    from storehooks.adapters.queue import Queue
    from storehooks.adapters.sender import Sender
    from storehooks.domain.hook import HookQuotas
    from storehooks.domain.retry import RetrySchedule
    from storehooks.flows.deliver import Deliverer
    from storehooks.flows.expiry import Expiries
    from storehooks.flows.hold import Holds
    from storehooks.flows.match import Matcher
    from storehooks.flows.meter import Meter
    from storehooks.flows.notices import Notices
    from storehooks.flows.notify import Notifier
    from storehooks.flows.offer import Offers
    from storehooks.flows.operational_events import OperationalEvents
    from storehooks.flows.outcome import Outcomes
    from storehooks.flows.pause import Pauses
    from storehooks.flows.ping import Pinger
    from storehooks.flows.pull import Puller
    from storehooks.flows.recover import Recoverer, RecoveryStarter
    from storehooks.flows.redeliver import Redeliverer
    from storehooks.flows.remove_client import ClientRemover
    from storehooks.flows.stats import StatsReader
    from storehooks.flows.sweep import Sweeper

type Handler = Callable[[dict[str, Any], object], Any]
"""A function that Lambda calls with an event and the invocation's context."""


class Parts:
    """The parts of functions. Each part is made at its first use, and then kept.

    Imports are inside the parts, so that a cold start loads only what its function needs.

    :param clock: returns seconds since 1970.
    :param sleep: waits for a number of seconds.
    :param given: parts by name, used instead of those that would be made here.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        **given: object,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.sleep = sleep
        for name, part in given.items():
            if not isinstance(getattr(type(self), name, None), cached_property):
                raise TypeError(f"there is no part {name!r}")
            vars(self)[name] = part

    # ------------------------------------------------------------ tables

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        from storehooks.adapters.aws import dynamodb_client

        return dynamodb_client()

    @cached_property
    def direct_dynamodb(self) -> "DirectDynamoDB":
        from storehooks.adapters.aws import direct_dynamodb

        return direct_dynamodb(self.clock, self.sleep)

    @cached_property
    def tokens(self) -> "TokensTable":
        from storehooks.adapters.access import TokensTable

        return TokensTable(self.settings.tokens_table, dynamodb=self.dynamodb, clock=self.clock)

    @cached_property
    def secrets(self) -> "ClientSecrets":
        from storehooks.adapters.access import ClientSecrets

        return ClientSecrets(self.settings.clients_table, dynamodb=self.dynamodb, clock=self.clock)

    @cached_property
    def clients(self) -> "Clients":
        from storehooks.adapters.clients import Clients

        return Clients(
            self.settings.clients_table, dynamodb=self.dynamodb, clock=self.clock, sleep=self.sleep
        )

    @cached_property
    def access_tokens(self) -> "AccessTokens":
        from storehooks.adapters.access_tokens import AccessTokens

        return AccessTokens(self.settings.tokens_table, dynamodb=self.dynamodb)

    @cached_property
    def token_issuer(self) -> "TokenIssuer":
        from storehooks.adapters.access_tokens import TokenIssuer

        return TokenIssuer(
            self.settings.tokens_table,
            self.settings.clients_table,
            dynamodb=self.dynamodb,
            clock=self.clock,
            sleep=self.sleep,
        )

    @cached_property
    def hooks(self) -> "HooksTable":
        from storehooks.adapters.hooks_table import HooksTable

        return HooksTable(
            self.settings.hooks_table, dynamodb=self.dynamodb, clock=self.clock, sleep=self.sleep
        )

    @cached_property
    def hook_quotas(self) -> "HookQuotas":
        from storehooks.domain.hook import HookQuotas

        return HookQuotas(
            per_client=self.settings.max_hooks_per_client, per_store=self.settings.max_hooks_per_store
        )

    @cached_property
    def notification_emails(self) -> "NotificationEmails":
        from storehooks.adapters.notification_emails import NotificationEmails

        return NotificationEmails(
            self.settings.hooks_table, dynamodb=self.dynamodb, clock=self.clock, sleep=self.sleep
        )

    @cached_property
    def event_ids(self) -> "EventIdsTable":
        from storehooks.adapters.event_ids import EventIdsTable

        return EventIdsTable(self.settings.event_ids_table, dynamodb=self.dynamodb, clock=self.clock)

    @cached_property
    def claims(self) -> "Claims":
        from storehooks.adapters.claims import Claims

        return Claims(self.settings.event_ids_table, dynamodb=self.dynamodb, clock=self.clock)

    @cached_property
    def leases(self) -> "Leases":
        from storehooks.adapters.leases import Leases

        return Leases(self.settings.event_ids_table, dynamodb=self.dynamodb, clock=self.clock)

    @cached_property
    def log(self) -> "DeliveryLog":
        from storehooks.adapters.delivery_log.deliveries import DeliveryLog

        return DeliveryLog(
            self.settings.deliveries_table,
            retention_days=self.settings.delivery_retention_days,
            dynamodb=self.dynamodb,
            batches=lambda: self.direct_dynamodb,  # only deliver loads it
            clock=self.clock,
            sleep=self.sleep,
        )

    @cached_property
    def selections(self) -> "Selections":
        from storehooks.adapters.delivery_log.selections import Selections

        return Selections(
            self.settings.deliveries_table,
            retention_days=self.settings.delivery_retention_days,
            dynamodb=self.dynamodb,
            clock=self.clock,
        )

    @cached_property
    def scans(self) -> "Scans":
        from storehooks.adapters.delivery_log.scans import Scans

        return Scans(self.settings.deliveries_table, dynamodb=self.dynamodb, clock=self.clock)

    @cached_property
    def due(self) -> "DueIndex":
        from storehooks.adapters.delivery_log.due import DueIndex

        return DueIndex(self.settings.deliveries_table, dynamodb=self.dynamodb, clock=self.clock)

    @cached_property
    def pulled(self) -> "PulledDeliveries":
        from storehooks.adapters.delivery_log.pulled import PulledDeliveries

        return PulledDeliveries(
            self.settings.deliveries_table, dynamodb=self.dynamodb, clock=self.clock, sleep=self.sleep
        )

    @cached_property
    def held_watches(self) -> "HeldWatches":
        from storehooks.adapters.delivery_log.held_watches import HeldWatches

        return HeldWatches(self.settings.deliveries_table, dynamodb=self.dynamodb, clock=self.clock)

    @cached_property
    def circuits(self) -> "Circuits":
        from storehooks.adapters.delivery_log.circuits import Circuits

        return Circuits(
            self.settings.deliveries_table,
            retention_days=self.settings.delivery_retention_days,
            dynamodb=self.dynamodb,
            clock=self.clock,
        )

    @cached_property
    def lines(self) -> "Lines":
        from storehooks.adapters.delivery_log.lines import Lines

        return Lines(
            self.settings.deliveries_table,
            retention_days=self.settings.delivery_retention_days,
            dynamodb=self.dynamodb,
            clock=self.clock,
        )

    @cached_property
    def recoveries(self) -> "Recoveries":
        from storehooks.adapters.delivery_log.recoveries import Recoveries

        return Recoveries(
            self.settings.deliveries_table,
            retention_days=self.settings.delivery_retention_days,
            dynamodb=self.dynamodb,
            clock=self.clock,
        )

    @cached_property
    def missed_events(self) -> "MissedEvents":
        from storehooks.adapters.delivery_log.missed import MissedEvents

        return MissedEvents(
            self.settings.deliveries_table, dynamodb=self.dynamodb, clock=self.clock, sleep=self.sleep
        )

    @cached_property
    def days(self) -> "DeactivationDays":
        from storehooks.adapters.delivery_log.deactivation_days import DeactivationDays

        return DeactivationDays(self.settings.deliveries_table, dynamodb=self.dynamodb)

    @cached_property
    def contexts(self) -> "DeliveryContexts":
        from storehooks.adapters.delivery_context import DeliveryContexts

        return DeliveryContexts(
            hooks_table=self.settings.hooks_table,
            clients_table=self.settings.clients_table,
            deliveries_table=self.settings.deliveries_table,
            dynamodb=self.direct_dynamodb,
            clock=self.clock,
            sleep=self.sleep,
        )

    # ------------------------------------------------------------ queues, bus, mail, destinations

    @cached_property
    def events_queue(self) -> "EventsQueue":
        from storehooks.adapters.events_queue import EventsQueue

        return EventsQueue(self._queue(self.settings.events_queue))

    @cached_property
    def dead_letters(self) -> "DeadLetters":
        from storehooks.adapters.dead_letters import DeadLetters

        return DeadLetters(self._queue(self.settings.events_dead_letters))

    @cached_property
    def deliveries_queue(self) -> "DeliveriesQueue":
        from storehooks.adapters.deliveries_queue import DeliveriesQueue

        return DeliveriesQueue(self._queue(self.settings.deliveries_queue))

    @cached_property
    def bus(self) -> "EventBus":
        from storehooks.adapters.aws import events_client
        from storehooks.adapters.bus import EventBus

        return EventBus(self.settings.event_bus, events_client())

    @cached_property
    def mailer(self) -> "Mailer":
        from storehooks.adapters.aws import ses_client
        from storehooks.adapters.mailer import Mailer

        return Mailer(self.settings.email_sender, ses_client())

    @cached_property
    def sender(self) -> "Sender":
        from storehooks.adapters.sender import Sender

        return Sender(
            timeout_seconds=self.settings.delivery_timeout_seconds,
            allow_private=self.settings.allow_private_destinations,
            clock=self.clock,
        )

    def _queue(self, url: str) -> "Queue":
        from storehooks.adapters.aws import sqs_client
        from storehooks.adapters.queue import Queue

        return Queue(url, sqs_client(), sleep=self.sleep)

    # ------------------------------------------------------------ flows

    @cached_property
    def schedule(self) -> "RetrySchedule":
        from storehooks.domain.retry import RetrySchedule

        return RetrySchedule.parse(self.settings.retry_schedule)

    @cached_property
    def meter(self) -> "Meter":
        from storehooks.flows.meter import Meter

        return Meter()

    @cached_property
    def matcher(self) -> "Matcher":
        from storehooks.flows.match import Matcher

        return Matcher(
            hooks=self.hooks,
            event_ids=self.event_ids,
            queue=self.deliveries_queue,
            offers=self.offers,
            dead_letters=self.dead_letters,
            meter=self.meter,
        )

    @cached_property
    def deliverer(self) -> "Deliverer":
        from storehooks.flows.deliver import Deliverer

        return Deliverer(
            contexts=self.contexts,
            log=self.log,
            circuits=self.circuits,
            lines=self.lines,
            queue=self.deliveries_queue,
            outcomes=self.outcomes,
            holds=self.holds,
            expiries=self.expiries,
            offers=self.offers,
            recoverer=self.recoverer,
            notices=self.notices,
            sender=self.sender,
            schedule=self.schedule,
            meter=self.meter,
            timeout_seconds=self.settings.delivery_timeout_seconds,
            patience_seconds=self.patience_seconds,
            clock=self.clock,
        )

    @cached_property
    def patience_seconds(self) -> float:
        from storehooks.flows.deliver import PATIENCE_SECONDS

        return PATIENCE_SECONDS

    @cached_property
    def outcomes(self) -> "Outcomes":
        from storehooks.flows.outcome import Outcomes

        return Outcomes(
            log=self.log,
            circuits=self.circuits,
            hooks=self.hooks,
            queue=self.deliveries_queue,
            operational_events=self.operational_events,
            schedule=self.schedule,
            meter=self.meter,
            clock=self.clock,
        )

    @cached_property
    def holds(self) -> "Holds":
        from storehooks.flows.hold import Holds

        return Holds(
            log=self.log,
            hooks=self.hooks,
            queue=self.deliveries_queue,
            operational_events=self.operational_events,
            expiries=self.expiries,
            meter=self.meter,
            clock=self.clock,
        )

    @cached_property
    def offers(self) -> "Offers":
        from storehooks.flows.offer import Offers

        return Offers(
            log=self.log,
            pulled=self.pulled,
            watches=self.held_watches,
            retention_days=self.settings.delivery_retention_days,
            clock=self.clock,
        )

    @cached_property
    def puller(self) -> "Puller":
        from storehooks.flows.pull import Puller

        return Puller(
            log=self.log, pulled=self.pulled, secrets=self.secrets, meter=self.meter, clock=self.clock
        )

    @cached_property
    def expiries(self) -> "Expiries":
        from storehooks.flows.expiry import Expiries

        return Expiries(
            watches=self.held_watches,
            log=self.log,
            operational_events=self.operational_events,
            retention_days=self.settings.delivery_retention_days,
            clock=self.clock,
        )

    @cached_property
    def operational_events(self) -> "OperationalEvents":
        from storehooks.flows.operational_events import OperationalEvents

        return OperationalEvents(
            events_queue=self.events_queue,
            bus=self.bus,
            claims=self.claims,
            notices=self.notices,
            meter=self.meter,
            clock=self.clock,
        )

    @cached_property
    def notices(self) -> "Notices":
        from storehooks.flows.notices import Notices

        return Notices(
            days=self.days,
            queue=self.deliveries_queue,
            bus=self.bus,
            claims=self.claims,
            clock=self.clock,
        )

    @cached_property
    def recoverer(self) -> "Recoverer":
        from storehooks.flows.recover import Recoverer

        return Recoverer(
            recoveries=self.recoveries,
            leases=self.leases,
            selections=self.selections,
            log=self.log,
            circuits=self.circuits,
            hooks=self.hooks,
            queue=self.deliveries_queue,
            meter=self.meter,
            clock=self.clock,
        )

    @cached_property
    def recovery_starter(self) -> "RecoveryStarter":
        from storehooks.flows.recover import RecoveryStarter

        return RecoveryStarter(
            recoveries=self.recoveries,
            leases=self.leases,
            selections=self.selections,
            queue=self.deliveries_queue,
            clock=self.clock,
        )

    @cached_property
    def pauses(self) -> "Pauses":
        from storehooks.flows.pause import Pauses

        return Pauses(
            hooks=self.hooks, recoveries=self.recoveries, queue=self.deliveries_queue, clock=self.clock
        )

    @cached_property
    def redeliverer(self) -> "Redeliverer":
        from storehooks.flows.redeliver import Redeliverer

        return Redeliverer(log=self.log, queue=self.deliveries_queue, clock=self.clock)

    @cached_property
    def stats_reader(self) -> "StatsReader":
        from storehooks.flows.stats import StatsReader

        return StatsReader(scans=self.scans, selections=self.selections, leases=self.leases, clock=self.clock)

    @cached_property
    def client_remover(self) -> "ClientRemover":
        from storehooks.flows.remove_client import ClientRemover

        return ClientRemover(
            clients=self.clients,
            access_tokens=self.access_tokens,
            hooks=self.hooks,
            notification_emails=self.notification_emails,
            clock=self.clock,
        )

    @cached_property
    def sweeper(self) -> "Sweeper":
        from storehooks.adapters.aws import BOTOCORE_VERSION
        from storehooks.flows.sweep import Sweeper

        return Sweeper(
            due=self.due,
            watches=self.held_watches,
            queue=self.deliveries_queue,
            meter=self.meter,
            botocore=BOTOCORE_VERSION,
            clock=self.clock,
        )

    @cached_property
    def pinger(self) -> "Pinger":
        from storehooks.flows.ping import Pinger

        return Pinger(secrets=self.secrets, leases=self.leases, sender=self.sender, clock=self.clock)

    @cached_property
    def notifier(self) -> "Notifier":
        from storehooks.flows.notify import Notifier

        return Notifier(
            hooks=self.hooks,
            days=self.days,
            notification_emails=self.notification_emails,
            claims=self.claims,
            mailer=self.mailer,
            schedule=self.schedule,
            clock=self.clock,
        )


def lambda_handler(build: Callable[[Parts], Handler]) -> Handler:
    """The handler that Lambda calls. It is built at once, because a function has the most CPU at init.

    Outside Lambda it is built at the first event, so that a function's module can be imported without
    settings.

    :param build: makes a function's handler from the parts.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:  # Lambda reserves this name and always sets it
        return build(Parts(Settings(os.environ)))
    built: list[Handler] = []

    def handler(event: dict[str, Any], context: object) -> Any:
        if not built:
            built.append(build(Parts(Settings(os.environ))))
        return built[0](event, context)

    return handler
