-- migrate:up

ALTER TABLE passkeys ADD COLUMN made_in text;

-- migrate:down

ALTER TABLE passkeys DROP COLUMN made_in;
