"""The tables: what removes old items, what keeps the others from being lost, and the key."""

from storehooks_cli.doctor.check import Check, Finding, Subject, failed, ok

_WITH_TTL = ("TokensTable", "DeliveriesTable", "EventIdsTable")
_TABLES = ("HooksTable", "ClientsTable", *_WITH_TTL)
_ENABLE = "aws kms enable-key --key-id {arn}"
_WITH_KEY = {
    "Disabled": f"until then no table can be read or written: {_ENABLE}",
    "PendingDeletion": f"before it is deleted: aws kms cancel-key-deletion --key-id {{arn}}, then {_ENABLE}",
    "deleted": "the tables can never be read again: deploy a stack of another name",
}
_OTHER_KEY = "see aws kms describe-key --key-id {arn}; until it is Enabled no table can be read or written"
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


def key(subject: Subject) -> Finding:
    """Whether KMS lets DynamoDB use the key that the tables are encrypted with."""
    keys = {name: _key_of(subject, name) for name in _TABLES}
    if bare := [name for name, arn in keys.items() if not arn]:
        return failed(
            f"not encrypted with a key of KMS: {', '.join(bare)}",
            "somebody changed the tables: docs/operations.md#backup-and-restore says how to restore one",
        )
    kms = subject.client("kms")
    states = {}
    for arn in sorted(set(keys.values())):
        try:
            states[arn] = kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"]
        except kms.exceptions.NotFoundException:
            states[arn] = "deleted"
    found = ", ".join(f"{arn} {state}" for arn, state in states.items())
    for arn, state in states.items():
        if state != "Enabled":
            return failed(found, _WITH_KEY.get(state, _OTHER_KEY).format(arn=arn))
    return ok(found)


CHECKS = [
    Check("tables' key", key, "the local AWS does not encrypt"),
    Check("time to live", time_to_live),
    Check("point-in-time recovery", point_in_time_recovery, "the local AWS keeps no backups"),
    Check("deletion protection", deletion_protection),
]


def _key_of(subject: Subject, name: str) -> str:
    """The ARN of a table's key; empty if it has none of the account's."""
    table = subject.client("dynamodb").describe_table(TableName=subject.stack.output(name))["Table"]
    arn: str = table.get("SSEDescription", {}).get("KMSMasterKeyArn", "")
    return arn


def _all(states: dict[str, str], right: set[str], advice: str) -> Finding:
    """Whether each table has one of these states."""
    if wrong := {name: state for name, state in states.items() if state not in right}:
        return failed(", ".join(f"{name} {state}" for name, state in wrong.items()), advice)
    return ok(f"on: {', '.join(states)}")
