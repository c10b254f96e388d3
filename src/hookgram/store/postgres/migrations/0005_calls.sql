-- The hot calls are functions: a whole batch goes to the server and back once. Their statements are
-- ours of queries.sql in every way but two: they stand here because old and new replicas work side
-- by side, so a function is never changed, a better one gets a new name; and each statement reads
-- anew what was committed before it (READ COMMITTED), so lanes are locked by one and looked at by
-- the next, as there.
-- Locks are taken in one order everywhere: event, target, seen, lane (sorted), delivery, lease,
-- counter (sorted).
-- A table is joined so that no other plan is possible than one look-up for each row that is given
-- (= ANY, OFFSET 0): the planner's figures may be of a moment at which the table was empty.
-- It changes no table and takes no lock on one: quick, however much is there.

-- The moment a call counts with: a given one (tests), else the server's.
CREATE FUNCTION moment(given bigint) RETURNS bigint LANGUAGE sql AS
$$ SELECT coalesce(given, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) $$;

-- Makes deliveries at the tails of their lanes, in the order given, and returns their ids in that
-- order. Without an event none is made. gone: those of the targets that are removed. Ids rise within
-- a lane, because they are given while it is locked.
CREATE FUNCTION owe(
  began bigint, gone bigint[], events bigint[], targets bigint[],
  priorities smallint[], lanes text[], delays bigint[], replays bigint[], reasons text[]
) RETURNS bigint[]
LANGUAGE plpgsql
SET enable_hashjoin = on
AS $$
#variable_conflict use_column
DECLARE
  ids bigint[];
BEGIN
  WITH given AS (
    SELECT g.*,
           CASE WHEN g.target_id = ANY(gone) THEN 5 WHEN g.reason IS NOT NULL THEN 4 END AS ended
      FROM unnest(events, targets, priorities, lanes, delays, replays, reasons) WITH ORDINALITY
        AS g (event_seq, target_id, priority, lane, delay, replay_of, reason, n)
     WHERE g.event_seq IS NOT NULL
  ), placed AS (
    SELECT given.*,
           row_number() OVER (PARTITION BY target_id, lane, ended IS NULL ORDER BY n) AS place
      FROM given
  ), joined AS (
    INSERT INTO lane AS l (target_id, lane, unsettled)
    SELECT target_id, lane, max(place) FROM placed
     WHERE lane IS NOT NULL AND ended IS NULL
     GROUP BY target_id, lane ORDER BY target_id, lane
    ON CONFLICT (target_id, lane) DO UPDATE SET unsettled = l.unsettled + excluded.unsettled
    RETURNING l.target_id, l.lane, l.unsettled
  ), judged AS (
    SELECT p.*,
           CASE WHEN p.ended IS NOT NULL THEN p.ended
                WHEN p.place > 1 AND p.lane IS NOT NULL THEN 0
                WHEN j.unsettled > max(p.place) OVER (PARTITION BY p.target_id, p.lane, p.ended)
                THEN 0 ELSE 1 END AS state
      FROM placed AS p
      LEFT JOIN joined AS j ON j.target_id = p.target_id AND j.lane = p.lane
  ), made AS (
    INSERT INTO delivery (event_seq, target_id, priority, lane, due_at, replay_of, created_at,
                          ended_at, state, reason)
    SELECT event_seq, target_id, priority, lane, began + delay, replay_of, began,
           CASE WHEN state >= 3 THEN began END, state,
           CASE WHEN state = 5 THEN 'target_removed' ELSE reason END
      FROM judged ORDER BY n
    RETURNING id
  )
  SELECT array_agg(id ORDER BY id) INTO ids FROM made;
  RETURN ids;
END $$;

-- Keeps each event with its deliveries unless its key is known; returns the numbers of the events,
-- null for one that was known. owers: which event (1, 2, …) owes. A target's row is held until the
-- commit: a removal waits, and then sees what was owed.
CREATE FUNCTION accept(
  at bigint, shard text,
  event_ids text[], bots bigint[], updates bigint[], kinds text[], chats bigint[], users bigint[],
  lanes text[], received bigint[], expires bigint[], owing integer[], bodies bytea[],
  digests bytea[],
  owers integer[], owed bigint[], priorities smallint[], owed_lanes text[], delays bigint[],
  reasons text[]
) RETURNS TABLE (began bigint, seqs bigint[])
LANGUAGE plpgsql
SET enable_hashjoin = on
AS $$
#variable_conflict use_column
DECLARE
  gone bigint[];
  held bigint[];
  fresh bigint[];
  known integer;
BEGIN
  began := moment(at);
  SELECT array_agg(h.id) FILTER (WHERE h.removed_at IS NOT NULL), array_agg(h.id)
    INTO gone, held
    FROM (SELECT t.id, t.removed_at FROM target AS t
           WHERE t.id = ANY(owed) ORDER BY t.id FOR SHARE) AS h;
  IF NOT owed <@ coalesce(held, '{}') THEN
    RAISE no_data_found USING MESSAGE = format(
      'there is no target %s',
      (SELECT min(id) FROM unnest(owed) AS w (id) WHERE id <> ALL(coalesce(held, '{}'))));
  END IF;

  -- In the order of their keys; one that another replica is inserting is waited for.
  WITH given AS (
    SELECT g.bot_id, coalesce(g.update_id, -1) AS update_id, g.digest, g.n
      FROM unnest(bots, updates, digests) WITH ORDINALITY AS g (bot_id, update_id, digest, n)
  ), new AS (
    INSERT INTO seen (bot_id, update_id, digest, at)
    SELECT bot_id, update_id, digest, began FROM given ORDER BY bot_id, update_id, digest
    ON CONFLICT DO NOTHING
    RETURNING seen.bot_id, seen.update_id, seen.digest
  ), first AS (
    SELECT min(g.n) AS n
      FROM new JOIN given AS g USING (bot_id, update_id, digest)
     GROUP BY bot_id, update_id, digest
  )
  SELECT coalesce(array_agg(n ORDER BY n), '{}') INTO fresh FROM first;
  known := cardinality(bots) - cardinality(fresh);

  WITH made AS (
    INSERT INTO event (event_id, bot_id, update_id, kind, chat_id, user_id, lane,
                       received_at, expires_at, targets, body)
    SELECT event_id, bot_id, update_id, kind, chat_id, user_id, lane,
           received_at, expires_at, owing, body
      FROM unnest(event_ids, bots, updates, kinds, chats, users, lanes, received, expires,
                  accept.owing, bodies)
           WITH ORDINALITY
        AS g (event_id, bot_id, update_id, kind, chat_id, user_id, lane,
              received_at, expires_at, owing, body, n)
     WHERE known = 0 OR n = ANY(fresh)
     ORDER BY n
    RETURNING seq
  )
  SELECT array_agg(seq ORDER BY seq) INTO seqs FROM made;
  IF known > 0 THEN
    seqs := ARRAY(SELECT seqs[array_position(fresh, n)] FROM generate_subscripts(bots, 1) AS n
                   ORDER BY n);
  END IF;

  IF cardinality(fresh) > 0 AND cardinality(owed) > 0 THEN
    PERFORM owe(began, gone,
                ARRAY(SELECT seqs[o.ower] FROM unnest(owers) WITH ORDINALITY AS o (ower, n)
                       ORDER BY o.n),
                owed, priorities, owed_lanes, delays, NULL, reasons);
  END IF;

  INSERT INTO counter AS c (target_id, shard, name, value)
  SELECT e.target_id, accept.shard, e.name, count(*)
    FROM (
      SELECT 0 AS target_id, n.name
        FROM unnest(seqs, kinds, accept.owing) AS g (seq, kind, owing)
       CROSS JOIN LATERAL (VALUES
         (CASE WHEN g.seq IS NULL THEN 'duplicate' ELSE 'accepted' END),
         (CASE WHEN g.seq IS NOT NULL AND g.owing = 0 THEN 'unrouted' END),
         (CASE WHEN g.seq IS NOT NULL AND g.kind = 'unparsed' THEN 'unparsed' END)) AS n (name)
      UNION ALL
      SELECT g.target_id, n.name
        FROM unnest(owers, owed, accept.reasons) AS g (ower, target_id, reason)
       CROSS JOIN LATERAL (VALUES
         ('created'),
         (CASE WHEN g.target_id = ANY(gone) THEN 'cancelled'
               WHEN g.reason IS NOT NULL THEN 'dead' END)) AS n (name)
       WHERE seqs[g.ower] IS NOT NULL
    ) AS e
   WHERE e.name IS NOT NULL
   GROUP BY e.target_id, e.name ORDER BY e.target_id, e.name
  ON CONFLICT ON CONSTRAINT counter_pkey DO UPDATE SET value = c.value + excluded.value;
  RETURN NEXT;
END $$;

-- Takes due deliveries of each wanted target that works. Rows with an id are claims. Rows without one
-- tell, for a target and a priority, when more is due: already past where there was no room for it.
-- Each priority is asked for by itself: due work of one is found without walking over what another
-- has due later. What others are claiming is passed by; lease's key decides who has it. One more
-- than there is room for is looked at: then nothing is walked over twice.
-- urgent_from, plain_from: what is due before is not looked at. ended: when it was over, once at the
-- end of a target.
CREATE FUNCTION claim(
  at bigint, targets bigint[], wanted integer[], kept integer[], tokens bigint[], leases bigint[],
  urgent_from bigint[], plain_from bigint[]
) RETURNS TABLE (
  id bigint, target_id bigint, token bigint, leased_until bigint, attempt integer,
  failures integer, created_at bigint, replay_of bigint, event_id text, bot_id bigint,
  update_id bigint, kind text, chat_id bigint, user_id bigint, lane text, received_at bigint,
  expires_at bigint, body bytea, seq bigint, priority smallint, due_at bigint,
  began bigint, ended bigint
)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
  start constant bigint := moment(at);
  wanting bigint;
  room integer;
  found_rows integer;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  FOR n IN 1 .. cardinality(targets) LOOP
    wanting := targets[n];
    CONTINUE WHEN NOT EXISTS (SELECT FROM target AS t
                               WHERE t.id = wanting AND NOT t.paused AND t.removed_at IS NULL);
    room := wanted[n];
    FOR level IN 0 .. 1 LOOP
      RETURN QUERY
      WITH found AS (
        SELECT d.id, d.attempts + 1 AS attempt, d.failures, d.created_at, d.replay_of,
               d.event_seq, d.due_at
          FROM delivery AS d
         WHERE d.state = 1 AND d.target_id = wanting AND d.priority = level::smallint
           AND d.due_at >= CASE level WHEN 0 THEN urgent_from[n] ELSE plain_from[n] END
           AND d.due_at <= start
           AND (SELECT l.delivery_id FROM lease AS l WHERE l.delivery_id = d.id) IS NULL
         ORDER BY d.due_at, d.id
         LIMIT room + 1
           FOR UPDATE OF d SKIP LOCKED
      ), placed AS (
        SELECT f.*, row_number() OVER (ORDER BY f.due_at, f.id) <= room AS taken FROM found AS f
      ), leased AS (
        INSERT INTO lease (delivery_id, token, leased_until, attempt)
        SELECT p.id, tokens[n], start + leases[n], p.attempt FROM placed AS p WHERE p.taken
        ON CONFLICT (delivery_id) DO NOTHING
        RETURNING lease.delivery_id
      )
      SELECT CASE WHEN p.taken THEN p.id END, wanting, tokens[n], start + leases[n], p.attempt,
             p.failures, p.created_at, p.replay_of, e.event_id, e.bot_id, e.update_id, e.kind,
             e.chat_id, e.user_id, e.lane, e.received_at, e.expires_at, e.body, e.seq,
             level::smallint, p.due_at, start, NULL::bigint
        FROM placed AS p
        LEFT JOIN LATERAL (SELECT e.* FROM event AS e WHERE e.seq = p.event_seq OFFSET 0) AS e
          ON p.taken
       WHERE NOT p.taken OR p.id = ANY(ARRAY(SELECT leased.delivery_id FROM leased));
      GET DIAGNOSTICS found_rows = ROW_COUNT;
      IF found_rows <= room THEN
        -- All that is due was taken, but for what another is just claiming: it may give it up again.
        RETURN QUERY
        SELECT NULL::bigint, wanting, NULL::bigint, NULL::bigint, NULL::integer, NULL::integer,
               NULL::bigint, NULL::bigint, NULL::text, NULL::bigint, NULL::bigint, NULL::text,
               NULL::bigint, NULL::bigint, NULL::text, NULL::bigint, NULL::bigint, NULL::bytea,
               NULL::bigint, level::smallint, d.due_at, start, NULL::bigint
          FROM delivery AS d
         WHERE d.state = 1 AND d.target_id = wanting AND d.priority = level::smallint
           AND d.due_at >= CASE level WHEN 0 THEN urgent_from[n] ELSE plain_from[n] END
           AND (SELECT l.delivery_id FROM lease AS l WHERE l.delivery_id = d.id) IS NULL
         ORDER BY d.due_at, d.id
         LIMIT 1;
      END IF;
      IF level = 0 THEN
        room := greatest(wanted[n] - greatest(least(found_rows, room), kept[n]), 0);
      END IF;
    END LOOP;
    id := NULL;
    target_id := wanting;
    began := start;
    ended := moment(at);
    RETURN NEXT;
  END LOOP;
END $$;

-- Records the ends of tries whose tokens are current, and promotes the next of their lanes. Whoever
-- lost the lease changes nothing. states: 3 and 4 end; 1 is a retry (wait) or, without a wait, a
-- release, which keeps its place and its number. kept: the attempt is worth a row. Returns the
-- deliveries that were ours, and when work is due that this brought: their own, or of their lanes.
CREATE FUNCTION settle(
  at bigint, shard text, ids bigint[], tokens bigint[], states smallint[], waits bigint[],
  reasons text[], failures integer[], statuses integer[], took bigint[],
  kept boolean[], numbers integer[], started bigint[], errors text[], excerpts text[],
  members text[]
) RETURNS TABLE (id bigint, target_id bigint, due_at bigint)
LANGUAGE plpgsql
AS $$
#variable_conflict use_column
DECLARE
  start constant bigint := moment(at);
  done record;
  left_in record;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  PERFORM FROM (
    SELECT DISTINCT d.target_id, d.lane
      FROM unnest(ids, states) AS g (id, state)
     CROSS JOIN LATERAL (SELECT d.target_id, d.lane FROM delivery AS d
                          WHERE d.id = g.id AND d.lane IS NOT NULL OFFSET 0) AS d
     WHERE g.state >= 3
     ORDER BY d.target_id, d.lane
  ) AS g
  CROSS JOIN LATERAL (SELECT FROM lane AS l
                       WHERE l.target_id = g.target_id AND l.lane = g.lane FOR UPDATE) AS l;

  WITH given AS (
    SELECT * FROM unnest(ids, tokens, states, waits, reasons, settle.failures, statuses, settle.took)
      AS g (id, token, state, wait, reason, failures, status, took)
  ), current AS (
    DELETE FROM lease AS l USING given AS g
     WHERE l.delivery_id = ANY(ids) AND l.delivery_id = g.id AND l.token = g.token
    RETURNING g.*, l.attempt, g.wait IS NULL AS released
  ), settled AS (
    UPDATE delivery AS d
       SET state = CASE WHEN c.released THEN d.state ELSE c.state END,
           attempts = CASE WHEN c.released THEN d.attempts ELSE c.attempt END,
           failures = CASE WHEN c.released THEN d.failures ELSE coalesce(c.failures, d.failures) END,
           reason = CASE WHEN c.released THEN d.reason ELSE c.reason END,
           status = CASE WHEN c.released THEN d.status ELSE c.status END,
           took = CASE WHEN c.released THEN d.took ELSE c.took END,
           due_at = CASE WHEN c.released THEN least(d.due_at, start)
                         WHEN c.state = 1 THEN start + c.wait ELSE d.due_at END,
           ended_at = CASE WHEN c.state >= 3 THEN start ELSE d.ended_at END
      FROM current AS c
     WHERE d.id = ANY(ids) AND d.id = c.id
    RETURNING d.id, d.target_id, d.lane, d.state, d.due_at
  )
  SELECT array_agg(s.id) AS ids, array_agg(s.target_id) AS targets, array_agg(s.lane) AS lanes,
         array_agg(s.state) AS states, array_agg(s.due_at) AS due
    INTO done FROM settled AS s;
  IF done.ids IS NULL THEN
    RETURN;
  END IF;

  -- They are locked, so their places stay.
  WITH freed AS (
    SELECT l.place, l.unsettled FROM unnest(done.targets, done.lanes, done.states)
        AS f (target_id, lane, state)
     CROSS JOIN LATERAL (SELECT l.ctid AS place, l.unsettled FROM lane AS l
                          WHERE l.target_id = f.target_id AND l.lane = f.lane OFFSET 0) AS l
     WHERE f.state >= 3
  ), emptied AS (
    DELETE FROM lane AS l
     WHERE l.ctid = ANY(ARRAY(SELECT f.place FROM freed AS f WHERE f.unsettled = 1))
  ), shortened AS (
    UPDATE lane AS l SET unsettled = l.unsettled - 1
     WHERE l.ctid = ANY(ARRAY(SELECT f.place FROM freed AS f WHERE f.unsettled > 1))
    RETURNING l.target_id, l.lane
  )
  SELECT array_agg(s.target_id) AS targets, array_agg(s.lane) AS lanes
    INTO left_in FROM shortened AS s;

  IF left_in.targets IS NULL THEN
    RETURN QUERY
    SELECT s.id, s.target_id, CASE s.state WHEN 1 THEN s.due_at END
      FROM unnest(done.ids, done.targets, done.states, done.due) AS s (id, target_id, state, due_at);
  ELSE
    RETURN QUERY
    WITH promoted AS (
      UPDATE delivery AS d SET state = 1
       WHERE d.id = ANY(ARRAY(
         SELECT (SELECT w.id FROM delivery AS w
                  WHERE w.state = 0 AND w.target_id = f.target_id AND w.lane = f.lane
                  ORDER BY w.id LIMIT 1)
           FROM unnest(left_in.targets, left_in.lanes) AS f (target_id, lane)))
      RETURNING d.target_id, d.lane, d.due_at
    )
    SELECT s.id, s.target_id, CASE s.state WHEN 1 THEN s.due_at ELSE p.due_at END
      FROM unnest(done.ids, done.targets, done.lanes, done.states, done.due)
        AS s (id, target_id, lane, state, due_at)
      LEFT JOIN promoted AS p
        ON s.state >= 3 AND p.target_id = s.target_id AND p.lane = s.lane;
  END IF;

  IF true = ANY(kept) THEN
    INSERT INTO attempt (delivery_id, number, started_at, took, status, error, excerpt, members)
    SELECT a.id, a.number, a.started, a.took, a.status, a.error, a.excerpt, a.members
      FROM unnest(ids, kept, numbers, started, settle.took, statuses, errors, excerpts,
                  settle.members)
        AS a (id, kept, number, started, took, status, error, excerpt, members)
     WHERE a.kept AND a.id = ANY(done.ids)
    ON CONFLICT (delivery_id, number) DO UPDATE
       SET started_at = excluded.started_at, took = excluded.took, status = excluded.status,
           error = excluded.error, excerpt = excluded.excerpt, members = excluded.members;
  END IF;

  INSERT INTO counter AS c (target_id, shard, name, value)
  SELECT s.target_id, settle.shard, CASE s.state WHEN 3 THEN 'delivered' ELSE 'dead' END, count(*)
    FROM unnest(done.targets, done.states) AS s (target_id, state)
   WHERE s.state >= 3
   GROUP BY 1, 3 ORDER BY 1, 3
  ON CONFLICT ON CONSTRAINT counter_pkey DO UPDATE SET value = c.value + excluded.value;
END $$;
