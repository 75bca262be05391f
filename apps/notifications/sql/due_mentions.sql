-- Fragment: `due`, the people to notify of the new kwip `made`: those `mentioned`.
-- index: none, its tables are CTEs
due AS MATERIALIZED (
    SELECT mentioned.user_id, 'mention' AS kind, made.id AS subject, made.author_id AS actor_id
    FROM made
    CROSS JOIN mentioned
)
