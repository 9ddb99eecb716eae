"""How this process reaches the emulator with boto3."""

import boto3
from botocore.config import Config

from storehooks_cli.local.endpoint import Endpoint
from storehooks_cli.local.environment import REGION

# Without proxies, which lead to the internet and not to this machine. Without retries,
# because what does not respond on the loopback has ended.
CONFIG = Config(proxies={}, connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1})


def session(endpoint: Endpoint) -> boto3.Session:
    """A session with the credentials and the region of an emulator."""
    return boto3.Session(
        aws_access_key_id=endpoint.credentials["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=endpoint.credentials["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
