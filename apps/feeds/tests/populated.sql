-- A community large enough that PostgreSQL chooses as it would on the site: 4,000 people, of whom the second half
-- fell silent long ago; 38,000 kwips, 8,000 comments, and of each twenty kwips one is a share
-- instead. Person 1 follows 1,000 who kwip and 1,000 who do not any more, person 2 follows 1,000 who do not, person 3 a
-- hundred. Nothing in it is random.
INSERT INTO accounts_user (
    id, username, email, password, display_name, bio, avatar, version, is_active, is_staff, is_superuser,
    kwips_count, comments_count, favourites_count, followers_count, following_count
)
SELECT i, 'person' || i, 'person' || i || '@example.org', '!', '', '', '', 1, true, false, false,
       0, 0, 0, 0, CASE i WHEN 1 THEN 2000 WHEN 2 THEN 1000 WHEN 3 THEN 100 ELSE 20 END
FROM generate_series(1, 4000) i;

INSERT INTO kwips_kwip (
    id, author_id, audience_id, visibility, text, form_key, created_at, last_active_at, version, comments_count, favourites_count
)
SELECT i, author, CASE WHEN i % 20 = 0 THEN author END, (i % 20 = 0)::int, repeat('some words ', 20), gen_random_uuid(),
       timestamptz '2026-01-01' + i * interval '1 minute', timestamptz '2026-01-01' + i * interval '1 minute', 1, 0, 0
FROM (
    SELECT i, CASE WHEN i <= 8000 THEN 2001 + i * 7919 % 2000 ELSE 1 + i * 7919 % 2000 END AS author
    FROM generate_series(1, 40000) i WHERE i % 20 <> 7
) kwip;

-- Whatever earlier tests left in the statistics: a plan for few rows takes minutes for what follows.
ANALYZE accounts_user, kwips_kwip;

INSERT INTO kwips_kwip (
    id, author_id, thread_id, audience_id, visibility, text, form_key, created_at, last_active_at,
    version, comments_count, favourites_count
)
SELECT 40000 + i, 1 + i * 104729 % 2000, t.id, t.audience_id, t.visibility, 'a comment', gen_random_uuid(),
       timestamptz '2026-02-01' + i * interval '1 minute', timestamptz '2026-02-01' + i * interval '1 minute', 1, 0, 0
FROM generate_series(1, 8000) i
JOIN kwips_kwip t ON t.id = CASE WHEN i % 4 = 0 THEN 39999 ELSE 10000 + i * 7907 % 30000 END;

ANALYZE kwips_kwip;

UPDATE kwips_kwip k
SET last_active_at = talk.newest, comments_count = talk.number
FROM (
    SELECT thread_id, max(created_at) AS newest, count(*) AS number
    FROM kwips_kwip WHERE thread_id IS NOT NULL GROUP BY thread_id
) talk
WHERE talk.thread_id = k.id;

INSERT INTO graph_follow (follower_id, followee_id)
SELECT 1, i FROM generate_series(1001, 3000) i
UNION ALL SELECT 2, i FROM generate_series(2001, 3000) i
UNION ALL SELECT 3, i FROM generate_series(1001, 1100) i
UNION ALL
SELECT i, 1 + (i * 31 + j * 97) % 4000
FROM generate_series(4, 4000) i, generate_series(1, 20) j WHERE i <> 1 + (i * 31 + j * 97) % 4000;

INSERT INTO graph_block (blocker_id, blocked_id)
SELECT i, i + 1 + j * 7 FROM generate_series(1, 1000) i, generate_series(0, 2) j;
INSERT INTO graph_mute (muter_id, muted_id)
SELECT i, i + 2 + j * 7 FROM generate_series(1, 1000) i, generate_series(0, 2) j;

INSERT INTO kwips_tag (id, name) SELECT i, 'tag' || i FROM generate_series(1, 50) i;
INSERT INTO kwips_kwiptag (tag_id, kwip_id)
SELECT CASE WHEN i % 2 = 0 THEN 1 ELSE 2 + i % 49 END, i FROM generate_series(1, 48000, 3) i
JOIN kwips_kwip k ON k.id = i;

INSERT INTO kwips_favourite (user_id, kwip_id)
SELECT person, kwip
FROM (
    SELECT 5 AS person, i AS kwip FROM generate_series(1, 48000, 48) i
    UNION ALL SELECT 10 + i % 500, i FROM generate_series(1, 48000) i
    UNION ALL SELECT 600 + i % 500, i FROM generate_series(1, 48000) i
) liked
JOIN kwips_kwip k ON k.id = liked.kwip
ORDER BY kwip, person;

INSERT INTO kwips_share (id, sharer_id, kwip_id, author_id)
SELECT i, sharer, k.id, k.author_id
FROM (
    SELECT i, CASE WHEN i % 60 = 7 THEN 6 ELSE 1 + i * 7927 % 2000 END AS sharer FROM generate_series(7, 40000, 20) i
) shared
JOIN kwips_kwip k ON k.id = i - 1
WHERE k.visibility = 0 AND k.author_id <> sharer;
UPDATE kwips_kwip k SET shares_count = 1 FROM kwips_share s WHERE s.kwip_id = k.id;

INSERT INTO kwips_bookmark (user_id, kwip_id)
SELECT CASE WHEN i % 48 = 1 THEN 3 ELSE 10 + i % 500 END, k.id
FROM generate_series(1, 48000, 3) i JOIN kwips_kwip k ON k.id = i;
