-- That what is here is being moved elsewhere, or was: no gateway works on it from then on.
CREATE TABLE move (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  move_id TEXT NOT NULL,
  destination TEXT NOT NULL,
  began_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
