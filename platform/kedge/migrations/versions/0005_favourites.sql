-- Favourites: the apps each person wants to find first.
CREATE TABLE favourites (
    account_id UUID NOT NULL,
    app_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT pk_favourites PRIMARY KEY (account_id, app_id),
    CONSTRAINT fk_favourites_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_favourites_app_id FOREIGN KEY(app_id) REFERENCES apps (id) ON DELETE CASCADE
);
CREATE INDEX ix_favourites_app_id ON favourites (app_id);
