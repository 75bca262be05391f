-- What every timeline gives of the ids that it found: with the versions that the keys of their cards need, and whom
-- they mention who is switched off (their names are no links). A comment's card also names the author of the kwip
-- that it is about: the sum moves with either author. {ids} is the timeline, {order} its order.
-- Served by the primary keys of kwips_kwip, accounts_user and kwips_mention (kwip_id, user_id), and by
-- user_switched_off (id).
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
    ) AS unlinked
FROM ({ids}) AS page
JOIN kwips_kwip AS kwip ON kwip.id = page.id
JOIN accounts_user AS author ON author.id = kwip.author_id
ORDER BY {order}
