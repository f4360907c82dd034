"""The REST door: JSON over HTTP in the wire format of `agent_memory_client.models`."""
