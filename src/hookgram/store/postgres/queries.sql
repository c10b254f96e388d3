-- Every statement of the PostgreSQL store, by name; :name is a parameter. The hot ones call functions
-- of the schema (migrations/0005_calls.sql).
-- delivery.state: 0 waiting, 1 pending (leased if lease has a row of it), 3 delivered, 4 dead,
-- 5 cancelled.
--
-- Locks are taken in one order everywhere: event, target, seen, lane (sorted), delivery, lease,
-- counter (sorted). A statement that waited for a lock may not trust what it read before, so lanes
-- are locked by a statement of their own, and the next one reads anew (READ COMMITTED).

-- Connections ----------------------------------------------------------------------------------

-- name: process
SELECT pg_backend_pid()

-- name: read_only
SHOW transaction_read_only

-- name: settings
SELECT current_setting('fsync'), current_setting('full_page_writes'),
       current_setting('synchronous_commit'), current_setting('transaction_read_only'),
       current_setting('server_version_num')::integer,
       current_setting('server_encoding')

-- name: has_schema
SELECT to_regclass('migration') IS NOT NULL

-- Freed by the end of its transaction, a crash included. The number is "hookgram" in ASCII.
-- name: lock_schema
SELECT pg_advisory_xact_lock(7525356009447121261)

-- Shorter than others wait for a lock, who wait behind this one.
-- name: give_way
SET LOCAL lock_timeout = '500ms'

-- name: make_bookkeeping
CREATE TABLE IF NOT EXISTS migration (
  number integer PRIMARY KEY,
  name text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
)

-- name: version
SELECT coalesce(max(number), 0) FROM migration

-- name: note_step
INSERT INTO migration (number, name) VALUES (:number, :name)

-- Transactions ---------------------------------------------------------------------------------

-- name: begin
BEGIN

-- name: begin_reading
BEGIN READ ONLY

-- name: commit
COMMIT

-- name: rollback
ROLLBACK

-- Time-outs, so that a stopped replica holds nobody up for long, and plans that do not depend on
-- statistics: of a table that was empty a moment ago they are wrong.
-- name: limits
SET LOCAL statement_timeout = '4s';
SET LOCAL lock_timeout = '2s';
SET LOCAL idle_in_transaction_session_timeout = '5s';
SET LOCAL enable_seqscan = off;
SET LOCAL enable_bitmapscan = off;
SET LOCAL enable_hashjoin = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL jit = off;
SET LOCAL plan_cache_mode = force_generic_plan

-- name: relaxed
SET LOCAL synchronous_commit = off

-- name: now
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint

-- name: add_counts
INSERT INTO counter AS c (target_id, shard, name, value)
SELECT target_id, :shard::text, name, delta
  FROM unnest(:targets::bigint[], :names::text[], :deltas::bigint[]) AS g (target_id, name, delta)
 ORDER BY target_id, name
ON CONFLICT (target_id, shard, name) DO UPDATE SET value = c.value + excluded.value

-- Inbox ----------------------------------------------------------------------------------------

-- name: accept
SELECT * FROM accept(:at::bigint, :shard::text, :event_ids::text[], :bots::bigint[],
                     :updates::bigint[], :kinds::text[], :chats::bigint[], :users::bigint[],
                     :lanes::text[], :received::bigint[], :expires::bigint[], :owing::integer[],
                     :bodies::bytea[], :digests::bytea[], :owers::integer[], :owed::bigint[],
                     :priorities::smallint[], :owed_lanes::text[], :delays::bigint[],
                     :reasons::text[])

-- name: owe
SELECT owe(:now::bigint, '{}', :events::bigint[], :targets::bigint[], :priorities::smallint[],
           :lanes::text[], :delays::bigint[], :replays::bigint[], :reasons::text[])

-- The targets' rows are held until the commit: a removal waits, and then sees what was owed.
-- name: hold_targets
SELECT id, removed_at IS NOT NULL FROM target WHERE id = ANY(:ids::bigint[]) ORDER BY id FOR SHARE

-- name: refuse
INSERT INTO refused_chat AS r (bot_id, chat_id, chat_kind, count, last_seen)
SELECT bot_id, chat_id, chat_kind, times, :now::bigint
  FROM unnest(:bots::bigint[], :chats::bigint[], :kinds::text[], :times::bigint[])
    AS g (bot_id, chat_id, chat_kind, times)
 ORDER BY bot_id, chat_id
ON CONFLICT (bot_id, chat_id) DO UPDATE
   SET count = r.count + excluded.count, last_seen = excluded.last_seen,
       chat_kind = coalesce(excluded.chat_kind, r.chat_kind)

-- Chats ----------------------------------------------------------------------------------------

-- name: authorise_chat
INSERT INTO authorised_chat (chat_id, since) VALUES (:chat_id::bigint, :now::bigint)
ON CONFLICT DO NOTHING RETURNING chat_id

-- name: withdraw_chat
DELETE FROM authorised_chat WHERE chat_id = :chat_id::bigint RETURNING chat_id

-- Its key begins with the bot; it holds few rows.
-- name: forget_refused_chat
DELETE FROM refused_chat WHERE chat_id = :chat_id::bigint RETURNING chat_id

-- name: move_chat
INSERT INTO moved_chat (chat_id, former, since)
VALUES (:chat_id::bigint, :former::bigint, :now::bigint)
ON CONFLICT DO NOTHING RETURNING chat_id

-- name: authorised_chats
SELECT chat_id FROM authorised_chat

-- name: moved_chats
SELECT chat_id, former FROM moved_chat ORDER BY chat_id, former

-- Queue ----------------------------------------------------------------------------------------

-- name: claim
SELECT * FROM claim(:at::bigint, :targets::bigint[], :wanted::integer[], :kept::integer[],
                    :tokens::bigint[], :leases::bigint[], :urgent_from::bigint[],
                    :plain_from::bigint[])

-- name: settle
SELECT * FROM settle(:at::bigint, :shard::text, :ids::bigint[], :tokens::bigint[],
                     :states::smallint[], :waits::bigint[], :reasons::text[], :failures::integer[],
                     :statuses::integer[], :took::bigint[], :kept::boolean[], :numbers::integer[],
                     :started::bigint[], :errors::text[], :excerpts::text[], :members::text[])

-- name: claim_lapsed
WITH lapsed AS (
  SELECT l.delivery_id, l.leased_until
    FROM lease AS l
   WHERE l.leased_until <= :now::bigint
   ORDER BY l.leased_until, l.delivery_id
   LIMIT :limit::integer
     FOR UPDATE SKIP LOCKED
), taken AS (
  UPDATE lease AS l
     SET token = :token::bigint, leased_until = :until::bigint
    FROM lapsed
   WHERE l.delivery_id = lapsed.delivery_id
  RETURNING l.delivery_id, l.token, l.leased_until, l.attempt, lapsed.leased_until AS ended
)
SELECT d.id, d.target_id, l.token, l.leased_until, l.attempt, d.failures, d.created_at, d.replay_of,
       e.event_id, e.bot_id, e.update_id, e.kind, e.chat_id, e.user_id, e.lane,
       e.received_at, e.expires_at, e.body, e.seq
  FROM taken AS l
  JOIN delivery AS d ON d.id = l.delivery_id
  JOIN event AS e ON e.seq = d.event_seq
 ORDER BY l.ended, d.id

-- name: extend
UPDATE lease
   SET leased_until = g.leased_until
  FROM unnest(:ids::bigint[], :tokens::bigint[], :until::bigint[]) AS g (id, token, leased_until)
 WHERE lease.delivery_id = g.id AND lease.token = g.token
RETURNING lease.delivery_id

-- name: lapse_all
UPDATE lease SET leased_until = :now::bigint WHERE leased_until > :now::bigint RETURNING delivery_id

-- name: lock_lanes
SELECT l.target_id, l.lane
  FROM unnest(:targets::bigint[], :lanes::text[]) AS g (target_id, lane)
  JOIN lane AS l ON l.target_id = g.target_id AND l.lane = g.lane
 ORDER BY l.target_id, l.lane
   FOR UPDATE OF l

-- name: keep_attempts
INSERT INTO attempt (delivery_id, number, started_at, took, status, error, excerpt, members)
SELECT a.* FROM unnest(:ids::bigint[], :numbers::integer[], :started::bigint[], :took::bigint[],
                       :statuses::integer[], :errors::text[], :excerpts::text[], :members::text[])
  AS a (delivery_id, number, started_at, took, status, error, excerpt, members)
 WHERE EXISTS (SELECT FROM delivery AS d WHERE d.id = a.delivery_id FOR KEY SHARE)
ON CONFLICT (delivery_id, number) DO UPDATE
   SET started_at = excluded.started_at, took = excluded.took, status = excluded.status,
       error = excluded.error, excerpt = excluded.excerpt, members = excluded.members

-- Two look-ups for each target, so that a backlog costs no more than one row.
-- name: due
SELECT t.id,
       (SELECT d.due_at FROM delivery AS d
         WHERE d.state = 1 AND d.target_id = t.id AND d.priority = 0
           AND (SELECT l.delivery_id FROM lease AS l WHERE l.delivery_id = d.id) IS NULL
         ORDER BY d.due_at, d.id LIMIT 1),
       (SELECT d.due_at FROM delivery AS d
         WHERE d.state = 1 AND d.target_id = t.id AND d.priority = 1
           AND (SELECT l.delivery_id FROM lease AS l WHERE l.delivery_id = d.id) IS NULL
         ORDER BY d.due_at, d.id LIMIT 1)
  FROM target AS t
 WHERE NOT t.paused AND t.removed_at IS NULL

-- name: changes
SELECT (SELECT version FROM book),
       (SELECT coalesce(last_value, 0) FROM pg_sequences
         WHERE sequencename = 'delivery_id_seq' AND schemaname = current_schema())

-- A hint for those who deliver (hints.py).
-- name: notify
SELECT pg_notify(:channel::text, :text::text)

-- Journal --------------------------------------------------------------------------------------

-- name: counts
SELECT coalesce(t.name, ''), c.name, sum(c.value)::bigint
  FROM counter AS c LEFT JOIN target AS t ON t.id = c.target_id
 GROUP BY 1, 2

-- A stretch is what a page looks at: ids in order, each found by its index. What fits is chosen from
-- it afterwards, so that no filter can make a page walk further.
-- name: any_newest
SELECT d.id FROM delivery AS d
 WHERE d.id > :above AND d.id < :below
 ORDER BY d.id DESC LIMIT :look::integer

-- name: any_oldest
SELECT d.id FROM delivery AS d
 WHERE d.id > :above AND d.id < :below
 ORDER BY d.id LIMIT :look::integer

-- name: of_event_newest
SELECT d.id FROM delivery AS d
 WHERE d.event_seq = :event_seq AND d.id > :above AND d.id < :below
 ORDER BY d.id DESC LIMIT :look::integer

-- name: of_event_oldest
SELECT d.id FROM delivery AS d
 WHERE d.event_seq = :event_seq AND d.id > :above AND d.id < :below
 ORDER BY d.id LIMIT :look::integer

-- The newest of each wanted (target, state), then the newest of those: no walk over the others.
-- name: of_target_newest
SELECT x.id
  FROM target AS t
 CROSS JOIN unnest(:stored::smallint[]) AS s (state)
 CROSS JOIN LATERAL (
   SELECT x.id FROM delivery AS x
    WHERE x.target_id = t.id AND x.state = s.state AND x.id > :above AND x.id < :below
    ORDER BY x.id DESC LIMIT :look::integer
 ) AS x
 WHERE :target::text IS NULL OR t.name = :target::text
 ORDER BY x.id DESC LIMIT :look::integer

-- name: of_target_oldest
SELECT x.id
  FROM target AS t
 CROSS JOIN unnest(:stored::smallint[]) AS s (state)
 CROSS JOIN LATERAL (
   SELECT x.id FROM delivery AS x
    WHERE x.target_id = t.id AND x.state = s.state AND x.id > :above AND x.id < :below
    ORDER BY x.id LIMIT :look::integer
 ) AS x
 WHERE :target::text IS NULL OR t.name = :target::text
 ORDER BY x.id LIMIT :look::integer

-- What is leased is little: all of it is looked at.
-- name: leased_newest
SELECT d.id
  FROM lease AS l
  JOIN delivery AS d ON d.id = l.delivery_id
  JOIN target AS t ON t.id = d.target_id
 WHERE d.id > :above AND d.id < :below AND (:target::text IS NULL OR t.name = :target::text)
 ORDER BY d.id DESC LIMIT :look::integer

-- name: leased_oldest
SELECT d.id
  FROM lease AS l
  JOIN delivery AS d ON d.id = l.delivery_id
  JOIN target AS t ON t.id = d.target_id
 WHERE d.id > :above AND d.id < :below AND (:target::text IS NULL OR t.name = :target::text)
 ORDER BY d.id LIMIT :look::integer

-- name: fitting_deliveries
SELECT * FROM (
  SELECT d.id, e.event_id, e.seq, e.update_id, e.kind, t.name,
         CASE WHEN l.delivery_id IS NULL THEN d.state ELSE 2 END AS state, coalesce(l.attempt, d.attempts),
         d.failures, d.due_at, d.created_at, d.ended_at, d.status, d.took, d.reason, d.replay_of,
         (SELECT max(r.id) FROM delivery AS r WHERE r.replay_of = d.id) AS replayed_as,
         e.chat_id, e.received_at, t.removed_at, i.place
    FROM unnest(:stretch::bigint[]) WITH ORDINALITY AS i (id, place)
    JOIN delivery AS d ON d.id = i.id
    JOIN event AS e ON e.seq = d.event_seq
    JOIN target AS t ON t.id = d.target_id
    LEFT JOIN lease AS l ON l.delivery_id = d.id
) AS d
 WHERE (:target::text IS NULL OR d.name = :target::text)
   AND (:states::smallint[] IS NULL OR d.state = ANY(:states::smallint[]))
   AND (:event_seq::bigint IS NULL OR d.seq = :event_seq::bigint)
   AND (:reason::text IS NULL OR starts_with(d.reason, :reason::text))
   AND (:kind::text IS NULL OR d.kind = :kind::text)
   AND (:chat_id::bigint IS NULL OR d.chat_id = :chat_id::bigint)
   AND (:since::bigint IS NULL OR d.received_at >= :since::bigint)
   AND (:until::bigint IS NULL OR d.received_at < :until::bigint)
   AND (:ended_before::bigint IS NULL OR d.ended_at < :ended_before::bigint)
   AND (:replayed::boolean IS NULL OR (d.replayed_as IS NOT NULL) = :replayed::boolean)
   AND (NOT :replayable::boolean OR d.removed_at IS NULL)
 ORDER BY d.place
 LIMIT :limit::integer

-- The first row from an id on: what a search by halves over ids asks for.
-- name: delivery_from
SELECT d.id, d.created_at FROM delivery AS d WHERE d.id >= :id ORDER BY d.id LIMIT 1

-- name: event_from
SELECT e.seq, e.received_at FROM event AS e WHERE e.seq >= :id ORDER BY e.seq LIMIT 1

-- name: last_delivery
SELECT max(d.id) FROM delivery AS d

-- name: last_event
SELECT max(e.seq) FROM event AS e

-- name: events_newest
SELECT e.seq FROM event AS e
 WHERE e.seq > :above AND e.seq < :below
 ORDER BY e.seq DESC LIMIT :look::integer

-- name: fitting_events
SELECT e.seq, e.event_id, e.bot_id, e.update_id, e.kind, e.chat_id, e.user_id, e.received_at
  FROM unnest(:stretch::bigint[]) WITH ORDINALITY AS i (seq, place)
  JOIN event AS e ON e.seq = i.seq
 WHERE (:kind::text IS NULL OR e.kind = :kind::text)
   AND (:chat_id::bigint IS NULL OR e.chat_id = :chat_id::bigint)
   AND (:since::bigint IS NULL OR e.received_at >= :since::bigint)
   AND (:until::bigint IS NULL OR e.received_at < :until::bigint)
   AND ((:target::text IS NULL AND :states::smallint[] IS NULL) OR EXISTS (
        SELECT FROM delivery AS d
          JOIN target AS t ON t.id = d.target_id
          LEFT JOIN lease AS l ON l.delivery_id = d.id
         WHERE d.event_seq = e.seq
           AND (:target::text IS NULL OR t.name = :target::text)
           AND (:states::smallint[] IS NULL
                OR CASE WHEN l.delivery_id IS NULL THEN d.state ELSE 2 END
                   = ANY(:states::smallint[]))))
 ORDER BY i.place
 LIMIT :limit::integer

-- name: states_of_events
SELECT d.event_seq, CASE WHEN l.delivery_id IS NULL THEN d.state ELSE 2 END, count(*)
  FROM unnest(:events::bigint[]) AS i (seq)
  JOIN delivery AS d ON d.event_seq = i.seq
  LEFT JOIN lease AS l ON l.delivery_id = d.id
 GROUP BY 1, 2

-- name: delivery
SELECT d.id, e.event_id, e.seq, e.update_id, e.kind, t.name,
       CASE WHEN l.delivery_id IS NULL THEN d.state ELSE 2 END, coalesce(l.attempt, d.attempts),
       d.failures, d.due_at, d.created_at, d.ended_at, d.status, d.took, d.reason, d.replay_of,
       (SELECT max(r.id) FROM delivery AS r WHERE r.replay_of = d.id)
  FROM delivery AS d
  JOIN event AS e ON e.seq = d.event_seq
  JOIN target AS t ON t.id = d.target_id
  LEFT JOIN lease AS l ON l.delivery_id = d.id
 WHERE d.id = :id

-- name: attempts
SELECT delivery_id, number, started_at, took, status, error, excerpt, members
  FROM attempt WHERE delivery_id = :id ORDER BY number

-- name: event
SELECT event_id, bot_id, update_id, kind, chat_id, user_id, lane,
       received_at, expires_at, body, seq
  FROM event WHERE event_id = :event

-- name: numbered_event
SELECT event_id, bot_id, update_id, kind, chat_id, user_id, lane,
       received_at, expires_at, body, seq
  FROM event WHERE seq = :seq

-- name: target_rows
SELECT id, name, origin, paused, orphaned_at, definition, created_at
  FROM target WHERE removed_at IS NULL ORDER BY id

-- name: counts_of_targets
SELECT target_id, name, sum(value)::bigint FROM counter GROUP BY target_id, name

-- name: oldest_due
SELECT w.target_id,
       (SELECT d.due_at FROM delivery AS d
         WHERE d.state = 1 AND d.target_id = w.target_id AND d.priority = 0
           AND (SELECT l.delivery_id FROM lease AS l WHERE l.delivery_id = d.id) IS NULL
         ORDER BY d.due_at, d.id LIMIT 1),
       (SELECT d.due_at FROM delivery AS d
         WHERE d.state = 1 AND d.target_id = w.target_id AND d.priority = 1
           AND (SELECT l.delivery_id FROM lease AS l WHERE l.delivery_id = d.id) IS NULL
         ORDER BY d.due_at, d.id LIMIT 1)
  FROM unnest(:targets::bigint[]) AS w (target_id)

-- A gateway refuses until it has noticed that the chat was admitted.
-- name: refused_chats
SELECT bot_id, chat_id, chat_kind, count, last_seen
  FROM refused_chat AS r
 WHERE NOT EXISTS (SELECT 1 FROM authorised_chat AS a WHERE a.chat_id = r.chat_id)
 ORDER BY last_seen DESC, bot_id, chat_id LIMIT :limit::integer

-- Target book ----------------------------------------------------------------------------------

-- name: register
INSERT INTO target AS t (name, origin, definition, created_at)
SELECT name, origin, definition, :now::bigint
  FROM unnest(:names::text[], :origins::text[], :definitions::text[]) WITH ORDINALITY
    AS g (name, origin, definition, n)
 WHERE NOT EXISTS (SELECT FROM target AS same
                    WHERE same.name = g.name AND same.removed_at IS NULL
                      AND same.origin = g.origin AND same.definition = g.definition)
 ORDER BY n
ON CONFLICT (name) WHERE removed_at IS NULL DO UPDATE
   SET origin = excluded.origin, definition = excluded.definition
 WHERE t.origin <> excluded.origin OR t.definition <> excluded.definition
RETURNING created_at = :now::bigint

-- name: turn_page
UPDATE book SET version = version + 1

-- name: targets
SELECT id, name, origin, paused FROM target WHERE removed_at IS NULL ORDER BY id

-- name: orphan
UPDATE target SET orphaned_at = :now::bigint
 WHERE removed_at IS NULL AND orphaned_at IS NULL AND origin <> 'api'
   AND name <> ALL(:names::text[])

-- name: adopt
UPDATE target SET orphaned_at = NULL
 WHERE removed_at IS NULL AND orphaned_at IS NOT NULL AND name = ANY(:names::text[])

-- name: set_paused
UPDATE target SET paused = :paused::boolean WHERE name = :name AND removed_at IS NULL RETURNING id

-- The living one of that name, else one whose removal was cut short.
-- name: target_to_remove
SELECT id FROM target
 WHERE name = :name AND (removed_at IS NULL OR NOT drained)
 ORDER BY removed_at IS NOT NULL, id
 LIMIT 1

-- name: mark_removed
UPDATE target SET removed_at = :now::bigint WHERE id = :target_id AND removed_at IS NULL

-- name: undrained_target
SELECT id FROM target WHERE removed_at IS NOT NULL AND NOT drained ORDER BY id LIMIT 1

-- name: mark_drained
UPDATE target SET drained = true WHERE id = :target_id

-- What waits before what leads, so that a cut between two steps leaves no lane stuck.
-- name: to_cancel
SELECT id, lane FROM delivery
 WHERE target_id = :target_id AND state = :state::smallint
 ORDER BY id LIMIT :limit::integer

-- name: cancel
WITH held AS (
  SELECT id, lane FROM delivery
   WHERE id = ANY(:ids::bigint[]) AND state < 3
   ORDER BY id FOR UPDATE
), cancelled AS (
  UPDATE delivery AS d SET state = 5, reason = 'target_removed', ended_at = :now::bigint,
         attempts = coalesce((SELECT l.attempt FROM lease AS l WHERE l.delivery_id = d.id),
                             d.attempts)
    FROM held WHERE d.id = held.id
  RETURNING d.id, d.target_id, d.lane
), leaving AS (
  SELECT target_id, lane, count(*) AS gone FROM cancelled WHERE lane IS NOT NULL GROUP BY 1, 2
), emptied AS (
  DELETE FROM lane AS l USING leaving AS g
   WHERE l.target_id = g.target_id AND l.lane = g.lane AND l.unsettled <= g.gone
), shortened AS (
  UPDATE lane AS l SET unsettled = l.unsettled - g.gone FROM leaving AS g
   WHERE l.target_id = g.target_id AND l.lane = g.lane AND l.unsettled > g.gone
)
SELECT id FROM cancelled

-- name: end_leases
DELETE FROM lease WHERE delivery_id = ANY(:ids::bigint[])

-- The events are held until the commit, so that nobody forgets them meanwhile.
-- name: hold_replayed
SELECT d.id, d.event_seq, d.target_id, d.priority, d.lane
  FROM delivery AS d
  JOIN event AS e ON e.seq = d.event_seq
 WHERE d.id = ANY(:ids::bigint[])
 ORDER BY e.seq
   FOR KEY SHARE OF e

-- Upkeep ---------------------------------------------------------------------------------------

-- name: forget_seen
DELETE FROM seen
 WHERE (bot_id, update_id, digest) IN
       (SELECT bot_id, update_id, digest FROM seen
         WHERE at <= :cutoff ORDER BY at LIMIT :limit::integer FOR UPDATE SKIP LOCKED)
RETURNING 1

-- name: forget_refused_chats
DELETE FROM refused_chat
 WHERE (bot_id, chat_id) IN
       (SELECT bot_id, chat_id FROM refused_chat
         ORDER BY last_seen DESC LIMIT :limit::integer OFFSET :kept::integer)
RETURNING 1

-- name: forget_unrouted
DELETE FROM event
 WHERE seq IN (SELECT seq FROM event
                WHERE targets = 0 AND received_at <= :cutoff
                ORDER BY received_at LIMIT :limit::integer FOR UPDATE SKIP LOCKED)
RETURNING 1

-- name: old_dead
SELECT id, event_seq, target_id
  FROM delivery
 WHERE state = 4 AND ended_at <= :cutoff
 ORDER BY ended_at, id
 LIMIT :limit::integer

-- name: old_ended
SELECT id, event_seq, ended_at
  FROM delivery
 WHERE state IN (3, 5) AND ended_at >= :ended_at AND ended_at <= :cutoff
   AND (ended_at > :ended_at OR id > :id)
 ORDER BY ended_at, id
 LIMIT :limit::integer

-- Those another replica looks at, or that are being replayed, are passed by.
-- name: hold_events
SELECT seq FROM event WHERE seq = ANY(:seqs::bigint[]) ORDER BY seq FOR UPDATE SKIP LOCKED

-- name: lock_events
SELECT seq FROM event WHERE seq = ANY(:seqs::bigint[]) ORDER BY seq FOR UPDATE

-- What keeps an event: a delivery unsettled, dead, or settled not long enough ago.
-- name: keepers
SELECT d.event_seq, array_agg(d.id)
  FROM delivery AS d
 WHERE d.event_seq = ANY(:seqs::bigint[])
   AND (d.state < 3 OR d.state = 4 OR d.ended_at > :cutoff)
 GROUP BY 1

-- name: dead_letters
SELECT id, event_seq, target_id FROM delivery
 WHERE id = ANY(:ids::bigint[]) AND state = 4 ORDER BY id

-- Every delivery of the events, at most so many of each, with the number of its attempts.
-- name: rows_of
SELECT e.seq, d.id, (SELECT count(*) FROM attempt AS a WHERE a.delivery_id = d.id)
  FROM unnest(:seqs::bigint[]) AS e (seq)
 CROSS JOIN LATERAL (SELECT d.id FROM delivery AS d WHERE d.event_seq = e.seq
                      ORDER BY d.id LIMIT :limit::integer) AS d
 ORDER BY e.seq, d.id

-- name: delete_attempts
DELETE FROM attempt
 WHERE (delivery_id, number) IN
       (SELECT a.delivery_id, a.number
          FROM unnest(:ids::bigint[], :portions::integer[]) AS g (id, portion)
         CROSS JOIN LATERAL (SELECT a.delivery_id, a.number FROM attempt AS a
                              WHERE a.delivery_id = g.id ORDER BY a.number LIMIT g.portion) AS a)

-- name: delete_deliveries
DELETE FROM delivery WHERE id = ANY(:ids::bigint[]) RETURNING id

-- name: delete_events
DELETE FROM event WHERE seq = ANY(:seqs::bigint[])

-- name: probe
INSERT INTO probe (shard, at) VALUES (:shard, :now::bigint)
ON CONFLICT (shard) DO UPDATE SET at = excluded.at

-- Polling --------------------------------------------------------------------------------------

-- name: keep_offset
INSERT INTO polling (bot_id, next_id) VALUES (:bot_id::bigint, :next_id::bigint)
ON CONFLICT (bot_id) DO UPDATE SET next_id = excluded.next_id

-- name: offset
SELECT next_id FROM polling WHERE bot_id = :bot_id::bigint

-- Duties ---------------------------------------------------------------------------------------

-- Nothing comes back while somebody has it.
-- name: take_duty
INSERT INTO duty (name, holder, token, until)
VALUES (:name::text, :holder::text, 1, :until::bigint)
ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder, token = duty.token + 1, until = excluded.until
 WHERE duty.until <= :now::bigint
RETURNING token

-- name: renew_duty
UPDATE duty SET until = :until::bigint
 WHERE name = :name::text AND token = :token::bigint AND until > :now::bigint
RETURNING token

-- name: leave_duty
UPDATE duty SET until = :now::bigint
 WHERE name = :name::text AND token = :token::bigint AND until > :now::bigint

-- name: lapse_duties
UPDATE duty SET until = :now::bigint WHERE until > :now::bigint

-- Webhook book ---------------------------------------------------------------------------------

-- name: keep_webhook_secret
INSERT INTO webhook (bot_id, secret) VALUES (:bot_id::bigint, :secret::text)
ON CONFLICT (bot_id) DO UPDATE SET secret = coalesce(webhook.secret, excluded.secret)
RETURNING secret

-- name: webhook_mark
SELECT mark FROM webhook WHERE bot_id = :bot_id::bigint

-- name: mark_webhook
INSERT INTO webhook (bot_id, mark) VALUES (:bot_id::bigint, :mark::bytea)
ON CONFLICT (bot_id) DO UPDATE SET mark = excluded.mark
