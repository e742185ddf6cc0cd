"""The whole service under one seed: real doors, stores and loops, virtual time, faults, checkers.

`python -m tests.sim --seeds 200`; `--seed 7` replays one; `--planted` shows that the checkers see bugs;
`--figures` prints what the policies do for a user. docs/simulation.md tells the story.
"""
