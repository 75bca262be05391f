"""The tests themselves: each worker of pytest-xdist collects the same ones."""

import ast
from pathlib import Path

from django.conf import settings

BASE = Path(settings.BASE_DIR)
PARTS = ("apps", "kwippy", "deploy", "bench", "tests")
# What gives another value in each process.
CHANGING = {
    *("time", "time_ns", "monotonic", "now", "utcnow", "today"),
    *("uuid1", "uuid4", "uuid7", "random", "randint", "choice", "getrandbits"),
    *("token_bytes", "token_hex", "token_urlsafe", "getpid"),
}


def changing_calls(source: str) -> list[str]:
    """The calls in ``source`` that a test's parameters, or a module's constants for them, may not have."""
    tree = ast.parse(source)
    looked_at: list[ast.AST] = [
        decorator
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for decorator in function.decorator_list
        if "parametrize" in ast.unparse(decorator)
    ]
    used = {name.id for node in looked_at for name in ast.walk(node) if isinstance(name, ast.Name)}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if used & {
                name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
            }:
                looked_at.append(node.value)
    return [
        ast.unparse(call)
        for node in looked_at
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and not any(isinstance(inner, ast.Lambda) and call in ast.walk(inner) for inner in ast.walk(node))
        and ast.unparse(call.func).rpartition(".")[2] in CHANGING
    ]


def test_no_parameter_of_a_test_depends_on_the_clock_or_on_chance() -> None:
    """Two workers that collect in different seconds would have different tests, and run none."""
    files = [file for part in PARTS for file in (BASE / part).rglob("test_*.py")]
    assert len(files) > 300
    found = {
        str(file.relative_to(BASE)): calls for file in files if (calls := changing_calls(file.read_text()))
    }
    assert found == {}


def test_such_a_parameter_is_found() -> None:
    test = "@pytest.mark.parametrize('when', {})\ndef test_it(when): pass\n"
    assert changing_calls(test.format("[time.time() - 60]")) == ["time.time()"]
    assert changing_calls("WHEN = [timezone.now()]\n" + test.format("WHEN")) == ["timezone.now()"]
    assert changing_calls("WHEN = [timezone.now()]\n" + test.format("[lambda: time.time()]")) == []
