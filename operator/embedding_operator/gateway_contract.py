"""What the operator, the gateway's agent and HAProxy must agree on. Imports nothing, so that each can import it."""

BACKEND = "engines"
"""The backend of HAProxy's configuration whose servers are the engine pods."""

MAX_CONNECTIONS_LABEL = "embedding-operator.io/max-connections"
"""Label of the engines' headless Service, inherited by its EndpointSlices: concurrent requests for one engine."""

METRICS_PORT = 8404
"""Port of a gateway pod on which HAProxy's exporter serves metrics to the operator."""

AGENT_PORT = 8405
"""Port of a gateway pod on which the agent answers probes, scrapes and, on loopback, HAProxy's pokes."""

POKE_PATH = "/poke"
"""Path of a POST that requests a reconcile of one service now: HAProxy pokes the agent, the agent the operator."""
