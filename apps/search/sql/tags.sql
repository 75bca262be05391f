-- The tags that are most like %(name)s, in folded spelling, and have a kwip that the viewer may see; see people.sql.
-- index: search_tag_prefix (name text_pattern_ops), search_tag_trigrams (name gin_trgm_ops), kwips_tag_pkey (id), kwips_kwiptag_pkey (tag_id, kwip_id), kwips_kwip_pkey (id)
-- types: name text, end text
WITH near AS (
    (
        SELECT n.tag_id, n.name
        FROM search_tagname n
        WHERE n.name ~>=~ %(name)s AND n.name ~<~ %(end)s
        ORDER BY n.name USING ~<~
        LIMIT %(limit)s
    )
    UNION
    SELECT n.tag_id, n.name FROM search_tagname n WHERE n.name %%> %(name)s
)
SELECT ranked.name
FROM (
    SELECT tag.id, tag.name
    FROM near
    JOIN kwips_tag tag ON tag.id = near.tag_id
    ORDER BY
        near.name = %(name)s DESC,
        starts_with(near.name, %(name)s) DESC,
        word_similarity(%(name)s, near.name) DESC,
        tag.id
    OFFSET 0
) ranked
WHERE EXISTS (
    SELECT
    FROM kwips_kwiptag t
    CROSS JOIN LATERAL (
        SELECT tagged.id, tagged.author_id, tagged.audience_id, tagged.visibility, tagged.withheld, tagged.thread_id
        FROM kwips_kwip tagged
        WHERE tagged.id = t.kwip_id
        OFFSET 0
    ) k
    WHERE t.tag_id = ranked.id
      AND ({visible})
      AND {thread_visible}
      AND {unmuted}
      AND {unlimited}
    OFFSET 0
)
LIMIT %(limit)s
