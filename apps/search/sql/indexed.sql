-- Fragment: the index of the new kwip or comment `made`, which is one row or none, and the names of its tags, in one
-- order against deadlocks.
-- index: search_entry_pkey (kwip_id), search_tagname_pkey (tag_id), kwips_tag_name_key (name)
-- types: vector text, tags text[], folded_tags text[]
indexed AS (
    INSERT INTO search_entry (kwip_id, words)
    SELECT made.id, %(vector)s::tsvector || {slices} FROM made
),
tags_named AS (
    INSERT INTO search_tagname (tag_id, name)
    SELECT tag.id, new.folded
    FROM made
    CROSS JOIN unnest(%(tags)s::text[], %(folded_tags)s::text[]) AS new (name, folded)
    JOIN kwips_tag tag ON tag.name = new.name
    WHERE NOT EXISTS (SELECT FROM search_tagname there WHERE there.tag_id = tag.id OFFSET 0)
    ORDER BY tag.id
    ON CONFLICT DO NOTHING
)
