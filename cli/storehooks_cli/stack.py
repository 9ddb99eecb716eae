"""Which deployment a command works on: one in AWS, or the local one of a data folder."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from storehooks.adapters.bus import EventBus
from storehooks.adapters.delivery_log.deliveries import DeliveryLog
from storehooks_cli.access import AccessTables
from storehooks_cli.hook_logs import HookLogs
from storehooks_cli.local.aws import CONFIG as LOCAL_CONFIG
from storehooks_cli.local.aws import session as local_session
from storehooks_cli.local.environment import forget_callers_aws
from storehooks_cli.local.running import endpoint_of, is_running, running_stack
from storehooks_cli.options import to_type
from storehooks_cli.output import fail
from storehooks_cli.removal import Removal
from storehooks_cli.store_hooks import StoreHooks

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployment: its name, a session that may use it, and the template's outputs and parameters.

    ``status`` is CloudFormation's.
    """

    name: str
    session: boto3.Session
    endpoint_url: str | None
    config: Config | None
    outputs: dict[str, str]
    parameters: dict[str, str] = field(default_factory=dict)
    status: str = ""
    local_url: str | None = None

    @property
    def api_url(self) -> str:
        """The URL of its API; ``/stores/...`` follows."""
        return self.local_url or self.output("ApiUrl")

    def output(self, name: str) -> str:
        """One of the outputs; ends the command when the deployment is too old to have it."""
        if name not in self.outputs:
            fail(
                f"the stack {self.name} is older than this command: it has no output {name}; deploy it again"
            )
        return self.outputs[name]

    def access(self) -> AccessTables:
        """The deployment's clients and tokens."""
        return AccessTables(
            self.outputs["TokensTable"], self.outputs["ClientsTable"], dynamodb=self._dynamodb()
        )

    def client(self, service: str) -> Any:
        """A client of any AWS service, for the deployment's account and region."""
        return self.session.client(service, endpoint_url=self.endpoint_url, config=self.config)  # type: ignore[call-overload]

    def hooks(self) -> StoreHooks:
        """The hooks of the deployment's stores."""
        return StoreHooks(self.output("HooksTable"), dynamodb=self._dynamodb())

    def removal(self, store_hash: str, client_id: str | None) -> Removal:
        """The removal of a store, or of one of its clients."""
        return Removal(
            store_hash,
            client_id,
            access=self.access(),
            hooks=self.hooks(),
            logs=self.hook_logs(),
        )

    def hook_logs(self) -> HookLogs:
        """The logs of the deployment's hooks, to be counted and removed."""
        return HookLogs(self.output("DeliveriesTable"), dynamodb=self._dynamodb())

    def event_bus(self) -> EventBus:
        """The deployment's event bus."""
        events: EventBridgeClient = self.session.client(
            "events", endpoint_url=self.endpoint_url, config=self.config
        )
        return EventBus(self.output("EventBusName"), events)

    def deliveries(self) -> DeliveryLog:
        """The deployment's log of deliveries, to be read."""
        return DeliveryLog(self.output("DeliveriesTable"), retention_days=1, dynamodb=self._dynamodb())

    def logs(self) -> "CloudWatchLogsClient":
        """A client for the logs of the deployment's functions."""
        return self.session.client("logs", endpoint_url=self.endpoint_url, config=self.config)

    def sqs(self) -> "SQSClient":
        """A client for the deployment's queues."""
        return self.session.client("sqs", endpoint_url=self.endpoint_url, config=self.config)

    def functions(self) -> "LambdaClient":
        """A client that can call the deployment's functions."""
        return self.session.client("lambda", endpoint_url=self.endpoint_url, config=self.config)

    def _dynamodb(self) -> "DynamoDBClient":
        return self.session.client("dynamodb", endpoint_url=self.endpoint_url, config=self.config)


_NO_REGION = "no region is set; set AWS_DEFAULT_REGION, or the region of your AWS profile"

CREATION_FAILED = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})
"""The statuses of a stack whose creation never completed, and which cannot be updated."""


def why_unsteady(name: str, status: str) -> str | None:
    """Why a stack in this status of CloudFormation cannot be examined, and what to do; None if it can."""
    if status == "REVIEW_IN_PROGRESS":
        return "a deployment was prepared and never carried out; deploy it"
    if status.endswith("_IN_PROGRESS"):
        return "it is being changed; try again when that is over"
    remove_failed = to_type("stack", "remove-failed", "--stack-name", name)
    if status in CREATION_FAILED:
        return f"its first deployment failed; delete what it left with {remove_failed}, then deploy again"
    aws = f"aws cloudformation %s --stack-name {name}"
    return {
        "UPDATE_FAILED": f"an update stopped halfway; {aws % 'rollback-stack'} takes it back",
        "UPDATE_ROLLBACK_FAILED": "an update failed, and taking it back stopped halfway;"
        f" {aws % 'continue-update-rollback'} tries again",
        "IMPORT_ROLLBACK_FAILED": "an import failed, and taking it back stopped halfway;"
        f" {aws % 'describe-stack-events'} shows why",
        "DELETE_FAILED": f"its deletion stopped halfway; {aws % 'delete-stack'} tries again, and"
        f" {remove_failed} deletes what a first deployment left that never completed",
        "DELETE_COMPLETE": "it is deleted; deploy it again",
    }.get(status)


def described(cloudformation: "CloudFormationClient", name_or_id: str) -> "StackTypeDef | None":
    """What CloudFormation knows of a stack; None if there is no such stack.

    :raises ClientError:
    """
    try:
        (stack,) = cloudformation.describe_stacks(StackName=name_or_id)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return stack


def find_stack(*, local: bool, data_dir: Path, stack_name: str) -> Stack:
    """The deployment that the options name; ends the command with a message when there is none."""
    try:
        if local:
            return local_stack(running_stack(data_dir))
        return _described(stack_name, boto3.Session(), None, None)
    except (BotoCoreError, ClientError) as error:
        hint = ["a local stack is running; --local works on it"] if not local and is_running(data_dir) else []
        why = _NO_REGION if isinstance(error, NoRegionError) else error
        fail(*hint, f"cannot read the stack {stack_name}: {why}")


def local_stack(running: dict[str, Any]) -> Stack:
    """The local stack that says this of itself.

    :raises botocore.exceptions.BotoCoreError: when it does not respond.
    :raises botocore.exceptions.ClientError: when it refuses the call.
    """
    forget_callers_aws()
    endpoint = endpoint_of(running)
    stack = _described(running["stack_name"], local_session(endpoint), endpoint.url, LOCAL_CONFIG)
    return replace(stack, local_url=running["base_url"])


def _described(
    stack_name: str, session: boto3.Session, endpoint_url: str | None, config: Config | None
) -> Stack:
    cloudformation = session.client("cloudformation", endpoint_url=endpoint_url, config=config)
    (description,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
    parameters = {
        one["ParameterKey"]: one.get("ParameterValue", "") for one in description.get("Parameters", [])
    }
    status = description["StackStatus"]
    if missing := {"TokensTable", "ClientsTable"} - outputs.keys():
        if reason := why_unsteady(stack_name, status):
            fail(f"the stack {stack_name} is {status}: {reason}")
        fail(f"the stack {stack_name} is not storehooks: it has no output {' or '.join(sorted(missing))}")
    return Stack(stack_name, session, endpoint_url, config, outputs, parameters, status)
