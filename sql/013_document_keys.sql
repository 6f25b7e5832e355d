-- Keys of pictures differ by case as well.

ALTER TABLE documents MODIFY public_key CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL;
