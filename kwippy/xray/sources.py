"""What the panel links to: the page of each optimization, the `.sql` files, and the panel's style sheet.

They stand below a path that no user name can have. The names are those of the files that exist: a path
never becomes the path of a file.
"""

from functools import cache
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.template import Context, Engine

PREFIX = "/-/xray/"
STYLE = f"{PREFIX}xray.css"
_HERE = Path(__file__).parent
_HTML, _CSS, _TEXT = (f"text/{kind}; charset=utf-8" for kind in ("html", "css", "plain"))


@cache
def templates() -> Engine:
    """The templates of this folder, which are not among the site's."""
    return Engine(dirs=[str(_HERE)], autoescape=True)


@cache
def sql_files() -> dict[str, Path]:
    """Every `.sql` file of the apps, by its path in the checkout."""
    root = settings.BASE_DIR
    return {path.relative_to(root).as_posix(): path for path in sorted((root / "apps").rglob("*.sql"))}


def place_of(name: str, sql: str) -> str:
    """The path of the `.sql` file of this name. Two apps may have one: the prepared name tells which.

    "" if it can't be told.
    """
    found = [path for path in sql_files() if path.endswith(f"/{name}")]
    if len(found) > 1:
        found = [path for path in found if f"{path.split('/')[1]}_{name.removesuffix('.sql')}" in sql]
    return found[0] if len(found) == 1 else ""


def response(path: str) -> tuple[str, str, bytes]:
    """Status, content type and body of a path below `PREFIX`."""
    from kwippy.xray.optimizations import OPTIMIZATIONS

    name = path.removeprefix(PREFIX)
    if path == STYLE:
        return "200 OK", _CSS, (_HERE / "xray.css").read_bytes()
    if name in sql_files():
        return "200 OK", _HTML, _page(name, sql_files()[name].read_text())
    for optimization in OPTIMIZATIONS:
        if name == optimization.folder:
            text = import_module(f"apps.{name}").__doc__ or ""
            return "200 OK", _HTML, _page(f"apps/{name}/__init__.py", text, optimization)
    return "404 Not Found", _TEXT, b"There is no such page.\n"


def _page(title: str, text: str, optimization: object = None) -> bytes:
    context = {"title": title, "text": text.strip(), "optimization": optimization, "style": STYLE}
    return templates().get_template("source.html").render(Context(context)).encode()
