-- A mail whose last line went out without a recorded answer may have been taken: when it is sent again, that is counted.

ALTER TABLE mail_ledger ADD COLUMN finishing_at DATETIME(3) NULL, ADD COLUMN in_doubt INT NOT NULL DEFAULT 0;
