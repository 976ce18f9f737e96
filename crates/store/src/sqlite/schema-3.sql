-- Feiqian, SQLite, version 3.

-- The shard that decides about an order; NULL is the one in its id (bits 16 to 21). A file has one shard, but the
-- tables are those of a database that has several.
ALTER TABLE orders ADD COLUMN shard INTEGER;

-- Money on its way from one shard to another, until it was reported to have arrived.
CREATE TABLE crossings (
    id INTEGER PRIMARY KEY, from_account INTEGER NOT NULL, to_account INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), sent_at INTEGER NOT NULL
) STRICT;

-- Refunds. An order names its newest refund and each refund the one before; `refunded` and `fee_refunded` sum those
-- that are not closed.
ALTER TABLE orders ADD COLUMN refunded INTEGER;
ALTER TABLE orders ADD COLUMN fee_refunded INTEGER;
ALTER TABLE orders ADD COLUMN refunds INTEGER;
ALTER TABLE orders ADD COLUMN newest_refund INTEGER;
ALTER TABLE merchants ADD COLUMN refund_days INTEGER NOT NULL DEFAULT 180;

CREATE TABLE refunds (
    id INTEGER PRIMARY KEY, state INTEGER NOT NULL, ended_at INTEGER, due_at INTEGER, asked INTEGER NOT NULL,
    attempt INTEGER NOT NULL, channel_code TEXT NOT NULL, receiver TEXT NOT NULL, approvals TEXT NOT NULL,
    journal INTEGER NOT NULL,
    order_id INTEGER NOT NULL, mchid INTEGER NOT NULL, out_refund_no TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), currency INTEGER NOT NULL, fee INTEGER NOT NULL CHECK (fee >= 0),
    previous INTEGER, created_at INTEGER NOT NULL, maker INTEGER, approvals_needed INTEGER NOT NULL,
    reason TEXT NOT NULL, notify_url TEXT NOT NULL, funds INTEGER NOT NULL, extra TEXT NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX refunds_number ON refunds (mchid, out_refund_no);
CREATE INDEX refunds_due ON refunds (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX refunds_waiting ON refunds (id) WHERE state = 0;

CREATE VIEW refund_list AS
SELECT refunds.id, refunds.mchid, out_refund_no, out_trade_no, order_id,
       CASE refunds.state WHEN 0 THEN 'waiting' WHEN 1 THEN 'processing' WHEN 2 THEN 'unknown' WHEN 3 THEN 'succeeded'
           WHEN 4 THEN 'abnormal' WHEN 5 THEN 'closed' END AS state,
       refunds.amount, refunds.currency, refunds.fee, reason,
       strftime('%Y-%m-%d %H:%M:%f', created_at / 1000000.0, 'unixepoch') AS created_at_utc,
       strftime('%Y-%m-%d %H:%M:%f', ended_at / 1000000.0, 'unixepoch') AS ended_at_utc
FROM refunds JOIN orders ON orders.id = order_id;

-- Fees: versions of a schedule a merchant, 0 for the platform's default; JSON, oldest first. The flat fee of each
-- merchant becomes its first version.
CREATE TABLE fees (mchid INTEGER PRIMARY KEY, versions TEXT NOT NULL, journal INTEGER NOT NULL) STRICT;
INSERT INTO fees SELECT id, json_array(json_object('effective_from', 0, 'product', NULL, 'rule',
    json_object('rate', fee_ppm))), journal FROM merchants;
ALTER TABLE merchants DROP COLUMN fee_ppm;

-- The business calendar: one row. Dates as JSON; cut-off and release in minutes after midnight.
CREATE TABLE calendars (
    id INTEGER PRIMARY KEY, holidays TEXT NOT NULL, make_up TEXT NOT NULL, covers_to INTEGER NOT NULL,
    cut_off INTEGER NOT NULL, release_at INTEGER NOT NULL, journal INTEGER NOT NULL
) STRICT;

-- Settlement. A day is its number of days since 1970-01-01; a settlement's id is merchant × 2^17 + day.
CREATE TABLE settlement_plans (
    mchid INTEGER PRIMARY KEY, delay INTEGER, reserve_ppm INTEGER, reserve_days INTEGER, payouts INTEGER,
    payout_least INTEGER, newest INTEGER, payout_at INTEGER, journal INTEGER NOT NULL
) STRICT;
CREATE INDEX settlement_plans_due ON settlement_plans (payout_at) WHERE payout_at IS NOT NULL;

CREATE TABLE settlement_days (
    id INTEGER PRIMARY KEY, from_id INTEGER NOT NULL, to_id INTEGER NOT NULL, state INTEGER NOT NULL,
    begun_at INTEGER NOT NULL, closed_at INTEGER, merchants INTEGER NOT NULL, journal INTEGER NOT NULL,
    gross INTEGER NOT NULL, payments INTEGER NOT NULL, refunds INTEGER NOT NULL, refund_count INTEGER NOT NULL,
    fees INTEGER NOT NULL, fees_returned INTEGER NOT NULL, shared INTEGER NOT NULL, other INTEGER NOT NULL
) STRICT;

CREATE TABLE settlements (
    id INTEGER PRIMARY KEY, state INTEGER NOT NULL, released_at INTEGER, brought INTEGER NOT NULL,
    released INTEGER NOT NULL CHECK (released >= 0), reserve INTEGER NOT NULL CHECK (reserve >= 0),
    carried INTEGER NOT NULL, reserve_until INTEGER, due_at INTEGER, transfer INTEGER, journal INTEGER NOT NULL,
    mchid INTEGER NOT NULL, day INTEGER NOT NULL, previous INTEGER, closed_at INTEGER NOT NULL,
    release_at INTEGER NOT NULL,
    gross INTEGER NOT NULL, payments INTEGER NOT NULL, refunds INTEGER NOT NULL, refund_count INTEGER NOT NULL,
    fees INTEGER NOT NULL, fees_returned INTEGER NOT NULL, shared INTEGER NOT NULL, other INTEGER NOT NULL,
    net INTEGER NOT NULL
) STRICT;
CREATE INDEX settlements_of_day ON settlements (day, mchid);
CREATE INDEX settlements_due ON settlements (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX settlements_open ON settlements (mchid, id) WHERE due_at IS NOT NULL;

-- Money of merchants set aside, with the reason.
CREATE TABLE holds (
    id INTEGER PRIMARY KEY, released_by INTEGER, due_at INTEGER, journal INTEGER NOT NULL, mchid INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), reason INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER,
    note TEXT NOT NULL
) STRICT;
CREATE INDEX holds_open ON holds (mchid, id) WHERE released_by IS NULL;
CREATE INDEX holds_due ON holds (due_at) WHERE due_at IS NOT NULL;

-- Payouts. Holder and number are sealed under the master key.
CREATE TABLE bank_accounts (
    mchid INTEGER PRIMARY KEY, holder BLOB NOT NULL, number BLOB NOT NULL, tail TEXT NOT NULL, bank TEXT NOT NULL,
    bank_name TEXT NOT NULL, since INTEGER NOT NULL, journal INTEGER NOT NULL
) STRICT;

CREATE TABLE payouts (
    id INTEGER PRIMARY KEY, state INTEGER NOT NULL, ended_at INTEGER, due_at INTEGER, file TEXT NOT NULL,
    bank_code TEXT NOT NULL, approvals TEXT NOT NULL, journal INTEGER NOT NULL,
    mchid INTEGER NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0), currency INTEGER NOT NULL,
    rail INTEGER NOT NULL, urgent INTEGER NOT NULL, created_at INTEGER NOT NULL, maker INTEGER,
    approvals_needed INTEGER NOT NULL, holder BLOB NOT NULL, number BLOB NOT NULL, tail TEXT NOT NULL,
    bank TEXT NOT NULL, bank_name TEXT NOT NULL
) STRICT;
CREATE INDEX payouts_of ON payouts (mchid, id);
CREATE INDEX payouts_open ON payouts (id) WHERE state < 5;
CREATE INDEX payouts_due ON payouts (due_at) WHERE due_at IS NOT NULL;

-- Holds that were released come back to a day's sums on the day of their end; they are few.
CREATE INDEX transfers_voided ON transfers (at) WHERE state = 2;

CREATE VIEW settlement_list AS
SELECT id, mchid, date(day * 86400, 'unixepoch') AS day,
       CASE state WHEN 0 THEN 'waiting' WHEN 1 THEN 'released' WHEN 2 THEN 'done' END AS state,
       gross, payments, refunds, refund_count, fees, fees_returned, shared, other, net, brought, released, reserve,
       carried, strftime('%Y-%m-%d %H:%M:%f', release_at / 1000000.0, 'unixepoch') AS release_at_utc,
       strftime('%Y-%m-%d %H:%M:%f', released_at / 1000000.0, 'unixepoch') AS released_at_utc
FROM settlements;

CREATE VIEW payout_list AS
SELECT id, mchid,
       CASE state WHEN 0 THEN 'waiting' WHEN 1 THEN 'created' WHEN 2 THEN 'sent' WHEN 3 THEN 'accepted'
           WHEN 4 THEN 'unknown' WHEN 5 THEN 'settled' WHEN 6 THEN 'returned' WHEN 7 THEN 'rejected'
           WHEN 8 THEN 'cancelled' END AS state,
       amount, currency,
       CASE rail WHEN 0 THEN 'hvps' WHEN 1 THEN 'beps' WHEN 2 THEN 'netsunion' WHEN 3 THEN 'unionpay' END AS rail,
       bank, tail, file, bank_code,
       strftime('%Y-%m-%d %H:%M:%f', created_at / 1000000.0, 'unixepoch') AS created_at_utc,
       strftime('%Y-%m-%d %H:%M:%f', ended_at / 1000000.0, 'unixepoch') AS ended_at_utc
FROM payouts;

-- An account's id: kind × 2^56 + currency × 2^46 + shard × 2^40 + owner. All there were are in shard 0.
DROP VIEW account_balances;
CREATE VIEW account_balances AS
SELECT CASE id >> 56 WHEN 1 THEN 'payer.balance' WHEN 2 THEN 'merchant.unsettled' WHEN 3 THEN 'merchant.available'
           WHEN 4 THEN 'merchant.held' WHEN 5 THEN 'payout.in_transit' WHEN 6 THEN 'platform.fee'
           WHEN 7 THEN 'platform.suspense' WHEN 10 THEN 'channel.receivable' WHEN 11 THEN 'bank.cash'
           WHEN 12 THEN 'refund.in_transit' WHEN 14 THEN 'merchant.reserve' WHEN 20 THEN 'shard.in_transit' END AS kind,
       id & 1099511627775 AS owner, (id >> 46) & 1023 AS currency,
       CASE WHEN id >> 56 IN (10, 11) THEN debits_posted - credits_posted ELSE credits_posted - debits_posted END
           AS balance,
       CASE WHEN id >> 56 IN (10, 11) THEN credits_pending ELSE debits_pending END AS held, frozen, id,
       (id >> 40) & 63 AS shard
FROM accounts;

-- People who sign in to a console: of the platform when mchid is null. Passwords as argon2id hashes, the secret of the
-- codes sealed under the master key.
CREATE TABLE staff (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, mchid INTEGER, role INTEGER NOT NULL, active INTEGER NOT NULL,
    password TEXT NOT NULL, must_change INTEGER NOT NULL, totp BLOB, totp_step INTEGER NOT NULL,
    failures INTEGER NOT NULL, locked_until INTEGER, sessions_from INTEGER NOT NULL, signed_in_at INTEGER,
    created_at INTEGER NOT NULL, journal INTEGER NOT NULL
) STRICT;
CREATE TABLE staff_names (name TEXT PRIMARY KEY, staff INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE staff_sessions (
    token BLOB PRIMARY KEY, staff INTEGER NOT NULL, whole INTEGER NOT NULL, created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, device TEXT NOT NULL, address TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX staff_sessions_end ON staff_sessions (expires_at);

-- Differences found by reconciliation. The reference names a difference and is the same in every run.
CREATE TABLE exceptions (
    reference TEXT PRIMARY KEY, state INTEGER NOT NULL, question INTEGER, correction INTEGER NOT NULL, why TEXT NOT NULL,
    maker INTEGER, approver INTEGER, booked INTEGER NOT NULL, ended_at INTEGER, journal INTEGER NOT NULL,
    id INTEGER NOT NULL UNIQUE, class INTEGER NOT NULL, day INTEGER NOT NULL, since INTEGER NOT NULL, ledger INTEGER,
    channel INTEGER, bank INTEGER, against INTEGER NOT NULL, note TEXT NOT NULL, opened_at INTEGER NOT NULL
) STRICT;
CREATE INDEX exceptions_open ON exceptions (id) WHERE state < 2;
