"""A function's settings, which the template passes as environment variables."""

from collections.abc import Mapping


class MissingSettingError(Exception):
    """A setting that a function needs is missing, or has an invalid value."""


class Settings:
    """A function's settings, each with its type.

    A function has only the settings that it needs, so each is read at its first use. That is at init, when
    the function's objects are made, so no request meets a function with a missing setting.

    Every property may raise :class:`MissingSettingError`, which names the variable.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    @property
    def hooks_table(self) -> str:
        """The table of hooks, and of notification emails."""
        return self._text("HOOKS_TABLE")

    @property
    def tokens_table(self) -> str:
        """The table of access tokens."""
        return self._text("TOKENS_TABLE")

    @property
    def clients_table(self) -> str:
        """The table of clients and their secrets."""
        return self._text("CLIENTS_TABLE")

    @property
    def deliveries_table(self) -> str:
        """The delivery log."""
        return self._text("DELIVERIES_TABLE")

    @property
    def event_ids_table(self) -> str:
        """The table of event ids, of claims and of leases."""
        return self._text("EVENT_IDS_TABLE")

    @property
    def events_queue(self) -> str:
        """The URL of the events queue."""
        return self._text("EVENTS_QUEUE")

    @property
    def events_dead_letters(self) -> str:
        """The URL of the events queue's dead-letter queue."""
        return self._text("EVENTS_DEAD_LETTERS")

    @property
    def deliveries_queue(self) -> str:
        """The URL of the deliveries queue."""
        return self._text("DELIVERIES_QUEUE")

    @property
    def event_bus(self) -> str:
        """The name of the event bus."""
        return self._text("EVENT_BUS")

    @property
    def email_sender(self) -> str:
        """The address from which e-mails are sent."""
        return self._text("EMAIL_SENDER")

    @property
    def retry_schedule(self) -> str:
        """Seconds separated by commas, which :class:`storehooks.domain.retry.RetrySchedule` parses."""
        return self._text("RETRY_SCHEDULE")

    @property
    def delivery_timeout_seconds(self) -> int:
        """Maximum seconds of an attempt."""
        return self._number("DELIVERY_TIMEOUT_SECONDS")

    @property
    def delivery_retention_days(self) -> int:
        """Days for which a delivery is kept after its last change."""
        return self._number("DELIVERY_RETENTION_DAYS")

    @property
    def max_hooks_per_client(self) -> int:
        """Maximum hooks of one client of a store."""
        return self._number("MAX_HOOKS_PER_CLIENT")

    @property
    def max_hooks_per_store(self) -> int:
        """Maximum hooks of all clients of a store together."""
        return self._number("MAX_HOOKS_PER_STORE")

    @property
    def allow_private_destinations(self) -> bool:
        """Whether destinations may be private addresses and plain http; only for a local stack."""
        return self._switch("ALLOW_PRIVATE_DESTINATIONS")

    def check(self, *names: str) -> None:
        """Read settings by name, because the parts that need them are made by a later request."""
        for name in names:
            getattr(self, name)

    def _text(self, name: str) -> str:
        value = self._environment.get(name, "")
        if not value:
            raise MissingSettingError(f"the environment variable {name} is not set")
        return value

    def _switch(self, name: str) -> bool:
        value = self._text(name)
        if value not in {"true", "false"}:
            raise MissingSettingError(f"the environment variable {name} is {value!r}, not true or false")
        return value == "true"

    def _number(self, name: str) -> int:
        value = self._text(name)
        if not (value.isascii() and value.isdigit() and int(value) > 0):
            raise MissingSettingError(
                f"the environment variable {name} is {value!r}, not a number above zero"
            )
        return int(value)
