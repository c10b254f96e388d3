-- Chats that were admitted at run time; those of the configuration are not here.
CREATE TABLE authorised_chat (
  chat_id INTEGER PRIMARY KEY,
  since INTEGER NOT NULL
) STRICT;

-- Groups that became supergroups: the id a chat has now, and one it had. Only of chats that some
-- rule names, so that strangers cannot fill it.
CREATE TABLE moved_chat (
  chat_id INTEGER NOT NULL,
  former INTEGER NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (chat_id, former)
) STRICT, WITHOUT ROWID;
