"""Kills each service in turn under load and checks the guide's promises about it."""

import time
from collections.abc import Callable

from deploy.rehearse.load import READERS, WRITERS, Load
from deploy.rehearse.opening import write_to_operators
from deploy.rehearse.stack import RehearsalError, Stack, until, wait_for
from deploy.rehearse.terminal import Operator
from deploy.rehearse.visitor import Visitor, sign_in

# Seconds until a killed service works again: the guide's figures, for an idle machine.
BACK_SECONDS = {"web": 15.0, "postgres": 20.0, "memcached": 10.0, "nginx": 10.0, "worker": 30.0}
# A busy machine takes longer.
PATIENCE = 6


def play(stack: Stack, operator: Operator) -> None:
    with Load(stack, writers(stack)) as load:
        time.sleep(5)
        load.clean(0, "before anything is killed", "web")
        for act in (memcached, worker, process, web, postgres, nginx):
            act(stack, load)
            wait_for(lambda: all_ready(stack), "everything ready again")
            time.sleep(2)
        last = time.monotonic()
        time.sleep(3)
        load.clean(last, "after all that", "web")
    print(f"{load.check_acknowledged()} kwips were acknowledged: all are there, none twice")


def writers(stack: Stack) -> list[Visitor]:
    """Signs in the members who write."""
    found = []
    for number in range(WRITERS):
        visitor = Visitor(stack.https)
        sign_in(visitor, f"writer{number}")
        found.append(visitor)
    return found


def readyz(stack: Stack) -> str:
    try:
        return Visitor(stack.https, timeout=5).get("/readyz").text
    except OSError:
        return ""


def all_ready(stack: Stack) -> bool:
    state = readyz(stack)
    return '"postgresql": true' in state and '"memcached": true' in state and stack.healthy("nginx")


def memcached(stack: Stack, load: Load) -> None:
    """Without memcached the site is slower; sessions stay valid, and no request fails."""
    moment = time.monotonic()
    stack.kill("memcached")
    back = until(
        lambda: '"memcached": true' in readyz(stack),
        BACK_SECONDS["memcached"] * PATIENCE,
        "memcached again",
        "memcached",
    )
    time.sleep(2)
    count = load.clean(moment, "memcached was killed", "web")
    print(f"memcached: back after {back:.1f} s; 0 of {count} requests failed")


def worker(stack: Stack, load: Load) -> None:
    """Without a worker mail waits; no request fails."""
    moment = time.monotonic()
    stack.kill("worker")
    write_to_operators(stack, "the worker is dead")
    back = time.monotonic() - moment
    count = load.clean(moment, "the worker was killed", "web")
    print(f"worker: mail written meanwhile came after {back:.1f} s; 0 of {count} requests failed")


def process(stack: Stack, load: Load) -> None:
    """One gunicorn process is killed: nginx retries its reads if no response had begun."""
    moment = time.monotonic()
    kills = 3
    for _ in range(kills):
        stack.kill("web", "child")
        time.sleep(2)
    faults = load.faults(moment, "read")
    # A process killed between headers and body fails its request: for nginx the response has begun.
    cut = [fault for fault in faults if fault.fault == "IncompleteRead"]
    if len(cut) < len(faults) or len(cut) > kills * READERS:
        raise RehearsalError(f"{len(faults)} reads failed: {faults[:5]}", "web")
    reads, wrong = len(load.since(moment, "read")), len(load.faults(moment)) - len(faults)
    told = f"of {reads} reads 0 failed and {len(cut)} were cut off; {wrong} requests of members failed"
    print(f"a process of web, {kills} times: {told}")


def outage(stack: Stack, load: Load, service: str, works: Callable[[], bool], meanwhile: str) -> None:
    moment = time.monotonic()
    stack.kill(service)
    killed = time.monotonic()
    wait_for(lambda: bool(load.faults(moment)) or time.monotonic() > killed + 3, "a failed request")
    until(works, BACK_SECONDS[service] * PATIENCE, f"{service} again", service)
    # After the last fault every request has to succeed.
    faults = load.faults(moment)
    gone = max((fault.at for fault in faults), default=killed) - killed
    if gone > BACK_SECONDS[service] * PATIENCE:
        raise RehearsalError(f"{service} was away for {gone:.1f} s", service)
    told = sorted({fault.fault for fault in faults})
    what = f"{len(faults)} requests failed within {max(gone, 0):.1f} s ({', '.join(told)})"
    print(f"{service}: {what}; {meanwhile}")


def anonymous_reads_go_on(load: Load, moment: float) -> None:
    """nginx serves the pages in its cache while the site is down."""
    if faults := load.faults(moment, "read"):
        raise RehearsalError(f"{len(faults)} anonymous reads failed: {faults[:5]}", "nginx")


def web(stack: Stack, load: Load) -> None:
    moment, visitor = time.monotonic(), Visitor(stack.https)
    outage(stack, load, "web", lambda: visitor.get("/livez").status == 200, "anonymous visitors read on")
    anonymous_reads_go_on(load, moment)


def postgres(stack: Stack, load: Load) -> None:
    moment, visitor = time.monotonic(), Visitor(stack.https)
    outage(
        stack, load, "postgres", lambda: visitor.get("/readyz").status == 200, "anonymous visitors read on"
    )
    anonymous_reads_go_on(load, moment)


def nginx(stack: Stack, load: Load) -> None:
    visitor = Visitor(stack.https, timeout=5)

    def works() -> bool:
        try:
            return visitor.get("/livez").status == 200
        except OSError:
            return False

    outage(stack, load, "nginx", works, "with its certificate and its gunicorns")
