"""A part of a template that is rendered once for each key, from nothing but the values in the key."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.template.base import FilterExpression, Node, NodeList
from django.template.context import Context
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from apps.fragments.rendering import CUT, insert, joined
from apps.nearcache import NearCache

DEFAULT_BYTES = 4 * 1024 * 1024
# Not objects, which may change and still be equal.
_VALUES = (str, int, float, tuple, type(None))
# What an entry takes besides its HTML and the text in its key, about.
_OVERHEAD = 1_000


class DynamicNode(Node):
    """A part of a fragment that each page renders with its own context."""

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        enclosing = _parts_of_fragment(context)
        if enclosing is None:
            return self.nodelist.render(context)
        enclosing.append((self,))
        return CUT


# The HTML of a fragment and its dynamic parts, in turn.
type Rendering = Sequence[bytes | DynamicNode]

# Of all fragments of the process. The first part of a key is the fragment itself, compared by identity.
renderings = NearCache[tuple[Any, ...], Rendering](
    lambda: getattr(settings, "FRAGMENT_CACHE_BYTES", DEFAULT_BYTES)
)


class Fragment:
    def __init__(self, names: dict[str, FilterExpression], render: Callable[[Context], str]) -> None:
        self._names = list(names)
        self._expressions = list(names.values())
        self._render = render

    def render(self, context: Context) -> SafeString:
        rendering = self._rendering(context)
        enclosing = _parts_of_fragment(context)
        if enclosing is not None:
            # It becomes a part of the fragment around it. Both hold the same bytes.
            enclosing.append(rendering)
            return CUT
        texts: list[str] = []
        html: list[bytes] = []
        for part in rendering:
            if isinstance(part, bytes):
                html.append(part)
                continue
            texts += insert(context, *html), part.nodelist.render(context)
            html.clear()
        return mark_safe("".join([*texts, insert(context, *html)]))  # noqa: S308 - from templates

    def _rendering(self, context: Context) -> Rendering:
        values = [expression.resolve(context) for expression in self._expressions]
        # With the types: 1 equals True, and safe text equals text that must be escaped.
        key = (self, get_language(), *values, *map(type, values))
        rendering = renderings.get(key)
        if rendering is None:
            rendering, size = self._rendered(context, dict(zip(self._names, values, strict=True)))
            renderings.put(key, rendering, size=size)
        return rendering

    def _rendered(self, context: Context, values: dict[str, Any]) -> tuple[Rendering, int]:
        """Rendered with a context that has ``values`` and nothing else; and its size in bytes."""
        for name, value in values.items():
            if not isinstance(value, _VALUES):
                raise TypeError(f"{name}: a key takes text, numbers and tuples, not {type(value).__name__}")
        own: Any = Context(values)
        own.template = context.template  # by which `include` finds its engine
        own.inserted, own.is_fragment = [], True
        html = self._render(own)
        return joined(html, own.inserted), len(html) + len(str(values)) + _OVERHEAD


def _parts_of_fragment(context: Context) -> list[Rendering] | None:
    """The parts found so far while a fragment is rendered; None outside of fragments."""
    return context.inserted if getattr(context, "is_fragment", False) else None  # type: ignore[attr-defined]
