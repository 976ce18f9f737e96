-- Schema 4: money shared among receivers, transfers to users, combined orders, partners and their sub-merchants.

-- Consoles: a code given again before something dangerous; merchants' own numbers of payouts.
ALTER TABLE staff_sessions ADD COLUMN stepped_up_at INTEGER;
ALTER TABLE payouts ADD COLUMN out_payout_no TEXT NOT NULL DEFAULT '';
CREATE TABLE payout_numbers (
    mchid INTEGER NOT NULL, out_payout_no TEXT NOT NULL, payout INTEGER NOT NULL,
    all_there_was INTEGER NOT NULL, PRIMARY KEY (mchid, out_payout_no)
) STRICT, WITHOUT ROWID;

-- Partners and their sub-merchants. In orders and refunds `mchid` is who signed, as on the wire, so that numbers are
-- unique per partner by the index that is there; `sub_mchid` is whose order it is when a partner signed, NULL else.
ALTER TABLE merchants ADD COLUMN partner INTEGER;
ALTER TABLE merchants ADD COLUMN partner_permissions INTEGER;
ALTER TABLE merchants ADD COLUMN partner_since INTEGER;
ALTER TABLE merchants ADD COLUMN partner_ended_at INTEGER;
CREATE INDEX merchants_partner ON merchants (partner) WHERE partner IS NOT NULL;
ALTER TABLE orders ADD COLUMN sub_mchid INTEGER;
ALTER TABLE orders ADD COLUMN sub_appid INTEGER;
ALTER TABLE refunds ADD COLUMN sub_mchid INTEGER;
DROP VIEW order_list;
CREATE VIEW order_list AS
SELECT id, mchid, out_trade_no,
       CASE state WHEN 0 THEN 'open' WHEN 1 THEN 'paying' WHEN 2 THEN 'paid' WHEN 3 THEN 'closed'
           WHEN 4 THEN 'revoked' WHEN 5 THEN 'failed' WHEN 6 THEN 'expired' END AS state,
       amount, currency, fee, payer,
       CASE product WHEN 0 THEN 'jsapi' WHEN 1 THEN 'app' WHEN 2 THEN 'h5' WHEN 3 THEN 'native' WHEN 4 THEN 'code' END
           AS product,
       strftime('%Y-%m-%d %H:%M:%f', paid_at / 1000000.0, 'unixepoch') AS paid_at_utc, description, sub_mchid
FROM orders;
DROP VIEW refund_list;
CREATE VIEW refund_list AS
SELECT refunds.id, refunds.mchid, out_refund_no, out_trade_no, order_id,
       CASE refunds.state WHEN 0 THEN 'waiting' WHEN 1 THEN 'processing' WHEN 2 THEN 'unknown' WHEN 3 THEN 'succeeded'
           WHEN 4 THEN 'abnormal' WHEN 5 THEN 'closed' END AS state,
       refunds.amount, refunds.currency, refunds.fee, reason,
       strftime('%Y-%m-%d %H:%M:%f', created_at / 1000000.0, 'unixepoch') AS created_at_utc,
       strftime('%Y-%m-%d %H:%M:%f', ended_at / 1000000.0, 'unixepoch') AS ended_at_utc, refunds.sub_mchid
FROM refunds JOIN orders ON orders.id = order_id;

-- What channels pay to the platform's bank, a row a batch of a bill. A row a day: no index is worth it.
CREATE TABLE clearings (
    reference TEXT PRIMARY KEY, expected INTEGER, due INTEGER, received INTEGER, statement INTEGER,
    bank_reference TEXT NOT NULL, journal INTEGER NOT NULL, id INTEGER NOT NULL UNIQUE, receivable INTEGER NOT NULL,
    opened_at INTEGER NOT NULL
) STRICT;

-- Combined orders. What each is made of, and where it stands, is in its orders; `orders.combined` names it, 0 while a
-- number is only claimed for one. `orders` here is their ids as JSON.
ALTER TABLE orders ADD COLUMN combined INTEGER;
ALTER TABLE merchants ADD COLUMN combined_by TEXT NOT NULL DEFAULT '[]';
CREATE TABLE combined_orders (
    id INTEGER PRIMARY KEY, mchid INTEGER NOT NULL, out_trade_no TEXT NOT NULL, appid INTEGER NOT NULL,
    product INTEGER NOT NULL, total INTEGER NOT NULL CHECK (total > 0), currency INTEGER NOT NULL,
    orders TEXT NOT NULL, notify_url TEXT NOT NULL, bound_payer INTEGER, device TEXT NOT NULL, extra TEXT NOT NULL,
    digest BLOB NOT NULL
) STRICT;
CREATE TABLE combined_numbers (
    mchid INTEGER NOT NULL, out_trade_no TEXT NOT NULL, combined INTEGER NOT NULL, PRIMARY KEY (mchid, out_trade_no)
) STRICT, WITHOUT ROWID;

-- Transfers to users. A detail of a batch has the number `batch/place`. `shard` decides about the row; `due_at` is when
-- something happens by itself.
CREATE TABLE user_transfers (
    id INTEGER PRIMARY KEY, state INTEGER NOT NULL, shard INTEGER NOT NULL, fail INTEGER, updated_at INTEGER NOT NULL,
    due_at INTEGER, tries INTEGER NOT NULL, hold INTEGER, crossing INTEGER, end_transfer INTEGER, bill_previous INTEGER,
    journal INTEGER NOT NULL,
    mchid INTEGER NOT NULL, out_bill_no TEXT NOT NULL, batch INTEGER, appid INTEGER NOT NULL, payer INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), currency INTEGER NOT NULL, scene INTEGER NOT NULL,
    remark TEXT NOT NULL, perception TEXT NOT NULL, reports TEXT NOT NULL, notify_url TEXT NOT NULL, name BLOB,
    name_hash BLOB, created_at INTEGER NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE INDEX user_transfers_due ON user_transfers (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX user_transfers_waiting ON user_transfers (payer, id) WHERE state = 1;
CREATE INDEX user_transfers_open ON user_transfers (mchid, id) WHERE due_at IS NOT NULL AND batch IS NULL;
CREATE TABLE user_transfer_numbers (
    mchid INTEGER NOT NULL, out_bill_no TEXT NOT NULL, transfer INTEGER NOT NULL, PRIMARY KEY (mchid, out_bill_no)
) STRICT, WITHOUT ROWID;

-- Batches of transfers; details as asked for are JSON, names in them sealed.
CREATE TABLE transfer_batches (
    id INTEGER PRIMARY KEY, state INTEGER NOT NULL, updated_at INTEGER NOT NULL, due_at INTEGER, begun INTEGER NOT NULL,
    ended INTEGER NOT NULL, succeeded INTEGER NOT NULL, success_amount INTEGER NOT NULL, fail_amount INTEGER NOT NULL,
    journal INTEGER NOT NULL,
    mchid INTEGER NOT NULL, out_batch_no TEXT NOT NULL, appid INTEGER NOT NULL, name TEXT NOT NULL,
    remark TEXT NOT NULL, scene INTEGER NOT NULL, notify_url TEXT NOT NULL, details TEXT NOT NULL,
    created_at INTEGER NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE INDEX transfer_batches_due ON transfer_batches (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE transfer_batch_numbers (
    mchid INTEGER NOT NULL, out_batch_no TEXT NOT NULL, batch INTEGER NOT NULL, PRIMARY KEY (mchid, out_batch_no)
) STRICT, WITHOUT ROWID;

-- Which scenes a merchant may transfer in, and what it transferred on a day; what a payer has received.
CREATE TABLE transfer_plans (
    mchid INTEGER PRIMARY KEY, scenes TEXT NOT NULL, day INTEGER NOT NULL, day_total INTEGER NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE TABLE recipients (
    payer INTEGER PRIMARY KEY, name_hash BLOB, day INTEGER NOT NULL, day_total INTEGER NOT NULL, year INTEGER NOT NULL,
    year_total INTEGER NOT NULL, lifetime_total INTEGER NOT NULL
) STRICT;

CREATE VIEW user_transfer_list AS
SELECT id, mchid, out_bill_no, batch,
       CASE state WHEN 0 THEN 'processing' WHEN 1 THEN 'waiting' WHEN 2 THEN 'succeeded' WHEN 3 THEN 'returning'
           WHEN 4 THEN 'failed' WHEN 5 THEN 'cancelled' END AS state,
       CASE fail WHEN 0 THEN 'OVERDUE_CLOSE' WHEN 1 THEN 'PAYEE_ACCOUNT_ABNORMAL' WHEN 2 THEN 'NAME_NOT_CORRECT'
           WHEN 3 THEN 'DAY_RECEIVED_QUOTA_EXCEED' WHEN 4 THEN 'REALNAME_ACCOUNT_RECEIVED_QUOTA_EXCEED' END AS fail,
       payer, amount, currency, scene, remark,
       strftime('%Y-%m-%d %H:%M:%f', created_at / 1000000.0, 'unixepoch') AS created_at_utc,
       strftime('%Y-%m-%d %H:%M:%f', updated_at / 1000000.0, 'unixepoch') AS updated_at_utc
FROM user_transfers;

-- Profit sharing. What is left of an order that is shared is a row of its own, made when the order is paid.
ALTER TABLE orders ADD COLUMN profit_sharing INTEGER;
ALTER TABLE merchants ADD COLUMN sharing TEXT NOT NULL DEFAULT '';
CREATE TABLE sharing_receivers (
    mchid INTEGER NOT NULL, party INTEGER NOT NULL, party_id INTEGER NOT NULL, relation INTEGER NOT NULL,
    custom_relation TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (mchid, party, party_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE sharings (
    order_id INTEGER PRIMARY KEY, unsplit INTEGER NOT NULL CHECK (unsplit >= 0),
    reserved INTEGER NOT NULL CHECK (reserved >= 0), shared INTEGER NOT NULL CHECK (shared >= 0),
    shares INTEGER NOT NULL, newest INTEGER, newest_return INTEGER, ended_at INTEGER, due_at INTEGER,
    mchid INTEGER NOT NULL, since INTEGER NOT NULL, shard INTEGER NOT NULL
) STRICT;
CREATE INDEX sharings_due ON sharings (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX sharings_aside ON sharings (mchid, due_at) WHERE due_at IS NOT NULL;
CREATE TABLE shares (
    id INTEGER PRIMARY KEY, parts TEXT NOT NULL, finished_at INTEGER, due_at INTEGER, journal INTEGER NOT NULL,
    order_id INTEGER NOT NULL, mchid INTEGER NOT NULL, partner INTEGER, out_order_no TEXT NOT NULL, previous INTEGER,
    created_at INTEGER NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE INDEX shares_due ON shares (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE share_returns (
    id INTEGER PRIMARY KEY, transfer INTEGER, fail INTEGER, ended_at INTEGER, due_at INTEGER, journal INTEGER NOT NULL,
    share INTEGER NOT NULL, order_id INTEGER NOT NULL, mchid INTEGER NOT NULL, partner INTEGER,
    out_return_no TEXT NOT NULL, from_mchid INTEGER NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),
    description TEXT NOT NULL, previous INTEGER, created_at INTEGER NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE INDEX share_returns_due ON share_returns (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE sharing_numbers (
    mchid INTEGER NOT NULL, of_return INTEGER NOT NULL, number TEXT NOT NULL, id INTEGER NOT NULL,
    PRIMARY KEY (mchid, of_return, number)
) STRICT, WITHOUT ROWID;

CREATE VIEW share_list AS
SELECT shares.id, shares.mchid, out_order_no, shares.order_id, part.key AS place,
       CASE json_extract(part.value, '$.outcome') WHEN 'pending' THEN 'pending' ELSE
           CASE WHEN json_extract(part.value, '$.outcome.succeeded') IS NOT NULL THEN 'succeeded' ELSE 'closed' END END
           AS state,
       json_extract(part.value, '$.party.merchant') AS to_mchid, json_extract(part.value, '$.party.payer') AS to_payer,
       json_extract(part.value, '$.amount') AS amount, json_extract(part.value, '$.returned') AS returned,
       strftime('%Y-%m-%d %H:%M:%f', shares.created_at / 1000000.0, 'unixepoch') AS created_at_utc
FROM shares, json_each(shares.parts) AS part;

DROP VIEW account_balances;
CREATE VIEW account_balances AS
SELECT CASE id >> 56 WHEN 1 THEN 'payer.balance' WHEN 2 THEN 'merchant.unsettled' WHEN 3 THEN 'merchant.available'
           WHEN 4 THEN 'merchant.held' WHEN 5 THEN 'payout.in_transit' WHEN 6 THEN 'platform.fee'
           WHEN 7 THEN 'platform.suspense' WHEN 8 THEN 'merchant.sharing' WHEN 9 THEN 'transfer.in_transit'
           WHEN 10 THEN 'channel.receivable' WHEN 11 THEN 'bank.cash' WHEN 12 THEN 'refund.in_transit'
           WHEN 14 THEN 'merchant.reserve' WHEN 20 THEN 'shard.in_transit' END AS kind,
       id & 1099511627775 AS owner, (id >> 46) & 1023 AS currency,
       CASE WHEN id >> 56 IN (10, 11) THEN debits_posted - credits_posted ELSE credits_posted - debits_posted END
           AS balance,
       CASE WHEN id >> 56 IN (10, 11) THEN credits_pending ELSE debits_pending END AS held, frozen, id,
       (id >> 40) & 63 AS shard
FROM accounts;

-- Numbers claimed for orders. A file has one shard and claims none; the table is there for the conformance of stores.
CREATE TABLE number_claims (
    kind INTEGER NOT NULL, mchid INTEGER NOT NULL, number TEXT NOT NULL, order_id INTEGER NOT NULL,
    PRIMARY KEY (mchid, kind, number)
) STRICT, WITHOUT ROWID;
