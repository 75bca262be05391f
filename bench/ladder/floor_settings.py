"""The constant page of `bench/members`, and the bare view that publishes."""

from bench.members.constant_settings import *  # noqa: F403

ROOT_URLCONF = "bench.ladder.bare_view"
