"""Building and deploying the template with SAM, when something has changed."""

import asyncio
import contextlib
import hashlib
import os
import platform
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from storehooks_cli.local.aws import CONFIG, session
from storehooks_cli.local.endpoint import Endpoint
from storehooks_cli.local.environment import REGION, sam_environment
from storehooks_cli.local.errors import LocalError
from storehooks_cli.local.files import write_whole
from storehooks_cli.local.folders import PROJECT, DataFolder
from storehooks_cli.local.gateway_responses import put_gateway_responses
from storehooks_cli.local.state import State

if TYPE_CHECKING:
    from mypy_boto3_apigateway.type_defs import PatchOperationTypeDef

STACK_NAME = "storehooks"
_SAM_STACK_NAME, _SAM_BUCKET = "aws-sam-cli-managed-default", "SamCliSourceBucket"
SAM = PROJECT / ".venv-sam/bin/sam"

# In AWS a minute by default. Who tries things out does not want to wait so long for a
# revoked token, yet what the gateway remembers should be met here too.
AUTHORIZER_CACHE_SECONDS = 5
# Nobody has this address, and the local AWS sends no e-mail: it keeps what it was given.
_EMAIL_SENDER = "storehooks@store.example"
# Each batch that is worked on beside others is a process of ~75 MB here.
_MAXIMUM_CONCURRENCY = 5

# All that decides what is deployed: the sources, what builds them, and what deploys them.
_SOURCES = (
    "template.yaml",
    "functions",
    "layers",
    "requirements/aws.txt",
    "requirements/sam.txt",
    str(Path(__file__).parent.relative_to(PROJECT)),
)
_LOG_LINES_SHOWN = 15


@dataclass(frozen=True, slots=True)
class Outputs:
    """Those of the template's outputs that the local stack needs."""

    api_id: str
    stage_name: str
    tokens_table: str
    clients_table: str
    deliveries_table: str
    event_ids_table: str


class Deployment:
    """The stack in the emulator."""

    def __init__(
        self, folder: DataFolder, state: State, endpoint: Endpoint, parameters: Mapping[str, str]
    ) -> None:
        self._folder = folder
        self._log = folder.logs / "sam.log"
        self._deployed = state.deployed
        self._built = ""
        self._endpoint = endpoint
        self._parameters = {
            **parameters,
            "Architecture": _architecture(),
            "AuthorizerCacheSeconds": str(AUTHORIZER_CACHE_SECONDS),
            "DeletionProtection": "false",
            "EmailSender": _EMAIL_SENDER,
            "MaximumConcurrency": str(_MAXIMUM_CONCURRENCY),
        }

    def is_current(self) -> bool:
        """Whether the sources as they are now are what is deployed."""
        return self._deployed.exists() and self._deployed.read_text() == self._fingerprint(_sources())

    async def build(self) -> None:
        """Build what the sources say, unless that is what was built last: parameters build nothing.

        :raises LocalError: when SAM fails.
        """
        self._log.unlink(missing_ok=True)
        sources, built = _sources(), self._folder.built
        self._built = self._fingerprint(sources)
        if built.exists() and built.read_text() == sources:
            return
        built.unlink(missing_ok=True)
        await self._sam("build", "--cached", "--template", str(PROJECT / "template.yaml"))
        write_whole(built, sources)

    async def deploy(self) -> None:
        """Deploy what was built. A stack that is there already is changed and keeps its tables.

        :raises LocalError: when SAM fails.
        """
        self._deployed.unlink(missing_ok=True)
        await self._sam(
            "deploy",
            *("--stack-name", STACK_NAME),
            *("--region", REGION),
            *("--capabilities", "CAPABILITY_IAM"),
            "--resolve-s3",
            "--no-confirm-changeset",
            "--no-fail-on-empty-changeset",
            "--parameter-overrides",
            *(f"{name}={value}" for name, value in self._parameters.items()),
        )
        await asyncio.to_thread(self._finish)
        write_whole(self._deployed, self._built)

    def _fingerprint(self, sources: str) -> str:
        return hashlib.sha256(f"{sorted(self._parameters.items())}{sources}".encode()).hexdigest()

    def outputs(self) -> Outputs:
        """The outputs of the stack as it is deployed."""
        stacks = session(self._endpoint).client(
            "cloudformation", endpoint_url=self._endpoint.url, config=CONFIG
        )
        stack = stacks.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        values = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return Outputs(
            api_id=values["ApiId"],
            stage_name=values["StageName"],
            tokens_table=values["TokensTable"],
            clients_table=values["ClientsTable"],
            deliveries_table=values["DeliveriesTable"],
            event_ids_table=values["EventIdsTable"],
        )

    def _finish(self) -> None:
        outputs = self.outputs()
        gateway = session(self._endpoint).client("apigateway", endpoint_url=self._endpoint.url, config=CONFIG)
        # ministack expands the template with the parameters' defaults instead of their values.
        for authorizer in gateway.get_authorizers(restApiId=outputs.api_id)["items"]:
            seconds = self._parameters["AuthorizerCacheSeconds"]
            change: PatchOperationTypeDef = {
                "op": "replace",
                "path": "/authorizerResultTtlInSeconds",
                "value": seconds,
            }
            gateway.update_authorizer(
                restApiId=outputs.api_id, authorizerId=authorizer["id"], patchOperations=[change]
            )
        put_gateway_responses(gateway, outputs.api_id, outputs.stage_name)
        dynamodb = session(self._endpoint).client("dynamodb", endpoint_url=self._endpoint.url, config=CONFIG)
        # ministack does not read this from the template.
        for table in (outputs.tokens_table, outputs.deliveries_table, outputs.event_ids_table):
            dynamodb.update_time_to_live(
                TableName=table, TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True}
            )
        ses = session(self._endpoint).client("sesv2", endpoint_url=self._endpoint.url, config=CONFIG)
        with contextlib.suppress(ses.exceptions.AlreadyExistsException):
            ses.create_email_identity(EmailIdentity=_EMAIL_SENDER)
        self._drop_artifacts()

    def _drop_artifacts(self) -> None:
        """Empty SAM's bucket: what it uploaded is deployed, and each version of the layer is 6 MB."""
        stacks = session(self._endpoint).resource(
            "cloudformation", endpoint_url=self._endpoint.url, config=CONFIG
        )
        bucket = stacks.StackResource(_SAM_STACK_NAME, _SAM_BUCKET).physical_resource_id
        session(self._endpoint).resource("s3", endpoint_url=self._endpoint.url, config=CONFIG).Bucket(
            bucket
        ).object_versions.delete()

    async def _sam(self, *arguments: str) -> None:
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                SAM,
                *arguments,
                cwd=self._folder.build,
                env=sam_environment(self._folder, self._endpoint),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise
        if status != 0:
            last_lines = self._log.read_text(errors="replace").splitlines()[-_LOG_LINES_SHOWN:]
            raise LocalError(
                "\n".join([f"sam {arguments[0]} failed: see {self._log}, which ends so:", *last_lines])
            )


def _architecture() -> str:
    architecture = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
    try:
        return architecture[platform.machine().lower()]
    except KeyError:
        raise LocalError(f"Lambda knows no processor like this machine's, {platform.machine()}") from None


def _sources() -> str:
    """The fingerprint of all that is built from."""
    digest = hashlib.sha256()
    for path in _files():
        content = path.read_bytes()
        digest.update(f"\0{path.relative_to(PROJECT)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _files() -> Iterator[Path]:
    for source in _SOURCES:
        path = PROJECT / source
        found = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)
