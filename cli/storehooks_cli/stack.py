"""Which deployment a command works on: one in AWS, or the local one of a data folder."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storehooks.adapters.access import AccessTables
from storehooks.adapters.bus import EventBus
from storehooks.adapters.deliveries_table import DeliveriesTable
from storehooks.adapters.hook_logs import HookLogs
from storehooks.adapters.hooks_table import HooksTable
from storehooks.flows.removal import Removal
from storehooks_cli.local.aws import CONFIG as LOCAL_CONFIG
from storehooks_cli.local.aws import session as local_session
from storehooks_cli.local.environment import forget_callers_aws
from storehooks_cli.local.running import running_stack
from storehooks_cli.output import fail

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployment: its name, a session that may use it, and the template's outputs."""

    name: str
    session: boto3.Session
    endpoint_url: str | None
    config: Config | None
    outputs: dict[str, str]
    local_url: str | None = None

    @property
    def api_url(self) -> str:
        """Where its API answers; ``/stores/...`` follows."""
        return self.local_url or self.output("ApiUrl")

    def output(self, name: str) -> str:
        """One of the outputs; ends the command when the deployment is too old to have it."""
        if name not in self.outputs:
            fail(f"the stack {self.name} is older than this command: it has no output {name}; deploy it anew")
        return self.outputs[name]

    def access(self) -> AccessTables:
        """The deployment's clients and tokens."""
        return AccessTables(
            self.outputs["TokensTable"], self.outputs["ClientsTable"], dynamodb=self._dynamodb()
        )

    def removal(self, store_hash: str, client_id: str | None) -> Removal:
        """The removal of a store, or of one of its clients."""
        dynamodb = self._dynamodb()
        return Removal(
            store_hash,
            client_id,
            access=self.access(),
            hooks=HooksTable(self.output("HooksTable"), dynamodb=dynamodb),
            logs=HookLogs(self.output("DeliveriesTable"), dynamodb=dynamodb),
        )

    def event_bus(self) -> EventBus:
        """The deployment's event bus."""
        events: EventBridgeClient = self.session.client(
            "events", endpoint_url=self.endpoint_url, config=self.config
        )
        return EventBus(self.output("EventBusName"), events)

    def deliveries(self) -> DeliveriesTable:
        """The deployment's log of deliveries, to be read."""
        return DeliveriesTable(self.output("DeliveriesTable"), retention_days=1, dynamodb=self._dynamodb())

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


def find_stack(*, local: bool, data_dir: Path, stack_name: str) -> Stack:
    """The deployment that the options name; ends the command with a message when there is none."""
    try:
        if local:
            running = running_stack(data_dir)
            forget_callers_aws()
            stack = _described(running["stack_name"], local_session(), running["endpoint_url"], LOCAL_CONFIG)
            return replace(stack, local_url=running["base_url"])
        return _described(stack_name, boto3.Session(), None, None)
    except (BotoCoreError, ClientError) as error:
        fail(f"cannot read the stack {stack_name}: {error}")


def _described(
    stack_name: str, session: boto3.Session, endpoint_url: str | None, config: Config | None
) -> Stack:
    cloudformation = session.client("cloudformation", endpoint_url=endpoint_url, config=config)
    (description,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
    if missing := {"TokensTable", "ClientsTable"} - outputs.keys():
        fail(f"the stack {stack_name} is not storehooks: it has no output {' or '.join(sorted(missing))}")
    return Stack(stack_name, session, endpoint_url, config, outputs)
