"""What tells of a person without their words: counts, names, addresses, images; and archives."""

import io
import json
import re
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.archive import exporting, files
from apps.archive.models import Export
from apps.feeds import previews, queries, unseen
from apps.feeds.sitemaps import RANGE
from apps.keyset import encode
from apps.kwips.queries import cards
from apps.kwips.visibility import Visible
from tests.privacy.table import LIMITED, PAGES, timeline_of_everyone
from tests.privacy.test_matrix import Viewer, found
from tests.privacy.world import (
    ANONYMOUS,
    AUTHOR,
    BLOCKED,
    GONE,
    MUTING,
    STATES,
    World,
    built,
    may_read,
    viewers_of,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]

# What one wrote oneself, and the messages that one has.
OWN: dict[str, Collection[str]] = {
    AUTHOR: ("everyone", "earlier", "followers", "comment", "bio", "message", "unreported", "draft"),
    "fay": ("answer", "reply"),
}
NEWS = {timeline_of_everyone: "/everyone/new/", PAGES[""]: "/network/new/"}


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ARCHIVE_ROOT = str(tmp_path / "archives")
    monkeypatch.setattr(previews, "pause", lambda seconds: None)


@pytest.mark.parametrize("state", STATES)
def test_what_has_no_words_tells_no_more_than_the_pages(state: str) -> None:
    world = built()
    anyone = Viewer(ANONYMOUS, world)
    numbers = Numbers(world)
    image, portrait = numbers.images()
    for path in numbers.documents:
        anyone.body(path)
    STATES[state](world)
    is_public = "everyone" in may_read(ANONYMOUS, state)
    is_there, is_listed = state not in GONE, state not in {*GONE, LIMITED}
    shown = {name: anyone.body(path) for name, path in zip(numbers.names, numbers.documents, strict=True)}
    assert (f"{numbers.address}<" in shown["kwips"]) == (is_public and is_listed)
    assert ("/ann/<" in shown["people"]) == is_listed
    total = re.search(r"(\d+) kwips? for everyone", shown["statistics"])
    assert (total is not None) == is_public
    assert (Client().get(image).status_code == 200) == is_public
    assert (Client().get(portrait).status_code == 200) == is_there
    for viewer in viewers_of(state):
        if viewer != AUTHOR or is_there:
            numbers.compare(viewer, state)
            if viewer != ANONYMOUS:
                _compare_archive(world, viewer, state)


class Numbers:
    """The documents about the author, and the counts and names that a viewer gets."""

    names = ("kwips", "people", "statistics")

    def __init__(self, world: World) -> None:
        self.world = world
        self.address = f"/ann/kwip/{world.kwip_ids['everyone']}/"
        self.documents = (
            f"/sitemap-kwips-{world.kwip_ids['everyone'] // RANGE}.xml",
            f"/sitemap-people-{world.author.pk // RANGE}.xml",
            "/ann/statistics/",
        )

    def images(self) -> tuple[str, str]:
        author = type(self.world.author).objects.get(pk=self.world.author.pk)
        [card] = cards([Visible(self.world.kwip_ids["everyone"])])
        return previews.kwip_path(card), previews.person_path(author)

    def compare(self, viewer: str, state: str) -> None:
        browser = Client()
        if viewer != ANONYMOUS:
            browser.force_login(self.world.people[viewer])
            self._completion(browser, viewer, state)
        for shown, news in NEWS.items():
            if viewer == ANONYMOUS and news == "/network/new/":
                continue
            # The network of hal, who follows no one, has suggestions instead; the host is hal.
            is_empty = news == "/network/new/" and viewer == "hal"
            on_page = set() if is_empty else {*shown(viewer, {"state": state})} & {*may_read(viewer, state)}
            of_host = news == "/everyone/new/" or viewer == "hal"
            counted = json.loads(browser.get(f"{news}?after={_from_the_beginning(news)}").content)["count"]
            assert counted == len(on_page & {"everyone", "followers"}) + of_host, (viewer, news)

    def _completion(self, browser: Client, viewer: str, state: str) -> None:
        """A kwip's conversation offers no one besides those whom the viewer may meet."""
        is_offered = state not in GONE and viewer not in {*BLOCKED, MUTING, AUTHOR}
        for query in ("q=an", f"q=&kwip={self.world.kwip_ids['everyone']}"):
            offered = browser.get(f"/people/complete/?{query}").content.decode()
            follows_or_asks = query == "q=an" or self._takes_part(viewer, state)
            assert ('"ann"' in offered) == (is_offered and follows_or_asks), (viewer, query)

    def _takes_part(self, viewer: str, state: str) -> bool:
        """Without a name, people of the conversation are offered, and whom the viewer follows."""
        return viewer == "fay" or "everyone" in may_read(viewer, state)


def _from_the_beginning(news: str) -> str:
    """The cursor of a page that was empty."""
    everyone = queries.everyone(viewer_id=None)
    timeline = everyone if news == "/everyone/new/" else queries.network(viewer_id=1, following_count=1)
    return encode(unseen._watch_order(timeline), (0, 0))


def _compare_archive(world: World, viewer: str, state: str) -> None:
    """It has one's own, and nothing of others that one may not read."""
    texts = _archived(world, viewer)
    own = {*OWN.get(viewer, ())} if (viewer, state) != ("fay", "deleted") else set()
    assert own <= texts <= own | {*may_read(viewer, state)}, (viewer, texts)


def _archived(world: World, name: str) -> set[str]:
    export, _is_new = exporting.ask(person=world.people[name])
    while Export.objects.get(pk=export.pk).state == Export.State.MAKING:
        exporting.make.func(export.pk)
    archive = zipfile.ZipFile(io.BytesIO(files.archive_of(export.pk).read_bytes()))
    return found("\n".join(archive.read(entry).decode("utf-8", "replace") for entry in archive.namelist()))
