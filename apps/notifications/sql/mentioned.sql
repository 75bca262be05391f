-- Notifies the people mentioned in the kwip or comment %(kwip)s who may see it and have no notice of it.
-- index: kwips_kwip_pkey (id), kwips_mention_pkey (kwip_id, user_id),
-- kwips_kwiptag_kwip_id_a2123aac (kwip_id)
WITH made AS (SELECT k.* FROM kwips_kwip k WHERE k.id = %(kwip)s),
mentioned AS (SELECT m.user_id FROM kwips_mention m WHERE m.kwip_id = %(kwip)s),
tagged AS (SELECT t.tag_id FROM kwips_kwiptag t WHERE t.kwip_id = %(kwip)s),
{due_mentions},
{written}
SELECT {new}
