-- Stores whether %(user)s tracks the conversation of %(kwip)s, if the kwip exists and the choice is new. What they saw
-- before is forgotten: it says nothing of what they saw while they did not track.
-- index: kwips_kwip_pkey (id), kwips_track_pkey (kwip_id, user_id)
-- types: is_on boolean
INSERT INTO kwips_track AS t (kwip_id, user_id, is_on)
SELECT k.id, %(user)s, %(is_on)s FROM kwips_kwip k WHERE k.id = %(kwip)s AND k.thread_id IS NULL
FOR KEY SHARE OF k
ON CONFLICT (kwip_id, user_id) DO UPDATE
SET is_on = excluded.is_on, seen_id = NULL, seen_at = NULL
WHERE t.is_on <> excluded.is_on
