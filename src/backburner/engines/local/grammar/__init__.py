"""What an answer must look like, as a grammar: made from JSON schemas, printed for the runtime, finished early.

Why our own and not the runtime's JSON-schema compiler: that one allows any amount of whitespace, on which a
small model can spend its whole budget; its errors poison the pipeline; a bounded string costs it seconds to
compile; and it cannot end an answer that runs out of room. `finish.py` can.
"""
