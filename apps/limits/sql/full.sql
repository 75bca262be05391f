-- Fragment: the row `kept` has no room for one more hit: the oldest of its last %(amount)s hits is within
-- the span. A time ahead of the clock does not count, so a clock that was set back locks out no one.
-- index: none, it tests columns of one row
coalesce(
    kept.times[cardinality(kept.times) + 1 - %(amount)s]
        BETWEEN clock_timestamp() - make_interval(secs => %(seconds)s) AND clock_timestamp(), false)
