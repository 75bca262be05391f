import time

import pytest

from apps.plaintext import language_of
from apps.plaintext.languages import _NO_WORDS


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I would like some tea please, and a biscuit", "en"),
        ("Hoy hice croquetas y se me quemaron un poco.", "es"),
        ("C'est la vie, mon ami, et c'est très bien ainsi", "fr"),
        ("Привет, как дела? Сегодня хорошая погода", "ru"),
        ("आज बारिश हो रही है और चाय बन रही है", "hi"),
        ("مرحبا بكم في هذا المكان الجميل", "ar"),
        ("今日はいい天気", "ja"),
        ("안녕하세요", "ko"),
        ("我今天去了公园", "zh"),
        ("Καλημέρα", "el"),
        ("สวัสดีครับ", "th"),
    ],
)
def test_the_language_is_detected(text: str, language: str) -> None:
    assert language_of(text) == language
    assert (
        language_of(f"{text} https://example.com/the/long/and/winding/road @somebody #and_so_on 12:30")
        == language
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("これを見てhttps://example.jp/道/页。そして「https://example.com/foo」", "ja"),
        ("@demoさん、今日はいい天気ですね#お茶", "ja"),
        ("看看这个https://example.cn/a。我今天去了公园", "zh"),
        ("ดูนี่https://example.com/a/bสวัสดีครับ", "th"),
    ],
)
def test_the_language_is_detected_beside_names_and_urls(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    "text", ["", "ok", "hola", ":-)", "12:30", "asdf qwer zxcv uiop hjkl", "@demo https://example.com/tea/is/ready",
        "\u0301" * 700, "a" * 700]
)  # fmt: skip
def test_an_uncertain_language_is_empty(text: str) -> None:
    assert language_of(text) == ""


@pytest.mark.parametrize("sign", ["a", "\u0301"])
def test_a_word_is_searched_in_proportion_to_its_length(sign: str) -> None:
    def seconds(length: int) -> float:
        times = []
        for _ in range(5):
            began = time.process_time()
            _NO_WORDS.sub("", sign * length)
            times.append(time.process_time() - began)
        return min(times)

    assert seconds(40_000) < 40 * seconds(4_000)  # of each pair of places it would be a hundred times
