-- Feiqian, PostgreSQL, version 2: several nodes share a database.

CREATE TABLE installation (shards SMALLINT NOT NULL CHECK (shards BETWEEN 1 AND 64));
CREATE UNIQUE INDEX installation_one ON installation ((true));
INSERT INTO installation VALUES (1);
COMMENT ON TABLE installation IS 'One row: how many shards the database has. Set before the first batch and never again, because the shard of a payer and of an order number follows from it.';

CREATE TABLE nodes (
    node TEXT PRIMARY KEY, instance TEXT NOT NULL, address TEXT NOT NULL, fingerprint TEXT NOT NULL,
    version TEXT NOT NULL, role SMALLINT NOT NULL, started_at BIGINT NOT NULL, seen_at BIGINT NOT NULL
);
COMMENT ON TABLE nodes IS 'Nodes that run on this database, each once a second. Times are this server''s. Whoever can write here can join: fingerprint is the SHA-256 of the certificate that the node shows the others.';
COMMENT ON COLUMN nodes.role IS '0 works, 1 guest (a tool), 2 leaving';

ALTER TABLE orders ADD COLUMN shard SMALLINT;
COMMENT ON COLUMN orders.shard IS 'The shard that decides about the order; NULL is the one in its id (bits 16 to 21)';

CREATE TABLE crossings (
    id BIGINT PRIMARY KEY, from_account BIGINT NOT NULL, to_account BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0), sent_at BIGINT NOT NULL
);
COMMENT ON TABLE crossings IS 'Money on its way from one shard to another, until it was reported to have arrived; id is the transfer by which it left';

-- A line's id: shard × 2^57 + batch × 4096 + place.
DROP VIEW audit;
CREATE VIEW audit AS
SELECT journal.shard, (journal.shard::BIGINT << 57) + journal.batch * 4096 + line.place - 1 AS id,
       to_timestamp((journal.at + (line.value ->> 0)::BIGINT) / 1000000.0) AT TIME ZONE 'UTC' AS at_utc,
       line.value ->> 1 AS actor, line.value ->> 2 AS address, line.value ->> 3 AS device,
       line.value ->> 4 AS command, line.value ->> 5 AS subject, line.value ->> 6 AS outcome,
       line.value ->> 7 AS note, (line.value ->> 8)::BIGINT AS previous
FROM journal, json_array_elements(journal.lines::JSON) WITH ORDINALITY AS line (value, place);
COMMENT ON VIEW audit IS 'Who did what, from where, with which outcome; previous is the line before on the same record';

-- An account's id: kind × 2^56 + currency × 2^46 + shard × 2^40 + owner. All there were are in shard 0.
DROP VIEW account_balances;
CREATE VIEW account_balances AS
SELECT CASE id >> 56 WHEN 1 THEN 'payer.balance' WHEN 2 THEN 'merchant.unsettled' WHEN 6 THEN 'platform.fee'
           WHEN 10 THEN 'channel.receivable' WHEN 20 THEN 'shard.in_transit' END AS kind,
       id & 1099511627775 AS owner, (id >> 46) & 1023 AS currency,
       CASE WHEN id >> 56 = 10 THEN debits_posted - credits_posted ELSE credits_posted - debits_posted END AS balance,
       CASE WHEN id >> 56 = 10 THEN credits_pending ELSE debits_pending END AS held, frozen, id,
       (id >> 40) & 63 AS shard
FROM accounts;
COMMENT ON VIEW account_balances IS 'Balances in minor units by kind, owner and shard; currency is the ISO 4217 number';
