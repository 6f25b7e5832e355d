-- Households own all business rows; a user belongs to one through household_members.
-- One statement is one recorded step (DDL commits by itself); steps are repeatable after a kill in the middle.

CREATE TABLE IF NOT EXISTS households (
  id BIGINT NOT NULL AUTO_INCREMENT,
  currency CHAR(3) CHARACTER SET ascii NOT NULL DEFAULT 'VND',
  change_seq BIGINT NOT NULL DEFAULT 0,          -- the household's lock and change counter
  unassigned BIGINT NOT NULL DEFAULT 0,          -- minor units that no jar holds
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS users (
  id BIGINT NOT NULL AUTO_INCREMENT,
  email VARCHAR(254) NOT NULL,                   -- lower case
  full_name VARCHAR(255) NOT NULL DEFAULT '',
  password_hash VARCHAR(128) CHARACTER SET ascii NULL,
  profile_image_url VARCHAR(500) NULL,
  role VARCHAR(8) CHARACTER SET ascii NOT NULL DEFAULT 'user',
  status VARCHAR(8) CHARACTER SET ascii NOT NULL DEFAULT 'pending',  -- pending, active, disabled
  language CHAR(2) CHARACTER SET ascii NOT NULL DEFAULT 'vi',
  large_transaction_amount BIGINT NULL,          -- minor units; NULL: the configured default
  activated_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL,
  updated_at DATETIME(3) NOT NULL,
  version BIGINT NOT NULL DEFAULT 1,
  PRIMARY KEY (id),
  UNIQUE KEY users_email (email)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS household_members (
  household_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  role VARCHAR(8) CHARACTER SET ascii NOT NULL DEFAULT 'owner',
  joined_at DATETIME(3) NOT NULL,
  PRIMARY KEY (household_id, user_id),
  UNIQUE KEY members_user (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS sessions (
  id CHAR(36) CHARACTER SET ascii NOT NULL,
  user_id BIGINT NOT NULL,
  household_id BIGINT NOT NULL,
  created_at DATETIME(3) NOT NULL,
  expires_at DATETIME(3) NOT NULL,
  revoked_at DATETIME(3) NULL,
  PRIMARY KEY (id),
  KEY sessions_user (user_id, revoked_at),
  KEY sessions_expiry (expires_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- One row a user and purpose ('activate', 'reset'); a new code replaces the old one. Codes and link tokens are kept as SHA-256 only.
CREATE TABLE IF NOT EXISTS otp_codes (
  user_id BIGINT NOT NULL,
  purpose VARCHAR(16) CHARACTER SET ascii NOT NULL,
  requested_at DATETIME(3) NOT NULL,             -- a new one after 180 s
  event_id CHAR(36) CHARACTER SET ascii NOT NULL, -- the request that this code answers; an older mail's code is void
  code_hash CHAR(64) CHARACTER SET ascii NULL,   -- set by the mailer when the mail goes out
  link_hash CHAR(64) CHARACTER SET ascii NULL,
  expires_at DATETIME(3) NULL,
  link_expires_at DATETIME(3) NULL,
  tries INT NOT NULL DEFAULT 0,
  used_at DATETIME(3) NULL,
  PRIMARY KEY (user_id, purpose),
  KEY otp_link (link_hash)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
