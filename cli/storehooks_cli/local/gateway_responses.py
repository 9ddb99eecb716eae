"""API Gateway's own responses, as the template words them.

In AWS they are imported with the API's body. ministack leaves them out, but
takes them one by one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storehooks_cli.template import read_template

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_apigateway.literals import GatewayResponseTypeType

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """One of them. Its headers' values are literals, in the quotes of API Gateway."""

    status: int
    body: str
    headers: Mapping[str, str]


def read_gateway_responses() -> dict["GatewayResponseTypeType", GatewayResponse]:
    """The template's gateway responses by their type."""
    responses = read_template()["Resources"]["Api"]["Properties"]["GatewayResponses"]
    return {kind: _to_response(properties) for kind, properties in responses.items()}


def _to_response(properties: Mapping[str, Any]) -> GatewayResponse:
    return GatewayResponse(
        status=int(properties["StatusCode"]),
        body=properties["ResponseTemplates"][_JSON],
        headers=properties.get("ResponseParameters", {}).get("Headers", {}),
    )


def put_gateway_responses(gateway: "APIGatewayClient", api_id: str, stage_name: str) -> None:
    """Give an API the template's gateway responses, and deploy it, for only then do they hold."""
    for kind, response in read_gateway_responses().items():
        gateway.put_gateway_response(
            restApiId=api_id,
            responseType=kind,
            statusCode=str(response.status),
            responseTemplates={_JSON: response.body},
            responseParameters=dict(_parameters(response)),
        )
    gateway.create_deployment(restApiId=api_id, stageName=stage_name)


def _parameters(response: GatewayResponse) -> Iterator[tuple[str, str]]:
    for name, value in response.headers.items():
        yield f"gatewayresponse.header.{name}", value
