"""What a service counts, in the form that Prometheus reads."""

import prometheus_client
from prometheus_client import exposition


class Metrics:
    """Counts of one service, in a registry of its own."""

    content_type = exposition.CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self):
        self._registry = prometheus_client.CollectorRegistry()
        # Memory, processor time, open files.
        prometheus_client.ProcessCollector(registry=self._registry)
        prefix, registry = "keras_transfer", self._registry
        self.requests = prometheus_client.Counter(
            f"{prefix}_requests",
            "Requests for predictions, by status.",
            ["status"],
            registry=registry,
        )
        self.seconds = prometheus_client.Histogram(
            f"{prefix}_request_seconds",
            "From the head of a request to its answer.",
            registry=registry,
        )
        self.batch_size = prometheus_client.Histogram(
            f"{prefix}_batch_size",
            "Images that the model computed together.",
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=registry,
        )
        self.outputs = prometheus_client.Gauge(
            f"{prefix}_outputs",
            "Outputs of the model, by their task.",
            ["task"],
            registry=registry,
        )
        self.in_flight = prometheus_client.Gauge(
            f"{prefix}_requests_in_flight",
            "Requests that are worked on.",
            registry=registry,
        )

    def observe(self, status: int, seconds: float) -> None:
        """Counts an answer.

        Args:
            status: The HTTP status.
            seconds: How long it took.
        """
        self.requests.labels(status).inc()
        self.seconds.observe(seconds)

    def text(self) -> bytes:
        """Returns all of it, a line for each figure."""
        return prometheus_client.generate_latest(self._registry)
