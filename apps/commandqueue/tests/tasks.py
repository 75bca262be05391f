"""Tasks for tests; at module level, where a worker in another process finds them."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from django.core.mail import send_mail
from django.db import transaction
from django.tasks import TaskContext, task

from apps.commandqueue import PermanentFailure


@task
def add(a: int, b: int) -> int:
    return a + b


@task
async def add_slowly(a: int, b: int) -> int:
    return a + b


@task
def echo(*args: Any, **kwargs: Any) -> Any:
    return [args, kwargs]


@task(takes_context=True)
def which_attempt(context: "TaskContext[..., Any]", *, good: int) -> int:
    if context.attempt < good:
        raise ConnectionError("the kettle is not plugged in")
    return context.attempt


@task
def refuse() -> None:
    raise PermanentFailure("no such kettle")


@task
def return_what_is_no_json() -> object:
    return object()


@task
def return_nul() -> dict[str, str]:
    return {"tea\0": "earl grey"}


@task
def return_nan() -> list[float]:
    return [float("nan")]


@task
def return_half_a_pair() -> str:
    return "\ud83d"


@task
def raise_nul() -> None:
    raise ValueError("tea\0 \ud83d")


@task
def leave_a_transaction_open() -> None:
    transaction.set_autocommit(False)
    raise RuntimeError("and out")


@task
def exit_python() -> None:
    raise SystemExit(3)


@task(priority=50)
def kill_the_worker() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@task
def write_to(address: str) -> None:
    send_mail("tea?", "the kettle is on", "ann@example.org", [address])


# Set when `hang` is to come back; only for tasks in the test's own process.
let_go = threading.Event()


@task(takes_context=True)
def hang(context: "TaskContext[..., Any]") -> str:
    """The first time; a worker that gets the command again returns at once."""
    if context.attempt == 1:
        assert let_go.wait(120)
    return "rested"


@task
def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "rested"


@task
def take_a_while() -> None:
    time.sleep(0.05)


@task
def refuse_odd(number: int) -> int:
    if number % 2:
        raise PermanentFailure("odd")
    return number


@task
def append(path: str, number: int) -> None:
    """Leaves a line for each run."""
    with Path(path).open("a") as file:
        file.write(f"{number}\n")


@task
def append_and_kill(path: str, number: int, fatal: int) -> None:
    """Leaves a line for each run; the worker of the first run of one number is killed."""
    is_first = str(number) not in Path(path).read_text().split()
    append.func(path, number)
    if number == fatal and is_first:
        os.kill(os.getpid(), signal.SIGKILL)
