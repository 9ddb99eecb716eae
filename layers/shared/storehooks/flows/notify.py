"""Writes e-mails about deactivated hooks, from notices on the bus, to clients' notification emails."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from storehooks.api.deactivation_entry import DayOver, DeactivatedHook, read_entry
from storehooks.domain.deactivation_mail import Mail, deactivation_mail, digest_mail
from storehooks.domain.errors import InvalidRequestError, MailFailedError
from storehooks.domain.operational_event import REMEMBERED_SECONDS
from storehooks.domain.retry import RetrySchedule
from storehooks.flows.once import do_once

if TYPE_CHECKING:
    from storehooks.flows.ports import Claims, DeactivationDays, Hooks, Mailer, NotificationEmails

logger = Logger(utc=True)


class Notifier:
    """Writes e-mails about deactivated hooks, once for each hook or day that an entry names.

    A client's first deactivation of a day has an e-mail of its own; the rest of the day share one.
    """

    def __init__(
        self,
        *,
        hooks: Hooks,
        days: DeactivationDays,
        notification_emails: NotificationEmails,
        claims: Claims,
        mailer: Mailer,
        schedule: RetrySchedule,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._hooks = hooks
        self._days = days
        self._notification_emails = notification_emails
        self._claims = claims
        self._mailer = mailer
        self._schedule = schedule
        self._clock = clock

    def notify(self, entry: Mapping[str, Any]) -> bool:
        """Notify for an entry of the bus, and return whether an e-mail was due.

        The current hook and day decide what is written, and whether. So a repeated or forged entry does no
        harm. An entry that names neither a hook nor a day is dropped, because a retry would not help.

        :raises TransientError: if the entry must be retried.
        """
        try:
            named = read_entry(entry)
        except InvalidRequestError as error:
            logger.warning("not a deactivation", reason=error.problems[0].reason)
            return False
        match named:
            case DeactivatedHook():
                return self._notify_of_hook(named)
            case DayOver():
                return self._notify_of_day(named)

    def _notify_of_hook(self, named: DeactivatedHook) -> bool:
        known: dict[str, Any] = {"store_hash": named.store_hash, "hook_id": named.hook_id}
        hook = self._hooks.find(named.store_hash, named.hook_id)
        if hook is None or hook.deactivated_at is None:
            logger.info("not deactivated any more", **known)
            return False
        occasion = f"{hook.store_hash}#{hook.id}#{hook.deactivated_at}"
        if named.until is not None:
            day = self._days.get(hook.store_hash, hook.client_id, named.until)
            if day is None or day.first_hook_id != hook.id:
                logger.info("not the first of its day", **known)
                return False
            # If the hook was activated and deactivated again before this came, that is no second occasion.
            occasion = f"{hook.store_hash}#{day.first}"
        mail = deactivation_mail(hook, deactivated_at=hook.deactivated_at, schedule=self._schedule)
        return self._write_once(mail, occasion, client_id=hook.client_id, **known)

    def _notify_of_day(self, named: DayOver) -> bool:
        known: dict[str, Any] = {
            "store_hash": named.store_hash,
            "client_id": named.client_id,
            "until": named.until,
        }
        day = self._days.get(named.store_hash, named.client_id, named.until)
        if day is None or not day.later or self._clock() < day.until:
            logger.info("no day that is over", **known)
            return False
        occasion = f"mail#{day.store_hash}#{day.client_id}#{day.until}"
        return self._write_once(digest_mail(day, self._schedule), occasion, **known)

    def _write_once(self, mail: Mail, occasion: str, **known: Any) -> bool:
        addresses = self._notification_emails.get(known["store_hash"], known["client_id"])
        if not addresses:
            logger.info("nobody to write to", **known)
            return False

        def send() -> None:
            try:
                message_id = self._mailer.send(addresses, mail)
            except MailFailedError as error:
                # The dead letter has only the code, and the operator often needs the message.
                logger.warning("not sent", ses_code=error.code, ses_message=error.reason, **known)
                raise
            logger.info("written", message_id=message_id, addresses=len(addresses), **known)

        is_written = do_once(self._claims, occasion, send, for_seconds=REMEMBERED_SECONDS, **known)
        if not is_written:
            logger.info("written already, or somebody is at it", **known)
        return is_written
