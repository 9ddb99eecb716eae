"""What a function answers the gateway."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Response:
    """A status, a body that becomes JSON, and further headers."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_gateway(self) -> dict[str, Any]:
        """The answer in the form of API Gateway's proxy integration."""
        return {
            "statusCode": self.status,
            "headers": {"Content-Type": "application/json", **self.headers},
            "body": json.dumps(self.body, ensure_ascii=False, separators=(",", ":")),
            "isBase64Encoded": False,
        }
