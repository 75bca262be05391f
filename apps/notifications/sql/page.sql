-- A page of the notices of %(viewer)s, of the newest %(kept)s: groups by their newest notice, of each group
-- the newest %(lines)s lines. A line is what a kind says about one subject, with its newest three actors and
-- the number of all, and the beginning of the text that it leads to.
-- index: notice_list (recipient_id, id DESC), kwips_kwip_pkey (id), accounts_user_pkey (id)
-- types: new bigint[]
WITH kept AS MATERIALIZED (
    SELECT n.*
    FROM notifications_notice n
    WHERE n.recipient_id = %(viewer)s AND NOT n.is_cleared
    ORDER BY n.id DESC
    LIMIT %(kept)s
),
page AS MATERIALIZED (
    SELECT groups.grouping, groups.id
    FROM (SELECT n.grouping, max(n.id) AS id FROM kept n GROUP BY n.grouping) groups
    WHERE groups.id {beyond} %(cursor_id)s
      AND EXISTS (SELECT FROM kept n {shown} AND n.grouping = groups.grouping)
    ORDER BY groups.id {order}
    LIMIT %(limit)s
),
said AS (
    SELECT
        page.id AS group_id,
        n.kind,
        n.subject,
        max(n.thread_id) AS thread_id,
        max(place.id) AS kwip_id,
        max(n.told_at) AS told_at,
        bool_or(n.is_unseen OR n.id = ANY (%(new)s)) AS is_unseen,
        count(*) AS number,
        (array_agg(actor.id ORDER BY n.id DESC))[:3] AS actors,
        row_number() OVER (PARTITION BY page.id ORDER BY max(n.id) DESC) AS row
    FROM page
    JOIN kept n ON n.grouping = page.grouping
    {shown}
    GROUP BY page.id, n.kind, n.subject
)
SELECT
    said.group_id,
    said.kind,
    said.subject,
    said.told_at,
    said.is_unseen,
    said.number,
    ARRAY(
        SELECT ARRAY[u.username, coalesce(nullif(u.display_name, ''), u.username), u.avatar]::text[]
        FROM unnest(said.actors) WITH ORDINALITY AS actor (id, place)
        JOIN accounts_user u ON u.id = actor.id
        ORDER BY actor.place
    ) AS actors,
    said.kwip_id,
    ka.username AS kwip_author,
    left(k.text, 632) AS kwip_text,
    said.thread_id,
    ta.username AS thread_author,
    left(t.text, 632) AS thread_text
FROM said
LEFT JOIN kwips_kwip k ON k.id = said.kwip_id
LEFT JOIN accounts_user ka ON ka.id = k.author_id
LEFT JOIN kwips_kwip t ON t.id = said.thread_id
LEFT JOIN accounts_user ta ON ta.id = t.author_id
WHERE said.row <= %(lines)s
ORDER BY said.group_id {order}, said.row
