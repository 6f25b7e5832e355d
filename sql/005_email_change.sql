-- A wanted new address waits here until the link mailed to it is opened.

ALTER TABLE users ADD COLUMN pending_email VARCHAR(254) NULL;
