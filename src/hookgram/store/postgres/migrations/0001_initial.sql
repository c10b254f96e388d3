-- Times are integer microseconds since the epoch, UTC. Ids and sequence numbers are never reused
-- (identity), because logs, targets and people remember them.
-- A text that came from outside is escaped (rows.py): PostgreSQL keeps no NUL in a text.
-- No foreign keys on what is hot: each write would look up and lock what it names. What they would
-- prevent is prevented by the locks that the statements take (see queries.sql).

CREATE TABLE bot (
  bot_id bigint PRIMARY KEY,
  name text NOT NULL UNIQUE
);

CREATE TABLE duty (
  name text PRIMARY KEY,
  holder text NOT NULL,
  token bigint NOT NULL,
  until bigint NOT NULL
);

-- A removed target's row stays, because its deliveries name it; its name is free again.
-- drained = false: its unsettled work is still being cancelled.
-- orphaned_at: when a registration first left the target out; NULL while it is configured.
CREATE TABLE target (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  origin text NOT NULL,
  definition text NOT NULL,
  paused boolean NOT NULL DEFAULT false,
  key_id text,
  secrets bytea,
  created_at bigint NOT NULL,
  removed_at bigint,
  orphaned_at bigint,
  drained boolean NOT NULL DEFAULT false
);

CREATE UNIQUE INDEX target_name ON target (name) WHERE removed_at IS NULL;

-- version rises with every change of the targets, so that other replicas notice it.
CREATE TABLE book (
  id integer PRIMARY KEY CHECK (id = 1),
  version bigint NOT NULL
);

INSERT INTO book (id, version) VALUES (1, 0);

-- The payloads: inserted and deleted, never updated, and apart from what changes.
-- targets: how many deliveries it made when it came; 0 is an unrouted event.
CREATE TABLE event (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bot_id bigint NOT NULL,
  update_id bigint,
  chat_id bigint,
  user_id bigint,
  received_at bigint NOT NULL,
  expires_at bigint,
  targets integer NOT NULL,
  event_id text NOT NULL UNIQUE,
  kind text NOT NULL,
  lane text,
  body bytea NOT NULL
);

CREATE INDEX event_unrouted ON event (received_at) WHERE targets = 0;

-- state: 0 waiting, 1 pending, 3 delivered, 4 dead, 5 cancelled. A pending one that has a row in
-- lease is leased (2): so a claim does not rewrite the delivery and its indexes.
CREATE TABLE delivery (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_seq bigint NOT NULL,
  target_id bigint NOT NULL,
  due_at bigint NOT NULL,
  created_at bigint NOT NULL,
  ended_at bigint,
  took bigint,
  replay_of bigint,
  attempts integer NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  status integer,
  state smallint NOT NULL,
  priority smallint NOT NULL,
  lane text,
  reason text
) WITH (
  fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX delivery_claim ON delivery (target_id, priority, due_at, id) WHERE state = 1;
CREATE INDEX delivery_waiting ON delivery (target_id, lane, id) WHERE state = 0;
CREATE INDEX delivery_page ON delivery (target_id, state, id);
CREATE INDEX delivery_event ON delivery (event_seq);
CREATE INDEX delivery_ended ON delivery (ended_at, id) WHERE state IN (3, 5);
CREATE INDEX delivery_dead ON delivery (ended_at, id) WHERE state = 4;
-- Costs only replays: other deliveries are not in it.
CREATE INDEX delivery_replay ON delivery (replay_of, id) WHERE replay_of IS NOT NULL;

-- Who may attempt a delivery, until when. attempt: the number of this try. A row here is made and
-- deleted only by who holds the lock of its delivery's row.
CREATE TABLE lease (
  delivery_id bigint PRIMARY KEY,
  token bigint NOT NULL,
  leased_until bigint NOT NULL,
  attempt integer NOT NULL
) WITH (
  fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);

CREATE INDEX lease_until ON lease (leased_until, delivery_id);

-- The one row of a lane that orders everybody: there is one exactly as long as something of the
-- lane is unsettled for the target, and it says how much.
CREATE TABLE lane (
  target_id bigint NOT NULL,
  lane text NOT NULL,
  unsettled bigint NOT NULL CHECK (unsettled > 0),
  PRIMARY KEY (target_id, lane)
) WITH (
  fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);

CREATE TABLE attempt (
  delivery_id bigint NOT NULL,
  number integer NOT NULL,
  started_at bigint NOT NULL,
  took bigint NOT NULL,
  status integer,
  error text,
  excerpt text,
  members text,
  PRIMARY KEY (delivery_id, number)
);

-- update_id is -1 where there is none: a key holds no NULL.
CREATE TABLE seen (
  bot_id bigint NOT NULL,
  update_id bigint NOT NULL,
  at bigint NOT NULL,
  digest bytea NOT NULL,
  PRIMARY KEY (bot_id, update_id, digest)
);

CREATE INDEX seen_at ON seen (at);

CREATE TABLE refused_chat (
  bot_id bigint NOT NULL,
  chat_id bigint NOT NULL,
  count bigint NOT NULL,
  last_seen bigint NOT NULL,
  chat_kind text,
  PRIMARY KEY (bot_id, chat_id)
);

CREATE INDEX refused_chat_last_seen ON refused_chat (last_seen);

-- target_id 0: of no target.
CREATE TABLE counter (
  target_id bigint NOT NULL,
  shard text NOT NULL,
  name text NOT NULL,
  value bigint NOT NULL,
  PRIMARY KEY (target_id, shard, name)
) WITH (
  fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);

-- What a probe writes, to learn whether a commit would succeed.
CREATE TABLE probe (
  shard text PRIMARY KEY,
  at bigint NOT NULL
);
