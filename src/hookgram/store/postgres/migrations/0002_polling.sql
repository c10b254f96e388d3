-- Where polling goes on: the update id to ask for next, by bot.
CREATE TABLE polling (
  bot_id bigint PRIMARY KEY,
  next_id bigint NOT NULL
);

-- What keeping a bot's webhook needs to remember: the secret made for it when none was given, and
-- a mark of what was set last (a digest: nothing can be read from it).
CREATE TABLE webhook (
  bot_id bigint PRIMARY KEY,
  secret text,
  mark bytea
);
