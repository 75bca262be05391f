"""`{% fixed %}`: parts of pages that are rendered once, without data of one viewer."""

import pytest
from django.conf import LazySettings
from django.template import Context, Template, TemplateSyntaxError
from django.utils import translation

from kwippy.templatetags import fixed


class Asked:
    """Counts how often a template reads it."""

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


def test_it_caches_a_bounded_number_of_renderings_and_evicts_the_least_recently_used(
    settings: LazySettings,
) -> None:
    settings.FIXED_PARTS_KEPT = 3
    template = Template("{% fixed n=n %}{{ n }}{% endfixed %}")
    for n in (1, 2, 3, 1, 4, 1, 5):
        assert template.render(Context({"n": n})) == str(n)
    [node] = template.nodelist
    assert isinstance(node, fixed.FixedNode)
    assert [key[1] for key in node._kept] == [4, 1, 5]


def test_with_a_size_of_zero_it_is_rendered_each_time(settings: LazySettings) -> None:
    settings.FIXED_PARTS_KEPT = 0
    template = Template("{% fixed drink=drink %}{{ drink }}{% endfixed %}")
    tea = Asked()
    assert [template.render(Context({"drink": tea})) for _ in range(3)] == ["tea"] * 3
    assert Asked.times == 3


def test_a_block_inside_it_is_an_error_since_it_could_not_be_overridden() -> None:
    with pytest.raises(TemplateSyntaxError, match="overridden"):
        Template("{% fixed %}{% block main %}{% endblock %}{% endfixed %}")
    with pytest.raises(TemplateSyntaxError, match="name=value"):
        Template("{% fixed name %}{% endfixed %}")


def test_a_hole_is_rendered_each_time_and_sees_what_the_page_sees() -> None:
    template = Template(
        "{% fixed name=name %}<{{ name }}|{% hole %}{{ user }}{{ name }}{% endhole %}|{{ user }}"
        "{% hole %}!{{ n }}{% endhole %}>{% endfixed %}"
    )
    tea = Asked()
    pages = [template.render(Context({"name": tea, "user": user, "n": n})) for n, user in enumerate("ab")]
    assert pages == ["<tea|atea|!0>", "<tea|btea|!1>"]
    assert Asked.times == 3  # once cached, and once in each page's hole


def test_a_hole_that_this_rendering_does_not_have_is_not_filled() -> None:
    template = Template(
        "{% fixed more=more %}a{% if more %}{% hole %}{{ x }}{% endhole %}{% endif %}b"
        "{% hole %}{{ y }}{% endhole %}{% endfixed %}"
    )
    for _ in range(2):
        assert template.render(Context({"more": True, "x": 1, "y": 2})) == "a1b2"
        assert template.render(Context({"more": False, "x": 1, "y": 2})) == "ab2"


def test_something_fixed_inside_of_something_fixed_keeps_its_holes() -> None:
    template = Template(
        "{% fixed a=a %}{{ a }}"
        "{% fixed b=a %}{{ b }}{% hole %}{{ n }}{% endhole %}{% endfixed %}{% endfixed %}"
    )
    assert [template.render(Context({"a": "x", "n": n})) for n in range(3)] == ["xx0", "xx1", "xx2"]


def test_a_hole_elsewhere_is_nothing_special() -> None:
    assert Template("{% hole %}{{ n }}{% endhole %}").render(Context({"n": 1})) == "1"
