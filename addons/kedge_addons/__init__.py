"""The built-in add-on providers: one process that speaks Heroku's Add-on Partner API v3.

Belongs here: the frame every service stands on (`service`, `lifecycle`, `worker`, `instances`,
`web`), and one package for each service (`postgres`, `redis`, …), written as a third party would.
Not here: anything that imports `kedge`; the platform is known only through HTTP.
Reading order: `offer`, `service`, `lifecycle`, `partner_api`, `instances`, `postgres/service`.
"""
