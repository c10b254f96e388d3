-- What people ask: which targets are no longer configured, and which deliveries were replayed.

-- When a registration first left the target out; NULL while it is configured.
ALTER TABLE target ADD COLUMN orphaned_at INTEGER;

-- Costs only replays: other deliveries are not in it.
CREATE INDEX delivery_replay ON delivery (replay_of) WHERE replay_of IS NOT NULL;
