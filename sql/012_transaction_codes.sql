-- Codes by mail that allow one write: what the user said they would write is kept, and the write must say the same.
-- requested -> code_hash (when the mail goes out) -> token_hash (the code was right) -> spent_at (the write).

CREATE TABLE IF NOT EXISTS transaction_codes (
  id CHAR(36) CHARACTER SET ascii NOT NULL,             -- UUIDv7, shown to the user's client
  household_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  action VARCHAR(24) CHARACTER SET ascii NOT NULL,
  transaction_id BIGINT NULL,                           -- what is to be deleted
  category_id BIGINT NULL,                              -- from here on NULL: not said, so not compared
  amount BIGINT NULL,
  occurred_on DATE NULL,
  name VARCHAR(255) NULL,
  note VARCHAR(2000) NULL,
  requested_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  code_hash CHAR(64) CHARACTER SET ascii NULL,
  tries INT NOT NULL DEFAULT 0,
  token_hash CHAR(64) CHARACTER SET ascii NULL,
  token_expires_at DATETIME(3) NULL,
  spent_at DATETIME(3) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY codes_token (token_hash),
  KEY codes_pause (household_id, user_id, action, requested_at),
  KEY codes_age (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
