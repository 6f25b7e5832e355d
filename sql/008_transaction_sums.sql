-- Sums by category, jar and month are read from the index alone, so that a question over a long history stays cheap.

ALTER TABLE transactions DROP KEY tx_kind,
  ADD KEY tx_kind (household_id, kind, deleted_at, occurred_on, id, category_id, jar_id, amount);
