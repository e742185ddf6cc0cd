"""Resources that google-genai's tests expect in Google's test project, made here under names of our own."""

from pathlib import Path

from google import genai

from tests.e2e.jobs import EMBEDDING_MODEL, MODEL, asking, succeeded, write_lines
from tests.e2e.server import Server
from tests.e2e.upstream.stand_ins import write_stand_ins

# Google's name -> what kind of file it is
FILES = {
    "s0pa54alni6w": "generate.jsonl",
    "mq9e3mg3u2y5": "embed.jsonl",
    "kje1wewvo85z": "google.png",
    "tyvaih24jwje": "google.png",
    "v200dhvn15h7": "story.pdf",
    "1g583ke2xdsn": "story.txt",
    "n1gls7dyh90q": "story.txt",
    "vjvu9fwk2qj8": "story.txt",
    "864z7ft4m14h": "google.png",
    "22xab9a8jp0v": "google.png",
    "9tnpjy0re13a": "animal.mp4",
    "i2ojhd8z99uk": "animal.mp4",
    "0o9iyit198g1": "story.pdf",
    "fq9r5ftyqrho": "pixel.m4a",
    "8q6j6weg80ey": "google.png",
}
GENERATE_BATCHES = (
    "z2p8ksus4lyxt25rntl3fpd67p2niw4hfij5",
    "0yew7plxupyybd7appsrq5vw7w0lp3l79lab",
    "70h2jo0ic2t1zejyl0p4jgi8mk1gj0wvjusv",
)
EMBED_INLINE_BATCH = "wdx71o8cgbzoa6gg3be1mg7g8ulrhapcjgo3"
EMBED_FILE_BATCH = "507oatd242het8ox60pwsmn7tcmtkrj8itff"
CACHE = "o239k1gxzz0juy9wqstndhncr85krehehf551hqh"


def make_resources(server: Server) -> dict[str, str]:
    """Google's ids, each with the id of its counterpart here."""
    client = server.client()
    folder = server.folder / "resources"
    write_stand_ins(folder)
    write_lines(folder / "generate.jsonl", [{"key": "1", "request": asking("hello")}])
    embed = {"key": "1", "request": {"content": {"parts": [{"text": "hello"}]}}}
    write_lines(folder / "embed.jsonl", [embed])
    return _files(client, folder) | _batches(client) | _cache(client)


def _files(client: genai.Client, folder: Path) -> dict[str, str]:
    for name, kind in FILES.items():  # a caller may choose a file's name: these keep theirs
        options = {"name": name} | ({"mime_type": "jsonl"} if kind.endswith("jsonl") else {})
        client.files.upload(file=str(folder / kind), config=options)
    return {name: name for name in FILES}


def _batches(client: genai.Client) -> dict[str, str]:
    made: dict[str, str] = {}
    for name in GENERATE_BATCHES:
        made[name] = client.batches.create(model=MODEL, src=[{"contents": "hello"}]).name
    contents = {"contents": ["one", "two", "three"], "config": {"output_dimensionality": 64}}
    made[EMBED_INLINE_BATCH] = client.batches.create_embeddings(
        model=EMBEDDING_MODEL, src={"inlined_requests": contents}
    ).name
    made[EMBED_FILE_BATCH] = client.batches.create_embeddings(
        model=EMBEDDING_MODEL, src={"file_name": "files/mq9e3mg3u2y5"}
    ).name
    for job in made.values():
        succeeded(client, job)
    return {name: job.removeprefix("batches/") for name, job in made.items()}


def _cache(client: genai.Client) -> dict[str, str]:
    made = client.caches.create(model=MODEL, config={"contents": ["a long document " * 500]})
    return {CACHE: made.name.removeprefix("cachedContents/")}
