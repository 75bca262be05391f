"""The command line: `python -m bench NAME [--size small|full]`."""

import argparse
import importlib
import pkgutil

import bench

LIBRARY = {"measure", "report", "database"}


def main() -> None:
    subjects = sorted(
        module.name
        for module in pkgutil.iter_modules(bench.__path__)
        if module.name not in LIBRARY and not module.name.startswith("_") and not module.ispkg
    )
    parser = argparse.ArgumentParser(prog="python -m bench", description=bench.__doc__)
    parser.add_argument("subject", choices=subjects)
    parser.add_argument("--size", choices=["small", "full"], default="small")
    options = parser.parse_args()
    importlib.import_module(f"bench.{options.subject}").run(size=options.size)


if __name__ == "__main__":
    main()
