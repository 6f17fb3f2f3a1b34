"""The HTTP API: parse, call one workflow, shape the answer."""
