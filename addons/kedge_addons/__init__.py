"""The built-in add-on providers: separate servers that speak Heroku's Add-on Partner API v3.

Here belong providers and their catalogue, written exactly as a third party would write them.
Not here: anything that imports `kedge`; the platform is known only through HTTP.
"""
