"""Every file is written by `write_new` or `write_bytes_atomic`: a rule over the sources."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent.parent
WRITER = "fmbench/storage/files.py"
EXCHANGE = ("fmbench/storage/exchange.py", "fmbench/storage/leftovers.py")
PUBLISHERS = (WRITER, "fmbench/storage/artefacts.py", *EXCHANGE)
TO_PATHS = {
    *("write_text", "write_bytes", "to_csv", "tofile", "savetxt"),
    *("savez", "savez_compressed", "save_file", "copyfile", "copytree", "copy2", "imsave"),
    *("symlink_to", "hardlink_to", "NamedTemporaryFile", "mkstemp"),
}
TO_FILES = {"savefig", "save"}
"""Methods that take a path or a file; here only a file in memory."""
RENAMES = {"os.replace", "os.rename", "shutil.move"}


def other_writes(text: str, module: str) -> list[str]:
    """Return the lines of a module that write or rename in another way."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        name = called.rpartition(".")[2]
        bad = name in TO_PATHS and (name != "hardlink_to" or module != WRITER)
        is_film = called == "av.open" and _in_memory(node, text)
        bad |= name == "open" and _writes(node) and module != WRITER and not is_film
        bad |= called == "os.open" and "O_RDONLY" not in ast.unparse(node) and "devnull" not in text
        bad |= name in TO_FILES and "." in called and not _in_memory(node, text)
        bad &= called != "world.save"  # a snapshot in memory
        bad |= called in RENAMES and module not in PUBLISHERS
        if bad:
            found.append(f"{module}, line {node.lineno}: {ast.unparse(node)}")
    return found


def _writes(call: ast.Call) -> bool:
    """Return whether `open` has a mode that writes, or one that is not known here."""
    if ast.unparse(call.func) in ("os.open", "Image.open", "h5py.h5o.open", "h5py.h5a.open"):
        return False
    is_function = ast.unparse(call.func) in ("bz2.open", "lzma.open")
    is_method = isinstance(call.func, ast.Attribute) and not is_function
    modes = [*call.args[0 if is_method else 1 :][:1]]
    modes += [word.value for word in call.keywords if word.arg == "mode"]
    texts = [mode.value if isinstance(mode, ast.Constant) else "?" for mode in modes]
    return any(set(str(text)) & set("wax+?") for text in texts)


def _in_memory(call: ast.Call, text: str) -> bool:
    """Return whether a call gets a buffer: as its first argument, in torch's `save` the second."""
    targets = [ast.unparse(argument) for argument in call.args[:2]]
    return any(f"{t} = io.BytesIO()" in text or f"{t} = BytesIO()" in text for t in targets)


def sources() -> dict[str, str]:
    paths = (ROOT / "fmbench").rglob("*.py")
    return {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in paths}


def test_nothing_is_written_in_another_way() -> None:
    modules = sources()
    assert len(modules) > 100
    assert [line for name, text in modules.items() for line in other_writes(text, name)] == []


@pytest.mark.parametrize(
    "line",
    [
        'open(path, "w")',
        'open(path, mode="ab")',
        'path.open("wb")',
        "path.open(mode)",
        'bz2.open(path, "wt")',
        'lzma.open(path, "wt")',
        'av.open(path, mode="w")',
        "os.open(path, os.O_WRONLY | os.O_CREAT)",
        "path.write_text(text)",
        "frame.to_csv(path)",
        "figure.savefig(path)",
        "image.save(path)",
        "np.savez(path, a=a)",
        "shutil.copyfile(a, b)",
        "os.replace(a, b)",
        "shutil.move(a, b)",
    ],
)
def test_other_ways_are_found(line: str) -> None:
    assert other_writes(line, "fmbench/report/draw.py")


@pytest.mark.parametrize(
    "line",
    [
        "open(path)",
        'open(path, "rb")',
        'path.open(encoding="utf-8")',
        "Image.open(sheet)",
        "buffer = io.BytesIO()\nimage.save(buffer)",
        'buffer = io.BytesIO()\nav.open(buffer, mode="w")',
        "os.open(folder, os.O_RDONLY)",
        'text.replace("a", "b")',
    ],
)
def test_reading_and_files_in_memory_are_accepted(line: str) -> None:
    assert not other_writes(line, "fmbench/report/draw.py")
