"""The command line: `python -m bench [SUBJECT] [--size small|full] [--publish]`, or `--tables`."""

import argparse
import ast
import importlib
import importlib.util
import pkgutil
import signal
import sys
from pathlib import Path
from types import ModuleType

import bench
from deploy.local.bootstrap import find_program

OURS = {"bench", "apps", "kwippy", "deploy"}


def main(arguments: list[str] | None = None) -> None:
    """Lists the subjects, or runs one, writes its result and prints it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Benchmarks of the optimizations.")
    parser.add_argument("subject", nargs="?", choices=subjects(), help="what to measure; none lists them")
    parser.add_argument("--size", choices=["small", "full"], default="small")
    parser.add_argument("--publish", action="store_true", help="write the result to docs/results/")
    parser.add_argument(
        "--tables",
        action="store_true",
        help="write docs/results/README.md, and each figure that is cited, from the results",
    )
    options = parser.parse_args(arguments)
    if options.tables:
        from bench.lib import cited, results_page

        results_page.write()
        cited.write()
        return
    if options.subject is None:
        list_subjects()
        return
    # A time limit ends a run with SIGTERM: the servers that it started are then stopped, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))
    try:
        measure(options.subject, size=options.size, publish=options.publish)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in OURS:
            raise
        raise SystemExit(missing(str(error.name), options.subject)) from None


def measure(subject: str, *, size: str, publish: bool) -> None:
    from bench.lib import cited, report, results_page
    from bench.lib.python_build import described
    from deploy.local.services import ServiceError

    module = importlib.import_module(f"bench.{subject}")
    check_needs(module, subject)
    if publish:
        report.check_may_publish()
    try:
        result = module.run(size=size)
    except ServiceError as error:
        raise SystemExit(f"bench: {error}") from None
    path = report.write(subject, result, size=size, publish=publish)
    if publish:
        results_page.write()
        cited.write()
    found = [*result.table, "", *report.lines(result.figures), "", described(result.python), str(path)]
    print("\n".join(found))


def check_needs(module: ModuleType, subject: str) -> None:
    """Raises SystemExit for the first program or Python module that the subject needs and does not find."""
    for program in module.PROGRAMS:
        if not find_program(program):
            raise SystemExit(missing(program, subject))
    for name in module.MODULES:
        if importlib.util.find_spec(name) is None:
            raise SystemExit(missing(name, subject))


def missing(name: str, subject: str) -> str:
    """The one line that names what is missing, and the way to install it."""
    return f"bench: {name} is not installed; `make bench SUBJECT={subject}` installs it and runs this"


def subjects() -> list[str]:
    packages = [module.name for module in pkgutil.iter_modules(bench.__path__) if module.ispkg]
    return sorted(set(packages) - {"lib", "peers", "profile", "tests"})


def list_subjects() -> None:
    """Prints each subject with the first line of its page."""
    print(
        "make bench SUBJECT=…, ladder without one; SIZE=full for the full size, PUBLISH=1 for docs/results/\n"
    )
    for name in subjects():
        # Read, not imported: what a subject needs may not be installed yet.
        source = (Path(bench.__path__[0]) / name / "__init__.py").read_text()
        print(f"  {name:<14} {(ast.get_docstring(ast.parse(source)) or '').splitlines()[0]}")


if __name__ == "__main__":
    main()
