-- Chats that were admitted at run time; those of the configuration are not here.
CREATE TABLE authorised_chat (
  chat_id bigint PRIMARY KEY,
  since bigint NOT NULL
);

-- Groups that became supergroups: the id a chat has now, and one it had. Only of chats that some
-- rule names, so that strangers cannot fill it.
CREATE TABLE moved_chat (
  chat_id bigint NOT NULL,
  former bigint NOT NULL,
  since bigint NOT NULL,
  PRIMARY KEY (chat_id, former)
);
