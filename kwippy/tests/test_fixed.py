"""`{% fixed %}`: parts of pages rendered once, which can't hold anything of anybody's."""

import pytest
from django.template import Context, Template, TemplateSyntaxError
from django.utils import translation

from kwippy.templatetags import fixed


class Asked:
    """Counts how often a template asked for it."""

    times = 0

    def __str__(self) -> str:
        Asked.times += 1
        return "tea"


@pytest.fixture(autouse=True)
def _afresh() -> None:
    Asked.times = 0


def test_it_is_rendered_once_for_each_value_it_names() -> None:
    template = Template("{% fixed drink=drink %}[{{ drink }}]{% endfixed %}")
    tea = Asked()
    assert [template.render(Context({"drink": tea})) for _ in range(3)] == ["[tea]"] * 3
    assert Asked.times == 1
    assert template.render(Context({"drink": "milk"})) == "[milk]"
    assert template.render(Context({"drink": tea})) == "[tea]"
    assert Asked.times == 1


def test_it_is_rendered_once_for_each_language() -> None:
    template = Template("{% get_current_language as code %}{% fixed %}{% translate 'Yes' %}{% endfixed %}")
    shown = []
    for language in ("en", "de", "en"):
        with translation.override(language):
            shown.append(template.render(Context()))
    assert shown == ["Yes", "Ja", "Yes"]


def test_it_sees_what_it_names_and_nothing_else() -> None:
    template = Template(
        "{% fixed name=user %}{{ name }}{{ user }}{{ request.user }}{{ csrf_token }}{% endfixed %}"
    )
    context = {"user": "ann", "request": {"user": "ann"}, "csrf_token": "secret"}
    assert template.render(Context(context)) == "ann"


def test_what_is_not_safe_is_escaped() -> None:
    template = Template("{% fixed name=name %}{{ name }}{% endfixed %}")
    assert [template.render(Context({"name": "<b>"})) for _ in range(2)] == ["&lt;b&gt;"] * 2


def test_it_keeps_a_bounded_number_of_renderings_and_forgets_the_longest_unasked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fixed, "MOST", 3)
    template = Template("{% fixed n=n %}{{ n }}{% endfixed %}")
    for n in (1, 2, 3, 1, 4, 1, 5):
        assert template.render(Context({"n": n})) == str(n)
    [node] = template.nodelist
    assert isinstance(node, fixed.FixedNode)
    assert [key[1] for key in node._kept] == [4, 1, 5]


def test_a_block_inside_it_is_an_error_since_it_could_not_be_overridden() -> None:
    with pytest.raises(TemplateSyntaxError, match="overridden"):
        Template("{% fixed %}{% block main %}{% endblock %}{% endfixed %}")
    with pytest.raises(TemplateSyntaxError, match="name=value"):
        Template("{% fixed name %}{% endfixed %}")
