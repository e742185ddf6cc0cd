"""The console: the web page at `/`, served by the same process as everything else.

It owns the page's files and the sign-in with a key. It never has data of its own: the page does everything through
`/api/v1` and, for uploads and new jobs, through the Gemini door, like any other client.
"""
