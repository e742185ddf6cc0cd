"""Stand-ins for the files that google-genai's tests read and its wheel does not ship.

Right in kind and small; what is in them does not matter to an engine that echoes.
"""

from pathlib import Path

from PIL import Image

PICTURES = (
    "a-man-and-a-dog.png",
    "bridge1.png",
    "checkerboard.png",
    "dog.jpg",
    "google.jpg",
    "google.png",
    "google_homepage.png",
    "man.jpg",
    "segmentation_scribble.jpg",
    "skateboard_stop_sign.jpg",
)
BYTES = {
    "animal.mp4": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom",
    "pixel.m4a": b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A mp42",
    "voice_sample.wav": b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00",
    "story.pdf": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
    "story.txt": b"Once upon a time there was a queue.\n" * 20,
}


def write_stand_ins(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        Image.new("RGB", (16, 16), "steelblue").save(folder / name)
    for name, content in BYTES.items():
        (folder / name).write_bytes(content)
