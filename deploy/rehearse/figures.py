"""Measures the idle site's memory and the size of its image."""

import json

from deploy import images
from deploy.rehearse.stack import SERVICES, RehearsalError, Stack, run
from deploy.rehearse.terminal import Operator

MEMORY_MB = 450.0
# Of it cryptography, which second factors need, has 16 MB.
IMAGE_MB = 270.0
# The size of the public python:3.13-slim; a local base image may have another.
PUBLIC_BASE_MB = 125.0
# PSS: each process counts its share of shared pages. Swapped pages count too.
READ = "cat /proc/[0-9]*/smaps_rollup"


def play(stack: Stack, operator: Operator) -> None:
    memory = {service: megabytes(stack, service) for service in SERVICES}
    total = sum(memory.values())
    shares = ", ".join(f"{service} {amount:.0f}" for service, amount in memory.items())
    print(f"idle memory (PSS): {total:.0f} MB: {shares}")
    if total > MEMORY_MB:
        raise RehearsalError(f"idle memory is above the limit of {MEMORY_MB:.0f} MB")
    image = stack.inspect(stack.image)["Size"] / 1e6
    base = stack.inspect(images.name_of("PYTHON_IMAGE"))["Size"] / 1e6
    own = image - base
    print(f"image: {image:.0f} MB, of which python:3.13-slim {base:.0f} MB and the site {own:.0f} MB")
    if own > IMAGE_MB - PUBLIC_BASE_MB:
        raise RehearsalError(f"on the public base of {PUBLIC_BASE_MB:.0f} MB that is over {IMAGE_MB:.0f} MB")


def megabytes(stack: Stack, service: str) -> float:
    """The proportional memory of all processes of a service."""
    total = 0
    for container in stack.containers(service):
        # A process may end during the read.
        lines = run("docker", "exec", container, "sh", "-c", READ, check=False).stdout.splitlines()
        values = [int(line.split()[1]) for line in lines if line.startswith(("Pss:", "SwapPss:"))]
        if not values:
            raise RehearsalError(f"the memory of {service} can't be read", service)
        total += sum(values)
    return total / 1024


def logged(stack: Stack, service: str) -> list[dict[str, object]]:
    """The log of a service. Raises RehearsalError for a line that is not JSON."""
    lines = []
    for container in stack.containers(service):
        done = run("docker", "logs", container)
        for line in (done.stdout + done.stderr).splitlines():
            try:
                lines.append(dict(json.loads(line)))
            except ValueError:
                raise RehearsalError(f"a line in the log of {service} is not JSON: {line[:200]}") from None
    return lines
