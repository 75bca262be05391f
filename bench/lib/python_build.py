"""Which Python gave a figure: its version, and how it was built, by which speeds differ by a third.

Standard library only: `python bench/lib/python_build.py` prints the same of any Python.
"""

import hashlib
import json
import sys
import sysconfig
from collections.abc import Mapping


def python_build() -> dict[str, object]:
    """The version, the optimizations of the build, and a digest by which two builds are told apart."""
    arguments = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    return {
        "version": sys.version,
        "pgo": "--enable-optimizations" in arguments,
        "lto": "--with-lto" in arguments,
        "shared": bool(sysconfig.get_config_var("Py_ENABLE_SHARED")),
        # Not the arguments themselves, which have paths of the machine.
        "build": hashlib.sha256(f"{sys.version}\n{arguments}".encode()).hexdigest()[:16],
    }


def described(build: Mapping[str, object]) -> str:
    """One line for the terminal."""
    found = [f"{'with' if build[name] else 'without'} {name.upper()}" for name in ("pgo", "lto")]
    found += ["as a shared library"] if build["shared"] else []
    return f"Python {str(build['version']).split()[0]}, {', '.join(found)}"


if __name__ == "__main__":
    print(json.dumps(python_build()))
