-- Bank statements: a file becomes rows with verdicts, and those that are confirmed become transactions. The keys tell what was taken before.

CREATE TABLE IF NOT EXISTS imports (
  id BIGINT NOT NULL AUTO_INCREMENT,
  household_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  file_name VARCHAR(255) NOT NULL,
  format VARCHAR(8) CHARACTER SET ascii NOT NULL, -- csv, ofx, qif, camt, mt940
  account VARCHAR(64) NOT NULL DEFAULT '',
  state VARCHAR(10) CHARACTER SET ascii NOT NULL, -- reading, preview, confirming, confirmed, undoing, undone, failed
  header TEXT NOT NULL,                           -- JSON: the names of a CSV's columns
  mapping VARCHAR(500) CHARACTER SET ascii NOT NULL, -- JSON: which column is what
  fingerprint CHAR(64) CHARACTER SET ascii NULL,  -- of the header, for the saved mappings
  ask_columns TINYINT NOT NULL DEFAULT 0,         -- a date or an amount was not found
  ask_day_first TINYINT NOT NULL DEFAULT 0,       -- every date can be read both ways
  row_count INT NOT NULL DEFAULT 0,
  first_on DATE NULL,
  last_on DATE NULL,
  with_probable TINYINT NOT NULL DEFAULT 0,       -- how it was confirmed
  allocate TINYINT NOT NULL DEFAULT 1,
  done_row INT NOT NULL DEFAULT 0,                -- how far a confirmation or an undo has come
  added INT NOT NULL DEFAULT 0,
  removed INT NOT NULL DEFAULT 0,
  created_at DATETIME(3) NOT NULL,
  confirmed_at DATETIME(3) NULL,
  undone_at DATETIME(3) NULL,
  PRIMARY KEY (id),
  KEY imports_list (household_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS import_rows (
  household_id BIGINT NOT NULL,
  import_id BIGINT NOT NULL,
  row_no INT NOT NULL,                            -- from 1, in the file's order
  line INT NOT NULL,                              -- of the file
  occurred_on DATE NULL,
  amount BIGINT NOT NULL DEFAULT 0,               -- signed minor units; below 0 is spent
  text VARCHAR(500) NOT NULL DEFAULT '',
  bank_id VARCHAR(128) NOT NULL DEFAULT '',
  dedup_key CHAR(64) CHARACTER SET ascii NOT NULL DEFAULT '',
  verdict VARCHAR(9) CHARACTER SET ascii NOT NULL, -- new, duplicate, probable, bad
  duplicate_of BIGINT NULL,                       -- a transaction
  reason VARCHAR(160) NULL,
  category_id BIGINT NULL,
  jar_id BIGINT NULL,
  name VARCHAR(255) NULL,
  include TINYINT NULL,                           -- the user's word; NULL: by the verdict
  transaction_id BIGINT NULL,
  tx_version BIGINT NULL,                         -- as the import left the transaction: another one was edited since
  PRIMARY KEY (household_id, import_id, row_no),
  KEY import_rows_verdict (household_id, import_id, verdict, row_no)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What was taken, so that no later file brings it again.
CREATE TABLE IF NOT EXISTS import_keys (
  household_id BIGINT NOT NULL,
  dedup_key CHAR(64) CHARACTER SET ascii NOT NULL,
  import_id BIGINT NOT NULL,
  row_no INT NOT NULL,
  transaction_id BIGINT NULL,
  PRIMARY KEY (household_id, dedup_key),
  KEY import_keys_import (household_id, import_id, row_no)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- The text of a file whose columns or dates may have to be read anew, in pieces; until the import is confirmed or removed.
CREATE TABLE IF NOT EXISTS import_files (
  household_id BIGINT NOT NULL,
  import_id BIGINT NOT NULL,
  piece INT NOT NULL,
  bytes MEDIUMBLOB NOT NULL,
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (household_id, import_id, piece),
  KEY import_files_age (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS import_mappings (
  household_id BIGINT NOT NULL,
  fingerprint CHAR(64) CHARACTER SET ascii NOT NULL,
  mapping VARCHAR(500) CHARACTER SET ascii NOT NULL,
  saved_at DATETIME(3) NOT NULL,
  PRIMARY KEY (household_id, fingerprint)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS import_rules (
  id BIGINT NOT NULL AUTO_INCREMENT,
  household_id BIGINT NOT NULL,
  priority INT NOT NULL DEFAULT 0,                -- the lowest first; the first that matches decides
  is_regex TINYINT NOT NULL DEFAULT 0,
  pattern VARCHAR(200) NOT NULL,
  kind VARCHAR(8) CHARACTER SET ascii NULL,       -- income, expense; NULL: both
  category_id BIGINT NULL,
  jar_id BIGINT NULL,
  name VARCHAR(255) NULL,
  version BIGINT NOT NULL DEFAULT 1,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  KEY import_rules_order (household_id, priority, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- By import_id and this a transaction finds its row.
ALTER TABLE transactions ADD COLUMN import_row INT NULL;
