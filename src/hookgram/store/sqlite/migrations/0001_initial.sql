-- Times are integer microseconds since the epoch, UTC. Ids and sequence numbers are never reused
-- (AUTOINCREMENT), because logs, targets and people remember them.
-- delivery.state: 0 waiting, 1 pending, 2 leased, 3 delivered, 4 dead, 5 cancelled.

CREATE TABLE bot (
  bot_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE duty (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  token INTEGER NOT NULL,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A removed target's row stays, because its deliveries name it; its name is free again.
-- drained = 0: its unsettled work is still being cancelled.
CREATE TABLE target (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  origin TEXT NOT NULL,
  definition TEXT NOT NULL,
  paused INTEGER NOT NULL DEFAULT 0,
  key_id TEXT,
  secrets BLOB,
  created_at INTEGER NOT NULL,
  removed_at INTEGER,
  drained INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX target_name ON target (name) WHERE removed_at IS NULL;

-- targets: how many deliveries it made when it came; 0 is an unrouted event.
CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  bot_id INTEGER NOT NULL,
  update_id INTEGER,
  kind TEXT NOT NULL,
  chat_id INTEGER,
  user_id INTEGER,
  lane TEXT,
  received_at INTEGER NOT NULL,
  expires_at INTEGER,
  targets INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;

CREATE INDEX event_unrouted ON event (received_at) WHERE targets = 0;

CREATE TABLE delivery (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_seq INTEGER NOT NULL REFERENCES event (seq),
  target_id INTEGER NOT NULL REFERENCES target (id),
  state INTEGER NOT NULL,
  priority INTEGER NOT NULL,
  lane TEXT,
  due_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,
  token INTEGER,
  leased_until INTEGER,
  reason TEXT,
  replay_of INTEGER,
  status INTEGER,
  took INTEGER,
  created_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;

-- A partial index serves only queries that repeat its WHERE word for word. The row's id is the
-- last column of every index.
CREATE INDEX delivery_claim ON delivery (target_id, priority, due_at) WHERE state = 1;
CREATE INDEX delivery_leased ON delivery (leased_until) WHERE state = 2;
-- Unsettled is written as "not ended" here, so that claiming does not touch this index.
CREATE INDEX delivery_lane ON delivery (target_id, lane)
  WHERE ended_at IS NULL AND lane IS NOT NULL;
CREATE INDEX delivery_page ON delivery (target_id, state);
CREATE INDEX delivery_event ON delivery (event_seq);
CREATE INDEX delivery_ended ON delivery (ended_at) WHERE state IN (3, 5);
CREATE INDEX delivery_dead ON delivery (ended_at) WHERE state = 4;

CREATE TABLE attempt (
  delivery_id INTEGER NOT NULL REFERENCES delivery (id),
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  took INTEGER NOT NULL,
  status INTEGER,
  error TEXT,
  excerpt TEXT,
  members TEXT,
  PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

-- update_id is -1 where there is none: a key holds no NULL.
CREATE TABLE seen (
  bot_id INTEGER NOT NULL,
  update_id INTEGER NOT NULL,
  digest BLOB NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (bot_id, update_id, digest)
) STRICT, WITHOUT ROWID;

CREATE INDEX seen_at ON seen (at);

CREATE TABLE refused_chat (
  bot_id INTEGER NOT NULL,
  chat_id INTEGER NOT NULL,
  chat_kind TEXT,
  count INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (bot_id, chat_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX refused_chat_last_seen ON refused_chat (last_seen);

-- target_id 0: of no target.
CREATE TABLE counter (
  target_id INTEGER NOT NULL,
  shard TEXT NOT NULL,
  name TEXT NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (target_id, shard, name)
) STRICT, WITHOUT ROWID;

-- What a probe writes, to learn whether a commit would succeed.
CREATE TABLE probe (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  ballast BLOB NOT NULL
) STRICT;
