-- What follows from the content of the registry, kept beside it: which namespace uses which blob, how many bytes that is, what the garbage
-- collector has to look at. Triggers write these tables (api/045_review.sql, api/204_size.sql), whoever writes the content. They are not
-- dumped: a restored dump brings the content, and the triggers bring them.

-- One row for each repository that has a manifest with the blob, and one (repository_id 0) for the namespace. No foreign keys: a row goes in
-- the transaction in which the last manifestblob goes, or waits for a review.
CREATE TABLE quay_internal.blob_use (
    namespace_id  bigint NOT NULL,
    blob_id       bigint NOT NULL,
    repository_id bigint NOT NULL,
    size          bigint NOT NULL,
    CONSTRAINT pk_blob_use PRIMARY KEY (namespace_id, blob_id, repository_id)
);
CREATE INDEX blob_use_repository_id ON quay_internal.blob_use (repository_id) WHERE repository_id <> 0;

-- The size of a repository, of a namespace (repository_id 0) or of the registry (both 0) is the sum over its parts. Transactions that meet
-- write to different parts, so that none waits for the commit of another. budget: what this part may hold, its share of limit_bytes.
CREATE TABLE quay_internal.size_counter (
    namespace_id  bigint NOT NULL,
    repository_id bigint NOT NULL,
    part          integer NOT NULL,
    used          bigint NOT NULL DEFAULT 0,
    reserved      bigint NOT NULL DEFAULT 0,
    budget        bigint,
    limit_bytes   bigint,
    CONSTRAINT pk_size_counter PRIMARY KEY (namespace_id, repository_id, part)
) WITH (fillfactor = 50);

-- What the garbage collector has to look at, and from when on: left by every write that may have made something unreachable.
CREATE SEQUENCE quay_internal.gc_review_id_seq;
CREATE TABLE quay_internal.gc_review (
    id            bigint NOT NULL DEFAULT nextval('quay_internal.gc_review_id_seq'),
    kind          "char" NOT NULL,
    object_id     bigint NOT NULL,
    repository_id bigint NOT NULL DEFAULT 0,
    due_ms        bigint NOT NULL,
    CONSTRAINT pk_gc_review PRIMARY KEY (id),
    CONSTRAINT gc_review_kind CHECK (kind = ANY (ARRAY['t', 'm', 'l', 'b', 'u', 'n']::"char"[]))
);
ALTER SEQUENCE quay_internal.gc_review_id_seq OWNED BY quay_internal.gc_review.id;
CREATE INDEX gc_review_kind_due_ms_id ON quay_internal.gc_review (kind, due_ms, id);

-- Blobs that nothing refers to, on the way out: from due_ms on gc_storage_take() hands them to a client that deletes their bytes, under a
-- lease that ends at the due_ms which it sets. No foreign key: the reference application deletes blobs without knowing of this table.
CREATE TABLE quay_internal.blob_deletion (
    blob_id    bigint NOT NULL,
    due_ms     bigint NOT NULL,
    lease      uuid,
    attempts   integer NOT NULL DEFAULT 0,
    last_error text,
    CONSTRAINT pk_blob_deletion PRIMARY KEY (blob_id)
);
CREATE INDEX blob_deletion_due_ms ON quay_internal.blob_deletion (due_ms);
CREATE INDEX blob_deletion_lease ON quay_internal.blob_deletion (lease) WHERE lease IS NOT NULL;
