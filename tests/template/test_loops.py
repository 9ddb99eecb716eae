"""Which functions can invoke themselves again, found from the template's roles, sources and rules.

Lambda stops such a function after about 16 invocations in one chain of requests, unless the template
allows the loop: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

import re
from collections.abc import Iterator
from typing import Any

from tests.template_file import resources

FUNCTIONS = resources("AWS::Serverless::Function")
SENDING = {"sqs:SendMessage", "events:PutEvents", "sns:Publish", "lambda:InvokeFunction", "s3:PutObject"}
"""The actions by which a function can set off another invocation."""


def logical_ids(value: Any) -> Iterator[str]:
    """The resources that a value of the template names."""
    if isinstance(value, list):
        for one in value:
            yield from logical_ids(one)
    elif isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"]
        elif "Fn::GetAtt" in value:
            yield value["Fn::GetAtt"][0]
        elif isinstance(value.get("Fn::Sub"), str):
            yield from re.findall(r"\$\{(\w+)", value["Fn::Sub"])
        else:
            for one in value.values():
                yield from logical_ids(one)


def sent_to(function: str) -> Iterator[str]:
    """What a function may send to, by its role."""
    (role,) = logical_ids(FUNCTIONS[function]["Role"])
    for policy in resources("AWS::IAM::Role")[role]["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert isinstance(statement["Action"], list)
            if SENDING & set(statement["Action"]):
                found = list(logical_ids(statement["Resource"]))
                assert found, f"{function} may send to what cannot be told from the template"
                yield from found


def graph() -> dict[str, set[str]]:
    """What leads to what: functions, queues, buses, rules and topics."""
    edges: dict[str, set[str]] = {name: set(sent_to(name)) for name in FUNCTIONS}
    for name, function in FUNCTIONS.items():
        for event in function.get("Events", {}).values():
            for source in logical_ids(
                {key: event["Properties"].get(key) for key in ("Queue", "Topic", "Stream", "Bucket")}
            ):
                edges.setdefault(source, set()).add(name)
    for name, rule in resources("AWS::Events::Rule").items():
        for bus in logical_ids(rule["EventBusName"]):
            edges.setdefault(bus, set()).add(name)
        edges[name] = {target for one in rule["Targets"] for target in logical_ids(one["Arn"])}
    for subscription in resources("AWS::SNS::Subscription").values():
        (topic,) = logical_ids(subscription["TopicArn"])
        edges.setdefault(topic, set()).update(logical_ids({"endpoint": subscription["Endpoint"]}))
    for name, queue in resources("AWS::SQS::Queue").items():
        edges.setdefault(name, set()).update(logical_ids(queue.get("RedrivePolicy")))
    for name, function in FUNCTIONS.items():
        edges[name] |= set(logical_ids(function.get("DeadLetterQueue")))
    return edges


def reached_from(start: str, edges: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        for following in edges.get(ahead.pop(), set()) - found:
            found.add(following)
            ahead.append(following)
    return found


def test_every_function_of_a_loop_is_allowed_to_go_on_and_no_other():
    edges = graph()
    in_a_loop = {name for name in FUNCTIONS if name in reached_from(name, edges)}
    assert in_a_loop == {"DeliverFunction", "MatchEventsFunction"}
    allowed = {name for name, function in FUNCTIONS.items() if function.get("RecursiveLoop") == "Allow"}
    assert allowed == in_a_loop


def test_the_loops_are_found_by_their_three_ways():
    """Its own queue; the bus, its rule and the queue behind it; and the queue between two functions."""
    edges = graph()
    assert "DeliveriesQueue" in edges["DeliverFunction"]
    assert edges["DeliveriesQueue"] == {"DeliverFunction", "DeliveriesDeadLetters"}
    assert "EventsRule" in edges["EventBus"]
    assert edges["EventsRule"] == {"EventsQueue"}
    assert "DeliveriesQueue" in edges["MatchEventsFunction"]


def test_no_function_writes_to_what_invokes_functions_in_a_way_that_is_not_looked_at():
    """A stream of a table, or another kind of event source, would be a new way round."""
    assert not any("StreamSpecification" in table for table in resources("AWS::DynamoDB::Table").values())
    kinds = {
        event["Type"] for function in FUNCTIONS.values() for event in function.get("Events", {}).values()
    }
    assert kinds == {"Api", "SQS", "Schedule"}
