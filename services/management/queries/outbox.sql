-- name: stamp_event()^
-- the id and the time of the next event
SELECT nextval(pg_get_serial_sequence('outbox', 'id')) AS id,
    extract(epoch FROM now())::float8 AS at;

-- name: add_event(id, subject, payload)!
INSERT INTO outbox (id, subject, payload) VALUES (:id, :subject, :payload);

-- name: take_relay_turn(turn)$
-- true if nobody else relays; then nobody does until the end of the transaction
SELECT pg_try_advisory_xact_lock(:turn);

-- name: read_outbox(most)
-- the oldest events, in the order they are to be told
SELECT id, subject, payload FROM outbox ORDER BY id LIMIT :most;

-- name: delete_event(id)!
-- an event that is told
DELETE FROM outbox WHERE id = :id;

-- name: measure_outbox()^
-- how many events wait, and for how many seconds the oldest does
SELECT count(*) AS depth, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS age
FROM outbox;
