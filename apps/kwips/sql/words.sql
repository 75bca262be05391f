-- Fragment: the tags of the new kwip `made`, which is one row or none, and those `mentioned`. All tags exist.
-- `unnest` within: as in `named`.
-- index: kwips_tag_name_key (name)
-- types: tags text[]
mentioned AS (
    INSERT INTO kwips_mention (kwip_id, user_id)
    SELECT made.id, named.id FROM made CROSS JOIN ({named}) AS named
    RETURNING user_id
),
tagged AS (
    INSERT INTO kwips_kwiptag (kwip_id, tag_id)
    SELECT made.id, tag.id
    FROM made CROSS JOIN kwips_tag tag
    WHERE tag.name = ANY (ARRAY(SELECT unnest(%(tags)s::text[])))
    RETURNING tag_id
)
