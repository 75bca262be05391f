-- Fragment: counts `marked` in the number of the kwip's author, if they want to know it. Of a kwip beyond
-- `counted_to` it takes the lock only.
-- index: kwips_thanks_pkey (person_id), kwips_kwip_pkey (id)
thanked AS (
    UPDATE kwips_thanks t
    SET number = greatest(0, t.number + CASE WHEN k.id <= t.counted_to THEN marked.step ELSE 0 END)
    FROM marked
    JOIN kwips_kwip k ON k.id = marked.kwip_id
    WHERE t.person_id = k.author_id
)
