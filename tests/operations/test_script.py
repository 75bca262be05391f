"""One script is served, built from its sources. A page with its style sheet and script is small."""

import gzip
import json
import random
import re
import uuid
from itertools import chain
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings

from apps.accounts.models import User
from apps.feeds.queries import PAGE_SIZE
from apps.kwips import actions
from kwippy import stylesheet
from kwippy.script import LATER, SCRIPT, SOURCE, joined, named

MOST_BYTES = 25_000
HASHED = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}


def test_every_source_is_in_the_script_once() -> None:
    sources = {path.name for path in SOURCE.parent.glob("*.js")}
    assert sources == {*named(), SCRIPT, *chain.from_iterable(LATER.values())}
    assert len(set(named())) == len(named())


def test_comments_and_indentation_are_left_out_and_no_code() -> None:
    for names in (named(), *LATER.values()):
        whole = "\n".join((SOURCE.parent / name).read_text() for name in names)
        built = joined(names)
        assert not re.search(r"^\s|^/[*/]|\s// ", built, re.MULTILINE)
        defined = re.findall(r"^ *(?:async )?function (\w+)", whole, re.MULTILINE)
        assert defined
        assert all(f"function {name}(" in built for name in defined)


@pytest.mark.django_db
def test_a_page_with_its_style_and_script_is_small(client: Client) -> None:
    ann = User.objects.create_user("ann", "ann@example.org")
    chance = random.Random(7)
    words = ["".join(chance.choices("etaoinshrdlu", k=chance.randrange(2, 9))) for _ in range(800)]
    with connection.cursor() as cursor:  # ids as long as those of a community
        cursor.execute("ALTER SEQUENCE kwips_kwip_id_seq RESTART WITH 1000000")
    for _ in range(PAGE_SIZE):
        text = " ".join(chance.choices(words, k=25))
        kwip = actions.publish(author=ann, text=text, form_key=uuid.uuid4()).kwip
    for _ in range(PAGE_SIZE):
        text = " ".join(chance.choices(words, k=15))
        actions.comment(author=ann, thread=kwip, text=text, form_key=uuid.uuid4())
    client.force_login(ann)
    # `site.js` loads the other scripts when somebody begins to write, or presses a key.
    static = [stylesheet.joined(), joined(named())]
    for path in ("/", f"/ann/kwip/{kwip.pk}/"):
        sent = [client.get(path).content, *(text.encode() for text in static)]
        assert sum(len(gzip.compress(part)) for part in sent) <= MOST_BYTES, path


def test_the_scripts_are_collected_and_their_sources_are_not(tmp_path: Path) -> None:
    root = tmp_path / "static"
    with override_settings(STATIC_ROOT=str(root), STORAGES=settings.STORAGES | {"staticfiles": HASHED}):
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["admin", "account"])
        assert Path(str(finders.find(SCRIPT))).read_text() == joined(named())
    paths = json.loads((root / "staticfiles.json").read_text())["paths"]
    built = (SCRIPT, *LATER)
    assert {path.name for path in root.glob("*.js")} == {*built, *(paths[path] for path in built)}
    assert (root / SCRIPT).read_text() == joined(named())
