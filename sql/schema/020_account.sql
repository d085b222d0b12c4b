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
-- Robots of a namespace. Their names start with its name, and a namespace has no "+" in its own.
CREATE INDEX user_robot_namespace ON quay."user" ((split_part(username, '+', 1))) WHERE robot;
CREATE UNIQUE INDEX user_username ON quay."user" (username);
CREATE UNIQUE INDEX user_uuid ON quay."user" (uuid);

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
CREATE UNIQUE INDEX userregion_user_id_location_id ON quay.userregion (user_id, location_id);

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
CREATE UNIQUE INDEX redhatsubscriptions_user_id_account_number ON quay.redhatsubscriptions (user_id, account_number);

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

-- Sets that are settings of the reference (RESTRICTED_USERS_WHITELIST, ROBOTS_WHITELIST, BLACKLISTED_EMAIL_DOMAINS,
-- NAMESPACE_GC_GRACE_PERIOD_ALLOWLIST, PUBLIC_NAMESPACES). Names, as above.
CREATE TABLE quay.unrestricted_user (
    username varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_unrestricted_user PRIMARY KEY (username)
);
CREATE TABLE quay.allowed_robot (
    username varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_allowed_robot PRIMARY KEY (username)
);
CREATE TABLE quay.blocked_email_domain (
    domain varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_blocked_email_domain PRIMARY KEY (domain),
    CONSTRAINT blocked_email_domain_lower CHECK (domain = lower(domain) AND domain <> '')
);
CREATE TABLE quay.deletion_grace_namespace (
    username varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_deletion_grace_namespace PRIMARY KEY (username)
);
CREATE TABLE quay.public_namespace (
    username varchar(255) COLLATE "C" NOT NULL,
    CONSTRAINT pk_public_namespace PRIMARY KEY (username)
);
