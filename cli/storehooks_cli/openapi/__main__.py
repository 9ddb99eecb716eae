"""Writes docs/openapi.yaml and docs/hooks.schema.json: ``python -m storehooks_cli.openapi``."""

from storehooks_cli.local.folders import PROJECT
from storehooks_cli.openapi import document, hooks_file

(PROJECT / "docs" / "openapi.yaml").write_text(document.as_yaml(), "utf-8")
(PROJECT / "docs" / "hooks.schema.json").write_text(hooks_file.as_json(), "utf-8")
