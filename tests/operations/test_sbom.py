"""The software bill of materials: valid, whole, the same for the same image, and readable in it."""

import json
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from django.conf import settings
from django.core.management import call_command

from kwippy import sbom

ROOT = Path(settings.BASE_DIR)


@pytest.fixture
def dpkg(tmp_path: Path) -> Path:
    status = tmp_path / "status"
    status.write_text(
        "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.41-12\n"
        "Description: GNU C Library\n Status: gone not-installed\n\n"
        "Package: tzdata\nStatus: install ok installed\nArchitecture: all\nVersion: 1:2026a+1\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: all\nVersion: 1\n"
    )
    return status


@pytest.mark.asvs("15.1.2")
def test_the_document_is_valid_cyclonedx(dpkg: Path) -> None:
    text = json.dumps(sbom.document(dpkg=dpkg))
    faults = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert faults is None, faults
    broken = text.replace('"type": "library"', '"type": "nonsense"', 1)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_it_has_every_package_with_its_version_and_the_hashes_of_the_lock(dpkg: Path) -> None:
    parts = {part["name"]: part for part in sbom.document(dpkg=dpkg)["components"]}
    for one in distributions():
        assert parts[sbom.normal(one.metadata["Name"])]["version"] == one.version
    lock = (ROOT / "requirements.txt").read_text()
    for name, version in re.findall(r"(?m)^([\w.-]+)==([\w.]+)", lock):
        if name in parts and parts[name]["version"] == version:
            [reference] = parts[name]["externalReferences"]
            assert all(hashed["content"] in lock for hashed in reference["hashes"])
            assert reference["hashes"]
    assert parts["django"]["licenses"]
    assert {"python", "libc6", "tzdata"} <= parts.keys()
    assert "gone" not in parts
    assert parts["tzdata"]["purl"] == "pkg:deb/debian/tzdata@1%3A2026a%2B1?arch=all"


def test_what_a_package_needs_is_told(dpkg: Path) -> None:
    told = sbom.document(dpkg=dpkg)
    needed = {one["ref"]: one["dependsOn"] for one in told["dependencies"]}
    [django] = [ref for ref in needed if ref.startswith("pkg:pypi/django@")]
    assert any(ref.startswith("pkg:pypi/sqlparse@") for ref in needed[django])
    assert django in needed["kwippy"]
    known = {part["bom-ref"] for part in told["components"]}
    assert {ref for refs in needed.values() for ref in refs} <= known


def test_the_same_packages_make_the_same_document(dpkg: Path) -> None:
    assert sbom.document(dpkg=dpkg) == sbom.document(dpkg=dpkg)
    assert sbom.document(dpkg=dpkg) != sbom.document(dpkg=dpkg.parent / "none")


def test_the_command_prints_that_of_the_image_or_of_this_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built = tmp_path / "sbom.cdx.json"
    # As the Dockerfile does.
    subprocess.run([sys.executable, "-m", "kwippy.sbom", str(built)], cwd=ROOT, check=True)
    call_command("sbom")
    assert json.loads(capsys.readouterr().out) == json.loads(built.read_text())
    monkeypatch.setattr(sbom, "FILE", built)
    built.write_text('{"bomFormat": "CycloneDX"}')
    call_command("sbom")
    assert json.loads(capsys.readouterr().out) == {"bomFormat": "CycloneDX"}
    assert (
        f"kwippy.sbom /app/{sbom.ROOT.joinpath('sbom.cdx.json').name}"
        in (ROOT / "deploy/Dockerfile").read_text()
    )
