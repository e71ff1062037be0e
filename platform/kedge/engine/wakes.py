"""Wakes over Redis: publish and subscribe. Lost ones cost a second, never a change.

One is lost when Redis is away, for whoever listens. So a listener is told at every subscription
anew that it may have missed any.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import redis
import structlog

from kedge.engine.protocols import ANY_TOPIC

log = structlog.get_logger()
PREFIX = "kedge:wake:"
RETRY_SECONDS = 1.0


class RedisWakes:
    """Wakes between processes by Redis, and within this process whatever Redis does."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_connect_timeout=2, socket_timeout=5)
        self._changed = threading.Condition()
        self._seen: dict[str, int] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._thread: threading.Thread | None = None

    def wake(self, topic: str) -> None:
        """Wake whoever waits for the topic, here and in other processes. Never raises."""
        try:
            self._redis.publish(PREFIX + topic, b"")
        except redis.RedisError:
            self._note(topic)  # at least this process looks again

    def wait(self, topic: str, seconds: float) -> bool:
        """Wait for a wake of the topic; False when the time passed."""
        self._listen()
        deadline = time.monotonic() + seconds
        with self._changed:
            before = self._seen.setdefault(topic, 0)
            while self._seen.get(topic, 0) == before:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    self._seen.pop(topic, None)
                    return False
            return True

    def subscribe(self, listener: Callable[[str], None]) -> None:
        """Call the listener with every topic that is woken, from a thread of ours.

        With `ANY_TOPIC` at every subscription, the first included: wakes may have been missed.
        """
        self._listeners.append(listener)
        self._listen()

    def _listen(self) -> None:
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="wakes", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                self._receive()
            except redis.RedisError as error:
                log.warning("wakes.lost", reason=str(error))
                time.sleep(RETRY_SECONDS)

    def _receive(self) -> None:
        subscription = self._redis.pubsub()  # type: ignore[no-untyped-call]
        subscription.psubscribe(PREFIX + "*")
        while True:
            message = subscription.get_message(timeout=30.0)
            if message and message["type"] == "psubscribe":
                self._note(ANY_TOPIC)
            elif message:
                self._note(message["channel"].decode().removeprefix(PREFIX))

    def _note(self, topic: str) -> None:
        with self._changed:
            if topic in self._seen:
                self._seen[topic] += 1
                self._changed.notify_all()
        for listener in self._listeners:
            listener(topic)
