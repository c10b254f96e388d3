-- That a move to here began: no gateway works here until it has ended. place: how far it is, in the
-- words of where it comes from.
CREATE TABLE move (
  id integer PRIMARY KEY CHECK (id = 1),
  move_id text NOT NULL,
  began_at bigint NOT NULL,
  ended_at bigint,
  place bytea
);
