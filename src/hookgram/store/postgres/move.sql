-- Every statement of a move to here (see move.py); :name is a parameter. Rows come as one array for
-- each column, named as the column.

-- The move itself ------------------------------------------------------------------------------

-- name: move_mark
SELECT move_id, began_at, ended_at, place FROM move

-- A transaction of a run that was killed is waited for.
-- name: move_hold_mark
SELECT move_id, began_at, ended_at, place FROM move FOR UPDATE

-- Who makes targets known waits, and then sees the mark (see refuse_moving).
-- name: move_lock_targets
LOCK TABLE target IN SHARE ROW EXCLUSIVE MODE

-- A gateway that ever ran has left a probe. The second statement is for all versions of the schema.
-- name: move_in_use
SELECT EXISTS (SELECT FROM probe) OR EXISTS (SELECT FROM target) OR EXISTS (SELECT FROM event)
    OR EXISTS (SELECT FROM delivery) OR EXISTS (SELECT FROM seen) OR EXISTS (SELECT FROM counter)
    OR EXISTS (SELECT FROM refused_chat) OR EXISTS (SELECT FROM authorised_chat)
    OR EXISTS (SELECT FROM moved_chat) OR EXISTS (SELECT FROM polling)
    OR EXISTS (SELECT FROM webhook)

-- name: move_once_in_use
SELECT EXISTS (SELECT FROM probe) OR EXISTS (SELECT FROM target) OR EXISTS (SELECT FROM event)

-- name: move_begin
INSERT INTO move (id, move_id, began_at) VALUES (1, :move_id, :now::bigint)
RETURNING move_id, began_at, ended_at, place

-- name: move_advance
UPDATE move SET place = :place::bytea
 WHERE move_id = :move_id AND ended_at IS NULL AND place IS NOT DISTINCT FROM :after::bytea
RETURNING 1

-- name: move_end
UPDATE move SET ended_at = :now::bigint WHERE move_id = :move_id AND ended_at IS NULL

-- name: move_number_targets
SELECT setval(pg_get_serial_sequence('target', 'id'), greatest(:last::bigint, 1), :last::bigint > 0)

-- name: move_number_events
SELECT setval(pg_get_serial_sequence('event', 'seq'), greatest(:last::bigint, 1), :last::bigint > 0)

-- name: move_number_deliveries
SELECT setval(pg_get_serial_sequence('delivery', 'id'), greatest(:last::bigint, 1),
              :last::bigint > 0)

-- Rows -----------------------------------------------------------------------------------------

-- name: move_bots
INSERT INTO bot (bot_id, name) SELECT * FROM unnest(:bot_id::bigint[], :name::text[])

-- name: move_targets
INSERT INTO target (id, name, origin, definition, paused, key_id, secrets,
                    created_at, removed_at, orphaned_at, drained) OVERRIDING SYSTEM VALUE
SELECT id, name, origin, definition, paused <> 0, key_id, secrets,
       created_at, removed_at, orphaned_at, drained <> 0
  FROM unnest(:id::bigint[], :name::text[], :origin::text[], :definition::text[],
              :paused::integer[], :key_id::text[], :secrets::bytea[], :created_at::bigint[],
              :removed_at::bigint[], :orphaned_at::bigint[], :drained::integer[])
    AS g (id, name, origin, definition, paused, key_id, secrets,
          created_at, removed_at, orphaned_at, drained)

-- name: move_events
INSERT INTO event (seq, event_id, bot_id, update_id, kind, chat_id, user_id, lane,
                   received_at, expires_at, targets, body) OVERRIDING SYSTEM VALUE
SELECT * FROM unnest(:seq::bigint[], :event_id::text[], :bot_id::bigint[], :update_id::bigint[],
                     :kind::text[], :chat_id::bigint[], :user_id::bigint[], :lane::text[],
                     :received_at::bigint[], :expires_at::bigint[], :targets::integer[],
                     :body::bytea[])

-- A leased one (2) is a pending one with a lease that has ended, whatever the clock: so it lapses,
-- and the try it was leased for counts. That try is not among the delivery's own until it ends.
-- name: move_deliveries
WITH given AS (
  SELECT * FROM unnest(:id::bigint[], :event_seq::bigint[], :target_id::bigint[],
                       :state::smallint[], :priority::smallint[], :lane::text[],
                       :due_at::bigint[], :attempts::integer[], :failures::integer[],
                       :token::bigint[], :reason::text[], :replay_of::bigint[],
                       :status::integer[], :took::bigint[], :created_at::bigint[],
                       :ended_at::bigint[])
    AS g (id, event_seq, target_id, state, priority, lane, due_at, attempts, failures,
          token, reason, replay_of, status, took, created_at, ended_at)
), leased AS (
  INSERT INTO lease (delivery_id, token, leased_until, attempt)
  SELECT id, token, 0, attempts FROM given WHERE state = 2
), lanes AS (
  INSERT INTO lane AS l (target_id, lane, unsettled)
  SELECT target_id, lane, count(*) FROM given WHERE state < 3 AND lane IS NOT NULL GROUP BY 1, 2
  ON CONFLICT (target_id, lane) DO UPDATE SET unsettled = l.unsettled + excluded.unsettled
)
INSERT INTO delivery (id, event_seq, target_id, state, priority, lane, due_at, attempts, failures,
                      reason, replay_of, status, took, created_at, ended_at)
       OVERRIDING SYSTEM VALUE
SELECT id, event_seq, target_id, CASE WHEN state = 2 THEN 1 ELSE state END, priority, lane, due_at,
       CASE WHEN state = 2 THEN attempts - 1 ELSE attempts END, failures,
       reason, replay_of, status, took, created_at, ended_at
  FROM given

-- name: move_attempts
INSERT INTO attempt (delivery_id, number, started_at, took, status, error, excerpt, members)
SELECT * FROM unnest(:delivery_id::bigint[], :number::integer[], :started_at::bigint[],
                     :took::bigint[], :status::integer[], :error::text[], :excerpt::text[],
                     :members::text[])

-- name: move_seen
INSERT INTO seen (bot_id, update_id, digest, at)
SELECT * FROM unnest(:bot_id::bigint[], :update_id::bigint[], :digest::bytea[], :at::bigint[])

-- name: move_refused_chats
INSERT INTO refused_chat (bot_id, chat_id, chat_kind, count, last_seen)
SELECT * FROM unnest(:bot_id::bigint[], :chat_id::bigint[], :chat_kind::text[], :count::bigint[],
                     :last_seen::bigint[])

-- name: move_authorised_chats
INSERT INTO authorised_chat (chat_id, since)
SELECT * FROM unnest(:chat_id::bigint[], :since::bigint[])

-- name: move_moved_chats
INSERT INTO moved_chat (chat_id, former, since)
SELECT * FROM unnest(:chat_id::bigint[], :former::bigint[], :since::bigint[])

-- name: move_offsets
INSERT INTO polling (bot_id, next_id) SELECT * FROM unnest(:bot_id::bigint[], :next_id::bigint[])

-- name: move_webhooks
INSERT INTO webhook (bot_id, secret, mark)
SELECT * FROM unnest(:bot_id::bigint[], :secret::text[], :mark::bytea[])

-- name: move_counters
INSERT INTO counter (target_id, shard, name, value)
SELECT * FROM unnest(:target_id::bigint[], :shard::text[], :name::text[], :value::bigint[])

-- Counting: the whole of it, while nobody else works here --------------------------------------

-- name: move_count_rows
SELECT (SELECT count(*) FROM bot),
       (SELECT count(*) FROM target),
       (SELECT count(*) FROM event),
       (SELECT count(*) FROM delivery),
       (SELECT count(*) FROM attempt),
       (SELECT count(*) FROM seen),
       (SELECT count(*) FROM refused_chat),
       (SELECT count(*) FROM authorised_chat),
       (SELECT count(*) FROM moved_chat),
       (SELECT count(*) FROM polling),
       (SELECT count(*) FROM webhook),
       (SELECT count(*) FROM counter),
       (SELECT coalesce(sum(octet_length(body)), 0) FROM event)::bigint

-- name: move_count_deliveries
SELECT d.target_id, CASE WHEN l.delivery_id IS NULL THEN d.state ELSE 2 END, count(*)
  FROM delivery AS d LEFT JOIN lease AS l ON l.delivery_id = d.id
 GROUP BY 1, 2

-- name: move_count_counters
SELECT target_id, name, sum(value)::bigint FROM counter GROUP BY target_id, name

-- name: move_names
SELECT id, name FROM target
