-- A Quay database in schema src (registry.sql), and a schema plain, with the same tables and nothing in them.
SET client_min_messages = warning;
CALL quay.release('src');
CALL quay.release('plain');
\set schema src
\ir registry.sql
