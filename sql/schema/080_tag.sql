-- Tags: each row is one period in which a name pointed to a manifest.

CREATE SEQUENCE quay.tag_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.tag (
    id                bigint NOT NULL DEFAULT nextval('quay.tag_id_seq'),
    name              varchar(255) COLLATE "C" NOT NULL,
    repository_id     bigint NOT NULL,
    manifest_id       bigint,
    lifetime_start_ms bigint NOT NULL,
    lifetime_end_ms   bigint,
    hidden            boolean NOT NULL DEFAULT false,
    reversion         boolean NOT NULL DEFAULT false,
    tag_kind_id       bigint NOT NULL,
    linked_tag_id     bigint,
    immutable         boolean NOT NULL DEFAULT false,
    ended             boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_tag PRIMARY KEY (id),
    CONSTRAINT fk_tag_linked_tag_id_tag FOREIGN KEY (linked_tag_id) REFERENCES quay.tag (id) ON DELETE RESTRICT,
    CONSTRAINT fk_tag_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT,
    CONSTRAINT fk_tag_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_tag_tag_kind_id_tagkind FOREIGN KEY (tag_kind_id) REFERENCES quay.tagkind (id)
);
ALTER SEQUENCE quay.tag_id_seq OWNED BY quay.tag.id;
CREATE INDEX tag_lifetime_end_ms ON quay.tag (lifetime_end_ms);
CREATE INDEX tag_linked_tag_id ON quay.tag (linked_tag_id);
CREATE INDEX tag_manifest_id_lifetime_end_ms ON quay.tag (manifest_id, lifetime_end_ms);
CREATE INDEX tag_repository_id_immutable ON quay.tag (repository_id, name) WHERE immutable;
CREATE INDEX tag_repository_id_lifetime_end_ms ON quay.tag (repository_id, lifetime_end_ms);
-- Of the rows with an end only those that are not known to be over: they are few, whatever the history behind them. A row that is not
-- marked as ended and has ended all the same is one too many here, and no more.
CREATE INDEX tag_repository_id_lifetime_end_ms_ending ON quay.tag (repository_id, lifetime_end_ms)
    WHERE lifetime_end_ms IS NOT NULL AND NOT ended AND NOT hidden;
CREATE INDEX tag_repository_id_name_ending ON quay.tag (repository_id, name, lifetime_end_ms DESC)
    WHERE lifetime_end_ms IS NOT NULL AND NOT ended AND NOT hidden;
CREATE INDEX tag_repository_id_lifetime_start_ms ON quay.tag (repository_id, lifetime_start_ms);
-- At most one live visible tag per name: what the reference left open, since NULLs are distinct in the next index.
CREATE UNIQUE INDEX tag_repository_id_name_live ON quay.tag (repository_id, name) WHERE lifetime_end_ms IS NULL AND NOT hidden;
CREATE UNIQUE INDEX tag_repository_id_name_lifetime_end_ms ON quay.tag (repository_id, name, lifetime_end_ms);
CREATE INDEX tag_tag_kind_id ON quay.tag (tag_kind_id);

CREATE SEQUENCE quay.tagpullstatistics_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.tagpullstatistics (
    id                      bigint NOT NULL DEFAULT nextval('quay.tagpullstatistics_id_seq'),
    repository_id           bigint NOT NULL,
    tag_name                varchar(255) COLLATE "C" NOT NULL,
    tag_pull_count          bigint NOT NULL,
    last_tag_pull_date      timestamp NOT NULL,
    current_manifest_digest varchar(255) COLLATE "C",
    CONSTRAINT pk_tagpullstatistics PRIMARY KEY (id),
    CONSTRAINT fk_tagpullstatistics_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.tagpullstatistics_id_seq OWNED BY quay.tagpullstatistics.id;
CREATE UNIQUE INDEX tagpullstatistics_repository_id_tag_name ON quay.tagpullstatistics (repository_id, tag_name);
