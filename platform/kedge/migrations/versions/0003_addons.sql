-- Add-ons: services, plans, add-ons, attachments, grants.
SELECT 1;
