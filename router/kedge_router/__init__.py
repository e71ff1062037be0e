"""HAProxy as Kedge's router, and the agent that keeps it in step with the platform's route map.

Here belongs all that touches HAProxy: the versioned map of apps, its rendering to a configuration,
the runtime API, drain, certificates, the router's log lines and error pages. It knows the platform
only as a caller of its HTTP API on a unix socket and as one backend; it never imports `kedge`, and
goes on serving while the platform is down. What should run where is decided by the caller.
"""
