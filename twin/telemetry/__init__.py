"""MQTT telemetry of a run, and the broker embedded for it."""
