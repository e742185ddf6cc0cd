"""The loops that move a job on: intake, dispatch, commit, publish, janitor."""
