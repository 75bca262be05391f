"""``{% cached_fragment %}`` and ``{% dynamic %}``."""

from itertools import zip_longest
from typing import Any

from django import template
from django.conf import settings
from django.template import TemplateSyntaxError
from django.template.base import FilterExpression, Node, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.template.loader_tags import BlockNode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from apps.fragments.cache import FragmentCache, Rendering

register = template.Library()

# Stands for a dynamic part until the rendering is cut there. No template has this character.
_CUT = mark_safe("\0")
# Not objects, which may change and still be equal.
_VALUES = (str, int, float, tuple, type(None))


class FragmentNode(Node):
    child_nodelists = ()  # Django would search them for blocks on every page

    def __init__(self, nodelist: NodeList, names: dict[str, FilterExpression]) -> None:
        self.nodelist = nodelist
        self._names = names
        self._cache = FragmentCache()

    def render(self, context: Context) -> SafeString:
        if _dynamic_nodes(context) is not None:
            raise TemplateSyntaxError("a cached_fragment inside another one: use one level")
        values = {name: expression.resolve(context) for name, expression in self._names.items()}
        # With the types: 1 equals True, and safe text equals text that must be escaped.
        key = (get_language(), *values.values(), *map(type, values.values()))
        rendering = self._cache.get(key)
        if rendering is None:
            rendering = self._rendered(context, values)
            self._cache.put(key, rendering, size=getattr(settings, "FRAGMENT_CACHE_SIZE", 1000))
        filling = [node.nodelist.render(context) for node in rendering.dynamic]
        parts = zip_longest(rendering.pieces, filling, fillvalue="")
        return mark_safe("".join([text for pair in parts for text in pair]))  # noqa: S308 - from templates

    def _rendered(self, context: Context, values: dict[str, Any]) -> Rendering:
        """Rendered with a context that has ``values`` and nothing else."""
        for name, value in values.items():
            if not isinstance(value, _VALUES):
                raise TypeError(f"{name}: a key takes text, numbers and tuples, not {type(value).__name__}")
        own = Context(values)
        own.template = context.template  # by which `include` finds its engine
        dynamic: list[DynamicNode] = []
        own.dynamic_nodes = dynamic  # type: ignore[attr-defined]
        return Rendering(self.nodelist.render(own).split(_CUT), dynamic)


class DynamicNode(Node):
    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        found = _dynamic_nodes(context)
        if found is None:
            return self.nodelist.render(context)
        found.append(self)
        return _CUT


def _dynamic_nodes(context: Context) -> list[DynamicNode] | None:
    """The dynamic parts found so far while a fragment is rendered; None outside of fragments."""
    return getattr(context, "dynamic_nodes", None)


@register.tag
def cached_fragment(parser: Parser, token: Token) -> FragmentNode:
    """``{% cached_fragment name=value … %}…{% endcached_fragment %}``: rendered once for these values.

    The content sees the named variables and nothing else: neither the request nor its user.
    """
    words = token.split_contents()[1:]
    names = token_kwargs(words, parser)
    if words:
        raise TemplateSyntaxError("cached_fragment takes name=value only")
    nodelist = parser.parse(("endcached_fragment",))
    parser.delete_first_token()
    if nodelist.get_nodes_by_type(BlockNode):
        raise TemplateSyntaxError("a block inside a cached_fragment could not be overridden")
    return FragmentNode(nodelist, names)


@register.tag
def dynamic(parser: Parser, token: Token) -> DynamicNode:
    """A part of a fragment that is rendered on each page, with the page's context. No effect elsewhere."""
    nodelist = parser.parse(("enddynamic",))
    parser.delete_first_token()
    return DynamicNode(nodelist)
