-- What a snapshot knows: the viewer's graph, everyone's newest kwip or share, the oldest transaction that has not ended,
-- and the next transaction id. A writer has a transaction id before its kwip or share has an id, so one up to `newest`
-- that commits after this snapshot has a transaction before `next_xid`.
-- index: kwip_everyone_by_id (id DESC), kwips_share_pkey (id)
SELECT
    {graph} AS graph,
    greatest(
        (SELECT k.id FROM kwips_kwip k WHERE k.thread_id IS NULL ORDER BY k.id DESC LIMIT 1),
        (SELECT s.id FROM kwips_share s ORDER BY s.id DESC LIMIT 1),
        0
    ) AS newest,
    pg_snapshot_xmin(snapshot)::text::bigint AS oldest_xid,
    -- A snapshot's xmax follows the last transaction that ended; later ones may be open.
    pg_snapshot_xmax(snapshot)::text::bigint + age(pg_snapshot_xmax(snapshot)::xid) AS next_xid
FROM pg_current_snapshot() AS snapshot
