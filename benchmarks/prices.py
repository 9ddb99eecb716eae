"""The prices and assumptions of prices.json, where each has its source."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PRICES = json.loads((Path(__file__).parent / "prices.json").read_text())
PRICE: Mapping[str, float] = {name: entry["price"] for name, entry in _PRICES["aws"].items()}
ASSUMED: Mapping[str, float] = {name: entry["value"] for name, entry in _PRICES["assumptions"].items()}
OTHERS: Mapping[str, Mapping[str, Any]] = _PRICES["others"]

MILLION, GB = 1_000_000, 10**9
MONTH_MINUTES = 30 * 24 * 60


def lambda_price(invocations: float, seconds: float, memory_mb: float) -> float:
    """US$ for invocations that take some seconds in all."""
    duration = seconds * memory_mb / 1024 * PRICE["lambda_gb_second_arm64"]
    return duration + invocations * PRICE["lambda_million_requests"] / MILLION


def dynamodb_price(read_units: float, write_units: float) -> float:
    """US$ for read and write units of on-demand tables."""
    reads = read_units * PRICE["dynamodb_million_read_units"]
    return (reads + write_units * PRICE["dynamodb_million_write_units"]) / MILLION
