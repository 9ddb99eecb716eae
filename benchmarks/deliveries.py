"""Deliveries per second of one core: ``deliver``, other senders like it, and the plainest loops.

The loops sign and send the same requests and do nothing else; :mod:`benchmarks.senders` has the senders like
``deliver``. All run in turn on one core, each in a process of its own; the receiver and AWS's stub share the
other core.
"""

import asyncio
import os
import ssl
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import batched
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from typing import Any

import aiohttp
import pycurl  # type: ignore[import-untyped]
import requests

from benchmarks import deployment
from benchmarks.alone import ROOT, Context
from benchmarks.measure import Measure, Sample, paired, print_measures, ratio
from benchmarks.peers import MEASURED_CORE, Peers, aws_settings, peers
from benchmarks.sampling import sampled
from storehooks.adapters.sender import Sender
from storehooks.domain.attempt import OutgoingRequest
from storehooks.domain.callback import callback
from storehooks.domain.delivery import Delivery
from storehooks.domain.hook import Hook

HOOKS, STORES = 20, 5
AT_ONCE = deployment.BATCH
ROUNDS = 7
# Enough for half a second or so each.
SENT = {
    "deliver": 1000,
    "pycurl": 4000,
    "aiohttp": 1000,
    "requests": 200,
    "requests + boto3": 200,
    "aiohttp + aiobotocore": 500,
    "aiohttp + aiodynamo": 1000,
}
SENDERS_PYTHON = ROOT / ".venv-senders/bin/python"

type Made = Sequence[tuple[Delivery, Hook]]


def signed(made: Made) -> Iterator[OutgoingRequest]:
    """The requests that ``deliver`` sends, as they are asked for: signing is part of every figure."""
    for delivery, hook in made:
        yield callback(delivery, hook, secrets=(deployment.SECRET,), now=time.time())


def batches(made: Made) -> list[dict[str, Any]]:
    """Their messages, as Lambda gives them to a function."""
    records = [deployment.delivery_record(delivery) for delivery, _ in made]
    return [{"Records": batch} for batch in batched(records, deployment.BATCH, strict=True)]


class Deliver:
    """The function that is deployed, on full batches."""

    def __init__(self, to: Peers) -> None:
        to.use_aws()
        # Whose certificates it takes is no setting of the function.
        sender = Sender(timeout_seconds=10, allow_private=True, ca_bundle=to.ca_file)
        self._deliver = deployment.load("deliver", sender=sender)
        self._events: list[dict[str, Any]] = []

    def prepare(self, made: Made) -> None:
        self._events = batches(made)

    def send(self) -> None:
        for number, event in enumerate(self._events):
            response = self._deliver(event, Context(f"invocation-{number}"))
            assert response == {"batchItemFailures": []}, response


class Pycurl:
    """The plainest loop over libcurl's multi interface: a handle for each request under way."""

    def __init__(self, to: Peers) -> None:
        self._made: Made = ()
        self._multi = pycurl.CurlMulti()
        self._free = []
        for _ in range(AT_ONCE):
            curl = pycurl.Curl()
            curl.setopt(pycurl.CAINFO, to.ca_file)
            curl.setopt(pycurl.WRITEFUNCTION, len)
            self._free.append(curl)

    def prepare(self, made: Made) -> None:
        self._made = made

    def send(self) -> None:
        waiting, running = signed(self._made), 0
        while True:
            while self._free and (request := next(waiting, None)):
                curl = self._free.pop()
                curl.setopt(pycurl.URL, request.url)
                curl.setopt(pycurl.POSTFIELDS, request.body)
                curl.setopt(
                    pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in request.headers.items()]
                )
                self._multi.add_handle(curl)
                running += 1
            if not running:
                return
            self._multi.perform()
            _, complete, broken = self._multi.info_read()
            assert not broken, broken
            for curl in complete:
                assert curl.getinfo(pycurl.RESPONSE_CODE) == 200
                self._multi.remove_handle(curl)
                self._free.append(curl)
                running -= 1
            if not complete:
                self._multi.select(1)


class Aiohttp:
    """The plainest loop over aiohttp: a task for each request under way."""

    def __init__(self, to: Peers) -> None:
        self._made: Made = ()
        self._loop = asyncio.new_event_loop()
        self._session = self._loop.run_until_complete(self._open(to.ca_file))

    @staticmethod
    async def _open(ca_file: str) -> aiohttp.ClientSession:
        context = ssl.create_default_context(cafile=ca_file)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))

    def prepare(self, made: Made) -> None:
        self._made = made

    def send(self) -> None:
        waiting = signed(self._made)

        async def work() -> None:
            for request in waiting:
                async with self._session.post(
                    request.url, data=request.body, headers=request.headers
                ) as response:
                    assert response.status == 200
                    await response.read()

        async def run() -> None:
            await asyncio.gather(*(work() for _ in range(AT_ONCE)))

        self._loop.run_until_complete(run())


class Requests:
    """One after the other with requests, in a session."""

    def __init__(self, to: Peers) -> None:
        self._made: Made = ()
        self._ca_file = to.ca_file
        self._session = requests.Session()

    def prepare(self, made: Made) -> None:
        self._made = made

    def send(self) -> None:
        for request in signed(self._made):
            response = self._session.post(
                request.url, data=request.body, headers=request.headers, verify=self._ca_file
            )
            assert response.status_code == 200


SENDERS: Mapping[str, Callable[[Peers], Deliver | Pycurl | Aiohttp | Requests]] = {
    "deliver": Deliver,
    "pycurl": Pycurl,
    "aiohttp": Aiohttp,
    "requests": Requests,
}


# The senders like deliver: what they are called, and how many times as many deliveries deliver is to make.
LIKE_DELIVER: Mapping[str, tuple[str, float]] = {
    "requests + boto3": ("requests and boto3, a message at a time", 12),
    "aiohttp + aiobotocore": ("aiohttp and aiobotocore, in batches", 3),
    "aiohttp + aiodynamo": ("aiohttp and aiodynamo, in batches", 1.7),
}
IN_BATCHES = ("deliver", "aiohttp + aiobotocore", "aiohttp + aiodynamo")

# What a function's work is called; the outermost one that is known decides.
KINDS = {
    "adapters/delivery_messages.py:read_task": "decoding the messages",
    "domain/callback.py:callback": "signing",
    "adapters/sender.py": "sending",
    "adapters/delivery_context.py:read": "reading hooks, secrets and log (1 call for 10)",
    "adapters/dynamodb.py:write_batch": "writing the log (1 call for 10)",
    "delivery_log/items.py:to_item": "making the log's items",
    "flows/log_lines.py": "log lines",
    "logging/logger.py": "log lines",
    "flows/meter.py": "metrics",
}
REST = "all else"
type Took = dict[str, float]
"""Microseconds for a delivery: of the clock (``wall``), of the core (``core``), or by kind of work."""


class Process:
    """A sender in a process of its own, warm."""

    def __init__(self, name: str, to: Peers) -> None:
        spawn = get_context("spawn")
        self._control, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(name, to, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.once()  # opens the connections

    def once(self, *, is_sampled: bool = False) -> Took:
        """One round."""
        self._control.send(is_sampled)
        took: Took = self._control.recv()
        return took

    def close(self) -> None:
        self._process.terminate()
        self._process.join()


class SenderProcess:
    """A sender like ``deliver`` in a process of its own, with the Python of its own environment, warm."""

    def __init__(self, name: str, to: Peers) -> None:
        if not SENDERS_PYTHON.exists():
            raise SystemExit(f"{SENDERS_PYTHON} is missing: `make bench` installs it")
        self._control, theirs = Pipe()
        settings = {
            **deployment.SETTINGS,
            **aws_settings(to.aws),
            "AWS_DEFAULT_REGION": "us-east-1",
            "CA_FILE": to.ca_file,
            "SECRET": deployment.SECRET,
        }
        self._process = subprocess.Popen(  # noqa: S603
            [SENDERS_PYTHON, "-m", "benchmarks.senders", str(theirs.fileno())],
            cwd=ROOT, env=settings, pass_fds=[theirs.fileno()],
        )  # fmt: skip
        os.sched_setaffinity(self._process.pid, {MEASURED_CORE})
        theirs.close()
        made = deployment.deliveries(deployment.hooks(HOOKS, STORES, to.receiver), SENT[name])
        self._made = len(made)
        self._control.send((name, batches(made)))
        self.versions: dict[str, str] = self._control.recv()
        self.once()  # opens the connections

    def once(self) -> Took:
        """One round."""
        self._control.send("again")
        wall, core = self._control.recv()
        return {"wall": wall * 1e6 / self._made, "core": core * 1e6 / self._made}

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


def _serve(name: str, to: Peers, control: Connection) -> None:
    os.sched_setaffinity(0, {MEASURED_CORE})
    # What is logged goes where it costs about what a pipe to Lambda's log does.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    one = SENDERS[name](to)
    made = deployment.deliveries(deployment.hooks(HOOKS, STORES, to.receiver), SENT[name])
    while True:
        is_sampled = control.recv()
        one.prepare(made)
        wall, core = time.perf_counter(), time.process_time()
        found: Mapping[str, int] = {}
        if is_sampled:
            with sampled(KINDS, REST) as found:
                one.send()
        else:
            one.send()
        each = 1e6 / len(made)
        took = {"wall": (time.perf_counter() - wall) * each, "core": (time.process_time() - core) * each}
        samples = sum(found.values())
        control.send(took | {kind: took["core"] * count / samples for kind, count in found.items()})


def measure() -> list[Measure]:
    """Each round has each sender once; what counts is what it takes of its core."""
    rounds: dict[str, list[Took]] = {name: [] for name in SENT}
    with ExitStack() as stack:
        to = stack.enter_context(peers(lambda url: deployment.tables(deployment.hooks(HOOKS, STORES, url))))
        loops = {name: Process(name, to) for name in SENDERS}
        likes = {name: SenderProcess(name, to) for name in LIKE_DELIVER}
        processes: dict[str, Process | SenderProcess] = {**loops, **likes}
        for process in processes.values():
            stack.callback(process.close)
        to.calls()
        runs = [_round(process, rounds[name]) for name, process in processes.items()]
        samples = dict(zip(processes, paired(ROUNDS, *runs), strict=True))
        calls = to.calls()
        # Linux looks once in 4 ms, so a round has some fifty samples.
        split = [loops["deliver"].once(is_sampled=True) for _ in range(3 * ROUNDS)]
    assert calls["received"] == ROUNDS * sum(SENT.values())
    in_batches = ROUNDS * sum(SENT[name] for name in IN_BATCHES) // deployment.BATCH
    assert (calls["BatchGetItem"], calls["BatchWriteItem"]) == (in_batches, in_batches)
    alone = ROUNDS * SENT["requests + boto3"]
    assert (calls["GetItem"], calls["PutItem"]) == (alone, alone)
    assert calls["ReceiveMessage"] == 0, "deliver has taken more than Lambda gave it"
    rates = {name: round(1e6 / sample.median) for name, sample in samples.items()}
    kinds = sorted({kind for took in split for kind in took} - {"wall", "core"})
    return [
        Measure(
            name="Deliveries per second of one core",
            value=rates["deliver"],
            unit="/s",
            compared=rates,
            compared_unit="/s",
            detail={
                "rounds": ROUNDS,
                "core_us": {name: round(sample.median) for name, sample in samples.items()},
                "wall_us": {name: round(_median(rounds[name], "wall")) for name in samples},
                "versions": {name: process.versions for name, process in likes.items()},
            },
        ),
        Measure(
            name="Core time of a delivery",
            value=round(samples["deliver"].median),
            unit="us",
            compared={kind: round(statistics.fmean(took.get(kind, 0) for took in split)) for kind in kinds},
            compared_unit="us",
        ),
        _times_as_many(samples, "aiohttp", "the aiohttp loop", 0.9),
        # A thousand messages are there in each round. Lambda gives ten of them at a time.
        _times_as_many(samples, "aiohttp", "the aiohttp loop, when 100 are there", 1.15),
        _times_as_many(samples, "pycurl", "the pycurl loop", 0.18),
        *(_times_as_many(samples, name, *reach) for name, reach in LIKE_DELIVER.items()),
    ]


def _round(process: Process | SenderProcess, rounds: list[Took]) -> Callable[[], float]:
    def run() -> float:
        rounds.append(process.once())
        return rounds[-1]["core"]

    return run


def _times_as_many(samples: Mapping[str, Sample], name: str, what: str, reach: float) -> Measure:
    return Measure(
        name=f"Deliveries of deliver for one of {what}",
        value=round(ratio(samples[name], samples["deliver"]), 2),
        unit="x",
        reach=reach,
        bound="at least",
        detail={"rounds": ROUNDS},
    )


def _median(rounds: Sequence[Took], kind: str) -> float:
    return statistics.median(took[kind] for took in rounds)


if __name__ == "__main__":
    print_measures(measure())
