"""Parts of a page that are the same on many pages, rendered once a process.

Half of what a member's page costs is the frame around what people wrote: menu, side, footer, an empty form.
"""

from typing import Any

from django import template
from django.template.base import FilterExpression, Node, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.template.loader_tags import BlockNode
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()

# Of each part, so many are kept: a few megabytes in all.
MOST = 1000


class FixedNode(Node):
    child_nodelists = ()  # Django looks through them for blocks, on every page

    def __init__(self, nodelist: NodeList, names: dict[str, FilterExpression]) -> None:
        self.nodelist = nodelist
        self._names = names
        self._kept: dict[tuple[Any, ...], SafeString] = {}

    def render(self, context: Context) -> SafeString:
        values = {name: expression.resolve(context) for name, expression in self._names.items()}
        key = (get_language(), *values.values())
        html = self._kept.pop(key, None)
        if html is None:
            html = self._rendered(context, values)
            while len(self._kept) >= MOST:
                self._kept.pop(next(iter(self._kept), key), None)
        self._kept[key] = html  # last, so that what nobody asked for the longest is first
        return html

    def _rendered(self, context: Context, values: dict[str, Any]) -> SafeString:
        alone = Context(values)
        alone.template = context.template  # by which `include` finds its engine
        return self.nodelist.render(alone)


@register.tag
def fixed(parser: Parser, token: Token) -> FixedNode:
    """``{% fixed here=place %}…{% endfixed %}``: rendered once for each language and each ``here``.

    What is inside sees the variables named and nothing else: neither the request nor who looks. So nothing
    of one person's can be shown to another, and something forgotten is missing from the first page on.
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
