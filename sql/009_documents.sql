-- Files: the bytes lie in S3 under object_key, the row says whose they are. pending: the object may be there or not yet;
-- stored: it is; deleting: it is to go, and the row after it.

CREATE TABLE IF NOT EXISTS documents (
  id BIGINT NOT NULL AUTO_INCREMENT,
  household_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,                                -- who sent it, or whom it was made for
  kind VARCHAR(8) CHARACTER SET ascii NOT NULL,           -- receipt, image, file, report, import
  state VARCHAR(8) CHARACTER SET ascii NOT NULL,
  object_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  public_key CHAR(32) CHARACTER SET ascii NULL,           -- of a picture that is shown without sign-in: 128 random bits
  name VARCHAR(255) NOT NULL,
  content_type VARCHAR(100) CHARACTER SET ascii NOT NULL,
  size BIGINT NOT NULL,                                   -- bytes
  sha256 CHAR(64) CHARACTER SET ascii NULL,               -- NULL: announced by the client and not looked at yet
  transaction_id BIGINT NULL,
  created_at DATETIME(3) NOT NULL,
  stored_at DATETIME(3) NULL,
  deleted_at DATETIME(3) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY documents_object (object_key),
  UNIQUE KEY documents_public (public_key),
  KEY documents_list (household_id, state, kind, id),
  KEY documents_transaction (household_id, transaction_id, id),
  KEY documents_quota (household_id, size),
  KEY documents_sweep (state, created_at, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
