"""`{% cached_fragment %}` and `{% dynamic %}`: rendered once, from nothing but the values in the key."""

import pytest
from django.conf import LazySettings
from django.template import Context, Engine, Template, TemplateSyntaxError
from django.utils import translation

from apps.fragments.fragment import renderings

ENGINE = Engine(
    builtins=["apps.fragments.templatetags.fragments", "django.templatetags.i18n"],
    loaders=[
        (
            "django.template.loaders.locmem.Loader",
            {
                "inner.html": "{% cached_fragment name=name %}in {{ name }}{{ user }}"
                "{% dynamic %} {{ n }}{% enddynamic %}{% endcached_fragment %}"
            },
        )
    ],
)


class Counted(str):
    """A text that counts how often a template rendered it."""

    times = 0
    __slots__ = ()

    def __html__(self) -> str:
        Counted.times += 1
        return str(self)


@pytest.fixture(autouse=True)
def _from_zero() -> None:
    Counted.times = 0
    renderings.clear()


def compiled(text: str) -> Template:
    return ENGINE.from_string(text)


def test_it_is_rendered_once_for_each_value_in_its_key() -> None:
    template = compiled("{% cached_fragment drink=drink %}[{{ drink }}]{% endcached_fragment %}")
    tea = Counted("tea")
    assert [template.render(Context({"drink": tea})) for _ in range(3)] == ["[tea]"] * 3
    assert Counted.times == 1
    assert template.render(Context({"drink": "milk"})) == "[milk]"
    assert template.render(Context({"drink": tea})) == "[tea]"
    assert Counted.times == 1


def test_it_is_rendered_once_for_each_language() -> None:
    template = compiled("{% cached_fragment %}{% translate 'Yes' %}{% endcached_fragment %}")
    rendered = []
    for language in ("en", "de", "en"):
        with translation.override(language):
            rendered.append(template.render(Context()))
    assert rendered == ["Yes", "Ja", "Yes"]


def test_it_sees_the_named_values_and_nothing_else() -> None:
    template = compiled(
        "{% cached_fragment name=user %}"
        "{{ name }}{{ user }}{{ request.user }}{{ csrf_token }}"
        "{% endcached_fragment %}"
    )
    context = {"user": "ann", "request": {"user": "ann"}, "csrf_token": "secret"}
    assert template.render(Context(context)) == "ann"


def test_text_that_is_not_safe_is_escaped() -> None:
    template = compiled("{% cached_fragment name=name %}{{ name }}{% endcached_fragment %}")
    assert [template.render(Context({"name": "<b>"})) for _ in range(2)] == ["&lt;b&gt;"] * 2


def test_values_that_are_equal_but_of_other_types_have_renderings_of_their_own() -> None:
    template = compiled("{% cached_fragment n=n %}{{ n }}{% endcached_fragment %}")
    assert [template.render(Context({"n": n})) for n in (1, True, "1", 1.0)] == ["1", "True", "1", "1.0"]


def test_an_object_in_a_key_is_an_error_since_it_may_change_and_still_be_equal() -> None:
    template = compiled("{% cached_fragment form=form %}{{ form }}{% endcached_fragment %}")
    with pytest.raises(TypeError, match="form: a key takes"):
        template.render(Context({"form": object()}))


def test_all_fragments_together_are_bounded_in_bytes_and_the_least_recently_used_is_evicted(
    settings: LazySettings,
) -> None:
    settings.FRAGMENT_CACHE_BYTES = 10_000
    first = compiled("{% cached_fragment n=n %}{{ n }}{% endcached_fragment %}")
    second = compiled("{% cached_fragment n=n %}{{ n }}{% endcached_fragment %}")
    for n in range(100):
        for template in (first, second):
            assert template.render(Context({"n": n})) == str(n)
            assert template.render(Context({"n": "kept"})) == "kept"
    assert renderings._bytes <= 10_000
    kept = [key[2] for key in renderings._entries]
    assert kept[-4:] == [99, "kept", 99, "kept"]
    assert 5 <= len(kept) <= 10


def test_the_text_in_a_key_counts(settings: LazySettings) -> None:
    settings.FRAGMENT_CACHE_BYTES = 5_000
    template = compiled("{% cached_fragment text=text %}short{% endcached_fragment %}")
    assert template.render(Context({"text": "x" * 6_000})) == "short"
    assert not renderings._entries


def test_with_a_size_of_zero_it_is_rendered_each_time(settings: LazySettings) -> None:
    settings.FRAGMENT_CACHE_BYTES = 0
    template = compiled("{% cached_fragment drink=drink %}{{ drink }}{% endcached_fragment %}")
    tea = Counted("tea")
    assert [template.render(Context({"drink": tea})) for _ in range(3)] == ["tea"] * 3
    assert Counted.times == 3


def test_a_block_inside_it_is_an_error_since_it_could_not_be_overridden() -> None:
    for tag in ("cached_fragment", "dynamic"):
        with pytest.raises(TemplateSyntaxError, match="overridden"):
            compiled(f"{{% {tag} %}}{{% block main %}}{{% endblock %}}{{% end{tag} %}}")
    with pytest.raises(TemplateSyntaxError, match="name=value"):
        compiled("{% cached_fragment name %}{% endcached_fragment %}")


def test_a_fragment_inside_another_sees_what_the_other_passes_and_keeps_its_dynamic_parts() -> None:
    template = compiled(
        "{% cached_fragment name=who %}<{% include 'inner.html' %}|{% dynamic %}{{ n }}{% enddynamic %}>"
        "{% endcached_fragment %}"
    )
    tea = Counted("tea")
    pages = [template.render(Context({"who": tea, "user": "ann", "n": n})) for n in range(3)]
    assert pages == ["<in tea 0|0>", "<in tea 1|1>", "<in tea 2|2>"]
    assert Counted.times == 1
    # Its name is the name that the other one has, not the page's.
    assert template.render(Context({"who": "milk", "name": "ann", "n": 3})) == "<in milk 3|3>"


def test_a_fragment_inside_a_dynamic_part_sees_the_page() -> None:
    template = compiled(
        "{% cached_fragment %}out {% dynamic %}{% include 'inner.html' %}{% enddynamic %}"
        "{% endcached_fragment %}"
    )
    pages = [template.render(Context({"name": name, "n": 1})) for name in ("ann", "bob")]
    assert pages == ["out in ann 1", "out in bob 1"]


def test_a_dynamic_part_is_rendered_each_time_and_sees_what_the_page_sees() -> None:
    template = compiled(
        "{% cached_fragment name=name %}<{{ name }}|{% dynamic %}{{ user }}{{ name }}{% enddynamic %}|"
        "{{ user }}{% dynamic %}!{{ n }}{% enddynamic %}>{% endcached_fragment %}"
    )
    tea = Counted("tea")
    pages = [template.render(Context({"name": tea, "user": user, "n": n})) for n, user in enumerate("ab")]
    assert pages == ["<tea|atea|!0>", "<tea|btea|!1>"]
    assert Counted.times == 3  # once cached, and once in the dynamic part of each page


def test_a_dynamic_part_that_a_rendering_does_not_have_is_not_filled() -> None:
    template = compiled(
        "{% cached_fragment more=more %}a{% if more %}{% dynamic %}{{ x }}{% enddynamic %}{% endif %}b"
        "{% dynamic %}{{ y }}{% enddynamic %}{% endcached_fragment %}"
    )
    for _ in range(2):
        assert template.render(Context({"more": True, "x": 1, "y": 2})) == "a1b2"
        assert template.render(Context({"more": False, "x": 1, "y": 2})) == "ab2"


def test_a_dynamic_part_outside_of_a_fragment_has_no_effect() -> None:
    assert compiled("{% dynamic %}{{ n }}{% enddynamic %}").render(Context({"n": 1})) == "1"
