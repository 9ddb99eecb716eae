"""What schemathesis is told of this API: what a schema cannot say, and where nothing may be sent."""

import atexit
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import schemathesis
from hypothesis import strategies as st

from tests.fuzz.wire import leads_elsewhere, watch

STORE_HASH = os.environ["FUZZ_STORE_HASH"]
# On this machine; the hook has it as its destination.
RECEIVER = os.environ["FUZZ_RECEIVER"]
HOOK = int(os.environ["FUZZ_HOOK"])
DELIVERY = os.environ["FUZZ_DELIVERY"]
NO_HOOK = 10**12
# Nobody's but the requests'; it is made, changed and removed again and again.
CLIENT = "0" * 31 + "1"

responded = watch(os.environ["FUZZ_SERVER"], RECEIVER)
atexit.register(lambda: Path(os.environ["FUZZ_COUNTS"]).write_text(json.dumps(responded)))

schemathesis.openapi.format(
    "uri",
    st.from_regex(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/]{0,40}", fullmatch=True).map(
        lambda path: f"{RECEIVER}/{path}"
    ),
)
# A recovery is about the past.
_times = st.datetimes(datetime(1970, 1, 2), datetime(2020, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
schemathesis.openapi.format("date-time", _times.map(datetime.isoformat))


@schemathesis.hook
def before_load_schema(_context, raw_schema) -> None:
    """Requests are for the tokens' store, unless they are meant to be wrong; some ids exist."""
    known = {"enum": [HOOK]}
    for route, path in raw_schema["paths"].items():
        for parameter in path.get("parameters", []):
            parameter.pop("example", None)
            if parameter["name"] == "store_hash":
                parameter["schema"] = {"enum": [STORE_HASH]}
            elif parameter["name"] == "delivery_id":
                parameter["schema"] = {"enum": [DELIVERY]}
            elif parameter["name"] == "client_id":
                parameter["schema"] = {"anyOf": [{"enum": [CLIENT]}, parameter["schema"]]}
            elif parameter["name"] == "id":
                of_delivery = "{delivery_id}" in route
                parameter["schema"] = known if of_delivery else {"anyOf": [known, parameter["schema"]]}
    for schema in ("NewHook", "HookChanges"):
        fields = raw_schema["components"]["schemas"][schema]["properties"]
        # It is ignored, but sequences would not begin with a create that seems to need a client made before.
        del fields["client_id"]
        # A schema cannot say how many decimals a number has: to one that counts in floats, 0.3 is no
        # multiple of 0.1.
        fields["max_per_second"] = {"enum": [None, 0.1, 0.3, 2.5, 7, 999.9, 1000]}


@schemathesis.hook
def filter_case(_context, case) -> bool:
    """A schema cannot say that a time lies before another one."""
    body = case.body
    if not isinstance(body, dict) or not {"since", "until"} <= body.keys():
        return True
    return (
        not all(isinstance(body[name], str) for name in ("since", "until")) or body["since"] <= body["until"]
    )


@schemathesis.hook
def before_call(_context, case, kwargs) -> None:
    """The examples name destinations of others: the receiver is named instead. And what is known stays."""
    if leads_elsewhere(case.body, RECEIVER):
        case.body = case.body | {"destination": f"{RECEIVER}/elsewhere"}
    if case.method == "DELETE" and case.path_parameters.get("id") == HOOK:
        case.path_parameters = case.path_parameters | {"id": NO_HOOK}
