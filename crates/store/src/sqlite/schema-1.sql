-- Feiqian, SQLite, version 1. Amounts are minor units, times UTC microseconds, ids time-ordered integers.
-- The views at the end give words instead of numbers; `sqlite3 feiqian.db` and read them.

CREATE TABLE merchants (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, active INTEGER NOT NULL, apps TEXT NOT NULL,
    products INTEGER NOT NULL, fee_ppm INTEGER NOT NULL, apiv3_key BLOB, public_key_mode INTEGER NOT NULL,
    rate_per_s INTEGER NOT NULL, created_at INTEGER NOT NULL, journal INTEGER NOT NULL
) STRICT;

CREATE TABLE certificates (
    serial TEXT PRIMARY KEY, mchid INTEGER NOT NULL REFERENCES merchants, pem TEXT NOT NULL,
    not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX certificates_of ON certificates (mchid);

CREATE TABLE applications (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, redirect_hosts TEXT NOT NULL, secret BLOB
) STRICT;

CREATE TABLE payers (
    id INTEGER PRIMARY KEY, phone BLOB NOT NULL, phone_sealed BLOB NOT NULL, active INTEGER NOT NULL,
    channels INTEGER NOT NULL, pin BLOB, pin_failures INTEGER NOT NULL, pin_locked_until INTEGER,
    free_pay INTEGER NOT NULL, created_at INTEGER NOT NULL, journal INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX payers_phone ON payers (phone);

CREATE TABLE one_time_codes (
    phone BLOB PRIMARY KEY, code BLOB, sent_at INTEGER NOT NULL, tries INTEGER NOT NULL,
    sent_today INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token BLOB PRIMARY KEY, payer INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    device TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_end ON sessions (expires_at);

CREATE TABLE oauth_codes (
    code BLOB PRIMARY KEY, appid INTEGER NOT NULL, payer INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    used INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE cards (
    id INTEGER PRIMARY KEY, payer INTEGER NOT NULL, bank TEXT NOT NULL, tail TEXT NOT NULL, token TEXT NOT NULL,
    channel INTEGER NOT NULL, bound_at INTEGER NOT NULL
) STRICT;
CREATE INDEX cards_of ON cards (payer);

-- What changes comes first, so that an update rewrites little of the row.
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, state INTEGER NOT NULL, expires_at INTEGER NOT NULL, payer INTEGER, card INTEGER,
    paid_at INTEGER, fee INTEGER NOT NULL, payment INTEGER, transfer INTEGER, reversal INTEGER,
    bill_previous INTEGER, journal INTEGER NOT NULL,
    mchid INTEGER NOT NULL, out_trade_no TEXT NOT NULL, appid INTEGER NOT NULL, product INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), currency INTEGER NOT NULL, description TEXT NOT NULL,
    attach TEXT NOT NULL, notify_url TEXT NOT NULL, bound_payer INTEGER, device TEXT NOT NULL,
    extra TEXT NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX orders_number ON orders (mchid, out_trade_no);
CREATE INDEX orders_due ON orders (expires_at) WHERE state IN (0, 1);
CREATE INDEX orders_confirm ON orders (payer) WHERE state = 1;

CREATE TABLE payments (
    id INTEGER PRIMARY KEY, order_id INTEGER, payer INTEGER NOT NULL, card INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), currency INTEGER NOT NULL, state INTEGER NOT NULL,
    created_at INTEGER NOT NULL, ask_at INTEGER, asked INTEGER NOT NULL, channel_code TEXT NOT NULL,
    bill_previous INTEGER, journal INTEGER NOT NULL
) STRICT;
CREATE INDEX payments_due ON payments (ask_at) WHERE ask_at IS NOT NULL;

CREATE TABLE payment_codes (
    code INTEGER PRIMARY KEY, payer INTEGER NOT NULL, expires_at INTEGER NOT NULL, used_by INTEGER
) STRICT;
CREATE INDEX payment_codes_end ON payment_codes (expires_at);

CREATE TABLE usage (
    id INTEGER PRIMARY KEY, day INTEGER NOT NULL, day_total INTEGER NOT NULL, day_barcode INTEGER NOT NULL,
    day_one_factor INTEGER NOT NULL, day_free_count INTEGER NOT NULL, year INTEGER NOT NULL,
    year_total INTEGER NOT NULL, lifetime_total INTEGER NOT NULL, newest INTEGER
) STRICT;

CREATE TABLE limits (id INTEGER PRIMARY KEY, versions TEXT NOT NULL) STRICT;

CREATE TABLE notifications (
    id INTEGER PRIMARY KEY, mchid INTEGER NOT NULL, order_id INTEGER NOT NULL, state INTEGER NOT NULL,
    created_at INTEGER NOT NULL, next_at INTEGER, attempts INTEGER NOT NULL, last_status INTEGER NOT NULL,
    journal INTEGER NOT NULL
) STRICT;
CREATE INDEX notifications_due ON notifications (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE key_rings (name TEXT PRIMARY KEY, sealed BLOB NOT NULL, version INTEGER NOT NULL)
    STRICT, WITHOUT ROWID;

CREATE TABLE counters (name TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    key BLOB PRIMARY KEY, content BLOB NOT NULL, answer TEXT NOT NULL, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_at ON requests (at);

-- id = kind × 2^56 + currency × 2^46 + owner
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY, debits_pending INTEGER NOT NULL CHECK (debits_pending >= 0),
    debits_posted INTEGER NOT NULL CHECK (debits_posted >= 0),
    credits_pending INTEGER NOT NULL CHECK (credits_pending >= 0),
    credits_posted INTEGER NOT NULL CHECK (credits_posted >= 0), frozen INTEGER NOT NULL
) STRICT;

CREATE TABLE transfers (
    id INTEGER PRIMARY KEY, debit INTEGER NOT NULL, credit INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0), kind INTEGER NOT NULL, state INTEGER NOT NULL,
    subject INTEGER NOT NULL, at INTEGER NOT NULL
) STRICT;

-- One row a batch; `lines` is a JSON array with one array a command: microseconds after `at`, actor, address,
-- device, command, subject, outcome, note, the line before on the same record. Read it through the view `audit`.
CREATE TABLE journal (batch INTEGER PRIMARY KEY, at INTEGER NOT NULL, lines TEXT NOT NULL) STRICT;

CREATE VIEW audit AS
SELECT journal.batch * 4096 + line.key AS id,
       strftime('%Y-%m-%d %H:%M:%f', (journal.at + (line.value ->> 0)) / 1000000.0, 'unixepoch') AS at_utc,
       line.value ->> 1 AS actor, line.value ->> 2 AS address, line.value ->> 3 AS device,
       line.value ->> 4 AS command, line.value ->> 5 AS subject, line.value ->> 6 AS outcome,
       line.value ->> 7 AS note, line.value ->> 8 AS previous
FROM journal, json_each(journal.lines) AS line;

CREATE VIEW account_balances AS
SELECT CASE id >> 56 WHEN 1 THEN 'payer.balance' WHEN 2 THEN 'merchant.unsettled' WHEN 6 THEN 'platform.fee'
           WHEN 10 THEN 'channel.receivable' END AS kind,
       id & 70368744177663 AS owner, (id >> 46) & 1023 AS currency,
       CASE WHEN id >> 56 = 10 THEN debits_posted - credits_posted ELSE credits_posted - debits_posted END AS balance,
       CASE WHEN id >> 56 = 10 THEN credits_pending ELSE debits_pending END AS held, frozen, id
FROM accounts;

CREATE VIEW order_list AS
SELECT id, mchid, out_trade_no,
       CASE state WHEN 0 THEN 'open' WHEN 1 THEN 'paying' WHEN 2 THEN 'paid' WHEN 3 THEN 'closed'
           WHEN 4 THEN 'revoked' WHEN 5 THEN 'failed' WHEN 6 THEN 'expired' END AS state,
       amount, currency, fee, payer,
       CASE product WHEN 0 THEN 'jsapi' WHEN 1 THEN 'app' WHEN 2 THEN 'h5' WHEN 3 THEN 'native' WHEN 4 THEN 'code' END
           AS product,
       strftime('%Y-%m-%d %H:%M:%f', paid_at / 1000000.0, 'unixepoch') AS paid_at_utc, description
FROM orders;
