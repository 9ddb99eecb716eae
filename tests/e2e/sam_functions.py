"""What the container of each function would get from `sam local invoke`, by SAM's own code.

A program for the Python of .venv-sam: sam_functions.py TEMPLATE ENV_VARS PARAMETERS prints by
logical id a function's code, layers, timeout and environment. `sam local invoke` finds them in the
same way, and then asks Docker.
"""

import json
import sys
from typing import Any

from samcli.commands.local.cli_common.invoke_context import InvokeContext
from samcli.commands.local.lib.local_lambda import LocalLambdaRunner
from samcli.lib.providers.sam_function_provider import SamFunctionProvider
from samcli.lib.providers.sam_stack_provider import SamLocalStackProvider

REGION = "us-east-1"


def main(template: str, env_vars: str, parameters: str) -> None:
    stacks, _ = SamLocalStackProvider.get_stacks(
        template,
        parameter_overrides=json.loads(parameters),
        global_parameter_overrides={"AWS::Region": REGION},
    )
    provider = SamFunctionProvider(stacks)
    runner = LocalLambdaRunner(
        local_runtime=None,  # which would be Docker's
        function_provider=provider,
        cwd=".",
        real_path=".",
        aws_region=REGION,
        env_vars_values=InvokeContext._get_env_vars_value(env_vars),
    )
    found = {function.name: of_its_container(runner, function.name) for function in provider.get_all()}
    print(json.dumps(found))  # noqa: T201


def of_its_container(runner: LocalLambdaRunner, name: str) -> dict[str, Any]:
    config = runner.get_invoke_config(runner.get_function(name))
    return {
        "code": config.code_abs_path,
        "layers": [layer.codeuri for layer in config.layers],
        "timeout": config.timeout,
        "environment": config.env_vars.resolve(),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
