CREATE TABLE outbox (body TEXT NOT NULL);
INSERT INTO outbox VALUES ('{"event": "opened"}');
