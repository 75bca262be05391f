-- What the cards of some kwips show, in the order of %(ids)s; at most %(length)s characters of each text.
-- index: kwips_kwip_pkey (id), accounts_user_pkey (id), kwips_mention_pkey (kwip_id, user_id), accounts_formername_user_id_24c01e00 (user_id),
-- kwip_pictures (kwip_id, place), pictures_picture_pkey (id)
-- types: ids bigint[]
SELECT
    k.id,
    k.version,
    k.author_id,
    a.version + coalesce(ta.version, 0),
    a.username,
    coalesce(nullif(a.display_name, ''), a.username),
    coalesce(nullif(a.avatar, ''), a.face),
    left(k.text, %(length)s::int),
    octet_length(k.text),
    k.content_note,
    k.is_formatted,
    k.created_at,
    k.edited_at,
    k.comments_count,
    k.favourites_count,
    k.shares_count,
    k.visibility <> 0 OR k.audience_id IS NOT NULL,
    k.withheld & ~1,
    k.thread_id,
    ta.id,
    coalesce(ta.username, ''),
    k.answers_id,
    coalesce(left(coalesce(nullif(t.content_note, ''), t.text), 632), ''),
    coalesce(t.is_formatted AND t.content_note = '', false),
    ARRAY(
        SELECT named.name
        FROM kwips_mention m
        JOIN accounts_user u ON u.id = m.user_id
        CROSS JOIN LATERAL (
            SELECT u.username::text
            UNION ALL
            -- Older texts have the name that the person had then.
            SELECT f.name::text FROM accounts_formername f WHERE f.user_id = m.user_id AND f.kept_until > now()
        ) AS named (name)
        WHERE m.kwip_id = k.id AND u.is_active
    ),
    ARRAY(
        SELECT m.user_id
        FROM kwips_mention m
        WHERE m.kwip_id = k.id
          AND EXISTS (SELECT FROM accounts_user u WHERE u.id = m.user_id AND NOT u.is_active OFFSET 0)
    ),
    k.is_sensitive,
    -- NULL for none. A comment has none.
    CASE WHEN k.thread_id IS NULL THEN (
        SELECT json_agg(
            json_build_array(p.name, p.alt, p.width, p.height, p.focal_x, p.focal_y, p.color, p.is_animated)
            ORDER BY kp.place
        )
        FROM kwips_kwippicture kp
        JOIN pictures_picture p ON p.id = kp.picture_id
        WHERE kp.kwip_id = k.id
    ) END
FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS wanted (id, place)
JOIN kwips_kwip k ON k.id = wanted.id
JOIN accounts_user a ON a.id = k.author_id
LEFT JOIN kwips_kwip t ON t.id = k.thread_id
LEFT JOIN accounts_user ta ON ta.id = t.author_id
ORDER BY wanted.place
