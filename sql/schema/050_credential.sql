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
CREATE UNIQUE INDEX oauthapplication_client_id ON quay.oauthapplication (client_id);
CREATE INDEX oauthapplication_organization_id ON quay.oauthapplication (organization_id);

CREATE SEQUENCE quay.oauthauthorizationcode_id_seq MAXVALUE 9007199254740991;
CREATE TABLE quay.oauthauthorizationcode (
    id              bigint NOT NULL DEFAULT nextval('quay.oauthauthorizationcode_id_seq'),
    application_id  bigint NOT NULL,
    scope           varchar(255) COLLATE "C" NOT NULL,
    data            text NOT NULL,
    code_credential varchar(255) COLLATE "C" NOT NULL,
    code_name       varchar(255) COLLATE "C" NOT NULL,
    created         timestamp DEFAULT (now() AT TIME ZONE 'UTC'),
    redirect_uri    varchar(255) COLLATE "C",
    CONSTRAINT pk_oauthauthorizationcode PRIMARY KEY (id),
    CONSTRAINT fk_oauthauthorizationcode_application_id_oauthapplication FOREIGN KEY (application_id) REFERENCES quay.oauthapplication (id)
);
ALTER SEQUENCE quay.oauthauthorizationcode_id_seq OWNED BY quay.oauthauthorizationcode.id;
CREATE INDEX oauthauthorizationcode_application_id ON quay.oauthauthorizationcode (application_id);
CREATE INDEX oauthauthorizationcode_created ON quay.oauthauthorizationcode (created);
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
    token_digest       varchar(64) COLLATE "C",
    CONSTRAINT pk_oauthaccesstoken PRIMARY KEY (id),
    CONSTRAINT fk_oauthaccesstoken_application_id_oauthapplication FOREIGN KEY (application_id) REFERENCES quay.oauthapplication (id),
    CONSTRAINT fk_oauthaccesstoken_authorized_user_id_user FOREIGN KEY (authorized_user_id) REFERENCES quay."user" (id)
);
ALTER SEQUENCE quay.oauthaccesstoken_id_seq OWNED BY quay.oauthaccesstoken.id;
CREATE INDEX oauthaccesstoken_application_id_last_accessed ON quay.oauthaccesstoken (application_id, last_accessed);
CREATE INDEX oauthaccesstoken_authorized_user_id ON quay.oauthaccesstoken (authorized_user_id);
CREATE INDEX oauthaccesstoken_expires_at ON quay.oauthaccesstoken (expires_at);
CREATE UNIQUE INDEX oauthaccesstoken_token_name ON quay.oauthaccesstoken (token_name);
CREATE UNIQUE INDEX oauthaccesstoken_uuid ON quay.oauthaccesstoken (uuid);

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
CREATE INDEX appspecificauthtoken_expiration ON quay.appspecificauthtoken (expiration);
CREATE UNIQUE INDEX appspecificauthtoken_token_name ON quay.appspecificauthtoken (token_name);
CREATE INDEX appspecificauthtoken_user_id_expiration ON quay.appspecificauthtoken (user_id, expiration);
CREATE UNIQUE INDEX appspecificauthtoken_uuid ON quay.appspecificauthtoken (uuid);

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
