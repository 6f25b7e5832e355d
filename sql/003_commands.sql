-- What makes a command happen once: idempotency records and the audit row by which a lost COMMIT is looked up.

CREATE TABLE IF NOT EXISTS idempotency_keys (
  user_id BIGINT NOT NULL,
  route VARCHAR(96) CHARACTER SET ascii NOT NULL, -- "POST /jars/transfer"
  idempotency_key VARCHAR(255) NOT NULL,
  request_hash CHAR(64) CHARACTER SET ascii NOT NULL, -- SHA-256 of path, query and body
  status INT NOT NULL,
  headers VARCHAR(1000) NOT NULL DEFAULT '',     -- Location, ETag: "Name: value\n" lines
  body MEDIUMTEXT NOT NULL,
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (user_id, route, idempotency_key),
  KEY idempotency_age (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS audit_log (
  id BIGINT NOT NULL AUTO_INCREMENT,
  request_id VARCHAR(64) CHARACTER SET ascii NOT NULL,
  household_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  action VARCHAR(96) CHARACTER SET ascii NOT NULL, -- the route, or the job's name
  at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY audit_request (request_id),
  KEY audit_household (household_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
