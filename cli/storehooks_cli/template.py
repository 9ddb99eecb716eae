"""template.yaml, as far as the command line reads it."""

from typing import Any

import yaml

from storehooks_cli.local.folders import PROJECT


class _TemplateLoader(yaml.SafeLoader):
    """Reads CloudFormation's short forms, such as ``!Ref``, as if they were plain values."""


def _plain(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


_TemplateLoader.add_multi_constructor("!", _plain)


def read_template() -> dict[str, Any]:
    """The whole template; a short form is what stands behind its tag."""
    with (PROJECT / "template.yaml").open() as file:
        template: dict[str, Any] = yaml.load(file, Loader=_TemplateLoader)  # noqa: S506 (a SafeLoader)
    return template
