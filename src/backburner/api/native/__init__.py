"""The native API, /api/v1: what no dialect has. The command line, the console and remote tools use it.

JSON in snake_case, instants as RFC 3339 with names that end in `_at`, durations in seconds with names that end in
`_s`. The OpenAPI document is made from the route table and the structs in bodies.py.
"""
