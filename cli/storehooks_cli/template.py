"""template.yaml, as far as the command line reads it."""

from typing import Any

import yaml

from storehooks_cli.data_files import TEMPLATE


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
    with TEMPLATE.open() as file:
        template: dict[str, Any] = yaml.load(file, Loader=_TemplateLoader)  # noqa: S506 (a SafeLoader)
    return template


MAX_FUNCTION_NAME_LENGTH = 64  # of Lambda


def max_stack_name_length() -> int:
    """The most characters that a stack's name may have: its functions are named after it."""
    names = [
        resource["Properties"]["FunctionName"].replace("${AWS::StackName}", "")
        for resource in read_template()["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    ]
    return MAX_FUNCTION_NAME_LENGTH - max(map(len, names))
