-- Feiqian, PostgreSQL, version 1. Amounts are minor units, times UTC microseconds, ids time-ordered integers
-- (milliseconds since 2020-01-01 UTC × 2^22 + shard × 2^16 + sequence). Wide columns come first, so that rows
-- carry no padding. The views at the end give words instead of numbers.

CREATE TABLE shards (
    shard SMALLINT PRIMARY KEY CHECK (shard BETWEEN 0 AND 63), epoch BIGINT NOT NULL, batch BIGINT NOT NULL,
    at BIGINT NOT NULL, owner TEXT NOT NULL
);
COMMENT ON TABLE shards IS 'One row a shard: who may commit, and the last batch committed. Each commit begins by moving batch on by one under its own epoch; whoever takes a shard over raises the epoch, and all older executors fail from then on.';
COMMENT ON COLUMN shards.owner IS 'The executor that holds the shard: host, process, a random number';

CREATE TABLE merchants (
    id BIGINT PRIMARY KEY, created_at BIGINT NOT NULL, journal BIGINT NOT NULL, rate_per_s BIGINT NOT NULL,
    fee_ppm INTEGER NOT NULL, products INTEGER NOT NULL, active SMALLINT NOT NULL,
    public_key_mode SMALLINT NOT NULL, name TEXT NOT NULL, apps TEXT NOT NULL, apiv3_key BYTEA
);
COMMENT ON TABLE merchants IS 'Merchants; id is the merchant number (mchid)';
COMMENT ON COLUMN merchants.apiv3_key IS 'Sealed under the master key';

CREATE TABLE certificates (
    not_before BIGINT NOT NULL, not_after BIGINT NOT NULL, revoked_at BIGINT,
    mchid BIGINT NOT NULL REFERENCES merchants, serial TEXT PRIMARY KEY, pem TEXT NOT NULL
);
CREATE INDEX certificates_of ON certificates (mchid);
COMMENT ON TABLE certificates IS 'Merchants'' API certificates by serial, upper-case hex';

CREATE TABLE applications (id BIGINT PRIMARY KEY, name TEXT NOT NULL, redirect_hosts TEXT NOT NULL, secret BYTEA);
COMMENT ON TABLE applications IS 'Applications; id is the appid''s 16 hex digits as a signed number';
COMMENT ON COLUMN applications.secret IS 'Keyed hash of the application''s secret';

CREATE TABLE payers (
    id BIGINT PRIMARY KEY, created_at BIGINT NOT NULL, pin_locked_until BIGINT, journal BIGINT NOT NULL,
    channels INTEGER NOT NULL, active SMALLINT NOT NULL, pin_failures SMALLINT NOT NULL,
    free_pay SMALLINT NOT NULL, phone BYTEA NOT NULL, phone_sealed BYTEA NOT NULL, pin BYTEA
);
CREATE UNIQUE INDEX payers_phone ON payers (phone);
COMMENT ON TABLE payers IS 'Payers; phone is a keyed hash, phone_sealed the number under the master key, pin a keyed hash';

CREATE TABLE one_time_codes (
    phone BYTEA PRIMARY KEY, sent_at BIGINT NOT NULL, tries SMALLINT NOT NULL, sent_today SMALLINT NOT NULL,
    code BYTEA
);
COMMENT ON TABLE one_time_codes IS 'Sign-in codes sent to phones; short-lived';

CREATE TABLE sessions (
    token BYTEA PRIMARY KEY, payer BIGINT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
    device TEXT NOT NULL
);
CREATE INDEX sessions_end ON sessions (expires_at);
COMMENT ON TABLE sessions IS 'Signed-in sessions by the hash of their token; short-lived';

CREATE TABLE oauth_codes (
    code BYTEA PRIMARY KEY, appid BIGINT NOT NULL, payer BIGINT NOT NULL, expires_at BIGINT NOT NULL,
    used SMALLINT NOT NULL
);
COMMENT ON TABLE oauth_codes IS 'OAuth authorization codes by their hash; short-lived';

CREATE TABLE cards (
    id BIGINT PRIMARY KEY, payer BIGINT NOT NULL, channel BIGINT NOT NULL, bound_at BIGINT NOT NULL,
    bank TEXT NOT NULL, tail TEXT NOT NULL, token TEXT NOT NULL
);
CREATE INDEX cards_of ON cards (payer);
COMMENT ON TABLE cards IS 'Bound bank cards: last four digits and the channel''s token, never the number';

-- Not partitioned: a merchant's own number must be unique for ever, and a unique index of a partitioned table
-- would have to carry the month.
CREATE TABLE orders (
    id BIGINT PRIMARY KEY, expires_at BIGINT NOT NULL, payer BIGINT, card BIGINT, paid_at BIGINT,
    fee BIGINT NOT NULL, payment BIGINT, transfer BIGINT, reversal BIGINT, bill_previous BIGINT,
    journal BIGINT NOT NULL, mchid BIGINT NOT NULL, appid BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0), bound_payer BIGINT, state SMALLINT NOT NULL,
    product SMALLINT NOT NULL, currency SMALLINT NOT NULL, out_trade_no TEXT COLLATE "C" NOT NULL,
    description TEXT NOT NULL, attach TEXT NOT NULL, notify_url TEXT NOT NULL, device TEXT NOT NULL,
    extra TEXT NOT NULL, digest BYTEA NOT NULL
);
CREATE UNIQUE INDEX orders_number ON orders (mchid, out_trade_no);
CREATE INDEX orders_due ON orders (expires_at, id) WHERE state IN (0, 1);
CREATE INDEX orders_confirm ON orders (payer, id) WHERE state = 1;
COMMENT ON TABLE orders IS 'Orders; read them through the view order_list';
COMMENT ON COLUMN orders.bill_previous IS 'The entry before on the payer''s bill: an order or a top-up';
COMMENT ON COLUMN orders.journal IS 'The newest audit line on this order';
COMMENT ON COLUMN orders.digest IS 'Hash of the terms: the same number with other terms is refused';

CREATE TABLE payments (
    id BIGINT NOT NULL, order_id BIGINT, payer BIGINT NOT NULL, card BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (amount > 0), created_at BIGINT NOT NULL, ask_at BIGINT, asked BIGINT NOT NULL,
    bill_previous BIGINT, journal BIGINT NOT NULL, currency SMALLINT NOT NULL, state SMALLINT NOT NULL,
    channel_code TEXT NOT NULL, PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX payments_due ON payments (ask_at, id) WHERE ask_at IS NOT NULL;
CREATE TABLE payments_other PARTITION OF payments DEFAULT;
COMMENT ON TABLE payments IS 'Card payments and top-ups; one partition a month of the id''s time';

CREATE TABLE payment_codes (
    code BIGINT PRIMARY KEY, payer BIGINT NOT NULL, expires_at BIGINT NOT NULL, used_by BIGINT
);
CREATE INDEX payment_codes_end ON payment_codes (expires_at);
COMMENT ON TABLE payment_codes IS 'Payment codes shown by payers; short-lived';

CREATE TABLE usage (
    id BIGINT PRIMARY KEY, day_two_factors BIGINT NOT NULL, day_one_factor BIGINT NOT NULL,
    day_barcode_b BIGINT NOT NULL, day_barcode_c BIGINT NOT NULL, day_barcode_d BIGINT NOT NULL,
    day_free_count BIGINT NOT NULL, year_total BIGINT NOT NULL, lifetime_total BIGINT NOT NULL, newest BIGINT,
    day INTEGER NOT NULL, year INTEGER NOT NULL
) WITH (fillfactor = 70);
COMMENT ON TABLE usage IS 'What a payer or card has used of its limits, and the newest entry of its bill';

CREATE TABLE limits (id BIGINT PRIMARY KEY, versions TEXT NOT NULL);
COMMENT ON TABLE limits IS 'Limits of the law, every version with the time from which it holds, as JSON';

CREATE TABLE notifications (
    id BIGINT NOT NULL, mchid BIGINT NOT NULL, subject BIGINT NOT NULL, created_at BIGINT NOT NULL,
    next_at BIGINT, attempts BIGINT NOT NULL, journal BIGINT NOT NULL, last_status INTEGER NOT NULL,
    state SMALLINT NOT NULL, event SMALLINT NOT NULL, PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX notifications_due ON notifications (next_at, id) WHERE next_at IS NOT NULL;
CREATE TABLE notifications_other PARTITION OF notifications DEFAULT;
COMMENT ON TABLE notifications IS 'Notifications and what came of them; one partition a month of the id''s time';
COMMENT ON COLUMN notifications.event IS '0 paid order, 1 echo; subject is that record''s id';

CREATE TABLE echoes (id BIGINT PRIMARY KEY, mchid BIGINT NOT NULL, notify_url TEXT NOT NULL, message TEXT NOT NULL);
COMMENT ON TABLE echoes IS 'Messages merchants asked to be echoed to their notify addresses; short-lived';

CREATE TABLE key_rings (version BIGINT NOT NULL, name TEXT PRIMARY KEY, sealed BYTEA NOT NULL);
COMMENT ON TABLE key_rings IS 'The platform''s signing keys, sealed under the master key';

CREATE TABLE counters (last BIGINT NOT NULL, name TEXT PRIMARY KEY);
COMMENT ON TABLE counters IS 'Small counters, such as the last payer number';

CREATE TABLE requests (key BYTEA PRIMARY KEY, content BYTEA NOT NULL, at BIGINT NOT NULL, answer TEXT NOT NULL);
CREATE INDEX requests_at ON requests (at);
COMMENT ON TABLE requests IS 'Request keys with their first answer; short-lived';

CREATE TABLE accounts (
    id BIGINT PRIMARY KEY, debits_pending BIGINT NOT NULL CHECK (debits_pending >= 0),
    debits_posted BIGINT NOT NULL CHECK (debits_posted >= 0),
    credits_pending BIGINT NOT NULL CHECK (credits_pending >= 0),
    credits_posted BIGINT NOT NULL CHECK (credits_posted >= 0), frozen SMALLINT NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE accounts IS 'The ledger''s account counters; id = kind × 2^56 + currency × 2^46 + owner. Read them through the view account_balances';

CREATE TABLE transfers (
    id BIGINT NOT NULL, debit BIGINT NOT NULL, credit BIGINT NOT NULL, amount BIGINT NOT NULL CHECK (amount > 0),
    subject BIGINT NOT NULL, at BIGINT NOT NULL, kind SMALLINT NOT NULL, state SMALLINT NOT NULL, PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE TABLE transfers_other PARTITION OF transfers DEFAULT;
COMMENT ON TABLE transfers IS 'The ledger''s transfers, each from one account to another; one partition a month of the id''s time';
COMMENT ON COLUMN transfers.subject IS 'The order or top-up it belongs to';

-- One row a batch; `lines` is a JSON array with one array a command. Its time is part of the key only because it
-- says the partition: a batch number comes once, since `shards` counts them.
CREATE TABLE journal (
    batch BIGINT NOT NULL, at BIGINT NOT NULL, shard SMALLINT NOT NULL, lines TEXT NOT NULL,
    PRIMARY KEY (shard, batch, at)
) PARTITION BY RANGE (at);
CREATE TABLE journal_other PARTITION OF journal DEFAULT;
COMMENT ON TABLE journal IS 'What was asked for, by whom, with which outcome: one row a batch, one partition a month. Read it through the view audit';
COMMENT ON COLUMN journal.lines IS 'JSON, one array a command: microseconds after at, actor, address, device, command, subject, outcome, note, the line before on the same record';

CREATE VIEW audit AS
SELECT journal.shard, journal.batch * 4096 + line.place - 1 AS id,
       to_timestamp((journal.at + (line.value ->> 0)::BIGINT) / 1000000.0) AT TIME ZONE 'UTC' AS at_utc,
       line.value ->> 1 AS actor, line.value ->> 2 AS address, line.value ->> 3 AS device,
       line.value ->> 4 AS command, line.value ->> 5 AS subject, line.value ->> 6 AS outcome,
       line.value ->> 7 AS note, (line.value ->> 8)::BIGINT AS previous
FROM journal, json_array_elements(journal.lines::JSON) WITH ORDINALITY AS line (value, place);
COMMENT ON VIEW audit IS 'Who did what, from where, with which outcome; previous is the line before on the same record';

CREATE VIEW account_balances AS
SELECT CASE id >> 56 WHEN 1 THEN 'payer.balance' WHEN 2 THEN 'merchant.unsettled' WHEN 6 THEN 'platform.fee'
           WHEN 10 THEN 'channel.receivable' END AS kind,
       id & 70368744177663 AS owner, (id >> 46) & 1023 AS currency,
       CASE WHEN id >> 56 = 10 THEN debits_posted - credits_posted ELSE credits_posted - debits_posted END AS balance,
       CASE WHEN id >> 56 = 10 THEN credits_pending ELSE debits_pending END AS held, frozen, id
FROM accounts;
COMMENT ON VIEW account_balances IS 'Balances in minor units by kind and owner; currency is the ISO 4217 number';

CREATE VIEW order_list AS
SELECT id, mchid, out_trade_no,
       CASE state WHEN 0 THEN 'open' WHEN 1 THEN 'paying' WHEN 2 THEN 'paid' WHEN 3 THEN 'closed'
           WHEN 4 THEN 'revoked' WHEN 5 THEN 'failed' WHEN 6 THEN 'expired' END AS state,
       amount, currency, fee, payer,
       CASE product WHEN 0 THEN 'jsapi' WHEN 1 THEN 'app' WHEN 2 THEN 'h5' WHEN 3 THEN 'native' WHEN 4 THEN 'code' END
           AS product,
       to_timestamp(paid_at / 1000000.0) AT TIME ZONE 'UTC' AS paid_at_utc, description
FROM orders;
COMMENT ON VIEW order_list IS 'Orders with words instead of numbers; amounts in minor units';
