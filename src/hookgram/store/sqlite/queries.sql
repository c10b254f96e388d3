-- Every statement of the SQLite store, by name. Those that choose among deliveries name their index
-- (INDEXED BY), so that a plan cannot change behind our back; tests read the plans.
-- delivery.state: 0 waiting, 1 pending, 2 leased, 3 delivered, 4 dead, 5 cancelled. Unsettled are
-- those below 3, which is the same as: ended_at IS NULL.
-- Partial indexes are used only where a WHERE repeats theirs word for word, hence the plain numbers.

-- Transactions ---------------------------------------------------------------------------------

-- name: begin
BEGIN IMMEDIATE

-- name: commit
COMMIT

-- name: rollback
ROLLBACK

-- name: fence
SAVEPOINT call

-- name: undo_call
ROLLBACK TO call

-- name: unfence
RELEASE call

-- name: tables
SELECT count(*) FROM sqlite_schema

-- name: add_count
INSERT INTO counter (target_id, shard, name, value)
VALUES (:target_id, :shard, :name, :delta)
ON CONFLICT (target_id, shard, name) DO UPDATE SET value = value + excluded.value

-- Inbox ----------------------------------------------------------------------------------------

-- name: see
INSERT INTO seen (bot_id, update_id, digest, at)
VALUES (:bot_id, :update_id, :digest, :now)
ON CONFLICT DO NOTHING

-- name: insert_event
INSERT INTO event (event_id, bot_id, update_id, kind, chat_id, user_id, lane,
                   received_at, expires_at, targets, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: target_gone
SELECT removed_at IS NOT NULL FROM target WHERE id = :target_id

-- At the tail of its lane: waiting behind what is unsettled there, else pending.
-- name: insert_delivery
INSERT INTO delivery (event_seq, target_id, priority, lane, due_at, replay_of, created_at, state)
VALUES (:event_seq, :target_id, :priority, :lane, :due_at, :replay_of, :now,
        NOT EXISTS (SELECT 1 FROM delivery INDEXED BY delivery_lane
                     WHERE target_id = :target_id AND lane = :lane
                       AND ended_at IS NULL AND lane IS NOT NULL))

-- name: insert_ended_delivery
INSERT INTO delivery (event_seq, target_id, priority, lane, due_at, replay_of, created_at,
                      ended_at, state, reason)
VALUES (:event_seq, :target_id, :priority, :lane, :due_at, :replay_of, :now,
        :now, :state, :reason)

-- name: refuse
INSERT INTO refused_chat (bot_id, chat_id, chat_kind, count, last_seen)
VALUES (:bot_id, :chat_id, :chat_kind, 1, :now)
ON CONFLICT (bot_id, chat_id) DO UPDATE
   SET count = count + 1, last_seen = excluded.last_seen,
       chat_kind = coalesce(excluded.chat_kind, chat_kind)

-- Queue ----------------------------------------------------------------------------------------

-- name: target_works
SELECT 1 FROM target WHERE id = :target_id AND paused = 0 AND removed_at IS NULL

-- Each priority is asked for by itself: due work of one is found without walking over what another
-- has due later. The event is joined from the delivery (CROSS JOIN keeps that order).
-- name: claim
SELECT d.id, d.target_id, d.attempts, d.failures, d.created_at, d.replay_of,
       e.event_id, e.bot_id, e.update_id, e.kind, e.chat_id, e.user_id, e.lane,
       e.received_at, e.expires_at, e.body, e.seq
  FROM delivery AS d INDEXED BY delivery_claim
 CROSS JOIN event AS e ON e.seq = d.event_seq
 WHERE d.state = 1 AND d.target_id = :target_id AND d.priority = :priority AND d.due_at <= :now
 ORDER BY d.due_at, d.id
 LIMIT :limit

-- name: lease
UPDATE delivery
   SET state = 2, attempts = attempts + 1, token = :token, leased_until = :leased_until
 WHERE id IN (SELECT value FROM json_each(:ids))

-- name: next_due
SELECT min(due_at)
  FROM delivery INDEXED BY delivery_claim
 WHERE state = 1 AND target_id = :target_id AND priority = :priority

-- name: claim_lapsed
SELECT d.id, d.target_id, d.attempts, d.failures, d.created_at, d.replay_of,
       e.event_id, e.bot_id, e.update_id, e.kind, e.chat_id, e.user_id, e.lane,
       e.received_at, e.expires_at, e.body, e.seq
  FROM delivery AS d INDEXED BY delivery_leased
 CROSS JOIN event AS e ON e.seq = d.event_seq
 WHERE d.state = 2 AND d.leased_until <= :now
 ORDER BY d.leased_until, d.id
 LIMIT :limit

-- name: take_over
UPDATE delivery
   SET token = :token, leased_until = :leased_until
 WHERE id IN (SELECT value FROM json_each(:ids))

-- name: extend
UPDATE delivery
   SET leased_until = :leased_until
 WHERE id = :id AND token = :token AND state = 2

-- name: lapse_all
UPDATE delivery INDEXED BY delivery_leased
   SET leased_until = :now
 WHERE state = 2 AND leased_until > :now

-- name: delivered
UPDATE delivery
   SET state = 3, token = NULL, leased_until = NULL, reason = NULL,
       status = :status, took = :took, ended_at = :now
 WHERE id = :id AND token = :token AND state = 2
RETURNING lane

-- name: dead
UPDATE delivery
   SET state = 4, token = NULL, leased_until = NULL, reason = :reason, failures = :failures,
       status = :status, took = :took, ended_at = :now
 WHERE id = :id AND token = :token AND state = 2
RETURNING lane

-- name: retry
UPDATE delivery
   SET state = 1, token = NULL, leased_until = NULL, reason = :reason, failures = :failures,
       status = :status, took = :took, due_at = :due_at
 WHERE id = :id AND token = :token AND state = 2

-- It keeps its place among what is due: as if never claimed.
-- name: release
UPDATE delivery
   SET state = 1, token = NULL, leased_until = NULL, attempts = attempts - 1,
       due_at = min(due_at, :now)
 WHERE id = :id AND token = :token AND state = 2
RETURNING due_at

-- The first unsettled row of the lane, if it is a waiting one.
-- name: promote
UPDATE delivery
   SET state = 1
 WHERE id = (SELECT id FROM delivery INDEXED BY delivery_lane
              WHERE target_id = :target_id AND lane = :lane
                AND ended_at IS NULL AND lane IS NOT NULL
              ORDER BY id LIMIT 1)
   AND state = 0
RETURNING due_at

-- name: insert_attempt
INSERT OR REPLACE INTO attempt (delivery_id, number, started_at, took,
                                status, error, excerpt, members)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- Steps from target to target through the index, so that a backlog costs no more than one row.
-- name: due
WITH RECURSIVE busy (target_id) AS (
  SELECT min(target_id) FROM delivery INDEXED BY delivery_claim WHERE state = 1
  UNION ALL
  SELECT (SELECT min(d.target_id) FROM delivery AS d INDEXED BY delivery_claim
           WHERE d.state = 1 AND d.target_id > busy.target_id)
    FROM busy WHERE busy.target_id IS NOT NULL
)
SELECT t.id,
       (SELECT min(due_at) FROM delivery INDEXED BY delivery_claim
         WHERE state = 1 AND target_id = t.id AND priority = 0),
       (SELECT min(due_at) FROM delivery INDEXED BY delivery_claim
         WHERE state = 1 AND target_id = t.id AND priority = 1)
  FROM busy CROSS JOIN target AS t ON t.id = busy.target_id
 WHERE t.paused = 0 AND t.removed_at IS NULL

-- Journal --------------------------------------------------------------------------------------

-- name: counts
SELECT coalesce(t.name, ''), c.name, sum(c.value)
  FROM counter AS c LEFT JOIN target AS t ON t.id = c.target_id
 GROUP BY 1, 2

-- name: all_deliveries
SELECT d.id, e.event_id, e.seq, e.update_id, e.kind, t.name, d.state, d.attempts, d.failures,
       d.due_at, d.created_at, d.ended_at, d.status, d.took, d.reason, d.replay_of
  FROM delivery AS d
 CROSS JOIN event AS e ON e.seq = d.event_seq
 CROSS JOIN target AS t ON t.id = d.target_id
 WHERE d.id < :before
 ORDER BY d.id DESC
 LIMIT :limit

-- The newest of each wanted (target, state), then the newest of those: no walk over the others.
-- name: chosen_deliveries
WITH chosen (id) AS (
  SELECT d.id
    FROM target AS t
   CROSS JOIN json_each(:states) AS s
   CROSS JOIN delivery AS d
   WHERE (:target IS NULL OR t.name = :target)
     AND d.id IN (SELECT x.id FROM delivery AS x INDEXED BY delivery_page
                   WHERE x.target_id = t.id AND x.state = s.value AND x.id < :before
                   ORDER BY x.id DESC LIMIT :limit)
   ORDER BY d.id DESC
   LIMIT :limit
)
SELECT d.id, e.event_id, e.seq, e.update_id, e.kind, t.name, d.state, d.attempts, d.failures,
       d.due_at, d.created_at, d.ended_at, d.status, d.took, d.reason, d.replay_of
  FROM chosen
 CROSS JOIN delivery AS d ON d.id = chosen.id
 CROSS JOIN event AS e ON e.seq = d.event_seq
 CROSS JOIN target AS t ON t.id = d.target_id
 ORDER BY d.id DESC

-- name: delivery
SELECT d.id, e.event_id, e.seq, e.update_id, e.kind, t.name, d.state, d.attempts, d.failures,
       d.due_at, d.created_at, d.ended_at, d.status, d.took, d.reason, d.replay_of
  FROM delivery AS d
 CROSS JOIN event AS e ON e.seq = d.event_seq
 CROSS JOIN target AS t ON t.id = d.target_id
 WHERE d.id = :id

-- name: attempts
SELECT delivery_id, number, started_at, took, status, error, excerpt, members
  FROM attempt WHERE delivery_id = :id ORDER BY number

-- name: event
SELECT event_id, bot_id, update_id, kind, chat_id, user_id, lane,
       received_at, expires_at, body, seq
  FROM event WHERE event_id = :event_id

-- name: refused_chats
SELECT bot_id, chat_id, chat_kind, count, last_seen
  FROM refused_chat ORDER BY last_seen DESC, bot_id, chat_id LIMIT :limit

-- Target book ----------------------------------------------------------------------------------

-- name: register
INSERT INTO target (name, origin, definition, created_at)
VALUES (:name, :origin, :definition, :now)
ON CONFLICT (name) WHERE removed_at IS NULL DO UPDATE
   SET origin = excluded.origin, definition = excluded.definition
 WHERE origin <> excluded.origin OR definition <> excluded.definition

-- name: targets
SELECT id, name, origin, paused FROM target WHERE removed_at IS NULL ORDER BY id

-- name: set_paused
UPDATE target SET paused = :paused WHERE name = :name AND removed_at IS NULL

-- The living one of that name, else one whose removal was cut short.
-- name: target_to_remove
SELECT id FROM target
 WHERE name = :name AND (removed_at IS NULL OR drained = 0)
 ORDER BY removed_at IS NOT NULL, id
 LIMIT 1

-- name: mark_removed
UPDATE target SET removed_at = :now WHERE id = :target_id AND removed_at IS NULL

-- name: undrained_target
SELECT id FROM target WHERE removed_at IS NOT NULL AND drained = 0 ORDER BY id LIMIT 1

-- name: mark_drained
UPDATE target SET drained = 1 WHERE id = :target_id

-- name: cancel
UPDATE delivery
   SET state = 5, reason = 'target_removed', ended_at = :now, token = NULL, leased_until = NULL
 WHERE id IN (SELECT id FROM delivery INDEXED BY delivery_page
               WHERE target_id = :target_id AND state = :state
               ORDER BY id LIMIT :limit)

-- name: replayable
SELECT d.event_seq, d.target_id, d.priority, d.lane
  FROM delivery AS d
 CROSS JOIN target AS t ON t.id = d.target_id
 WHERE d.id = :id AND t.removed_at IS NULL

-- Upkeep ---------------------------------------------------------------------------------------

-- name: forget_seen
DELETE FROM seen
 WHERE (bot_id, update_id, digest) IN
       (SELECT bot_id, update_id, digest FROM seen INDEXED BY seen_at
         WHERE at <= :cutoff ORDER BY at LIMIT :limit)

-- name: forget_refused_chats
DELETE FROM refused_chat
 WHERE (bot_id, chat_id) IN
       (SELECT bot_id, chat_id FROM refused_chat INDEXED BY refused_chat_last_seen
         ORDER BY last_seen DESC LIMIT :limit OFFSET :kept)

-- name: forget_unrouted
DELETE FROM event
 WHERE seq IN (SELECT seq FROM event INDEXED BY event_unrouted
                WHERE targets = 0 AND received_at <= :cutoff
                ORDER BY received_at LIMIT :limit)

-- name: old_dead
SELECT id, event_seq, target_id
  FROM delivery INDEXED BY delivery_dead
 WHERE state = 4 AND ended_at <= :cutoff
 ORDER BY ended_at, id
 LIMIT :limit

-- name: old_ended
SELECT id, event_seq, ended_at
  FROM delivery INDEXED BY delivery_ended
 WHERE state IN (3, 5) AND ended_at >= :ended_at AND ended_at <= :cutoff
   AND (ended_at > :ended_at OR id > :id)
 ORDER BY ended_at, id
 LIMIT :limit

-- What keeps an event: a delivery unsettled, dead, or settled not long enough ago.
-- name: event_kept
SELECT 1
  FROM delivery INDEXED BY delivery_event
 WHERE event_seq = :event_seq AND id <> :id AND (state < 3 OR state = 4 OR ended_at > :cutoff)
 LIMIT 1

-- name: siblings
SELECT id
  FROM delivery INDEXED BY delivery_event
 WHERE event_seq = :event_seq AND id <> :id
 ORDER BY id
 LIMIT :limit

-- name: delete_attempts
DELETE FROM attempt
 WHERE delivery_id = :id
   AND number IN (SELECT number FROM attempt WHERE delivery_id = :id ORDER BY number LIMIT :limit)

-- name: delete_delivery
DELETE FROM delivery WHERE id = :id

-- name: delete_event
DELETE FROM event WHERE seq = :event_seq

-- New pages are asked for and given back, so that a full store is noticed.
-- name: probe_room
INSERT OR REPLACE INTO probe (id, at, ballast) VALUES (1, :now, zeroblob(:size))

-- name: probe
INSERT OR REPLACE INTO probe (id, at, ballast) VALUES (1, :now, zeroblob(0))
