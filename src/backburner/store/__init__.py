"""The only SQL and the only server data files: catalog, ledgers, blobs. All code here is synchronous and
runs on a lane (core/lanes.py); nothing here reads a clock or decides anything."""
