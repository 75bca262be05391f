-- Notifies the people mentioned in the comment %(comment)s, and the next %(limit)s people after %(after)s who
-- track its conversation. Returns how many it found, the last of them, and the new notices.
-- index: kwips_kwip_pkey (id), kwips_mention_pkey (kwip_id, user_id),
-- kwips_kwiptag_kwip_id_a2123aac (kwip_id)
WITH made AS (SELECT k.* FROM kwips_kwip k WHERE k.id = %(comment)s),
mentioned AS (SELECT m.user_id FROM kwips_mention m WHERE m.kwip_id = %(comment)s),
tagged AS (SELECT t.tag_id FROM kwips_kwiptag t WHERE t.kwip_id = %(comment)s),
{due},
{written}
SELECT
    (SELECT count(*) FROM trackers),
    (SELECT max(user_id) FROM trackers),
    {new}
