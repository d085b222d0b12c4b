\echo Use "CREATE EXTENSION quay" to load this file. \quit

-- Every name below is qualified; this pin makes sure of it.
SET LOCAL search_path TO pg_catalog, pg_temp;

-- @part once schema/000_schema.sql
-- What everything else stands on: the second schema and the record of the version that the rows belong to.

CREATE SCHEMA quay_internal;

-- Manifests are UTF-8 by the OCI specification and are kept byte by byte in text columns, which only this encoding can hold unchanged.
DO $encoding$
BEGIN
    IF current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'extension "quay" needs a database with encoding UTF8',
            DETAIL = format('The encoding of this database is %s.', current_setting('server_encoding')),
            HINT = 'Run CREATE DATABASE ... ENCODING ''UTF8'' TEMPLATE template0.';
    END IF;
END
$encoding$;

-- pg_dump does not record the version of an extension, so the rows say it: this table is dumped, and the trigger that stands in
-- api/010_core.sql folds the row of a restored dump into the row that the install script wrote. Two rows mean rows of one version
-- in the schema of another, which every entry point refuses (src/version.c).
CREATE TABLE quay_internal.schema_version (
    version      text COLLATE "C" NOT NULL,
    installed_at timestamp NOT NULL DEFAULT (now() AT TIME ZONE 'UTC'),
    CONSTRAINT pk_schema_version PRIMARY KEY (version)
);

-- Always empty: a change of a user or repository that sessions may remember invalidates this table, and they forget (src/entity.c).
CREATE TABLE quay_internal.entity_change ();

-- The revision of the reference's own migrations whose tables these are; its application reads it at start-up.
CREATE TABLE quay.alembic_version (
    version_num varchar(32) COLLATE "C" NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

-- @part once schema/010_enumeration.sql
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

-- @part once schema/020_account.sql
-- Namespaces and identities: people, organizations and robots are rows of one table.

CREATE SEQUENCE quay.user_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay."user" (
    id                          bigint NOT NULL DEFAULT nextval('quay.user_id_seq'),
    uuid                        varchar(36) COLLATE "C",
    username                    varchar(255) COLLATE "C" NOT NULL,
    password_hash               varchar(255) COLLATE "C",
    email                       varchar(255) COLLATE "C" NOT NULL,
    verified                    boolean NOT NULL,
    stripe_id                   varchar(255) COLLATE "C",
    organization                boolean NOT NULL,
    robot                       boolean NOT NULL,
    invoice_email               boolean NOT NULL,
    invalid_login_attempts      integer NOT NULL DEFAULT 0,
    last_invalid_login          timestamp NOT NULL,
    removed_tag_expiration_s    bigint NOT NULL DEFAULT 1209600,
    enabled                     boolean NOT NULL DEFAULT true,
    invoice_email_address       varchar(255) COLLATE "C",
    company                     varchar(255) COLLATE "C",
    family_name                 varchar(255) COLLATE "C",
    given_name                  varchar(255) COLLATE "C",
    location                    varchar(255) COLLATE "C",
    maximum_queued_builds_count integer,
    creation_date               timestamp,
    last_accessed               timestamp,
    CONSTRAINT pk_user PRIMARY KEY (id),
    CONSTRAINT user_invalid_login_attempts CHECK (invalid_login_attempts >= 0)
);
ALTER SEQUENCE quay.user_id_seq OWNED BY quay."user".id;
-- catalog() walks the namespaces in the byte order of "namespace/repository".
CREATE INDEX user_catalog ON quay."user" ((username || '/')) WHERE NOT robot AND enabled;
CREATE INDEX user_email_idx ON quay."user" (email);
CREATE UNIQUE INDEX user_email_unique_non_org ON quay."user" (email) WHERE (organization = false);
CREATE INDEX user_invoice_email_address ON quay."user" (invoice_email_address);
CREATE INDEX user_last_accessed ON quay."user" (last_accessed);
CREATE INDEX user_organization ON quay."user" (organization);
CREATE INDEX user_robot ON quay."user" (robot);
CREATE INDEX user_stripe_id ON quay."user" (stripe_id);
CREATE UNIQUE INDEX user_username ON quay."user" (username);
CREATE INDEX user_uuid ON quay."user" (uuid);

CREATE SEQUENCE quay.federatedlogin_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.federatedlogin (
    id            bigint NOT NULL DEFAULT nextval('quay.federatedlogin_id_seq'),
    user_id       bigint NOT NULL,
    service_id    bigint NOT NULL,
    service_ident varchar(255) COLLATE "C" NOT NULL,
    metadata_json text NOT NULL,
    CONSTRAINT pk_federatedlogin PRIMARY KEY (id),
    CONSTRAINT fk_federatedlogin_service_id_loginservice FOREIGN KEY (service_id) REFERENCES quay.loginservice (id),
    CONSTRAINT fk_federatedlogin_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.federatedlogin_id_seq OWNED BY quay.federatedlogin.id;
CREATE UNIQUE INDEX federatedlogin_service_id_service_ident ON quay.federatedlogin (service_id, service_ident);
CREATE UNIQUE INDEX federatedlogin_service_id_user_id ON quay.federatedlogin (service_id, user_id);
CREATE INDEX federatedlogin_user_id ON quay.federatedlogin (user_id);

CREATE SEQUENCE quay.deletednamespace_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.deletednamespace (
    id                bigint NOT NULL DEFAULT nextval('quay.deletednamespace_id_seq'),
    namespace_id      bigint NOT NULL,
    marked            timestamp NOT NULL,
    original_username varchar(255) COLLATE "C" NOT NULL,
    original_email    varchar(255) COLLATE "C" NOT NULL,
    queue_id          varchar(255) COLLATE "C",
    CONSTRAINT pk_deletednamespace PRIMARY KEY (id),
    CONSTRAINT fk_deletednamespace_namespace_id_user FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.deletednamespace_id_seq OWNED BY quay.deletednamespace.id;
CREATE UNIQUE INDEX deletednamespace_namespace_id ON quay.deletednamespace (namespace_id);
CREATE INDEX deletednamespace_original_email ON quay.deletednamespace (original_email);
CREATE INDEX deletednamespace_original_username ON quay.deletednamespace (original_username);
CREATE INDEX deletednamespace_queue_id ON quay.deletednamespace (queue_id);

CREATE SEQUENCE quay.emailconfirmation_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.emailconfirmation (
    id                bigint NOT NULL DEFAULT nextval('quay.emailconfirmation_id_seq'),
    code              varchar(255) COLLATE "C" NOT NULL,
    user_id           bigint NOT NULL,
    pw_reset          boolean NOT NULL,
    new_email         varchar(255) COLLATE "C",
    email_confirm     boolean NOT NULL,
    created           timestamp NOT NULL,
    verification_code varchar(255) COLLATE "C",
    CONSTRAINT pk_emailconfirmation PRIMARY KEY (id),
    CONSTRAINT fk_emailconfirmation_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.emailconfirmation_id_seq OWNED BY quay.emailconfirmation.id;
CREATE UNIQUE INDEX emailconfirmation_code ON quay.emailconfirmation (code);
CREATE INDEX emailconfirmation_user_id ON quay.emailconfirmation (user_id);

CREATE SEQUENCE quay.userprompt_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.userprompt (
    id      bigint NOT NULL DEFAULT nextval('quay.userprompt_id_seq'),
    user_id bigint NOT NULL,
    kind_id bigint NOT NULL,
    CONSTRAINT pk_userprompt PRIMARY KEY (id),
    CONSTRAINT fk_userprompt_kind_id_userpromptkind FOREIGN KEY (kind_id) REFERENCES quay.userpromptkind (id),
    CONSTRAINT fk_userprompt_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.userprompt_id_seq OWNED BY quay.userprompt.id;
CREATE INDEX userprompt_kind_id ON quay.userprompt (kind_id);
CREATE UNIQUE INDEX userprompt_user_id_kind_id ON quay.userprompt (user_id, kind_id);

CREATE SEQUENCE quay.userregion_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.userregion (
    id          bigint NOT NULL DEFAULT nextval('quay.userregion_id_seq'),
    user_id     bigint NOT NULL,
    location_id bigint NOT NULL,
    CONSTRAINT pk_userregion PRIMARY KEY (id),
    CONSTRAINT fk_userregion_location_id_imagestoragelocation FOREIGN KEY (location_id) REFERENCES quay.imagestoragelocation (id),
    CONSTRAINT fk_userregion_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.userregion_id_seq OWNED BY quay.userregion.id;
CREATE INDEX userregion_location_id ON quay.userregion (location_id);
CREATE INDEX userregion_user_id ON quay.userregion (user_id);

CREATE SEQUENCE quay.robotaccountmetadata_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.robotaccountmetadata (
    id                bigint NOT NULL DEFAULT nextval('quay.robotaccountmetadata_id_seq'),
    robot_account_id  bigint NOT NULL,
    description       varchar(255) COLLATE "C" NOT NULL,
    unstructured_json text NOT NULL,
    CONSTRAINT pk_robotaccountmetadata PRIMARY KEY (id),
    CONSTRAINT fk_robotaccountmetadata_robot_account_id_user FOREIGN KEY (robot_account_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.robotaccountmetadata_id_seq OWNED BY quay.robotaccountmetadata.id;
CREATE UNIQUE INDEX robotaccountmetadata_robot_account_id ON quay.robotaccountmetadata (robot_account_id);

CREATE SEQUENCE quay.robotaccounttoken_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.robotaccounttoken (
    id               bigint NOT NULL DEFAULT nextval('quay.robotaccounttoken_id_seq'),
    robot_account_id bigint NOT NULL,
    token            varchar(255) COLLATE "C" NOT NULL,
    fully_migrated   boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_robotaccounttoken PRIMARY KEY (id),
    CONSTRAINT fk_robotaccounttoken_robot_account_id_user FOREIGN KEY (robot_account_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.robotaccounttoken_id_seq OWNED BY quay.robotaccounttoken.id;
CREATE UNIQUE INDEX robotaccounttoken_robot_account_id ON quay.robotaccounttoken (robot_account_id);

CREATE SEQUENCE quay.organizationcontactemail_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.organizationcontactemail (
    id              bigint NOT NULL DEFAULT nextval('quay.organizationcontactemail_id_seq'),
    organization_id bigint NOT NULL,
    contact_email   varchar(255) COLLATE "C",
    CONSTRAINT pk_organizationcontactemail PRIMARY KEY (id),
    CONSTRAINT fk_organizationcontactemail_organization_id_user FOREIGN KEY (organization_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.organizationcontactemail_id_seq OWNED BY quay.organizationcontactemail.id;
CREATE INDEX organizationcontactemail_contact_email ON quay.organizationcontactemail (contact_email);
CREATE UNIQUE INDEX organizationcontactemail_organization_id ON quay.organizationcontactemail (organization_id);

CREATE SEQUENCE quay.redhatsubscriptions_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.redhatsubscriptions (
    id             bigint NOT NULL DEFAULT nextval('quay.redhatsubscriptions_id_seq'),
    user_id        bigint NOT NULL,
    account_number integer NOT NULL,
    CONSTRAINT pk_redhatsubscriptions PRIMARY KEY (id),
    CONSTRAINT fk_redhatsubscriptions FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.redhatsubscriptions_id_seq OWNED BY quay.redhatsubscriptions.id;
CREATE INDEX redhatsubscriptions_user_id ON quay.redhatsubscriptions (user_id);

CREATE SEQUENCE quay.organizationrhskus_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.organizationrhskus (
    id              bigint NOT NULL DEFAULT nextval('quay.organizationrhskus_id_seq'),
    subscription_id bigint NOT NULL,
    org_id          bigint NOT NULL,
    user_id         bigint NOT NULL,
    quantity        integer,
    CONSTRAINT pk_organizationrhskus PRIMARY KEY (id),
    CONSTRAINT fk_organizationrhskus_orgid FOREIGN KEY (org_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_organizationrhskus_userid FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.organizationrhskus_id_seq OWNED BY quay.organizationrhskus.id;
CREATE INDEX organizationrhskus_org_id ON quay.organizationrhskus (org_id);
CREATE UNIQUE INDEX organizationrhskus_subscription_id_org_id ON quay.organizationrhskus (subscription_id, org_id);
CREATE UNIQUE INDEX organizationrhskus_subscription_id_org_id_user_id ON quay.organizationrhskus (subscription_id, org_id, user_id);
CREATE INDEX organizationrhskus_user_id ON quay.organizationrhskus (user_id);

-- Who administers the registry: a setting of the reference (SUPER_USERS, GLOBAL_READONLY_SUPER_USERS), a table here, since it is a set.
-- A name, not an id: the list can be filled before its people exist.
CREATE TABLE quay.superuser (
    username varchar(255) COLLATE "C" NOT NULL,
    kind     varchar(16) COLLATE "C" NOT NULL DEFAULT 'superuser',
    CONSTRAINT pk_superuser PRIMARY KEY (username),
    CONSTRAINT superuser_kind_check CHECK (kind IN ('superuser', 'readonly'))
);

-- @part once schema/030_team.sql
-- Teams of organizations, their members, invitations and synchronization.

CREATE SEQUENCE quay.team_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.team (
    id              bigint NOT NULL DEFAULT nextval('quay.team_id_seq'),
    name            varchar(255) COLLATE "C" NOT NULL,
    organization_id bigint NOT NULL,
    role_id         bigint NOT NULL,
    description     text NOT NULL,
    CONSTRAINT pk_team PRIMARY KEY (id),
    CONSTRAINT fk_team_organization_id_user FOREIGN KEY (organization_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_team_role_id_teamrole FOREIGN KEY (role_id) REFERENCES quay.teamrole (id)
);
ALTER SEQUENCE quay.team_id_seq OWNED BY quay.team.id;
CREATE UNIQUE INDEX team_name_organization_id ON quay.team (name, organization_id);
CREATE INDEX team_organization_id ON quay.team (organization_id);
CREATE INDEX team_role_id ON quay.team (role_id);

CREATE SEQUENCE quay.teammember_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.teammember (
    id      bigint NOT NULL DEFAULT nextval('quay.teammember_id_seq'),
    user_id bigint NOT NULL,
    team_id bigint NOT NULL,
    CONSTRAINT pk_teammember PRIMARY KEY (id),
    CONSTRAINT fk_teammember_team_id_team FOREIGN KEY (team_id) REFERENCES quay.team (id),
    CONSTRAINT fk_teammember_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.teammember_id_seq OWNED BY quay.teammember.id;
CREATE INDEX teammember_team_id ON quay.teammember (team_id);
CREATE UNIQUE INDEX teammember_user_id_team_id ON quay.teammember (user_id, team_id);

CREATE SEQUENCE quay.teammemberinvite_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.teammemberinvite (
    id           bigint NOT NULL DEFAULT nextval('quay.teammemberinvite_id_seq'),
    user_id      bigint,
    email        varchar(255) COLLATE "C",
    team_id      bigint NOT NULL,
    inviter_id   bigint NOT NULL,
    invite_token varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_teammemberinvite PRIMARY KEY (id),
    CONSTRAINT teammemberinvite_one_invitee CHECK (num_nonnulls(user_id, email) = 1),
    CONSTRAINT fk_teammemberinvite_inviter_id_user FOREIGN KEY (inviter_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_teammemberinvite_team_id_team FOREIGN KEY (team_id) REFERENCES quay.team (id),
    CONSTRAINT fk_teammemberinvite_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.teammemberinvite_id_seq OWNED BY quay.teammemberinvite.id;
CREATE INDEX teammemberinvite_inviter_id ON quay.teammemberinvite (inviter_id);
CREATE INDEX teammemberinvite_team_id ON quay.teammemberinvite (team_id);
CREATE INDEX teammemberinvite_user_id ON quay.teammemberinvite (user_id);

CREATE SEQUENCE quay.teamsync_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.teamsync (
    id             bigint NOT NULL DEFAULT nextval('quay.teamsync_id_seq'),
    team_id        bigint NOT NULL,
    transaction_id varchar(255) COLLATE "C" NOT NULL,
    last_updated   timestamp,
    service_id     bigint NOT NULL,
    config         text NOT NULL,
    CONSTRAINT pk_teamsync PRIMARY KEY (id),
    CONSTRAINT fk_teamsync_service_id_loginservice FOREIGN KEY (service_id) REFERENCES quay.loginservice (id),
    CONSTRAINT fk_teamsync_team_id_team FOREIGN KEY (team_id) REFERENCES quay.team (id)
);
ALTER SEQUENCE quay.teamsync_id_seq OWNED BY quay.teamsync.id;
CREATE INDEX teamsync_last_updated ON quay.teamsync (last_updated);
CREATE INDEX teamsync_service_id ON quay.teamsync (service_id);
CREATE UNIQUE INDEX teamsync_team_id ON quay.teamsync (team_id);

-- @part once schema/040_repository.sql
-- Repositories, who may do what in them, and what the search needs.

CREATE SEQUENCE quay.repository_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repository (
    id                bigint NOT NULL DEFAULT nextval('quay.repository_id_seq'),
    namespace_user_id bigint,
    name              varchar(255) COLLATE "C" NOT NULL,
    visibility_id     bigint NOT NULL,
    description       text,
    badge_token       varchar(255) COLLATE "C" NOT NULL,
    kind_id           bigint NOT NULL DEFAULT 1,
    trust_enabled     boolean NOT NULL DEFAULT false,
    state             integer NOT NULL DEFAULT 0,
    CONSTRAINT pk_repository PRIMARY KEY (id),
    CONSTRAINT fk_repository_kind_id_repositorykind FOREIGN KEY (kind_id) REFERENCES quay.repositorykind (id),
    CONSTRAINT fk_repository_namespace_user_id_user FOREIGN KEY (namespace_user_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repository_visibility_id_visibility FOREIGN KEY (visibility_id) REFERENCES quay.visibility (id)
);
ALTER SEQUENCE quay.repository_id_seq OWNED BY quay.repository.id;
CREATE INDEX repository_kind_id ON quay.repository (kind_id);
CREATE UNIQUE INDEX repository_namespace_user_id_name ON quay.repository (namespace_user_id, name);
CREATE INDEX repository_state ON quay.repository (state);
CREATE INDEX repository_visibility_id ON quay.repository (visibility_id);

CREATE SEQUENCE quay.deletedrepository_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.deletedrepository (
    id            bigint NOT NULL DEFAULT nextval('quay.deletedrepository_id_seq'),
    repository_id bigint NOT NULL,
    marked        timestamp NOT NULL,
    original_name varchar(255) COLLATE "C" NOT NULL,
    queue_id      varchar(255) COLLATE "C",
    CONSTRAINT pk_deletedrepository PRIMARY KEY (id),
    CONSTRAINT fk_deletedrepository_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.deletedrepository_id_seq OWNED BY quay.deletedrepository.id;
CREATE INDEX deletedrepository_original_name ON quay.deletedrepository (original_name);
CREATE INDEX deletedrepository_queue_id ON quay.deletedrepository (queue_id);
CREATE UNIQUE INDEX deletedrepository_repository_id ON quay.deletedrepository (repository_id);

CREATE SEQUENCE quay.repositorypermission_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositorypermission (
    id            bigint NOT NULL DEFAULT nextval('quay.repositorypermission_id_seq'),
    team_id       bigint,
    user_id       bigint,
    repository_id bigint NOT NULL,
    role_id       bigint NOT NULL,
    CONSTRAINT pk_repositorypermission PRIMARY KEY (id),
    CONSTRAINT repositorypermission_one_grantee CHECK (num_nonnulls(team_id, user_id) = 1),
    CONSTRAINT fk_repositorypermission_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_repositorypermission_role_id_role FOREIGN KEY (role_id) REFERENCES quay.role (id),
    CONSTRAINT fk_repositorypermission_team_id_team FOREIGN KEY (team_id) REFERENCES quay.team (id),
    CONSTRAINT fk_repositorypermission_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.repositorypermission_id_seq OWNED BY quay.repositorypermission.id;
CREATE INDEX repositorypermission_repository_id ON quay.repositorypermission (repository_id);
CREATE INDEX repositorypermission_role_id ON quay.repositorypermission (role_id);
CREATE UNIQUE INDEX repositorypermission_team_id_repository_id ON quay.repositorypermission (team_id, repository_id);
CREATE UNIQUE INDEX repositorypermission_user_id_repository_id ON quay.repositorypermission (user_id, repository_id);

CREATE SEQUENCE quay.permissionprototype_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.permissionprototype (
    id                 bigint NOT NULL DEFAULT nextval('quay.permissionprototype_id_seq'),
    org_id             bigint NOT NULL,
    uuid               varchar(255) COLLATE "C" NOT NULL,
    activating_user_id bigint,
    delegate_user_id   bigint,
    delegate_team_id   bigint,
    role_id            bigint NOT NULL,
    CONSTRAINT pk_permissionprototype PRIMARY KEY (id),
    CONSTRAINT fk_permissionprototype_activating_user_id_user FOREIGN KEY (activating_user_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_permissionprototype_delegate_team_id_team FOREIGN KEY (delegate_team_id) REFERENCES quay.team (id),
    CONSTRAINT fk_permissionprototype_delegate_user_id_user FOREIGN KEY (delegate_user_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_permissionprototype_org_id_user FOREIGN KEY (org_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_permissionprototype_role_id_role FOREIGN KEY (role_id) REFERENCES quay.role (id)
);
ALTER SEQUENCE quay.permissionprototype_id_seq OWNED BY quay.permissionprototype.id;
CREATE INDEX permissionprototype_activating_user_id ON quay.permissionprototype (activating_user_id);
CREATE INDEX permissionprototype_delegate_team_id ON quay.permissionprototype (delegate_team_id);
CREATE INDEX permissionprototype_delegate_user_id ON quay.permissionprototype (delegate_user_id);
CREATE INDEX permissionprototype_org_id_activating_user_id ON quay.permissionprototype (org_id, activating_user_id);
CREATE INDEX permissionprototype_role_id ON quay.permissionprototype (role_id);
CREATE INDEX permissionprototype_uuid ON quay.permissionprototype (uuid);

CREATE SEQUENCE quay.star_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.star (
    id            bigint NOT NULL DEFAULT nextval('quay.star_id_seq'),
    user_id       bigint NOT NULL,
    repository_id bigint NOT NULL,
    created       timestamp NOT NULL,
    CONSTRAINT pk_star PRIMARY KEY (id),
    CONSTRAINT fk_star_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_star_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.star_id_seq OWNED BY quay.star.id;
CREATE INDEX star_repository_id ON quay.star (repository_id);
CREATE UNIQUE INDEX star_user_id_repository_id ON quay.star (user_id, repository_id);

CREATE SEQUENCE quay.repositoryauthorizedemail_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositoryauthorizedemail (
    id            bigint NOT NULL DEFAULT nextval('quay.repositoryauthorizedemail_id_seq'),
    repository_id bigint NOT NULL,
    email         varchar(255) COLLATE "C" NOT NULL,
    code          varchar(255) COLLATE "C" NOT NULL,
    confirmed     boolean NOT NULL,
    CONSTRAINT pk_repositoryauthorizedemail PRIMARY KEY (id),
    CONSTRAINT fk_repositoryauthorizedemail_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.repositoryauthorizedemail_id_seq OWNED BY quay.repositoryauthorizedemail.id;
CREATE UNIQUE INDEX repositoryauthorizedemail_code ON quay.repositoryauthorizedemail (code);
CREATE UNIQUE INDEX repositoryauthorizedemail_email_repository_id ON quay.repositoryauthorizedemail (email, repository_id);
CREATE INDEX repositoryauthorizedemail_repository_id ON quay.repositoryauthorizedemail (repository_id);

CREATE SEQUENCE quay.repositoryactioncount_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositoryactioncount (
    id            bigint NOT NULL DEFAULT nextval('quay.repositoryactioncount_id_seq'),
    repository_id bigint NOT NULL,
    count         integer NOT NULL,
    date          date NOT NULL,
    CONSTRAINT pk_repositoryactioncount PRIMARY KEY (id),
    CONSTRAINT fk_repositoryactioncount_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.repositoryactioncount_id_seq OWNED BY quay.repositoryactioncount.id;
CREATE INDEX repositoryactioncount_date ON quay.repositoryactioncount (date);
CREATE UNIQUE INDEX repositoryactioncount_repository_id_date ON quay.repositoryactioncount (repository_id, date);

CREATE SEQUENCE quay.repositorysearchscore_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositorysearchscore (
    id            bigint NOT NULL DEFAULT nextval('quay.repositorysearchscore_id_seq'),
    repository_id bigint NOT NULL,
    score         bigint NOT NULL,
    last_updated  timestamp,
    CONSTRAINT pk_repositorysearchscore PRIMARY KEY (id),
    CONSTRAINT fk_repositorysearchscore_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.repositorysearchscore_id_seq OWNED BY quay.repositorysearchscore.id;
CREATE UNIQUE INDEX repositorysearchscore_repository_id ON quay.repositorysearchscore (repository_id);
CREATE INDEX repositorysearchscore_score ON quay.repositorysearchscore (score);

-- @part once schema/050_credential.sql
-- Credentials other than passwords and robot tokens.

CREATE SEQUENCE quay.accesstoken_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.accesstoken (
    id            bigint NOT NULL DEFAULT nextval('quay.accesstoken_id_seq'),
    friendly_name varchar(255) COLLATE "C",
    repository_id bigint NOT NULL,
    created       timestamp NOT NULL,
    role_id       bigint NOT NULL,
    temporary     boolean NOT NULL,
    kind_id       bigint,
    token_code    varchar(255) COLLATE "C" NOT NULL,
    token_name    varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_accesstoken PRIMARY KEY (id),
    CONSTRAINT fk_accesstoken_kind_id_accesstokenkind FOREIGN KEY (kind_id) REFERENCES quay.accesstokenkind (id),
    CONSTRAINT fk_accesstoken_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_accesstoken_role_id_role FOREIGN KEY (role_id) REFERENCES quay.role (id)
);
ALTER SEQUENCE quay.accesstoken_id_seq OWNED BY quay.accesstoken.id;
CREATE INDEX accesstoken_kind_id ON quay.accesstoken (kind_id);
CREATE INDEX accesstoken_repository_id ON quay.accesstoken (repository_id);
CREATE INDEX accesstoken_role_id ON quay.accesstoken (role_id);
CREATE UNIQUE INDEX accesstoken_token_name ON quay.accesstoken (token_name);

CREATE SEQUENCE quay.oauthapplication_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.oauthapplication (
    id                   bigint NOT NULL DEFAULT nextval('quay.oauthapplication_id_seq'),
    client_id            varchar(255) COLLATE "C" NOT NULL,
    redirect_uri         varchar(255) COLLATE "C" NOT NULL,
    application_uri      varchar(255) COLLATE "C" NOT NULL,
    organization_id      bigint NOT NULL,
    name                 varchar(255) COLLATE "C" NOT NULL,
    description          text NOT NULL,
    gravatar_email       varchar(255) COLLATE "C",
    secure_client_secret varchar(255) COLLATE "C",
    fully_migrated       boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_oauthapplication PRIMARY KEY (id),
    CONSTRAINT fk_oauthapplication_organization_id_user FOREIGN KEY (organization_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.oauthapplication_id_seq OWNED BY quay.oauthapplication.id;
CREATE INDEX oauthapplication_client_id ON quay.oauthapplication (client_id);
CREATE INDEX oauthapplication_organization_id ON quay.oauthapplication (organization_id);

CREATE SEQUENCE quay.oauthauthorizationcode_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.oauthauthorizationcode (
    id              bigint NOT NULL DEFAULT nextval('quay.oauthauthorizationcode_id_seq'),
    application_id  bigint NOT NULL,
    scope           varchar(255) COLLATE "C" NOT NULL,
    data            text NOT NULL,
    code_credential varchar(255) COLLATE "C" NOT NULL,
    code_name       varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_oauthauthorizationcode PRIMARY KEY (id),
    CONSTRAINT fk_oauthauthorizationcode_application_id_oauthapplication FOREIGN KEY (application_id) REFERENCES quay.oauthapplication (id)
);
ALTER SEQUENCE quay.oauthauthorizationcode_id_seq OWNED BY quay.oauthauthorizationcode.id;
CREATE INDEX oauthauthorizationcode_application_id ON quay.oauthauthorizationcode (application_id);
CREATE UNIQUE INDEX oauthauthorizationcode_code_name ON quay.oauthauthorizationcode (code_name);

CREATE SEQUENCE quay.oauthaccesstoken_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.oauthaccesstoken (
    id                 bigint NOT NULL DEFAULT nextval('quay.oauthaccesstoken_id_seq'),
    uuid               varchar(255) COLLATE "C" NOT NULL,
    application_id     bigint NOT NULL,
    authorized_user_id bigint NOT NULL,
    scope              varchar(255) COLLATE "C" NOT NULL,
    token_type         varchar(255) COLLATE "C" NOT NULL,
    expires_at         timestamp NOT NULL,
    data               text NOT NULL,
    token_code         varchar(255) COLLATE "C" NOT NULL,
    token_name         varchar(255) COLLATE "C" NOT NULL,
    last_accessed      timestamp,
    created            timestamp,
    display_name       varchar(255) COLLATE "C",
    CONSTRAINT pk_oauthaccesstoken PRIMARY KEY (id),
    CONSTRAINT fk_oauthaccesstoken_application_id_oauthapplication FOREIGN KEY (application_id) REFERENCES quay.oauthapplication (id),
    CONSTRAINT fk_oauthaccesstoken_authorized_user_id_user FOREIGN KEY (authorized_user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.oauthaccesstoken_id_seq OWNED BY quay.oauthaccesstoken.id;
CREATE INDEX oauthaccesstoken_application_id_last_accessed ON quay.oauthaccesstoken (application_id, last_accessed);
CREATE INDEX oauthaccesstoken_authorized_user_id ON quay.oauthaccesstoken (authorized_user_id);
CREATE UNIQUE INDEX oauthaccesstoken_token_name ON quay.oauthaccesstoken (token_name);
CREATE INDEX oauthaccesstoken_uuid ON quay.oauthaccesstoken (uuid);

CREATE SEQUENCE quay.oauthassignedtoken_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.oauthassignedtoken (
    id               bigint NOT NULL DEFAULT nextval('quay.oauthassignedtoken_id_seq'),
    uuid             varchar(255) COLLATE "C" NOT NULL,
    assigned_user_id bigint NOT NULL,
    application_id   bigint NOT NULL,
    redirect_uri     varchar(255) COLLATE "C",
    scope            varchar(255) COLLATE "C" NOT NULL,
    response_type    varchar(255) COLLATE "C",
    CONSTRAINT pk_oauthassignedtoken PRIMARY KEY (id),
    CONSTRAINT fk_oauthassignedtoken_application_oauthapplication FOREIGN KEY (application_id) REFERENCES quay.oauthapplication (id),
    CONSTRAINT fk_oauthassignedtoken_assigned_user_user FOREIGN KEY (assigned_user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.oauthassignedtoken_id_seq OWNED BY quay.oauthassignedtoken.id;
CREATE INDEX oauthassignedtoken_application_id ON quay.oauthassignedtoken (application_id);
CREATE INDEX oauthassignedtoken_assigned_user ON quay.oauthassignedtoken (assigned_user_id);
CREATE UNIQUE INDEX oauthassignedtoken_uuid ON quay.oauthassignedtoken (uuid);

CREATE SEQUENCE quay.appspecificauthtoken_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.appspecificauthtoken (
    id            bigint NOT NULL DEFAULT nextval('quay.appspecificauthtoken_id_seq'),
    user_id       bigint NOT NULL,
    uuid          varchar(36) COLLATE "C" NOT NULL,
    title         varchar(255) COLLATE "C" NOT NULL,
    created       timestamp NOT NULL,
    expiration    timestamp,
    last_accessed timestamp,
    token_name    varchar(255) COLLATE "C" NOT NULL,
    token_secret  varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_appspecificauthtoken PRIMARY KEY (id),
    CONSTRAINT fk_appspecificauthtoken_user_id_user FOREIGN KEY (user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.appspecificauthtoken_id_seq OWNED BY quay.appspecificauthtoken.id;
CREATE UNIQUE INDEX appspecificauthtoken_token_name ON quay.appspecificauthtoken (token_name);
CREATE INDEX appspecificauthtoken_user_id_expiration ON quay.appspecificauthtoken (user_id, expiration);
CREATE INDEX appspecificauthtoken_uuid ON quay.appspecificauthtoken (uuid);

CREATE SEQUENCE quay.servicekeyapproval_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.servicekeyapproval (
    id            bigint NOT NULL DEFAULT nextval('quay.servicekeyapproval_id_seq'),
    approver_id   bigint,
    approval_type varchar(255) COLLATE "C" NOT NULL,
    approved_date timestamp NOT NULL,
    notes         text NOT NULL,
    CONSTRAINT pk_servicekeyapproval PRIMARY KEY (id)
);
ALTER SEQUENCE quay.servicekeyapproval_id_seq OWNED BY quay.servicekeyapproval.id;
CREATE INDEX servicekeyapproval_approval_type ON quay.servicekeyapproval (approval_type);
CREATE INDEX servicekeyapproval_approver_id ON quay.servicekeyapproval (approver_id);

CREATE SEQUENCE quay.servicekey_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.servicekey (
    id                bigint NOT NULL DEFAULT nextval('quay.servicekey_id_seq'),
    name              varchar(255) COLLATE "C" NOT NULL,
    kid               varchar(255) COLLATE "C" NOT NULL,
    service           varchar(255) COLLATE "C" NOT NULL,
    jwk               text NOT NULL,
    metadata          text NOT NULL,
    created_date      timestamp NOT NULL,
    expiration_date   timestamp,
    rotation_duration integer,
    approval_id       bigint,
    CONSTRAINT pk_servicekey PRIMARY KEY (id),
    CONSTRAINT fk_servicekey_approval_id_servicekeyapproval FOREIGN KEY (approval_id) REFERENCES quay.servicekeyapproval (id)
);
ALTER SEQUENCE quay.servicekey_id_seq OWNED BY quay.servicekey.id;
CREATE INDEX servicekey_approval_id ON quay.servicekey (approval_id);
CREATE UNIQUE INDEX servicekey_kid ON quay.servicekey (kid);
CREATE INDEX servicekey_service ON quay.servicekey (service);

-- @part once schema/060_blob.sql
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

-- @part once schema/070_manifest.sql
-- Manifests, what they refer to, and labels.

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

CREATE SEQUENCE quay.manifestblob_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.manifestblob (
    id            bigint NOT NULL DEFAULT nextval('quay.manifestblob_id_seq'),
    repository_id bigint NOT NULL,
    manifest_id   bigint NOT NULL,
    blob_id       bigint NOT NULL,
    CONSTRAINT pk_manifestblob PRIMARY KEY (id),
    CONSTRAINT fk_manifestblob_blob_id_imagestorage FOREIGN KEY (blob_id) REFERENCES quay.imagestorage (id),
    CONSTRAINT fk_manifestblob_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id),
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
    CONSTRAINT fk_manifestchild_child_manifest_id_manifest FOREIGN KEY (child_manifest_id) REFERENCES quay.manifest (id),
    CONSTRAINT fk_manifestchild_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id),
    CONSTRAINT fk_manifestchild_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.manifestchild_id_seq OWNED BY quay.manifestchild.id;
CREATE INDEX manifestchild_child_manifest_id ON quay.manifestchild (child_manifest_id);
CREATE UNIQUE INDEX manifestchild_manifest_id_child_manifest_id ON quay.manifestchild (manifest_id, child_manifest_id);
CREATE INDEX manifestchild_repository_id_child_manifest_id ON quay.manifestchild (repository_id, child_manifest_id);
CREATE INDEX manifestchild_repository_id_manifest_id_child_manifest_id ON quay.manifestchild (repository_id, manifest_id, child_manifest_id);

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
    CONSTRAINT fk_manifestlabel_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id),
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
    CONSTRAINT fk_manifestsecuritystatus_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id),
    CONSTRAINT fk_manifestsecuritystatus_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.manifestsecuritystatus_id_seq OWNED BY quay.manifestsecuritystatus.id;
CREATE INDEX manifestsecuritystatus_index_status ON quay.manifestsecuritystatus (index_status);
CREATE INDEX manifestsecuritystatus_indexer_hash ON quay.manifestsecuritystatus (indexer_hash);
CREATE INDEX manifestsecuritystatus_indexer_version ON quay.manifestsecuritystatus (indexer_version);
CREATE INDEX manifestsecuritystatus_last_indexed ON quay.manifestsecuritystatus (last_indexed);
CREATE UNIQUE INDEX manifestsecuritystatus_manifest_id ON quay.manifestsecuritystatus (manifest_id);
CREATE INDEX manifestsecuritystatus_repository_id ON quay.manifestsecuritystatus (repository_id);

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

-- @part once schema/080_tag.sql
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
    CONSTRAINT pk_tag PRIMARY KEY (id),
    CONSTRAINT fk_tag_linked_tag_id_tag FOREIGN KEY (linked_tag_id) REFERENCES quay.tag (id),
    CONSTRAINT fk_tag_manifest_id_manifest FOREIGN KEY (manifest_id) REFERENCES quay.manifest (id),
    CONSTRAINT fk_tag_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_tag_tag_kind_id_tagkind FOREIGN KEY (tag_kind_id) REFERENCES quay.tagkind (id)
);
ALTER SEQUENCE quay.tag_id_seq OWNED BY quay.tag.id;
CREATE INDEX tag_lifetime_end_ms ON quay.tag (lifetime_end_ms);
CREATE INDEX tag_linked_tag_id ON quay.tag (linked_tag_id);
CREATE INDEX tag_manifest_id_lifetime_end_ms ON quay.tag (manifest_id, lifetime_end_ms);
CREATE INDEX tag_repository_id_immutable ON quay.tag (repository_id, name) WHERE immutable;
CREATE INDEX tag_repository_id_lifetime_end_ms ON quay.tag (repository_id, lifetime_end_ms);
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

-- @part once schema/090_policy.sql
-- Immutability and pruning policies, and storage quotas.

CREATE SEQUENCE quay.namespaceimmutabilitypolicy_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.namespaceimmutabilitypolicy (
    id           bigint NOT NULL DEFAULT nextval('quay.namespaceimmutabilitypolicy_id_seq'),
    uuid         varchar(36) COLLATE "C" NOT NULL,
    namespace_id bigint NOT NULL,
    policy       text NOT NULL,
    CONSTRAINT pk_namespaceimmutabilitypolicyid PRIMARY KEY (id),
    CONSTRAINT fk_namespaceimmutabilitypolicy_namespace_id_user FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.namespaceimmutabilitypolicy_id_seq OWNED BY quay.namespaceimmutabilitypolicy.id;
CREATE INDEX namespaceimmutabilitypolicy_namespace_id ON quay.namespaceimmutabilitypolicy (namespace_id);
CREATE UNIQUE INDEX namespaceimmutabilitypolicy_uuid ON quay.namespaceimmutabilitypolicy (uuid);

CREATE SEQUENCE quay.repositoryimmutabilitypolicy_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositoryimmutabilitypolicy (
    id            bigint NOT NULL DEFAULT nextval('quay.repositoryimmutabilitypolicy_id_seq'),
    uuid          varchar(36) COLLATE "C" NOT NULL,
    repository_id bigint NOT NULL,
    namespace_id  bigint NOT NULL,
    policy        text NOT NULL,
    CONSTRAINT pk_repositoryimmutabilitypolicyid PRIMARY KEY (id),
    CONSTRAINT fk_repositoryimmutabilitypolicy_namespace_id_user FOREIGN KEY (namespace_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repositoryimmutabilitypolicy_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.repositoryimmutabilitypolicy_id_seq OWNED BY quay.repositoryimmutabilitypolicy.id;
CREATE INDEX repositoryimmutabilitypolicy_namespace_id ON quay.repositoryimmutabilitypolicy (namespace_id);
CREATE INDEX repositoryimmutabilitypolicy_repository_id ON quay.repositoryimmutabilitypolicy (repository_id);
CREATE UNIQUE INDEX repositoryimmutabilitypolicy_uuid ON quay.repositoryimmutabilitypolicy (uuid);

CREATE SEQUENCE quay.namespaceautoprunepolicy_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.namespaceautoprunepolicy (
    id           bigint NOT NULL DEFAULT nextval('quay.namespaceautoprunepolicy_id_seq'),
    uuid         varchar(36) COLLATE "C" NOT NULL,
    namespace_id bigint NOT NULL,
    policy       text NOT NULL,
    CONSTRAINT pk_namespaceautoprunepolicyid PRIMARY KEY (id),
    CONSTRAINT fk_namespaceautoprunepolicy_namespace_id_user FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.namespaceautoprunepolicy_id_seq OWNED BY quay.namespaceautoprunepolicy.id;
CREATE INDEX namespaceautoprunepolicy_namespace_id ON quay.namespaceautoprunepolicy (namespace_id);
CREATE UNIQUE INDEX namespaceautoprunepolicy_uuid ON quay.namespaceautoprunepolicy (uuid);

CREATE SEQUENCE quay.repositoryautoprunepolicy_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositoryautoprunepolicy (
    id            bigint NOT NULL DEFAULT nextval('quay.repositoryautoprunepolicy_id_seq'),
    uuid          varchar(36) COLLATE "C" NOT NULL,
    repository_id bigint NOT NULL,
    namespace_id  bigint NOT NULL,
    policy        text NOT NULL,
    CONSTRAINT pk_repositoryautoprunepolicyid PRIMARY KEY (id),
    CONSTRAINT fk_repositoryautoprunepolicy_namespace_id_user FOREIGN KEY (namespace_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repositoryautoprunepolicy_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.repositoryautoprunepolicy_id_seq OWNED BY quay.repositoryautoprunepolicy.id;
CREATE INDEX repositoryautoprunepolicy_namespace_id ON quay.repositoryautoprunepolicy (namespace_id);
CREATE INDEX repositoryautoprunepolicy_repository_id ON quay.repositoryautoprunepolicy (repository_id);
CREATE UNIQUE INDEX repositoryautoprunepolicy_uuid ON quay.repositoryautoprunepolicy (uuid);

CREATE SEQUENCE quay.autoprunetaskstatus_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.autoprunetaskstatus (
    id           bigint NOT NULL DEFAULT nextval('quay.autoprunetaskstatus_id_seq'),
    namespace_id bigint NOT NULL,
    last_ran_ms  bigint,
    status       text,
    CONSTRAINT pk_autoprunetaskstatusid PRIMARY KEY (id),
    CONSTRAINT fk_autoprunetaskstatus_namespace_id_user FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.autoprunetaskstatus_id_seq OWNED BY quay.autoprunetaskstatus.id;
CREATE INDEX autoprunetaskstatus_last_ran_ms ON quay.autoprunetaskstatus (last_ran_ms);
CREATE UNIQUE INDEX autoprunetaskstatus_namespace_id ON quay.autoprunetaskstatus (namespace_id);

CREATE SEQUENCE quay.userorganizationquota_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.userorganizationquota (
    id           bigint NOT NULL DEFAULT nextval('quay.userorganizationquota_id_seq'),
    namespace_id bigint NOT NULL,
    limit_bytes  bigint NOT NULL,
    CONSTRAINT pk_userorganizationquota PRIMARY KEY (id),
    CONSTRAINT fk_userorganizationquota_organization FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.userorganizationquota_id_seq OWNED BY quay.userorganizationquota.id;
CREATE UNIQUE INDEX userorganizationquota_organization ON quay.userorganizationquota (namespace_id);

CREATE SEQUENCE quay.quotalimits_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quotalimits (
    id               bigint NOT NULL DEFAULT nextval('quay.quotalimits_id_seq'),
    quota_id         bigint NOT NULL,
    quota_type_id    bigint NOT NULL,
    percent_of_limit integer NOT NULL,
    CONSTRAINT pk_quotalimits PRIMARY KEY (id),
    CONSTRAINT fk_quotalimit_id FOREIGN KEY (quota_id) REFERENCES quay.userorganizationquota (id),
    CONSTRAINT fk_quotalimit_type FOREIGN KEY (quota_type_id) REFERENCES quay.quotatype (id)
);
ALTER SEQUENCE quay.quotalimits_id_seq OWNED BY quay.quotalimits.id;
CREATE INDEX quotalimits_quota_id ON quay.quotalimits (quota_id);
CREATE INDEX quotalimits_quota_type_id ON quay.quotalimits (quota_type_id);

CREATE SEQUENCE quay.quotanamespacesize_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quotanamespacesize (
    id                bigint NOT NULL DEFAULT nextval('quay.quotanamespacesize_id_seq'),
    namespace_user_id bigint NOT NULL,
    size_bytes        bigint NOT NULL DEFAULT 0,
    backfill_start_ms bigint,
    backfill_complete boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_quotanamespacesizeid PRIMARY KEY (id),
    CONSTRAINT fk_quotanamespacesize_namespace_user_id_user FOREIGN KEY (namespace_user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.quotanamespacesize_id_seq OWNED BY quay.quotanamespacesize.id;
CREATE INDEX quotanamespacesize_backfill_start_ms ON quay.quotanamespacesize (backfill_start_ms);
CREATE UNIQUE INDEX quotanamespacesize_namespace_user_id ON quay.quotanamespacesize (namespace_user_id);
CREATE INDEX quotanamespacesize_size_bytes ON quay.quotanamespacesize (size_bytes);

CREATE SEQUENCE quay.quotarepositorysize_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quotarepositorysize (
    id                bigint NOT NULL DEFAULT nextval('quay.quotarepositorysize_id_seq'),
    repository_id     bigint NOT NULL,
    size_bytes        bigint NOT NULL DEFAULT 0,
    backfill_start_ms bigint,
    backfill_complete boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_quotarepositorysizeid PRIMARY KEY (id),
    CONSTRAINT fk_quotarepositorysize_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.quotarepositorysize_id_seq OWNED BY quay.quotarepositorysize.id;
CREATE UNIQUE INDEX quotarepositorysize_repository_id ON quay.quotarepositorysize (repository_id);
CREATE INDEX quotarepositorysize_size_bytes ON quay.quotarepositorysize (size_bytes);

CREATE SEQUENCE quay.quotaregistrysize_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quotaregistrysize (
    id           bigint NOT NULL DEFAULT nextval('quay.quotaregistrysize_id_seq'),
    size_bytes   bigint NOT NULL DEFAULT 0,
    running      boolean NOT NULL DEFAULT false,
    queued       boolean NOT NULL DEFAULT false,
    completed_ms bigint,
    CONSTRAINT pk_quotaregistrysizeid PRIMARY KEY (id)
);
ALTER SEQUENCE quay.quotaregistrysize_id_seq OWNED BY quay.quotaregistrysize.id;

CREATE SEQUENCE quay.quotanotificationstate_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quotanotificationstate (
    id                bigint NOT NULL DEFAULT nextval('quay.quotanotificationstate_id_seq'),
    namespace_id      bigint NOT NULL,
    threshold_percent integer NOT NULL,
    last_notified_at  timestamp,
    cleared           boolean NOT NULL DEFAULT true,
    CONSTRAINT pk_quotanotificationstate PRIMARY KEY (id),
    CONSTRAINT fk_quotanotificationstate_namespace_id FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.quotanotificationstate_id_seq OWNED BY quay.quotanotificationstate.id;
CREATE UNIQUE INDEX quotanotificationstate_namespace_threshold ON quay.quotanotificationstate (namespace_id, threshold_percent);

-- @part once schema/100_mirror.sql
-- Proxy caches and mirrors of other registries.

CREATE SEQUENCE quay.proxycacheconfig_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.proxycacheconfig (
    id                         bigint NOT NULL DEFAULT nextval('quay.proxycacheconfig_id_seq'),
    organization_id            bigint NOT NULL,
    creation_date              timestamp NOT NULL,
    upstream_registry          varchar(2048) COLLATE "C" NOT NULL,
    upstream_registry_username varchar(4096) COLLATE "C",
    upstream_registry_password varchar(4096) COLLATE "C",
    expiration_s               integer DEFAULT 86400,
    insecure                   boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_proxy_cache_config PRIMARY KEY (id),
    CONSTRAINT fk_proxy_cache_config_organization_id FOREIGN KEY (organization_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.proxycacheconfig_id_seq OWNED BY quay.proxycacheconfig.id;
CREATE INDEX proxycacheconfig_organization_id ON quay.proxycacheconfig (organization_id);

CREATE SEQUENCE quay.repomirrorrule_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repomirrorrule (
    id             bigint NOT NULL DEFAULT nextval('quay.repomirrorrule_id_seq'),
    uuid           varchar(36) COLLATE "C" NOT NULL,
    repository_id  bigint NOT NULL,
    creation_date  timestamp NOT NULL,
    rule_type      integer NOT NULL,
    rule_value     text NOT NULL,
    left_child_id  bigint,
    right_child_id bigint,
    CONSTRAINT pk_repomirrorrule PRIMARY KEY (id),
    CONSTRAINT fk_repomirrorrule_left_child_id_repomirrorrule FOREIGN KEY (left_child_id) REFERENCES quay.repomirrorrule (id),
    CONSTRAINT fk_repomirrorrule_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_repomirrorrule_right_child_id_repomirrorrule FOREIGN KEY (right_child_id) REFERENCES quay.repomirrorrule (id)
);
ALTER SEQUENCE quay.repomirrorrule_id_seq OWNED BY quay.repomirrorrule.id;
CREATE INDEX repomirrorrule_left_child_id ON quay.repomirrorrule (left_child_id);
CREATE INDEX repomirrorrule_repository_id ON quay.repomirrorrule (repository_id);
CREATE INDEX repomirrorrule_right_child_id ON quay.repomirrorrule (right_child_id);
CREATE INDEX repomirrorrule_rule_type ON quay.repomirrorrule (rule_type);
CREATE UNIQUE INDEX repomirrorrule_uuid ON quay.repomirrorrule (uuid);

CREATE SEQUENCE quay.repomirrorconfig_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repomirrorconfig (
    id                         bigint NOT NULL DEFAULT nextval('quay.repomirrorconfig_id_seq'),
    repository_id              bigint NOT NULL,
    creation_date              timestamp NOT NULL,
    is_enabled                 boolean NOT NULL,
    mirror_type                integer NOT NULL,
    internal_robot_id          bigint NOT NULL,
    external_registry_username varchar(4096) COLLATE "C",
    external_registry_config   text NOT NULL,
    sync_interval              integer NOT NULL DEFAULT 60,
    sync_start_date            timestamp,
    sync_expiration_date       timestamp,
    sync_retries_remaining     integer NOT NULL DEFAULT 3,
    sync_status                integer NOT NULL,
    sync_transaction_id        varchar(36) COLLATE "C",
    root_rule_id               bigint NOT NULL,
    external_reference         text NOT NULL,
    external_registry_password varchar(9000) COLLATE "C",
    skopeo_timeout             bigint NOT NULL DEFAULT 300,
    architecture_filter        text,
    CONSTRAINT pk_repomirrorconfig PRIMARY KEY (id),
    CONSTRAINT fk_repomirrorconfig_internal_robot_id_user FOREIGN KEY (internal_robot_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repomirrorconfig_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_repomirrorconfig_root_rule_id_repomirrorrule FOREIGN KEY (root_rule_id) REFERENCES quay.repomirrorrule (id)
);
ALTER SEQUENCE quay.repomirrorconfig_id_seq OWNED BY quay.repomirrorconfig.id;
CREATE INDEX repomirrorconfig_internal_robot_id ON quay.repomirrorconfig (internal_robot_id);
CREATE INDEX repomirrorconfig_mirror_type ON quay.repomirrorconfig (mirror_type);
CREATE UNIQUE INDEX repomirrorconfig_repository_id ON quay.repomirrorconfig (repository_id);
CREATE INDEX repomirrorconfig_root_rule_id ON quay.repomirrorconfig (root_rule_id);
CREATE INDEX repomirrorconfig_sync_status ON quay.repomirrorconfig (sync_status);
CREATE INDEX repomirrorconfig_sync_transaction_id ON quay.repomirrorconfig (sync_transaction_id);

CREATE SEQUENCE quay.orgmirrorconfig_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.orgmirrorconfig (
    id                         bigint NOT NULL DEFAULT nextval('quay.orgmirrorconfig_id_seq'),
    organization_id            bigint NOT NULL,
    creation_date              timestamp NOT NULL,
    is_enabled                 boolean NOT NULL DEFAULT true,
    mirror_type                integer NOT NULL DEFAULT 1,
    external_registry_type     integer NOT NULL,
    external_registry_url      varchar(2048) COLLATE "C" NOT NULL,
    external_namespace         varchar(255) COLLATE "C" NOT NULL,
    external_registry_username varchar(4096) COLLATE "C",
    external_registry_password varchar(9000) COLLATE "C",
    external_registry_config   text NOT NULL,
    internal_robot_id          bigint NOT NULL,
    repository_filters         text NOT NULL,
    visibility_id              bigint NOT NULL,
    delete_stale_repos         boolean NOT NULL DEFAULT false,
    sync_interval              integer NOT NULL,
    sync_start_date            timestamp,
    sync_expiration_date       timestamp,
    sync_retries_remaining     integer NOT NULL DEFAULT 3,
    sync_status                integer NOT NULL DEFAULT 0,
    sync_transaction_id        varchar(36) COLLATE "C",
    skopeo_timeout             bigint NOT NULL DEFAULT 300,
    architecture_filter        text NOT NULL DEFAULT '[]',
    CONSTRAINT pk_orgmirrorconfig PRIMARY KEY (id),
    CONSTRAINT fk_orgmirrorconfig_internal_robot_id_user FOREIGN KEY (internal_robot_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_orgmirrorconfig_organization_id_user FOREIGN KEY (organization_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_orgmirrorconfig_visibility_id_visibility FOREIGN KEY (visibility_id) REFERENCES quay.visibility (id)
);
ALTER SEQUENCE quay.orgmirrorconfig_id_seq OWNED BY quay.orgmirrorconfig.id;
CREATE INDEX orgmirrorconfig_internal_robot_id ON quay.orgmirrorconfig (internal_robot_id);
CREATE UNIQUE INDEX orgmirrorconfig_organization_id ON quay.orgmirrorconfig (organization_id);
CREATE INDEX orgmirrorconfig_sync_start_date ON quay.orgmirrorconfig (sync_start_date);
CREATE INDEX orgmirrorconfig_sync_status ON quay.orgmirrorconfig (sync_status);
CREATE INDEX orgmirrorconfig_visibility_id ON quay.orgmirrorconfig (visibility_id);

CREATE SEQUENCE quay.orgmirrorrepository_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.orgmirrorrepository (
    id                     bigint NOT NULL DEFAULT nextval('quay.orgmirrorrepository_id_seq'),
    org_mirror_config_id   bigint NOT NULL,
    repository_name        varchar(255) COLLATE "C" NOT NULL,
    repository_id          bigint,
    discovery_date         timestamp NOT NULL,
    sync_status            integer NOT NULL DEFAULT 0,
    sync_start_date        timestamp,
    sync_expiration_date   timestamp,
    last_sync_date         timestamp,
    status_message         text,
    creation_date          timestamp NOT NULL,
    sync_retries_remaining integer NOT NULL DEFAULT 3,
    sync_transaction_id    varchar(36) COLLATE "C",
    CONSTRAINT pk_orgmirrorrepository PRIMARY KEY (id),
    CONSTRAINT fk_orgmirrorrepository_org_mirror_config_id_orgmirrorconfig FOREIGN KEY (org_mirror_config_id) REFERENCES quay.orgmirrorconfig (id),
    CONSTRAINT fk_orgmirrorrepository_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.orgmirrorrepository_id_seq OWNED BY quay.orgmirrorrepository.id;
CREATE UNIQUE INDEX orgmirrorrepository_config_repo_name ON quay.orgmirrorrepository (org_mirror_config_id, repository_name);
CREATE INDEX orgmirrorrepository_config_status ON quay.orgmirrorrepository (org_mirror_config_id, sync_status);
CREATE INDEX orgmirrorrepository_repository_id ON quay.orgmirrorrepository (repository_id);
CREATE INDEX orgmirrorrepository_sync_status ON quay.orgmirrorrepository (sync_status);

-- @part once schema/110_build.sql
-- Image builds and what triggers them.

CREATE SEQUENCE quay.repositorybuildtrigger_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositorybuildtrigger (
    id                              bigint NOT NULL DEFAULT nextval('quay.repositorybuildtrigger_id_seq'),
    uuid                            varchar(255) COLLATE "C" NOT NULL,
    service_id                      bigint NOT NULL,
    repository_id                   bigint NOT NULL,
    connected_user_id               bigint NOT NULL,
    config                          text NOT NULL,
    write_token_id                  bigint,
    pull_robot_id                   bigint,
    disabled_reason_id              bigint,
    enabled                         boolean NOT NULL DEFAULT true,
    successive_failure_count        integer NOT NULL DEFAULT 0,
    successive_internal_error_count integer NOT NULL DEFAULT 0,
    disabled_datetime               timestamp,
    secure_auth_token               varchar(255) COLLATE "C",
    secure_private_key              text,
    fully_migrated                  boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_repositorybuildtrigger PRIMARY KEY (id),
    CONSTRAINT fk_repositorybuildtrigger_connected_user_id_user FOREIGN KEY (connected_user_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repositorybuildtrigger_disabled_reason_id_disablereason FOREIGN KEY (disabled_reason_id) REFERENCES quay.disablereason (id),
    CONSTRAINT fk_repositorybuildtrigger_pull_robot_id_user FOREIGN KEY (pull_robot_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repositorybuildtrigger_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_repositorybuildtrigger_service_id_buildtriggerservice FOREIGN KEY (service_id) REFERENCES quay.buildtriggerservice (id),
    CONSTRAINT fk_repositorybuildtrigger_write_token_id_accesstoken FOREIGN KEY (write_token_id) REFERENCES quay.accesstoken (id)
);
ALTER SEQUENCE quay.repositorybuildtrigger_id_seq OWNED BY quay.repositorybuildtrigger.id;
CREATE INDEX repositorybuildtrigger_connected_user_id ON quay.repositorybuildtrigger (connected_user_id);
CREATE INDEX repositorybuildtrigger_disabled_datetime ON quay.repositorybuildtrigger (disabled_datetime);
CREATE INDEX repositorybuildtrigger_disabled_reason_id ON quay.repositorybuildtrigger (disabled_reason_id);
CREATE INDEX repositorybuildtrigger_pull_robot_id ON quay.repositorybuildtrigger (pull_robot_id);
CREATE INDEX repositorybuildtrigger_repository_id ON quay.repositorybuildtrigger (repository_id);
CREATE INDEX repositorybuildtrigger_service_id ON quay.repositorybuildtrigger (service_id);
CREATE INDEX repositorybuildtrigger_uuid ON quay.repositorybuildtrigger (uuid);
CREATE INDEX repositorybuildtrigger_write_token_id ON quay.repositorybuildtrigger (write_token_id);

CREATE SEQUENCE quay.repositorybuild_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositorybuild (
    id              bigint NOT NULL DEFAULT nextval('quay.repositorybuild_id_seq'),
    uuid            varchar(255) COLLATE "C" NOT NULL,
    repository_id   bigint NOT NULL,
    access_token_id bigint NOT NULL,
    resource_key    varchar(255) COLLATE "C",
    job_config      text NOT NULL,
    phase           varchar(255) COLLATE "C" NOT NULL,
    started         timestamp NOT NULL,
    display_name    varchar(255) COLLATE "C" NOT NULL,
    trigger_id      bigint,
    pull_robot_id   bigint,
    logs_archived   boolean NOT NULL DEFAULT false,
    queue_id        varchar(255) COLLATE "C",
    CONSTRAINT pk_repositorybuild PRIMARY KEY (id),
    CONSTRAINT fk_repositorybuild_access_token_id_accesstoken FOREIGN KEY (access_token_id) REFERENCES quay.accesstoken (id),
    CONSTRAINT fk_repositorybuild_pull_robot_id_user FOREIGN KEY (pull_robot_id) REFERENCES quay."user" (id),
    CONSTRAINT fk_repositorybuild_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id),
    CONSTRAINT fk_repositorybuild_trigger_id_repositorybuildtrigger FOREIGN KEY (trigger_id) REFERENCES quay.repositorybuildtrigger (id)
);
ALTER SEQUENCE quay.repositorybuild_id_seq OWNED BY quay.repositorybuild.id;
CREATE INDEX repositorybuild_access_token_id ON quay.repositorybuild (access_token_id);
CREATE INDEX repositorybuild_logs_archived ON quay.repositorybuild (logs_archived);
CREATE INDEX repositorybuild_pull_robot_id ON quay.repositorybuild (pull_robot_id);
CREATE INDEX repositorybuild_queue_id ON quay.repositorybuild (queue_id);
CREATE INDEX repositorybuild_repository_id_started_phase ON quay.repositorybuild (repository_id, started, phase);
CREATE INDEX repositorybuild_resource_key ON quay.repositorybuild (resource_key);
CREATE INDEX repositorybuild_started_logs_archived_phase ON quay.repositorybuild (started, logs_archived, phase);
CREATE INDEX repositorybuild_trigger_id ON quay.repositorybuild (trigger_id);
CREATE INDEX repositorybuild_uuid ON quay.repositorybuild (uuid);

-- @part once schema/120_notification.sql
-- Notifications: in the application, to the outside, and global messages.

CREATE SEQUENCE quay.notification_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.notification (
    id            bigint NOT NULL DEFAULT nextval('quay.notification_id_seq'),
    uuid          varchar(255) COLLATE "C" NOT NULL,
    kind_id       bigint NOT NULL,
    target_id     bigint NOT NULL,
    metadata_json text NOT NULL,
    created       timestamp NOT NULL,
    dismissed     boolean NOT NULL,
    lookup_path   varchar(255) COLLATE "C",
    CONSTRAINT pk_notification PRIMARY KEY (id),
    CONSTRAINT fk_notification_kind_id_notificationkind FOREIGN KEY (kind_id) REFERENCES quay.notificationkind (id),
    CONSTRAINT fk_notification_target_id_user FOREIGN KEY (target_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.notification_id_seq OWNED BY quay.notification.id;
CREATE INDEX notification_created ON quay.notification (created);
CREATE INDEX notification_kind_id ON quay.notification (kind_id);
CREATE INDEX notification_lookup_path ON quay.notification (lookup_path);
CREATE INDEX notification_target_id ON quay.notification (target_id);
CREATE INDEX notification_uuid ON quay.notification (uuid);

CREATE SEQUENCE quay.repositorynotification_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.repositorynotification (
    id                 bigint NOT NULL DEFAULT nextval('quay.repositorynotification_id_seq'),
    uuid               varchar(255) COLLATE "C" NOT NULL,
    repository_id      bigint NOT NULL,
    event_id           bigint NOT NULL,
    method_id          bigint NOT NULL,
    title              varchar(255) COLLATE "C",
    config_json        text NOT NULL,
    event_config_json  text NOT NULL,
    number_of_failures integer NOT NULL DEFAULT 0,
    last_ran_ms        bigint,
    CONSTRAINT pk_repositorynotification PRIMARY KEY (id),
    CONSTRAINT fk_repositorynotification_event_id_externalnotificationevent FOREIGN KEY (event_id) REFERENCES quay.externalnotificationevent (id),
    CONSTRAINT fk_repositorynotification_method_id_externalnotificationmethod FOREIGN KEY (method_id) REFERENCES quay.externalnotificationmethod (id),
    CONSTRAINT fk_repositorynotification_repository_id_repository FOREIGN KEY (repository_id) REFERENCES quay.repository (id)
);
ALTER SEQUENCE quay.repositorynotification_id_seq OWNED BY quay.repositorynotification.id;
CREATE INDEX repositorynotification_event_id ON quay.repositorynotification (event_id);
CREATE INDEX repositorynotification_last_ran_ms ON quay.repositorynotification (last_ran_ms);
CREATE INDEX repositorynotification_method_id ON quay.repositorynotification (method_id);
CREATE INDEX repositorynotification_repository_id ON quay.repositorynotification (repository_id);
CREATE INDEX repositorynotification_uuid ON quay.repositorynotification (uuid);

CREATE SEQUENCE quay.namespacenotification_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.namespacenotification (
    id                 bigint NOT NULL DEFAULT nextval('quay.namespacenotification_id_seq'),
    uuid               varchar(255) COLLATE "C" NOT NULL,
    namespace_id       bigint NOT NULL,
    event_id           bigint NOT NULL,
    method_id          bigint NOT NULL,
    title              varchar(255) COLLATE "C",
    config_json        text NOT NULL,
    event_config_json  text NOT NULL DEFAULT '{}',
    number_of_failures integer NOT NULL DEFAULT 0,
    last_ran_ms        bigint,
    CONSTRAINT pk_namespacenotification PRIMARY KEY (id),
    CONSTRAINT fk_namespacenotification_event_id FOREIGN KEY (event_id) REFERENCES quay.externalnotificationevent (id),
    CONSTRAINT fk_namespacenotification_method_id FOREIGN KEY (method_id) REFERENCES quay.externalnotificationmethod (id),
    CONSTRAINT fk_namespacenotification_namespace_id FOREIGN KEY (namespace_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.namespacenotification_id_seq OWNED BY quay.namespacenotification.id;
CREATE INDEX namespacenotification_event_id ON quay.namespacenotification (event_id);
CREATE INDEX namespacenotification_method_id ON quay.namespacenotification (method_id);
CREATE INDEX namespacenotification_namespace_id ON quay.namespacenotification (namespace_id);
CREATE INDEX namespacenotification_uuid ON quay.namespacenotification (uuid);

CREATE SEQUENCE quay.tagnotificationsuccess_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.tagnotificationsuccess (
    id              bigint NOT NULL DEFAULT nextval('quay.tagnotificationsuccess_id_seq'),
    notification_id bigint NOT NULL,
    tag_id          bigint NOT NULL,
    method_id       bigint NOT NULL,
    CONSTRAINT pk_tag_notification_success PRIMARY KEY (id),
    CONSTRAINT fk_tag_notification_success_method_id FOREIGN KEY (method_id) REFERENCES quay.externalnotificationmethod (id),
    CONSTRAINT fk_tag_notification_success_notification_id FOREIGN KEY (notification_id) REFERENCES quay.repositorynotification (id),
    CONSTRAINT fk_tag_notification_success_tag_id FOREIGN KEY (tag_id) REFERENCES quay.tag (id)
);
ALTER SEQUENCE quay.tagnotificationsuccess_id_seq OWNED BY quay.tagnotificationsuccess.id;
CREATE INDEX tagnotificationsuccess_method_id ON quay.tagnotificationsuccess (method_id);
CREATE INDEX tagnotificationsuccess_notification_id ON quay.tagnotificationsuccess (notification_id);
CREATE INDEX tagnotificationsuccess_tag_id ON quay.tagnotificationsuccess (tag_id);

CREATE SEQUENCE quay.messages_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.messages (
    id            bigint NOT NULL DEFAULT nextval('quay.messages_id_seq'),
    content       text NOT NULL,
    uuid          varchar(36) COLLATE "C" NOT NULL DEFAULT '',
    media_type_id bigint NOT NULL DEFAULT 1,
    severity      varchar(255) COLLATE "C" NOT NULL DEFAULT 'info',
    CONSTRAINT pk_messages PRIMARY KEY (id),
    CONSTRAINT fk_messages_media_type_id_mediatype FOREIGN KEY (media_type_id) REFERENCES quay.mediatype (id)
);
ALTER SEQUENCE quay.messages_id_seq OWNED BY quay.messages.id;
CREATE INDEX messages_media_type_id ON quay.messages (media_type_id);
CREATE INDEX messages_severity ON quay.messages (severity);
CREATE INDEX messages_uuid ON quay.messages (uuid);

-- @part once schema/130_queue.sql
-- The work queue, and the releases that run on this database.

CREATE SEQUENCE quay.queueitem_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.queueitem (
    id                 bigint NOT NULL DEFAULT nextval('quay.queueitem_id_seq'),
    queue_name         varchar(1024) COLLATE "C" NOT NULL,
    body               text NOT NULL,
    available_after    timestamp NOT NULL,
    available          boolean NOT NULL,
    processing_expires timestamp,
    retries_remaining  integer NOT NULL,
    state_id           varchar(255) COLLATE "C" NOT NULL DEFAULT '',
    CONSTRAINT pk_queueitem PRIMARY KEY (id)
);
ALTER SEQUENCE quay.queueitem_id_seq OWNED BY quay.queueitem.id;
CREATE INDEX queueitem_pe_aafter_qname_rremaining_available ON quay.queueitem (processing_expires, available_after, queue_name, retries_remaining, available);
CREATE INDEX queueitem_pexpires_aafter_rremaining_available ON quay.queueitem (processing_expires, available_after, retries_remaining, available);
CREATE INDEX queueitem_processing_expires_available ON quay.queueitem (processing_expires, available);
CREATE INDEX queueitem_processing_expires_queue_name_available ON quay.queueitem (processing_expires, queue_name, available);
CREATE INDEX queueitem_queue_name ON quay.queueitem (queue_name);
CREATE UNIQUE INDEX queueitem_state_id ON quay.queueitem (state_id);

CREATE SEQUENCE quay.quayregion_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quayregion (
    id   bigint NOT NULL DEFAULT nextval('quay.quayregion_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_quayregion PRIMARY KEY (id)
);
ALTER SEQUENCE quay.quayregion_id_seq OWNED BY quay.quayregion.id;
CREATE UNIQUE INDEX quayregion_name ON quay.quayregion (name);

CREATE SEQUENCE quay.quayservice_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quayservice (
    id   bigint NOT NULL DEFAULT nextval('quay.quayservice_id_seq'),
    name varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_quayservice PRIMARY KEY (id)
);
ALTER SEQUENCE quay.quayservice_id_seq OWNED BY quay.quayservice.id;
CREATE UNIQUE INDEX quayservice_name ON quay.quayservice (name);

CREATE SEQUENCE quay.quayrelease_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.quayrelease (
    id         bigint NOT NULL DEFAULT nextval('quay.quayrelease_id_seq'),
    service_id bigint NOT NULL,
    version    varchar(255) COLLATE "C" NOT NULL,
    region_id  bigint NOT NULL,
    reverted   boolean NOT NULL,
    created    timestamp NOT NULL,
    CONSTRAINT pk_quayrelease PRIMARY KEY (id),
    CONSTRAINT fk_quayrelease_region_id_quayregion FOREIGN KEY (region_id) REFERENCES quay.quayregion (id),
    CONSTRAINT fk_quayrelease_service_id_quayservice FOREIGN KEY (service_id) REFERENCES quay.quayservice (id)
);
ALTER SEQUENCE quay.quayrelease_id_seq OWNED BY quay.quayrelease.id;
CREATE INDEX quayrelease_created ON quay.quayrelease (created);
CREATE INDEX quayrelease_region_id ON quay.quayrelease (region_id);
CREATE INDEX quayrelease_service_id_region_id_created ON quay.quayrelease (service_id, region_id, created);
CREATE UNIQUE INDEX quayrelease_service_id_version_region_id ON quay.quayrelease (service_id, version, region_id);

-- @part once schema/140_log.sql
-- Audit logs. Three generations exist: only logentry3 is written, all are read.

CREATE SEQUENCE quay.logentry_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.logentry (
    id            bigint NOT NULL DEFAULT nextval('quay.logentry_id_seq'),
    kind_id       bigint NOT NULL,
    account_id    bigint NOT NULL,
    performer_id  bigint,
    repository_id bigint,
    datetime      timestamp NOT NULL,
    ip            varchar(255) COLLATE "C",
    metadata_json text NOT NULL,
    CONSTRAINT pk_logentry PRIMARY KEY (id),
    CONSTRAINT fk_logentry_kind_id_logentrykind FOREIGN KEY (kind_id) REFERENCES quay.logentrykind (id)
);
ALTER SEQUENCE quay.logentry_id_seq OWNED BY quay.logentry.id;
CREATE INDEX logentry_account_id_datetime ON quay.logentry (account_id, datetime);
CREATE INDEX logentry_datetime ON quay.logentry (datetime);
CREATE INDEX logentry_kind_id ON quay.logentry (kind_id);
CREATE INDEX logentry_performer_id_datetime ON quay.logentry (performer_id, datetime);
CREATE INDEX logentry_repository_id_datetime_kind_id ON quay.logentry (repository_id, datetime, kind_id);

CREATE SEQUENCE quay.logentry2_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.logentry2 (
    id            bigint NOT NULL DEFAULT nextval('quay.logentry2_id_seq'),
    kind_id       bigint NOT NULL,
    account_id    bigint NOT NULL,
    performer_id  bigint,
    repository_id bigint,
    datetime      timestamp NOT NULL,
    ip            varchar(255) COLLATE "C",
    metadata_json text NOT NULL,
    CONSTRAINT pk_logentry2 PRIMARY KEY (id),
    CONSTRAINT fk_logentry2_kind_id_logentrykind FOREIGN KEY (kind_id) REFERENCES quay.logentrykind (id)
);
ALTER SEQUENCE quay.logentry2_id_seq OWNED BY quay.logentry2.id;
CREATE INDEX logentry2_account_id_datetime ON quay.logentry2 (account_id, datetime);
CREATE INDEX logentry2_datetime ON quay.logentry2 (datetime);
CREATE INDEX logentry2_kind_id ON quay.logentry2 (kind_id);
CREATE INDEX logentry2_performer_id_datetime ON quay.logentry2 (performer_id, datetime);
CREATE INDEX logentry2_repository_id_datetime_kind_id ON quay.logentry2 (repository_id, datetime, kind_id);

CREATE SEQUENCE quay.logentry3_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.logentry3 (
    id            bigint NOT NULL DEFAULT nextval('quay.logentry3_id_seq'),
    kind_id       bigint NOT NULL,
    account_id    bigint NOT NULL,
    performer_id  bigint,
    repository_id bigint,
    datetime      timestamp NOT NULL,
    ip            varchar(255) COLLATE "C",
    metadata_json text NOT NULL
) PARTITION BY RANGE (datetime);
ALTER SEQUENCE quay.logentry3_id_seq OWNED BY quay.logentry3.id;

-- Rows that no month takes land here; log_partition_ensure() makes the months, LIKE this one, and moves such rows out.
--
-- Key and indexes belong to the partitions, not to the partitioned table: months are no members of the extension, so pg_dump writes
-- them with their indexes, and a restore, which attaches them to the table of a fresh extension, would find the indexes made already.
CREATE TABLE quay.logentry3_default PARTITION OF quay.logentry3 DEFAULT;
ALTER TABLE quay.logentry3_default ADD CONSTRAINT pk_logentry3_default PRIMARY KEY (id, datetime);
CREATE INDEX logentry3_default_account_id_datetime ON quay.logentry3_default (account_id, datetime);
CREATE INDEX logentry3_default_datetime ON quay.logentry3_default (datetime);
CREATE INDEX logentry3_default_performer_id_datetime ON quay.logentry3_default (performer_id, datetime);
CREATE INDEX logentry3_default_repository_id_datetime_kind_id ON quay.logentry3_default (repository_id, datetime, kind_id);

-- @part once schema/150_appr.sql
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

-- @part once schema/160_type.sql
-- Rows that the C functions behind tag_resolve(), manifest_get() and pull() give back.

CREATE TYPE quay_internal.resolved_tag AS (
    manifest_id       bigint,
    digest            text,
    media_type        text,
    size              bigint,
    artifact_type     text,
    tag_id            bigint,
    lifetime_start_ms bigint,
    lifetime_end_ms   bigint,
    immutable         boolean
);

CREATE TYPE quay_internal.stored_manifest AS (
    digest        text,
    media_type    text,
    manifest      bytea,
    manifest_id   bigint,
    size          bigint,
    artifact_type text,
    subject       text
);

CREATE TYPE quay_internal.pulled_manifest AS (
    status        text,
    digest        text,
    media_type    text,
    manifest      bytea,
    manifest_id   bigint,
    size          bigint,
    repository_id bigint
);

-- @part once seed/010_enumeration.sql
-- Rows of the enumerations. Ids are fixed and at most 1000: user rows start above (their sequences start at 1001), so that
-- a dump, which leaves these rows out, never collides with them. A name never changes its id.

INSERT INTO quay.accesstokenkind (id, name) VALUES
    (1, 'build-worker'),
    (2, 'pushpull-token');

INSERT INTO quay.buildtriggerservice (id, name) VALUES
    (1, 'github'),
    (2, 'gitlab'),
    (3, 'bitbucket'),
    (4, 'custom-git');

INSERT INTO quay.disablereason (id, name) VALUES
    (1, 'user_toggled'),
    (2, 'successive_build_failures'),
    (3, 'successive_build_internal_errors');

INSERT INTO quay.externalnotificationevent (id, name) VALUES
    (1, 'build_failure'),
    (2, 'build_queued'),
    (3, 'build_start'),
    (4, 'build_success'),
    (5, 'repo_push'),
    (6, 'vulnerability_found'),
    (7, 'build_cancelled'),
    (8, 'repo_mirror_sync_started'),
    (9, 'repo_mirror_sync_success'),
    (10, 'repo_mirror_sync_failed'),
    (11, 'repo_image_expiry'),
    (12, 'quota_warning'),
    (13, 'quota_error');

INSERT INTO quay.externalnotificationmethod (id, name) VALUES
    (1, 'email'),
    (2, 'flowdock'),
    (3, 'hipchat'),
    (4, 'quay_notification'),
    (5, 'slack'),
    (6, 'webhook');

INSERT INTO quay.imagestoragelocation (id, name) VALUES
    (1, 's3_us_east_1'),
    (2, 's3_eu_west_1'),
    (3, 's3_ap_southeast_1'),
    (4, 's3_ap_southeast_2'),
    (5, 's3_ap_northeast_1'),
    (6, 's3_sa_east_1'),
    (7, 'local'),
    (8, 's3_us_west_1');

INSERT INTO quay.imagestoragesignaturekind (id, name) VALUES
    (1, 'gpg2');

INSERT INTO quay.imagestoragetransformation (id, name) VALUES
    (1, 'squash'),
    (2, 'aci');

INSERT INTO quay.labelsourcetype (id, name, mutable) VALUES
    (1, 'manifest', false),
    (2, 'api', true),
    (3, 'internal', false);

INSERT INTO quay.logentrykind (id, name) VALUES
    (1, 'account_change_cc'),
    (2, 'account_change_password'),
    (3, 'account_change_plan'),
    (4, 'account_convert'),
    (5, 'add_repo_accesstoken'),
    (6, 'add_repo_notification'),
    (7, 'add_repo_permission'),
    (8, 'add_repo_webhook'),
    (9, 'build_dockerfile'),
    (10, 'change_repo_permission'),
    (11, 'change_repo_visibility'),
    (12, 'create_application'),
    (13, 'create_prototype_permission'),
    (14, 'create_repo'),
    (15, 'create_robot'),
    (16, 'create_tag'),
    (17, 'delete_application'),
    (18, 'delete_prototype_permission'),
    (19, 'delete_repo'),
    (20, 'delete_repo_accesstoken'),
    (21, 'delete_repo_notification'),
    (22, 'delete_repo_permission'),
    (23, 'delete_repo_trigger'),
    (24, 'delete_repo_webhook'),
    (25, 'delete_robot'),
    (26, 'delete_tag'),
    (27, 'manifest_label_add'),
    (28, 'manifest_label_delete'),
    (29, 'modify_prototype_permission'),
    (30, 'move_tag'),
    (31, 'org_add_team_member'),
    (32, 'org_create_team'),
    (33, 'org_delete_team'),
    (34, 'org_delete_team_member_invite'),
    (35, 'org_invite_team_member'),
    (36, 'org_remove_team_member'),
    (37, 'org_set_team_description'),
    (38, 'org_set_team_role'),
    (39, 'org_team_member_invite_accepted'),
    (40, 'org_team_member_invite_declined'),
    (41, 'pull_repo'),
    (42, 'push_repo'),
    (43, 'regenerate_robot_token'),
    (44, 'repo_verb'),
    (45, 'reset_application_client_secret'),
    (46, 'revert_tag'),
    (47, 'service_key_approve'),
    (48, 'service_key_create'),
    (49, 'service_key_delete'),
    (50, 'service_key_extend'),
    (51, 'service_key_modify'),
    (52, 'service_key_rotate'),
    (53, 'setup_repo_trigger'),
    (54, 'set_repo_description'),
    (55, 'take_ownership'),
    (56, 'update_application'),
    (57, 'change_repo_trust'),
    (58, 'reset_repo_notification'),
    (59, 'change_tag_expiration'),
    (60, 'create_app_specific_token'),
    (61, 'revoke_app_specific_token'),
    (62, 'toggle_repo_trigger'),
    (63, 'repo_mirror_enabled'),
    (64, 'repo_mirror_disabled'),
    (65, 'repo_mirror_config_changed'),
    (66, 'repo_mirror_sync_started'),
    (67, 'repo_mirror_sync_failed'),
    (68, 'repo_mirror_sync_success'),
    (69, 'repo_mirror_sync_now_requested'),
    (70, 'repo_mirror_sync_tag_success'),
    (71, 'repo_mirror_sync_tag_failed'),
    (72, 'repo_mirror_sync_test_success'),
    (73, 'repo_mirror_sync_test_failed'),
    (74, 'repo_mirror_sync_test_started'),
    (75, 'change_repo_state'),
    (76, 'create_proxy_cache_config'),
    (77, 'delete_proxy_cache_config'),
    (78, 'start_build_trigger'),
    (79, 'cancel_build'),
    (80, 'org_create'),
    (81, 'org_delete'),
    (82, 'org_change_email'),
    (83, 'org_change_invoicing'),
    (84, 'org_change_tag_expiration'),
    (85, 'org_change_name'),
    (86, 'user_create'),
    (87, 'user_delete'),
    (88, 'user_disable'),
    (89, 'user_enable'),
    (90, 'user_change_email'),
    (91, 'user_change_password'),
    (92, 'user_change_name'),
    (93, 'user_change_invoicing'),
    (94, 'user_change_tag_expiration'),
    (95, 'user_change_metadata'),
    (96, 'user_generate_client_key'),
    (97, 'login_success'),
    (98, 'logout_success'),
    (99, 'permanently_delete_tag'),
    (100, 'autoprune_tag_delete'),
    (101, 'create_namespace_autoprune_policy'),
    (102, 'update_namespace_autoprune_policy'),
    (103, 'delete_namespace_autoprune_policy'),
    (104, 'login_failure'),
    (105, 'push_repo_failed'),
    (106, 'pull_repo_failed'),
    (107, 'delete_tag_failed'),
    (108, 'create_repository_autoprune_policy'),
    (109, 'update_repository_autoprune_policy'),
    (110, 'delete_repository_autoprune_policy'),
    (111, 'enable_team_sync'),
    (112, 'disable_team_sync'),
    (113, 'oauth_token_assigned'),
    (114, 'oauth_token_revoked'),
    (115, 'change_tag_immutability'),
    (116, 'create_robot_federation'),
    (117, 'delete_robot_federation'),
    (118, 'federated_robot_token_exchange'),
    (119, 'export_logs_success'),
    (120, 'export_logs_failure'),
    (121, 'org_create_quota'),
    (122, 'org_change_quota'),
    (123, 'org_delete_quota'),
    (124, 'org_create_quota_limit'),
    (125, 'org_change_quota_limit'),
    (126, 'org_delete_quota_limit'),
    (127, 'org_mirror_enabled'),
    (128, 'org_mirror_disabled'),
    (129, 'org_mirror_config_changed'),
    (130, 'org_mirror_sync_started'),
    (131, 'org_mirror_sync_failed'),
    (132, 'org_mirror_sync_success'),
    (133, 'org_mirror_sync_now_requested'),
    (134, 'org_mirror_sync_cancelled'),
    (135, 'org_mirror_repo_created'),
    (136, 'create_immutability_policy'),
    (137, 'update_immutability_policy'),
    (138, 'delete_immutability_policy'),
    (139, 'org_mirror_repo_creation_failed'),
    (140, 'tag_made_immutable_by_policy'),
    (141, 'tags_made_immutable_by_policy'),
    (142, 'create_oauth_api_token'),
    (143, 'revoke_oauth_api_token'),
    (144, 'create_namespace_notification'),
    (145, 'delete_namespace_notification'),
    (146, 'reset_namespace_notification');

INSERT INTO quay.loginservice (id, name) VALUES
    (1, 'github'),
    (2, 'quayrobot'),
    (3, 'ldap'),
    (4, 'google'),
    (5, 'keystone'),
    (6, 'dex'),
    (7, 'jwtauthn'),
    (8, 'oidc');

INSERT INTO quay.mediatype (id, name) VALUES
    (1, 'text/plain'),
    (2, 'application/json'),
    (3, 'text/markdown'),
    (4, 'application/vnd.cnr.blob.v0.tar+gzip'),
    (5, 'application/vnd.cnr.package-manifest.helm.v0.json'),
    (6, 'application/vnd.cnr.package-manifest.kpm.v0.json'),
    (7, 'application/vnd.cnr.package-manifest.docker-compose.v0.json'),
    (8, 'application/vnd.cnr.package.kpm.v0.tar+gzip'),
    (9, 'application/vnd.cnr.package.helm.v0.tar+gzip'),
    (10, 'application/vnd.cnr.package.docker-compose.v0.tar+gzip'),
    (11, 'application/vnd.cnr.manifests.v0.json'),
    (12, 'application/vnd.cnr.manifest.list.v0.json'),
    (13, 'application/vnd.docker.distribution.manifest.v1+prettyjws'),
    (14, 'application/vnd.docker.distribution.manifest.v1+json'),
    (15, 'application/vnd.docker.distribution.manifest.list.v2+json'),
    (16, 'application/vnd.docker.distribution.manifest.v2+json'),
    (17, 'application/vnd.oci.image.index.v1+json'),
    (18, 'application/vnd.oci.image.manifest.v1+json');

INSERT INTO quay.notificationkind (id, name) VALUES
    (1, 'build_failure'),
    (2, 'build_queued'),
    (3, 'build_start'),
    (4, 'build_success'),
    (5, 'expiring_license'),
    (6, 'maintenance'),
    (7, 'org_team_invite'),
    (8, 'over_private_usage'),
    (9, 'password_required'),
    (10, 'repo_push'),
    (11, 'service_key_submitted'),
    (12, 'vulnerability_found'),
    (13, 'build_cancelled'),
    (14, 'repo_mirror_sync_started'),
    (15, 'repo_mirror_sync_success'),
    (16, 'repo_mirror_sync_failed'),
    (17, 'quota_warning'),
    (18, 'quota_error'),
    (19, 'assigned_authorization');

INSERT INTO quay.quotatype (id, name) VALUES
    (1, 'Warning'),
    (2, 'Reject');

INSERT INTO quay.repositorykind (id, name) VALUES
    (1, 'image'),
    (2, 'application');

INSERT INTO quay.role (id, name) VALUES
    (1, 'admin'),
    (2, 'write'),
    (3, 'read');

INSERT INTO quay.tagkind (id, name) VALUES
    (1, 'tag');

INSERT INTO quay.teamrole (id, name) VALUES
    (1, 'admin'),
    (2, 'creator'),
    (3, 'member');

INSERT INTO quay.userpromptkind (id, name) VALUES
    (1, 'confirm_username'),
    (2, 'enter_name'),
    (3, 'enter_company');

INSERT INTO quay.visibility (id, name) VALUES
    (1, 'public'),
    (2, 'private');

INSERT INTO quay.apprtagkind (id, name) VALUES
    (1, 'tag'),
    (2, 'release'),
    (3, 'channel');

INSERT INTO quay.apprblobplacementlocation (id, name) VALUES
    (1, 'local_eu'),
    (2, 'local_us');

-- @part once seed/900_version.sql
-- The version of these tables (ours), and the revision that the reference application expects (its own).

INSERT INTO quay_internal.schema_version (version) VALUES ('1.0');
INSERT INTO quay.alembic_version (version_num) VALUES ('9fa37f66a9b6');

-- @part once schema/900_dump.sql
-- Which rows pg_dump takes along. Runs after the seeds: a table that has rows now is seeded, and its seed rows (ids up to 1000) come
-- back from the install script, not from the dump. All other tables and all sequences are dumped whole.
-- A table added by a later migration is marked in that migration's up.sql.

DO $dump$
DECLARE
    member record;
    seeded boolean;
BEGIN
    FOR member IN
        SELECT c.oid::regclass AS name, c.relkind
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('quay', 'quay_internal') AND c.relkind IN ('r', 'S')
        ORDER BY c.oid
    LOOP
        seeded := false;
        IF member.relkind = 'r' AND member.name NOT IN ('quay.alembic_version'::regclass, 'quay_internal.schema_version'::regclass) THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s)', member.name) INTO seeded;
        END IF;
        PERFORM pg_extension_config_dump(member.name,
            CASE
                WHEN member.name = 'quay.alembic_version'::regclass THEN $$WHERE version_num <> '9fa37f66a9b6'$$
                WHEN seeded THEN 'WHERE id > 1000'
                ELSE ''
            END);
    END LOOP;
END
$dump$;

-- @part always api/010_core.sql
-- What all other parts use: settings, the clock, versions, and finding a namespace, a repository or an actor by name.

CREATE OR REPLACE FUNCTION quay_internal.setting(name text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_setting_get';
COMMENT ON FUNCTION quay_internal.setting(text) IS
    'Value of the setting quay.<name> as text, numbers in their base unit. Loads the library first, which current_setting() does not.';

CREATE OR REPLACE FUNCTION quay_internal.clock() RETURNS timestamptz
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_clock_get';
COMMENT ON FUNCTION quay_internal.clock() IS
    'The present that every function uses: the wall clock, or quay.clock in tests. Read it after a lock is held, not before.';

CREATE OR REPLACE FUNCTION quay_internal.clock_ms() RETURNS bigint
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_clock_get_ms';
COMMENT ON FUNCTION quay_internal.clock_ms() IS 'clock() in milliseconds since 1970, the unit of tag lifetimes.';

CREATE OR REPLACE FUNCTION quay_internal.utc_now() RETURNS timestamp
    LANGUAGE sql VOLATILE PARALLEL SAFE
    RETURN quay_internal.clock() AT TIME ZONE 'UTC';
COMMENT ON FUNCTION quay_internal.utc_now() IS 'clock() as the naive UTC timestamp that the tables hold.';

-- Versions. The rows say which version they are of (see schema/000_schema.sql).

CREATE OR REPLACE FUNCTION quay_internal.version_library() RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_version_library';
COMMENT ON FUNCTION quay_internal.version_library() IS 'Version that the library in this session was built as.';

CREATE OR REPLACE FUNCTION quay.version() RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT string_agg(v.version, ', ' ORDER BY v.version) FROM quay_internal.schema_version AS v);
END
$$;
COMMENT ON FUNCTION quay.version() IS
    'Version of the tables. Two versions mean that a dump of one was restored into the other: every call then refuses with QY090.';

CREATE OR REPLACE FUNCTION quay_internal.version_require(version text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found text := quay.version();
BEGIN
    IF found IS DISTINCT FROM version_require.version THEN
        RAISE EXCEPTION USING ERRCODE = 'QY090',
            MESSAGE = format('this script starts from version %s', version_require.version),
            DETAIL = format('The tables hold rows of version %s.', coalesce(found, 'none')),
            HINT = 'Restore a dump into an empty database that has the extension in the version of the dump, then update.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.version_require(text) IS 'First statement of every update and downgrade script: refuses (QY090) to start from another version.';

CREATE OR REPLACE FUNCTION quay_internal.version_set(version text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay_internal.schema_version
    SET version = version_set.version, installed_at = quay_internal.utc_now();
END
$$;
COMMENT ON FUNCTION quay_internal.version_set(text) IS 'Last statement of every update and downgrade script. At commit every session looks at the version anew.';

CREATE OR REPLACE FUNCTION quay_internal.downgrade_refuse(holds_data boolean, what text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF holds_data AND NOT quay_internal.setting('allow_lossy_downgrade')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY092',
            MESSAGE = 'the older version cannot hold all data',
            DETAIL = format('It has no place for %s.', what),
            HINT = 'Save these rows, then run SET quay.allow_lossy_downgrade = on and the downgrade again: they are dropped.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.downgrade_refuse(boolean, text) IS
    'For down.sql: refuses (QY092) to drop data unless quay.allow_lossy_downgrade is on. First argument: whether there is any.';

CREATE OR REPLACE FUNCTION quay_internal.schema_version_fold() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM quay_internal.schema_version AS v WHERE v.version = NEW.version) THEN
        RETURN NULL;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION quay_internal.schema_version_fold() IS 'Trigger: a restored dump of the same version brings a row that is there already.';

CREATE OR REPLACE FUNCTION quay_internal.cache_invalidate() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'quay_cache_invalidate';
COMMENT ON FUNCTION quay_internal.cache_invalidate() IS 'Trigger: at commit every session forgets what it remembers of this table.';

CREATE OR REPLACE TRIGGER schema_version_fold BEFORE INSERT ON quay_internal.schema_version
    FOR EACH ROW EXECUTE FUNCTION quay_internal.schema_version_fold();
CREATE OR REPLACE TRIGGER cache_invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON quay_internal.schema_version
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.cache_invalidate();
CREATE OR REPLACE TRIGGER cache_invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON quay.role
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.cache_invalidate();
CREATE OR REPLACE TRIGGER cache_invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON quay.teamrole
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.cache_invalidate();
CREATE OR REPLACE TRIGGER cache_invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON quay.visibility
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.cache_invalidate();
CREATE OR REPLACE TRIGGER cache_invalidate AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON quay.mediatype
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.cache_invalidate();

CREATE OR REPLACE FUNCTION quay_internal.entity_changed() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'quay_entity_changed';
COMMENT ON FUNCTION quay_internal.entity_changed() IS 'Trigger: at commit every session forgets the users and repositories that it remembers.';

CREATE OR REPLACE TRIGGER entity_truncated AFTER TRUNCATE ON quay."user"
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.entity_changed();
CREATE OR REPLACE TRIGGER entity_deleted AFTER DELETE ON quay."user"
    FOR EACH ROW EXECUTE FUNCTION quay_internal.entity_changed();
CREATE OR REPLACE TRIGGER entity_updated AFTER UPDATE ON quay."user"
    FOR EACH ROW
    WHEN ((OLD.id, OLD.username, OLD.organization, OLD.robot, OLD.enabled)
          IS DISTINCT FROM (NEW.id, NEW.username, NEW.organization, NEW.robot, NEW.enabled))
    EXECUTE FUNCTION quay_internal.entity_changed();
CREATE OR REPLACE TRIGGER entity_truncated AFTER TRUNCATE ON quay.repository
    FOR EACH STATEMENT EXECUTE FUNCTION quay_internal.entity_changed();
CREATE OR REPLACE TRIGGER entity_deleted AFTER DELETE ON quay.repository
    FOR EACH ROW EXECUTE FUNCTION quay_internal.entity_changed();
CREATE OR REPLACE TRIGGER entity_updated AFTER UPDATE ON quay.repository
    FOR EACH ROW
    WHEN ((OLD.id, OLD.namespace_user_id, OLD.name, OLD.visibility_id, OLD.state)
          IS DISTINCT FROM (NEW.id, NEW.namespace_user_id, NEW.name, NEW.visibility_id, NEW.state))
    EXECUTE FUNCTION quay_internal.entity_changed();

-- Replication, and the reference application's tests, switch triggers off; these must fire all the same.
ALTER TABLE quay_internal.schema_version ENABLE ALWAYS TRIGGER cache_invalidate;
ALTER TABLE quay.role ENABLE ALWAYS TRIGGER cache_invalidate;
ALTER TABLE quay.teamrole ENABLE ALWAYS TRIGGER cache_invalidate;
ALTER TABLE quay.visibility ENABLE ALWAYS TRIGGER cache_invalidate;
ALTER TABLE quay.mediatype ENABLE ALWAYS TRIGGER cache_invalidate;
ALTER TABLE quay."user" ENABLE ALWAYS TRIGGER entity_truncated;
ALTER TABLE quay."user" ENABLE ALWAYS TRIGGER entity_deleted;
ALTER TABLE quay."user" ENABLE ALWAYS TRIGGER entity_updated;
ALTER TABLE quay.repository ENABLE ALWAYS TRIGGER entity_truncated;
ALTER TABLE quay.repository ENABLE ALWAYS TRIGGER entity_deleted;
ALTER TABLE quay.repository ENABLE ALWAYS TRIGGER entity_updated;

-- Names are validated by the C parsers (src/util/reference.c). They return why a name is illegal, NULL if it is legal.

CREATE OR REPLACE FUNCTION quay_internal.name_problem(kind text, name text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_name_problem';
COMMENT ON FUNCTION quay_internal.name_problem(text, text) IS
    'Why a name is illegal, as a sentence; NULL if it is legal. Kinds: namespace (also team and robot short name), repository, tag.';

CREATE OR REPLACE FUNCTION quay_internal.name_check(kind text, name text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    problem text := CASE WHEN name_check.name IS NULL THEN 'It is NULL.'
                         ELSE quay_internal.name_problem(CASE WHEN kind IN ('team', 'robot') THEN 'namespace' ELSE kind END, name_check.name) END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = CASE kind WHEN 'tag' THEN 'QY040' ELSE 'QY001' END,
            MESSAGE = format('illegal %s name', kind),
            DETAIL = format('"%s": %s', left(name_check.name, 80), problem),
            HINT = CASE kind
                WHEN 'tag' THEN 'Use one letter, digit or underscore, then up to 127 of these, dots and dashes.'
                WHEN 'repository' THEN 'Use lower-case letters, digits, dots, dashes and underscores, parts separated by "/", at most 255 characters.'
                ELSE 'Use 2 to 255 lower-case letters and digits, single dots, dashes or underscores between them.'
            END;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.name_check(text, text) IS
    'Refuses an illegal name: QY040 for a tag, QY001 otherwise. Kinds: namespace, team, robot, repository, tag.';

-- Finding things by name, with the error that a caller wants to see.

CREATE OR REPLACE FUNCTION quay_internal.namespace_get(namespace text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    -- All columns in their order, but NULL for the password_hash: readers have no right to it.
    SELECT u.id, u.uuid, u.username, NULL, u.email, u.verified, u.stripe_id, u.organization, u.robot, u.invoice_email,
           u.invalid_login_attempts, u.last_invalid_login, u.removed_tag_expiration_s, u.enabled, u.invoice_email_address, u.company,
           u.family_name, u.given_name, u.location, u.maximum_queued_builds_count, u.creation_date, u.last_accessed
    INTO result FROM quay."user" AS u WHERE u.username = namespace_get.namespace AND NOT u.robot;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY002',
            MESSAGE = 'namespace does not exist',
            DETAIL = format('There is no user or organization named "%s".', left(namespace_get.namespace, 80)),
            HINT = 'Create it with quay.user_create() or quay.organization_create().';
    END IF;
    IF NOT result.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY004',
            MESSAGE = 'namespace is disabled',
            DETAIL = format('Namespace "%s" was disabled by an administrator.', result.username),
            HINT = 'An administrator of the registry can enable it again.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_get(text) IS 'Enabled person or organization of that name. Errors: QY002 unknown, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay_internal.repository_get(namespace text, repository text, lock boolean DEFAULT false) RETURNS quay.repository
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    result quay.repository;
BEGIN
    IF lock THEN
        -- Keeps the row from being deleted or renamed until we commit, and nobody else from reading or pushing.
        SELECT * INTO result FROM quay.repository AS r
        WHERE r.namespace_user_id = owner.id AND r.name = repository_get.repository FOR KEY SHARE;
    ELSE
        -- All columns in their order, but NULL for the badge_token: readers have no right to it.
        SELECT r.id, r.namespace_user_id, r.name, r.visibility_id, r.description, NULL, r.kind_id, r.trust_enabled, r.state
        INTO result FROM quay.repository AS r
        WHERE r.namespace_user_id = owner.id AND r.name = repository_get.repository;
    END IF;
    IF NOT FOUND OR result.state = 3 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY003',
            MESSAGE = 'repository does not exist',
            DETAIL = format('Namespace "%s" has no repository named "%s".', namespace, left(repository_get.repository, 80)),
            HINT = 'Create it with quay.repository_create().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_get(text, text, boolean) IS
    'Repository of that name that is not marked for deletion, its row locked FOR KEY SHARE if asked. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.repository_require_writable(repository quay.repository, actor text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- state: 0 normal, 1 read-only, 2 mirror, 3 marked for deletion, 4 mirror of an organization
    writable boolean := CASE repository.state
        WHEN 0 THEN true
        WHEN 2 THEN EXISTS (SELECT FROM quay.repomirrorconfig AS c JOIN quay."user" AS u ON u.id = c.internal_robot_id
                            WHERE c.repository_id = repository.id AND u.username = actor)
        WHEN 4 THEN EXISTS (SELECT FROM quay.orgmirrorconfig AS c JOIN quay."user" AS u ON u.id = c.internal_robot_id
                            WHERE c.organization_id = repository.namespace_user_id AND u.username = actor)
        ELSE false
    END;
BEGIN
    IF NOT writable THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'repository does not accept writes',
            DETAIL = format('Repository "%s" is %s.', repository.name,
                CASE repository.state WHEN 1 THEN 'read-only' WHEN 2 THEN 'a mirror: only its robot writes to it'
                    WHEN 4 THEN 'a mirror of an organization: only its robot writes to it' ELSE 'marked for deletion' END),
            HINT = CASE WHEN repository.state IN (2, 4) THEN 'Pass the robot of the mirror as actor.'
                ELSE 'Set the state of the repository to normal first.' END;
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.repository_require_writable(quay.repository, text) IS
    'Refuses (QY005) a write that the state of the repository forbids: read-only, or a mirror and the actor is not its robot.';

-- @part always api/020_secret.sql
-- Passwords, encrypted fields, tokens and digests: the C functions of src/auth/secret.c. No client calls them.

CREATE OR REPLACE FUNCTION quay_internal.password_hash(secret text, cost integer) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_hash';
COMMENT ON FUNCTION quay_internal.password_hash(text, integer) IS
    'bcrypt hash of a secret, 60 characters, prefix $2b$, of a cost from 4 to 20. Bytes after the 72nd have no effect. Errors: QY061 zero byte.';

CREATE OR REPLACE FUNCTION quay_internal.password_verify(secret text, hash text, cost integer DEFAULT 12) RETURNS boolean
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_password_verify';
COMMENT ON FUNCTION quay_internal.password_verify(text, text, integer) IS
    'Does the secret match the bcrypt hash? Never NULL. A NULL hash is no match, and takes the time of a hash of the given cost.';

CREATE OR REPLACE FUNCTION quay_internal.field_encrypt(secret text, max_length integer DEFAULT NULL) RETURNS text
    LANGUAGE C VOLATILE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_encrypt';
COMMENT ON FUNCTION quay_internal.field_encrypt(text, integer) IS
    'Encrypted form (v0$$...) of a secret for a column that takes max_length characters, NULL for any. NULL gives NULL. Errors: QY061 too long.';

CREATE OR REPLACE FUNCTION quay_internal.field_decrypt(stored text) RETURNS text
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_decrypt';
COMMENT ON FUNCTION quay_internal.field_decrypt(text) IS
    'The secret of an encrypted field. NULL gives NULL. Errors: QY060 damaged, or encrypted with another key.';

CREATE OR REPLACE FUNCTION quay_internal.field_matches(stored text, secret text) RETURNS boolean
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_field_matches';
COMMENT ON FUNCTION quay_internal.field_matches(text, text) IS
    'Is the secret that of the encrypted field? In constant time. Never NULL: a missing field or secret is no match. Errors: QY060.';

CREATE OR REPLACE FUNCTION quay_internal.secret_equal(a text, b text) RETURNS boolean
    LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_secret_equal';
COMMENT ON FUNCTION quay_internal.secret_equal(text, text) IS 'Are two secrets equal? In constant time. Never NULL: NULL equals nothing.';

CREATE OR REPLACE FUNCTION quay_internal.token_random(length integer) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_token_random';
COMMENT ON FUNCTION quay_internal.token_random(integer) IS 'Random token of 1 to 1024 characters out of A-Z and 0-9.';

CREATE OR REPLACE FUNCTION quay_internal.token_random_ascii(length integer) RETURNS text
    LANGUAGE C VOLATILE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_token_random_ascii';
COMMENT ON FUNCTION quay_internal.token_random_ascii(integer) IS 'Random token of 1 to 1024 characters out of a-z, A-Z and 0-9.';

CREATE OR REPLACE FUNCTION quay_internal.hashstate_start(algorithm text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_start';
COMMENT ON FUNCTION quay_internal.hashstate_start(text) IS
    'State of a digest, as text, before any data. Algorithms: sha256, sha512. Errors: QY022.';

CREATE OR REPLACE FUNCTION quay_internal.hashstate_update(state text, chunk bytea) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_update';
COMMENT ON FUNCTION quay_internal.hashstate_update(text, bytea) IS 'State of a digest after more data. Errors: QY054 damaged state.';

CREATE OR REPLACE FUNCTION quay_internal.hashstate_final(state text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_hashstate_final';
COMMENT ON FUNCTION quay_internal.hashstate_final(text) IS 'Digest, as algorithm:hex, of all data that went into the state. Errors: QY054.';

CREATE OR REPLACE FUNCTION quay_internal.digest_compute(data bytea, algorithm text DEFAULT 'sha256') RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_digest_compute';
COMMENT ON FUNCTION quay_internal.digest_compute(bytea, text) IS 'Digest, as algorithm:hex, of bytes. Algorithms: sha256, sha512. Errors: QY022.';

-- @part always api/030_log.sql
-- The audit log: who did it, adding a row, and its monthly partitions.

CREATE OR REPLACE FUNCTION quay_internal.actor_id(actor text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    IF actor_id.actor IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT u.id INTO found_id FROM quay."user" AS u WHERE u.username = actor_id.actor;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'actor does not exist',
            DETAIL = format('There is no user, organization or robot named "%s".', left(actor_id.actor, 80)),
            HINT = 'Pass the actor that quay.authenticate() returned, or NULL for anonymous.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.actor_id(text) IS
    'Id of the person, organization or robot that acts; NULL for anonymous. Errors: QY007 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.log_add(kind text, namespace_id bigint, performer_id bigint, repository_id bigint,
                                                 metadata jsonb, ip text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_kind_id bigint;
BEGIN
    SELECT k.id INTO found_kind_id FROM quay.logentrykind AS k WHERE k.name = log_add.kind;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of log entry',
            DETAIL = format('There is no kind named "%s".', left(log_add.kind, 80)),
            HINT = 'The table quay.logentrykind lists the kinds.';
    END IF;
    INSERT INTO quay.logentry3 (kind_id, account_id, performer_id, repository_id, datetime, ip, metadata_json)
    VALUES (found_kind_id,
            -- What belongs to no namespace is shown to the first account, as the reference does.
            coalesce(log_add.namespace_id, (SELECT min(u.id) FROM quay."user" AS u), 0),
            log_add.performer_id, log_add.repository_id, quay_internal.utc_now(), left(log_add.ip, 255),
            coalesce(log_add.metadata, '{}')::text);
END
$$;
COMMENT ON FUNCTION quay_internal.log_add(text, bigint, bigint, bigint, jsonb, text) IS
    'Adds a row to the audit log. A NULL namespace means the account with the smallest id. Errors: QY009 unknown kind.';

CREATE OR REPLACE FUNCTION quay_internal.log_partition_missing(months_ahead integer) RETURNS SETOF timestamp
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    this_month timestamp := date_trunc('month', quay_internal.utc_now());
BEGIN
    RETURN QUERY
        SELECT wanted.month
        FROM (SELECT g.month
              FROM generate_series(this_month, this_month + make_interval(months => months_ahead), interval '1 month') AS g (month)
              UNION
              SELECT date_trunc('month', l.datetime) FROM quay.logentry3_default AS l WHERE isfinite(l.datetime)) AS wanted
        WHERE NOT EXISTS (SELECT FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
                          WHERE i.inhparent = 'quay.logentry3'::regclass
                            AND c.relname = to_char(wanted.month, '"logentry3_y"YYYY"m"MM'))
        ORDER BY wanted.month;
END
$$;
COMMENT ON FUNCTION quay_internal.log_partition_missing(integer) IS
    'First days of the months that need a partition of the audit log and have none: this one, the coming ones, and those of rows in the default partition.';

CREATE OR REPLACE FUNCTION quay.log_partition_ensure(months_ahead integer DEFAULT 3) RETURNS SETOF text
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    month timestamp;
    name text;
BEGIN
    -- One call at a time, before anything is read: a read lock on the default partition, once held, would deadlock with the other call's
    -- exclusive one. It keeps neither readers nor writers waiting.
    LOCK TABLE quay.logentry3 IN SHARE UPDATE EXCLUSIVE MODE;
    IF NOT EXISTS (SELECT FROM quay_internal.log_partition_missing(months_ahead)) THEN
        RETURN;
    END IF;

    -- No row may arrive between the move and the attachment. ATTACH PARTITION needs this lock anyhow.
    LOCK TABLE quay.logentry3_default IN ACCESS EXCLUSIVE MODE;
    FOR month IN SELECT m FROM quay_internal.log_partition_missing(months_ahead) AS m LOOP
        name := to_char(month, '"logentry3_y"YYYY"m"MM');
        EXECUTE format('CREATE TABLE quay.%I (LIKE quay.logentry3_default INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE quay.%I OWNER TO %I', name,
            (SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = 'quay.logentry3'::regclass));
        EXECUTE format('COMMENT ON TABLE quay.%I IS %L', name, 'Audit log of the month that its name says.');
        EXECUTE format('WITH moved AS (DELETE FROM quay.logentry3_default WHERE datetime >= %2$L AND datetime < %3$L RETURNING *) '
                       'INSERT INTO quay.%1$I SELECT * FROM moved', name, month, month + interval '1 month');
        EXECUTE format('ALTER TABLE quay.logentry3 ATTACH PARTITION quay.%I FOR VALUES FROM (%L) TO (%L)',
            name, month, month + interval '1 month');
        RETURN NEXT name;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.log_partition_ensure(integer) IS
    'Makes the monthly partitions of the audit log for this and the coming months, and for months of which the default partition holds rows, which it moves. Returns the names of the new ones; a call that finds nothing to do keeps nobody waiting but other such calls. For the owner of the tables.';

-- @part always api/100_user.sql
-- Names and e-mail addresses of namespaces, and people.

CREATE OR REPLACE FUNCTION quay_internal.person_get(username text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    SELECT * INTO result FROM quay."user" AS u
    WHERE u.username = person_get.username AND NOT u.robot AND NOT u.organization;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no person named "%s".', left(person_get.username, 80)),
            HINT = 'Create the user with quay.user_create().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.person_get(text) IS 'Person of that name, enabled or not. Errors: QY007 unknown, or an organization or a robot.';

CREATE OR REPLACE FUNCTION quay_internal.namespace_lock(namespace text) RETURNS quay."user"
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- FOR KEY SHARE holds off a rename and a deletion, and nothing else. A name that went away while we waited is unknown below.
    PERFORM FROM quay."user" AS u WHERE u.username = namespace_lock.namespace FOR KEY SHARE;
    RETURN quay_internal.namespace_get(namespace);
END
$$;
COMMENT ON FUNCTION quay_internal.namespace_lock(text) IS
    'Enabled person or organization of that name, kept from being renamed or deleted until we commit. Errors: QY002, QY004.';

CREATE OR REPLACE FUNCTION quay_internal.password_check(password text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- White space of Unicode, spelt out: \s would depend on the locale.
    problem text := CASE
        WHEN password_check.password IS NULL THEN 'It is NULL.'
        WHEN char_length(password_check.password) < 8 THEN format('It has %s characters.', char_length(password_check.password))
        WHEN password_check.password COLLATE "C" ~ '[\u0009-\u000D\u001C-\u0020\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]'
            THEN 'It contains white space.'
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY012',
            MESSAGE = 'password is not acceptable',
            DETAIL = problem,
            HINT = 'Use at least 8 characters and no white space.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.password_check(text) IS 'Refuses (QY012) a password shorter than 8 characters or with white space.';

CREATE OR REPLACE FUNCTION quay_internal.email_check(email text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF email_check.email IS NULL OR char_length(email_check.email) > 254
        OR email_check.email COLLATE "C" !~ '^[^@]+@[^@.]+(\.[^@.]+)+$' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY010',
            MESSAGE = 'invalid e-mail address',
            DETAIL = CASE WHEN email_check.email IS NULL THEN 'It is NULL.'
                          ELSE format('The address given is "%s".', left(email_check.email, 80)) END,
            HINT = 'Use name@domain, the domain with a dot in it, at most 254 characters.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.email_check(text) IS 'Refuses (QY010) what is not an e-mail address: name@domain, at least one dot in the domain, at most 254 characters.';

CREATE OR REPLACE FUNCTION quay_internal.email_taken(email text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY011',
        MESSAGE = 'e-mail address is already used',
        DETAIL = format('Another user has the address "%s".', left(email_taken.email, 80)),
        HINT = 'Use another address.';
END
$$;
COMMENT ON FUNCTION quay_internal.email_taken(text) IS 'Raises QY011: another user has this address.';

CREATE OR REPLACE FUNCTION quay_internal.name_taken(name text, what text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'QY006',
        MESSAGE = 'name is already taken',
        DETAIL = format('%s named "%s" exists.', what, name_taken.name),
        HINT = 'Use another name.';
END
$$;
COMMENT ON FUNCTION quay_internal.name_taken(text, text) IS 'Raises QY006: something of that name exists. The second argument says what, as in "A team".';

CREATE OR REPLACE FUNCTION quay_internal.account_insert(username text, email text, password_hash text DEFAULT NULL, verified boolean DEFAULT false,
                                                        organization boolean DEFAULT false, robot boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    new_id bigint;
    violated text;
    holder quay."user";
BEGIN
    BEGIN
        INSERT INTO quay."user" (uuid, username, password_hash, email, verified, organization, robot, invoice_email,
                                 last_invalid_login, removed_tag_expiration_s, creation_date)
        VALUES (gen_random_uuid()::text, account_insert.username, account_insert.password_hash,
                -- The column takes no NULL; as in the reference, a value that is no address stands for none.
                coalesce(account_insert.email, gen_random_uuid()::text),
                account_insert.verified, account_insert.organization, account_insert.robot, false,
                quay_internal.utc_now(), quay_internal.setting('default_tag_expiration')::bigint, quay_internal.utc_now())
        RETURNING id INTO new_id;
    EXCEPTION WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = CONSTRAINT_NAME;
        -- If both the name and the address are taken, the name is what one wants to hear about.
        SELECT * INTO holder FROM quay."user" AS u WHERE u.username = account_insert.username;
        IF FOUND OR violated = 'user_username' THEN
            PERFORM quay_internal.name_taken(account_insert.username,
                CASE WHEN holder.organization THEN 'An organization' WHEN account_insert.robot THEN 'A robot' ELSE 'A user' END);
        ELSIF violated = 'user_email_unique_non_org' THEN
            PERFORM quay_internal.email_taken(account_insert.email);
        END IF;
        RAISE;
    END;

    -- After the insertion: it waited for whoever was just renaming the namespace away to delete it.
    IF EXISTS (SELECT FROM quay.deletednamespace AS d WHERE d.original_username = account_insert.username) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'name is not available',
            DETAIL = format('The namespace "%s" is being deleted.', account_insert.username),
            HINT = 'The name is free once its data have been purged.';
    END IF;
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay_internal.account_insert(text, text, text, boolean, boolean, boolean) IS
    'Adds a row for a person, an organization or a robot, whose name was checked, and returns its id. Errors: QY006 name taken, QY011 e-mail taken.';

CREATE OR REPLACE FUNCTION quay.user_create(username text, password text, email text, verified boolean DEFAULT false,
                                            email_required boolean DEFAULT true, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(actor);
    address text := nullif(user_create.email, '');
    new_id bigint;
BEGIN
    PERFORM quay_internal.password_check(user_create.password);
    IF user_create.email_required THEN
        PERFORM quay_internal.email_check(address);
    END IF;
    PERFORM quay_internal.name_check('namespace', user_create.username);

    new_id := quay_internal.account_insert(user_create.username, address,
        quay_internal.password_hash(user_create.password, quay_internal.setting('bcrypt_cost')::integer), user_create.verified);
    PERFORM quay_internal.log_add('user_create', new_id, performer_id, NULL,
        jsonb_build_object('username', user_create.username, 'email', address), user_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.user_create(text, text, text, boolean, boolean, text, text) IS
    'Creates a person and returns its id. verified: the e-mail address needs no confirmation. email_required false: NULL or empty is no address, and a given one is not checked for its form. Errors: QY001 illegal name, QY006 name taken, QY007 actor unknown, QY010 e-mail invalid, QY011 e-mail taken, QY012 password refused.';

-- @part always api/110_organization.sql
-- Organizations, their teams and the members of these.

CREATE OR REPLACE FUNCTION quay_internal.organization_get(organization text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user" := quay_internal.namespace_get(organization);
BEGIN
    IF NOT result.organization THEN
        RAISE EXCEPTION USING ERRCODE = 'QY002',
            MESSAGE = 'organization does not exist',
            DETAIL = format('"%s" is a person.', result.username),
            HINT = 'Only organizations have teams.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_get(text) IS 'Enabled organization of that name. Errors: QY002 unknown or a person, QY004 disabled.';

CREATE OR REPLACE FUNCTION quay_internal.team_get(organization quay."user", team text) RETURNS quay.team
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.team;
BEGIN
    SELECT * INTO result FROM quay.team AS t WHERE t.organization_id = team_get.organization.id AND t.name = team_get.team;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY008',
            MESSAGE = 'team does not exist',
            DETAIL = format('"%s" has no team named "%s".', team_get.organization.username, left(team_get.team, 80)),
            HINT = 'Create it with quay.team_create().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.team_get(quay."user", text) IS 'Team of that name of a namespace. Errors: QY008 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.grantee_get(namespace quay."user", username text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    SELECT * INTO result FROM quay."user" AS u WHERE u.username = grantee_get.username;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY007',
            MESSAGE = 'user does not exist',
            DETAIL = format('There is no person or robot named "%s".', left(grantee_get.username, 80)),
            HINT = 'Create it with quay.user_create() or quay.robot_create().';
    END IF;
    IF result.organization THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization cannot be a member or hold a permission',
            DETAIL = format('"%s" is an organization.', result.username),
            HINT = 'Name a person, a robot or a team.';
    END IF;
    IF result.robot AND split_part(result.username, '+', 1) <> grantee_get.namespace.username THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'robot belongs to another namespace',
            DETAIL = format('Robot "%s" cannot be used under namespace "%s".', result.username, grantee_get.namespace.username),
            HINT = format('Create a robot of "%s".', grantee_get.namespace.username);
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.grantee_get(quay."user", text) IS
    'Person, or robot of this namespace, who can be a member of its teams or hold permissions in it. Errors: QY007 unknown, QY013 an organization or a foreign robot.';

CREATE OR REPLACE FUNCTION quay_internal.teamrole_id(role text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT r.id INTO found_id FROM quay.teamrole AS r WHERE r.name = teamrole_id.role ORDER BY r.id LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown role of a team',
            DETAIL = format('There is no role "%s".', left(teamrole_id.role, 80)),
            HINT = 'Roles of a team are admin, creator and member.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.teamrole_id(text) IS 'Id of a team role: admin, creator or member. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay.organization_create(name text, email text, creator text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_admin quay."user" := quay_internal.person_get(organization_create.creator);
    performer_id bigint := coalesce(quay_internal.actor_id(organization_create.actor), first_admin.id);
    address text := nullif(organization_create.email, '');
    new_id bigint;
    owners_id bigint;
BEGIN
    IF NOT first_admin.enabled THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('User "%s" is disabled.', first_admin.username),
            HINT = 'Name another creator.';
    END IF;
    PERFORM quay_internal.name_check('namespace', organization_create.name);
    IF address IS NOT NULL THEN
        PERFORM quay_internal.email_check(address);
        -- Organizations may share an address among themselves, but not with a user.
        IF EXISTS (SELECT FROM quay."user" AS u WHERE u.email = address AND NOT u.organization) THEN
            PERFORM quay_internal.email_taken(address);
        END IF;
    END IF;

    new_id := quay_internal.account_insert(organization_create.name, address, organization => true);
    INSERT INTO quay.team (name, organization_id, role_id, description)
    VALUES ('owners', new_id, quay_internal.teamrole_id('admin'), '')
    RETURNING id INTO owners_id;
    INSERT INTO quay.teammember (user_id, team_id) VALUES (first_admin.id, owners_id);
    PERFORM quay_internal.log_add('org_create', new_id, performer_id, NULL,
        jsonb_build_object('namespace', organization_create.name, 'email', address), organization_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.organization_create(text, text, text, text, text) IS
    'Creates an organization, its team "owners" of role admin and the creator as its first member, and returns its id. e-mail: NULL or empty for none; organizations may share one. Errors: QY001 illegal name, QY006 name taken, QY007 creator or actor unknown, QY010 e-mail invalid, QY011 a user has the e-mail, QY013 creator disabled.';

CREATE OR REPLACE FUNCTION quay.team_create(organization text, name text, role text, description text DEFAULT '',
                                            actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    performer_id bigint := quay_internal.actor_id(team_create.actor);
    new_id bigint;
BEGIN
    PERFORM quay_internal.name_check('team', team_create.name);
    INSERT INTO quay.team (name, organization_id, role_id, description)
    VALUES (team_create.name, org.id, quay_internal.teamrole_id(team_create.role), coalesce(team_create.description, ''))
    ON CONFLICT DO NOTHING
    RETURNING id INTO new_id;
    IF NOT FOUND THEN
        PERFORM quay_internal.name_taken(team_create.name, 'A team');
    END IF;
    PERFORM quay_internal.log_add('org_create_team', org.id, performer_id, NULL,
        jsonb_build_object('team', team_create.name, 'role', team_create.role), team_create.ip);
    RETURN new_id;
END
$$;
COMMENT ON FUNCTION quay.team_create(text, text, text, text, text, text) IS
    'Creates a team of an organization, of role admin, creator or member, and returns its id. Errors: QY001 illegal name, QY002 organization unknown, QY004 disabled, QY006 name taken, QY007 actor unknown, QY009 unknown role.';

CREATE OR REPLACE FUNCTION quay.team_member_add(organization text, team text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    target quay.team := quay_internal.team_get(org, team);
    member quay."user" := quay_internal.grantee_get(org, username);
    performer_id bigint := quay_internal.actor_id(team_member_add.actor);
BEGIN
    INSERT INTO quay.teammember (user_id, team_id) VALUES (member.id, target.id) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.log_add('org_add_team_member', org.id, performer_id, NULL,
        jsonb_build_object('team', target.name, 'member', member.username), team_member_add.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.team_member_add(text, text, text, text, text) IS
    'Adds a person, or a robot of the organization, to a team, without invitation. True if added, false for a member already. Errors: QY002 organization unknown, QY004 disabled, QY007 user or actor unknown, QY008 team unknown, QY013 an organization or a foreign robot.';

CREATE OR REPLACE FUNCTION quay_internal.organization_require_admin(organization quay."user") RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The lock on one remaining membership is for REPEATABLE READ, where a membership that another session removed still shows:
    -- locking it then fails with a serialization error.
    PERFORM FROM quay.teammember AS m
    JOIN quay.team AS t ON t.id = m.team_id
    JOIN quay.teamrole AS r ON r.id = t.role_id
    JOIN quay."user" AS u ON u.id = m.user_id
    WHERE t.organization_id = organization_require_admin.organization.id AND r.name = 'admin' AND u.enabled AND NOT u.robot
    LIMIT 1
    FOR KEY SHARE OF m;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY013',
            MESSAGE = 'an organization needs an enabled administrator',
            DETAIL = format('Nobody could administer "%s" any more.', organization_require_admin.organization.username),
            HINT = 'Add another person to a team of role admin first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.organization_require_admin(quay."user") IS
    'Refuses (QY013) a change that left no enabled person in any team of role admin. The caller made the change and holds the lock on the row of the organization.';

CREATE OR REPLACE FUNCTION quay.team_member_remove(organization text, team text, username text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    org quay."user" := quay_internal.organization_get(organization);
    performer_id bigint := quay_internal.actor_id(team_member_remove.actor);
    target quay.team;
    member quay."user";
BEGIN
    -- One at a time, or two administrators could remove each other.
    PERFORM FROM quay."user" AS u WHERE u.id = org.id FOR NO KEY UPDATE;
    target := quay_internal.team_get(org, team);
    SELECT * INTO member FROM quay."user" AS u WHERE u.username = team_member_remove.username;
    DELETE FROM quay.teammember AS m WHERE m.team_id = target.id AND m.user_id = member.id;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF member.enabled AND NOT member.robot AND target.role_id = quay_internal.teamrole_id('admin') THEN
        PERFORM quay_internal.organization_require_admin(org);
    END IF;
    PERFORM quay_internal.log_add('org_remove_team_member', org.id, performer_id, NULL,
        jsonb_build_object('team', target.name, 'member', member.username), team_member_remove.ip);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.team_member_remove(text, text, text, text, text) IS
    'Removes a member from a team. True if removed, false if it was no member. Errors: QY002 organization unknown, QY004 disabled, QY007 actor unknown, QY008 team unknown, QY013 the organization would have no enabled administrator.';

-- @part always api/120_robot.sql
-- Robots: accounts of a namespace for programs.

CREATE OR REPLACE FUNCTION quay.robot_create(namespace text, shortname text, description text DEFAULT '', metadata jsonb DEFAULT '{}',
                                             given_token text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (username text, token text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(robot_create.actor);
    robot_id bigint;
BEGIN
    IF quay_internal.setting('robots_disallow')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY014',
            MESSAGE = 'robots are not allowed',
            DETAIL = 'The setting quay.robots_disallow is on.',
            HINT = 'An administrator of the server can switch it off.';
    END IF;
    PERFORM quay_internal.name_check('robot', shortname);
    username := owner.username || '+' || shortname;
    IF char_length(username) > 255 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY001',
            MESSAGE = 'illegal robot name',
            DETAIL = format('The full name, namespace+shortname, would have %s characters.', char_length(username)),
            HINT = 'The full name may have at most 255 characters.';
    END IF;
    IF given_token !~ '^[A-Z0-9]{64}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY061',
            MESSAGE = 'invalid token for a robot',
            DETAIL = 'A token has exactly 64 characters, upper-case letters and digits.',
            HINT = 'Pass NULL to have one made.';
    END IF;
    token := coalesce(given_token, quay_internal.token_random(64));

    robot_id := quay_internal.account_insert(username, NULL, robot => true);
    INSERT INTO quay.robotaccounttoken (robot_account_id, token, fully_migrated)
    VALUES (robot_id, quay_internal.field_encrypt(robot_create.token, 255), true);
    INSERT INTO quay.federatedlogin (user_id, service_id, service_ident, metadata_json)
    SELECT robot_id, s.id, 'robot:' || robot_id, '{}' FROM quay.loginservice AS s WHERE s.name = 'quayrobot';
    INSERT INTO quay.robotaccountmetadata (robot_account_id, description, unstructured_json)
    VALUES (robot_id, left(coalesce(robot_create.description, ''), 255), coalesce(metadata, '{}')::text);
    PERFORM quay_internal.log_add('create_robot', owner.id, performer_id, NULL,
        jsonb_build_object('robot', shortname, 'description', robot_create.description, 'unstructured_metadata', metadata), robot_create.ip);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.robot_create(text, text, text, jsonb, text, text, text) IS
    'Creates the robot namespace+shortname and returns its full name and token, given_token or a random one. A description is cut to 255 characters. Errors: QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY006 name taken, QY007 actor unknown, QY014 robots disallowed, QY061 illegal token.';

-- @part always api/130_repository.sql
-- Repositories: creation with everything that belongs to it, state, visibility, and the indexes of the search.

CREATE OR REPLACE FUNCTION quay_internal.visibility_id(visibility text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT v.id INTO found_id FROM quay.visibility AS v WHERE v.name = visibility_id.visibility;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown visibility',
            DETAIL = format('There is no visibility "%s".', left(visibility_id.visibility, 80)),
            HINT = 'A repository is public or private.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.visibility_id(text) IS 'Id of a visibility: public or private. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.repositorykind_id(kind text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT k.id INTO found_id FROM quay.repositorykind AS k WHERE k.name = repositorykind_id.kind;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of repository',
            DETAIL = format('There is no kind "%s".', left(repositorykind_id.kind, 80)),
            HINT = 'Kinds of a repository are image and application.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.repositorykind_id(text) IS 'Id of a kind of repository: image or application. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.role_id(role text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT r.id INTO found_id FROM quay.role AS r WHERE r.name = role_id.role;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown role in a repository',
            DETAIL = format('There is no role "%s".', left(role_id.role, 80)),
            HINT = 'Roles in a repository are read, write and admin.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.role_id(text) IS 'Id of a role in a repository: read, write or admin. Errors: QY009 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.permission_apply_default(repository quay.repository, creator_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- For each delegate a prototype of this creator goes before one for everybody, and a younger one before an older one.
    INSERT INTO quay.repositorypermission (user_id, team_id, repository_id, role_id)
    SELECT DISTINCT ON (p.delegate_user_id, p.delegate_team_id)
           p.delegate_user_id, p.delegate_team_id, repository.id, p.role_id
    FROM quay.permissionprototype AS p
    WHERE p.org_id = repository.namespace_user_id
      AND (p.activating_user_id = creator_id OR p.activating_user_id IS NULL)
      AND num_nonnulls(p.delegate_user_id, p.delegate_team_id) = 1
      AND p.delegate_user_id IS DISTINCT FROM creator_id
    ORDER BY p.delegate_user_id, p.delegate_team_id, p.activating_user_id IS NULL, p.id DESC;
END
$$;
COMMENT ON FUNCTION quay_internal.permission_apply_default(quay.repository, bigint) IS
    'Gives the default permissions of the namespace to a repository just created, except to its creator, who has more.';

CREATE OR REPLACE FUNCTION quay.repository_create(namespace text, name text, creator text DEFAULT NULL, visibility text DEFAULT 'private',
                                                  description text DEFAULT NULL, kind text DEFAULT 'image',
                                                  actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_lock(namespace);
    performer_id bigint := quay_internal.actor_id(coalesce(repository_create.actor, repository_create.creator));
    author quay."user";
    created quay.repository;
BEGIN
    PERFORM quay_internal.name_check('repository', repository_create.name);
    IF repository_create.creator IS NOT NULL THEN
        SELECT * INTO author FROM quay."user" AS u WHERE u.id = quay_internal.actor_id(repository_create.creator);
    END IF;

    INSERT INTO quay.repository (namespace_user_id, name, visibility_id, description, badge_token, kind_id)
    VALUES (owner.id, repository_create.name, quay_internal.visibility_id(repository_create.visibility),
            repository_create.description, gen_random_uuid()::text, quay_internal.repositorykind_id(repository_create.kind))
    ON CONFLICT DO NOTHING
    RETURNING * INTO created;
    IF NOT FOUND THEN
        PERFORM quay_internal.name_taken(namespace || '/' || repository_create.name, 'A repository');
    END IF;

    -- The reference's search score reads a first day that is over.
    INSERT INTO quay.repositoryactioncount (repository_id, count, date)
    VALUES (created.id, 0, quay_internal.utc_now()::date - 1);
    INSERT INTO quay.repositorysearchscore (repository_id, score) VALUES (created.id, 0);
    IF author.id IS NOT NULL AND NOT author.organization THEN
        INSERT INTO quay.repositorypermission (user_id, repository_id, role_id)
        VALUES (author.id, created.id, quay_internal.role_id('admin'));
        IF author.id <> owner.id THEN
            PERFORM quay_internal.permission_apply_default(created, author.id);
        END IF;
    END IF;
    PERFORM quay_internal.log_add('create_repo', owner.id, performer_id, created.id,
        jsonb_build_object('namespace', namespace, 'repo', repository_create.name), repository_create.ip);
    RETURN created.id;
END
$$;
COMMENT ON FUNCTION quay.repository_create(text, text, text, text, text, text, text, text) IS
    'Creates a repository and returns its id. The creator, unless an organization, gets the role admin, and the default permissions of the namespace apply unless the creator is its owner. visibility: public or private; kind: image or application. The actor is the creator unless given. Errors: QY001 illegal name, QY002 namespace unknown, QY004 disabled, QY006 name taken, QY007 creator or actor unknown, QY009 unknown visibility or kind.';

CREATE OR REPLACE FUNCTION quay.repository_set_state(namespace text, name text, state text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_set_state.actor);
    new_state integer := CASE repository_set_state.state WHEN 'normal' THEN 0 WHEN 'read_only' THEN 1 WHEN 'mirror' THEN 2 END;
    target quay.repository;
BEGIN
    IF new_state IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown state of a repository',
            DETAIL = format('There is no state "%s" that can be set.', left(repository_set_state.state, 80)),
            HINT = 'States are normal, read_only and mirror.';
    END IF;

    -- FOR UPDATE waits for pushes under way, which hold FOR KEY SHARE: once we commit, nothing is pushed under the old state.
    PERFORM FROM quay.repository AS r JOIN quay."user" AS u ON u.id = r.namespace_user_id
    WHERE u.username = repository_set_state.namespace AND r.name = repository_set_state.name FOR UPDATE OF r;
    target := quay_internal.repository_get(namespace, name);
    IF target.state = 4 THEN
        RAISE EXCEPTION USING ERRCODE = 'QY005',
            MESSAGE = 'repository is a mirror of an organization',
            DETAIL = format('The state of "%s/%s" follows the mirror configuration of its organization.', namespace, target.name),
            HINT = 'Remove the mirror configuration of the organization.';
    END IF;
    UPDATE quay.repository AS r SET state = new_state WHERE r.id = target.id;
    PERFORM quay_internal.log_add('change_repo_state', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'state_changed', repository_set_state.state), repository_set_state.ip);
END
$$;
COMMENT ON FUNCTION quay.repository_set_state(text, text, text, text, text) IS
    'Sets the state of a repository: normal, read_only or mirror. Waits for pushes under way, so that none is committed under the old state afterwards. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY005 mirror of an organization, QY007 actor unknown, QY009 unknown state.';

CREATE OR REPLACE FUNCTION quay.repository_set_visibility(namespace text, name text, visibility text, actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    performer_id bigint := quay_internal.actor_id(repository_set_visibility.actor);
    new_visibility_id bigint := quay_internal.visibility_id(repository_set_visibility.visibility);
    target quay.repository := quay_internal.repository_get(namespace, name, lock => true);
BEGIN
    UPDATE quay.repository AS r SET visibility_id = new_visibility_id WHERE r.id = target.id;
    PERFORM quay_internal.log_add('change_repo_visibility', target.namespace_user_id, performer_id, target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'visibility', repository_set_visibility.visibility), repository_set_visibility.ip);
END
$$;
COMMENT ON FUNCTION quay.repository_set_visibility(text, text, text, text, text) IS
    'Makes a repository public or private. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 actor unknown, QY009 unknown visibility.';

CREATE OR REPLACE FUNCTION quay.search_index_create() RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    trgm_schema name;
    indexed text;
BEGIN
    SELECT n.nspname INTO trgm_schema FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm';
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOREACH indexed IN ARRAY ARRAY['name', 'description'] LOOP
        CONTINUE WHEN to_regclass(format('quay.repository_%s__fulltext', indexed)) IS NOT NULL;
        -- IF NOT EXISTS alone loses a race: of two calls the second waits here.
        LOCK TABLE quay.repository IN SHARE ROW EXCLUSIVE MODE;
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON quay.repository USING gin (%I %I.gin_trgm_ops)',
            format('repository_%s__fulltext', indexed), indexed, trgm_schema);
    END LOOP;
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.search_index_create() IS
    'Creates the trigram indexes for repository search where they are missing. False if the extension pg_trgm is not installed. For the owner of the tables.';

-- @part always api/140_permission.sql
-- Who may do what in a repository.

CREATE OR REPLACE FUNCTION quay.permission_set(namespace text, repository text, grantee_kind text, grantee text, role text,
                                               actor text DEFAULT NULL, ip text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user" := quay_internal.namespace_get(namespace);
    performer_id bigint := quay_internal.actor_id(permission_set.actor);
    new_role_id bigint := CASE WHEN permission_set.role IS NOT NULL THEN quay_internal.role_id(permission_set.role) END;
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    holder_user_id bigint;
    holder_team_id bigint;
    added boolean;
BEGIN
    IF grantee_kind = 'user' THEN
        IF grantee = owner.username THEN
            RAISE EXCEPTION USING ERRCODE = 'QY013',
                MESSAGE = 'the owner of a namespace is always admin',
                DETAIL = format('"%s" owns the namespace.', grantee),
                HINT = 'Name somebody else.';
        END IF;
        holder_user_id := (quay_internal.grantee_get(owner, grantee)).id;
    ELSIF grantee_kind = 'team' THEN
        holder_team_id := (quay_internal.team_get(owner, grantee)).id;
    ELSE
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of grantee',
            DETAIL = format('There is no kind "%s".', left(grantee_kind, 80)),
            HINT = 'A grantee is a user or a team; a robot is a user.';
    END IF;

    IF new_role_id IS NULL THEN
        DELETE FROM quay.repositorypermission AS p
        WHERE p.repository_id = target.id AND (p.user_id = holder_user_id OR p.team_id = holder_team_id);
    ELSIF holder_user_id IS NOT NULL THEN
        INSERT INTO quay.repositorypermission AS p (user_id, repository_id, role_id) VALUES (holder_user_id, target.id, new_role_id)
        ON CONFLICT (user_id, repository_id) DO UPDATE SET role_id = EXCLUDED.role_id WHERE p.role_id <> EXCLUDED.role_id
        RETURNING p.xmax = 0 INTO added;
    ELSE
        INSERT INTO quay.repositorypermission AS p (team_id, repository_id, role_id) VALUES (holder_team_id, target.id, new_role_id)
        ON CONFLICT (team_id, repository_id) DO UPDATE SET role_id = EXCLUDED.role_id WHERE p.role_id <> EXCLUDED.role_id
        RETURNING p.xmax = 0 INTO added;
    END IF;
    -- A retry changes nothing and leaves no second trace. A row that was inserted, not updated, has no xmax.
    IF FOUND THEN
        PERFORM quay_internal.log_add(
            CASE WHEN new_role_id IS NULL THEN 'delete_repo_permission' WHEN added THEN 'add_repo_permission' ELSE 'change_repo_permission' END,
            owner.id, performer_id, target.id,
            jsonb_strip_nulls(jsonb_build_object('namespace', namespace, 'repo', target.name, 'role', permission_set.role,
                CASE grantee_kind WHEN 'user' THEN 'username' ELSE 'team' END, grantee)),
            permission_set.ip);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.permission_set(text, text, text, text, text, text, text) IS
    'Gives a user (also a robot) or a team of the namespace the role read, write or admin in a repository, in place of the one it has. role NULL takes the permission away. Nothing happens, and nothing is logged, if it is so already. grantee_kind: user or team. Errors: QY002 namespace unknown, QY003 repository unknown, QY004 disabled, QY007 user or actor unknown, QY008 team unknown, QY009 unknown role or kind, QY013 owner of the namespace, organization or foreign robot.';

-- @part always api/150_authenticate.sql
-- Who is it? From a user name and a secret to an actor.

CREATE OR REPLACE FUNCTION quay_internal.can_write() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NOT current_setting('transaction_read_only')::boolean;
COMMENT ON FUNCTION quay_internal.can_write() IS 'May this transaction write? Not on a standby, and not if it is read-only.';

CREATE OR REPLACE FUNCTION quay_internal.user_touch(user_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stale_before timestamp := quay_internal.utc_now() - interval '60 s';
BEGIN
    -- One row version a minute is enough, and a busy robot must not queue up behind itself.
    UPDATE quay."user" AS u SET last_accessed = quay_internal.utc_now()
    FROM (SELECT s.id FROM quay."user" AS s
          WHERE s.id = user_touch.user_id AND (s.last_accessed IS NULL OR s.last_accessed < stale_before)
          FOR NO KEY UPDATE SKIP LOCKED) AS stale
    WHERE u.id = stale.id;
END
$$;
COMMENT ON FUNCTION quay_internal.user_touch(bigint) IS 'Records that a user was active now, at most once a minute.';

CREATE OR REPLACE FUNCTION quay_internal.login_wait(account quay."user") RETURNS interval
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- 2^30 half-seconds are beyond every limit that can be set.
    wait_seconds double precision := least(0.5 * (2 ^ least(account.invalid_login_attempts, 30) - 1),
                                           quay_internal.setting('login_backoff_limit')::double precision);
    remaining interval := account.last_invalid_login + make_interval(secs => wait_seconds) - quay_internal.utc_now();
BEGIN
    RETURN CASE WHEN account.invalid_login_attempts > 0 AND remaining > interval '0' THEN remaining END;
END
$$;
COMMENT ON FUNCTION quay_internal.login_wait(quay."user") IS
    'How long failed logins still keep this user waiting: 0.5 * (2^n - 1) seconds after the last of n, up to quay.login_backoff_limit; NULL if not.';

CREATE OR REPLACE FUNCTION quay_internal.login_account(username text) RETURNS quay."user"
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay."user";
BEGIN
    -- A name goes before an address: nobody can catch somebody else's login by taking it as an address.
    SELECT * INTO result FROM quay."user" AS u
    WHERE u.username = login_account.username AND NOT u.organization AND NOT u.robot;
    IF NOT FOUND THEN
        SELECT * INTO result FROM quay."user" AS u
        WHERE u.email = login_account.username AND NOT u.organization AND NOT u.robot;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.login_account(text) IS 'Person of that user name, else of that e-mail address; NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.authenticate_user(username text, secret text, OUT account quay."user", OUT error text, OUT retry_after interval)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    matches boolean;
BEGIN
    account := quay_internal.login_account(username);
    retry_after := quay_internal.login_wait(account);
    IF retry_after IS NOT NULL THEN
        error := 'Too many login attempts.';
        RETURN;
    END IF;

    -- Hashing takes long, so it comes before the lock. Of many guesses at once the first to get the lock decides: it either fails and makes
    -- the others wait, whatever they guessed, or is right.
    matches := quay_internal.password_verify(secret, account.password_hash, quay_internal.setting('bcrypt_cost')::integer);
    IF account.id IS NOT NULL AND quay_internal.can_write() THEN
        SELECT * INTO account FROM quay."user" AS u
        WHERE u.id = account.id AND u.password_hash IS NOT DISTINCT FROM account.password_hash FOR NO KEY UPDATE;
        retry_after := quay_internal.login_wait(account);
        IF retry_after IS NOT NULL THEN
            error := 'Too many login attempts.';
            RETURN;
        END IF;
        IF NOT matches THEN
            UPDATE quay."user" AS u
            SET invalid_login_attempts = least(u.invalid_login_attempts, 2147483646) + 1, last_invalid_login = quay_internal.utc_now()
            WHERE u.id = account.id;
        ELSIF account.invalid_login_attempts > 0 THEN
            UPDATE quay."user" AS u SET invalid_login_attempts = 0 WHERE u.id = account.id;
        END IF;
    END IF;
    error := CASE
        WHEN account.id IS NULL OR NOT matches THEN 'Invalid Username or Password'
        WHEN NOT account.enabled THEN 'This user has been disabled. Please contact your administrator.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.authenticate_user(text, text) IS
    'Checks a password, counting failures. Result: the person whose name or address it is, why not, and how long to wait.';

CREATE OR REPLACE FUNCTION quay_internal.authenticate_robot(username text, secret text, OUT account quay."user", OUT error text)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owner quay."user";
    stored_token text;
BEGIN
    SELECT * INTO account FROM quay."user" AS u WHERE u.username = authenticate_robot.username AND u.robot;
    SELECT * INTO owner FROM quay."user" AS u WHERE u.username = split_part(account.username, '+', 1) AND NOT u.robot;
    SELECT t.token INTO stored_token FROM quay.robotaccounttoken AS t WHERE t.robot_account_id = account.id;
    error := CASE
        WHEN quay_internal.setting('robots_disallow')::boolean
            THEN 'Robot account have been disabled. Please contact your administrator.'
        WHEN account.id IS NULL THEN 'Could not find robot with specified username'
        WHEN owner.id IS NULL THEN format('Robot %s owner does not exist', account.username)
        WHEN NOT owner.enabled THEN format('Robot %s owner %s is disabled', account.username, owner.username)
        WHEN NOT quay_internal.field_matches(stored_token, secret)
            THEN format('Could not find robot with username: %s and supplied password.', account.username)
        WHEN NOT account.enabled THEN 'This user has been disabled. Please contact your administrator.'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.authenticate_robot(text, text) IS
    'Checks the token of a robot. Result: the robot, and why not. Errors: QY060 the stored token cannot be decrypted.';

CREATE OR REPLACE FUNCTION quay.authenticate(username text, secret text, ip text DEFAULT NULL, user_agent text DEFAULT NULL)
    RETURNS TABLE (kind text, actor text, scopes text, error text, retry_after interval)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    checked record;
    account quay."user";
    namespace_id bigint;
BEGIN
    kind := CASE
        WHEN authenticate.username = '$token' THEN 'token'
        WHEN authenticate.username = '$app' THEN 'app_specific_token'
        WHEN authenticate.username = '$oauthtoken' THEN 'oauth_token'
        WHEN authenticate.username LIKE '%+%' THEN 'robot'
        ELSE 'user'
    END;
    IF kind = 'user' THEN
        checked := quay_internal.authenticate_user(authenticate.username, secret);
        account := checked.account;
        error := checked.error;
        retry_after := checked.retry_after;
    ELSIF kind = 'robot' THEN
        checked := quay_internal.authenticate_robot(authenticate.username, secret);
        account := checked.account;
        error := checked.error;
    ELSE
        error := format('Credentials of the kind %s are not supported by this version', authenticate.username);
    END IF;

    IF error IS NULL THEN
        actor := account.username;
        IF quay_internal.can_write() THEN
            PERFORM quay_internal.user_touch(account.id);
        END IF;
    ELSIF retry_after IS NULL AND quay_internal.can_write() THEN
        -- A refusal without a check of the secret is cheap and leaves no row, or it would be a way to fill the log.
        SELECT u.id INTO namespace_id FROM quay."user" AS u
        WHERE u.username = split_part(account.username, '+', 1);
        PERFORM quay_internal.log_add('login_failure', namespace_id, CASE WHEN kind = 'robot' THEN account.id END, NULL,
            jsonb_build_object('type', 'quayauth', 'kind', kind, CASE WHEN kind = 'robot' THEN 'robot' ELSE 'username' END,
                left(authenticate.username, 255), 'useragent', user_agent, 'message', error), authenticate.ip);
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.authenticate(text, text, text, text) IS
    'Who has this user name and secret? One row. kind: user, robot, token, app_specific_token or oauth_token, as the name tells. actor: the user name to pass on, NULL if refused. scopes: NULL for no limit. error: why it was refused, in the words of the reference. retry_after: how long failed logins keep this user waiting. Failed and successful logins are recorded unless the transaction is read-only. An e-mail address does for the name of a person. Errors: QY060 the stored secret cannot be decrypted.';

-- @part always api/160_access.sql
-- Who may do what in a repository. All of it is C (src/auth): one call makes many look-ups. Both functions walk the same rules.

CREATE OR REPLACE FUNCTION quay.access_check(actor text, namespace text, repository text, action text, scopes text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_access_check';
COMMENT ON FUNCTION quay.access_check(text, text, text, text, text) IS
'May the actor do this in the repository? Always true or false.

action: read, write or admin; each includes what stands before it.
actor: a user or a robot. NULL is anonymous, and so count names that are unknown, disabled or an organization, and robots whose owner is disabled or unknown.
scopes: those of an OAuth credential, one blank or one comma between them; NULL is a direct login. repo:read, repo:write and repo:admin let through the right of that name; repo:create, org:admin, user:read, user:admin and super:user let no right on a repository through. Scopes that are empty or hold an unknown one make the actor anonymous.

Nobody: a namespace that is disabled, a repository marked for deletion; to write into one that is read-only, or into a mirror unless the actor is its robot.
Rights: owner of the namespace, admin; member of an admin team of the organization, admin; rows of repositorypermission for the actor or a team of his, their role. These are limited by the scopes.
read besides: a public repository, for anonymous only with quay.anonymous_access; a superuser of kind readonly, with any scopes.
All besides: a superuser, with quay.superusers_full_access, and a direct login or the scope super:user.

A repository that does not exist, or is NULL, is decided by the rules that need none, so that one can ask before creating it; those of superusers need no namespace either.
Error: 22023 unknown action.';

CREATE OR REPLACE FUNCTION quay.access_explain(actor text, namespace text, repository text, action text, scopes text DEFAULT NULL)
    RETURNS TABLE (step integer, rule text, grants text, scope_cap text, decided boolean, detail text)
    LANGUAGE C STABLE PARALLEL SAFE ROWS 6 COST 100 AS 'MODULE_PATHNAME', 'quay_access_explain';
COMMENT ON FUNCTION quay.access_explain(text, text, text, text, text) IS
'Why access_check() with the same arguments answers as it does: the rules that were looked at, in order, up to the one that decided.

rule: namespace, state, public, actor, scopes, mirror, own namespace, user permission, team permission, organization team, superuser, readonly superuser, no rule grants. Rules that have nothing to say about the actor are left out.
grants: none, read, write or admin, before the scopes. scope_cap: the most that the scopes let through; NULL where they do not matter.
decided: true in the last row only. The answer was yes if that row grants anything, no if it grants none.
Error: 22023 unknown action.';

-- @part always api/200_blob.sql
-- Blobs: digests, where their bytes are, which repository has which, mounting. A repository has a blob if a manifest of it refers to it,
-- or if it was uploaded or mounted there.
--
-- Entry points here and in the next files fix plan_cache_mode, for what they call as well: their statements look rows up by key, and
-- for arrays the server would rather plan them anew at each call, which takes ten times as long as running them.

CREATE OR REPLACE FUNCTION quay_internal.digest_check(digest text) RETURNS text
    LANGUAGE C IMMUTABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_digest_check';
COMMENT ON FUNCTION quay_internal.digest_check(text) IS
    'The algorithm of a digest, sha256 or sha512. Errors: QY020 malformed (also NULL), QY022 other algorithm.';

CREATE OR REPLACE FUNCTION quay_internal.content_path(digest text) RETURNS text
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_content_path';
COMMENT ON FUNCTION quay_internal.content_path(text) IS
    'Relative path under which a store keeps the bytes of that digest, such as sha256/ab/abcd…; NULL if it is no digest.';

CREATE OR REPLACE FUNCTION quay_internal.blob_path(blob quay.imagestorage) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (blob).cas_path THEN quay_internal.content_path((blob).content_checksum)
                ELSE 'sharedimages/' || (blob).uuid || '/layer' END;
COMMENT ON FUNCTION quay_internal.blob_path(quay.imagestorage) IS
    'Relative path of the bytes of a blob in its store: by digest, or by uuid for the oldest blobs of the reference.';

CREATE OR REPLACE FUNCTION quay_internal.blob_ids(repository_id bigint, digests text[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN ARRAY(
        SELECT b.id
        FROM quay.imagestorage AS b
        WHERE b.content_checksum = ANY (blob_ids.digests)
          -- One probe each. For EXISTS the planner may read all blobs of the repository into a hash table instead.
          AND coalesce((SELECT true FROM quay.manifestblob AS m
                        WHERE m.repository_id = blob_ids.repository_id AND m.blob_id = b.id LIMIT 1),
                       (SELECT true FROM quay.uploadedblob AS u
                        WHERE u.repository_id = blob_ids.repository_id AND u.blob_id = b.id LIMIT 1),
                       -- The empty layer belongs to everybody.
                       b.content_checksum = 'sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4'));
END
$$;
COMMENT ON FUNCTION quay_internal.blob_ids(bigint, text[]) IS
    'Ids of the blobs of these digests that the repository has. An upload counts even after its time is over, until it is collected.';

CREATE OR REPLACE FUNCTION quay_internal.repository_find(namespace text, repository text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (SELECT r.id
            FROM quay."user" AS u JOIN quay.repository AS r ON r.namespace_user_id = u.id
            WHERE u.username = repository_find.namespace AND u.enabled AND NOT u.robot
              AND r.name = repository_find.repository AND r.state <> 3);   -- 3: marked for deletion
END
$$;
COMMENT ON FUNCTION quay_internal.repository_find(text, text) IS
    'Id of a repository for reads to which an unknown repository is no error: NULL where repository_get() would fail.';

CREATE OR REPLACE FUNCTION quay_internal.location_id(location text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT l.id INTO found_id FROM quay.imagestoragelocation AS l WHERE l.name = location_id.location;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY053',
            MESSAGE = 'storage location does not exist',
            DETAIL = format('There is no storage location named "%s".', left(location_id.location, 80)),
            HINT = 'Add a row to quay.imagestoragelocation for each store of the registry.';
    END IF;
    RETURN found_id;
END
$$;
COMMENT ON FUNCTION quay_internal.location_id(text) IS 'Id of the storage location of that name. Errors: QY053 unknown.';

CREATE OR REPLACE FUNCTION quay.blob_find_many(namespace text, repository text, digests text[])
    RETURNS TABLE (blob_id bigint, digest text, size bigint, uncompressed_size bigint, path text, locations text[])
    LANGUAGE plpgsql STABLE ROWS 10 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := quay_internal.repository_find(namespace, repository);
    ids bigint[] := CASE WHEN target_id IS NOT NULL THEN quay_internal.blob_ids(target_id, digests) END;
BEGIN
    RETURN QUERY
        SELECT b.id, b.content_checksum::text, b.image_size, b.uncompressed_size, quay_internal.blob_path(b),
               ARRAY(SELECT l.name::text FROM quay.imagestorageplacement AS p JOIN quay.imagestoragelocation AS l ON l.id = p.location_id
                     WHERE p.storage_id = b.id ORDER BY l.name)
        FROM quay.imagestorage AS b
        WHERE b.id = ANY (ids);
END
$$;
COMMENT ON FUNCTION quay.blob_find_many(text, text, text[]) IS
    'Blobs of these digests that the repository has; no row for one that it has not, or if there is no such repository. Sizes in bytes; uncompressed_size may be unknown (NULL). path is relative to the root of each storage location in locations; no location means that the bytes are not here (yet). The order of rows is undefined.';

CREATE OR REPLACE FUNCTION quay.blob_find(namespace text, repository text, OUT blob_id bigint, INOUT digest text, OUT size bigint,
                                          OUT uncompressed_size bigint, OUT path text, OUT locations text[]) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN QUERY SELECT * FROM quay.blob_find_many(blob_find.namespace, blob_find.repository, ARRAY[blob_find.digest]);
END
$$;
COMMENT ON FUNCTION quay.blob_find(text, text, text) IS
    'The blob of that digest, if the repository has it: see blob_find_many().';

-- Writing.

CREATE OR REPLACE FUNCTION quay_internal.blob_link(repository_id bigint, blob_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    uploaded_at timestamp := quay_internal.utc_now();
BEGIN
    INSERT INTO quay.uploadedblob (repository_id, blob_id, uploaded_at, expires_at)
    VALUES (repository_id, blob_id, uploaded_at,
            uploaded_at + make_interval(secs => quay_internal.setting('upload_expiration')::integer));
END
$$;
COMMENT ON FUNCTION quay_internal.blob_link(bigint, bigint) IS
    'Lets a repository have a blob for quay.upload_expiration seconds, in which a manifest may refer to it.';

CREATE OR REPLACE FUNCTION quay_internal.blob_store(digest text, size bigint, uncompressed_size bigint, store_id bigint,
                                                    OUT blob quay.imagestorage, OUT existed boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    LOOP
        -- The lock keeps the row until we commit; others read and use it meanwhile.
        SELECT * INTO blob FROM quay.imagestorage AS b WHERE b.content_checksum = blob_store.digest FOR KEY SHARE;
        EXIT WHEN FOUND;
        INSERT INTO quay.imagestorage (uuid, image_size, uncompressed_size, uploading, cas_path, content_checksum)
        VALUES (gen_random_uuid()::text, blob_store.size, blob_store.uncompressed_size, false, true, blob_store.digest)
        ON CONFLICT (content_checksum) DO NOTHING
        RETURNING * INTO blob;
        EXIT WHEN FOUND;
        -- Somebody else has just committed it: the next turn sees the row.
    END LOOP;

    -- Sizes that are known do not change.
    IF blob.image_size IS NULL OR (blob.uncompressed_size IS NULL AND blob_store.uncompressed_size IS NOT NULL) THEN
        UPDATE quay.imagestorage AS b
        SET image_size = coalesce(b.image_size, blob_store.size),
            uncompressed_size = coalesce(b.uncompressed_size, blob_store.uncompressed_size)
        WHERE b.id = blob.id
        RETURNING * INTO blob;
    END IF;

    INSERT INTO quay.imagestorageplacement (storage_id, location_id) VALUES (blob.id, store_id)
    ON CONFLICT (storage_id, location_id) DO NOTHING;
    existed := NOT FOUND;
END
$$;
COMMENT ON FUNCTION quay_internal.blob_store(text, bigint, bigint, bigint) IS
    'The one row of the blob of that digest, made if there is none, with its bytes recorded in that location. existed: they were there already.';

CREATE OR REPLACE FUNCTION quay.blob_mount(namespace text, repository text, digest text, from_namespace text, from_repository text,
                                           actor text DEFAULT NULL, scopes text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    source_id bigint := quay_internal.repository_find(from_namespace, from_repository);
    ids bigint[];
    blob_id bigint;
BEGIN
    PERFORM quay_internal.digest_check(digest);
    PERFORM quay_internal.repository_require_writable(target, actor);
    IF actor IS NOT NULL AND NOT quay.access_check(actor, from_namespace, from_repository, 'read', scopes) THEN
        RETURN false;
    END IF;

    IF source_id IS NULL THEN
        RETURN false;
    END IF;
    ids := quay_internal.blob_ids(source_id, ARRAY[blob_mount.digest]);
    SELECT b.id INTO blob_id FROM quay.imagestorage AS b WHERE b.id = ANY (ids) FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM quay_internal.blob_link(target.id, blob_id);
    RETURN true;
END
$$;
COMMENT ON FUNCTION quay.blob_mount(text, text, text, text, text, text, text) IS
    'Lets the repository have a blob of another one, without an upload, for quay.upload_expiration seconds. False if the other repository is unknown or has it not, or if an actor is given who may not read it there (the usual answer is then to start an upload). Without an actor the caller has checked that. Errors: QY002, QY003, QY004, QY005 of the target, QY020, QY022.';

-- @part always api/210_upload.sql
-- Uploads: bytes on the way to become a blob. The row of an upload carries the state of its hash, so that any process can go on with it.

CREATE OR REPLACE FUNCTION quay_internal.upload_lock(repository_id bigint, upload text) RETURNS quay.blobupload
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.blobupload;
BEGIN
    SELECT * INTO result FROM quay.blobupload AS b
    WHERE b.repository_id = upload_lock.repository_id AND b.uuid = upload_lock.upload FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY050',
            MESSAGE = 'upload does not exist',
            DETAIL = format('This repository has no upload "%s".', left(upload_lock.upload, 80)),
            HINT = 'It may have been finished, cancelled or removed for age: start a new one with quay.upload_start().';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.upload_lock(bigint, text) IS
    'The upload of that id in that repository, its row locked until the transaction ends. Errors: QY050 unknown.';

CREATE OR REPLACE FUNCTION quay_internal.upload_extend(upload quay.blobupload, chunk bytea, "offset" bigint, chunk_size bigint,
                                                       sha_state text) RETURNS quay.blobupload
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    size bigint := coalesce(length(chunk), chunk_size);
    start bigint := coalesce("offset", upload.byte_count);
    maximum bigint := quay_internal.setting('maximum_layer_size')::bigint * 1024 * 1024;
    known bigint := greatest(upload.byte_count - start, 0);   -- bytes of this chunk that an earlier call has brought
BEGIN
    IF (chunk IS NULL) = (chunk_size IS NULL) OR size < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'a chunk is either its bytes or its size',
            DETAIL = 'Both or neither of chunk and chunk_size were given, or the size is negative.',
            HINT = 'Pass chunk for bytes that the server is to hash, chunk_size for bytes that went straight to the store.';
    END IF;
    IF start < 0 OR start > upload.byte_count THEN
        RAISE EXCEPTION USING ERRCODE = 'QY051',
            MESSAGE = 'chunk does not continue the upload',
            DETAIL = format('The upload has %s bytes, the chunk starts at %s.', upload.byte_count, start),
            HINT = 'Ask quay.upload_status() and send what follows.';
    END IF;
    IF size > maximum - start THEN
        RAISE EXCEPTION USING ERRCODE = 'QY052',
            MESSAGE = 'blob is too large',
            DETAIL = format('The upload has %s bytes, the chunk %s; the maximum is %s.', start, size, maximum),
            HINT = 'An administrator can raise quay.maximum_layer_size.';
    END IF;
    IF size <= known THEN
        RETURN upload;
    END IF;

    upload.sha_state := CASE
        WHEN chunk IS NULL THEN upload_extend.sha_state
        WHEN known = 0 THEN quay_internal.hashstate_update(upload.sha_state, chunk)
        ELSE quay_internal.hashstate_update(upload.sha_state, substring(chunk FROM known::integer + 1))
    END;
    upload.byte_count := start + size;
    upload.chunk_count := upload.chunk_count + 1;
    RETURN upload;
END
$$;
COMMENT ON FUNCTION quay_internal.upload_extend(quay.blobupload, bytea, bigint, bigint, text) IS
    'The row of an upload as it is after a chunk; nothing is written. What an earlier call brought already is skipped, so a chunk can be sent again. Without chunk the state of the hash is what the caller says, NULL if it is not known any more. Errors: 22023, QY051 gap, QY052 too large, QY054.';

CREATE OR REPLACE FUNCTION quay.upload_start(namespace text, repository text, location text DEFAULT 'local',
                                             algorithm text DEFAULT 'sha256', uuid text DEFAULT NULL,
                                             storage_metadata jsonb DEFAULT '{}', actor text DEFAULT NULL)
    RETURNS TABLE (upload text, byte_count bigint)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    upload := coalesce(upload_start.uuid, gen_random_uuid()::text);
    byte_count := 0;
    INSERT INTO quay.blobupload (repository_id, uuid, byte_count, sha_state, location_id, storage_metadata, chunk_count, created)
    VALUES (target.id, upload, 0, quay_internal.hashstate_start(algorithm), quay_internal.location_id(location),
            coalesce(upload_start.storage_metadata, '{}')::text, 0, quay_internal.utc_now())
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY006',
            MESSAGE = 'upload id is taken',
            DETAIL = format('There is an upload "%s" already.', left(upload, 80)),
            HINT = 'Leave uuid out to get a fresh one.';
    END IF;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.upload_start(text, text, text, text, text, jsonb, text) IS
    'Starts an upload and answers its id. location names the store that receives the bytes, storage_metadata is whatever the front end keeps about it, uuid an id that the store has chosen, algorithm the one of the digest to come (sha256, sha512). Errors: QY002, QY003, QY004, QY005, QY006 uuid taken, QY022, QY053.';

CREATE OR REPLACE FUNCTION quay.upload_append(namespace text, repository text, upload text, chunk bytea DEFAULT NULL,
                                              "offset" bigint DEFAULT NULL, chunk_size bigint DEFAULT NULL,
                                              sha_state text DEFAULT NULL, storage_metadata jsonb DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    before quay.blobupload := quay_internal.upload_lock(target_id, upload);
    extended quay.blobupload := quay_internal.upload_extend(before, chunk, "offset", chunk_size, upload_append.sha_state);
BEGIN
    IF extended.byte_count > before.byte_count OR upload_append.storage_metadata IS NOT NULL THEN
        UPDATE quay.blobupload AS b
        SET byte_count = extended.byte_count, sha_state = extended.sha_state, chunk_count = extended.chunk_count,
            storage_metadata = coalesce(upload_append.storage_metadata::text, b.storage_metadata)
        WHERE b.id = extended.id;
    END IF;
    RETURN extended.byte_count;
END
$$;
COMMENT ON FUNCTION quay.upload_append(text, text, text, bytea, bigint, bigint, text, jsonb) IS
    'Adds a chunk and answers how many bytes the upload has now. Either chunk: the server hashes it (and does not keep it). Or chunk_size, for bytes that went straight to the store: then sha_state is the state of the hash after them if the caller has it (quay_internal.hashstate_update), else the digest is not verified at the end. offset says where the chunk starts: behind the end is an error, before it the overlap is skipped; NULL is the end. Two calls at once wait for each other. Errors: QY002, QY003, QY004, QY050, QY051 gap, QY052 too large, QY054.';

CREATE OR REPLACE FUNCTION quay.upload_finish(namespace text, repository text, upload text, OUT blob_id bigint, INOUT digest text,
                                              chunk bytea DEFAULT NULL, uncompressed_size bigint DEFAULT NULL,
                                              OUT size bigint, OUT path text, OUT verified boolean, OUT existed boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    algorithm text := quay_internal.digest_check(upload_finish.digest);
    target_id bigint := (quay_internal.repository_get(namespace, repository, lock => true)).id;
    bytes quay.blobupload := quay_internal.upload_lock(target_id, upload);
    actual text;
    stored record;
BEGIN
    IF bytes.byte_count = 0 AND bytes.sha_state IS NOT NULL THEN
        -- Nothing is hashed yet: the algorithm is free.
        bytes.sha_state := quay_internal.hashstate_start(algorithm);
    END IF;
    IF chunk IS NOT NULL THEN
        bytes := quay_internal.upload_extend(bytes, chunk, NULL, NULL, NULL);
    END IF;
    actual := quay_internal.hashstate_final(bytes.sha_state);
    IF actual <> upload_finish.digest THEN
        RAISE EXCEPTION USING ERRCODE = 'QY021',
            MESSAGE = 'digest does not match the bytes',
            DETAIL = format('Expected "%s", the %s uploaded bytes have "%s".', upload_finish.digest, bytes.byte_count, actual),
            HINT = CASE WHEN split_part(actual, ':', 1) <> algorithm
                THEN format('Start the upload with algorithm => ''%s''.', algorithm)
                ELSE 'The upload is unchanged: finish it with the right digest, or cancel it and upload again.' END;
    END IF;

    stored := quay_internal.blob_store(upload_finish.digest, bytes.byte_count, upload_finish.uncompressed_size, bytes.location_id);
    PERFORM quay_internal.blob_link(target_id, (stored.blob).id);
    DELETE FROM quay.blobupload AS b WHERE b.id = bytes.id;

    blob_id := (stored.blob).id;
    size := (stored.blob).image_size;
    path := quay_internal.blob_path(stored.blob);
    verified := actual IS NOT NULL;
    existed := stored.existed;
END
$$;
COMMENT ON FUNCTION quay.upload_finish(text, text, text, text, bytea, bigint) IS
    'Makes the upload, and a last chunk if given, a blob that the repository has for quay.upload_expiration seconds, and removes the upload. path says where its bytes belong, relative to the root of the store; existed: they are there already, and the uploaded copy can be thrown away. verified: the digest was compared with the hash of the bytes, and not only taken from the caller. Errors: QY002, QY003, QY004, QY020, QY021 mismatch (the upload stays as it was), QY022, QY050, QY052, QY054.';

CREATE OR REPLACE FUNCTION quay.upload_cancel(namespace text, repository text, upload text) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    DELETE FROM quay.blobupload AS b WHERE b.repository_id = target_id AND b.uuid = upload_cancel.upload;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION quay.upload_cancel(text, text, text) IS
    'Removes an upload; false if there is none of that id. Errors: QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.upload_status(namespace text, repository text, INOUT upload text, OUT byte_count bigint,
                                              OUT chunk_count integer, OUT location text, OUT storage_metadata jsonb,
                                              OUT sha_state text, OUT created timestamp) RETURNS SETOF record
    LANGUAGE plpgsql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT b.uuid::text, b.byte_count, b.chunk_count, l.name::text, b.storage_metadata::jsonb, b.sha_state, b.created
        FROM quay.blobupload AS b JOIN quay.imagestoragelocation AS l ON l.id = b.location_id
        WHERE b.repository_id = target_id AND b.uuid = upload_status.upload;
END
$$;
COMMENT ON FUNCTION quay.upload_status(text, text, text) IS
    'An upload of the repository; no row if there is none of that id. byte_count in bytes, created in UTC. sha_state NULL: bytes came that were not hashed. Errors: QY002, QY003, QY004.';

-- @part always api/220_manifest.sql
-- Manifests: reading what they say, and pushing one with all that belongs to it.

CREATE OR REPLACE FUNCTION quay_internal.manifest_parse(manifest bytea, declared_type text,
        OUT digest text, OUT content text, OUT media_type text, OUT is_index boolean, OUT is_image boolean,
        OUT config_digest text, OUT config_media_type text, OUT config_size bigint,
        OUT subject text, OUT artifact_type text, OUT layers_compressed_size bigint, OUT blobs text[],
        OUT children text[], OUT child_sizes bigint[], OUT annotations jsonb)
    LANGUAGE C STABLE CALLED ON NULL INPUT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_manifest_describe';
COMMENT ON FUNCTION quay_internal.manifest_parse(bytea, text) IS
    'What a manifest says, after all checks that need no table. declared_type: as in Content-Type; NULL: the manifest itself says it. digest: its sha256. blobs: the digests that the registry must hold, config and local layers, each once. children: of an index, as listed. Sizes in bytes. Errors: QY030 invalid, QY031 larger than quay.maximum_manifest_size, QY032 media type.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_annotations(content text) RETURNS jsonb
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_manifest_annotations';
COMMENT ON FUNCTION quay_internal.manifest_annotations(text) IS 'Annotations of a stored manifest, an object; NULL if it cannot be read. Never an error.';

CREATE OR REPLACE FUNCTION quay_internal.imageconfig_labels(config bytea, media_type text) RETURNS jsonb
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_imageconfig_labels';
COMMENT ON FUNCTION quay_internal.imageconfig_labels(bytea, text) IS
    'Labels of an image configuration of that media type, an object. Errors: QY036 invalid configuration.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_is_alive(manifest_id bigint, now_ms bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.tag AS t
                   WHERE t.manifest_id = manifest_is_alive.manifest_id AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms))
        OR EXISTS (SELECT FROM quay.manifestchild AS c JOIN quay.tag AS t ON t.manifest_id = c.manifest_id
                   WHERE c.child_manifest_id = manifest_is_alive.manifest_id
                     AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms));
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_is_alive(bigint, bigint) IS
    'Does a live tag, visible or hidden, point to the manifest or to an index that lists it?';

CREATE OR REPLACE FUNCTION quay_internal.digest_require(expected text, data bytea, what text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actual text := quay_internal.digest_compute(data, quay_internal.digest_check(expected));
BEGIN
    IF actual <> expected THEN
        RAISE EXCEPTION USING ERRCODE = 'QY021',
            MESSAGE = format('digest does not match the %s', what),
            DETAIL = format('Expected "%s", the %s bytes have "%s".', expected, length(data), actual),
            HINT = 'Send the bytes exactly as the client pushed them.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.digest_require(text, bytea, text) IS
    'Refuses bytes that have another digest. Errors: QY020 malformed, QY021 mismatch, QY022 unsupported algorithm.';

-- The parts of a push

CREATE OR REPLACE FUNCTION quay_internal.manifest_blobs_require(repository_id bigint, parsed record) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted bigint[] := quay_internal.blob_ids(repository_id, parsed.blobs);
    blob_ids bigint[];
    present text[];
    missing text[];
    config_size bigint;
BEGIN
    -- The lock keeps the rows until the push commits; in order of id, so that two pushes cannot wait for each other.
    SELECT array_agg(b.id), array_agg(b.content_checksum::text), min(b.image_size) FILTER (WHERE b.content_checksum = parsed.config_digest)
    INTO blob_ids, present, config_size
    FROM (SELECT b.id, b.content_checksum, b.image_size
          FROM quay.imagestorage AS b
          WHERE b.id = ANY (wanted)
          ORDER BY b.id FOR KEY SHARE) AS b;
    missing := ARRAY(SELECT d.digest FROM unnest(parsed.blobs) AS d (digest)
                     WHERE d.digest <> ALL (coalesce(present, '{}')) ORDER BY d.digest);
    IF missing <> '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY033',
            MESSAGE = 'manifest refers to blobs that the repository does not have',
            DETAIL = format('Missing are %s: %s.', cardinality(missing), array_to_string(missing, ', ')),
            HINT = 'Upload them with quay.upload_start(), or mount them with quay.blob_mount(), and push again.';
    END IF;
    IF config_size <> parsed.config_size THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'manifest gives the wrong size of its config',
            DETAIL = format('Field config.size is %s, the blob "%s" has %s bytes.', parsed.config_size, parsed.config_digest, config_size),
            HINT = 'The size in a descriptor must be that of the content.';
    END IF;
    RETURN coalesce(blob_ids, '{}');
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_blobs_require(bigint, record) IS
    'Ids of the blobs that a parsed manifest refers to, their rows locked. Errors: QY030 wrong size of the config, QY033 some are missing (all are named).';

CREATE OR REPLACE FUNCTION quay_internal.manifest_children_require(repository_id bigint, parsed record) RETURNS bigint[]
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    child_ids bigint[];
    result text[];
    missing text[];
    wrong record;
BEGIN
    SELECT array_agg(m.id), array_agg(m.digest::text) INTO child_ids, result
    FROM (SELECT m.id, m.digest FROM quay.manifest AS m
          WHERE m.repository_id = manifest_children_require.repository_id AND m.digest = ANY (parsed.children)
          ORDER BY m.id FOR KEY SHARE) AS m;
    missing := ARRAY(SELECT DISTINCT d.digest FROM unnest(parsed.children) AS d (digest)
                     WHERE d.digest <> ALL (coalesce(result, '{}')) ORDER BY d.digest);
    IF missing <> '{}' THEN
        RAISE EXCEPTION USING ERRCODE = 'QY034',
            MESSAGE = 'index lists manifests that the repository does not have',
            DETAIL = format('Missing are %s: %s.', cardinality(missing), array_to_string(missing, ', ')),
            HINT = 'Push them by digest first, then the index.';
    END IF;
    SELECT d.digest, d.size, octet_length(m.manifest_bytes) AS actual INTO wrong
    FROM unnest(parsed.children, parsed.child_sizes) AS d (digest, size)
    JOIN quay.manifest AS m ON m.repository_id = manifest_children_require.repository_id AND m.digest = d.digest
    WHERE m.manifest_bytes <> '' AND octet_length(m.manifest_bytes) <> d.size   -- '': only known, not held
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY030',
            MESSAGE = 'index gives the wrong size of a manifest',
            DETAIL = format('It says %s for "%s", which has %s bytes.', wrong.size, wrong.digest, wrong.actual),
            HINT = 'The size in a descriptor must be that of the content.';
    END IF;
    RETURN coalesce(child_ids, '{}');
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_children_require(bigint, record) IS
    'Ids of the manifests that a parsed index lists, their rows locked. Errors: QY030 wrong size, QY034 some are missing (all are named).';

CREATE OR REPLACE FUNCTION quay_internal.manifest_labels(parsed record, config bytea) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF config IS NOT NULL THEN
        IF parsed.config_digest IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'QY036',
                MESSAGE = 'an index has no config',
                DETAIL = format('The manifest is of type "%s".', parsed.media_type),
                HINT = 'Pass config only with the manifest of an image.';
        END IF;
        PERFORM quay_internal.digest_require(parsed.config_digest, config, 'config');
    END IF;
    IF parsed.is_index THEN
        RETURN '{}';
    ELSIF parsed.is_image AND config IS NOT NULL THEN
        RETURN quay_internal.imageconfig_labels(config, parsed.config_media_type) || parsed.annotations;
    END IF;
    RETURN parsed.annotations;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_labels(record, bytea) IS
    'Labels of a parsed manifest: those of its image configuration, if that is passed, overlaid by its annotations; an index has none. Errors: QY021 the config is another one, QY036 it is invalid.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_add(target_id bigint, stored_digest text, parsed record, labels jsonb,
                                                      OUT manifest_id bigint, OUT created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    blob_ids bigint[];
    child_ids bigint[];
BEGIN
    created := false;
    LOOP
        -- The lock keeps the row from being collected until the push commits.
        SELECT m.id INTO manifest_id FROM quay.manifest AS m
        WHERE m.repository_id = target_id AND m.digest = stored_digest AND m.manifest_bytes <> ''
        FOR KEY SHARE;
        IF FOUND THEN
            RETURN;
        END IF;

        blob_ids := quay_internal.manifest_blobs_require(target_id, parsed);
        child_ids := quay_internal.manifest_children_require(target_id, parsed);
        -- A row without bytes is a manifest that a proxy knows of but does not hold: it gets them now.
        INSERT INTO quay.manifest AS m (repository_id, digest, media_type_id, manifest_bytes, config_media_type,
                                        layers_compressed_size, subject, subject_backfilled, artifact_type, artifact_type_backfilled)
        VALUES (target_id, stored_digest, (SELECT t.id FROM quay.mediatype AS t WHERE t.name = parsed.media_type),
                parsed.content, parsed.config_media_type, parsed.layers_compressed_size, parsed.subject, true,
                parsed.artifact_type, true)
        ON CONFLICT (repository_id, digest) DO UPDATE
            SET media_type_id = EXCLUDED.media_type_id, manifest_bytes = EXCLUDED.manifest_bytes,
                config_media_type = EXCLUDED.config_media_type, layers_compressed_size = EXCLUDED.layers_compressed_size,
                subject = EXCLUDED.subject, subject_backfilled = true,
                artifact_type = EXCLUDED.artifact_type, artifact_type_backfilled = true
            WHERE m.manifest_bytes = ''
        RETURNING m.id INTO manifest_id;
        EXIT WHEN FOUND;
        -- Somebody else has just committed it: the next turn sees the row.
    END LOOP;
    created := true;

    INSERT INTO quay.manifestblob (repository_id, manifest_id, blob_id)
    SELECT target_id, manifest_add.manifest_id, b.id FROM unnest(blob_ids) AS b (id)
    ON CONFLICT DO NOTHING;
    INSERT INTO quay.manifestchild (repository_id, manifest_id, child_manifest_id)
    SELECT target_id, manifest_add.manifest_id, c.id FROM unnest(child_ids) AS c (id)
    ON CONFLICT DO NOTHING;
    -- index_status 0: waits for the scanner
    INSERT INTO quay.manifestsecuritystatus (manifest_id, repository_id, index_status, error_json, last_indexed, indexer_hash,
                                             indexer_version, metadata_json)
    VALUES (manifest_add.manifest_id, target_id, 0, '{}', quay_internal.utc_now(), '', 4, '{}')
    ON CONFLICT DO NOTHING;
    IF labels <> '{}' THEN
        PERFORM quay_internal.label_add_many(target_id, manifest_id, labels, 'manifest');
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_add(bigint, text, record, jsonb) IS
    'The row of a parsed manifest in a repository, made with all that hangs on it if there is none. Errors: QY030, QY033, QY034.';

CREATE OR REPLACE FUNCTION quay.manifest_put(namespace text, repository text, manifest bytea, OUT manifest_id bigint, OUT digest text,
                                             INOUT media_type text DEFAULT NULL, INOUT tags text[] DEFAULT '{}',
                                             expected_digest text DEFAULT NULL, config bytea DEFAULT NULL,
                                             actor text DEFAULT NULL, ip text DEFAULT NULL,
                                             OUT size bigint, OUT subject text, OUT artifact_type text, OUT created boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    parsed record;
    labels jsonb;
    target quay.repository;
    performer_id bigint := quay_internal.actor_id(actor);
    name text;
BEGIN
    parsed := quay_internal.manifest_parse(manifest, manifest_put.media_type);
    digest := parsed.digest;
    IF expected_digest IS NOT NULL THEN
        PERFORM quay_internal.digest_require(expected_digest, manifest, 'manifest');
        digest := expected_digest;
    END IF;
    tags := ARRAY(SELECT DISTINCT t.name FROM unnest(manifest_put.tags) AS t (name) ORDER BY t.name);
    FOREACH name IN ARRAY tags LOOP
        PERFORM quay_internal.name_check('tag', name);
    END LOOP;
    labels := quay_internal.manifest_labels(parsed, config);

    target := quay_internal.repository_get(namespace, repository, lock => true);
    PERFORM quay_internal.repository_require_writable(target, actor);

    SELECT a.manifest_id, a.created INTO manifest_id, created
    FROM quay_internal.manifest_add(target.id, digest, parsed, labels) AS a;
    PERFORM quay_internal.manifest_keep(target.id,
        ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = manifest_put.manifest_id),
        quay_internal.setting('temporary_tag_expiration')::integer);

    FOREACH name IN ARRAY tags LOOP
        PERFORM quay_internal.tag_retarget(target, name, manifest_id);
        PERFORM quay_internal.log_add('push_repo', target.namespace_user_id, performer_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', name, 'manifest_digest', digest), ip);
    END LOOP;
    IF tags = '{}' THEN
        -- A referrer is found through its subject and has no other tag that would keep it.
        PERFORM quay_internal.manifest_keep(target.id, ARRAY[manifest_id],
            CASE WHEN parsed.subject IS NULL THEN quay_internal.setting('upload_expiration')::integer END);
        PERFORM quay_internal.log_add('push_repo', target.namespace_user_id, performer_id, target.id,
            jsonb_build_object('namespace', namespace, 'repo', target.name, 'manifest_digest', digest), ip);
    END IF;

    media_type := parsed.media_type;
    size := length(manifest);
    subject := parsed.subject;
    artifact_type := parsed.artifact_type;
END
$$;
COMMENT ON FUNCTION quay.manifest_put(text, text, bytea, text, text[], text, bytea, text, text) IS
    'Pushes a manifest: its row, links to blobs and children, labels, the mark for the scanner, tags and audit, or nothing. The bytes are kept exactly. media_type: as declared by the client, NULL if it said nothing. tags: without any the manifest is kept for quay.upload_expiration seconds, for ever if it has a subject. expected_digest: refuses other bytes; a sha512 digest is also the digest under which the manifest is stored, which otherwise is its sha256. config: bytes of the config blob, from which the labels of an image are read. created is false if the repository had the manifest already. Errors: QY002, QY003, QY004, QY005, QY007, QY020, QY021, QY022, QY030, QY031, QY032, QY033, QY034, QY036, QY040, QY041, 40001.';

-- @part always api/230_label.sql
-- Labels: what a manifest says about itself (source "manifest"), or what was added to it later ("api", "internal").

CREATE OR REPLACE FUNCTION quay_internal.json_is_container(value text) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_json_is_container';
COMMENT ON FUNCTION quay_internal.json_is_container(text) IS 'Is the text a JSON object or array? Never an error.';

CREATE OR REPLACE FUNCTION quay_internal.duration_seconds(duration text) RETURNS bigint
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_duration_seconds';
COMMENT ON FUNCTION quay_internal.duration_seconds(text) IS
    'A duration such as 2w in seconds: digits and one of s, m (minutes), h, d, w, y (365 days). NULL if it is none.';

CREATE OR REPLACE FUNCTION quay_internal.label_add_many(repository_id bigint, manifest_id bigint, labels jsonb, source text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A key that is empty or longer than its column is not kept as a label; it stays in the manifest.
    WITH added AS (
        INSERT INTO quay.label (uuid, key, value, media_type_id, source_type_id)
        SELECT gen_random_uuid()::text, e.key, e.value,
               (SELECT m.id FROM quay.mediatype AS m
                WHERE m.name = CASE WHEN quay_internal.json_is_container(e.value) THEN 'application/json' ELSE 'text/plain' END),
               (SELECT s.id FROM quay.labelsourcetype AS s WHERE s.name = label_add_many.source)
        FROM jsonb_each_text(label_add_many.labels) AS e
        WHERE length(e.key) BETWEEN 1 AND 255
        RETURNING id
    )
    INSERT INTO quay.manifestlabel (repository_id, manifest_id, label_id)
    SELECT label_add_many.repository_id, label_add_many.manifest_id, added.id FROM added;
END
$$;
COMMENT ON FUNCTION quay_internal.label_add_many(bigint, bigint, jsonb, text) IS
    'Attaches labels, an object of texts, to a manifest. source: manifest, api or internal. A value that is a JSON object or array gets that media type.';

CREATE OR REPLACE FUNCTION quay_internal.label_tag_rules(manifest_id bigint, OUT expires_after bigint, OUT immutable boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    children bigint[] := ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = label_tag_rules.manifest_id);
    carriers bigint[] := CASE WHEN children = '{}' THEN ARRAY[manifest_id] ELSE children END;
BEGIN
    -- Of an index only what all its children say counts.
    SELECT CASE WHEN count(v.expires_after) = cardinality(carriers) AND min(v.expires_after) = max(v.expires_after)
                THEN nullif(min(v.expires_after), 0) END,
           count(*) FILTER (WHERE v.immutable) = cardinality(carriers)
    INTO expires_after, immutable
    FROM (SELECT l.manifest_id,
                 min(quay_internal.duration_seconds(l.value)) FILTER (WHERE l.key = 'quay.expires-after') AS expires_after,
                 bool_or(lower(btrim(l.value, E' \t\r\n')) = 'true') FILTER (WHERE l.key = 'quay.immutable') AS immutable
          FROM (SELECT ml.manifest_id, l.key, l.value
                FROM quay.manifestlabel AS ml
                -- OFFSET 0: from the manifest to its labels, not from the key, which may be on millions of them.
                CROSS JOIN LATERAL (SELECT l.key, l.value FROM quay.label AS l WHERE l.id = ml.label_id OFFSET 0) AS l
                WHERE ml.manifest_id = ANY (carriers) AND l.key IN ('quay.expires-after', 'quay.immutable')) AS l
          GROUP BY l.manifest_id) AS v;
END
$$;
COMMENT ON FUNCTION quay_internal.label_tag_rules(bigint) IS
    'What the labels of a manifest ask of its tags: quay.expires-after in seconds (NULL: nothing, or no valid duration) and quay.immutable. Of an index: what all its children agree on.';

CREATE OR REPLACE FUNCTION quay.label_list(namespace text, repository text, digest text, prefix text DEFAULT NULL)
    RETURNS TABLE (label text, key text, value text, media_type text, source text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
BEGIN
    RETURN QUERY
        SELECT l.uuid::text, l.key::text, l.value, t.name::text, s.name::text
        FROM quay.manifest AS m
        JOIN quay.manifestlabel AS ml ON ml.manifest_id = m.id
        JOIN quay.label AS l ON l.id = ml.label_id
        JOIN quay.mediatype AS t ON t.id = l.media_type_id
        JOIN quay.labelsourcetype AS s ON s.id = l.source_type_id
        WHERE m.repository_id = target_id AND m.digest = label_list.digest
          AND (label_list.prefix IS NULL OR starts_with(lower(l.key), lower(label_list.prefix)))
        ORDER BY l.key, l.id;
END
$$;
COMMENT ON FUNCTION quay.label_list(text, text, text, text) IS
    'Labels of a manifest, by key; prefix, whatever its case, selects keys. No row: no labels, or no such manifest. Errors: QY002, QY003, QY004.';

-- @part always api/240_tag.sql
-- Tags. A row is one period in which a name pointed to a manifest: a move ends the row and inserts another, nothing is rewritten.
-- Everything that changes a tag holds the lock of its repository (tag_lock) and reads the clock after it has it.

CREATE OR REPLACE FUNCTION quay_internal.tag_is_cosign(name text) RETURNS boolean
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_tag_is_cosign';
COMMENT ON FUNCTION quay_internal.tag_is_cosign(text) IS
    'Does Cosign derive this tag name from a digest: sha256-<64 hexadecimal digits>.sig, .att or .sbom?';

CREATE OR REPLACE FUNCTION quay_internal.tag_check_snapshot(repository_id bigint, name text) RETURNS void
    LANGUAGE C VOLATILE STRICT AS 'MODULE_PATHNAME', 'quay_tag_check_snapshot';
COMMENT ON FUNCTION quay_internal.tag_check_snapshot(bigint, text) IS
    'Fails with serialization_failure if a row of that name was committed that this transaction, being REPEATABLE READ or SERIALIZABLE, cannot see.';

CREATE OR REPLACE FUNCTION quay_internal.tag_lock(repository_id bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    hash bytea := sha256(convert_to('retarget_tag:' || repository_id, 'UTF8'));
BEGIN
    PERFORM pg_advisory_xact_lock(('x' || encode(substring(hash FROM 1 FOR 8), 'hex'))::bit(64)::bigint);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_lock(bigint) IS
    'Waits for the lock on the tags of a repository and holds it until the transaction ends. The Quay application takes the same lock.';

CREATE OR REPLACE FUNCTION quay_internal.tag_find(repository_id bigint, name text, now_ms bigint) RETURNS quay.tag
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.tag;
BEGIN
    SELECT * INTO result FROM quay.tag AS t
    WHERE t.repository_id = tag_find.repository_id AND t.name = tag_find.name AND NOT t.hidden
      AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
    ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC
    LIMIT 1;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_find(bigint, text, bigint) IS
    'The visible tag of that name that is alive: its end is after now_ms, or it has none. All NULL if there is none.';

CREATE OR REPLACE FUNCTION quay_internal.tag_free_end(repository_id bigint, name text, end_ms bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    WHILE EXISTS (SELECT FROM quay.tag AS t
                  WHERE t.repository_id = tag_free_end.repository_id AND t.name = tag_free_end.name AND t.lifetime_end_ms = end_ms)
    LOOP
        end_ms := end_ms - 1;
    END LOOP;
    RETURN end_ms;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_free_end(bigint, text, bigint) IS
    'The latest end, at most end_ms, that no row of that name has yet: two rows of a name cannot end in the same millisecond.';

CREATE OR REPLACE FUNCTION quay_internal.tag_end(tag_id bigint, end_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- A notice of a coming expiry was about the old end.
    DELETE FROM quay.tagnotificationsuccess AS n WHERE n.tag_id = tag_end.tag_id;
    UPDATE quay.tag AS t
    SET lifetime_end_ms = quay_internal.tag_free_end(t.repository_id, t.name, tag_end.end_ms)
    WHERE t.id = tag_end.tag_id;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end(bigint, bigint) IS 'Ends a row at end_ms, or up to a few ms before if another row of the name ends there.';

CREATE OR REPLACE FUNCTION quay_internal.tag_refuse_immutable(tag quay.tag, verb text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF tag.immutable AND quay_internal.setting('immutable_tags')::boolean THEN
        RAISE EXCEPTION USING ERRCODE = 'QY041',
            MESSAGE = 'tag is immutable',
            DETAIL = format('Tag "%s" cannot be %s.', tag.name, verb),
            HINT = 'Use another tag name, or make the tag mutable first.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_refuse_immutable(quay.tag, text) IS
    'Refuses (QY041) to change an immutable tag, if quay.immutable_tags is on. verb: what was tried, as a participle.';

-- Immutability policies

CREATE OR REPLACE FUNCTION quay_internal.policy_matches(policy text, name text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    rule jsonb;
    matches boolean;
BEGIN
    rule := policy::jsonb;
    BEGIN
        matches := name ~ ('^(?:' || (rule ->> 'tag_pattern') || ')$');
    EXCEPTION WHEN invalid_regular_expression OR program_limit_exceeded THEN
        matches := false;
    END;
    RETURN coalesce(matches, false) = coalesce((rule ->> 'tag_pattern_matches')::boolean, true);
END
$$;
COMMENT ON FUNCTION quay_internal.policy_matches(text, text) IS
    'Does an immutability policy apply to a tag name? The pattern, a PostgreSQL regular expression, must match the whole name; tag_pattern_matches false turns the answer round. A pattern that is not valid matches nothing.';

CREATE OR REPLACE FUNCTION quay_internal.policy_makes_immutable(repository quay.repository, name text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM quay.repositoryimmutabilitypolicy AS p
                   WHERE p.repository_id = repository.id AND quay_internal.policy_matches(p.policy, name))
        OR EXISTS (SELECT FROM quay.namespaceimmutabilitypolicy AS p
                   WHERE p.namespace_id = repository.namespace_user_id AND quay_internal.policy_matches(p.policy, name));
END
$$;
COMMENT ON FUNCTION quay_internal.policy_makes_immutable(quay.repository, text) IS
    'Does any policy of the repository or of its namespace make tags of that name immutable?';

-- What goes along with a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_end_cosign(repository_id bigint, manifest_id bigint, now_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    stem text := (SELECT replace(m.digest, ':', '-') FROM quay.manifest AS m WHERE m.id = manifest_id);
    signature bigint;
BEGIN
    -- Another tag of the image needs them still.
    IF EXISTS (SELECT FROM quay.tag AS t
               WHERE t.manifest_id = tag_end_cosign.manifest_id AND NOT t.hidden
                 AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
                 AND NOT quay_internal.tag_is_cosign(t.name))
    THEN
        RETURN;
    END IF;
    FOR signature IN
        SELECT t.id FROM quay.tag AS t
        WHERE t.repository_id = tag_end_cosign.repository_id AND t.name IN (stem || '.sig', stem || '.att', stem || '.sbom')
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms) AND NOT t.immutable
    LOOP
        PERFORM quay_internal.tag_end(signature, now_ms);
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end_cosign(bigint, bigint, bigint) IS
    'Ends the tags under which Cosign keeps signatures, attestations and SBOMs of a manifest, unless another tag points to the manifest. Call it with tag_lock() held, after the tag of the manifest has ended.';

CREATE OR REPLACE FUNCTION quay_internal.tag_end_temporary(manifest_ids bigint[], now_ms bigint, never_expiring boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE quay.tag AS t SET lifetime_end_ms = now_ms
    WHERE t.manifest_id = ANY (manifest_ids) AND t.hidden AND t.name LIKE '$temp-%'
      AND (t.lifetime_end_ms > now_ms OR (never_expiring AND t.lifetime_end_ms IS NULL));
END
$$;
COMMENT ON FUNCTION quay_internal.tag_end_temporary(bigint[], bigint, boolean) IS
    'Ends the temporary tags of manifests: those with an end, and if asked those without, which keep referrers.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_keep(repository_id bigint, manifest_ids bigint[], seconds integer) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint := quay_internal.clock_ms();
    end_ms bigint := now_ms + seconds * 1000::bigint;
BEGIN
    -- "$" is not legal in a name that a client chooses.
    INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, tag_kind_id)
    SELECT '$temp-' || gen_random_uuid(), manifest_keep.repository_id, m.id, now_ms, end_ms, true, false,
           (SELECT k.id FROM quay.tagkind AS k WHERE k.name = 'tag')
    FROM unnest(manifest_ids) AS m (id)
    WHERE NOT EXISTS (SELECT FROM quay.tag AS t
                      WHERE t.manifest_id = m.id AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms >= end_ms));
END
$$;
COMMENT ON FUNCTION quay_internal.manifest_keep(bigint, bigint[], integer) IS
    'Makes sure that manifests stay available for that many seconds, NULL for ever: gives a hidden temporary tag to each that no tag keeps as long.';

-- Moving a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_retarget(repository quay.repository, name text, manifest_id bigint,
                                                      end_ms bigint DEFAULT NULL, reversion boolean DEFAULT false) RETURNS quay.tag
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    now_ms bigint;
    start_ms bigint;
    displaced quay.tag;
    rules record;
    by_policy boolean := false;
    moved quay.tag;
BEGIN
    PERFORM quay_internal.tag_lock(repository.id);
    PERFORM quay_internal.tag_check_snapshot(repository.id, name);
    now_ms := quay_internal.clock_ms();
    start_ms := now_ms;

    -- One row, or none. A database of the reference may have more: they all end, the newest last.
    FOR displaced IN
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = repository.id AND t.name = tag_retarget.name AND NOT t.hidden
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
        ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC
        FOR NO KEY UPDATE
    LOOP
        PERFORM quay_internal.tag_refuse_immutable(displaced, 'overwritten');
        -- Two moves within a millisecond: time goes on all the same.
        start_ms := greatest(start_ms, displaced.lifetime_start_ms + 1);
        CONTINUE WHEN displaced.lifetime_end_ms <= start_ms;
        PERFORM quay_internal.tag_end(displaced.id, start_ms);
        IF displaced.manifest_id <> tag_retarget.manifest_id AND NOT quay_internal.tag_is_cosign(name) THEN
            PERFORM quay_internal.tag_end_cosign(repository.id, displaced.manifest_id, start_ms);
        END IF;
    END LOOP;

    rules := quay_internal.label_tag_rules(manifest_id);
    IF end_ms IS NULL AND rules.expires_after IS NOT NULL THEN
        end_ms := start_ms + rules.expires_after * 1000;
    END IF;
    IF NOT quay_internal.setting('immutable_tags')::boolean THEN
        rules.immutable := false;
    ELSIF NOT rules.immutable THEN
        by_policy := quay_internal.policy_makes_immutable(repository, name);
        rules.immutable := by_policy;
    END IF;
    IF rules.immutable AND NOT quay_internal.setting('immutable_tags_can_expire')::boolean THEN
        end_ms := NULL;
    END IF;

    INSERT INTO quay.tag (name, repository_id, manifest_id, lifetime_start_ms, lifetime_end_ms, hidden, reversion, immutable, tag_kind_id)
    VALUES (tag_retarget.name, repository.id, tag_retarget.manifest_id, start_ms, end_ms, false, tag_retarget.reversion, rules.immutable,
            (SELECT k.id FROM quay.tagkind AS k WHERE k.name = 'tag'))
    ON CONFLICT DO NOTHING
    RETURNING * INTO moved;
    IF NOT FOUND THEN
        -- Somebody wrote to the table without the lock.
        RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
            MESSAGE = 'could not serialize access due to concurrent update',
            DETAIL = format('Tag "%s" was moved by another transaction.', name),
            HINT = 'The transaction might succeed if retried.';
    END IF;
    IF by_policy THEN
        PERFORM quay_internal.log_add('tag_made_immutable_by_policy', repository.namespace_user_id, NULL, repository.id,
            jsonb_build_object('repo', repository.name, 'tag', name), NULL);
    END IF;
    RETURN moved;
END
$$;
COMMENT ON FUNCTION quay_internal.tag_retarget(quay.repository, text, bigint, bigint, boolean) IS
    'Points a tag to a manifest of the repository, and answers its new row. The row before, if any, ends in the ms in which the new one starts, and signatures of a manifest that loses its last tag end with it. end_ms NULL: what the label quay.expires-after says, else no end. The only place where a tag is moved. Errors: QY041 immutable, 40001 if the transaction cannot see the latest row (REPEATABLE READ and SERIALIZABLE; retry it).';

CREATE OR REPLACE FUNCTION quay_internal.reference_to_manifest(repository quay.repository, reference text) RETURNS quay.manifest
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result quay.manifest;
    tag quay.tag;
BEGIN
    IF strpos(reference, ':') > 0 THEN
        PERFORM quay_internal.digest_check(reference);
        SELECT * INTO result FROM quay.manifest AS m WHERE m.repository_id = repository.id AND m.digest = reference;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY035',
                MESSAGE = 'manifest does not exist',
                DETAIL = format('Repository "%s" has no manifest "%s".', repository.name, reference),
                HINT = 'Push it with quay.manifest_put().';
        END IF;
        RETURN result;
    END IF;
    tag := quay_internal.tag_find(repository.id, reference, quay_internal.clock_ms());
    SELECT * INTO result FROM quay.manifest AS m WHERE m.id = tag.manifest_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'QY042',
            MESSAGE = 'tag does not exist',
            DETAIL = format('Repository "%s" has no tag "%s".', repository.name, left(reference, 80)),
            HINT = 'quay.tag_list() shows the tags; quay.tag_restore() brings a removed one back.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION quay_internal.reference_to_manifest(quay.repository, text) IS
    'Manifest that a digest, alive or not, or a live tag names. Errors: QY020, QY022, QY035 unknown digest, QY042 unknown tag.';

CREATE OR REPLACE FUNCTION quay.tag_set(namespace text, repository text, tag text, reference text,
                                        expiration timestamptz DEFAULT NULL, reversion boolean DEFAULT false,
                                        actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS TABLE (tag_id bigint, manifest_id bigint, digest text, lifetime_start_ms bigint, lifetime_end_ms bigint,
                   immutable boolean, previous_digest text)
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    manifest quay.manifest;
    moved quay.tag;
BEGIN
    PERFORM quay_internal.name_check('tag', tag_set.tag);
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    IF expiration <= quay_internal.clock() THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'expiration of a tag must be in the future',
            DETAIL = format('It is %s.', expiration),
            HINT = 'To remove a tag, call quay.tag_delete().';
    END IF;
    manifest := quay_internal.reference_to_manifest(target, tag_set.reference);
    previous_digest := (SELECT m.digest FROM quay.manifest AS m
                        WHERE m.id = (quay_internal.tag_find(target.id, tag_set.tag, quay_internal.clock_ms())).manifest_id);

    moved := quay_internal.tag_retarget(target, tag_set.tag, manifest.id,
                                        (extract(epoch FROM expiration) * 1000)::bigint, tag_set.reversion);
    PERFORM quay_internal.log_add(
        CASE WHEN tag_set.reversion THEN 'revert_tag' WHEN previous_digest IS NULL THEN 'create_tag' ELSE 'move_tag' END,
        target.namespace_user_id, quay_internal.actor_id(actor), target.id,
        jsonb_strip_nulls(jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', tag_set.tag,
            'manifest_digest', manifest.digest, 'original_manifest_digest', previous_digest)), ip);
    RETURN QUERY SELECT moved.id, manifest.id, manifest.digest::text, moved.lifetime_start_ms, moved.lifetime_end_ms,
                        moved.immutable, tag_set.previous_digest;
END
$$;
COMMENT ON FUNCTION quay.tag_set(text, text, text, text, timestamptz, boolean, text, text) IS
    'Creates or moves a tag. reference is the digest of a manifest of the repository, or another tag of it. expiration: when the tag ends; NULL is what the label quay.expires-after of the manifest says, else never. previous_digest: where the tag pointed before. Errors: 22023 expiration in the past, QY002, QY003, QY004, QY005, QY020, QY022, QY035, QY040, QY041, QY042, 40001.';

-- Removing a tag

CREATE OR REPLACE FUNCTION quay_internal.tag_expire(repository quay.repository, tag quay.tag, now_ms bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM quay.tagpullstatistics AS s WHERE s.repository_id = repository.id AND s.tag_name = tag.name;
    PERFORM quay_internal.tag_end(tag.id, now_ms);
    IF tag.manifest_id IS NOT NULL AND NOT quay_internal.tag_is_cosign(tag.name) THEN
        PERFORM quay_internal.tag_end_cosign(repository.id, tag.manifest_id, now_ms);
    END IF;
    PERFORM quay_internal.tag_end_temporary(
        ARRAY(SELECT c.child_manifest_id FROM quay.manifestchild AS c WHERE c.manifest_id = tag.manifest_id), now_ms);
END
$$;
COMMENT ON FUNCTION quay_internal.tag_expire(quay.repository, quay.tag, bigint) IS
    'Ends a live tag with what hangs on it: its pull statistics, signatures of a manifest that loses its last tag, temporary tags of an index''s children. Call it with tag_lock() held.';

CREATE OR REPLACE FUNCTION quay.tag_delete(namespace text, repository text, tag text, actor text DEFAULT NULL, ip text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    removed quay.tag;
    found_any boolean := false;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    -- More than one only in a database of the reference, or within the millisecond of a move.
    FOR removed IN
        SELECT * FROM quay.tag AS t
        WHERE t.repository_id = target.id AND t.name = tag_delete.tag AND NOT t.hidden
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
        ORDER BY t.lifetime_end_ms DESC NULLS FIRST, t.id DESC
        FOR NO KEY UPDATE
    LOOP
        PERFORM quay_internal.tag_refuse_immutable(removed, 'deleted');
        PERFORM quay_internal.tag_expire(target, removed, now_ms);
        IF NOT found_any THEN
            found_any := true;
            PERFORM quay_internal.log_add('delete_tag', target.namespace_user_id, quay_internal.actor_id(actor), target.id,
                jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', tag_delete.tag), ip);
        END IF;
    END LOOP;
    RETURN found_any;
END
$$;
COMMENT ON FUNCTION quay.tag_delete(text, text, text, text, text) IS
    'Ends a tag; false if there is no live one of that name. Its history and its manifest stay until they are collected, and tag_restore() brings it back until then. Errors: QY002, QY003, QY004, QY005, QY041, 40001.';

CREATE OR REPLACE FUNCTION quay.manifest_delete(namespace text, repository text, OUT manifest_id bigint, INOUT digest text,
                                                actor text DEFAULT NULL, ip text DEFAULT NULL, OUT tags text[]) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    removed quay.tag;
BEGIN
    PERFORM quay_internal.repository_require_writable(target, actor);
    PERFORM quay_internal.tag_lock(target.id);
    now_ms := quay_internal.clock_ms();
    SELECT m.id INTO manifest_id
    FROM quay.manifest AS m
    WHERE m.repository_id = target.id AND m.digest = manifest_delete.digest AND quay_internal.manifest_is_alive(m.id, now_ms);
    IF NOT FOUND THEN
        RETURN;
    END IF;

    tags := '{}';
    FOR removed IN
        SELECT * FROM quay.tag AS t
        WHERE t.manifest_id = manifest_delete.manifest_id AND NOT t.hidden
          AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms)
        ORDER BY t.name, t.id
        FOR NO KEY UPDATE
    LOOP
        -- If one cannot be removed none is: the error takes the others back.
        PERFORM quay_internal.tag_refuse_immutable(removed, 'deleted');
        PERFORM quay_internal.tag_expire(target, removed, now_ms);
        tags := tags || removed.name::text;
    END LOOP;
    -- What was pushed by digest has a hidden tag only. It goes too, or nothing could ever delete such a manifest.
    PERFORM quay_internal.tag_end_temporary(ARRAY[manifest_id], now_ms, never_expiring => true);

    PERFORM quay_internal.log_add('delete_tag', target.namespace_user_id, quay_internal.actor_id(actor), target.id,
        jsonb_build_object('namespace', namespace, 'repo', target.name, 'tag', t.name, 'manifest_digest', digest), ip)
    FROM unnest(tags) AS t (name);
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION quay.manifest_delete(text, text, text, text, text) IS
    'Ends every tag of the manifest, temporary ones too, and answers the names of the visible ones. No row: no such manifest is alive. While an index that has a tag lists the manifest, it can still be pulled. Errors: QY002, QY003, QY004, QY005, QY041 if one tag is immutable (then none ends), 40001.';

CREATE OR REPLACE FUNCTION quay.tag_restore(namespace text, repository text, tag text, OUT tag_id bigint, OUT manifest_id bigint,
                                            INOUT digest text DEFAULT NULL, actor text DEFAULT NULL, ip text DEFAULT NULL,
                                            OUT lifetime_start_ms bigint, OUT lifetime_end_ms bigint, OUT immutable boolean,
                                            OUT previous_digest text) RETURNS SETOF record
    LANGUAGE plpgsql VOLATILE ROWS 1 SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target quay.repository := quay_internal.repository_get(namespace, repository, lock => true);
    now_ms bigint;
    former text := tag_restore.digest;
BEGIN
    PERFORM quay_internal.tag_lock(target.id);
    IF former IS NULL THEN
        now_ms := quay_internal.clock_ms();
        SELECT m.digest INTO former
        FROM quay.tag AS t JOIN quay.manifest AS m ON m.id = t.manifest_id
        WHERE t.repository_id = target.id AND t.name = tag_restore.tag AND NOT t.hidden
          AND t.lifetime_end_ms <= now_ms
          AND t.lifetime_end_ms > now_ms - (SELECT u.removed_tag_expiration_s * 1000::bigint FROM quay."user" AS u
                                            WHERE u.id = target.namespace_user_id)
        ORDER BY t.lifetime_end_ms DESC
        LIMIT 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'QY042',
                MESSAGE = 'tag has nothing to restore',
                DETAIL = format('No tag "%s" ended within the time that the namespace keeps removed tags.', left(tag_restore.tag, 80)),
                HINT = 'quay.tag_history() shows what there was; pass the digest of a manifest to restore that one.';
        END IF;
    END IF;
    RETURN QUERY SELECT * FROM quay.tag_set(tag_restore.namespace, tag_restore.repository, tag_restore.tag, former,
                                            reversion => true, actor => tag_restore.actor, ip => tag_restore.ip);
END
$$;
COMMENT ON FUNCTION quay.tag_restore(text, text, text, text, text, text) IS
    'Brings a removed tag back, or a moved one to where it was before: to the manifest of its latest ended period, or to the given digest. Result as tag_set(). Errors: QY042 nothing to restore, and those of tag_set().';

-- @part always api/250_resolve.sql
-- From a reference to a manifest. The work is done in C (src/registry/tag.c, src/registry/pull.c): one call makes many look-ups.
--
-- The functions that clients call are plain SQL of the one kind that the planner puts in place of the call: so the row comes straight from
-- the C function, where a function that returns a set would first be run into a tuplestore, which costs more than the look-ups.
-- OFFSET 0 keeps the C function from being called once for each column.

COMMENT ON TYPE quay_internal.resolved_tag IS 'A tag and its manifest: sizes in bytes, times in ms since 1970.';
COMMENT ON TYPE quay_internal.stored_manifest IS 'A manifest with its bytes exactly as pushed; size in bytes.';
COMMENT ON TYPE quay_internal.pulled_manifest IS 'The outcome of a pull: status, and if that is ok the manifest; size in bytes.';

CREATE OR REPLACE FUNCTION quay_internal.tag_resolve_row(namespace text, repository text, tag text, as_of timestamptz)
    RETURNS quay_internal.resolved_tag
    LANGUAGE C STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'quay_tag_resolve';
COMMENT ON FUNCTION quay_internal.tag_resolve_row(text, text, text, timestamptz) IS 'The row of tag_resolve(), or NULL.';

CREATE OR REPLACE FUNCTION quay.tag_resolve(namespace text, repository text, tag text, as_of timestamptz DEFAULT NULL)
    RETURNS TABLE (manifest_id bigint, digest text, media_type text, size bigint, artifact_type text,
                   tag_id bigint, lifetime_start_ms bigint, lifetime_end_ms bigint, immutable boolean)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
    BEGIN ATOMIC
    SELECT (r.found).manifest_id, (r.found).digest, (r.found).media_type, (r.found).size, (r.found).artifact_type,
           (r.found).tag_id, (r.found).lifetime_start_ms, (r.found).lifetime_end_ms, (r.found).immutable
    FROM (SELECT quay_internal.tag_resolve_row(tag_resolve.namespace, tag_resolve.repository, tag_resolve.tag, tag_resolve.as_of) AS found
          OFFSET 0) AS r
    WHERE (r.found).manifest_id IS NOT NULL;
    END;
COMMENT ON FUNCTION quay.tag_resolve(text, text, text, timestamptz) IS
    'Manifest that the tag points to, now or at the time as_of; size of the manifest in bytes, lifetimes in ms since 1970, an end of NULL means none. No row: unknown or expired tag, repository or namespace. Asks nobody whether he may: see pull(), access_check(). Call it in FROM.';

CREATE OR REPLACE FUNCTION quay_internal.manifest_get_row(namespace text, repository text, reference text)
    RETURNS quay_internal.stored_manifest
    LANGUAGE C STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'quay_manifest_get';
COMMENT ON FUNCTION quay_internal.manifest_get_row(text, text, text) IS 'The row of manifest_get(), or NULL.';

CREATE OR REPLACE FUNCTION quay.manifest_get(namespace text, repository text, reference text)
    RETURNS TABLE (digest text, media_type text, manifest bytea, manifest_id bigint, size bigint, artifact_type text, subject text)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
    BEGIN ATOMIC
    SELECT (r.found).digest, (r.found).media_type, (r.found).manifest, (r.found).manifest_id, (r.found).size,
           (r.found).artifact_type, (r.found).subject
    FROM (SELECT quay_internal.manifest_get_row(manifest_get.namespace, manifest_get.repository, manifest_get.reference) AS found
          OFFSET 0) AS r
    WHERE (r.found).manifest_id IS NOT NULL;
    END;
COMMENT ON FUNCTION quay.manifest_get(text, text, text) IS
    'Manifest that the reference (a tag or a digest) names, its bytes exactly as pushed. By digest it is found while a live tag, hidden ones too, points to it or to an index that lists it. No row: unknown. Asks nobody whether he may: see pull(). Call it in FROM.';

CREATE OR REPLACE FUNCTION quay_internal.pull_row(actor text, namespace text, repository text, reference text, scopes text)
    RETURNS quay_internal.pulled_manifest
    LANGUAGE C STABLE PARALLEL SAFE COST 40 AS 'MODULE_PATHNAME', 'quay_pull';
COMMENT ON FUNCTION quay_internal.pull_row(text, text, text, text, text) IS 'The row of pull().';

CREATE OR REPLACE FUNCTION quay.pull(actor text, namespace text, repository text, reference text, scopes text DEFAULT NULL)
    RETURNS TABLE (status text, digest text, media_type text, manifest bytea, manifest_id bigint, size bigint, repository_id bigint)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
    BEGIN ATOMIC
    SELECT (r.outcome).status, (r.outcome).digest, (r.outcome).media_type, (r.outcome).manifest, (r.outcome).manifest_id,
           (r.outcome).size, (r.outcome).repository_id
    FROM (SELECT quay_internal.pull_row(pull.actor, pull.namespace, pull.repository, pull.reference, pull.scopes) AS outcome
          OFFSET 0) AS r;
    END;
COMMENT ON FUNCTION quay.pull(text, text, text, text, text) IS
    'One call for a pull: the access decision, then the manifest. Always one row; status is ok, denied (may not read, or the repository does not exist), namespace_disabled, repository_unknown, manifest_unknown or tag_expired, and the other columns are NULL unless it is ok. actor NULL: anonymous; scopes NULL: direct login. Call it in FROM.';

-- @part always api/260_list.sql
-- Lists, a page at a time: after is the last entry of the page before, which need not exist any more.

CREATE OR REPLACE FUNCTION quay_internal.page_size(n integer) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF n IS NULL OR n < 0 THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'number of entries must not be negative',
            DETAIL = format('It is %s.', coalesce(n::text, 'NULL')),
            HINT = 'Pass how many entries the page may have at most.';
    END IF;
    RETURN n;
END
$$;
COMMENT ON FUNCTION quay_internal.page_size(integer) IS 'The n of a list. Errors: 22023 negative.';

CREATE OR REPLACE FUNCTION quay.tag_list(namespace text, repository text, after text DEFAULT NULL, n integer DEFAULT 100)
    RETURNS TABLE (name text, digest text, media_type text, size bigint, layers_size bigint,
                   lifetime_start_ms bigint, lifetime_end_ms bigint, immutable boolean, tag_id bigint)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    start text := coalesce(tag_list.after, '') COLLATE "C";   -- no name is empty
BEGIN
    -- Two branches, each with an index that leads to live rows only: tags without an end, and the few with one in the future.
    RETURN QUERY
        SELECT t.name::text, m.digest::text, y.name::text, octet_length(m.manifest_bytes)::bigint, m.layers_compressed_size,
               t.lifetime_start_ms, t.lifetime_end_ms, t.immutable, t.id
        FROM (SELECT DISTINCT ON (l.name) l.*
              FROM ((SELECT * FROM quay.tag AS t
                     WHERE t.repository_id = target_id AND t.lifetime_end_ms IS NULL AND NOT t.hidden AND t.name > start
                     ORDER BY t.name
                     LIMIT page_size)
                    UNION ALL
                    SELECT * FROM quay.tag AS t
                    WHERE t.repository_id = target_id AND t.lifetime_end_ms > now_ms AND NOT t.hidden AND t.name > start) AS l
              WHERE l.manifest_id IS NOT NULL
              ORDER BY l.name, l.lifetime_end_ms DESC NULLS FIRST
              LIMIT page_size) AS t
        JOIN quay.manifest AS m ON m.id = t.manifest_id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        ORDER BY t.name;
END
$$;
COMMENT ON FUNCTION quay.tag_list(text, text, text, integer) IS
    'Live tags of a repository in byte order of their names, at most n, those after the name after. size: of the manifest, layers_size: of its layers, compressed, both in bytes; NULL: not known. Lifetimes in ms since 1970, an end of NULL means none. Errors: 22023 n negative, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.tag_history(namespace text, repository text, INOUT tag text DEFAULT NULL, after text DEFAULT NULL,
                                            n integer DEFAULT 100, OUT digest text, OUT lifetime_start_ms bigint,
                                            OUT lifetime_end_ms bigint, OUT live boolean, OUT reversion boolean, OUT immutable boolean,
                                            OUT tag_id bigint, OUT cursor text) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    page_size integer := quay_internal.page_size(n);
    now_ms bigint := quay_internal.clock_ms();
    after_start bigint;
    after_id bigint;
BEGIN
    IF after IS NOT NULL AND after !~ '^\d{1,18}\.\d{1,18}$' THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = 'malformed cursor of a tag history',
            DETAIL = format('"%s" is none.', left(after, 80)),
            HINT = 'Pass the column cursor of the last row of the page before, or NULL for the first page.';
    END IF;
    after_start := coalesce(split_part(after, '.', 1)::bigint, 9223372036854775807);
    after_id := coalesce(split_part(after, '.', 2)::bigint, 9223372036854775807);
    RETURN QUERY
        SELECT t.name::text, m.digest::text, t.lifetime_start_ms, t.lifetime_end_ms,
               t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > now_ms, t.reversion, t.immutable, t.id,
               t.lifetime_start_ms || '.' || t.id
        FROM (SELECT * FROM quay.tag AS t
              WHERE t.repository_id = target_id AND NOT t.hidden
                AND (tag_history.tag IS NULL OR t.name = tag_history.tag)
                AND t.lifetime_start_ms <= after_start AND (t.lifetime_start_ms, t.id) < (after_start, after_id)
              ORDER BY t.lifetime_start_ms DESC, t.id DESC
              LIMIT page_size) AS t
        LEFT JOIN quay.manifest AS m ON m.id = t.manifest_id
        ORDER BY t.lifetime_start_ms DESC, t.id DESC;
END
$$;
COMMENT ON FUNCTION quay.tag_history(text, text, text, text, integer) IS
    'Periods of one tag, or of all tags of a repository (tag NULL), over or not, newest first, as long as they have not been collected. Times in ms since 1970; an end of NULL means none. For the next page pass cursor of the last row as after. Errors: 22023, QY002, QY003, QY004.';

CREATE OR REPLACE FUNCTION quay.referrer_list(namespace text, repository text, INOUT digest text, INOUT artifact_type text DEFAULT NULL,
                                              OUT media_type text, OUT size bigint, OUT annotations jsonb) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    target_id bigint := (quay_internal.repository_get(namespace, repository)).id;
    now_ms bigint := quay_internal.clock_ms();
    fallback text;
BEGIN
    PERFORM quay_internal.digest_check(referrer_list.digest);
    -- Clients that know no subject keep the list themselves: an index under a tag made from the digest.
    SELECT m.manifest_bytes INTO fallback
    FROM quay.manifest AS m JOIN quay.mediatype AS y ON y.id = m.media_type_id
    WHERE m.id = (quay_internal.tag_find(target_id, replace(referrer_list.digest, ':', '-'), now_ms)).manifest_id
      AND y.name = 'application/vnd.oci.image.index.v1+json';
    RETURN QUERY
        SELECT m.digest::text, coalesce(m.artifact_type, m.config_media_type)::text, y.name::text,
               octet_length(m.manifest_bytes)::bigint, coalesce(quay_internal.manifest_annotations(m.manifest_bytes), '{}')
        FROM (SELECT r.id FROM quay.manifest AS r
              WHERE r.repository_id = target_id AND r.subject = referrer_list.digest
                AND quay_internal.manifest_is_alive(r.id, now_ms)
              UNION
              SELECT r.id FROM quay.manifest AS r
              WHERE fallback <> '' AND r.repository_id = target_id
                AND r.digest IN (SELECT e.entry ->> 'digest' FROM json_array_elements(fallback::json -> 'manifests') AS e (entry))
             ) AS r
        JOIN quay.manifest AS m ON m.id = r.id
        JOIN quay.mediatype AS y ON y.id = m.media_type_id
        WHERE m.manifest_bytes <> ''
          AND (referrer_list.artifact_type IS NULL OR coalesce(m.artifact_type, m.config_media_type) = referrer_list.artifact_type)
        ORDER BY m.id;
END
$$;
COMMENT ON FUNCTION quay.referrer_list(text, text, text, text) IS
    'Manifests that have this digest as their subject, oldest first, as the descriptors of a referrers response; also those that an index under the tag <algorithm>-<hexadecimal digits> lists. artifact_type selects; a manifest without one counts under the media type of its config. No row: none, whether the digest is known or not. size in bytes. Errors: QY002, QY003, QY004, QY020, QY022.';

CREATE OR REPLACE FUNCTION quay.catalog(actor text, after text DEFAULT NULL, n integer DEFAULT 100, scopes text DEFAULT NULL)
    RETURNS TABLE (namespace text, repository text, name text, visibility text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    page_size integer := quay_internal.page_size(n);
    actor_id bigint := (SELECT u.id FROM quay."user" AS u WHERE u.username = catalog.actor AND u.enabled);
    teams bigint[] := ARRAY(SELECT m.team_id FROM quay.teammember AS m WHERE m.user_id = actor_id);
    sees_all boolean := EXISTS (SELECT FROM quay.superuser AS s WHERE s.username = catalog.actor);
    -- No name has a "/" before that of the repository, so this order of two keys is that of "namespace/repository".
    after_namespace text := CASE WHEN strpos(after, '/') > 0 THEN split_part(after, '/', 1) || '/' ELSE coalesce(after, '') END;
    after_repository text := CASE WHEN strpos(after, '/') > 0 THEN substring(after FROM strpos(after, '/') + 1) ELSE '' END;
    returned integer := 0;
BEGIN
    IF page_size = 0 THEN
        RETURN;
    END IF;
    -- The query leaves out what is surely hidden; the decision itself is that of access_check().
    FOR namespace, repository, visibility IN
        SELECT u.username, r.name, v.name
        FROM quay."user" AS u
        JOIN quay.repository AS r ON r.namespace_user_id = u.id
        JOIN quay.visibility AS v ON v.id = r.visibility_id
        JOIN quay.repositorykind AS k ON k.id = r.kind_id
        WHERE u.enabled AND NOT u.robot AND r.state <> 3 AND k.name = 'image'
          AND (u.username || '/') COLLATE "C" >= after_namespace
          AND ((u.username || '/') COLLATE "C", r.name) > (after_namespace, after_repository)
          AND (v.name = 'public' OR sees_all OR u.id = actor_id
               OR EXISTS (SELECT FROM quay.repositorypermission AS p
                          WHERE p.repository_id = r.id AND (p.user_id = actor_id OR p.team_id = ANY (teams)))
               OR u.id IN (SELECT t.organization_id FROM quay.team AS t JOIN quay.teamrole AS tr ON tr.id = t.role_id
                           WHERE t.id = ANY (teams) AND tr.name = 'admin'))
        ORDER BY (u.username || '/') COLLATE "C", r.name
    LOOP
        CONTINUE WHEN NOT quay.access_check(actor, namespace, repository, 'read', scopes);
        name := namespace || '/' || repository;
        RETURN NEXT;
        returned := returned + 1;
        EXIT WHEN returned = page_size;
    END LOOP;
END
$$;
COMMENT ON FUNCTION quay.catalog(text, text, integer, text) IS
    'Image repositories that the actor may read (NULL: anonymous), in byte order of name, which is "namespace/repository", at most n, those after the name after. Errors: 22023 n negative.';

-- @part always api/300_legacy.sql
-- Models that the reference has dropped, as views over the present truth. Read only: the tables below them are written.

CREATE OR REPLACE FUNCTION quay_internal.json_or_null(document text) RETURNS json
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'quay_json_or_null';
COMMENT ON FUNCTION quay_internal.json_or_null(text) IS
    'The text as json; NULL instead of an error if it is not JSON, is nested deeper than 64 levels, or has an escaped zero byte.';

-- image: the layers of each image manifest, base first. Docker schema 1 lists them leaf first, in fsLayers and history.

CREATE OR REPLACE VIEW quay.image AS
SELECT
    m.id * 1024 + l.index AS id,
    encode(sha256(convert_to(m.digest || ':' || l.index, 'UTF8')), 'hex')::varchar(255) COLLATE "C" AS docker_image_id,
    m.repository_id,
    '/' || (SELECT coalesce(string_agg(m.id * 1024 + a || '/', '' ORDER BY a), '') FROM generate_series(0, l.index - 1) AS a) AS ancestors,
    s.id AS storage_id,
    NULL::timestamp AS created,
    NULL::text AS comment,
    NULL::text AS command,
    l.aggregate_size,
    l.v1_json_metadata,
    l.digest::varchar(255) COLLATE "C" AS v1_checksum,
    coalesce(x.index_status = 2, false) AS security_indexed,
    coalesce(x.indexer_version, -1) AS security_indexed_engine,
    CASE WHEN l.index > 0 THEN m.id * 1024 + l.index - 1 END AS parent_id
FROM quay.manifest AS m
CROSS JOIN LATERAL (SELECT quay_internal.json_or_null(m.manifest_bytes) AS document OFFSET 0) AS d
CROSS JOIN LATERAL (
    SELECT e.number - 1 AS index,
           e.layer ->> 'digest' AS digest,
           sum(CASE WHEN e.layer ->> 'size' ~ '^[0-9]{1,14}$' THEN (e.layer ->> 'size')::bigint ELSE 0 END)
               OVER (ORDER BY e.number)::bigint AS aggregate_size,
           NULL::text AS v1_json_metadata
    FROM json_array_elements(CASE WHEN json_typeof(d.document -> 'layers') = 'array' THEN d.document -> 'layers' END)
        WITH ORDINALITY AS e (layer, number)
    WHERE d.document -> 'config' ->> 'mediaType'
        IN ('application/vnd.docker.container.image.v1+json', 'application/vnd.oci.image.config.v1+json')
    UNION ALL
    SELECT json_array_length(d.document -> 'fsLayers') - e.number,
           e.layer ->> 'blobSum',
           NULL,
           d.document -> 'history' -> (e.number - 1)::integer ->> 'v1Compatibility'
    FROM json_array_elements(CASE WHEN json_typeof(d.document -> 'fsLayers') = 'array' THEN d.document -> 'fsLayers' END)
        WITH ORDINALITY AS e (layer, number)
) AS l
LEFT JOIN quay.imagestorage AS s ON s.content_checksum = l.digest COLLATE "C"
LEFT JOIN quay.manifestsecuritystatus AS x ON x.manifest_id = m.id
WHERE l.index < 1024;

COMMENT ON VIEW quay.image IS
    'Read only, a model that the reference dropped: one row for each layer of each image manifest, up to 1024 layers. Manifests whose text is not there (sparse) or not JSON have none.';
COMMENT ON COLUMN quay.image.id IS 'manifest.id * 1024 + place of the layer, base first, from 0. Stays as long as the manifest.';
COMMENT ON COLUMN quay.image.docker_image_id IS '64 hexadecimal digits: SHA-256 of the manifest''s digest, a colon and the place of the layer. Unique in the repository.';
COMMENT ON COLUMN quay.image.repository_id IS 'Repository of the manifest.';
COMMENT ON COLUMN quay.image.ancestors IS 'Ids of the layers below, base first: /1024/1025/; of the base layer: /.';
COMMENT ON COLUMN quay.image.storage_id IS 'Blob of the layer, imagestorage.id. NULL: the registry does not hold it (foreign layers).';
COMMENT ON COLUMN quay.image.created IS 'Always NULL: it stands in the image configuration, a blob.';
COMMENT ON COLUMN quay.image.comment IS 'Always NULL: it stands in the image configuration, a blob.';
COMMENT ON COLUMN quay.image.command IS 'Always NULL: it stands in the image configuration, a blob.';
COMMENT ON COLUMN quay.image.aggregate_size IS 'Bytes, compressed, of this layer and those below, as the manifest says. NULL: Docker schema 1, which does not say.';
COMMENT ON COLUMN quay.image.v1_json_metadata IS 'JSON text of the layer in a Docker schema 1 manifest. NULL: any other manifest.';
COMMENT ON COLUMN quay.image.v1_checksum IS 'Digest of the layer, such as sha256:<hex>.';
COMMENT ON COLUMN quay.image.security_indexed IS 'True: the vulnerability scan of the manifest is complete.';
COMMENT ON COLUMN quay.image.security_indexed_engine IS 'Version of the indexer that scanned the manifest, 2 or 4; -1: not scanned.';
COMMENT ON COLUMN quay.image.parent_id IS 'The layer below. NULL: base layer.';

-- tagmanifest: what each tag shows now.

CREATE OR REPLACE VIEW quay.tagmanifest AS
SELECT t.id, t.id AS tag_id, m.digest, m.manifest_bytes AS json_data
FROM quay.tag AS t
JOIN quay.manifest AS m ON m.id = t.manifest_id
WHERE NOT t.hidden AND (t.lifetime_end_ms IS NULL OR t.lifetime_end_ms > (SELECT quay_internal.clock_ms()));

COMMENT ON VIEW quay.tagmanifest IS 'Read only, a model that the reference dropped: the manifest of each visible tag that is alive.';
COMMENT ON COLUMN quay.tagmanifest.id IS 'The same as tag_id.';
COMMENT ON COLUMN quay.tagmanifest.tag_id IS 'The tag, tag.id.';
COMMENT ON COLUMN quay.tagmanifest.digest IS 'Digest of the manifest, such as sha256:<hex>.';
COMMENT ON COLUMN quay.tagmanifest.json_data IS 'Text of the manifest, byte for byte. Empty: only its digest is known (sparse).';

-- organizationmember: who is in any team of an organization.

CREATE OR REPLACE VIEW quay.organizationmember AS
SELECT min(tm.id) AS id, t.organization_id, tm.user_id
FROM quay.teammember AS tm
JOIN quay.team AS t ON t.id = tm.team_id
GROUP BY t.organization_id, tm.user_id;

COMMENT ON VIEW quay.organizationmember IS 'Read only, for the old name: each member of any team of an organization, once. Robots in teams count.';
COMMENT ON COLUMN quay.organizationmember.id IS 'Oldest of the memberships, teammember.id.';
COMMENT ON COLUMN quay.organizationmember.organization_id IS 'The organization, "user".id.';
COMMENT ON COLUMN quay.organizationmember.user_id IS 'The person or robot, "user".id.';

-- @part always api/800_maintenance.sql
-- What a DBA calls: the drop guard, and the privileges of roles.

CREATE OR REPLACE FUNCTION quay_internal.drop_guard() RETURNS event_trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'quay_drop_guard';
COMMENT ON FUNCTION quay_internal.drop_guard() IS
    'Event trigger: refuses (QY091) DROP EXTENSION, DROP SCHEMA and DROP OWNED while there is user data, unless quay.allow_drop is on.';

-- Three kinds of roles, each with a fixed set of privileges. The next three functions are the only place that says which.

CREATE OR REPLACE FUNCTION quay_internal.secret_column_list() RETURNS TABLE (table_name text, column_name text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES
        ('accesstoken', 'token_code'),
        ('appspecificauthtoken', 'token_secret'),
        ('emailconfirmation', 'code'),
        ('emailconfirmation', 'verification_code'),
        ('namespacenotification', 'config_json'),
        ('oauthaccesstoken', 'token_code'),
        ('oauthapplication', 'secure_client_secret'),
        ('oauthauthorizationcode', 'code_credential'),
        ('orgmirrorconfig', 'external_registry_password'),
        ('orgmirrorconfig', 'external_registry_username'),
        ('proxycacheconfig', 'upstream_registry_password'),
        ('proxycacheconfig', 'upstream_registry_username'),
        ('queueitem', 'body'),
        ('repomirrorconfig', 'external_registry_password'),
        ('repomirrorconfig', 'external_registry_username'),
        ('repository', 'badge_token'),
        ('repositoryauthorizedemail', 'code'),
        ('repositorybuildtrigger', 'secure_auth_token'),
        ('repositorybuildtrigger', 'secure_private_key'),
        ('repositorynotification', 'config_json'),
        ('robotaccounttoken', 'token'),
        ('teammemberinvite', 'invite_token'),
        ('user', 'password_hash');
END
$$;
COMMENT ON FUNCTION quay_internal.secret_column_list() IS
    'Columns of tables in schema quay that a reader must not see: passwords, tokens, codes and keys, hashed, encrypted or in clear.';

CREATE OR REPLACE FUNCTION quay_internal.function_is_for(function regprocedure, kind text) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- What changes the installation or the rights in it.
    for_admin CONSTANT text[] := ARRAY['grant_role', 'revoke_role', 'log_partition_ensure', 'log_partition_drop', 'search_index_create',
                                    'version_require', 'version_set', 'downgrade_refuse'];
    -- Helpers that reads call, though they are volatile: they look at the clock, or lock for other callers.
    for_reads CONSTANT text[] := ARRAY['clock', 'clock_ms', 'utc_now', 'repository_get'];
    -- Reads, but of secrets.
    not_for_readers CONSTANT text[] := ARRAY['field_decrypt', 'field_matches', 'password_verify', 'secret_equal', 'login_account'];
    found record;
BEGIN
    SELECT p.proname::text AS name, p.provolatile AS volatility,
           p.prorettype = ANY (ARRAY['trigger'::regtype, 'event_trigger'::regtype]) AS is_trigger
    INTO STRICT found FROM pg_proc AS p WHERE p.oid = function_is_for.function;
    RETURN CASE function_is_for.kind
        WHEN 'admin' THEN true
        WHEN 'application' THEN NOT found.is_trigger AND found.name <> ALL (for_admin)
        ELSE NOT found.is_trigger AND found.name <> ALL (for_admin) AND found.name <> ALL (not_for_readers)
             AND (found.volatility <> 'v' OR found.name = ANY (for_reads))
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.function_is_for(regprocedure, text) IS
    'May roles of that kind call the function? Administrators all, applications all but maintenance, readers those that only read.';

CREATE OR REPLACE FUNCTION quay_internal.privilege_list(kind text)
    RETURNS TABLE (object_kind text, object text, columns name[], privilege text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY VALUES ('SCHEMA', 'quay', NULL::name[], 'USAGE'), ('SCHEMA', 'quay_internal', NULL, 'USAGE');

    RETURN QUERY
    SELECT 'ROUTINE', p.oid::regprocedure::text, NULL::name[], 'EXECUTE'
    FROM pg_proc AS p
    WHERE p.pronamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace])
      AND quay_internal.function_is_for(p.oid, privilege_list.kind);

    RETURN QUERY
    SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
           c.oid::regclass::text,
           CASE WHEN kind = 'reader' THEN visible.columns END,
           wanted.privilege
    FROM pg_class AS c
    CROSS JOIN LATERAL unnest(CASE
        WHEN c.relkind = 'S' THEN CASE privilege_list.kind
            WHEN 'admin' THEN ARRAY['USAGE', 'SELECT', 'UPDATE']
            WHEN 'application' THEN ARRAY['USAGE'] END
        WHEN privilege_list.kind = 'reader' OR c.relkind = 'v' OR c.relname IN ('schema_version', 'entity_change') THEN ARRAY['SELECT']
        WHEN privilege_list.kind = 'application' THEN ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']
        ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] END) AS wanted (privilege)
    -- NULL, so the whole table, unless it has a secret
    CROSS JOIN LATERAL (
        SELECT CASE WHEN bool_or(s.column_name IS NOT NULL)
                    THEN array_agg(a.attname ORDER BY a.attnum) FILTER (WHERE s.column_name IS NULL) END AS columns
        FROM pg_attribute AS a
        LEFT JOIN quay_internal.secret_column_list() AS s
            ON c.relnamespace = 'quay'::regnamespace AND s.table_name = c.relname AND s.column_name = a.attname
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    ) AS visible
    WHERE c.relnamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace])
      AND c.relkind = ANY (ARRAY['r', 'p', 'v', 'm', 'S']::"char"[])
      -- Months of the log are reached through the whole, which is where PostgreSQL asks for the right.
      AND (NOT c.relispartition OR c.relname = 'logentry3_default');
END
$$;
COMMENT ON FUNCTION quay_internal.privilege_list(text) IS
    'The privileges of a kind of role: admin, application or reader. One row each; columns, if not NULL, are those that it is limited to.';

CREATE OR REPLACE FUNCTION quay_internal.role_kind(role regrole) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Rights by name only: not those of a superuser, an owner or a member.
    RETURN CASE
        WHEN EXISTS (SELECT FROM pg_proc AS p, aclexplode(p.proacl) AS a
                     WHERE p.oid = 'quay.grant_role(regrole, text)'::regprocedure
                       AND a.grantee = role_kind.role AND a.grantee <> p.proowner) THEN 'admin'
        WHEN EXISTS (SELECT FROM pg_class AS c, aclexplode(c.relacl) AS a
                     WHERE c.oid = 'quay."user"'::regclass AND a.privilege_type = 'INSERT'
                       AND a.grantee = role_kind.role AND a.grantee <> c.relowner) THEN 'application'
        WHEN EXISTS (SELECT FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
                     WHERE n.oid = 'quay'::regnamespace
                       AND a.grantee = role_kind.role AND a.grantee <> n.nspowner) THEN 'reader'
    END;
END
$$;
COMMENT ON FUNCTION quay_internal.role_kind(regrole) IS 'What grant_role() made of the role: admin, application or reader; NULL: nothing.';

CREATE OR REPLACE FUNCTION quay_internal.role_lacks(role regrole, kind text) RETURNS bigint
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN (
        SELECT count(*) FROM quay_internal.privilege_list(role_lacks.kind) AS p
        WHERE NOT CASE p.object_kind
            WHEN 'SCHEMA' THEN has_schema_privilege(role_lacks.role, p.object, p.privilege)
            WHEN 'ROUTINE' THEN has_function_privilege(role_lacks.role, p.object, p.privilege)
            WHEN 'SEQUENCE' THEN has_sequence_privilege(role_lacks.role, p.object, p.privilege)
            WHEN 'TABLE' THEN CASE
                WHEN p.columns IS NULL THEN has_table_privilege(role_lacks.role, p.object, p.privilege)
                ELSE (SELECT bool_and(has_column_privilege(role_lacks.role, p.object, c.name, p.privilege)) FROM unnest(p.columns) AS c (name)) END
            END
    );
END
$$;
COMMENT ON FUNCTION quay_internal.role_lacks(regrole, text) IS 'How many of the privileges of that kind the role has not.';

CREATE OR REPLACE FUNCTION quay.role_list() RETURNS TABLE (role text, kind text, complete boolean)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    SELECT r.rolname::text, k.kind, quay_internal.role_lacks(r.oid, k.kind) = 0
    FROM pg_roles AS r
    CROSS JOIN LATERAL (SELECT quay_internal.role_kind(r.oid) AS kind OFFSET 0) AS k
    WHERE k.kind IS NOT NULL
    ORDER BY r.rolname;
END
$$;
COMMENT ON FUNCTION quay.role_list() IS
    'Roles that grant_role() served, and as which kind. complete is false where an update brought objects since: grant the same kind again.';

CREATE OR REPLACE FUNCTION quay.revoke_role(role regrole, cascade boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    object_kind text;
    behavior text := CASE WHEN revoke_role.cascade THEN 'CASCADE' ELSE 'RESTRICT' END;
    previous_role CONSTANT text := current_setting('role');
    grantee regrole;
    other text;
BEGIN
    -- What the role granted to others goes first, in its name: CASCADE alone would leave rights on columns that came from its right on
    -- the table.
    IF revoke_role.cascade THEN
        FOR grantee IN
            SELECT DISTINCT a.grantee FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
            WHERE n.oid = 'quay'::regnamespace AND a.grantor = revoke_role.role AND a.grantor <> n.nspowner
        LOOP
            PERFORM set_config('role', (SELECT r.rolname FROM pg_roles AS r WHERE r.oid = revoke_role.role), true);
            PERFORM quay.revoke_role(grantee, cascade => true);
            PERFORM set_config('role', previous_role, true);
        END LOOP;
    END IF;

    FOREACH object_kind IN ARRAY ARRAY['ALL TABLES IN SCHEMA', 'ALL SEQUENCES IN SCHEMA', 'ALL ROUTINES IN SCHEMA', 'SCHEMA'] LOOP
        EXECUTE format('REVOKE ALL ON %s quay, quay_internal FROM %s %s', object_kind, revoke_role.role, behavior);
    END LOOP;

    -- REVOKE takes back only what its role has granted.
    SELECT string_agg(DISTINCT a.grantor::regrole::text, ', ') INTO other
    FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
    WHERE n.nspname = ANY (ARRAY['quay', 'quay_internal']::name[]) AND a.grantee = revoke_role.role AND a.grantee <> n.nspowner;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'role still has privileges that another role granted',
            DETAIL = format('They were granted to %s by %s.', revoke_role.role, other),
            HINT = format('Run SET ROLE %s and quay.revoke_role() again.', other);
    END IF;
END
$$;
COMMENT ON FUNCTION quay.revoke_role(regrole, boolean) IS
    'Takes back what grant_role() gave. cascade: also what that role, an admin, gave to others; without it such a role is refused (2BP01). Errors: 42501 granted by another role, named in the detail.';

CREATE OR REPLACE FUNCTION quay.grant_role(role regrole, kind text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    grant_option text := CASE grant_role.kind WHEN 'admin' THEN 'WITH GRANT OPTION' ELSE '' END;
    statement text;
BEGIN
    IF grant_role.kind IS NULL OR grant_role.kind <> ALL (ARRAY['admin', 'application', 'reader']) THEN
        RAISE EXCEPTION USING ERRCODE = 'QY009',
            MESSAGE = 'unknown kind of role',
            DETAIL = format('There is no kind "%s".', left(grant_role.kind, 80)),
            HINT = 'Kinds are admin, application and reader.';
    END IF;
    IF quay_internal.role_kind(grant_role.role) <> grant_role.kind THEN
        PERFORM quay.revoke_role(grant_role.role);
    END IF;
    FOR statement IN
        SELECT format('GRANT %s%s ON %s %s TO %s %s', p.privilege,
                      (SELECT '(' || string_agg(quote_ident(c.name), ', ') || ')' FROM unnest(p.columns) AS c (name)), p.object_kind,
                      string_agg(p.object, ', ' ORDER BY p.object), grant_role.role, grant_option)
        FROM quay_internal.privilege_list(grant_role.kind) AS p
        GROUP BY p.object_kind, p.privilege, p.columns, CASE WHEN p.columns IS NOT NULL THEN p.object END
    LOOP
        EXECUTE statement;
    END LOOP;

    -- GRANT only warns where the caller may not grant.
    IF quay_internal.role_lacks(grant_role.role, grant_role.kind) > 0 THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege',
            MESSAGE = 'may not grant all privileges of this kind of role',
            DETAIL = format('Kind "%s" needs privileges that role %s cannot pass on.', grant_role.kind, current_user),
            HINT = 'Call it as the owner of the extension, or as a role of kind admin.';
    END IF;
END
$$;
COMMENT ON FUNCTION quay.grant_role(regrole, text) IS
    'Gives a role the privileges of one kind, instead of those of another. reader: read functions and tables without secrets. application: all functions but maintenance, and reading and writing of tables. admin: all, and to grant it. Again after an update. Errors: QY009 unknown kind, 42501 caller may not grant.';

-- @part always api/900_comment_account.sql
-- What the tables of accounts, permissions, repositories and credentials hold (schema/010 to 050): text for \d+ and for doc/.
-- `timestamp` columns hold UTC. An encrypted secret is text v0$$<base64>, written and read by the functions of 020_secret.sql.

-- Names that other rows point to

COMMENT ON TABLE quay.accesstokenkind IS 'Enumeration: what a per-repository access token was made for. Look rows up by name, ids differ between installations.';
COMMENT ON COLUMN quay.accesstokenkind.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.accesstokenkind.name IS 'Unique. Seeded: build-worker (token of one build), pushpull-token.';

COMMENT ON TABLE quay.buildtriggerservice IS 'Enumeration: source hosting services that can start a build.';
COMMENT ON COLUMN quay.buildtriggerservice.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.buildtriggerservice.name IS 'Unique. Seeded: github, gitlab, bitbucket, custom-git.';

COMMENT ON TABLE quay.disablereason IS 'Enumeration: why a build trigger was switched off.';
COMMENT ON COLUMN quay.disablereason.id IS 'Primary key. The reference seeds the same three ids everywhere.';
COMMENT ON COLUMN quay.disablereason.name IS 'Unique. Seeded: user_toggled, successive_build_failures, successive_build_internal_errors.';

COMMENT ON TABLE quay.externalnotificationevent IS 'Enumeration: events that a repository or namespace notification can subscribe to.';
COMMENT ON COLUMN quay.externalnotificationevent.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.externalnotificationevent.name IS 'Unique. Seeded: repo_push, build_*, vulnerability_found, repo_mirror_sync_*, repo_image_expiry, quota_warning, quota_error.';

COMMENT ON TABLE quay.externalnotificationmethod IS 'Enumeration: channels over which a subscribed event is delivered.';
COMMENT ON COLUMN quay.externalnotificationmethod.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.externalnotificationmethod.name IS 'Unique. Seeded: email, flowdock, hipchat, quay_notification (in the application), slack, webhook.';

COMMENT ON TABLE quay.imagestoragelocation IS 'Enumeration: object storage engines that can hold blob bytes. The front end adds one row per storage engine it is configured with.';
COMMENT ON COLUMN quay.imagestoragelocation.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.imagestoragelocation.name IS 'Unique name of the engine as in the front end''s configuration, such as local or s3_us_east_1.';

COMMENT ON TABLE quay.imagestoragesignaturekind IS 'Legacy enumeration: kinds of detached layer signatures. No live writer.';
COMMENT ON COLUMN quay.imagestoragesignaturekind.id IS 'Primary key.';
COMMENT ON COLUMN quay.imagestoragesignaturekind.name IS 'Unique. Seeded: gpg2.';

COMMENT ON TABLE quay.imagestoragetransformation IS 'Legacy enumeration: formats into which an image could be converted, for derivedstorageforimage. No live writer.';
COMMENT ON COLUMN quay.imagestoragetransformation.id IS 'Primary key.';
COMMENT ON COLUMN quay.imagestoragetransformation.name IS 'Unique. Seeded: squash, aci.';

COMMENT ON TABLE quay.labelsourcetype IS 'Enumeration: where a label came from, and with it whether the label may be deleted.';
COMMENT ON COLUMN quay.labelsourcetype.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.labelsourcetype.name IS 'Unique. Seeded: manifest (read from config or annotations at push), api (set by a client), internal.';
COMMENT ON COLUMN quay.labelsourcetype.mutable IS 'True: labels of this source may be deleted through the API. Seeded true only for api.';

COMMENT ON TABLE quay.logentrykind IS 'Enumeration: actions that the audit log knows, 146 seeded. Rows of logentry3 carry these ids without a foreign key.';
COMMENT ON COLUMN quay.logentrykind.id IS 'Primary key. Ids never change; a name seeded here keeps the id that a migrated reference database gives it.';
COMMENT ON COLUMN quay.logentrykind.name IS 'Unique action name, such as push_repo, create_robot or login_failure.';

COMMENT ON TABLE quay.loginservice IS 'Enumeration: identity providers that accounts can be linked to. Providers unknown so far are added when a login is first linked.';
COMMENT ON COLUMN quay.loginservice.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.loginservice.name IS 'Unique. Seeded: github, quayrobot (every robot''s own link), ldap, google, keystone, dex, jwtauthn, oidc.';

COMMENT ON TABLE quay.mediatype IS 'Enumeration: media types of manifests, labels and global messages. application/vnd.cnr.* belong to the retired application registry.';
COMMENT ON COLUMN quay.mediatype.id IS 'Primary key. 1 is text/plain, the default of messages; other ids differ between installations, so go by name.';
COMMENT ON COLUMN quay.mediatype.name IS 'Unique media type, such as application/vnd.oci.image.manifest.v1+json.';

COMMENT ON TABLE quay.notificationkind IS 'Enumeration: kinds of notifications shown inside the application. Delivery by quay_notification needs a row named like the event.';
COMMENT ON COLUMN quay.notificationkind.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.notificationkind.name IS 'Unique, such as repo_push, org_team_invite, quota_error or assigned_authorization.';

COMMENT ON TABLE quay.quotatype IS 'Enumeration: what happens when usage reaches a quota limit. Names are not unique by constraint.';
COMMENT ON COLUMN quay.quotatype.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.quotatype.name IS 'Seeded: Warning (notify), Reject (notify, and refuse uploads and pushes).';

COMMENT ON TABLE quay.repositorykind IS 'Enumeration: what a repository holds.';
COMMENT ON COLUMN quay.repositorykind.id IS 'Primary key. 1 is the default of repository.kind_id.';
COMMENT ON COLUMN quay.repositorykind.name IS 'Unique. Seeded: image, application (retired application registry).';

COMMENT ON TABLE quay.role IS 'Enumeration: what a grant allows on a repository; admin includes write, write includes read.';
COMMENT ON COLUMN quay.role.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.role.name IS 'Unique. Seeded: admin, write, read.';

COMMENT ON TABLE quay.tagkind IS 'Enumeration: kinds of tags of image repositories.';
COMMENT ON COLUMN quay.tagkind.id IS 'Primary key.';
COMMENT ON COLUMN quay.tagkind.name IS 'Unique. Seeded: tag, the only kind in use.';

COMMENT ON TABLE quay.teamrole IS 'Enumeration: what membership of a team allows in the organization as a whole. Names are indexed, not unique.';
COMMENT ON COLUMN quay.teamrole.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.teamrole.name IS 'Seeded: admin (administers the organization), creator (may create repositories), member (only what permissions grant).';

COMMENT ON TABLE quay.userpromptkind IS 'Enumeration: questions that a user is asked at the next sign-in. Names are indexed, not unique.';
COMMENT ON COLUMN quay.userpromptkind.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.userpromptkind.name IS 'Seeded: confirm_username, enter_name, enter_company.';

COMMENT ON TABLE quay.visibility IS 'Enumeration: who may pull from a repository without a grant.';
COMMENT ON COLUMN quay.visibility.id IS 'Primary key. Seeded rows keep ids up to 1000, later rows start at 1001.';
COMMENT ON COLUMN quay.visibility.name IS 'Unique. Seeded: public (everybody, anonymous clients too), private.';
-- Namespaces and identities

COMMENT ON TABLE quay."user" IS 'Accounts of all three kinds: people, organizations and robots. People and organizations are the namespaces that own repositories.';
COMMENT ON COLUMN quay."user".id IS 'Primary key. A robot''s id also stands in its federated login, as robot:<id>.';
COMMENT ON COLUMN quay."user".uuid IS 'Session identity (UUID v4): signed sessions name it, and a new value ends them all. Indexed, not unique. NULL only in old rows.';
COMMENT ON COLUMN quay."user".username IS 'Unique login and namespace name; robots are <namespace>+<short name>. A random UUID while the namespace is being deleted.';
COMMENT ON COLUMN quay."user".password_hash IS 'Secret at rest: bcrypt, cost 12, $2b$, of the first 72 bytes. NULL: no password (robots, organizations, external logins).';
COMMENT ON COLUMN quay."user".email IS 'Mail address, compared with case; unique among people and robots only. Robots, and accounts without one, hold a random placeholder.';
COMMENT ON COLUMN quay."user".verified IS 'The mail address was confirmed. Needed to sign in to a session, not to use a password at the registry API.';
COMMENT ON COLUMN quay."user".stripe_id IS 'Customer id at the billing provider. NULL: not a paying customer.';
COMMENT ON COLUMN quay."user".organization IS 'True: an organization, which has teams and never signs in. Exclusive with robot.';
COMMENT ON COLUMN quay."user".robot IS 'True: a robot, owned by the namespace before the + in its name. Exclusive with organization.';
COMMENT ON COLUMN quay."user".invoice_email IS 'Send invoices by mail, to invoice_email_address if that is set.';
COMMENT ON COLUMN quay."user".invalid_login_attempts IS 'Failed passwords n since the last success; the next attempt is refused for 0.5 * (2^n - 1) seconds. authenticate() keeps it.';
COMMENT ON COLUMN quay."user".last_invalid_login IS 'UTC time of the last failed password, start of the lock-out above. Creation time if there was none.';
COMMENT ON COLUMN quay."user".removed_tag_expiration_s IS 'Time machine window of the namespace in seconds: dead tags can be restored that long, then gc_run() collects them.';
COMMENT ON COLUMN quay."user".enabled IS 'False: barred from signing in, robots of the namespace included. Deletion of a namespace starts by clearing it.';
COMMENT ON COLUMN quay."user".invoice_email_address IS 'Where invoices go instead of email. NULL: to email.';
COMMENT ON COLUMN quay."user".company IS 'Employer as the user states it. NULL: not stated.';
COMMENT ON COLUMN quay."user".family_name IS 'Family name as the user states it. NULL: not stated.';
COMMENT ON COLUMN quay."user".given_name IS 'Given name as the user states it. NULL: not stated.';
COMMENT ON COLUMN quay."user".location IS 'Place as the user states it, free text. NULL: not stated.';
COMMENT ON COLUMN quay."user".maximum_queued_builds_count IS 'Most builds of the namespace that may wait or run at one time. NULL: no limit.';
COMMENT ON COLUMN quay."user".creation_date IS 'UTC time of creation. NULL: before this was recorded.';
COMMENT ON COLUMN quay."user".last_accessed IS 'UTC time of the last use of a credential, written at most once per threshold. NULL: never, or before this was recorded.';

COMMENT ON TABLE quay.superuser IS 'Who administers the registry as a whole, by name. access_check() looks here only after every other rule said no.';
COMMENT ON COLUMN quay.superuser.username IS 'Primary key. Exact, case-sensitive username; an account of that name need not exist yet.';
COMMENT ON COLUMN quay.superuser.kind IS 'superuser (administers accounts; all repositories too under full access) or readonly (sees everything, changes nothing).';

COMMENT ON TABLE quay.federatedlogin IS 'Links of an account to an identity at a login service. Every robot has exactly one, to service quayrobot.';
COMMENT ON COLUMN quay.federatedlogin.id IS 'Primary key.';
COMMENT ON COLUMN quay.federatedlogin.user_id IS 'Account that the outside identity signs in to; at most one link per service.';
COMMENT ON COLUMN quay.federatedlogin.service_id IS 'Login service that vouches for the identity.';
COMMENT ON COLUMN quay.federatedlogin.service_ident IS 'Subject at the service, unique there. Robots: robot:<user id>, rewritten when the token is regenerated.';
COMMENT ON COLUMN quay.federatedlogin.metadata_json IS 'JSON object: service_username of people; federation_config of robots, an array of {issuer, subject, audiences}.';

COMMENT ON TABLE quay.deletednamespace IS 'Markers of namespaces on their way out: the row in "user" is disabled and renamed, a queue item will purge it.';
COMMENT ON COLUMN quay.deletednamespace.id IS 'Primary key; the queue item names it as marker_id.';
COMMENT ON COLUMN quay.deletednamespace.namespace_id IS 'Account being deleted. Unique, so that only one deletion runs.';
COMMENT ON COLUMN quay.deletednamespace.marked IS 'UTC time of the request.';
COMMENT ON COLUMN quay.deletednamespace.original_username IS 'Name before deletion. Nobody can take it until the purge is done.';
COMMENT ON COLUMN quay.deletednamespace.original_email IS 'Mail address before deletion.';
COMMENT ON COLUMN quay.deletednamespace.queue_id IS 'Id of the queue item, queueitem.id as text. NULL: not enqueued yet.';

COMMENT ON TABLE quay.emailconfirmation IS 'Codes that were mailed to confirm an address, change it, or reset a password. A row goes when its code is used.';
COMMENT ON COLUMN quay.emailconfirmation.id IS 'Primary key.';
COMMENT ON COLUMN quay.emailconfirmation.code IS 'Public part of the mailed code, 16 random characters, in clear; the mail holds base64 of code:private part.';
COMMENT ON COLUMN quay.emailconfirmation.user_id IS 'Account the mail was sent to.';
COMMENT ON COLUMN quay.emailconfirmation.pw_reset IS 'True: the code allows a new password, for a limited time (30 minutes in the reference).';
COMMENT ON COLUMN quay.emailconfirmation.new_email IS 'Address that takes effect on confirmation. NULL: confirms the present one.';
COMMENT ON COLUMN quay.emailconfirmation.email_confirm IS 'True: the code confirms an address. The reference lets such codes live for ever.';
COMMENT ON COLUMN quay.emailconfirmation.created IS 'UTC time of sending; the lifetime of a reset code counts from here.';
COMMENT ON COLUMN quay.emailconfirmation.verification_code IS 'Secret at rest: bcrypt hash of the private part. NULL: legacy row without private part.';

COMMENT ON TABLE quay.userprompt IS 'Questions still open for a user, removed once answered.';
COMMENT ON COLUMN quay.userprompt.id IS 'Primary key.';
COMMENT ON COLUMN quay.userprompt.user_id IS 'User who will be asked.';
COMMENT ON COLUMN quay.userprompt.kind_id IS 'What will be asked; at most once per user.';

COMMENT ON TABLE quay.userregion IS 'Storage locations to which blobs pushed into a namespace are replicated beside the default ones. Pairs are not unique by constraint.';
COMMENT ON COLUMN quay.userregion.id IS 'Primary key.';
COMMENT ON COLUMN quay.userregion.user_id IS 'Namespace whose blobs are replicated.';
COMMENT ON COLUMN quay.userregion.location_id IS 'Additional location that should hold a copy.';

COMMENT ON TABLE quay.robotaccountmetadata IS 'What the owner notes about a robot; one row per robot at most, missing means empty.';
COMMENT ON COLUMN quay.robotaccountmetadata.id IS 'Primary key.';
COMMENT ON COLUMN quay.robotaccountmetadata.robot_account_id IS 'Robot described.';
COMMENT ON COLUMN quay.robotaccountmetadata.description IS 'Free text for people, at most 255 characters, may be empty.';
COMMENT ON COLUMN quay.robotaccountmetadata.unstructured_json IS 'JSON object for the owner''s own use, never interpreted.';

COMMENT ON TABLE quay.robotaccounttoken IS 'Passwords of robots; one row per robot. They can be read back, so they are encrypted, not hashed.';
COMMENT ON COLUMN quay.robotaccounttoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.robotaccounttoken.robot_account_id IS 'Robot that signs in with it.';
COMMENT ON COLUMN quay.robotaccounttoken.token IS 'Secret, encrypted (v0$$...): 64 characters A-Z0-9. Encryption is randomized: never search by this column.';
COMMENT ON COLUMN quay.robotaccounttoken.fully_migrated IS 'Legacy: the token was moved from plain text to the encrypted column. Nothing reads it.';

COMMENT ON TABLE quay.organizationcontactemail IS 'Unused. Once the contact addresses of organizations, which are back in "user".email; kept for the reference application.';
COMMENT ON COLUMN quay.organizationcontactemail.id IS 'Primary key.';
COMMENT ON COLUMN quay.organizationcontactemail.organization_id IS 'Organization contacted; at most one row each.';
COMMENT ON COLUMN quay.organizationcontactemail.contact_email IS 'Address. NULL: none.';

COMMENT ON TABLE quay.redhatsubscriptions IS 'Customer accounts at Red Hat to which a user''s subscriptions belong. Only the hosted service fills it.';
COMMENT ON COLUMN quay.redhatsubscriptions.id IS 'Primary key.';
COMMENT ON COLUMN quay.redhatsubscriptions.user_id IS 'User who owns the subscriptions; several rows are possible.';
COMMENT ON COLUMN quay.redhatsubscriptions.account_number IS 'Customer number at Red Hat. Not unique by constraint.';

COMMENT ON TABLE quay.organizationrhskus IS 'Red Hat subscriptions that pay for an organization''s private repositories. Only the hosted service fills it.';
COMMENT ON COLUMN quay.organizationrhskus.id IS 'Primary key.';
COMMENT ON COLUMN quay.organizationrhskus.subscription_id IS 'Number of the subscription in the vendor''s system, no row here. Unique per organization.';
COMMENT ON COLUMN quay.organizationrhskus.org_id IS 'Organization that benefits.';
COMMENT ON COLUMN quay.organizationrhskus.user_id IS 'User who bound it; a binding ends when that user leaves a team of the organization.';
COMMENT ON COLUMN quay.organizationrhskus.quantity IS 'How many units of the subscription are bound, 1 unless stated. NULL: not recorded.';
-- Teams

COMMENT ON TABLE quay.team IS 'Groups of people and robots in an organization. A new organization starts with team owners, role admin.';
COMMENT ON COLUMN quay.team.id IS 'Primary key.';
COMMENT ON COLUMN quay.team.name IS 'Unique within the organization; same alphabet as usernames.';
COMMENT ON COLUMN quay.team.organization_id IS 'Organization the team belongs to.';
COMMENT ON COLUMN quay.team.role_id IS 'What members may do in the organization; rights on repositories are in repositorypermission.';
COMMENT ON COLUMN quay.team.description IS 'Free text (Markdown in the front end), may be empty.';

COMMENT ON TABLE quay.teammember IS 'Who is in which team. Robots may join teams of their own organization.';
COMMENT ON COLUMN quay.teammember.id IS 'Primary key.';
COMMENT ON COLUMN quay.teammember.user_id IS 'Member, a person or a robot, never an organization.';
COMMENT ON COLUMN quay.teammember.team_id IS 'Team joined; a member is in it once.';

COMMENT ON TABLE quay.teammemberinvite IS 'Invitations to a team that nobody answered yet. Exactly one of user_id and email is meant to be set.';
COMMENT ON COLUMN quay.teammemberinvite.id IS 'Primary key.';
COMMENT ON COLUMN quay.teammemberinvite.user_id IS 'Invited account. NULL: invited by mail address.';
COMMENT ON COLUMN quay.teammemberinvite.email IS 'Invited address; any account that has confirmed it may accept. NULL: a known account was invited.';
COMMENT ON COLUMN quay.teammemberinvite.team_id IS 'Team to join.';
COMMENT ON COLUMN quay.teammemberinvite.inviter_id IS 'Who sent the invitation.';
COMMENT ON COLUMN quay.teammemberinvite.invite_token IS 'Secret in clear, urn:teaminvite:<UUID>: whoever is the addressee and shows it joins the team.';

COMMENT ON TABLE quay.teamsync IS 'Teams whose people follow a group of an external directory. Members are then changed only by the synchronization, robots excepted.';
COMMENT ON COLUMN quay.teamsync.id IS 'Primary key.';
COMMENT ON COLUMN quay.teamsync.team_id IS 'Team kept in step; at most one source each.';
COMMENT ON COLUMN quay.teamsync.transaction_id IS 'Random UUID, new at every run; compare-and-set on it decides which worker may remove members. Empty: never ran.';
COMMENT ON COLUMN quay.teamsync.last_updated IS 'UTC time of the last run. NULL: never ran, so due at once.';
COMMENT ON COLUMN quay.teamsync.service_id IS 'Directory that holds the group: ldap, keystone or oidc.';
COMMENT ON COLUMN quay.teamsync.config IS 'Which group, encoded as JSON twice: a JSON string that holds an object such as {"group_dn": ...} or {"group_name": ...}.';
-- Repositories and grants

COMMENT ON TABLE quay.repository IS 'Repositories. Their names are unique per namespace; everything pushed hangs below one of them.';
COMMENT ON COLUMN quay.repository.id IS 'Primary key; leads the keys of all content tables.';
COMMENT ON COLUMN quay.repository.namespace_user_id IS 'Namespace that owns the repository, a person or an organization. NULL: orphan that no path names.';
COMMENT ON COLUMN quay.repository.name IS 'Path below the namespace, may contain /. A random UUID while the repository is being deleted.';
COMMENT ON COLUMN quay.repository.visibility_id IS 'Whether everybody may pull.';
COMMENT ON COLUMN quay.repository.description IS 'Free text in Markdown, searched along with the name. NULL: none.';
COMMENT ON COLUMN quay.repository.badge_token IS 'Random UUID in clear; a build status badge of a private repository is served to those who know it.';
COMMENT ON COLUMN quay.repository.kind_id IS 'image, or application for leftovers of the retired application registry.';
COMMENT ON COLUMN quay.repository.trust_enabled IS 'Content trust (Docker Notary) was switched on. Stored and shown; nothing here signs or checks.';
COMMENT ON COLUMN quay.repository.state IS '0 normal, 1 read-only, 2 mirror, 3 marked for deletion (invisible), 4 member of an organization mirror. 2 and 4: only the mirror''s robot pushes.';

COMMENT ON TABLE quay.deletedrepository IS 'Markers of repositories on their way out: renamed, in state 3, a queue item will purge them.';
COMMENT ON COLUMN quay.deletedrepository.id IS 'Primary key; the queue item names it as marker_id.';
COMMENT ON COLUMN quay.deletedrepository.repository_id IS 'Repository being deleted. Unique, so that only one deletion runs.';
COMMENT ON COLUMN quay.deletedrepository.marked IS 'UTC time of the request.';
COMMENT ON COLUMN quay.deletedrepository.original_name IS 'Name before deletion, free for a new repository at once.';
COMMENT ON COLUMN quay.deletedrepository.queue_id IS 'Id of the queue item, queueitem.id as text. NULL: not enqueued yet.';

COMMENT ON TABLE quay.repositorypermission IS 'Grants on a repository, to a team or to an account. The owning person and admin teams of the organization need none.';
COMMENT ON COLUMN quay.repositorypermission.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorypermission.team_id IS 'Team that is granted the role. NULL: the grant is to user_id.';
COMMENT ON COLUMN quay.repositorypermission.user_id IS 'Person or robot that is granted the role. NULL: the grant is to team_id.';
COMMENT ON COLUMN quay.repositorypermission.repository_id IS 'Repository opened up; at most one row per grantee.';
COMMENT ON COLUMN quay.repositorypermission.role_id IS 'admin, write or read. access_check() takes the highest of all grants that apply.';

COMMENT ON TABLE quay.permissionprototype IS 'Default permissions of an organization: grants that repository_create() copies to a new repository.';
COMMENT ON COLUMN quay.permissionprototype.id IS 'Primary key.';
COMMENT ON COLUMN quay.permissionprototype.org_id IS 'Organization in whose new repositories the grant is made.';
COMMENT ON COLUMN quay.permissionprototype.uuid IS 'Public handle (UUID v4) in the API. Indexed, not unique.';
COMMENT ON COLUMN quay.permissionprototype.activating_user_id IS 'Applies only to repositories created by this user, and then goes before general ones. NULL: whoever creates.';
COMMENT ON COLUMN quay.permissionprototype.delegate_user_id IS 'Person or robot that gets the role. NULL: a team does.';
COMMENT ON COLUMN quay.permissionprototype.delegate_team_id IS 'Team that gets the role. NULL: an account does.';
COMMENT ON COLUMN quay.permissionprototype.role_id IS 'Role granted: admin, write or read.';

COMMENT ON TABLE quay.star IS 'Repositories that users marked as favourites. Deleting a repository removes its stars at once.';
COMMENT ON COLUMN quay.star.id IS 'Primary key.';
COMMENT ON COLUMN quay.star.user_id IS 'User whose list shows the repository.';
COMMENT ON COLUMN quay.star.repository_id IS 'Repository starred; once per user.';
COMMENT ON COLUMN quay.star.created IS 'UTC time of starring.';

COMMENT ON TABLE quay.repositoryauthorizedemail IS 'Mail addresses that agreed to get notifications of a repository; others are refused as targets.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.repository_id IS 'Repository that may send mail.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.email IS 'Address; once per repository.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.code IS 'Secret in clear, 16 random characters, mailed to the address to confirm it. Unique.';
COMMENT ON COLUMN quay.repositoryauthorizedemail.confirmed IS 'True: the code came back and mail may be sent.';

COMMENT ON TABLE quay.repositoryactioncount IS 'Audit log entries per repository and day, the raw material of the search score. Rows older than a year are pruned.';
COMMENT ON COLUMN quay.repositoryactioncount.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositoryactioncount.repository_id IS 'Repository counted.';
COMMENT ON COLUMN quay.repositoryactioncount.count IS 'Number of log entries that day.';
COMMENT ON COLUMN quay.repositoryactioncount.date IS 'UTC day; once per repository.';

COMMENT ON TABLE quay.repositorysearchscore IS 'Popularity of repositories, recomputed nightly; orders search results.';
COMMENT ON COLUMN quay.repositorysearchscore.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorysearchscore.repository_id IS 'Repository scored; one row each.';
COMMENT ON COLUMN quay.repositorysearchscore.score IS '100 times the weighted sum of mean daily actions aged up to 1, 7, 31 and 183 days, rounded down. 0: none.';
COMMENT ON COLUMN quay.repositorysearchscore.last_updated IS 'UTC time of the computation. NULL: never computed.';
-- Credentials

COMMENT ON TABLE quay.accesstoken IS 'Legacy tokens for one repository (user $token), now made for builds. authenticate() takes name followed by code.';
COMMENT ON COLUMN quay.accesstoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.accesstoken.friendly_name IS 'Label for people. NULL: none.';
COMMENT ON COLUMN quay.accesstoken.repository_id IS 'The only repository the token opens.';
COMMENT ON COLUMN quay.accesstoken.created IS 'UTC time of creation. Tokens never expire by time.';
COMMENT ON COLUMN quay.accesstoken.role_id IS 'Role on that repository: admin, write or read.';
COMMENT ON COLUMN quay.accesstoken.temporary IS 'True: made for one build, may be removed later. False: delegate token, lives until deleted.';
COMMENT ON COLUMN quay.accesstoken.kind_id IS 'Purpose. NULL: not stated.';
COMMENT ON COLUMN quay.accesstoken.token_code IS 'Secret, encrypted (v0$$...): second half of the token, 32 characters A-Z0-9.';
COMMENT ON COLUMN quay.accesstoken.token_name IS 'First half of the token, 32 characters in clear, unique: finds the row.';

COMMENT ON TABLE quay.oauthapplication IS 'OAuth 2 applications that organizations register. A bootstrap application may belong to a person.';
COMMENT ON COLUMN quay.oauthapplication.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthapplication.client_id IS 'Public OAuth client id, 20 random characters unless given. Indexed, not unique.';
COMMENT ON COLUMN quay.oauthapplication.redirect_uri IS 'Where tokens and codes may be sent; empty: nowhere but the registry''s own page.';
COMMENT ON COLUMN quay.oauthapplication.application_uri IS 'Home page shown on the consent page, may be empty.';
COMMENT ON COLUMN quay.oauthapplication.organization_id IS 'Namespace whose admins manage the application.';
COMMENT ON COLUMN quay.oauthapplication.name IS 'Shown on the consent page. __quay_bootstrap_app is reserved.';
COMMENT ON COLUMN quay.oauthapplication.description IS 'Free text, may be empty.';
COMMENT ON COLUMN quay.oauthapplication.gravatar_email IS 'Address whose avatar is shown. NULL: none.';
COMMENT ON COLUMN quay.oauthapplication.secure_client_secret IS 'Secret, encrypted (v0$$...): OAuth client secret, 40 characters. NULL: none, so the code flow is closed.';
COMMENT ON COLUMN quay.oauthapplication.fully_migrated IS 'Legacy: the client secret was moved from plain text to the encrypted column. Nothing reads it.';

COMMENT ON TABLE quay.oauthauthorizationcode IS 'Authorization codes that wait to be exchanged for a token. Used once, then deleted; there is no expiry column.';
COMMENT ON COLUMN quay.oauthauthorizationcode.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthauthorizationcode.application_id IS 'Application the code was issued to.';
COMMENT ON COLUMN quay.oauthauthorizationcode.scope IS 'Scopes granted, space-separated; the exchange must present the same text.';
COMMENT ON COLUMN quay.oauthauthorizationcode.data IS 'JSON object with the username who consented.';
COMMENT ON COLUMN quay.oauthauthorizationcode.code_credential IS 'Secret at rest: bcrypt hash of the code after its first 20 characters.';
COMMENT ON COLUMN quay.oauthauthorizationcode.code_name IS 'First 20 characters of the code in clear, unique: finds the row.';

COMMENT ON TABLE quay.oauthaccesstoken IS 'OAuth bearer tokens (user $oauthtoken at the registry API), each acting for one user within its scopes.';
COMMENT ON COLUMN quay.oauthaccesstoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthaccesstoken.uuid IS 'Public handle (UUID v4) for listing and revoking. Indexed, not unique.';
COMMENT ON COLUMN quay.oauthaccesstoken.application_id IS 'Application that holds the token.';
COMMENT ON COLUMN quay.oauthaccesstoken.authorized_user_id IS 'User on whose behalf the token acts.';
COMMENT ON COLUMN quay.oauthaccesstoken.scope IS 'Scopes granted, space-separated, such as repo:read user:admin. One unknown piece voids all of them.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_type IS 'Bearer, or token for API tokens minted in the user interface.';
COMMENT ON COLUMN quay.oauthaccesstoken.expires_at IS 'UTC time from which authenticate() refuses the token.';
COMMENT ON COLUMN quay.oauthaccesstoken.data IS 'JSON object with the username; bootstrap tokens also carry kind, owner and application_name. Empty possible.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_code IS 'Secret at rest: bcrypt hash of the token after its first 20 characters.';
COMMENT ON COLUMN quay.oauthaccesstoken.token_name IS 'First 20 characters of the token in clear, unique: finds the row.';
COMMENT ON COLUMN quay.oauthaccesstoken.last_accessed IS 'UTC time of the last use, written at most once per threshold. NULL: never used.';
COMMENT ON COLUMN quay.oauthaccesstoken.created IS 'UTC time of issue. NULL: before this was recorded.';
COMMENT ON COLUMN quay.oauthaccesstoken.display_name IS 'Label the user gave, 1 to 255 characters, not unique. NULL: none.';

COMMENT ON TABLE quay.oauthassignedtoken IS 'OAuth tokens that an organization admin offers to another user, who has not yet fetched them; consumed on approval.';
COMMENT ON COLUMN quay.oauthassignedtoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.oauthassignedtoken.uuid IS 'Public handle (UUID v4), unique, named in the link the user follows.';
COMMENT ON COLUMN quay.oauthassignedtoken.assigned_user_id IS 'User who may approve and then holds the token.';
COMMENT ON COLUMN quay.oauthassignedtoken.application_id IS 'Application that will hold the token.';
COMMENT ON COLUMN quay.oauthassignedtoken.redirect_uri IS 'Where the token goes. NULL: the application''s own.';
COMMENT ON COLUMN quay.oauthassignedtoken.scope IS 'Scopes offered, space-separated.';
COMMENT ON COLUMN quay.oauthassignedtoken.response_type IS 'OAuth response type, token. NULL: token.';

COMMENT ON TABLE quay.appspecificauthtoken IS 'Application passwords (user $app) that a user makes for clients such as docker; each has all the user''s rights.';
COMMENT ON COLUMN quay.appspecificauthtoken.id IS 'Primary key.';
COMMENT ON COLUMN quay.appspecificauthtoken.user_id IS 'User the token signs in as.';
COMMENT ON COLUMN quay.appspecificauthtoken.uuid IS 'Public handle (UUID v4) for listing and revoking. Indexed, not unique.';
COMMENT ON COLUMN quay.appspecificauthtoken.title IS 'Label for people.';
COMMENT ON COLUMN quay.appspecificauthtoken.created IS 'UTC time of creation.';
COMMENT ON COLUMN quay.appspecificauthtoken.expiration IS 'UTC time from which the token is refused; removed some time later. NULL: never expires.';
COMMENT ON COLUMN quay.appspecificauthtoken.last_accessed IS 'UTC time of the last use, written at most once per threshold. NULL: never used.';
COMMENT ON COLUMN quay.appspecificauthtoken.token_name IS 'First 60 characters of the token in clear, unique: finds the row.';
COMMENT ON COLUMN quay.appspecificauthtoken.token_secret IS 'Secret, encrypted (v0$$...): the remaining 60 characters, A-Z0-9.';

COMMENT ON TABLE quay.servicekeyapproval IS 'Approvals of service keys. A rotated key inherits the approval of its predecessor.';
COMMENT ON COLUMN quay.servicekeyapproval.id IS 'Primary key.';
COMMENT ON COLUMN quay.servicekeyapproval.approver_id IS 'Superuser who approved, "user".id without foreign key. NULL: approved automatically, or the account is gone.';
COMMENT ON COLUMN quay.servicekeyapproval.approval_type IS 'Literally ServiceKeyApprovalType.SUPERUSER, .KEY_ROTATION or .AUTOMATIC, prefix included.';
COMMENT ON COLUMN quay.servicekeyapproval.approved_date IS 'UTC time of approval.';
COMMENT ON COLUMN quay.servicekeyapproval.notes IS 'Free text of the approver, may be empty.';

COMMENT ON TABLE quay.servicekey IS 'Public keys with which services sign tokens that the registry accepts. Private keys are never stored.';
COMMENT ON COLUMN quay.servicekey.id IS 'Primary key.';
COMMENT ON COLUMN quay.servicekey.name IS 'Label for people, may be empty.';
COMMENT ON COLUMN quay.servicekey.kid IS 'Key id in the header of signed tokens, unique; an RFC 7638 thumbprint unless given.';
COMMENT ON COLUMN quay.servicekey.service IS 'Service that signs with the key, [a-z0-9_]+; the registry''s own instances use quay.';
COMMENT ON COLUMN quay.servicekey.jwk IS 'Public key as a JSON Web Key, JSON object. Not secret.';
COMMENT ON COLUMN quay.servicekey.metadata IS 'JSON object of the service''s own remarks; merged on rotation.';
COMMENT ON COLUMN quay.servicekey.created_date IS 'UTC time of creation; keys left unapproved for a day are removed.';
COMMENT ON COLUMN quay.servicekey.expiration_date IS 'UTC time from which signatures are refused; the row stays about a week longer. NULL: never expires.';
COMMENT ON COLUMN quay.servicekey.rotation_duration IS 'Seconds between rotations as announced by the service. Nothing acts on it. NULL: not announced.';
COMMENT ON COLUMN quay.servicekey.approval_id IS 'Approval that makes the key valid. NULL: still waiting, signatures are refused.';

-- @part always api/910_comment_registry.sql
-- What the tables of blobs, manifests, tags, policies, quotas and mirrors hold (schema/060 to 100): text for \d+ and for doc/.
-- `timestamp` columns hold UTC; columns ending in _ms hold milliseconds since the epoch.

-- Blobs

COMMENT ON TABLE quay.imagestorage IS 'Blobs: one row per digest, shared by all repositories. A blob without placement is a placeholder of a proxy cache.';
COMMENT ON COLUMN quay.imagestorage.id IS 'Primary key; blob_id and storage_id elsewhere.';
COMMENT ON COLUMN quay.imagestorage.uuid IS 'Public handle (UUID v4), unique; path of the bytes where cas_path is false.';
COMMENT ON COLUMN quay.imagestorage.image_size IS 'Bytes as stored, so compressed for layers; counted by quotas. NULL: unknown.';
COMMENT ON COLUMN quay.imagestorage.uncompressed_size IS 'Bytes after decompression. NULL: unknown, the usual case for uploads in several chunks.';
COMMENT ON COLUMN quay.imagestorage.uploading IS 'Legacy: meant to be true during an upload; the reference never clears it. Ignored.';
COMMENT ON COLUMN quay.imagestorage.cas_path IS 'True: bytes lie under a path made from the digest. False: legacy path sharedimages/<uuid>/layer.';
COMMENT ON COLUMN quay.imagestorage.content_checksum IS 'Digest, algorithm:hex, unique; the registry computes sha256 only. NULL: legacy row whose digest was never computed.';

COMMENT ON TABLE quay.imagestorageplacement IS 'Where the bytes of a blob are. Garbage collection and replication work on these rows.';
COMMENT ON COLUMN quay.imagestorageplacement.id IS 'Primary key.';
COMMENT ON COLUMN quay.imagestorageplacement.storage_id IS 'Blob whose bytes are there.';
COMMENT ON COLUMN quay.imagestorageplacement.location_id IS 'Storage engine that holds a copy; once per blob.';

COMMENT ON TABLE quay.imagestoragesignature IS 'Legacy: detached signatures of layers. Nothing writes it; garbage collection still removes rows of deleted blobs.';
COMMENT ON COLUMN quay.imagestoragesignature.id IS 'Primary key.';
COMMENT ON COLUMN quay.imagestoragesignature.storage_id IS 'Blob signed.';
COMMENT ON COLUMN quay.imagestoragesignature.kind_id IS 'Kind of signature; one per blob.';
COMMENT ON COLUMN quay.imagestoragesignature.signature IS 'Signature text. NULL: never finished.';
COMMENT ON COLUMN quay.imagestoragesignature.uploading IS 'Legacy: true while the signature was being made. NULL: not stated.';

COMMENT ON TABLE quay.blobupload IS 'Uploads in progress: from upload_start() to upload_finish() or upload_cancel(). Abandoned ones are removed after two days.';
COMMENT ON COLUMN quay.blobupload.id IS 'Primary key.';
COMMENT ON COLUMN quay.blobupload.repository_id IS 'Repository that the blob is pushed to.';
COMMENT ON COLUMN quay.blobupload.uuid IS 'Upload id in the URL, issued by the storage engine, unique.';
COMMENT ON COLUMN quay.blobupload.byte_count IS 'Bytes received so far, and so the offset of the next chunk.';
COMMENT ON COLUMN quay.blobupload.sha_state IS 'Resumable SHA-256 state after byte_count bytes, text. The reference stores a base64 pickle that only it can read. NULL: none kept.';
COMMENT ON COLUMN quay.blobupload.location_id IS 'Storage engine that receives the chunks.';
COMMENT ON COLUMN quay.blobupload.storage_metadata IS 'JSON object for the storage engine, such as the ids of multipart chunks. NULL: none.';
COMMENT ON COLUMN quay.blobupload.chunk_count IS 'Chunks received so far.';
COMMENT ON COLUMN quay.blobupload.uncompressed_byte_count IS 'Bytes after decompression, known only when all came as one chunk. NULL: unknown.';
COMMENT ON COLUMN quay.blobupload.created IS 'UTC time of the start; decides when the upload counts as abandoned.';
COMMENT ON COLUMN quay.blobupload.piece_sha_state IS 'Unused leftover of BitTorrent support.';
COMMENT ON COLUMN quay.blobupload.piece_hashes IS 'Unused leftover of BitTorrent support.';

COMMENT ON TABLE quay.uploadedblob IS 'Blobs that a repository uploaded or mounted, perhaps not yet used by a manifest: links the blob and keeps it from collection.';
COMMENT ON COLUMN quay.uploadedblob.id IS 'Primary key.';
COMMENT ON COLUMN quay.uploadedblob.repository_id IS 'Repository that may refer to the blob in a manifest.';
COMMENT ON COLUMN quay.uploadedblob.blob_id IS 'Blob linked; several rows per repository and blob are normal.';
COMMENT ON COLUMN quay.uploadedblob.uploaded_at IS 'UTC time of the upload or mount.';
COMMENT ON COLUMN quay.uploadedblob.expires_at IS 'UTC time from which gc_run() removes the link; an expired link still makes the blob visible until then.';

COMMENT ON TABLE quay.derivedstorageforimage IS 'Legacy: converted forms of an image (squashed, ACI) kept as blobs. The reference dropped it; nothing here writes it.';
COMMENT ON COLUMN quay.derivedstorageforimage.id IS 'Primary key.';
COMMENT ON COLUMN quay.derivedstorageforimage.source_image_id IS 'Image that was converted, id in view quay.image; no foreign key.';
COMMENT ON COLUMN quay.derivedstorageforimage.derivative_id IS 'Blob that holds the result.';
COMMENT ON COLUMN quay.derivedstorageforimage.transformation_id IS 'Conversion applied.';
COMMENT ON COLUMN quay.derivedstorageforimage.uniqueness_hash IS 'Tells apart results that depend on more than the image, such as its tag. NULL: they do not.';
-- Manifests

COMMENT ON TABLE quay.manifest IS 'Manifests, indexes and artifacts per repository, byte for byte as pushed. Put by manifest_put(), removed by gc_run() only.';
COMMENT ON COLUMN quay.manifest.id IS 'Primary key.';
COMMENT ON COLUMN quay.manifest.repository_id IS 'Repository that holds the manifest; the same digest elsewhere is another row.';
COMMENT ON COLUMN quay.manifest.digest IS 'sha256 of the bytes, algorithm:hex (schema 1: of the payload without signatures); unique per repository. BROKEN-<n>: old migration.';
COMMENT ON COLUMN quay.manifest.media_type_id IS 'Media type with which it is served.';
COMMENT ON COLUMN quay.manifest.manifest_bytes IS 'Exact text as pushed. Empty: placeholder of a proxy cache, fetched on first pull.';
COMMENT ON COLUMN quay.manifest.config_media_type IS 'Media type of the config blob; tells images from artifacts. NULL: no config (index, schema 1), or an old row.';
COMMENT ON COLUMN quay.manifest.layers_compressed_size IS 'Bytes: sum of layer sizes without config, repeats counted. NULL: index or not computed; -1: unparsable.';
COMMENT ON COLUMN quay.manifest.subject IS 'Digest of the manifest that this one refers to (OCI referrers); the subject need not exist. NULL: none.';
COMMENT ON COLUMN quay.manifest.subject_backfilled IS 'True: subject was taken from the bytes. False or NULL: row older than that column, not examined yet.';
COMMENT ON COLUMN quay.manifest.artifact_type IS 'artifactType of the manifest, filter of referrer_list(). NULL: none stated.';
COMMENT ON COLUMN quay.manifest.artifact_type_backfilled IS 'True: artifact_type was taken from the bytes. False or NULL: row older than that column, not examined yet.';

COMMENT ON TABLE quay.manifestblob IS 'Which local blobs a manifest uses: layers and config. Quotas count these; remote layers have no row.';
COMMENT ON COLUMN quay.manifestblob.id IS 'Primary key.';
COMMENT ON COLUMN quay.manifestblob.repository_id IS 'Repository of the manifest, repeated for look-ups.';
COMMENT ON COLUMN quay.manifestblob.manifest_id IS 'Manifest that uses the blob.';
COMMENT ON COLUMN quay.manifestblob.blob_id IS 'Blob used; once per manifest.';

COMMENT ON TABLE quay.manifestchild IS 'Which manifests an index (manifest list) contains. A child stays as long as its parent does.';
COMMENT ON COLUMN quay.manifestchild.id IS 'Primary key.';
COMMENT ON COLUMN quay.manifestchild.repository_id IS 'Repository of both, repeated for look-ups.';
COMMENT ON COLUMN quay.manifestchild.manifest_id IS 'Index, the parent.';
COMMENT ON COLUMN quay.manifestchild.child_manifest_id IS 'Manifest listed, the child; may be an index itself. Once per parent.';

COMMENT ON TABLE quay.label IS 'Labels of manifests: key and value. Keys may repeat on a manifest. A label without manifestlabel row is collected.';
COMMENT ON COLUMN quay.label.id IS 'Primary key.';
COMMENT ON COLUMN quay.label.uuid IS 'Public handle (UUID v4), unique.';
COMMENT ON COLUMN quay.label.key IS 'At most 255 characters. quay.expires-after and quay.immutable act on the tags of the manifest.';
COMMENT ON COLUMN quay.label.value IS 'Text, read according to media_type_id.';
COMMENT ON COLUMN quay.label.media_type_id IS 'How to read the value: text/plain or application/json.';
COMMENT ON COLUMN quay.label.source_type_id IS 'Where the label came from; only labels set through the API can be deleted.';

COMMENT ON TABLE quay.manifestlabel IS 'Which labels a manifest carries. One label may be attached to several manifests.';
COMMENT ON COLUMN quay.manifestlabel.id IS 'Primary key.';
COMMENT ON COLUMN quay.manifestlabel.repository_id IS 'Repository of the manifest, repeated for look-ups.';
COMMENT ON COLUMN quay.manifestlabel.manifest_id IS 'Manifest labelled.';
COMMENT ON COLUMN quay.manifestlabel.label_id IS 'Label attached; once per manifest.';

COMMENT ON TABLE quay.manifestsecuritystatus IS 'Where the vulnerability scan of a manifest stands, and the queue of the scanner workers. Reports stay in the scanner.';
COMMENT ON COLUMN quay.manifestsecuritystatus.id IS 'Primary key.';
COMMENT ON COLUMN quay.manifestsecuritystatus.manifest_id IS 'Manifest scanned; one row each, made at push with status 0.';
COMMENT ON COLUMN quay.manifestsecuritystatus.repository_id IS 'Repository of the manifest, repeated for look-ups.';
COMMENT ON COLUMN quay.manifestsecuritystatus.index_status IS '-4 retries exhausted, -3 layer too large, -2 unsupported, -1 failed, 0 pending, 1 in progress, 2 completed.';
COMMENT ON COLUMN quay.manifestsecuritystatus.error_json IS 'JSON: what the scanner reported on failure, {} if nothing.';
COMMENT ON COLUMN quay.manifestsecuritystatus.last_indexed IS 'UTC time of the last status change; paces retries and takes over scans that hang.';
COMMENT ON COLUMN quay.manifestsecuritystatus.indexer_hash IS 'State of the scanner''s rules at the last scan; rescanned when it changes. Else empty, none, in_progress or an error word.';
COMMENT ON COLUMN quay.manifestsecuritystatus.indexer_version IS 'Generation of the scanner: 4 (Clair v4); 2 in old rows.';
COMMENT ON COLUMN quay.manifestsecuritystatus.metadata_json IS 'JSON object: retry_count and last_failed_hash while scans fail, else {}.';

COMMENT ON TABLE quay.manifestpullstatistics IS 'How often and when a digest was last pulled, by whatever reference. Keyed by text, so rows may outlive the manifest.';
COMMENT ON COLUMN quay.manifestpullstatistics.id IS 'Primary key.';
COMMENT ON COLUMN quay.manifestpullstatistics.repository_id IS 'Repository pulled from.';
COMMENT ON COLUMN quay.manifestpullstatistics.manifest_digest IS 'Digest served; once per repository.';
COMMENT ON COLUMN quay.manifestpullstatistics.manifest_pull_count IS 'Pulls since counting began for this digest, tag pulls included.';
COMMENT ON COLUMN quay.manifestpullstatistics.last_manifest_pull_date IS 'UTC time of the last pull.';
-- Tags

COMMENT ON TABLE quay.tag IS 'Tags over time: each row is one period in which a name pointed to a manifest. Moving a tag ends a row and adds one.';
COMMENT ON COLUMN quay.tag.id IS 'Primary key.';
COMMENT ON COLUMN quay.tag.name IS 'Tag name, a word character then up to 127 of word characters, . or -; hidden rows are named $temp-<UUID>.';
COMMENT ON COLUMN quay.tag.repository_id IS 'Repository in which the name is valid.';
COMMENT ON COLUMN quay.tag.manifest_id IS 'Manifest pointed to. NULL: such a tag is never resolved.';
COMMENT ON COLUMN quay.tag.lifetime_start_ms IS 'Start of the period, ms since epoch UTC. Liveness does not depend on it.';
COMMENT ON COLUMN quay.tag.lifetime_end_ms IS 'End, ms since epoch UTC; alive while it is in the future. NULL: no end. 0: made dead on purpose, to be collected at once.';
COMMENT ON COLUMN quay.tag.hidden IS 'True: temporary tag that keeps a manifest from collection; no list or look-up by name shows it.';
COMMENT ON COLUMN quay.tag.reversion IS 'True: the row came from restoring an earlier state, tag_restore().';
COMMENT ON COLUMN quay.tag.tag_kind_id IS 'Kind of tag; always tag.';
COMMENT ON COLUMN quay.tag.linked_tag_id IS 'Unused.';
COMMENT ON COLUMN quay.tag.immutable IS 'True: the tag can be neither moved nor deleted, until the flag is taken away by a repository admin.';

COMMENT ON TABLE quay.tagpullstatistics IS 'How often and when a tag was last pulled. Keyed by name: a move keeps the count, a delete removes the row.';
COMMENT ON COLUMN quay.tagpullstatistics.id IS 'Primary key.';
COMMENT ON COLUMN quay.tagpullstatistics.repository_id IS 'Repository pulled from.';
COMMENT ON COLUMN quay.tagpullstatistics.tag_name IS 'Tag asked for; once per repository.';
COMMENT ON COLUMN quay.tagpullstatistics.tag_pull_count IS 'Pulls of the name since it was created or last deleted.';
COMMENT ON COLUMN quay.tagpullstatistics.last_tag_pull_date IS 'UTC time of the last pull.';
COMMENT ON COLUMN quay.tagpullstatistics.current_manifest_digest IS 'Digest served at the last recorded pull. NULL: unknown.';
-- Policies and quotas

COMMENT ON TABLE quay.namespaceimmutabilitypolicy IS 'Rules that make matching tags of a whole namespace immutable, present and future ones. Removing a rule frees no tag.';
COMMENT ON COLUMN quay.namespaceimmutabilitypolicy.id IS 'Primary key.';
COMMENT ON COLUMN quay.namespaceimmutabilitypolicy.uuid IS 'Public handle (UUID v4), unique.';
COMMENT ON COLUMN quay.namespaceimmutabilitypolicy.namespace_id IS 'Namespace in whose repositories the rule applies; several rules are possible.';
COMMENT ON COLUMN quay.namespaceimmutabilitypolicy.policy IS 'JSON object: tag_pattern (regular expression for the whole name), tag_pattern_matches (false: all other names; default true).';

COMMENT ON TABLE quay.repositoryimmutabilitypolicy IS 'Rules that make matching tags of one repository immutable, present and future ones. Removing a rule frees no tag.';
COMMENT ON COLUMN quay.repositoryimmutabilitypolicy.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositoryimmutabilitypolicy.uuid IS 'Public handle (UUID v4), unique.';
COMMENT ON COLUMN quay.repositoryimmutabilitypolicy.repository_id IS 'Repository in which the rule applies; several rules are possible.';
COMMENT ON COLUMN quay.repositoryimmutabilitypolicy.namespace_id IS 'Namespace that owns the repository, repeated.';
COMMENT ON COLUMN quay.repositoryimmutabilitypolicy.policy IS 'JSON object: tag_pattern (regular expression for the whole name), tag_pattern_matches (false: all other names; default true).';

COMMENT ON TABLE quay.namespaceautoprunepolicy IS 'Rules by which old tags of a whole namespace are deleted. Immutable tags are spared.';
COMMENT ON COLUMN quay.namespaceautoprunepolicy.id IS 'Primary key.';
COMMENT ON COLUMN quay.namespaceautoprunepolicy.uuid IS 'Public handle (UUID v4), unique.';
COMMENT ON COLUMN quay.namespaceautoprunepolicy.namespace_id IS 'Namespace in whose repositories the rule applies; several rules are possible.';
COMMENT ON COLUMN quay.namespaceautoprunepolicy.policy IS 'JSON twice encoded (a string holding an object): method number_of_tags or creation_date, value, tag_pattern, tag_pattern_matches.';

COMMENT ON TABLE quay.repositoryautoprunepolicy IS 'Rules by which old tags of one repository are deleted, along with those of its namespace. Immutable tags are spared.';
COMMENT ON COLUMN quay.repositoryautoprunepolicy.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositoryautoprunepolicy.uuid IS 'Public handle (UUID v4), unique.';
COMMENT ON COLUMN quay.repositoryautoprunepolicy.repository_id IS 'Repository in which the rule applies; several rules are possible.';
COMMENT ON COLUMN quay.repositoryautoprunepolicy.namespace_id IS 'Namespace that owns the repository, repeated.';
COMMENT ON COLUMN quay.repositoryautoprunepolicy.policy IS 'JSON twice encoded (a string holding an object): method number_of_tags or creation_date, value, tag_pattern, tag_pattern_matches.';

COMMENT ON TABLE quay.autoprunetaskstatus IS 'Schedule of pruning: one row per namespace that has a rule of either kind. Workers claim rows with SKIP LOCKED.';
COMMENT ON COLUMN quay.autoprunetaskstatus.id IS 'Primary key.';
COMMENT ON COLUMN quay.autoprunetaskstatus.namespace_id IS 'Namespace to prune; one row each.';
COMMENT ON COLUMN quay.autoprunetaskstatus.last_ran_ms IS 'Last claim, ms since epoch UTC; the oldest goes next, at most hourly. NULL: never, so first.';
COMMENT ON COLUMN quay.autoprunetaskstatus.status IS 'queued, running, success, or failure: with the reason. NULL: not stated.';

COMMENT ON TABLE quay.userorganizationquota IS 'Storage quota of a namespace. Without a row the registry''s default quota holds.';
COMMENT ON COLUMN quay.userorganizationquota.id IS 'Primary key.';
COMMENT ON COLUMN quay.userorganizationquota.namespace_id IS 'Namespace limited; one row each.';
COMMENT ON COLUMN quay.userorganizationquota.limit_bytes IS 'Quota in bytes, above 0, compared with quotanamespacesize.size_bytes.';

COMMENT ON TABLE quay.quotalimits IS 'At which shares of a quota something happens. A quota without rows here has no effect.';
COMMENT ON COLUMN quay.quotalimits.id IS 'Primary key.';
COMMENT ON COLUMN quay.quotalimits.quota_id IS 'Quota divided.';
COMMENT ON COLUMN quay.quotalimits.quota_type_id IS 'What happens from that share on: Warning or Reject.';
COMMENT ON COLUMN quay.quotalimits.percent_of_limit IS 'Share of the quota in percent, 1 to 100; reached when usage is at least that.';

COMMENT ON TABLE quay.quotanamespacesize IS 'Usage of a namespace: bytes of the distinct blobs that its manifests use. Kept current by pushes and garbage collection.';
COMMENT ON COLUMN quay.quotanamespacesize.id IS 'Primary key.';
COMMENT ON COLUMN quay.quotanamespacesize.namespace_user_id IS 'Namespace measured; one row each.';
COMMENT ON COLUMN quay.quotanamespacesize.size_bytes IS 'Bytes; a blob shared by several repositories counts once. Valid once backfill_complete.';
COMMENT ON COLUMN quay.quotanamespacesize.backfill_start_ms IS 'Start of the first full count, ms since epoch UTC. NULL: not started, or to be counted anew.';
COMMENT ON COLUMN quay.quotanamespacesize.backfill_complete IS 'True: the full count is done and changes are added to it. False: changes are ignored until it is.';

COMMENT ON TABLE quay.quotarepositorysize IS 'Usage of a repository: bytes of the distinct blobs that its manifests use.';
COMMENT ON COLUMN quay.quotarepositorysize.id IS 'Primary key.';
COMMENT ON COLUMN quay.quotarepositorysize.repository_id IS 'Repository measured; one row each.';
COMMENT ON COLUMN quay.quotarepositorysize.size_bytes IS 'Bytes; a blob used by several manifests counts once. Valid once backfill_complete.';
COMMENT ON COLUMN quay.quotarepositorysize.backfill_start_ms IS 'Start of the first full count, ms since epoch UTC. NULL: not started, or to be counted anew.';
COMMENT ON COLUMN quay.quotarepositorysize.backfill_complete IS 'True: the full count is done and changes are added to it. False: changes are ignored until it is.';

COMMENT ON TABLE quay.quotaregistrysize IS 'Usage of the whole registry, computed on request. One row by convention.';
COMMENT ON COLUMN quay.quotaregistrysize.id IS 'Primary key.';
COMMENT ON COLUMN quay.quotaregistrysize.size_bytes IS 'Bytes of all blobs, used or not, at the last computation.';
COMMENT ON COLUMN quay.quotaregistrysize.running IS 'True: a worker is computing.';
COMMENT ON COLUMN quay.quotaregistrysize.queued IS 'True: a computation was asked for and has not begun.';
COMMENT ON COLUMN quay.quotaregistrysize.completed_ms IS 'End of the last computation, ms since epoch UTC. NULL: never computed.';

COMMENT ON TABLE quay.quotanotificationstate IS 'Which quota notices a namespace already got, so that a crossing is told once per cooldown (a day).';
COMMENT ON COLUMN quay.quotanotificationstate.id IS 'Primary key.';
COMMENT ON COLUMN quay.quotanotificationstate.namespace_id IS 'Namespace notified.';
COMMENT ON COLUMN quay.quotanotificationstate.threshold_percent IS 'Limit that was reached, percent of the quota; one row per namespace and limit.';
COMMENT ON COLUMN quay.quotanotificationstate.last_notified_at IS 'UTC time of the last notice. NULL: never sent.';
COMMENT ON COLUMN quay.quotanotificationstate.cleared IS 'True: usage fell below since, so the next crossing is told at once, cooldown or not.';
-- Proxies and mirrors

COMMENT ON TABLE quay.proxycacheconfig IS 'Organizations that act as a pull-through cache of another registry. One per organization is meant; no constraint says so.';
COMMENT ON COLUMN quay.proxycacheconfig.id IS 'Primary key.';
COMMENT ON COLUMN quay.proxycacheconfig.organization_id IS 'Organization whose repositories are fetched from upstream on demand.';
COMMENT ON COLUMN quay.proxycacheconfig.creation_date IS 'UTC time of creation.';
COMMENT ON COLUMN quay.proxycacheconfig.upstream_registry IS 'Registry cached, host or host/namespace, such as docker.io/library.';
COMMENT ON COLUMN quay.proxycacheconfig.upstream_registry_username IS 'Secret, encrypted (v0$$...): user at the upstream registry. NULL: anonymous.';
COMMENT ON COLUMN quay.proxycacheconfig.upstream_registry_password IS 'Secret, encrypted (v0$$...): password at the upstream registry. NULL: anonymous.';
COMMENT ON COLUMN quay.proxycacheconfig.expiration_s IS 'Seconds for which a cached tag stays alive after the last check against upstream. Default a day. 0 or NULL: no end.';
COMMENT ON COLUMN quay.proxycacheconfig.insecure IS 'True: no TLS, or an unverified certificate, towards upstream.';

COMMENT ON TABLE quay.repomirrorrule IS 'Which tags a repository mirror copies.';
COMMENT ON COLUMN quay.repomirrorrule.id IS 'Primary key.';
COMMENT ON COLUMN quay.repomirrorrule.uuid IS 'Public handle (UUID v4), unique.';
COMMENT ON COLUMN quay.repomirrorrule.repository_id IS 'Mirror repository the rule belongs to.';
COMMENT ON COLUMN quay.repomirrorrule.creation_date IS 'UTC time of creation.';
COMMENT ON COLUMN quay.repomirrorrule.rule_type IS '1 list of tag globs, the only kind.';
COMMENT ON COLUMN quay.repomirrorrule.rule_value IS 'JSON array of globs, at least one; a tag is copied if any matches.';
COMMENT ON COLUMN quay.repomirrorrule.left_child_id IS 'Unused: trees of rules were never built.';
COMMENT ON COLUMN quay.repomirrorrule.right_child_id IS 'Unused: trees of rules were never built.';

COMMENT ON TABLE quay.repomirrorconfig IS 'Repositories that follow one at another registry; also the claim record of the mirror workers. The repository is in state 2.';
COMMENT ON COLUMN quay.repomirrorconfig.id IS 'Primary key.';
COMMENT ON COLUMN quay.repomirrorconfig.repository_id IS 'Repository that receives the copies; one row each.';
COMMENT ON COLUMN quay.repomirrorconfig.creation_date IS 'UTC time of creation.';
COMMENT ON COLUMN quay.repomirrorconfig.is_enabled IS 'False: no scheduled run; a run asked for by hand still happens.';
COMMENT ON COLUMN quay.repomirrorconfig.mirror_type IS '1 pull, the only kind.';
COMMENT ON COLUMN quay.repomirrorconfig.internal_robot_id IS 'Robot of the namespace as which the copies are pushed.';
COMMENT ON COLUMN quay.repomirrorconfig.external_registry_username IS 'Secret, encrypted (v0$$...): user at the source. NULL: anonymous.';
COMMENT ON COLUMN quay.repomirrorconfig.external_registry_config IS 'JSON object: verify_tls, unsigned_images, proxy {http_proxy, https_proxy, no_proxy}.';
COMMENT ON COLUMN quay.repomirrorconfig.sync_interval IS 'Seconds from one scheduled start to the next.';
COMMENT ON COLUMN quay.repomirrorconfig.sync_start_date IS 'UTC time when the next run is due. NULL: not scheduled.';
COMMENT ON COLUMN quay.repomirrorconfig.sync_expiration_date IS 'UTC time until which the present claim holds. NULL: not claimed.';
COMMENT ON COLUMN quay.repomirrorconfig.sync_retries_remaining IS 'Runs that may still fail before waiting for the next interval; reset to 3. 0: none.';
COMMENT ON COLUMN quay.repomirrorconfig.sync_status IS '-2 cancelled, -1 failed, 0 never ran, 1 succeeded, 2 running, 3 run asked for now.';
COMMENT ON COLUMN quay.repomirrorconfig.sync_transaction_id IS 'Random UUID, new at every change; compare-and-set on it makes claims exclusive. NULL: never claimed.';
COMMENT ON COLUMN quay.repomirrorconfig.root_rule_id IS 'Rule that selects the tags.';
COMMENT ON COLUMN quay.repomirrorconfig.external_reference IS 'Source repository without tag, such as quay.io/acme/app.';
COMMENT ON COLUMN quay.repomirrorconfig.external_registry_password IS 'Secret, encrypted (v0$$...): password at the source. NULL: anonymous.';
COMMENT ON COLUMN quay.repomirrorconfig.skopeo_timeout IS 'Seconds after which copying one tag is given up.';
COMMENT ON COLUMN quay.repomirrorconfig.architecture_filter IS 'JSON array out of amd64, arm64, ppc64le, s390x. NULL or empty: all architectures.';

COMMENT ON TABLE quay.orgmirrorconfig IS 'Organizations that follow a whole project at another registry; also the claim record of the discovery worker.';
COMMENT ON COLUMN quay.orgmirrorconfig.id IS 'Primary key.';
COMMENT ON COLUMN quay.orgmirrorconfig.organization_id IS 'Organization that receives the repositories; one row each.';
COMMENT ON COLUMN quay.orgmirrorconfig.creation_date IS 'UTC time of creation.';
COMMENT ON COLUMN quay.orgmirrorconfig.is_enabled IS 'False: no scheduled discovery and no copying.';
COMMENT ON COLUMN quay.orgmirrorconfig.mirror_type IS '1 pull, the only kind.';
COMMENT ON COLUMN quay.orgmirrorconfig.external_registry_type IS 'Interface for listing repositories at the source: 1 Harbor, 2 Quay.';
COMMENT ON COLUMN quay.orgmirrorconfig.external_registry_url IS 'Base URL of the source.';
COMMENT ON COLUMN quay.orgmirrorconfig.external_namespace IS 'Project or organization at the source.';
COMMENT ON COLUMN quay.orgmirrorconfig.external_registry_username IS 'Secret, encrypted (v0$$...): user at the source. NULL: anonymous.';
COMMENT ON COLUMN quay.orgmirrorconfig.external_registry_password IS 'Secret, encrypted (v0$$...): password at the source. NULL: anonymous.';
COMMENT ON COLUMN quay.orgmirrorconfig.external_registry_config IS 'JSON object of connection settings as in repomirrorconfig, {} for none.';
COMMENT ON COLUMN quay.orgmirrorconfig.internal_robot_id IS 'Robot of the organization as which the copies are pushed.';
COMMENT ON COLUMN quay.orgmirrorconfig.repository_filters IS 'JSON array of globs on repository names; any match is enough. Empty: all.';
COMMENT ON COLUMN quay.orgmirrorconfig.visibility_id IS 'Visibility of repositories that the mirror creates.';
COMMENT ON COLUMN quay.orgmirrorconfig.delete_stale_repos IS 'True: repositories gone at the source shall go here too. False: they stay.';
COMMENT ON COLUMN quay.orgmirrorconfig.sync_interval IS 'Seconds from one scheduled discovery to the next.';
COMMENT ON COLUMN quay.orgmirrorconfig.sync_start_date IS 'UTC time when the next discovery is due. NULL: not scheduled.';
COMMENT ON COLUMN quay.orgmirrorconfig.sync_expiration_date IS 'UTC time until which the present claim holds; on a cancelled row, that the cancel is still to be handled. NULL: neither.';
COMMENT ON COLUMN quay.orgmirrorconfig.sync_retries_remaining IS 'Discoveries that may still fail before waiting for the next interval; reset to 3. 0: none.';
COMMENT ON COLUMN quay.orgmirrorconfig.sync_status IS '-2 cancelled, -1 failed, 0 never ran, 1 succeeded, 2 running, 3 run asked for now.';
COMMENT ON COLUMN quay.orgmirrorconfig.sync_transaction_id IS 'Random UUID, new at every change; compare-and-set on it makes claims exclusive. NULL: never claimed.';
COMMENT ON COLUMN quay.orgmirrorconfig.skopeo_timeout IS 'Seconds after which copying one tag is given up.';
COMMENT ON COLUMN quay.orgmirrorconfig.architecture_filter IS 'JSON array out of amd64, arm64, ppc64le, s390x. Empty: all architectures.';

COMMENT ON TABLE quay.orgmirrorrepository IS 'Repositories that discovery found at the source of an organization mirror, each with the claim record of its copying.';
COMMENT ON COLUMN quay.orgmirrorrepository.id IS 'Primary key.';
COMMENT ON COLUMN quay.orgmirrorrepository.org_mirror_config_id IS 'Organization mirror it was found by.';
COMMENT ON COLUMN quay.orgmirrorrepository.repository_name IS 'Name at the source and here; once per mirror.';
COMMENT ON COLUMN quay.orgmirrorrepository.repository_id IS 'Local repository, in state 4. NULL: not created yet.';
COMMENT ON COLUMN quay.orgmirrorrepository.discovery_date IS 'UTC time when discovery first saw it.';
COMMENT ON COLUMN quay.orgmirrorrepository.sync_status IS '-2 cancelled, -1 failed, 0 never ran, 1 succeeded, 2 running, 3 run asked for now, 4 skipped (filtered or gone at the source).';
COMMENT ON COLUMN quay.orgmirrorrepository.sync_start_date IS 'UTC time when the next copying is due. NULL: not scheduled.';
COMMENT ON COLUMN quay.orgmirrorrepository.sync_expiration_date IS 'UTC time until which the present claim holds. NULL: not claimed.';
COMMENT ON COLUMN quay.orgmirrorrepository.last_sync_date IS 'UTC time when the last copying ended, well or not. NULL: never ran.';
COMMENT ON COLUMN quay.orgmirrorrepository.status_message IS 'Why it failed or was skipped, for people. NULL: nothing to tell; success clears it.';
COMMENT ON COLUMN quay.orgmirrorrepository.creation_date IS 'UTC time when the row was made.';
COMMENT ON COLUMN quay.orgmirrorrepository.sync_retries_remaining IS 'Runs that may still fail before waiting for the next interval; reset to 3. 0: none.';
COMMENT ON COLUMN quay.orgmirrorrepository.sync_transaction_id IS 'Random UUID, new at every change; compare-and-set on it makes claims exclusive. NULL: never claimed.';

-- @part always api/920_comment_operation.sql
-- What the tables of versions, builds, notifications, queue, audit logs and the retired application registry hold (schema/000, 110
-- to 150): text for \d+ and for doc/. `timestamp` columns hold UTC.

-- The record of versions

COMMENT ON TABLE quay_internal.schema_version IS 'Which version of the extension the rows of this database belong to. Two rows: data of one version restored into the schema of another.';
COMMENT ON COLUMN quay_internal.schema_version.version IS 'Primary key. Extension version, as in pg_extension.extversion.';
COMMENT ON COLUMN quay_internal.schema_version.installed_at IS 'UTC time when the install or update script of that version ran.';

COMMENT ON TABLE quay.alembic_version IS 'Revision of the reference application''s own migrations that these tables match; it reads this at start-up. One row.';
COMMENT ON COLUMN quay.alembic_version.version_num IS 'Primary key. Alembic revision, such as 9fa37f66a9b6.';
-- Builds

COMMENT ON TABLE quay.repositorybuildtrigger IS 'Hooks at a source hosting service that start builds of a repository. Too many failures in a row switch one off.';
COMMENT ON COLUMN quay.repositorybuildtrigger.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorybuildtrigger.uuid IS 'Public handle (UUID v4), part of the webhook URL. Indexed, not unique.';
COMMENT ON COLUMN quay.repositorybuildtrigger.service_id IS 'Hosting service that calls.';
COMMENT ON COLUMN quay.repositorybuildtrigger.repository_id IS 'Repository the builds push to.';
COMMENT ON COLUMN quay.repositorybuildtrigger.connected_user_id IS 'User who set it up and whose authorization at the service is used.';
COMMENT ON COLUMN quay.repositorybuildtrigger.config IS 'JSON object, its shape depends on the service: build_source, dockerfile_path, context and the like; {} while incomplete.';
COMMENT ON COLUMN quay.repositorybuildtrigger.write_token_id IS 'Access token of the webhook. NULL: none.';
COMMENT ON COLUMN quay.repositorybuildtrigger.pull_robot_id IS 'Robot as which private base images are pulled. NULL: none, or that robot was deleted.';
COMMENT ON COLUMN quay.repositorybuildtrigger.disabled_reason_id IS 'Why it was switched off last. The reference leaves it when it is switched on again. NULL: never switched off.';
COMMENT ON COLUMN quay.repositorybuildtrigger.enabled IS 'False: builds through it are refused, also by hand.';
COMMENT ON COLUMN quay.repositorybuildtrigger.successive_failure_count IS 'Builds failed in a row; 100 switch the trigger off (reference default). Success resets it.';
COMMENT ON COLUMN quay.repositorybuildtrigger.successive_internal_error_count IS 'Builds in a row ended by an error of the builder; 5 switch the trigger off (reference default).';
COMMENT ON COLUMN quay.repositorybuildtrigger.disabled_datetime IS 'UTC time of the last switching off; set at creation too, so meaningful only while enabled is false. NULL: never.';
COMMENT ON COLUMN quay.repositorybuildtrigger.secure_auth_token IS 'Secret, encrypted (v0$$...): the user''s token at the service. NULL: none.';
COMMENT ON COLUMN quay.repositorybuildtrigger.secure_private_key IS 'Secret, encrypted (v0$$...): deploy key in PEM with which the source is fetched. NULL: none.';
COMMENT ON COLUMN quay.repositorybuildtrigger.fully_migrated IS 'Legacy: the secrets were moved from plain text to the encrypted columns. Nothing reads it.';

COMMENT ON TABLE quay.repositorybuild IS 'Builds, one row each. Progress and log lines are in the build log; the job itself is a queue item.';
COMMENT ON COLUMN quay.repositorybuild.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorybuild.uuid IS 'Public handle (UUID v4) and key of the archived log. Indexed, not unique.';
COMMENT ON COLUMN quay.repositorybuild.repository_id IS 'Repository the result is pushed to.';
COMMENT ON COLUMN quay.repositorybuild.access_token_id IS 'Token with which the builder pushes.';
COMMENT ON COLUMN quay.repositorybuild.resource_key IS 'Id of the uploaded Dockerfile or archive in object storage. NULL: the source comes from a trigger.';
COMMENT ON COLUMN quay.repositorybuild.job_config IS 'JSON object: docker_tags, build_subdir, context, trigger_metadata and the like.';
COMMENT ON COLUMN quay.repositorybuild.phase IS 'waiting, build-scheduled, unpacking, pulling, building, pushing; final: complete, error, internalerror, cancelled.';
COMMENT ON COLUMN quay.repositorybuild.started IS 'UTC time when the build was requested.';
COMMENT ON COLUMN quay.repositorybuild.display_name IS 'Shown to people, such as a short commit id.';
COMMENT ON COLUMN quay.repositorybuild.trigger_id IS 'Trigger that started it. NULL: started by hand.';
COMMENT ON COLUMN quay.repositorybuild.pull_robot_id IS 'Robot as which private base images are pulled. NULL: none, or that robot was deleted.';
COMMENT ON COLUMN quay.repositorybuild.logs_archived IS 'True: the log was moved to object storage. Set once; whoever sets it cleans up.';
COMMENT ON COLUMN quay.repositorybuild.queue_id IS 'Id of the queue item, queueitem.id as text. NULL: not enqueued.';
-- Notifications

COMMENT ON TABLE quay.notification IS 'Notices shown to a user in the application until dismissed. Admins of an organization see those of the organization.';
COMMENT ON COLUMN quay.notification.id IS 'Primary key.';
COMMENT ON COLUMN quay.notification.uuid IS 'Public handle (UUID v4). Indexed, not unique.';
COMMENT ON COLUMN quay.notification.kind_id IS 'What the notice is about.';
COMMENT ON COLUMN quay.notification.target_id IS 'Account that is notified: person, organization or robot.';
COMMENT ON COLUMN quay.notification.metadata_json IS 'JSON object with the details that the kind needs, {} for none.';
COMMENT ON COLUMN quay.notification.created IS 'UTC time of the notice.';
COMMENT ON COLUMN quay.notification.dismissed IS 'True: the user closed it; hidden from lists, can be reopened.';
COMMENT ON COLUMN quay.notification.lookup_path IS 'Path by which a group of notices is removed together, such as /service_key_approval/<kid>/<id>. NULL: none.';

COMMENT ON TABLE quay.repositorynotification IS 'Subscriptions: which event of a repository is delivered where. Three failed deliveries in a row disable one.';
COMMENT ON COLUMN quay.repositorynotification.id IS 'Primary key.';
COMMENT ON COLUMN quay.repositorynotification.uuid IS 'Public handle (UUID v4). Indexed, not unique.';
COMMENT ON COLUMN quay.repositorynotification.repository_id IS 'Repository watched.';
COMMENT ON COLUMN quay.repositorynotification.event_id IS 'Event that triggers delivery.';
COMMENT ON COLUMN quay.repositorynotification.method_id IS 'Channel of delivery.';
COMMENT ON COLUMN quay.repositorynotification.title IS 'Label for people. NULL: none.';
COMMENT ON COLUMN quay.repositorynotification.config_json IS 'JSON object: settings of the channel (url, email, target). Confidential: webhook URLs may carry a token.';
COMMENT ON COLUMN quay.repositorynotification.event_config_json IS 'JSON object: filter on the event, such as a lowest severity, a ref-regex or days before expiry; {} for none.';
COMMENT ON COLUMN quay.repositorynotification.number_of_failures IS 'Deliveries failed since the last success. From 3 on nothing is delivered until reset.';
COMMENT ON COLUMN quay.repositorynotification.last_ran_ms IS 'Last image expiry scan, ms since epoch UTC; claim of that scan. NULL: never, so first.';

COMMENT ON TABLE quay.namespacenotification IS 'Subscriptions: which event of a namespace, such as quota_warning, is delivered where. Three failures in a row disable one.';
COMMENT ON COLUMN quay.namespacenotification.id IS 'Primary key.';
COMMENT ON COLUMN quay.namespacenotification.uuid IS 'Public handle (UUID v4). Indexed, not unique.';
COMMENT ON COLUMN quay.namespacenotification.namespace_id IS 'Namespace watched.';
COMMENT ON COLUMN quay.namespacenotification.event_id IS 'Event that triggers delivery.';
COMMENT ON COLUMN quay.namespacenotification.method_id IS 'Channel of delivery.';
COMMENT ON COLUMN quay.namespacenotification.title IS 'Label for people. NULL: none.';
COMMENT ON COLUMN quay.namespacenotification.config_json IS 'JSON object: settings of the channel (url, email, target). Confidential: webhook URLs may carry a token.';
COMMENT ON COLUMN quay.namespacenotification.event_config_json IS 'JSON object: filter on the event, {} for none.';
COMMENT ON COLUMN quay.namespacenotification.number_of_failures IS 'Deliveries failed since the last success. From 3 on nothing is delivered until reset.';
COMMENT ON COLUMN quay.namespacenotification.last_ran_ms IS 'Same shape as in repositorynotification; no namespace event is scanned for. ms since epoch UTC. NULL: never.';

COMMENT ON TABLE quay.tagnotificationsuccess IS 'Tags whose coming expiry was already announced. Cleared when the end of the tag changes or the tag goes.';
COMMENT ON COLUMN quay.tagnotificationsuccess.id IS 'Primary key.';
COMMENT ON COLUMN quay.tagnotificationsuccess.notification_id IS 'Subscription that was served.';
COMMENT ON COLUMN quay.tagnotificationsuccess.tag_id IS 'Tag row that was announced.';
COMMENT ON COLUMN quay.tagnotificationsuccess.method_id IS 'Channel used.';

COMMENT ON TABLE quay.messages IS 'Messages to everybody who uses the front end, such as announced downtimes. Superusers write them.';
COMMENT ON COLUMN quay.messages.id IS 'Primary key.';
COMMENT ON COLUMN quay.messages.content IS 'Text, read according to media_type_id.';
COMMENT ON COLUMN quay.messages.uuid IS 'Public handle (UUID v4) for deletion. Indexed, not unique. Empty only in old rows.';
COMMENT ON COLUMN quay.messages.media_type_id IS 'How to show the text: text/plain or text/markdown.';
COMMENT ON COLUMN quay.messages.severity IS 'info, warning or error.';
-- Queue and releases

COMMENT ON TABLE quay.queueitem IS 'Work queue: jobs that workers claim, extend and complete, queue_put(), queue_get(), queue_extend(), queue_complete().';
COMMENT ON COLUMN quay.queueitem.id IS 'Primary key; stored as text in the queue_id columns elsewhere.';
COMMENT ON COLUMN quay.queueitem.queue_name IS 'Queue and path joined and ended by /, such as repositorygc/acme/17/. An ordered queue_get() runs one item per path at a time.';
COMMENT ON COLUMN quay.queueitem.body IS 'The job, JSON by convention. Confidential: build jobs may carry a robot''s token in clear.';
COMMENT ON COLUMN quay.queueitem.available_after IS 'UTC time before which the item is not handed out.';
COMMENT ON COLUMN quay.queueitem.available IS 'True: free to claim. False: claimed, unless processing_expires has passed.';
COMMENT ON COLUMN quay.queueitem.processing_expires IS 'UTC time when the present or last claim ends. NULL: never claimed.';
COMMENT ON COLUMN quay.queueitem.retries_remaining IS 'Claims left, one is used by each queue_get(). 0: dead, kept until cleaned up.';
COMMENT ON COLUMN quay.queueitem.state_id IS 'Random UUID, new at every change, unique; compare-and-set on it makes claims exclusive.';

COMMENT ON TABLE quay.quayregion IS 'Regions in which services of the registry run. Rows are made on demand.';
COMMENT ON COLUMN quay.quayregion.id IS 'Primary key.';
COMMENT ON COLUMN quay.quayregion.name IS 'Unique, such as us.';

COMMENT ON TABLE quay.quayservice IS 'Services whose releases are recorded. Rows are made on demand.';
COMMENT ON COLUMN quay.quayservice.id IS 'Primary key.';
COMMENT ON COLUMN quay.quayservice.name IS 'Unique, such as quay.';

COMMENT ON TABLE quay.quayrelease IS 'Releases of a service that ran on this database, per region; the reference''s migration runner looks here for the one before.';
COMMENT ON COLUMN quay.quayrelease.id IS 'Primary key.';
COMMENT ON COLUMN quay.quayrelease.service_id IS 'Service released.';
COMMENT ON COLUMN quay.quayrelease.version IS 'Version of the front end, free text; once per service and region.';
COMMENT ON COLUMN quay.quayrelease.region_id IS 'Region it was deployed in.';
COMMENT ON COLUMN quay.quayrelease.reverted IS 'True: rolled back, left out of the list of releases.';
COMMENT ON COLUMN quay.quayrelease.created IS 'UTC time of deployment; newest first is the order of releases.';
-- Audit logs

COMMENT ON TABLE quay.logentry IS 'Audit log, first generation: read and rotated, never written. See logentry3.';
COMMENT ON COLUMN quay.logentry.id IS 'Primary key.';
COMMENT ON COLUMN quay.logentry.kind_id IS 'What was done.';
COMMENT ON COLUMN quay.logentry.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry.datetime IS 'UTC time of the action.';
COMMENT ON COLUMN quay.logentry.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry.metadata_json IS 'JSON object with the details of the action, {} for none.';

COMMENT ON TABLE quay.logentry2 IS 'Audit log, second generation, once used by the hosted service: read and rotated, never written. See logentry3.';
COMMENT ON COLUMN quay.logentry2.id IS 'Primary key.';
COMMENT ON COLUMN quay.logentry2.kind_id IS 'What was done.';
COMMENT ON COLUMN quay.logentry2.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry2.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry2.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry2.datetime IS 'UTC time of the action.';
COMMENT ON COLUMN quay.logentry2.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry2.metadata_json IS 'JSON object with the details of the action, {} for none.';

COMMENT ON TABLE quay.logentry3 IS 'Audit log, the generation that log_write() fills, partitioned by month; old months are dropped or exported, not deleted.';
COMMENT ON COLUMN quay.logentry3.id IS 'First part of the primary key, unique by its sequence.';
COMMENT ON COLUMN quay.logentry3.kind_id IS 'What was done, logentrykind.id without foreign key.';
COMMENT ON COLUMN quay.logentry3.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry3.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry3.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry3.datetime IS 'UTC time of the action; chooses the partition, so second part of the primary key.';
COMMENT ON COLUMN quay.logentry3.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry3.metadata_json IS 'JSON object with the details of the action, {} for none.';

COMMENT ON TABLE quay.logentry3_default IS 'Default partition of logentry3: entries of months that have no partition. log_partition_ensure() moves them out.';
COMMENT ON COLUMN quay.logentry3_default.id IS 'First part of the primary key, unique by its sequence.';
COMMENT ON COLUMN quay.logentry3_default.kind_id IS 'What was done, logentrykind.id without foreign key.';
COMMENT ON COLUMN quay.logentry3_default.account_id IS 'Namespace in which it was done, "user".id without foreign key: entries outlive accounts.';
COMMENT ON COLUMN quay.logentry3_default.performer_id IS 'Who did it, "user".id without foreign key. NULL: anonymous, or a token without user.';
COMMENT ON COLUMN quay.logentry3_default.repository_id IS 'Repository concerned, without foreign key: entries outlive repositories. NULL: none.';
COMMENT ON COLUMN quay.logentry3_default.datetime IS 'UTC time of the action, in a month without partition.';
COMMENT ON COLUMN quay.logentry3_default.ip IS 'Address of the client as the front end saw it. NULL: unknown.';
COMMENT ON COLUMN quay.logentry3_default.metadata_json IS 'JSON object with the details of the action, {} for none.';
-- The retired application registry

COMMENT ON TABLE quay.apprtagkind IS 'Retired application registry, enumeration: kinds of its tags. No live reader or writer.';
COMMENT ON COLUMN quay.apprtagkind.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprtagkind.name IS 'Unique. Seeded: tag, release, channel.';

COMMENT ON TABLE quay.apprblobplacementlocation IS 'Retired application registry, enumeration: storage engines of its blobs. No live reader or writer.';
COMMENT ON COLUMN quay.apprblobplacementlocation.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprblobplacementlocation.name IS 'Unique. Seeded: local_eu, local_us.';

COMMENT ON TABLE quay.apprblob IS 'Retired application registry: package archives. No live reader or writer.';
COMMENT ON COLUMN quay.apprblob.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprblob.digest IS 'Digest of the archive, unique across the registry.';
COMMENT ON COLUMN quay.apprblob.media_type_id IS 'Media type of the archive, application/vnd.cnr.*.';
COMMENT ON COLUMN quay.apprblob.size IS 'Bytes as stored.';
COMMENT ON COLUMN quay.apprblob.uncompressed_size IS 'Bytes after decompression. NULL: unknown.';

COMMENT ON TABLE quay.apprblobplacement IS 'Retired application registry: where the bytes of an archive are. No live reader or writer.';
COMMENT ON COLUMN quay.apprblobplacement.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprblobplacement.blob_id IS 'Archive whose bytes are there.';
COMMENT ON COLUMN quay.apprblobplacement.location_id IS 'Storage engine that holds a copy; once per archive.';

COMMENT ON TABLE quay.apprmanifest IS 'Retired application registry: manifests of packages. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifest.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifest.digest IS 'Digest of the manifest, unique across the registry.';
COMMENT ON COLUMN quay.apprmanifest.media_type_id IS 'Kind of package, such as Helm or kpm.';
COMMENT ON COLUMN quay.apprmanifest.manifest_json IS 'The manifest, JSON object.';

COMMENT ON TABLE quay.apprmanifestblob IS 'Retired application registry: which archives a manifest uses. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifestblob.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifestblob.manifest_id IS 'Manifest that uses the archive.';
COMMENT ON COLUMN quay.apprmanifestblob.blob_id IS 'Archive used; once per manifest.';

COMMENT ON TABLE quay.apprmanifestlist IS 'Retired application registry: one version of an application in all its package formats. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifestlist.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifestlist.digest IS 'Digest of the list, unique across the registry.';
COMMENT ON COLUMN quay.apprmanifestlist.manifest_list_json IS 'The list, JSON.';
COMMENT ON COLUMN quay.apprmanifestlist.schema_version IS 'Version of the format of the list.';
COMMENT ON COLUMN quay.apprmanifestlist.media_type_id IS 'Media type of the list.';

COMMENT ON TABLE quay.apprmanifestlistmanifest IS 'Retired application registry: which manifests a list contains. No live reader or writer.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.manifest_list_id IS 'List, the parent.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.manifest_id IS 'Manifest listed, the child.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.operating_system IS 'Operating system it is for. NULL: any.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.architecture IS 'Processor architecture it is for. NULL: any.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.platform_json IS 'JSON object with the full platform. NULL: none.';
COMMENT ON COLUMN quay.apprmanifestlistmanifest.media_type_id IS 'Package format by which the manifest is chosen from the list.';

COMMENT ON TABLE quay.apprtag IS 'Retired application registry: releases and channels over time, one row per period. No live reader or writer.';
COMMENT ON COLUMN quay.apprtag.id IS 'Primary key.';
COMMENT ON COLUMN quay.apprtag.name IS 'Release (a version) or channel name.';
COMMENT ON COLUMN quay.apprtag.repository_id IS 'Repository of kind application.';
COMMENT ON COLUMN quay.apprtag.manifest_list_id IS 'Version pointed to. NULL: a channel, which points to a release through linked_tag_id.';
COMMENT ON COLUMN quay.apprtag.lifetime_start IS 'Start of the period, ms since epoch UTC.';
COMMENT ON COLUMN quay.apprtag.lifetime_end IS 'End of the period, ms since epoch UTC. NULL: current.';
COMMENT ON COLUMN quay.apprtag.hidden IS 'Left out of lists.';
COMMENT ON COLUMN quay.apprtag.reverted IS 'The row came from restoring an earlier state.';
COMMENT ON COLUMN quay.apprtag.protected IS 'Guarded against removal.';
COMMENT ON COLUMN quay.apprtag.tag_kind_id IS 'release, channel or tag.';
COMMENT ON COLUMN quay.apprtag.linked_tag_id IS 'Release that a channel points to. NULL: not a channel.';

COMMENT ON TABLE quay_internal.entity_change IS 'Always empty: its invalidation tells every session to forget the users and repositories that it remembers.';

-- @part every api/990_privilege.sql
-- Nothing is for PUBLIC: PostgreSQL lets it execute each new function, and this takes that back. Runs at the end of every script, since
-- every script may bring functions. It must not touch older ones: within a script a REVOKE makes all privileges that an object has at
-- that time its initial ones, and pg_dump would no longer save what the DBA has granted on it. So: only those without initial ones.

DO $revoke$
DECLARE
    functions text;
BEGIN
    SELECT string_agg(p.oid::regprocedure::text, ', ') INTO functions
    FROM pg_proc AS p
    WHERE p.pronamespace = ANY (ARRAY['quay'::regnamespace, 'quay_internal'::regnamespace])
      AND NOT EXISTS (SELECT FROM pg_init_privs AS i WHERE i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid);
    IF functions IS NOT NULL THEN
        EXECUTE 'REVOKE ALL ON ROUTINE ' || functions || ' FROM PUBLIC';
    END IF;
END
$revoke$;

-- @part once schema/910_search.sql
-- Repository search by part of a name or description. The two trigram indexes need pg_trgm, which is recommended, not required:
-- CREATE EXTENSION quay alone must work. Where pg_trgm comes later, quay.search_index_create() makes them.

DO $search$
BEGIN
    IF EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
        PERFORM quay.search_index_create();
    ELSE
        RAISE NOTICE 'pg_trgm is not installed: repository search will read every name'
            USING HINT = 'Run CREATE EXTENSION pg_trgm; SELECT quay.search_index_create();';
    END IF;
END
$search$;

-- @part once schema/920_guard.sql
-- The guard against dropping a registry that holds data (src/guard.c). Last, so that nothing above runs under it. Here and not among
-- the re-runnable parts because CREATE EVENT TRIGGER knows no OR REPLACE; ALWAYS, so that replication roles do not slip through.

CREATE EVENT TRIGGER quay_drop_guard ON ddl_command_start
    WHEN TAG IN ('DROP EXTENSION', 'DROP SCHEMA', 'DROP OWNED')
    EXECUTE FUNCTION quay_internal.drop_guard();
ALTER EVENT TRIGGER quay_drop_guard ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER quay_drop_guard IS
    'Refuses (QY091) to drop the extension, one of its schemas or what its owner owns while there is user data, unless quay.allow_drop is on.';
