"""Pictures of every page, several a sheet, and their HTML for the Nu HTML checker.

`python -m tests.support.contact_sheets` writes them into var/contact-sheets/; with VNU= the path of a
vnu.jar it checks the HTML, too. The pages are those of `tests.pages.test_every_page`.
"""

import os
import subprocess
import sys
from itertools import batched
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw
from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / "contact-sheets"
# The environment variable with the folder of the pictures.
KEEP = "KEEP_PAGES"
LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = (
    (1280, "light"), (1280, "dark"), (320, "light"), (320, "dark"),
)  # fmt: skip
HEIGHT = 1000
PAGES_A_SHEET = 4
# The checker guesses the language of a page from what the tests' people wrote.
GUESSES = ".*appears to be written in.*"


def keep(page: Page, html: bytes, address: str, folder: Path, name: str) -> None:
    """Write the page's HTML, and one picture: all of LOOKS side by side."""
    (folder / "html").mkdir(parents=True, exist_ok=True)
    (folder / "html" / f"{name}.html").write_bytes(html)
    images = []
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=scheme)
        path = folder / "part.png"
        page.screenshot(path=path)
        with Image.open(path) as picture:
            images.append(picture.convert("RGB").resize((width // 2, HEIGHT // 2)))
    row = Image.new("RGB", (sum(one.width + 8 for one in images), HEIGHT // 2 + 16), "white")
    ImageDraw.Draw(row).text((4, 2), f"{name} {address}", "black")
    left = 0
    for image in images:
        row.paste(image, (left, 16))
        left += image.width + 8
    (folder / "rows").mkdir(exist_ok=True)
    row.save(folder / "rows" / f"{name}.png")


def write_sheets(folder: Path) -> int:
    """Write the sheets of the pictures in the folder; returns how many."""
    groups = list(batched(sorted((folder / "rows").glob("*.png")), PAGES_A_SHEET))
    for number, group in enumerate(groups):
        rows = [Image.open(path) for path in group]
        sheet = Image.new("RGB", (rows[0].width, sum(row.height for row in rows)), "white")
        for place, row in enumerate(rows):
            sheet.paste(row, (0, sum(one.height for one in rows[:place])))
        sheet.save(folder / f"sheet-{number:02}.png")
    return len(groups)


def main() -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "tests/pages/test_every_page.py"]
    code = subprocess.run(command, cwd=ROOT, env=os.environ | {KEEP: str(FOLDER)}, check=False).returncode
    print(f"{write_sheets(FOLDER)} sheets in {FOLDER}")
    if jar := os.environ.get("VNU"):
        check = ["java", "-jar", jar, "--skip-non-html", "--filterpattern", GUESSES, str(FOLDER / "html")]
        code = code or subprocess.run(check, check=False).returncode
    return code


if __name__ == "__main__":
    sys.exit(main())
