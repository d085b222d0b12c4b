-- The retired application registry: kept so that the reference application finds its tables.

CREATE SEQUENCE quay.apprtagkind_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.apprtagkind (
    id   bigint NOT NULL DEFAULT nextval('quay.apprtagkind_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_apprtagkind PRIMARY KEY (id)
);
ALTER SEQUENCE quay.apprtagkind_id_seq OWNED BY quay.apprtagkind.id;
CREATE UNIQUE INDEX apprtagkind_name ON quay.apprtagkind (name);

CREATE SEQUENCE quay.apprblobplacementlocation_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.apprblobplacementlocation (
    id   bigint NOT NULL DEFAULT nextval('quay.apprblobplacementlocation_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_apprblobplacementlocation PRIMARY KEY (id)
);
ALTER SEQUENCE quay.apprblobplacementlocation_id_seq OWNED BY quay.apprblobplacementlocation.id;
CREATE UNIQUE INDEX apprblobplacementlocation_name ON quay.apprblobplacementlocation (name);

CREATE SEQUENCE quay.apprblob_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.apprblob (
    id                bigint NOT NULL DEFAULT nextval('quay.apprblob_id_seq'),
    digest            varchar(255) COLLATE "C" NOT NULL,
    media_type_id     bigint NOT NULL,
    size              bigint NOT NULL,
    uncompressed_size bigint,
    CONSTRAINT pk_apprblob PRIMARY KEY (id),
    CONSTRAINT fk_apprblob_media_type_id_mediatype FOREIGN KEY (media_type_id) REFERENCES quay.mediatype (id)
);
ALTER SEQUENCE quay.apprblob_id_seq OWNED BY quay.apprblob.id;
CREATE UNIQUE INDEX apprblob_digest ON quay.apprblob (digest);
CREATE INDEX apprblob_media_type_id ON quay.apprblob (media_type_id);

CREATE SEQUENCE quay.apprblobplacement_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.apprblobplacement (
    id          bigint NOT NULL DEFAULT nextval('quay.apprblobplacement_id_seq'),
    blob_id     bigint NOT NULL,
    location_id bigint NOT NULL,
    CONSTRAINT pk_apprblobplacement PRIMARY KEY (id),
    CONSTRAINT fk_apprblobplacement_blob_id_apprblob FOREIGN KEY (blob_id) REFERENCES quay.apprblob (id),
    CONSTRAINT fk_apprblobplacement_location_id_apprblobplacementlocation FOREIGN KEY (location_id) REFERENCES quay.apprblobplacementlocation (id)
);
ALTER SEQUENCE quay.apprblobplacement_id_seq OWNED BY quay.apprblobplacement.id;
CREATE UNIQUE INDEX apprblobplacement_blob_id_location_id ON quay.apprblobplacement (blob_id, location_id);
CREATE INDEX apprblobplacement_location_id ON quay.apprblobplacement (location_id);

CREATE SEQUENCE quay.apprmanifest_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.apprmanifest (
    id            bigint NOT NULL DEFAULT nextval('quay.apprmanifest_id_seq'),
    digest        varchar(255) COLLATE "C" NOT NULL,
    media_type_id bigint NOT NULL,
    manifest_json text NOT NULL,
    CONSTRAINT pk_apprmanifest PRIMARY KEY (id),
    CONSTRAINT fk_apprmanifest_media_type_id_mediatype FOREIGN KEY (media_type_id) REFERENCES quay.mediatype (id)
);
ALTER SEQUENCE quay.apprmanifest_id_seq OWNED BY quay.apprmanifest.id;
CREATE UNIQUE INDEX apprmanifest_digest ON quay.apprmanifest (digest);
CREATE INDEX apprmanifest_media_type_id ON quay.apprmanifest (media_type_id);

CREATE SEQUENCE quay.apprmanifestblob_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.apprmanifestblob (
    id          bigint NOT NULL DEFAULT nextval('quay.apprmanifestblob_id_seq'),
    manifest_id bigint NOT NULL,
    blob_id     bigint NOT NULL,
    CONSTRAINT pk_apprmanifestblob PRIMARY KEY (id),
    CONSTRAINT fk_apprmanifestblob_blob_id_apprblob FOREIGN KEY (blob_id) REFERENCES quay.apprblob (id),
    CONSTRAINT fk_apprmanifestblob_manifest_id_apprmanifest FOREIGN KEY (manifest_id) REFERENCES quay.apprmanifest (id)
);
ALTER SEQUENCE quay.apprmanifestblob_id_seq OWNED BY quay.apprmanifestblob.id;
CREATE INDEX apprmanifestblob_blob_id ON quay.apprmanifestblob (blob_id);
CREATE UNIQUE INDEX apprmanifestblob_manifest_id_blob_id ON quay.apprmanifestblob (manifest_id, blob_id);

CREATE SEQUENCE quay.apprmanifestlist_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.apprmanifestlist (
    id                 bigint NOT NULL DEFAULT nextval('quay.apprmanifestlist_id_seq'),
    digest             varchar(255) COLLATE "C" NOT NULL,
    manifest_list_json text NOT NULL,
    schema_version     varchar(255) COLLATE "C" NOT NULL,
    media_type_id      bigint NOT NULL,
    CONSTRAINT pk_apprmanifestlist PRIMARY KEY (id),
    CONSTRAINT fk_apprmanifestlist_media_type_id_mediatype FOREIGN KEY (media_type_id) REFERENCES quay.mediatype (id)
);
ALTER SEQUENCE quay.apprmanifestlist_id_seq OWNED BY quay.apprmanifestlist.id;
CREATE UNIQUE INDEX apprmanifestlist_digest ON quay.apprmanifestlist (digest);
CREATE INDEX apprmanifestlist_media_type_id ON quay.apprmanifestlist (media_type_id);

CREATE SEQUENCE quay.apprmanifestlistmanifest_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.apprmanifestlistmanifest (
    id               bigint NOT NULL DEFAULT nextval('quay.apprmanifestlistmanifest_id_seq'),
    manifest_list_id bigint NOT NULL,
    manifest_id      bigint NOT NULL,
    operating_system varchar(255) COLLATE "C",
    architecture     varchar(255) COLLATE "C",
    platform_json    text,
    media_type_id    bigint NOT NULL,
    CONSTRAINT pk_apprmanifestlistmanifest PRIMARY KEY (id),
    CONSTRAINT fk_apprmanifestlistmanifest_manifest_id_apprmanifest FOREIGN KEY (manifest_id) REFERENCES quay.apprmanifest (id),
    CONSTRAINT fk_apprmanifestlistmanifest_manifest_list_id_apprmanifestlist FOREIGN KEY (manifest_list_id) REFERENCES quay.apprmanifestlist (id),
    CONSTRAINT fk_apprmanifestlistmanifest_media_type_id_mediatype FOREIGN KEY (media_type_id) REFERENCES quay.mediatype (id)
);
ALTER SEQUENCE quay.apprmanifestlistmanifest_id_seq OWNED BY quay.apprmanifestlistmanifest.id;
CREATE INDEX apprmanifestlistmanifest_manifest_id ON quay.apprmanifestlistmanifest (manifest_id);
CREATE INDEX apprmanifestlistmanifest_manifest_list_id_media_type_id ON quay.apprmanifestlistmanifest (manifest_list_id, media_type_id);
CREATE INDEX apprmanifestlistmanifest_manifest_list_id_operating_system_arch ON quay.apprmanifestlistmanifest (manifest_list_id, operating_system, architecture, media_type_id);
CREATE INDEX apprmanifestlistmanifest_media_type_id ON quay.apprmanifestlistmanifest (media_type_id);

CREATE SEQUENCE quay.apprtag_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.apprtag (
    id               bigint NOT NULL DEFAULT nextval('quay.apprtag_id_seq'),
    name             varchar(255) COLLATE "C" NOT NULL,
    repository_id    bigint NOT NULL,
    manifest_list_id bigint,
    lifetime_start   bigint NOT NULL,
    lifetime_end     bigint,
    hidden           boolean NOT NULL,
    reverted         boolean NOT NULL,
    protected        boolean NOT NULL,
    tag_kind_id      bigint NOT NULL,
    linked_tag_id    bigint,
    CONSTRAINT pk_apprtag PRIMARY KEY (id),
    CONSTRAINT fk_apprtag_linked_tag_id_apprtag FOREIGN KEY (linked_tag_id) REFERENCES quay.apprtag (id),
    CONSTRAINT fk_apprtag_manifest_list_id_apprmanifestlist FOREIGN KEY (manifest_list_id) REFERENCES quay.apprmanifestlist (id),
    CONSTRAINT fk_apprtag_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_apprtag_tag_kind_id_apprtagkind FOREIGN KEY (tag_kind_id) REFERENCES quay.apprtagkind (id)
);
ALTER SEQUENCE quay.apprtag_id_seq OWNED BY quay.apprtag.id;
CREATE INDEX apprtag_lifetime_end ON quay.apprtag (lifetime_end);
CREATE INDEX apprtag_linked_tag_id ON quay.apprtag (linked_tag_id);
CREATE INDEX apprtag_manifest_list_id ON quay.apprtag (manifest_list_id);
CREATE INDEX apprtag_repository_id_name_hidden ON quay.apprtag (repository_id, name, hidden);
CREATE UNIQUE INDEX apprtag_repository_id_name_lifetime_end ON quay.apprtag (repository_id, name, lifetime_end);
CREATE INDEX apprtag_tag_kind_id ON quay.apprtag (tag_kind_id);
