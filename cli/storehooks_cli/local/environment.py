"""What the processes of the local stack know of their surroundings.

Never the caller's AWS account: no credentials, profile or endpoint of theirs may reach
a process that believes it is talking to AWS.
"""

import os
from collections.abc import Collection

from storehooks_cli.local.endpoint import Endpoint, credentials
from storehooks_cli.local.folders import PROJECT, DataFolder

REGION = "us-east-1"

# The hosts that the emulator's guard allows, separated by commas.
ALLOWED_HOSTS = "STOREHOOKS_ALLOWED_HOSTS"

# Everything that a stack starts carries the path of its data folder in this variable,
# by inheritance: it shows what a killed stack left behind.
MARK = "STOREHOOKS_LOCAL_STACK"

NO_AWS_ACCOUNT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def forget_callers_aws() -> None:
    """Take the caller's AWS settings out of this process, and so out of all it starts."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(NO_AWS_ACCOUNT)


def emulator_environment(
    folder: DataFolder, port: int, access_key_id: str, allowed_hosts: Collection[str]
) -> dict[str, str]:
    """For ministack, from which the functions inherit: as little as possible.

    Only the owner of a process can read its environment, while everyone can read its arguments.
    """
    return {
        **NO_AWS_ACCOUNT,
        **credentials(access_key_id),
        ALLOWED_HOSTS: ",".join(sorted(allowed_hosts)),
        MARK: str(folder.root),
        "TMPDIR": str(folder.scratch),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder.state / "services"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder.state / "s3"),
        # Otherwise it opens port 8883 on every interface.
        "IOT_MTLS_ENABLED": "0",
    }


def sam_environment(folder: DataFolder, endpoint: Endpoint) -> dict[str, str]:
    """For SAM and the pip it runs: the caller's way to the package index stays.

    What make and Python pass on to their children does not: the layer is built by a make
    and a Python of its own.
    """
    foreign = ("SAM_", "PYTHON", "MAKE", "MFLAGS", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    not_proxied = environment.get("no_proxy") or environment.get("NO_PROXY")
    not_proxied = f"{not_proxied},127.0.0.1" if not_proxied else "127.0.0.1"
    return {
        **environment,
        **endpoint.credentials,
        MARK: str(folder.root),
        "TMPDIR": str(folder.scratch),
        "PATH": f"{PROJECT / '.venv/bin'}{os.pathsep}{environment['PATH']}",
        "NO_PROXY": not_proxied,
        "no_proxy": not_proxied,
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_DEFAULT_REGION": REGION,
        "LAYER_PLATFORM": "local",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",
    }
