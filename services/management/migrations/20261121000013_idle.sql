-- migrate:up

ALTER TABLE sign_ins ADD COLUMN idle_until timestamptz;

-- migrate:down

ALTER TABLE sign_ins DROP COLUMN idle_until;
