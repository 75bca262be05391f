-- Takes the favourites of deleted kwips out of the numbers of their authors, if they were counted. Locks the rows
-- in the order of the people.
-- index: kwips_thanks_pkey (person_id)
-- types: ids bigint[], authors bigint[], numbers integer[]
WITH locked AS MATERIALIZED (
    SELECT t.person_id FROM kwips_thanks t WHERE t.person_id = ANY (%(authors)s) ORDER BY t.person_id FOR UPDATE
)
UPDATE kwips_thanks t
SET number = greatest(0, t.number - coalesce((
    SELECT sum(gone.number)
    FROM unnest(%(ids)s::bigint[], %(authors)s::bigint[], %(numbers)s::integer[]) AS gone (id, author_id, number)
    WHERE gone.author_id = t.person_id AND gone.id <= t.counted_to
), 0))
FROM locked
WHERE t.person_id = locked.person_id
