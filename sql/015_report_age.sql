-- Files that were made of the books are kept for a month: found by their age.

ALTER TABLE documents ADD KEY documents_age (kind, state, created_at);

ALTER TABLE exports ADD KEY exports_age (created_at);
