-- Blobs, where their bytes are, and uploads on the way to become blobs.

CREATE SEQUENCE quay.imagestorage_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.imagestorage (
    id                bigint NOT NULL DEFAULT nextval('quay.imagestorage_id_seq'),
    uuid              varchar(255) COLLATE "C" NOT NULL,
    image_size        bigint,
    uncompressed_size bigint,
    uploading         boolean,
    cas_path          boolean NOT NULL DEFAULT false,
    content_checksum  varchar(255) COLLATE "C",
    CONSTRAINT pk_imagestorage PRIMARY KEY (id)
);
ALTER SEQUENCE quay.imagestorage_id_seq OWNED BY quay.imagestorage.id;
-- One row per digest; the reference leaves duplicates possible.
CREATE UNIQUE INDEX imagestorage_content_checksum ON quay.imagestorage (content_checksum);
CREATE UNIQUE INDEX imagestorage_uuid ON quay.imagestorage (uuid);

CREATE SEQUENCE quay.imagestorageplacement_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.imagestorageplacement (
    id          bigint NOT NULL DEFAULT nextval('quay.imagestorageplacement_id_seq'),
    storage_id  bigint NOT NULL,
    location_id bigint NOT NULL,
    CONSTRAINT pk_imagestorageplacement PRIMARY KEY (id),
    CONSTRAINT fk_imagestorageplacement_location_id_imagestoragelocation FOREIGN KEY (location_id) REFERENCES quay.imagestoragelocation (id),
    CONSTRAINT fk_imagestorageplacement_storage_id_imagestorage FOREIGN KEY (storage_id) REFERENCES quay.imagestorage (id)
);
ALTER SEQUENCE quay.imagestorageplacement_id_seq OWNED BY quay.imagestorageplacement.id;
CREATE INDEX imagestorageplacement_location_id ON quay.imagestorageplacement (location_id);
CREATE UNIQUE INDEX imagestorageplacement_storage_id_location_id ON quay.imagestorageplacement (storage_id, location_id);

CREATE SEQUENCE quay.imagestoragesignature_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.imagestoragesignature (
    id         bigint NOT NULL DEFAULT nextval('quay.imagestoragesignature_id_seq'),
    storage_id bigint NOT NULL,
    kind_id    bigint NOT NULL,
    signature  text,
    uploading  boolean,
    CONSTRAINT pk_imagestoragesignature PRIMARY KEY (id),
    CONSTRAINT fk_imagestoragesignature_kind_id_imagestoragesignaturekind FOREIGN KEY (kind_id) REFERENCES quay.imagestoragesignaturekind (id),
    CONSTRAINT fk_imagestoragesignature_storage_id_imagestorage FOREIGN KEY (storage_id) REFERENCES quay.imagestorage (id)
);
ALTER SEQUENCE quay.imagestoragesignature_id_seq OWNED BY quay.imagestoragesignature.id;
CREATE UNIQUE INDEX imagestoragesignature_kind_id_storage_id ON quay.imagestoragesignature (kind_id, storage_id);
CREATE INDEX imagestoragesignature_storage_id ON quay.imagestoragesignature (storage_id);

CREATE SEQUENCE quay.blobupload_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.blobupload (
    id                      bigint NOT NULL DEFAULT nextval('quay.blobupload_id_seq'),
    repository_id           bigint NOT NULL,
    uuid                    varchar(255) COLLATE "C" NOT NULL,
    byte_count              bigint NOT NULL,
    sha_state               text,
    location_id             bigint NOT NULL,
    storage_metadata        text,
    chunk_count             integer NOT NULL DEFAULT 0,
    uncompressed_byte_count bigint,
    created                 timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    piece_sha_state         text,
    piece_hashes            text,
    reserved_bytes          bigint NOT NULL DEFAULT 0,
    CONSTRAINT pk_blobupload PRIMARY KEY (id),
    CONSTRAINT fk_blobupload_location_id_imagestoragelocation FOREIGN KEY (location_id) REFERENCES quay.imagestoragelocation (id),
    CONSTRAINT fk_blobupload_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.blobupload_id_seq OWNED BY quay.blobupload.id;
CREATE INDEX blobupload_created ON quay.blobupload (created);
CREATE INDEX blobupload_location_id ON quay.blobupload (location_id);
CREATE UNIQUE INDEX blobupload_repository_id_uuid ON quay.blobupload (repository_id, uuid);
CREATE UNIQUE INDEX blobupload_uuid ON quay.blobupload (uuid);

CREATE SEQUENCE quay.uploadedblob_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.uploadedblob (
    id            bigint NOT NULL DEFAULT nextval('quay.uploadedblob_id_seq'),
    repository_id bigint NOT NULL,
    blob_id       bigint NOT NULL,
    uploaded_at   timestamp NOT NULL,
    expires_at    timestamp NOT NULL,
    CONSTRAINT pk_uploadedblob PRIMARY KEY (id),
    CONSTRAINT fk_uploadedblob_blob_id_imagestorage FOREIGN KEY (blob_id) REFERENCES quay.imagestorage (id),
    CONSTRAINT fk_uploadedblob_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.uploadedblob_id_seq OWNED BY quay.uploadedblob.id;
CREATE INDEX uploadedblob_blob_id ON quay.uploadedblob (blob_id);
CREATE INDEX uploadedblob_expires_at ON quay.uploadedblob (expires_at);
CREATE INDEX uploadedblob_repository_id_blob_id ON quay.uploadedblob (repository_id, blob_id);

-- A model that the reference dropped: blobs computed from an image (squashed, converted). source_image_id is an id of the view
-- quay.image, so it has no foreign key.
CREATE SEQUENCE quay.derivedstorageforimage_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.derivedstorageforimage (
    id                bigint NOT NULL DEFAULT nextval('quay.derivedstorageforimage_id_seq'),
    source_image_id   bigint NOT NULL,
    derivative_id     bigint NOT NULL,
    transformation_id bigint NOT NULL,
    uniqueness_hash   varchar(255) COLLATE "C",
    CONSTRAINT pk_derivedstorageforimage PRIMARY KEY (id),
    CONSTRAINT fk_derivedstorageforimage_derivative_id_imagestorage FOREIGN KEY (derivative_id) REFERENCES quay.imagestorage (id),
    CONSTRAINT fk_derivedstorageforimage_transformation_id_imagestoragetrans FOREIGN KEY (transformation_id) REFERENCES quay.imagestoragetransformation (id)
);
ALTER SEQUENCE quay.derivedstorageforimage_id_seq OWNED BY quay.derivedstorageforimage.id;
CREATE INDEX derivedstorageforimage_derivative_id ON quay.derivedstorageforimage (derivative_id);
CREATE UNIQUE INDEX derivedstorageforimage_source_image_id_transformation_id ON quay.derivedstorageforimage (source_image_id, transformation_id, uniqueness_hash);
CREATE INDEX derivedstorageforimage_transformation_id ON quay.derivedstorageforimage (transformation_id);
