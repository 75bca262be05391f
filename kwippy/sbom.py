"""The list of what the image consists of: a CycloneDX document.

    python -m kwippy.sbom FILE     # in the image: /app/sbom.cdx.json, which `manage.py sbom` prints

It has the Python packages that are installed, with the hashes by which requirements.txt admits their files,
Debian's packages where their list can be read, and Python itself. Standard library only: the build runs it.
"""

import json
import os
import platform
import re
import sys
import uuid
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "sbom.cdx.json"
REQUIREMENTS = ROOT / "requirements.txt"
DPKG = Path("/var/lib/dpkg/status")

type Part = dict[str, Any]


def document(requirements: Path = REQUIREMENTS, dpkg: Path = DPKG) -> Part:
    """The whole document. It says nothing of the time: the same image has the same one."""
    found = {normal(one.metadata["Name"]): one for one in distributions()}
    hashes = locked(requirements.read_text())
    parts = [package(name, one, hashes.get(name, [])) for name, one in sorted(found.items())]
    parts += [python(), *debian(dpkg)]
    about = {
        "type": "application",
        "bom-ref": "kwippy",
        "name": "kwippy",
        "version": os.environ.get("IMAGE_TAG", ""),
    }
    told = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": about},
        "components": parts,
        "dependencies": [
            {"ref": "kwippy", "dependsOn": [reference(name, found[name].version) for name in sorted(found)]},
            *(needs(name, found) for name in sorted(found)),
        ],
    }
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(told, sort_keys=True))
    return {**told, "serialNumber": f"urn:uuid:{number}"}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def reference(name: str, version: str) -> str:
    return f"pkg:pypi/{name}@{version}"


def locked(text: str) -> dict[str, list[str]]:
    """The hashes of each package's files, by its name."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)
    names = [re.match(r"[A-Za-z0-9._-]+", entry) for entry in entries]
    return {
        normal(name[0]): re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)
        for name, entry in zip(names, entries, strict=True)
        if name
    }


def package(name: str, one: Distribution, hashes: list[str]) -> Part:
    where = reference(name, one.version)
    part: Part = {"type": "library", "bom-ref": where, "name": name, "version": one.version, "purl": where}
    if licence := one.metadata["License-Expression"]:
        part["licenses"] = [{"expression": licence}]
    elif named := [
        line.rpartition(" :: ")[2]
        for line in one.metadata.get_all("Classifier", [])
        if line.startswith("License :: ") and not line.endswith("OSI Approved")
    ]:
        part["licenses"] = [{"license": {"name": licence}} for licence in named]
    if hashes:
        files = [{"alg": "SHA-256", "content": value} for value in hashes]
        url = f"https://pypi.org/project/{name}/{one.version}/"
        part["externalReferences"] = [{"type": "distribution", "url": url, "hashes": files}]
    return part


def needs(name: str, found: dict[str, Distribution]) -> Part:
    """What is installed of what a package requires, without its extras."""
    wanted = {
        normal(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0])
        for line in found[name].requires or []
        if "extra ==" not in line
    }
    inside = sorted((wanted - {name}) & found.keys())
    here = reference(name, found[name].version)
    return {"ref": here, "dependsOn": [reference(other, found[other].version) for other in inside]}


def python() -> Part:
    version = platform.python_version()
    where = f"pkg:generic/python@{version}"
    return {"type": "platform", "bom-ref": where, "name": "python", "version": version, "purl": where}


def debian(status: Path) -> Iterator[Part]:
    """Debian's packages; none where there is no such list."""
    if not status.is_file():
        return
    for entry in status.read_text(errors="replace").split("\n\n"):
        fields = dict(re.findall(r"(?m)^(Package|Version|Architecture|Status): (.*)$", entry))
        if fields.get("Status", "").endswith(" installed") and "Version" in fields:
            name, version = fields["Package"], fields["Version"].replace("+", "%2B").replace(":", "%3A")
            where = f"pkg:deb/debian/{name}@{version}?arch={fields.get('Architecture', 'all')}"
            yield {
                "type": "library",
                "bom-ref": where,
                "name": name,
                "version": fields["Version"],
                "purl": where,
            }


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(document(), indent=1) + "\n")
