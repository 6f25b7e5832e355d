-- Files that the worker makes of a household's books: queued -> running (under a lease) -> done or failed. The event
-- only announces a row; whoever finds it due does it.

CREATE TABLE IF NOT EXISTS exports (
  id BIGINT NOT NULL AUTO_INCREMENT,
  household_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  event_id CHAR(36) CHARACTER SET ascii NOT NULL,       -- of its notification and its mail: each is told once
  kind VARCHAR(9) CHARACTER SET ascii NOT NULL,         -- income, expense, all, statement
  format VARCHAR(4) CHARACTER SET ascii NOT NULL,       -- xlsx, csv, pdf
  from_date DATE NOT NULL,
  to_date DATE NOT NULL,
  email TINYINT NOT NULL DEFAULT 0,
  state VARCHAR(7) CHARACTER SET ascii NOT NULL DEFAULT 'queued',
  progress INT NOT NULL DEFAULT 0,                      -- percent
  document_id BIGINT NULL,
  error VARCHAR(40) CHARACTER SET ascii NULL,           -- the code of what it failed by
  attempts INT NOT NULL DEFAULT 0,
  next_try_at DATETIME(3) NOT NULL,                     -- of a running one: the end of its lease
  lease_token CHAR(32) CHARACTER SET ascii NULL,
  created_at DATETIME(3) NOT NULL,
  finished_at DATETIME(3) NULL,
  PRIMARY KEY (id),
  KEY exports_list (household_id, id),
  KEY exports_due (state, next_try_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A file that goes along with a mail.
ALTER TABLE mail_ledger ADD COLUMN document_id BIGINT NULL;
