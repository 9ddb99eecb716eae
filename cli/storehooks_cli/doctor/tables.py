"""The tables: what removes old items, and what keeps the others from being lost."""

from storehooks_cli.doctor.check import Check, Finding, Subject, failed, ok

_WITH_TTL = ("TokensTable", "DeliveriesTable", "EventIdsTable")
_TABLES = ("HooksTable", "ClientsTable", *_WITH_TTL)
_CHANGED = "somebody changed the tables: switch it on again"


def time_to_live(subject: Subject) -> Finding:
    """Whether DynamoDB removes what has expired."""
    states = {
        name: subject.client("dynamodb").describe_time_to_live(TableName=subject.stack.output(name))[
            "TimeToLiveDescription"
        ]["TimeToLiveStatus"]
        for name in _WITH_TTL
    }
    return _all(
        states,
        {"ENABLED", "ENABLING"},
        f"{_CHANGED} with aws dynamodb update-time-to-live, attribute expires_at; else the tables only grow",
    )


def point_in_time_recovery(subject: Subject) -> Finding:
    """Whether the tables can be brought back as they were."""
    states = {
        name: subject.client("dynamodb").describe_continuous_backups(TableName=subject.stack.output(name))[
            "ContinuousBackupsDescription"
        ]["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
        for name in _TABLES
    }
    return _all(states, {"ENABLED"}, f"{_CHANGED} with aws dynamodb update-continuous-backups")


def deletion_protection(subject: Subject) -> Finding:
    """Whether the tables are protected as the parameter says."""
    states = {
        name: str(
            subject.client("dynamodb")
            .describe_table(TableName=subject.stack.output(name))["Table"]
            .get("DeletionProtectionEnabled", False)
        ).lower()
        for name in _TABLES
    }
    if subject.stack.parameters.get("DeletionProtection") == "false":
        return ok(
            "off, as DeletionProtection=false says", "deploy with DeletionProtection=true to protect data"
        )
    return _all(states, {"true"}, f"{_CHANGED} with aws dynamodb update-table --deletion-protection-enabled")


CHECKS = [
    Check("time to live", time_to_live),
    Check("point-in-time recovery", point_in_time_recovery, "the local AWS keeps no backups"),
    Check("deletion protection", deletion_protection),
]


def _all(states: dict[str, str], right: set[str], advice: str) -> Finding:
    """Whether each table has one of these states."""
    if wrong := {name: state for name, state in states.items() if state not in right}:
        return failed(", ".join(f"{name} {state}" for name, state in wrong.items()), advice)
    return ok(f"on: {', '.join(states)}")
