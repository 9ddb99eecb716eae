"""Writes docs/openapi.yaml: ``python -m storehooks_cli.openapi``."""

from storehooks_cli.local.folders import PROJECT
from storehooks_cli.openapi.document import as_yaml

(PROJECT / "docs" / "openapi.yaml").write_text(as_yaml(), "utf-8")
