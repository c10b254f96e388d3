-- Every statement of a move away from here (see move.py). What is carried is read in the order of
-- its key, from behind the last one; columns and what is carried: core/move.py.
-- Carried are deliveries that are unsettled or dead: state < 3 or state = 4.

-- The move itself ------------------------------------------------------------------------------

-- name: move_mark
SELECT move_id, destination, began_at, ended_at FROM move

-- name: move_begin
INSERT INTO move (id, move_id, destination, began_at) VALUES (1, :move_id, :destination, :now)

-- name: move_end
UPDATE move SET ended_at = :now WHERE ended_at IS NULL

-- name: move_give_up
DELETE FROM move

-- The last number ever given, also to rows that are gone.
-- name: move_last_numbers
SELECT name, seq FROM sqlite_sequence

-- Reading --------------------------------------------------------------------------------------

-- name: move_bots
SELECT bot_id, name FROM bot WHERE bot_id > ?1 ORDER BY bot_id LIMIT ?2

-- name: move_targets
SELECT id, name, origin, definition, paused, key_id, secrets,
       created_at, removed_at, orphaned_at, drained
  FROM target WHERE id > ?1 ORDER BY id LIMIT ?2

-- Which come next, with the length of each, so that not too much is read at once.
-- name: move_event_lengths
SELECT e.seq, length(e.body)
  FROM event AS e
 WHERE e.seq > ?1
   AND EXISTS (SELECT 1 FROM delivery AS d INDEXED BY delivery_event
                WHERE d.event_seq = e.seq AND (d.state < 3 OR d.state = 4))
 ORDER BY e.seq LIMIT ?2

-- name: move_events
SELECT e.seq, e.event_id, e.bot_id, e.update_id, e.kind, e.chat_id, e.user_id, e.lane,
       e.received_at, e.expires_at, e.targets, e.body
  FROM json_each(:seqs) AS i CROSS JOIN event AS e ON e.seq = i.value
 ORDER BY i.key

-- name: move_deliveries
SELECT id, event_seq, target_id, state, priority, lane, due_at, attempts,
       failures, token, leased_until, reason, replay_of, status, took,
       created_at, ended_at
  FROM delivery AS d
 WHERE d.id > ?1 AND (d.state < 3 OR d.state = 4)
 ORDER BY d.id LIMIT ?2

-- name: move_attempts
SELECT delivery_id, number, started_at, took, status, error, excerpt, members
  FROM attempt AS a
 WHERE (a.delivery_id, a.number) > (?1, ?2)
   AND EXISTS (SELECT 1 FROM delivery AS d
                WHERE d.id = a.delivery_id AND (d.state < 3 OR d.state = 4))
 ORDER BY a.delivery_id, a.number LIMIT ?3

-- name: move_seen
SELECT bot_id, update_id, digest, at
  FROM seen
 WHERE (bot_id, update_id, digest) > (?1, ?2, ?3)
 ORDER BY bot_id, update_id, digest LIMIT ?4

-- name: move_refused_chats
SELECT bot_id, chat_id, chat_kind, count, last_seen
  FROM refused_chat
 WHERE (bot_id, chat_id) > (?1, ?2)
 ORDER BY bot_id, chat_id LIMIT ?3

-- name: move_authorised_chats
SELECT chat_id, since FROM authorised_chat WHERE chat_id > ?1 ORDER BY chat_id LIMIT ?2

-- name: move_moved_chats
SELECT chat_id, former, since
  FROM moved_chat
 WHERE (chat_id, former) > (?1, ?2)
 ORDER BY chat_id, former LIMIT ?3

-- name: move_offsets
SELECT bot_id, next_id FROM polling WHERE bot_id > ?1 ORDER BY bot_id LIMIT ?2

-- name: move_webhooks
SELECT bot_id, secret, mark FROM webhook WHERE bot_id > ?1 ORDER BY bot_id LIMIT ?2

-- name: move_counters
SELECT target_id, shard, name, value
  FROM counter
 WHERE (target_id, shard, name) > (?1, ?2, ?3)
 ORDER BY target_id, shard, name LIMIT ?4

-- Counting: the whole of it, while nobody else works here --------------------------------------

-- name: move_count_rows
SELECT (SELECT count(*) FROM bot),
       (SELECT count(*) FROM target),
       (SELECT count(*) FROM attempt AS a
         WHERE EXISTS (SELECT 1 FROM delivery AS d
                        WHERE d.id = a.delivery_id AND (d.state < 3 OR d.state = 4))),
       (SELECT count(*) FROM seen),
       (SELECT count(*) FROM refused_chat),
       (SELECT count(*) FROM authorised_chat),
       (SELECT count(*) FROM moved_chat),
       (SELECT count(*) FROM polling),
       (SELECT count(*) FROM webhook),
       (SELECT count(*) FROM counter)

-- name: move_count_events
SELECT count(*), coalesce(sum(length(e.body)), 0)
  FROM event AS e
 WHERE EXISTS (SELECT 1 FROM delivery AS d INDEXED BY delivery_event
                WHERE d.event_seq = e.seq AND (d.state < 3 OR d.state = 4))

-- name: move_count_deliveries
SELECT target_id, state, count(*)
  FROM delivery INDEXED BY delivery_page
 WHERE state < 3 OR state = 4
 GROUP BY target_id, state

-- name: move_count_counters
SELECT target_id, name, sum(value) FROM counter GROUP BY target_id, name

-- name: move_names
SELECT id, name FROM target
