-- What tokens may be used for; those there are may be used for all that their account may do.

ALTER TABLE authorizations ADD COLUMN scopes JSONB NOT NULL DEFAULT '["global"]';
ALTER TABLE authorizations ALTER COLUMN scopes DROP DEFAULT;
