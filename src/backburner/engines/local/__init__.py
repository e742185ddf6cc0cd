"""The embedded engine: OpenVINO GenAI in one supervised child process per model.

`engine.py` is the parent's side and imports nothing of the runtime, so that a plain install without the
`local` extra still starts; `runtime.py` is the only door to openvino.
"""
