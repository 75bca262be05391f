"""``{% cached_fragment %}``, ``{% cached_extends %}`` and ``{% dynamic %}``."""

from django.template import Library, TemplateSyntaxError
from django.template.base import FilterExpression, Node, NodeList, Parser, Token, token_kwargs
from django.template.context import Context
from django.template.loader_tags import BlockNode, ExtendsNode
from django.utils.safestring import SafeString

from apps.fragments.fragment import DynamicNode, Fragment

register = Library()


class FragmentNode(Node):
    child_nodelists = ()  # Django would search them for blocks on every page

    def __init__(self, nodelist: NodeList, names: dict[str, FilterExpression]) -> None:
        self.nodelist = nodelist
        self._fragment = Fragment(names, nodelist.render)

    def render(self, context: Context) -> SafeString:
        return self._fragment.render(context)


class CachedExtendsNode(ExtendsNode):
    """The parent with this template's blocks, as one fragment."""

    def __init__(
        self, nodelist: NodeList, parent: FilterExpression, names: dict[str, FilterExpression]
    ) -> None:
        super().__init__(nodelist, parent)
        self._fragment = Fragment(names, super().render)

    def render(self, context: Context) -> SafeString:
        return self._fragment.render(context)


@register.tag
def cached_fragment(parser: Parser, token: Token) -> FragmentNode:
    """``{% cached_fragment name=value … %}…{% endcached_fragment %}``: rendered once for these values.

    The content sees the named variables and nothing else: neither the request nor its user.
    """
    names = _names(parser, token.split_contents()[1:])
    nodelist = parser.parse(("endcached_fragment",))
    parser.delete_first_token()
    _refuse_blocks(nodelist, "cached_fragment")
    return FragmentNode(nodelist, names)


@register.tag
def cached_extends(parser: Parser, token: Token) -> CachedExtendsNode:
    """``{% cached_extends "base.html" name=value … %}``: `extends`, rendered once for these values.

    The parent and this template's blocks see the named variables and nothing else, but for `dynamic` parts.
    """
    words = token.split_contents()[1:]
    if not words or "=" in words[0]:
        raise TemplateSyntaxError("cached_extends takes a template, then name=value")
    parent = parser.compile_filter(words[0])
    names = _names(parser, words[1:])
    nodelist = parser.parse()
    if nodelist.get_nodes_by_type(ExtendsNode):
        raise TemplateSyntaxError("cached_extends can't appear more than once in a template")
    return CachedExtendsNode(nodelist, parent, names)


@register.tag
def dynamic(parser: Parser, token: Token) -> DynamicNode:
    """A part of a fragment that is rendered on each page, with the page's context. No effect elsewhere."""
    nodelist = parser.parse(("enddynamic",))
    parser.delete_first_token()
    _refuse_blocks(nodelist, "dynamic part")
    return DynamicNode(nodelist)


def _names(parser: Parser, words: list[str]) -> dict[str, FilterExpression]:
    names: dict[str, FilterExpression] = token_kwargs(words, parser)
    if words:
        raise TemplateSyntaxError("after the tag's own argument comes name=value only")
    return names


def _refuse_blocks(nodelist: NodeList, within: str) -> None:
    if nodelist.get_nodes_by_type(BlockNode):
        raise TemplateSyntaxError(f"a block inside a {within} could not be overridden")
