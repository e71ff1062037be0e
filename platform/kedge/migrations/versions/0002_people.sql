-- People: passwords, second factors, sessions, collaborators, invitations.

ALTER TABLE accounts
    ADD COLUMN password VARCHAR(200),
    ADD COLUMN totp_sealed BYTEA,
    ADD COLUMN totp_confirmed_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN totp_step BIGINT,
    ADD COLUMN suspended_at TIMESTAMP WITH TIME ZONE;

CREATE TABLE sign_in_attempts (
    id BIGSERIAL NOT NULL,
    name VARCHAR(300) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sign_in_attempts PRIMARY KEY (id)
);

CREATE INDEX ix_sign_in_attempts_name_created_at ON sign_in_attempts (name, created_at);

CREATE TABLE invitations (
    id UUID NOT NULL,
    email VARCHAR(254) NOT NULL,
    is_owner BOOLEAN NOT NULL,
    invited_by_id UUID NOT NULL,
    token_sha256 VARCHAR(64) NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_invitations PRIMARY KEY (id),
    CONSTRAINT uq_invitations_email UNIQUE (email),
    CONSTRAINT fk_invitations_invited_by_id FOREIGN KEY(invited_by_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_invitations_token_sha256 UNIQUE (token_sha256)
);

CREATE TABLE recovery_codes (
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    code_sha256 VARCHAR(64) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_recovery_codes PRIMARY KEY (id),
    CONSTRAINT fk_recovery_codes_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_recovery_codes_account_id ON recovery_codes (account_id);

CREATE TABLE sessions (
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    token_sha256 VARCHAR(64) NOT NULL,
    csrf_key BYTEA NOT NULL,
    address VARCHAR(64) NOT NULL,
    user_agent VARCHAR(500) NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    confirmed_until TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT fk_sessions_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_sessions_token_sha256 UNIQUE (token_sha256)
);

CREATE INDEX ix_sessions_account_id ON sessions (account_id);

CREATE TABLE sign_in_links (
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    token_sha256 VARCHAR(64) NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_sign_in_links PRIMARY KEY (id),
    CONSTRAINT fk_sign_in_links_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT uq_sign_in_links_token_sha256 UNIQUE (token_sha256)
);

CREATE INDEX ix_sign_in_links_account_id ON sign_in_links (account_id);

CREATE TABLE app_transfers (
    id UUID NOT NULL,
    app_id UUID NOT NULL,
    owner_id UUID NOT NULL,
    recipient_id UUID NOT NULL,
    state VARCHAR(10) NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_app_transfers PRIMARY KEY (id),
    CONSTRAINT fk_app_transfers_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE,
    CONSTRAINT fk_app_transfers_owner_id FOREIGN KEY(owner_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_app_transfers_recipient_id FOREIGN KEY(recipient_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_app_transfers_app_id ON app_transfers (app_id);

CREATE INDEX ix_app_transfers_owner_id ON app_transfers (owner_id);

CREATE INDEX ix_app_transfers_recipient_id ON app_transfers (recipient_id);

CREATE TABLE collaborators (
    id UUID NOT NULL,
    app_id UUID NOT NULL,
    account_id UUID NOT NULL,
    permissions JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_collaborators PRIMARY KEY (id),
    CONSTRAINT uq_collaborators_app_id_account_id UNIQUE (app_id, account_id),
    CONSTRAINT fk_collaborators_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE,
    CONSTRAINT fk_collaborators_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_collaborators_account_id ON collaborators (account_id);

CREATE INDEX ix_collaborators_app_id ON collaborators (app_id);

