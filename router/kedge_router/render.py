"""From settings and the route map to the files HAProxy starts from; no I/O.

The configuration holds the map's servers too, so HAProxy alone serves every app after a restart.
Everything that is odd here is so because of HAProxy 2.6, and the comments say how.
"""

from collections.abc import Iterator
from string import Template

from .app import STATES, Address, App
from .map import RouteMap, slot_names
from .pages import file_name, page_files
from .settings import Settings

LOG_FD = 3
"""The descriptor of the log's pipe, as the launcher leaves it to HAProxy."""

SERVER_OPTIONS = "pool-purge-delay 4s pool-max-conn -1"
"""Without them a server added at run time keeps no idle connection (2.6.12)."""

BUFFER_BYTES = 20480
REWRITE_BYTES = 4096
"""A request's head fits in the difference, 16 KB; longer ones are answered with 400."""

LOG_FORMAT = "{%s}" % ",".join(  # noqa: UP031 - a format within a format
    f'"{key}":{value}'
    for key, value in {
        "at_us": "%[date(0,us)]",
        "app": '"%[var(txn.id)]"',
        "method": '"%HM"',
        "host": '"%[var(txn.host),json(utf8s)]"',
        "request_id": '"%[var(txn.rid)]"',
        "fwd": '"%[var(txn.fwd),bytes(0,256),json(utf8s)]"',
        "server": '"%s"',
        "code": '"%[var(txn.code)]"',
        "state": '"%ts"',
        "status": "%ST",
        "bytes": "%B",
        "uploaded": "%U",
        "content_length": '"%[var(txn.content_length)]"',
        "request_ms": "%TR",
        "queue_ms": "%Tw",
        "connect_ms": "%Tc",
        "response_ms": "%Tr",
        "active_ms": "%Ta",
        "proto": '"%[var(txn.proto)]"',
        "tls": '"%sslv"',
        "path": '"%[capture.req.uri,json(utf8s)]"',
    }.items()
)

ROUTING = Template("""\
  # The platform's own hosts: nothing of theirs is in an app's log.
  http-request set-var(txn.host) req.hdr(host),host_only,lower,rtrim(.)
  acl handing_over str(worker),map_str($maps/worker.map) -m found
  acl elsewhere    str(worker),map_str($maps/worker.map) -m found
  acl elsewhere    var(txn.host) -m str $platform_hosts
  acl routed       var(txn.slot) -m found

  # Host to slot: exact names, then a wildcard for the first label. Both are tree lookups.
  http-request set-var(txn.slot) var(txn.host),map_str($maps/hosts.map) if !elsewhere
  http-request set-var(txn.zone) var(txn.host),field(2,.,0) if !elsewhere !routed
  http-request set-var(txn.slot) var(txn.zone),map_str($maps/wild.map) if !elsewhere !routed
  http-request set-log-level silent if !routed
  http-request return status 404 $no_such_app if !elsewhere !routed
  http-request set-var(txn.owner) var(txn.slot),map_str($maps/apps.map) if routed
  http-request set-var(txn.id) var(txn.owner),field(1,:) if routed
  http-request set-var(txn.name) var(txn.owner),field(2,:) if routed

  # The app's state: absent when it is up.
  http-request set-var(txn.code) var(txn.slot),map_str($maps/state.map) if routed
$state_pages

  acl has_body     req.hdr_val(content-length) gt 0
  acl has_body     req.hdr(transfer-encoding) -m found
  acl has_length   req.hdr(content-length) -m found
  acl uploads      method POST PUT PATCH   # over HTTP/2 a body need not be announced
  http-request set-var(txn.content_length) req.hdr(content-length)
  http-request set-var(txn.has_body) bool(true) if has_body or uploads !has_length
  use_backend successor if handing_over
  use_backend platform if elsewhere
  use_backend %[var(txn.slot)]

  # HAProxy's own errors are 503 to the client, as Heroku's; an app's own 500 passes.
  acl answered     var(txn.answered) -m found
  acl is_own_error status 500 502 504
  http-response set-var(txn.answered) bool(true)
  http-after-response set-status 503 reason "Service Unavailable" if !answered is_own_error
""")

FRAME = Template("""\
# Rendered by kedge_router from its settings and map.json; changes here are overwritten.
global
  nbthread $threads
  maxconn $maxconn
  stats socket $dir/admin.sock mode 600 level admin expose-fd listeners
  stats maxconn 40
  stats timeout 10m
  hard-stop-after 1h                 # a reload leaves websockets alone for this long
  # A pipe, not a socket: nobody need listen, a reload loses no line, what is dropped is counted.
  log fd@$log_fd len 4000 format raw local0 info
  tune.http.logurilen 1024           # with its escapes a line stays below PIPE_BUF: never torn
  tune.http.maxhdr 200
  tune.bufsize $buffer_bytes
  tune.maxrewrite $rewrite_bytes
  ssl-default-bind-options ssl-min-ver TLSv1.2

defaults clients
  mode http
  log global
  timeout client ${idle_seconds}s    # for one that will not read, or not finish its TLS handshake
  timeout http-request 30s
  timeout http-keep-alive 60s
  option http-no-delay               # else every chunk of a stream waits for 200 ms
  option abortonclose                # here and in the backends, or clients' leaving goes unnoticed
  option idle-close-on-response      # a reload closes no idle connection under a client's request
  option http-ignore-probes
  option dontlognull
$error_pages

frontend public from clients
$binds
  log-format '$log_format'
  unique-id-format %[uuid()]

  # 2.6 lets a NUL through in a header's value; what follows it is seen by some and not by others.
  http-request deny deny_status 400 if { req.hdrs -m reg '\\x00' }

  # The request's id and where it came from.
  acl id_given     req.hdr(x-request-id) -m reg ^[A-Za-z0-9+/=_-]{20,200}$$
  acl id_known     var(txn.rid) -m found
  acl is_forwarded req.fhdr(x-forwarded-for) -m found
  http-request set-var(txn.rid) req.hdr(x-request-id) if id_given
  http-request set-var(txn.rid) unique-id if !id_known
  http-request set-header X-Request-Id %[var(txn.rid)]
  http-request set-header X-Request-Start %[date(0,ms)]
  http-request set-var-fmt(txn.fwd) "%[src]" if !is_forwarded
  http-request set-var-fmt(txn.fwd) "%[req.fhdr(x-forwarded-for,-1)], %[src]" if is_forwarded
  http-request add-header X-Forwarded-For %[src]
  http-request set-var(txn.proto) str(http) if !{ ssl_fc }
  http-request set-var(txn.proto) str(https) if { ssl_fc }
  http-request set-header X-Forwarded-Proto %[var(txn.proto)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request add-header Via "1.1 kedge-router"
  # 2.6 forwards these, and a dyno that speaks h2c would take requests past the router.
  http-request del-header Upgrade if { req.hdr(upgrade) -m sub -i h2c }
  http-request del-header HTTP2-Settings
$routing
# After a reload the worker before keeps its idle connections for one more request each, and 2.6
# cannot change its servers any more. Told so by a map, it passes those requests on to its
# successor, which has the routes of now; what it has begun it finishes itself.
frontend handover from clients
  bind unix@$dir/handover.sock mode 600 accept-proxy
  log-format '$log_format'
  http-request set-var(txn.rid) req.hdr(x-request-id)
  http-request set-var(txn.fwd) req.fhdr(x-forwarded-for)
  http-request set-var(txn.proto) req.hdr(x-forwarded-proto)
$routing
defaults platform
  mode http
  log global
  timeout connect 5s
  timeout server $platform_timeout
  timeout tunnel $platform_timeout
  timeout queue 30s
  retries 10                         # a second apart over TCP; at once on a unix socket (2.6)
  retry-on conn-failure
  option http-no-delay
  option abortonclose
  http-reuse safe
  http-error status 502 $platform_down
  http-error status 503 $platform_down
  http-error status 504 $platform_down

backend platform from platform
  # A body that fits is had whole first: who dawdles waits here, not in a thread of the platform.
  http-request wait-for-body time 30s
  server web $platform_backend

backend successor from platform
  http-reuse never
  server worker unix@$dir/handover.sock send-proxy-v2

defaults apps
  mode http
  log global
  balance leastconn
  timeout connect ${connect_seconds}s
  timeout server ${idle_seconds}s
  timeout tunnel ${idle_seconds}s
  timeout queue 30s
  timeout server-fin 10s
  retries 1                          # another dyno at once when one refuses; 0 would switch it off
  option redispatch 1
  retry-on conn-failure              # nothing was sent yet, so any method may be tried again
  option http-no-delay
  option abortonclose
  http-reuse safe
  # The wait for the first byte of a request with a body begins anew while it is uploaded.
  http-request set-timeout server ${first_byte_seconds}s if { var(txn.has_body) -m found }
  http-response add-header Via "1.1 kedge-router"
$error_pages

""")

SLOT = Template("""\
backend $slot from apps
  # Of requests without a body: an answer begins in time. 2.6 ignores these rules in defaults.
  tcp-response inspect-delay ${first_byte_seconds}s
  tcp-response content accept if { var(txn.has_body) -m found }
  tcp-response content accept if { status gt 0 }
  tcp-response content close if WAIT_END
$servers
""")

PLATFORM_TIMEOUT = "1h"
"""Silence allowed on the platform's own connections: pushes, builds, log tails."""

PLATFORM_DOWN = (
    'content-type application/json string "{\\"id\\":\\"service_unavailable\\",\\"message\\":'
    '\\"The platform does not answer. Apps are served; see: kedge status\\"}"'
    " hdr Cache-Control no-store hdr Retry-After 5"
)


def render(settings: Settings, route_map: RouteMap) -> dict[str, str]:
    """The files HAProxy starts from, by path within the router's folder."""
    maps = {
        f"maps/{name}.map": "".join(f"{key} {value}\n" for key, value in entries.items())
        for name, entries in map_entries(route_map).items()
    }
    maps["maps/worker.map"] = ""  # filled at run time in workers that have a successor
    return {**page_files(), **maps, "haproxy.cfg": _configuration(settings, route_map)}


def map_entries(route_map: RouteMap) -> dict[str, dict[str, str]]:
    """HAProxy's maps for `route_map`: by name, key to value.

    `apps` names who owns a slot, `state` the code it answers with, `hosts` and `wild` lead to it.
    """
    apps = [(app, route_map.slots[app.id]) for app in route_map.apps.values()]
    return {
        "apps": {slot: f"{app.id}:{app.name}" for app, slot in apps},
        "state": {slot: app.code for app, slot in apps if app.code},
        "hosts": {host: slot for app, slot in apps for host in app.hosts if host[0] != "*"},
        "wild": {host[2:]: slot for app, slot in apps for host in app.hosts if host[0] == "*"},
    }


def _configuration(settings: Settings, route_map: RouteMap) -> str:
    routing = ROUTING.substitute(
        maps=settings.dir / "maps",
        platform_hosts=" ".join(settings.platform_hosts),
        state_pages="\n".join(_state_pages(settings)),
        no_such_app=_page(settings, "404"),
    )
    frame = FRAME.substitute(
        dir=settings.dir,
        threads=settings.threads,
        maxconn=settings.maxconn,
        log_fd=LOG_FD,
        log_format=LOG_FORMAT,
        buffer_bytes=BUFFER_BYTES,
        rewrite_bytes=REWRITE_BYTES,
        connect_seconds=settings.connect_seconds,
        first_byte_seconds=settings.first_byte_seconds,
        idle_seconds=settings.idle_seconds,
        platform_backend=settings.platform_backend,
        platform_timeout=PLATFORM_TIMEOUT,
        platform_down=PLATFORM_DOWN,
        binds="\n".join(_binds(settings)),
        routing=routing,
        error_pages="\n".join(_error_pages(settings)),
    )
    owners = {slot: route_map.apps[app_id] for app_id, slot in route_map.slots.items()}
    slots = (
        SLOT.substitute(
            slot=slot,
            first_byte_seconds=settings.first_byte_seconds,
            servers="".join(_servers(owners.get(slot))),
        )
        for slot in slot_names(route_map.slot_count)
    )
    return frame + "\n".join(slots)


def server_line(name: str, address: Address, number: int) -> str:
    """A server's words, the same in the configuration and after `add server SLOT/`.

    Without an `id` of their own all servers added at run time have the same hash key (2.6.12).
    """
    return f"{name} {address} {SERVER_OPTIONS} id {number}"


def _servers(app: App | None) -> Iterator[str]:
    for number, (name, address) in enumerate(app.servers.items() if app else (), start=1):
        yield f"  server {server_line(name, address, number)}\n"


def _binds(settings: Settings) -> Iterator[str]:
    for bind in settings.http_binds:
        yield f"  bind {bind}"
    for bind in settings.https_binds:
        yield f"  bind {bind} ssl crt-list {settings.crt_list} alpn h2,http/1.1"


def _page(settings: Settings, key: str) -> str:
    path = settings.dir / file_name(key)
    return f'content-type "text/html; charset=utf-8" lf-file {path} hdr Cache-Control no-store'


def _error_pages(settings: Settings) -> Iterator[str]:
    for status, page in {"500": "H99", "502": "502", "503": "503", "504": "504"}.items():
        yield f"  http-error status {status} {_page(settings, page)}"


def _state_pages(settings: Settings) -> Iterator[str]:
    for code in sorted(STATES):
        test = f"{{ var(txn.code) -m str {code} }}"
        yield f"  http-request return status 503 {_page(settings, code)} if {test}"
