-- Wraps every timeline: adds to the ids that it found the versions that the keys of their cards need, the
-- mentioned people who are deactivated (their names are not linked), and the viewer's {marks}, and why they
-- muffle it; of a network also the author. A comment's card also names the
-- author of the kwip that it is about: the sum changes with either author. {ids} is the timeline,
-- {page_order} its order. OFFSET 0 has PostgreSQL look up each kwip and author by key: beside the estimated cost of a
-- large network, a scan of all people looks no dearer.
-- index: kwips_kwip_pkey (id), accounts_user_pkey (id), kwips_mention_pkey (kwip_id, user_id),
-- user_switched_off (id)
SELECT
    page.*,
    kwip.version,
    author.version + coalesce(
        (
            SELECT a.version
            FROM kwips_kwip t
            JOIN accounts_user a ON a.id = t.author_id
            WHERE t.id = kwip.thread_id
        ),
        0
    ) AS authors_version,
    ARRAY(
        SELECT m.user_id
        FROM kwips_mention m
        WHERE m.kwip_id = page.id
          AND EXISTS (SELECT FROM accounts_user a WHERE a.id = m.user_id AND NOT a.is_active OFFSET 0)
    ) AS unlinked,
    {marks} AS marks,
    {muffled} AS muffled,
    {author} AS author
FROM ({ids}) AS page
CROSS JOIN LATERAL (SELECT k.version, k.author_id, k.thread_id FROM kwips_kwip k WHERE k.id = page.id OFFSET 0) AS kwip
CROSS JOIN LATERAL (
    SELECT
        a.version,
        a.username,
        coalesce(nullif(a.avatar, ''), a.face) AS avatar,
        coalesce(nullif(a.display_name, ''), a.username)::text AS name
    FROM accounts_user a
    WHERE a.id = kwip.author_id
    OFFSET 0
) AS author
ORDER BY {page_order}
