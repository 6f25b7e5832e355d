-- Categories, jars and the one ledger for incomes, expenses and transfers. Amounts are minor units. `active` is 1, or NULL once deleted,
-- so a name is unique among what exists and free again afterwards.

CREATE TABLE IF NOT EXISTS categories (
  id BIGINT NOT NULL AUTO_INCREMENT,
  household_id BIGINT NOT NULL,
  name VARCHAR(255) NOT NULL,
  icon VARCHAR(500) NULL,
  type VARCHAR(8) CHARACTER SET ascii NOT NULL,  -- income, expense
  active TINYINT NULL DEFAULT 1,
  version BIGINT NOT NULL DEFAULT 1,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY categories_name (household_id, type, name, active),
  KEY categories_list (household_id, active, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS jars (
  id BIGINT NOT NULL AUTO_INCREMENT,
  household_id BIGINT NOT NULL,
  name VARCHAR(255) NOT NULL,
  icon VARCHAR(500) NULL,
  color CHAR(7) CHARACTER SET ascii NOT NULL,
  target_bp INT NOT NULL DEFAULT 0,              -- basis points
  rollover VARCHAR(5) CHARACTER SET ascii NOT NULL DEFAULT 'carry',
  reset_from INT NULL,                           -- yyyymm from which ended months of a reset jar are closed
  balance BIGINT NOT NULL DEFAULT 0,             -- always the sum of its entries
  active TINYINT NULL DEFAULT 1,
  version BIGINT NOT NULL DEFAULT 1,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY jars_name (household_id, name, active),
  KEY jars_list (household_id, active, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS transactions (
  id BIGINT NOT NULL AUTO_INCREMENT,
  household_id BIGINT NOT NULL,
  kind VARCHAR(8) CHARACTER SET ascii NOT NULL,  -- income, expense, transfer
  amount BIGINT NOT NULL,
  occurred_on DATE NOT NULL,
  category_id BIGINT NULL,
  jar_id BIGINT NULL,                            -- expense: pays; transfer: from (NULL: unassigned)
  to_jar_id BIGINT NULL,                         -- transfer: to (NULL: unassigned)
  name VARCHAR(255) NOT NULL,
  icon VARCHAR(500) NULL,
  note VARCHAR(2000) NULL,
  receipt_location VARCHAR(500) NULL,
  receipt_image_url VARCHAR(500) NULL,
  receipt_document_id BIGINT NULL,
  import_id BIGINT NULL,
  created_by BIGINT NOT NULL,
  version BIGINT NOT NULL DEFAULT 1,
  deleted_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  KEY tx_kind (household_id, kind, deleted_at, occurred_on, id),
  KEY tx_all (household_id, deleted_at, occurred_on, id),
  KEY tx_category (household_id, category_id, deleted_at, occurred_on, id),
  KEY tx_jar (household_id, jar_id, deleted_at, occurred_on, id),
  KEY tx_to_jar (household_id, to_jar_id, deleted_at, occurred_on, id),
  CONSTRAINT tx_amount CHECK (amount > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- Append-only. kind: allocation, spend, refund, transfer, adjustment. A correction is a new entry that reverses an old one, at most once.
CREATE TABLE IF NOT EXISTS jar_entries (
  id BIGINT NOT NULL AUTO_INCREMENT,
  household_id BIGINT NOT NULL,
  jar_id BIGINT NOT NULL,
  kind VARCHAR(10) CHARACTER SET ascii NOT NULL,
  reason VARCHAR(12) CHARACTER SET ascii NULL,   -- adjustments: opening, reset, jar_deleted
  amount BIGINT NOT NULL,                        -- signed
  occurred_on DATE NOT NULL,
  transaction_id BIGINT NULL,
  reverses_id BIGINT NULL,
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY entries_reverses (reverses_id),
  KEY entries_jar (household_id, jar_id, occurred_on, id),
  KEY entries_transaction (household_id, transaction_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- carried + allocated + moved = limit; limit - spent = available; carried = the month before's available.
CREATE TABLE IF NOT EXISTS jar_months (
  household_id BIGINT NOT NULL,
  jar_id BIGINT NOT NULL,
  month INT NOT NULL,                            -- yyyymm
  carried BIGINT NOT NULL DEFAULT 0,
  allocated BIGINT NOT NULL DEFAULT 0,
  moved BIGINT NOT NULL DEFAULT 0,
  spent BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (household_id, jar_id, month)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What was told about a jar (later a budget), once a month and threshold.
CREATE TABLE IF NOT EXISTS threshold_alerts (
  household_id BIGINT NOT NULL,
  subject VARCHAR(8) CHARACTER SET ascii NOT NULL, -- jar, budget
  subject_id BIGINT NOT NULL,
  month INT NOT NULL,
  threshold INT NOT NULL,                        -- percent: 80, 100
  told_at DATETIME(3) NOT NULL,
  PRIMARY KEY (household_id, subject, subject_id, month, threshold)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
