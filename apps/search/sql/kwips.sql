-- Kwips and comments that match a query, newest first. The steps are walked in turn, from the cursor on, and the walk
-- ends with the page: a frequent word ends it in the first steps, a rare one is read to its end by few lookups. LATERAL
-- and OFFSET 0 keep the order of the steps. %(queries)s has the query of each step, with the step's slices.
-- index: search_words (words), kwips_kwip_pkey (id), user_switched_off (id)
-- types: queries text[], lows bigint[], highs bigint[]
SELECT found.id
FROM (
    SELECT k.id
    FROM unnest(%(queries)s::text[], %(lows)s::bigint[], %(highs)s::bigint[]) AS step (query, low, high)
    CROSS JOIN LATERAL (
        SELECT e.kwip_id
        FROM search_entry e
        WHERE e.words @@ step.query::tsquery
          -- Not by the index of ids, whose scan of a long step would be long.
          AND e.kwip_id + 0 >= step.low
          AND e.kwip_id + 0 < step.high
          AND e.kwip_id + 0 {beyond} %(cursor_id)s
        ORDER BY e.kwip_id {order}
        OFFSET 0
    ) entry
    CROSS JOIN LATERAL (
        SELECT kwip.id, kwip.author_id, kwip.audience_id, kwip.visibility, kwip.withheld, kwip.thread_id
        FROM kwips_kwip kwip
        WHERE kwip.id = entry.kwip_id
        OFFSET 0
    ) k
    WHERE ({visible})
      AND {thread_visible}
      AND {unmuted}
      AND {switched_on}
    LIMIT %(limit)s
) found
ORDER BY found.id {order}
