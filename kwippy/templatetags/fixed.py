"""Parts of a page that are the same on many pages, rendered once a process.

Half of what a member's page costs is the frame around what people wrote: menu, side, footer, an empty form.
"""

from itertools import zip_longest
from typing import Any, NamedTuple

from django import template
from django.conf import settings
from django.template.base import FilterExpression, Node, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.template.loader_tags import BlockNode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

register = template.Library()

# Neither templates nor stored texts contain this character.
_CUT = mark_safe("\0")


class Kept(NamedTuple):
    """A cached rendering, split at its holes."""

    pieces: list[str]
    holes: list["HoleNode"]

    def filled(self, context: Context) -> SafeString:
        if not self.holes:
            return mark_safe(self.pieces[0])  # noqa: S308 - rendered by a template
        filling = [hole.nodelist.render(context) for hole in self.holes]
        parts = zip_longest(self.pieces, filling, fillvalue="")
        return mark_safe("".join([text for pair in parts for text in pair]))  # noqa: S308


class FixedNode(Node):
    child_nodelists = ()  # Django looks through them for blocks, on every page

    def __init__(self, nodelist: NodeList, names: dict[str, FilterExpression]) -> None:
        self.nodelist = nodelist
        self._names = names
        self._kept: dict[tuple[Any, ...], Kept] = {}

    def render(self, context: Context) -> SafeString:
        values = {name: expression.resolve(context) for name, expression in self._names.items()}
        if (holes := holes_of(context)) is not None:  # inside of another: that keeps it all
            return self.nodelist.render(_alone(context, values, holes))
        key = (get_language(), *values.values())
        kept = self._kept.pop(key, None)
        if kept is None:
            holes = []
            pieces = self.nodelist.render(_alone(context, values, holes)).split(_CUT)
            kept = Kept(pieces, holes)
        self._kept[key] = kept  # last: the least recently used is first
        while len(self._kept) > settings.FIXED_PARTS_KEPT:
            self._kept.pop(next(iter(self._kept), key), None)
        return kept.filled(context)


class HoleNode(Node):
    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: Context) -> SafeString:
        holes = holes_of(context)
        if holes is None:
            return self.nodelist.render(context)
        holes.append(self)
        return _CUT


def holes_of(context: Context) -> list[HoleNode] | None:
    """The holes found so far, where something fixed is being rendered; None elsewhere."""
    return getattr(context, "holes", None)


def _alone(context: Context, values: dict[str, Any], holes: list[HoleNode]) -> Context:
    """A context that knows ``values`` and nothing else."""
    alone = Context(values)
    alone.template = context.template  # by which `include` finds its engine
    alone.holes = holes  # type: ignore[attr-defined]
    return alone


@register.tag
def fixed(parser: Parser, token: Token) -> FixedNode:
    """``{% fixed here=place %}…{% endfixed %}``: rendered once for each language and each ``here``.

    What is inside sees the variables named and nothing else: neither the request nor who looks. So nothing
    of one person's can be shown to another, and something forgotten is missing from the first page on. But
    for its holes: ``{% hole %}…{% endhole %}`` is rendered on each page, and sees what the page sees.
    """
    words = token.split_contents()[1:]
    names = token_kwargs(words, parser)
    if words:
        raise template.TemplateSyntaxError("fixed takes name=value only")
    nodelist = parser.parse(("endfixed",))
    parser.delete_first_token()
    if nodelist.get_nodes_by_type(BlockNode):
        raise template.TemplateSyntaxError("a block inside fixed could not be overridden")
    return FixedNode(nodelist, names)


@register.tag
def hole(parser: Parser, token: Token) -> HoleNode:
    """What differs from page to page inside of something fixed; nothing special elsewhere."""
    nodelist = parser.parse(("endhole",))
    parser.delete_first_token()
    return HoleNode(nodelist)
