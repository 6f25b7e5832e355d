-- Events on their way: recorded with the command, sent by a relay, processed once by a worker.

CREATE TABLE IF NOT EXISTS outbox (
  id CHAR(36) CHARACTER SET ascii NOT NULL,      -- UUIDv7: the event's id
  type VARCHAR(40) CHARACTER SET ascii NOT NULL,
  household_id BIGINT NOT NULL,
  body TEXT NOT NULL,                            -- the JSON event
  state VARCHAR(9) CHARACTER SET ascii NOT NULL DEFAULT 'recorded', -- recorded, sent, processed, parked
  next_try_at DATETIME(3) NOT NULL,
  claimed_until DATETIME(3) NULL,
  claim_token CHAR(32) CHARACTER SET ascii NULL,
  send_count INT NOT NULL DEFAULT 0,
  sent_at DATETIME(3) NULL,
  processed_at DATETIME(3) NULL,
  last_error VARCHAR(255) NULL,
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  KEY outbox_due (state, next_try_at, id),
  KEY outbox_claim (claim_token),
  KEY outbox_processed (processed_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS parked_messages (
  id BIGINT NOT NULL AUTO_INCREMENT,
  event_id VARCHAR(64) CHARACTER SET ascii NULL,
  message_id VARCHAR(80) CHARACTER SET ascii NULL,
  reason VARCHAR(255) NOT NULL,
  body MEDIUMTEXT NOT NULL,
  parked_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY parked_message (message_id),
  KEY parked_event (event_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- A mail is a row before it is a mail: unique on event and recipient, drained by the mailer under leases.
CREATE TABLE IF NOT EXISTS mail_ledger (
  id BIGINT NOT NULL AUTO_INCREMENT,
  event_id CHAR(36) CHARACTER SET ascii NOT NULL,
  household_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  recipient VARCHAR(254) NOT NULL,
  template VARCHAR(40) CHARACTER SET ascii NOT NULL,
  language CHAR(2) CHARACTER SET ascii NOT NULL,
  data TEXT NOT NULL,                            -- JSON object of the template's values; never a code
  state VARCHAR(8) CHARACTER SET ascii NOT NULL DEFAULT 'pending', -- pending, sending, sent, refused
  next_try_at DATETIME(3) NOT NULL,
  lease_until DATETIME(3) NULL,
  lease_token CHAR(32) CHARACTER SET ascii NULL,
  attempts INT NOT NULL DEFAULT 0,
  provider_id VARCHAR(120) NULL,                 -- from the server's 250 reply
  last_error VARCHAR(255) NULL,
  created_at DATETIME(3) NOT NULL,
  sent_at DATETIME(3) NULL,
  PRIMARY KEY (id),
  UNIQUE KEY mail_once (event_id, recipient),
  KEY mail_due (state, next_try_at, id),
  KEY mail_lease (lease_token)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS notifications (
  id BIGINT NOT NULL AUTO_INCREMENT,
  household_id BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  event_id CHAR(36) CHARACTER SET ascii NOT NULL,
  type VARCHAR(20) CHARACTER SET ascii NOT NULL,
  subject_id BIGINT NOT NULL DEFAULT 0,          -- what it is about, when one event tells several things
  title VARCHAR(255) NOT NULL,
  message VARCHAR(1000) NOT NULL,
  read_at DATETIME(3) NULL,
  created_at DATETIME(3) NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY notification_once (event_id, user_id, type, subject_id),
  KEY notification_list (household_id, user_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS periodic_tasks (
  name VARCHAR(40) CHARACTER SET ascii NOT NULL,
  due_at DATETIME(3) NOT NULL,
  lease_until DATETIME(3) NULL,
  lease_token CHAR(32) CHARACTER SET ascii NULL,
  done_at DATETIME(3) NULL,
  PRIMARY KEY (name, due_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
