-- Manifests, what they refer to, and labels. Manifests and tags are deleted in masses, so what refers to them is RESTRICT: NO ACTION, which the
-- reference declares, looks twice at each row, first whether its id has come back.

CREATE SEQUENCE quay.manifest_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.manifest (
    id                       bigint NOT NULL DEFAULT nextval('quay.manifest_id_seq'),
    repository_id            bigint NOT NULL,
    digest                   varchar(255) COLLATE "C" NOT NULL,
    media_type_id            bigint NOT NULL,
    manifest_bytes           text NOT NULL,
    config_media_type        varchar(255) COLLATE "C",
    layers_compressed_size   bigint,
    subject                  varchar(255) COLLATE "C",
    subject_backfilled       boolean,
    artifact_type            varchar(255) COLLATE "C",
    artifact_type_backfilled boolean,
    CONSTRAINT pk_manifest PRIMARY KEY (id),
    CONSTRAINT fk_manifest_media_type_id_mediatype FOREIGN KEY (media_type_id) REFERENCES quay.mediatype (id),
    CONSTRAINT fk_manifest_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.manifest_id_seq OWNED BY quay.manifest.id;
CREATE INDEX manifest_artifact_type_backfilled ON quay.manifest (id) WHERE artifact_type_backfilled IS NOT TRUE;
CREATE INDEX manifest_digest ON quay.manifest (digest);
CREATE INDEX manifest_media_type_id ON quay.manifest (media_type_id);
CREATE INDEX manifest_repository_id_artifact_type ON quay.manifest (repository_id, artifact_type);
CREATE INDEX manifest_repository_id_config_media_type ON quay.manifest (repository_id, config_media_type);
CREATE UNIQUE INDEX manifest_repository_id_digest ON quay.manifest (repository_id, digest);
CREATE INDEX manifest_repository_id_media_type_id ON quay.manifest (repository_id, media_type_id);
CREATE INDEX manifest_repository_id_subject ON quay.manifest (repository_id, subject);
CREATE INDEX manifest_subject_backfilled ON quay.manifest (id) WHERE subject_backfilled IS NOT TRUE;
-- The reference has filled in the text of a whole descriptor where a digest belongs.
CREATE INDEX manifest_subject_malformed ON quay.manifest (id) WHERE subject LIKE '(%';

CREATE SEQUENCE quay.manifestblob_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.manifestblob (
    id            bigint NOT NULL DEFAULT nextval('quay.manifestblob_id_seq'),
    repository_id bigint NOT NULL,
    manifest_id   bigint NOT NULL,
    blob_id       bigint NOT NULL,
    CONSTRAINT pk_manifestblob PRIMARY KEY (id),
    CONSTRAINT fk_manifestblob_blob_id_imagestorage FOREIGN KEY (blob_id) REFERENCES quay.imagestorage (id),
    CONSTRAINT fk_manifestblob_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT,
    CONSTRAINT fk_manifestblob_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.manifestblob_id_seq OWNED BY quay.manifestblob.id;
CREATE INDEX manifestblob_blob_id ON quay.manifestblob (blob_id);
CREATE UNIQUE INDEX manifestblob_manifest_id_blob_id ON quay.manifestblob (manifest_id, blob_id);
CREATE INDEX manifestblob_repository_id_blob_id ON quay.manifestblob (repository_id, blob_id);

CREATE SEQUENCE quay.manifestchild_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.manifestchild (
    id                bigint NOT NULL DEFAULT nextval('quay.manifestchild_id_seq'),
    repository_id     bigint NOT NULL,
    manifest_id       bigint NOT NULL,
    child_manifest_id bigint NOT NULL,
    CONSTRAINT pk_manifestchild PRIMARY KEY (id),
    CONSTRAINT fk_manifestchild_child_manifest_id_manifest FOREIGN KEY (child_manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT,
    CONSTRAINT fk_manifestchild_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT,
    CONSTRAINT fk_manifestchild_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.manifestchild_id_seq OWNED BY quay.manifestchild.id;
CREATE INDEX manifestchild_child_manifest_id ON quay.manifestchild (child_manifest_id);
CREATE UNIQUE INDEX manifestchild_manifest_id_child_manifest_id ON quay.manifestchild (manifest_id, child_manifest_id);
CREATE INDEX manifestchild_repository_id_child_manifest_id ON quay.manifestchild (repository_id, child_manifest_id);
CREATE INDEX manifestchild_repository_id_manifest_id_child_manifest_id ON quay.manifestchild (repository_id, manifest_id, child_manifest_id);

-- Manifests that an index lists and the repository does not have: each goes to manifestchild when it arrives. No foreign key: the reference
-- application deletes manifests without knowing of this table, and a trigger follows.
CREATE TABLE quay_internal.missing_child (
    repository_id bigint NOT NULL,
    digest        varchar(255) COLLATE "C" NOT NULL,
    manifest_id   bigint NOT NULL,
    CONSTRAINT pk_missing_child PRIMARY KEY (repository_id, digest, manifest_id)
);
CREATE INDEX missing_child_manifest_id ON quay_internal.missing_child (manifest_id);

CREATE SEQUENCE quay.label_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.label (
    id             bigint NOT NULL DEFAULT nextval('quay.label_id_seq'),
    uuid           varchar(255) COLLATE "C" NOT NULL,
    key            varchar(255) COLLATE "C" NOT NULL,
    value          text NOT NULL,
    media_type_id  bigint NOT NULL,
    source_type_id bigint NOT NULL,
    CONSTRAINT pk_label PRIMARY KEY (id),
    CONSTRAINT fk_label_media_type_id_mediatype FOREIGN KEY (media_type_id) REFERENCES quay.mediatype (id),
    CONSTRAINT fk_label_source_type_id_labelsourcetype FOREIGN KEY (source_type_id) REFERENCES quay.labelsourcetype (id)
);
ALTER SEQUENCE quay.label_id_seq OWNED BY quay.label.id;
CREATE INDEX label_key ON quay.label (key);
CREATE INDEX label_media_type_id ON quay.label (media_type_id);
CREATE INDEX label_source_type_id ON quay.label (source_type_id);
CREATE UNIQUE INDEX label_uuid ON quay.label (uuid);

CREATE SEQUENCE quay.manifestlabel_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.manifestlabel (
    id            bigint NOT NULL DEFAULT nextval('quay.manifestlabel_id_seq'),
    repository_id bigint NOT NULL,
    manifest_id   bigint NOT NULL,
    label_id      bigint NOT NULL,
    CONSTRAINT pk_manifestlabel PRIMARY KEY (id),
    CONSTRAINT fk_manifestlabel_label_id_label FOREIGN KEY (label_id) REFERENCES quay.label (id),
    CONSTRAINT fk_manifestlabel_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT,
    CONSTRAINT fk_manifestlabel_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.manifestlabel_id_seq OWNED BY quay.manifestlabel.id;
CREATE INDEX manifestlabel_label_id ON quay.manifestlabel (label_id);
CREATE UNIQUE INDEX manifestlabel_manifest_id_label_id ON quay.manifestlabel (manifest_id, label_id);
CREATE INDEX manifestlabel_repository_id ON quay.manifestlabel (repository_id);

CREATE SEQUENCE quay.manifestsecuritystatus_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.manifestsecuritystatus (
    id              bigint NOT NULL DEFAULT nextval('quay.manifestsecuritystatus_id_seq'),
    manifest_id     bigint NOT NULL,
    repository_id   bigint NOT NULL,
    index_status    integer NOT NULL,
    error_json      text NOT NULL,
    last_indexed    timestamp NOT NULL,
    indexer_hash    varchar(128) COLLATE "C" NOT NULL,
    indexer_version integer NOT NULL,
    metadata_json   text NOT NULL,
    CONSTRAINT pk_manifestsecuritystatus PRIMARY KEY (id),
    CONSTRAINT fk_manifestsecuritystatus_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id) ON DELETE RESTRICT,
    CONSTRAINT fk_manifestsecuritystatus_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.manifestsecuritystatus_id_seq OWNED BY quay.manifestsecuritystatus.id;
CREATE INDEX manifestsecuritystatus_index_status ON quay.manifestsecuritystatus (index_status);
CREATE INDEX manifestsecuritystatus_indexer_hash ON quay.manifestsecuritystatus (indexer_hash);
CREATE INDEX manifestsecuritystatus_indexer_version ON quay.manifestsecuritystatus (indexer_version);
CREATE INDEX manifestsecuritystatus_last_indexed ON quay.manifestsecuritystatus (last_indexed);
CREATE UNIQUE INDEX manifestsecuritystatus_manifest_id ON quay.manifestsecuritystatus (manifest_id);
CREATE INDEX manifestsecuritystatus_repository_id ON quay.manifestsecuritystatus (repository_id);
-- The queue of the scanner, and what it has scanned in which of its states: see api/286_scan.sql.
CREATE INDEX manifestsecuritystatus_index_status_last_indexed ON quay.manifestsecuritystatus (index_status, last_indexed) WHERE index_status IN (-1, 0, 1);
CREATE INDEX manifestsecuritystatus_index_status_indexer_hash ON quay.manifestsecuritystatus (index_status, indexer_hash, last_indexed) WHERE index_status IN (-4, 2);

CREATE SEQUENCE quay.manifestpullstatistics_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.manifestpullstatistics (
    id                      bigint NOT NULL DEFAULT nextval('quay.manifestpullstatistics_id_seq'),
    repository_id           bigint NOT NULL,
    manifest_digest         varchar(255) COLLATE "C" NOT NULL,
    manifest_pull_count     bigint NOT NULL,
    last_manifest_pull_date timestamp NOT NULL,
    CONSTRAINT pk_manifestpullstatistics PRIMARY KEY (id),
    CONSTRAINT fk_manifestpullstatistics_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.manifestpullstatistics_id_seq OWNED BY quay.manifestpullstatistics.id;
CREATE UNIQUE INDEX manifestpullstatistics_repository_id_manifest_digest ON quay.manifestpullstatistics (repository_id, manifest_digest);
