-- Feiqian, PostgreSQL, version 2, what the file store calls version 3: several nodes, refunds, settlement, staff.

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

-- Refunds. An order names its newest refund and each refund the one before.
ALTER TABLE orders ADD COLUMN refunded BIGINT, ADD COLUMN fee_refunded BIGINT, ADD COLUMN refunds BIGINT,
    ADD COLUMN newest_refund BIGINT;
COMMENT ON COLUMN orders.refunded IS 'Given back or held for it, by refunds that are not closed; fee_refunded the fees returned with it';
COMMENT ON COLUMN orders.newest_refund IS 'The newest refund; each names the one before';
ALTER TABLE merchants ADD COLUMN refund_days INTEGER NOT NULL DEFAULT 180;

-- Not partitioned, for the same reason as orders: the merchant's own number.
CREATE TABLE refunds (
    id BIGINT PRIMARY KEY, ended_at BIGINT, due_at BIGINT, asked BIGINT NOT NULL, attempt BIGINT NOT NULL,
    journal BIGINT NOT NULL, order_id BIGINT NOT NULL, mchid BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0), fee BIGINT NOT NULL CHECK (fee >= 0), previous BIGINT,
    created_at BIGINT NOT NULL, maker BIGINT, state SMALLINT NOT NULL, currency SMALLINT NOT NULL,
    approvals_needed SMALLINT NOT NULL, funds SMALLINT NOT NULL, out_refund_no TEXT COLLATE "C" NOT NULL,
    channel_code TEXT NOT NULL, receiver TEXT NOT NULL, approvals TEXT NOT NULL, reason TEXT NOT NULL,
    notify_url TEXT NOT NULL, extra TEXT NOT NULL, digest BYTEA NOT NULL
);
CREATE UNIQUE INDEX refunds_number ON refunds (mchid, out_refund_no);
CREATE INDEX refunds_due ON refunds (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX refunds_waiting ON refunds (id) WHERE state = 0;
COMMENT ON TABLE refunds IS 'Refunds; read them through the view refund_list';
COMMENT ON COLUMN refunds.receiver IS 'The card an abnormal refund was sent to, empty for none: bank, last four digits, the channel''s token; JSON';
COMMENT ON COLUMN refunds.approvals IS 'Who approved it and when; JSON';

CREATE VIEW refund_list AS
SELECT refunds.id, refunds.mchid, out_refund_no, out_trade_no, order_id,
       CASE refunds.state WHEN 0 THEN 'waiting' WHEN 1 THEN 'processing' WHEN 2 THEN 'unknown' WHEN 3 THEN 'succeeded'
           WHEN 4 THEN 'abnormal' WHEN 5 THEN 'closed' END AS state,
       refunds.amount, refunds.currency, refunds.fee, reason,
       to_timestamp(created_at / 1000000.0) AT TIME ZONE 'UTC' AS created_at_utc,
       to_timestamp(ended_at / 1000000.0) AT TIME ZONE 'UTC' AS ended_at_utc
FROM refunds JOIN orders ON orders.id = order_id;
COMMENT ON VIEW refund_list IS 'Refunds with words instead of numbers; amounts in minor units';

-- Fees. The flat fee of each merchant becomes its first version.
CREATE TABLE fees (mchid BIGINT PRIMARY KEY, journal BIGINT NOT NULL, versions TEXT NOT NULL);
COMMENT ON TABLE fees IS 'Fee schedules by merchant, 0 for the platform''s default; versions as JSON, oldest first';
INSERT INTO fees (mchid, journal, versions)
SELECT id, journal, '[{"effective_from":0,"product":null,"rule":{"rate":' || fee_ppm || '}}]' FROM merchants;
ALTER TABLE merchants DROP COLUMN fee_ppm;

CREATE TABLE calendars (
    id BIGINT PRIMARY KEY, journal BIGINT NOT NULL, covers_to INTEGER NOT NULL, cut_off INTEGER NOT NULL,
    release_at INTEGER NOT NULL, holidays TEXT NOT NULL, make_up TEXT NOT NULL
);
COMMENT ON TABLE calendars IS 'The business calendar, one row: dates as JSON, cut-off and release in minutes after midnight';

CREATE TABLE settlement_plans (
    mchid BIGINT PRIMARY KEY, payout_least BIGINT, payout_at BIGINT, journal BIGINT NOT NULL, delay INTEGER,
    reserve_ppm INTEGER, reserve_days INTEGER, payouts INTEGER, newest INTEGER
);
CREATE INDEX settlement_plans_due ON settlement_plans (payout_at, mchid) WHERE payout_at IS NOT NULL;
COMMENT ON TABLE settlement_plans IS 'How merchants are settled (0: the platform''s default) and the newest day settled';

CREATE TABLE settlement_days (
    from_id BIGINT NOT NULL, to_id BIGINT NOT NULL, begun_at BIGINT NOT NULL, closed_at BIGINT,
    merchants BIGINT NOT NULL, journal BIGINT NOT NULL, gross BIGINT NOT NULL, payments BIGINT NOT NULL,
    refunds BIGINT NOT NULL, refund_count BIGINT NOT NULL, fees BIGINT NOT NULL, fees_returned BIGINT NOT NULL,
    shared BIGINT NOT NULL, other BIGINT NOT NULL, id BIGINT PRIMARY KEY, state SMALLINT NOT NULL
);
COMMENT ON TABLE settlement_days IS 'Days that have begun to close, by days since 1970-01-01: their range of transfer ids and sums';

CREATE TABLE settlements (
    id BIGINT PRIMARY KEY, released_at BIGINT, brought BIGINT NOT NULL,
    released BIGINT NOT NULL CHECK (released >= 0), reserve BIGINT NOT NULL CHECK (reserve >= 0),
    carried BIGINT NOT NULL, reserve_until BIGINT, due_at BIGINT, transfer BIGINT, journal BIGINT NOT NULL,
    mchid BIGINT NOT NULL, closed_at BIGINT NOT NULL, release_at BIGINT NOT NULL, gross BIGINT NOT NULL,
    payments BIGINT NOT NULL, refunds BIGINT NOT NULL, refund_count BIGINT NOT NULL, fees BIGINT NOT NULL,
    fees_returned BIGINT NOT NULL, shared BIGINT NOT NULL, other BIGINT NOT NULL, net BIGINT NOT NULL,
    day INTEGER NOT NULL, previous INTEGER, state SMALLINT NOT NULL
);
CREATE INDEX settlements_of_day ON settlements (day, mchid);
CREATE INDEX settlements_due ON settlements (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX settlements_open ON settlements (mchid, id) WHERE due_at IS NOT NULL;
COMMENT ON TABLE settlements IS 'What merchants took in a day and what became of it; id = merchant × 2^17 + day';

CREATE TABLE holds (
    id BIGINT PRIMARY KEY, released_by BIGINT, due_at BIGINT, journal BIGINT NOT NULL, mchid BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0), since BIGINT NOT NULL, until BIGINT, reason SMALLINT NOT NULL,
    note TEXT NOT NULL
);
CREATE INDEX holds_open ON holds (mchid, id) WHERE released_by IS NULL;
CREATE INDEX holds_due ON holds (due_at, id) WHERE due_at IS NOT NULL;
COMMENT ON TABLE holds IS 'Money of merchants set aside, with the reason';

CREATE TABLE bank_accounts (
    mchid BIGINT PRIMARY KEY, since BIGINT NOT NULL, journal BIGINT NOT NULL, tail TEXT NOT NULL, bank TEXT NOT NULL,
    bank_name TEXT NOT NULL, holder BYTEA NOT NULL, number BYTEA NOT NULL
);
COMMENT ON TABLE bank_accounts IS 'Where merchants are paid to; holder and number are sealed under the master key';

CREATE TABLE payouts (
    id BIGINT PRIMARY KEY, ended_at BIGINT, due_at BIGINT, journal BIGINT NOT NULL, mchid BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0), created_at BIGINT NOT NULL, maker BIGINT, state SMALLINT NOT NULL,
    currency SMALLINT NOT NULL, rail SMALLINT NOT NULL, urgent SMALLINT NOT NULL,
    approvals_needed SMALLINT NOT NULL, file TEXT NOT NULL, bank_code TEXT NOT NULL, approvals TEXT NOT NULL,
    tail TEXT NOT NULL, bank TEXT NOT NULL, bank_name TEXT NOT NULL, holder BYTEA NOT NULL, number BYTEA NOT NULL
);
CREATE INDEX payouts_of ON payouts (mchid, id);
CREATE INDEX payouts_open ON payouts (id) WHERE state < 5;
CREATE INDEX payouts_due ON payouts (due_at, id) WHERE due_at IS NOT NULL;
COMMENT ON TABLE payouts IS 'Payouts to merchants'' bank accounts; the bank knows them by FQP and the id';

CREATE INDEX transfers_voided ON transfers (at) WHERE state = 2;

CREATE VIEW settlement_list AS
SELECT id, mchid, DATE '1970-01-01' + day AS day,
       CASE state WHEN 0 THEN 'waiting' WHEN 1 THEN 'released' WHEN 2 THEN 'done' END AS state,
       gross, payments, refunds, refund_count, fees, fees_returned, shared, other, net, brought, released, reserve,
       carried, to_timestamp(release_at / 1000000.0) AT TIME ZONE 'UTC' AS release_at_utc,
       to_timestamp(released_at / 1000000.0) AT TIME ZONE 'UTC' AS released_at_utc
FROM settlements;
COMMENT ON VIEW settlement_list IS 'Settlements with words instead of numbers; amounts in minor units';

CREATE VIEW payout_list AS
SELECT id, mchid,
       CASE state WHEN 0 THEN 'waiting' WHEN 1 THEN 'created' WHEN 2 THEN 'sent' WHEN 3 THEN 'accepted'
           WHEN 4 THEN 'unknown' WHEN 5 THEN 'settled' WHEN 6 THEN 'returned' WHEN 7 THEN 'rejected'
           WHEN 8 THEN 'cancelled' END AS state,
       amount, currency,
       CASE rail WHEN 0 THEN 'hvps' WHEN 1 THEN 'beps' WHEN 2 THEN 'netsunion' WHEN 3 THEN 'unionpay' END AS rail,
       bank, tail, file, bank_code, to_timestamp(created_at / 1000000.0) AT TIME ZONE 'UTC' AS created_at_utc,
       to_timestamp(ended_at / 1000000.0) AT TIME ZONE 'UTC' AS ended_at_utc
FROM payouts;
COMMENT ON VIEW payout_list IS 'Payouts with words instead of numbers; amounts in minor units';

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
COMMENT ON VIEW account_balances IS 'Balances in minor units by kind, owner and shard; currency is the ISO 4217 number';

CREATE TABLE staff (
    id BIGINT PRIMARY KEY, mchid BIGINT, totp_step BIGINT NOT NULL, locked_until BIGINT, sessions_from BIGINT NOT NULL,
    signed_in_at BIGINT, created_at BIGINT NOT NULL, journal BIGINT NOT NULL, role SMALLINT NOT NULL,
    active SMALLINT NOT NULL, must_change SMALLINT NOT NULL, failures SMALLINT NOT NULL, name TEXT NOT NULL,
    password TEXT NOT NULL, totp BYTEA
);
COMMENT ON TABLE staff IS 'People who sign in to a console; passwords as argon2id hashes, totp sealed under the master key';
CREATE TABLE staff_names (name TEXT PRIMARY KEY, staff BIGINT NOT NULL);
COMMENT ON TABLE staff_names IS 'Whose a sign-in name is';
CREATE TABLE staff_sessions (
    token BYTEA PRIMARY KEY, staff BIGINT NOT NULL, created_at BIGINT NOT NULL, seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL, whole SMALLINT NOT NULL, device TEXT NOT NULL, address TEXT NOT NULL
);
CREATE INDEX staff_sessions_end ON staff_sessions (expires_at);
COMMENT ON TABLE staff_sessions IS 'Sessions of a console; tokens as hashes';

CREATE TABLE exceptions (
    reference TEXT PRIMARY KEY, id BIGINT NOT NULL UNIQUE, question BIGINT, correction BIGINT NOT NULL, maker BIGINT,
    approver BIGINT, booked BIGINT NOT NULL, ended_at BIGINT, journal BIGINT NOT NULL, ledger BIGINT, channel BIGINT,
    bank BIGINT, against BIGINT NOT NULL, opened_at BIGINT NOT NULL, day INTEGER NOT NULL, since INTEGER NOT NULL,
    state SMALLINT NOT NULL, class SMALLINT NOT NULL, why TEXT NOT NULL, note TEXT NOT NULL
);
CREATE INDEX exceptions_open ON exceptions (id) WHERE state < 2;
COMMENT ON TABLE exceptions IS 'Differences found by reconciliation; the reference names one and is the same in every run';
