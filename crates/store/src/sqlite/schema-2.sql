-- Feiqian, SQLite, version 2.

-- A notification tells of more than paid orders: `event` 0 is a paid order, 1 an echo, `subject` the record's id.
ALTER TABLE notifications RENAME COLUMN order_id TO subject;
ALTER TABLE notifications ADD COLUMN event INTEGER NOT NULL DEFAULT 0;

-- Messages that merchants asked to be echoed to their notify addresses; swept after two days, by id.
CREATE TABLE echoes (
    id INTEGER PRIMARY KEY, mchid INTEGER NOT NULL, notify_url TEXT NOT NULL, message TEXT NOT NULL
) STRICT;

-- Each verification and each barcode level has a sum of its own a day.
ALTER TABLE usage RENAME COLUMN day_total TO day_two_factors;
ALTER TABLE usage RENAME COLUMN day_barcode TO day_barcode_b;
ALTER TABLE usage ADD COLUMN day_barcode_c INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN day_barcode_d INTEGER NOT NULL DEFAULT 0;
