"""Values, errors, settings and ports: what everything else is made of. Imports nothing of ours."""
