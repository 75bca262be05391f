"""A writer: a kwip, a comment or a favourite by a random person once a second, until SIGTERM."""

import random
import time
import uuid


def main() -> None:
    import django

    django.setup()
    from apps.accounts.models import User
    from apps.kwips import actions
    from apps.kwips.models import Kwip

    chance = random.Random(2008)
    people = list(User.objects.order_by("-kwips_count", "pk")[:2000])
    kwips = list(Kwip.objects.filter(thread=None, audience=None).order_by("-pk")[:2000])
    made = 0
    while True:
        began = time.monotonic()
        person, kwip = chance.choice(people), chance.choice(kwips)
        what = chance.choice(["publish", "comment", "favourite"])
        if what == "publish":
            actions.publish(author=person, text=f"tea #tea {made}", form_key=uuid.uuid4())
        elif what == "comment":
            actions.comment(author=person, thread=kwip, text="so do i", form_key=uuid.uuid4())
        else:
            actions.favourite(user=person, kwip=kwip)
        made += 1
        print(made, flush=True)
        time.sleep(max(0.0, 1 - (time.monotonic() - began)))


if __name__ == "__main__":
    main()
