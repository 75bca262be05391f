-- Kwips and comments that match a query, newest first. The steps are walked in turn, from the cursor on, and the walk
-- ends with the page: a frequent word ends it in the first steps, a rare one is read to its end by few lookups. LATERAL
-- and OFFSET 0 keep the order of the steps. %(slices)s has the slices of each step as a query.
-- index: search_words (words), kwips_kwip_pkey (id), user_switched_off (id), user_limited (id)
-- types: query text, slices text[], lows bigint[], highs bigint[]
SELECT found.id
FROM (
    SELECT k.id
    FROM unnest(%(slices)s::text[], %(lows)s::bigint[], %(highs)s::bigint[]) AS step (slices, low, high)
    CROSS JOIN LATERAL (
        SELECT e.kwip_id
        FROM search_entry e
        -- Two conditions: GIN then skips, in the long lists of the query, to the first id of the slices. In one
        -- condition it would read the shortest of the lists from its beginning.
        WHERE e.words @@ %(query)s::tsquery
          AND e.words @@ step.slices::tsquery
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
      AND {unsilenced}
      AND {unlimited}
      AND {switched_on}
    LIMIT %(limit)s
) found
ORDER BY found.id {order}
