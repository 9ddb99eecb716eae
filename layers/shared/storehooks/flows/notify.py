"""From the event of a deactivated hook to an e-mail to its owners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from storehooks.api.deactivation_entry import hook_of_entry
from storehooks.domain.deactivation_mail import deactivation_mail
from storehooks.domain.errors import InvalidRequestError, MailFailedError, TransientError
from storehooks.domain.event import is_event_id
from storehooks.domain.exception_event import REMEMBERED_SECONDS
from storehooks.domain.retry import RetrySchedule

if TYPE_CHECKING:
    from storehooks.flows.ports import Claims, Hooks, Mailer, NotificationEmails

logger = Logger(utc=True)


class Notifier:
    """Writes to the owners of a hook that failures have deactivated, once for each time they do."""

    def __init__(
        self,
        *,
        hooks: Hooks,
        notification_emails: NotificationEmails,
        claims: Claims,
        mailer: Mailer,
        schedule: RetrySchedule,
    ) -> None:
        self._hooks = hooks
        self._notification_emails = notification_emails
        self._claims = claims
        self._mailer = mailer
        self._schedule = schedule

    def notify(self, event: Mapping[str, Any]) -> bool:
        """Notify of what an entry of the bus says, and return whether that was to be done.

        The entry only names the hook. What is written, and whether, is decided by the hook as
        it is now, so that a repeat, or an entry that somebody else has put there, does no harm. One
        that names no hook is refused; to try it again would not help.

        :raises TransientError: when it has to be tried again.
        """
        try:
            store_hash, hook_id = hook_of_entry(event)
        except InvalidRequestError as error:
            logger.warning("not a deactivation", reason=error.problems[0].reason)
            return False
        event_id = event["detail"].get("id")
        known: dict[str, Any] = {"store_hash": store_hash, "hook_id": hook_id}
        if isinstance(event_id, str) and is_event_id(event_id):
            known["event_id"] = event_id
        hook = self._hooks.find(store_hash, hook_id)
        if hook is None or hook.deactivated_at is None:
            logger.info("not deactivated any more", **known)
            return False
        known["client_id"] = hook.client_id
        addresses = self._notification_emails.get(store_hash, hook.client_id)
        if not addresses:
            logger.info("nobody to write to", **known)
            return False
        occasion = f"{store_hash}#{hook_id}#{hook.deactivated_at}"
        if not self._claims.claim(occasion):
            logger.info("written already, or somebody is at it", **known)
            return False
        mail = deactivation_mail(hook, deactivated_at=hook.deactivated_at, schedule=self._schedule)
        try:
            message_id = self._mailer.send(addresses, mail)
        except MailFailedError as error:
            # The dead letter has the code alone; what to do often depends on the rest.
            logger.warning("not sent", ses_code=error.code, ses_message=error.reason, **known)
            raise
        logger.info("written", message_id=message_id, addresses=len(addresses), **known)
        try:
            self._claims.confirm(occasion, for_seconds=REMEMBERED_SECONDS)
        except TransientError as error:  # tried again, it would be written again
            logger.warning("not remembered", error=repr(error), **known)
        return True
