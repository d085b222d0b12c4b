-- The enumerations: small tables of names that other tables point to.

CREATE SEQUENCE quay.accesstokenkind_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.accesstokenkind (
    id   bigint NOT NULL DEFAULT nextval('quay.accesstokenkind_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_accesstokenkind PRIMARY KEY (id)
);
ALTER SEQUENCE quay.accesstokenkind_id_seq OWNED BY quay.accesstokenkind.id;
CREATE UNIQUE INDEX accesstokenkind_name ON quay.accesstokenkind (name);

CREATE SEQUENCE quay.buildtriggerservice_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.buildtriggerservice (
    id   bigint NOT NULL DEFAULT nextval('quay.buildtriggerservice_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_buildtriggerservice PRIMARY KEY (id)
);
ALTER SEQUENCE quay.buildtriggerservice_id_seq OWNED BY quay.buildtriggerservice.id;
CREATE UNIQUE INDEX buildtriggerservice_name ON quay.buildtriggerservice (name);

CREATE SEQUENCE quay.disablereason_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.disablereason (
    id   bigint NOT NULL DEFAULT nextval('quay.disablereason_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_disablereason PRIMARY KEY (id)
);
ALTER SEQUENCE quay.disablereason_id_seq OWNED BY quay.disablereason.id;
CREATE UNIQUE INDEX disablereason_name ON quay.disablereason (name);

CREATE SEQUENCE quay.externalnotificationevent_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.externalnotificationevent (
    id   bigint NOT NULL DEFAULT nextval('quay.externalnotificationevent_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_externalnotificationevent PRIMARY KEY (id)
);
ALTER SEQUENCE quay.externalnotificationevent_id_seq OWNED BY quay.externalnotificationevent.id;
CREATE UNIQUE INDEX externalnotificationevent_name ON quay.externalnotificationevent (name);

CREATE SEQUENCE quay.externalnotificationmethod_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.externalnotificationmethod (
    id   bigint NOT NULL DEFAULT nextval('quay.externalnotificationmethod_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_externalnotificationmethod PRIMARY KEY (id)
);
ALTER SEQUENCE quay.externalnotificationmethod_id_seq OWNED BY quay.externalnotificationmethod.id;
CREATE UNIQUE INDEX externalnotificationmethod_name ON quay.externalnotificationmethod (name);

CREATE SEQUENCE quay.imagestoragelocation_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.imagestoragelocation (
    id   bigint NOT NULL DEFAULT nextval('quay.imagestoragelocation_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_imagestoragelocation PRIMARY KEY (id)
);
ALTER SEQUENCE quay.imagestoragelocation_id_seq OWNED BY quay.imagestoragelocation.id;
CREATE UNIQUE INDEX imagestoragelocation_name ON quay.imagestoragelocation (name);

CREATE SEQUENCE quay.imagestoragesignaturekind_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.imagestoragesignaturekind (
    id   bigint NOT NULL DEFAULT nextval('quay.imagestoragesignaturekind_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_imagestoragesignaturekind PRIMARY KEY (id)
);
ALTER SEQUENCE quay.imagestoragesignaturekind_id_seq OWNED BY quay.imagestoragesignaturekind.id;
CREATE UNIQUE INDEX imagestoragesignaturekind_name ON quay.imagestoragesignaturekind (name);

CREATE SEQUENCE quay.imagestoragetransformation_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.imagestoragetransformation (
    id   bigint NOT NULL DEFAULT nextval('quay.imagestoragetransformation_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_imagestoragetransformation PRIMARY KEY (id)
);
ALTER SEQUENCE quay.imagestoragetransformation_id_seq OWNED BY quay.imagestoragetransformation.id;
CREATE UNIQUE INDEX imagestoragetransformation_name ON quay.imagestoragetransformation (name);

CREATE SEQUENCE quay.labelsourcetype_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.labelsourcetype (
    id      bigint NOT NULL DEFAULT nextval('quay.labelsourcetype_id_seq'),
    name    varchar(255) COLLATE "C" NOT NULL,
    mutable boolean NOT NULL,
    CONSTRAINT pk_labelsourcetype PRIMARY KEY (id)
);
ALTER SEQUENCE quay.labelsourcetype_id_seq OWNED BY quay.labelsourcetype.id;
CREATE UNIQUE INDEX labelsourcetype_name ON quay.labelsourcetype (name);

CREATE SEQUENCE quay.logentrykind_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.logentrykind (
    id   bigint NOT NULL DEFAULT nextval('quay.logentrykind_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_logentrykind PRIMARY KEY (id)
);
ALTER SEQUENCE quay.logentrykind_id_seq OWNED BY quay.logentrykind.id;
CREATE UNIQUE INDEX logentrykind_name ON quay.logentrykind (name);

CREATE SEQUENCE quay.loginservice_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.loginservice (
    id   bigint NOT NULL DEFAULT nextval('quay.loginservice_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_loginservice PRIMARY KEY (id)
);
ALTER SEQUENCE quay.loginservice_id_seq OWNED BY quay.loginservice.id;
CREATE UNIQUE INDEX loginservice_name ON quay.loginservice (name);

CREATE SEQUENCE quay.mediatype_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.mediatype (
    id   bigint NOT NULL DEFAULT nextval('quay.mediatype_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_mediatype PRIMARY KEY (id)
);
ALTER SEQUENCE quay.mediatype_id_seq OWNED BY quay.mediatype.id;
CREATE UNIQUE INDEX mediatype_name ON quay.mediatype (name);

CREATE SEQUENCE quay.notificationkind_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.notificationkind (
    id   bigint NOT NULL DEFAULT nextval('quay.notificationkind_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_notificationkind PRIMARY KEY (id)
);
ALTER SEQUENCE quay.notificationkind_id_seq OWNED BY quay.notificationkind.id;
CREATE UNIQUE INDEX notificationkind_name ON quay.notificationkind (name);

CREATE SEQUENCE quay.quotatype_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.quotatype (
    id   bigint NOT NULL DEFAULT nextval('quay.quotatype_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_quotatype PRIMARY KEY (id)
);
ALTER SEQUENCE quay.quotatype_id_seq OWNED BY quay.quotatype.id;

CREATE SEQUENCE quay.repositorykind_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.repositorykind (
    id   bigint NOT NULL DEFAULT nextval('quay.repositorykind_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_repositorykind PRIMARY KEY (id)
);
ALTER SEQUENCE quay.repositorykind_id_seq OWNED BY quay.repositorykind.id;
CREATE UNIQUE INDEX repositorykind_name ON quay.repositorykind (name);

CREATE SEQUENCE quay.role_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.role (
    id   bigint NOT NULL DEFAULT nextval('quay.role_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_role PRIMARY KEY (id)
);
ALTER SEQUENCE quay.role_id_seq OWNED BY quay.role.id;
CREATE UNIQUE INDEX role_name ON quay.role (name);

CREATE SEQUENCE quay.tagkind_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.tagkind (
    id   bigint NOT NULL DEFAULT nextval('quay.tagkind_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_tagkind PRIMARY KEY (id)
);
ALTER SEQUENCE quay.tagkind_id_seq OWNED BY quay.tagkind.id;
CREATE UNIQUE INDEX tagkind_name ON quay.tagkind (name);

CREATE SEQUENCE quay.teamrole_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.teamrole (
    id   bigint NOT NULL DEFAULT nextval('quay.teamrole_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_teamrole PRIMARY KEY (id)
);
ALTER SEQUENCE quay.teamrole_id_seq OWNED BY quay.teamrole.id;
CREATE INDEX teamrole_name ON quay.teamrole (name);

CREATE SEQUENCE quay.userpromptkind_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.userpromptkind (
    id   bigint NOT NULL DEFAULT nextval('quay.userpromptkind_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_userpromptkind PRIMARY KEY (id)
);
ALTER SEQUENCE quay.userpromptkind_id_seq OWNED BY quay.userpromptkind.id;
CREATE INDEX userpromptkind_name ON quay.userpromptkind (name);

CREATE SEQUENCE quay.visibility_id_seq START 1001 MAXVALUE 9007199254740991;
CREATE TABLE quay.visibility (
    id   bigint NOT NULL DEFAULT nextval('quay.visibility_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_visibility PRIMARY KEY (id)
);
ALTER SEQUENCE quay.visibility_id_seq OWNED BY quay.visibility.id;
CREATE UNIQUE INDEX visibility_name ON quay.visibility (name);
