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

-- The one row after VALUES is written as often as there are rows (View.each): one statement for
-- many, and one step outside Python's lock.

-- Of the given keys, those that are known already.
-- name: known
SELECT s.bot_id, s.update_id, s.digest
  FROM (VALUES (?, ?, ?)) AS k
 CROSS JOIN seen AS s ON s.bot_id = k.column1 AND s.update_id = k.column2 AND s.digest = k.column3

-- name: see
INSERT INTO seen (bot_id, update_id, digest, at)
VALUES (?, ?, ?, ?)

-- name: insert_event
INSERT INTO event (event_id, bot_id, update_id, kind, chat_id, user_id, lane,
                   received_at, expires_at, targets, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: target_gone
SELECT removed_at IS NOT NULL FROM target WHERE id = :target_id

-- At the tail of its lane: waiting behind what is unsettled there, or stands before it in the list
-- (first is 0 then, for the statement does not see what it inserts itself), else pending.
-- name: insert_deliveries
INSERT INTO delivery (event_seq, target_id, priority, lane, due_at, replay_of, created_at, state)
SELECT column1, column2, column3, column4, column5, column6, column7,
       column8 AND NOT EXISTS (SELECT 1 FROM delivery INDEXED BY delivery_lane
                                WHERE target_id = column2 AND lane = column4
                                  AND ended_at IS NULL AND lane IS NOT NULL)
  FROM (VALUES (?, ?, ?, ?, ?, ?, ?, ?))

-- name: insert_ended_delivery
INSERT INTO delivery (event_seq, target_id, priority, lane, due_at, replay_of, created_at,
                      state, reason, ended_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: keep_offset
INSERT INTO polling (bot_id, next_id)
VALUES (:bot_id, :next_id)
ON CONFLICT (bot_id) DO UPDATE SET next_id = excluded.next_id

-- name: offset
SELECT next_id FROM polling WHERE bot_id = :bot_id

-- name: refuse
INSERT INTO refused_chat (bot_id, chat_id, chat_kind, count, last_seen)
VALUES (:bot_id, :chat_id, :chat_kind, 1, :now)
ON CONFLICT (bot_id, chat_id) DO UPDATE
   SET count = count + 1, last_seen = excluded.last_seen,
       chat_kind = coalesce(excluded.chat_kind, chat_kind)

-- name: authorise_chat
INSERT INTO authorised_chat (chat_id, since) VALUES (:chat_id, :now) ON CONFLICT DO NOTHING

-- name: withdraw_chat
DELETE FROM authorised_chat WHERE chat_id = :chat_id

-- Its key begins with the bot; it holds few rows.
-- name: forget_refused_chat
DELETE FROM refused_chat WHERE chat_id = :chat_id

-- name: move_chat
INSERT INTO moved_chat (chat_id, former, since) VALUES (:chat_id, :former, :now)
ON CONFLICT DO NOTHING

-- name: authorised_chats
SELECT chat_id FROM authorised_chat

-- name: moved_chats
SELECT chat_id, former FROM moved_chat ORDER BY chat_id, former

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

-- Of the given (id, token), those whose token is current.
-- name: held
SELECT d.id, d.token, d.target_id, d.lane
  FROM (VALUES (?, ?)) AS c
 CROSS JOIN delivery AS d ON d.id = c.column1 AND d.token = c.column2 AND d.state = 2

-- name: delivered
UPDATE delivery
   SET state = 3, token = NULL, leased_until = NULL, reason = NULL,
       status = f.column3, took = f.column4, ended_at = f.column5
  FROM (VALUES (?, ?, ?, ?, ?)) AS f
 WHERE delivery.id = f.column1 AND token = f.column2 AND state = 2

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

-- The first unsettled row of each given (target, lane), if it is a waiting one.
-- name: promote
UPDATE delivery
   SET state = 1
 WHERE id IN (SELECT (SELECT id FROM delivery INDEXED BY delivery_lane
                       WHERE target_id = column1 AND lane = column2
                         AND ended_at IS NULL AND lane IS NOT NULL
                       ORDER BY id LIMIT 1)
                FROM (VALUES (?, ?)))
   AND state = 0
RETURNING target_id, lane, due_at

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

-- A stretch is what a page looks at: ids in order, each found by its index. What fits is chosen from
-- it afterwards, so that no filter can make a page walk further.
-- name: any_newest
SELECT d.id FROM delivery AS d
 WHERE d.id > :above AND d.id < :below
 ORDER BY d.id DESC LIMIT :look

-- name: any_oldest
SELECT d.id FROM delivery AS d
 WHERE d.id > :above AND d.id < :below
 ORDER BY d.id LIMIT :look

-- name: of_event_newest
SELECT d.id FROM delivery AS d INDEXED BY delivery_event
 WHERE d.event_seq = :event_seq AND d.id > :above AND d.id < :below
 ORDER BY d.id DESC LIMIT :look

-- name: of_event_oldest
SELECT d.id FROM delivery AS d INDEXED BY delivery_event
 WHERE d.event_seq = :event_seq AND d.id > :above AND d.id < :below
 ORDER BY d.id LIMIT :look

-- The newest of each wanted (target, state), then the newest of those: no walk over the others.
-- name: of_target_newest
SELECT d.id
  FROM target AS t
 CROSS JOIN json_each(:states) AS s
 CROSS JOIN delivery AS d
 WHERE (:target IS NULL OR t.name = :target)
   AND d.id IN (SELECT x.id FROM delivery AS x INDEXED BY delivery_page
                 WHERE x.target_id = t.id AND x.state = s.value AND x.id > :above AND x.id < :below
                 ORDER BY x.id DESC LIMIT :look)
 ORDER BY d.id DESC LIMIT :look

-- name: of_target_oldest
SELECT d.id
  FROM target AS t
 CROSS JOIN json_each(:states) AS s
 CROSS JOIN delivery AS d
 WHERE (:target IS NULL OR t.name = :target)
   AND d.id IN (SELECT x.id FROM delivery AS x INDEXED BY delivery_page
                 WHERE x.target_id = t.id AND x.state = s.value AND x.id > :above AND x.id < :below
                 ORDER BY x.id LIMIT :look)
 ORDER BY d.id LIMIT :look

-- name: fitting_deliveries
SELECT d.id, e.event_id, e.seq, e.update_id, e.kind, t.name, d.state, d.attempts, d.failures,
       d.due_at, d.created_at, d.ended_at, d.status, d.took, d.reason, d.replay_of,
       (SELECT max(r.id) FROM delivery AS r INDEXED BY delivery_replay
         WHERE r.replay_of = d.id AND r.replay_of IS NOT NULL) AS replayed_as
  FROM json_each(:stretch) AS i
 CROSS JOIN delivery AS d ON d.id = i.value
 CROSS JOIN event AS e ON e.seq = d.event_seq
 CROSS JOIN target AS t ON t.id = d.target_id
 WHERE (:target IS NULL OR t.name = :target)
   AND (:states IS NULL OR d.state IN (SELECT value FROM json_each(:states)))
   AND (:event_seq IS NULL OR d.event_seq = :event_seq)
   AND (:reason IS NULL OR substr(d.reason, 1, length(:reason)) = :reason)
   AND (:kind IS NULL OR e.kind = :kind)
   AND (:chat_id IS NULL OR e.chat_id = :chat_id)
   AND (:since IS NULL OR e.received_at >= :since)
   AND (:until IS NULL OR e.received_at < :until)
   AND (:ended_before IS NULL OR d.ended_at < :ended_before)
   AND (:replayed IS NULL OR (replayed_as IS NOT NULL) = :replayed)
   AND (NOT :replayable OR t.removed_at IS NULL)
 ORDER BY i.key
 LIMIT :limit

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
 ORDER BY e.seq DESC LIMIT :look

-- name: fitting_events
SELECT e.seq, e.event_id, e.bot_id, e.update_id, e.kind, e.chat_id, e.user_id, e.received_at
  FROM json_each(:stretch) AS i
 CROSS JOIN event AS e ON e.seq = i.value
 WHERE (:kind IS NULL OR e.kind = :kind)
   AND (:chat_id IS NULL OR e.chat_id = :chat_id)
   AND (:since IS NULL OR e.received_at >= :since)
   AND (:until IS NULL OR e.received_at < :until)
   AND ((:target IS NULL AND :states IS NULL) OR EXISTS (
        SELECT 1
          FROM delivery AS d INDEXED BY delivery_event
         CROSS JOIN target AS t ON t.id = d.target_id
         WHERE d.event_seq = e.seq
           AND (:target IS NULL OR t.name = :target)
           AND (:states IS NULL OR d.state IN (SELECT value FROM json_each(:states)))))
 ORDER BY i.key
 LIMIT :limit

-- name: states_of_events
SELECT d.event_seq, d.state, count(*)
  FROM json_each(:events) AS i
 CROSS JOIN delivery AS d INDEXED BY delivery_event ON d.event_seq = i.value
 GROUP BY d.event_seq, d.state

-- name: delivery
SELECT d.id, e.event_id, e.seq, e.update_id, e.kind, t.name, d.state, d.attempts, d.failures,
       d.due_at, d.created_at, d.ended_at, d.status, d.took, d.reason, d.replay_of,
       (SELECT max(r.id) FROM delivery AS r INDEXED BY delivery_replay
         WHERE r.replay_of = d.id AND r.replay_of IS NOT NULL)
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
  FROM event WHERE event_id = :event

-- name: numbered_event
SELECT event_id, bot_id, update_id, kind, chat_id, user_id, lane,
       received_at, expires_at, body, seq
  FROM event WHERE seq = :event

-- name: target_rows
SELECT id, name, origin, paused, orphaned_at, definition, created_at
  FROM target WHERE removed_at IS NULL ORDER BY id

-- name: counts_of_targets
SELECT target_id, name, sum(value) FROM counter GROUP BY target_id, name

-- A gateway refuses until it has noticed that the chat was admitted.
-- name: refused_chats
SELECT bot_id, chat_id, chat_kind, count, last_seen
  FROM refused_chat AS r
 WHERE NOT EXISTS (SELECT 1 FROM authorised_chat AS a WHERE a.chat_id = r.chat_id)
 ORDER BY last_seen DESC, bot_id, chat_id LIMIT :limit

-- Duties ---------------------------------------------------------------------------------------

-- Nothing comes back while somebody has it.
-- name: take_duty
INSERT INTO duty (name, holder, token, until)
VALUES (:name, :holder, 1, :until)
ON CONFLICT (name) DO UPDATE
   SET holder = excluded.holder, token = token + 1, until = excluded.until
 WHERE until <= :now
RETURNING token

-- name: renew_duty
UPDATE duty SET until = :until WHERE name = :name AND token = :token AND until > :now

-- name: leave_duty
UPDATE duty SET until = :now WHERE name = :name AND token = :token AND until > :now

-- name: lapse_duties
UPDATE duty AS one SET until = :now WHERE until > :now

-- Webhook book ---------------------------------------------------------------------------------

-- name: keep_webhook_secret
INSERT INTO webhook (bot_id, secret)
VALUES (:bot_id, :secret)
ON CONFLICT (bot_id) DO UPDATE SET secret = coalesce(secret, excluded.secret)
RETURNING secret

-- name: webhook_mark
SELECT mark FROM webhook WHERE bot_id = :bot_id

-- name: mark_webhook
INSERT INTO webhook (bot_id, mark)
VALUES (:bot_id, :mark)
ON CONFLICT (bot_id) DO UPDATE SET mark = excluded.mark

-- Target book ----------------------------------------------------------------------------------

-- name: register
INSERT INTO target (name, origin, definition, created_at)
VALUES (:name, :origin, :definition, :now)
ON CONFLICT (name) WHERE removed_at IS NULL DO UPDATE
   SET origin = excluded.origin, definition = excluded.definition
 WHERE origin <> excluded.origin OR definition <> excluded.definition

-- name: targets
SELECT id, name, origin, paused FROM target WHERE removed_at IS NULL ORDER BY id

-- name: orphan
UPDATE target SET orphaned_at = :now
 WHERE removed_at IS NULL AND orphaned_at IS NULL AND origin <> 'api'
   AND name NOT IN (SELECT value FROM json_each(:names))

-- name: adopt
UPDATE target SET orphaned_at = NULL
 WHERE removed_at IS NULL AND orphaned_at IS NOT NULL
   AND name IN (SELECT value FROM json_each(:names))

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

-- name: dead_letter
SELECT event_seq, target_id FROM delivery WHERE id = :id AND state = 4

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
