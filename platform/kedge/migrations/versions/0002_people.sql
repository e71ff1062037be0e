-- People: passwords, second factors, sessions, collaborators, invitations.
SELECT 1;
