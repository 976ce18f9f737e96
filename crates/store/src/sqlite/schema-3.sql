-- Feiqian, SQLite, version 3.

-- The shard that decides about an order; NULL is the one in its id (bits 16 to 21). A file has one shard, but the
-- tables are those of a database that has several.
ALTER TABLE orders ADD COLUMN shard INTEGER;

-- Money on its way from one shard to another, until it was reported to have arrived.
CREATE TABLE crossings (
    id INTEGER PRIMARY KEY, from_account INTEGER NOT NULL, to_account INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), sent_at INTEGER NOT NULL
) STRICT;

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
