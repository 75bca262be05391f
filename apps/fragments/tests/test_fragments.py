"""`{% cached_fragment %}` and `{% dynamic %}`: rendered once, from nothing but the values in the key."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.template import Context, Engine, Template, TemplateSyntaxError
from django.utils import translation

from apps.fragments.cache import FragmentCache, Rendering
from apps.fragments.templatetags.fragments import FragmentNode

ENGINE = Engine(
    builtins=["apps.fragments.templatetags.fragments", "django.templatetags.i18n"],
    loaders=[
        (
            "django.template.loaders.locmem.Loader",
            {"inner.html": "{% cached_fragment %}in{% endcached_fragment %}"},
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


def test_it_caches_a_bounded_number_of_renderings_and_evicts_the_least_recently_used(
    settings: LazySettings,
) -> None:
    settings.FRAGMENT_CACHE_SIZE = 3
    template = compiled("{% cached_fragment n=n %}{{ n }}{% endcached_fragment %}")
    for n in (1, 2, 3, 1, 4, 1, 5):
        assert template.render(Context({"n": n})) == str(n)
    [node] = template.nodelist
    assert isinstance(node, FragmentNode)
    assert [key[1] for key in node._cache._entries] == [4, 1, 5]


def test_with_size_zero_it_is_rendered_each_time(settings: LazySettings) -> None:
    settings.FRAGMENT_CACHE_SIZE = 0
    template = compiled("{% cached_fragment drink=drink %}{{ drink }}{% endcached_fragment %}")
    tea = Counted("tea")
    assert [template.render(Context({"drink": tea})) for _ in range(3)] == ["tea"] * 3
    assert Counted.times == 3


def test_a_block_inside_it_is_an_error_since_it_could_not_be_overridden() -> None:
    with pytest.raises(TemplateSyntaxError, match="overridden"):
        compiled("{% cached_fragment %}{% block main %}{% endblock %}{% endcached_fragment %}")
    with pytest.raises(TemplateSyntaxError, match="name=value"):
        compiled("{% cached_fragment name %}{% endcached_fragment %}")


def test_a_fragment_inside_another_is_an_error_but_not_inside_a_dynamic_part() -> None:
    nested = "{% cached_fragment %}out{% include 'inner.html' %}{% endcached_fragment %}"
    with pytest.raises(TemplateSyntaxError, match="one level"):
        compiled(nested).render(Context())
    beside = nested.replace(
        "{% include 'inner.html' %}", "{% dynamic %}{% include 'inner.html' %}{% enddynamic %}"
    )
    assert compiled(beside).render(Context()) == "outin"


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


class Interrupted(dict[Any, Any]):
    """Entries that let another thread run in the middle of an eviction, after `iter` and before `next`."""

    interrupt: Callable[[], None] = staticmethod(lambda: None)

    def __iter__(self) -> Iterator[Any]:
        iterator = super().__iter__()
        self.interrupt()
        return iterator


class WatchedLock:
    """A lock that says when a second thread waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.waited_for = threading.Event()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self.waited_for.set()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_thread_that_adds_a_rendering_does_not_disturb_another_ones_eviction() -> None:
    """Without the lock: RuntimeError, "dictionary changed size during iteration"."""
    cache = FragmentCache()
    entries, lock = Interrupted(), WatchedLock()
    cache._entries, cache._lock = entries, lock  # type: ignore[assignment]
    nothing = Rendering([""], [])
    cache.put(("first",), nothing, size=1)

    def add() -> None:
        cache.put(("third",), nothing, size=9)
        lock.waited_for.set()  # or done, where there is no lock to wait for

    other = threading.Thread(target=add)

    def interrupt() -> None:
        entries.interrupt = lambda: None
        other.start()
        lock.waited_for.wait()

    entries.interrupt = interrupt
    cache.put(("second",), nothing, size=1)
    other.join()
    assert list(entries) == [("second",), ("third",)]
