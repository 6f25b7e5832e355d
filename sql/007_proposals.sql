-- What the assistant understood as a write and the user has not confirmed yet, or has: executed once. Kept a while after it expired, so that a
-- repeated confirmation is answered and not done again.

CREATE TABLE IF NOT EXISTS proposals (
  id CHAR(36) CHARACTER SET ascii NOT NULL,      -- UUIDv7, shown to the user's client
  household_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  intent VARCHAR(32) CHARACTER SET ascii NOT NULL,
  language CHAR(2) CHARACTER SET ascii NOT NULL, -- of the sentence, and so of the answer: vi, en
  fields TEXT NOT NULL,                          -- JSON as proposed
  created_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  executed_at DATETIME(3) NULL,
  result VARCHAR(1000) NULL,                     -- what the user was told
  PRIMARY KEY (id),
  KEY proposals_age (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
