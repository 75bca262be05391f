"""What is asked of each configuration: pages that are read, and forms that are sent."""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bench.ladder.configurations import OPTIMIZATIONS, Configuration
from bench.ladder.forms import commenting, contacting, favouriting, publishing
from bench.ladder.load import CLIENTS, Request
from bench.ladder.people import Person, members, viewers
from bench.pagecache import addresses

DEEP = 1_000  # the number of the first deep page
PAGES = 300  # deep pages, one after the other, as a crawler reads them
# The growth: pages by their number, and clients.
DEPTHS = (2, 100, 3_000)
CROWDS = (1, 64)
PAGE = 20
MIXED = 5_000  # requests of the mix: 90 % by visitors, 8 % by members who read, 2 % writes
THREADS = 400  # kwips that are commented on and favourited


@dataclass(frozen=True)
class World:
    """The addresses, people and kwips that the requests are about."""

    profile: str
    permalink: str
    cursors: list[str]  # of everyone's kwips from page 1,000 on
    depths: dict[int, str]  # the cursors of those of DEPTHS that there are
    viewers: dict[str, Person]
    members: list[Person]
    addresses: list[str]  # of public pages, the most requested first
    threads: list[int]


def world() -> World:
    """Reads them from the community."""
    from apps.accounts.models import User
    from apps.feeds.queries import everyone
    from apps.keyset import encode
    from apps.kwips.models import Kwip

    author = User.objects.filter(is_private=False, is_active=True).order_by("-kwips_count", "pk")[10]
    public = Kwip.objects.filter(thread=None, audience=None, visibility=0, withheld=0)
    talk = public.filter(comments_count__gte=5).select_related("author").order_by("-pk")[0]
    first = (DEEP - 1) * PAGE - 1
    above = public.order_by("-pk").values_list("pk", flat=True)[first : first + PAGES * PAGE : PAGE]
    order = everyone(viewer_id=None).order
    kwips = public.order_by("-pk").values_list("pk", flat=True)
    return World(
        profile=f"/{author.username}/",
        permalink=f"/{talk.author.username}/kwip/{talk.pk}/",
        cursors=[encode(order, (pk,)) for pk in above],
        depths={
            depth: encode(order, (last,))
            for depth in DEPTHS
            for last in kwips[(depth - 1) * PAGE - 1 : (depth - 1) * PAGE]
        },
        viewers=viewers(),
        members=members(),
        addresses=[path for path in addresses() if "?" not in path],
        threads=list(public.order_by("-pk").values_list("pk", flat=True)[:THREADS]),
    )


type Requests = Callable[[World, Configuration], list[Request]]


@dataclass(frozen=True)
class Scenario:
    """``requests`` makes those of one turn.

    ``about``: in the small size it is measured with and without these optimizations, in the full size with
    and without each; where there are none, under the main configurations alone. ``has_edge``: through nginx,
    too. ``mail`` is how the mail server answers. ``writes``: a turn leaves commands behind. ``is_mix``: its
    requests differ.
    """

    name: str
    requests: Requests
    about: Sequence[str] = ()
    has_edge: bool = False
    mail: str = "fast"
    writes: bool = False
    is_mix: bool = False
    clients: int = CLIENTS


def _page(path: Callable[[World], str]) -> Requests:
    return lambda world, configuration: [Request(path(world))]


def _deep(world: World, configuration: Configuration) -> list[Request]:
    if configuration.has_keyset:
        queries = [f"before={cursor}" for cursor in world.cursors]
    else:
        queries = [f"page={DEEP + number}" for number in range(PAGES)]
    # Each turn begins at another one: no turn reads the pages that the one before it has read.
    first = random.SystemRandom().randrange(PAGES)
    return [Request(f"/everyone/?{query}") for query in queries[first:] + queries[:first]]


def _at(depth: int) -> Requests:
    def requests(world: World, configuration: Configuration) -> list[Request]:
        query = f"before={world.depths[depth]}" if configuration.has_keyset else f"page={depth}"
        # By a member: Django's own best keeps such a page for visitors, and would read none.
        return [Request(f"/everyone/?{query}", world.members[0].cookies[configuration.backend])]

    return requests


def _network(name: str) -> Requests:
    return lambda world, configuration: [Request("/", world.viewers[name].cookies[configuration.backend])]


def _form(forms: Callable[[list[Person], str, list[int]], Iterable[Request]]) -> Requests:
    return lambda world, configuration: list(forms(world.members, configuration.backend, world.threads))


def _publish(world: World, configuration: Configuration) -> list[Request]:
    return list(publishing(world.members, configuration.backend))


def _contact(world: World, configuration: Configuration) -> list[Request]:
    return list(contacting())


# The optimizations that have to do with a member's page, with a write, and with mail.
OF_READS = ("lookaside", "sql", "dbpool", "keyset")
OF_WRITES = ("lookaside", "sql", "dbpool", "commandqueue")
MAIL = ("commandqueue",)
NETWORKS_ABOUT: dict[str, Sequence[str]] = {"100 active": OPTIMIZATIONS, "5000 dormant": OF_READS}
NETWORKS = [f"{number} {kind}" for kind in ("active", "dormant") for number in (10, 100, 1_000, 5_000)]
READS = [
    Scenario("front page", _page(lambda world: "/"), OPTIMIZATIONS, has_edge=True),
    Scenario("profile", _page(lambda world: world.profile), has_edge=True),
    Scenario("permalink", _page(lambda world: world.permalink), has_edge=True),
    Scenario(f"from page {DEEP:,} on", _deep, OF_READS),
    *(Scenario(f"network {name}", _network(name), NETWORKS_ABOUT.get(name, ())) for name in NETWORKS),
]
# Of Django and of the whole site alone: how each gets slower with depth and clients.
GROWTH = [
    *(Scenario(f"page {depth:,}", _at(depth)) for depth in DEPTHS),
    *(
        Scenario(
            f"network 100 active, {crowd} client{'s' * (crowd > 1)}", _network("100 active"), clients=crowd
        )
        for crowd in CROWDS
    ),
]
WRITES = [
    Scenario("publish", _publish, OF_WRITES, writes=True),
    Scenario("comment", _form(commenting), writes=True),
    Scenario("favourite", _form(favouriting), writes=True),
    *(
        Scenario(f"contact, mail {mail}", _contact, MAIL if mail == "slow" else (), mail=mail, writes=True)
        for mail in ("fast", "slow", "dead")
    ),
]


def _mix(world: World, configuration: Configuration) -> list[Request]:
    """Visitors read some pages much more than others (Zipf); members read, and a few write."""
    backend = configuration.backend
    chances = [1 / place for place in range(1, len(world.addresses) + 1)]
    paths = iter(random.choices(world.addresses, chances, k=MIXED))
    cookies = iter(random.choices([person.cookies[backend] for person in world.members], k=MIXED))
    written = [
        iter(_publish(world, configuration)),
        *(iter(_form(each)(world, configuration)) for each in (commenting, favouriting)),
    ]
    requests = []
    for number in range(MIXED):
        place = number % 50
        if place == 0:
            requests.append(next(written[number // 50 % len(written)]))
        elif place < 5:
            requests.append(Request("/" if place % 2 else "/everyone/", next(cookies)))
        else:
            requests.append(Request(next(paths)))
    random.shuffle(requests)
    return requests


# In the full size these are also read where the community has a tenth of the kwips.
TENTH = ", a tenth of the kwips"
OF_A_TENTH = [
    replace(scenario, name=scenario.name + TENTH, about=(), has_edge=False)
    for scenario in READS
    if scenario.name in {"front page", "profile", "network 100 active", "network 5000 dormant"}
]

MIX = {
    size: [
        Scenario(f"mix, {clients} clients", _mix, has_edge=True, writes=True, is_mix=True, clients=clients)
        for clients in each
    ]
    for size, each in (("small", (1, 4, 16, 64)), ("full", (1, 4, 8, 16, 32, 64)))
}
