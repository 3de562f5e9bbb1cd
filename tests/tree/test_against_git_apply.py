"""Random files, edits and shifted bases: git apply and ptlint must agree on every outcome, also on refusals."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ptlint.core.tree import Snapshot, blob_id_of
from ptlint.mail.diff import CorruptPatch
from ptlint.tree.apply import apply_patch
from ptlint.tree.state import Blob, BlobTree, State
from tests.tree.scratchrepo import git, make_repository, patch_of, run_git

Tree = dict[str, Blob]

LINES = st.sampled_from([b"a", b"b", b"", b"\t}", b"x y", b"  a", b"a ", b"a\r", b"q\x0cr", b"\xff\xfe"])
"""Few and repeating lines, so that hunks fit at several places."""

PATHS = ("one", "two", "dir/one", "dir/deep/three")

quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@st.composite
def texts(draw: st.DrawFn, longest: int = 14) -> bytes:
    """Draw a file: lines from a small set, sometimes without a newline at the end."""
    data = b"".join(line + b"\n" for line in draw(st.lists(LINES, max_size=longest)))
    return data[:-1] if data and draw(st.integers(0, 4)) == 0 else data


@st.composite
def edits(draw: st.DrawFn, text: bytes) -> bytes:
    """Draw a changed version of *text*: some lines put in, taken out or replaced."""
    lines = text.split(b"\n")
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at : at + draw(st.integers(0, 2))] = draw(st.lists(LINES, max_size=2))
        lines = lines or [b""]
    return b"\n".join(lines)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    """Draw a small tree of files, executables and links."""
    modes = st.sampled_from([0o100644, 0o100644, 0o100644, 0o100755, 0o120000])
    found = {}
    for path in PATHS:
        if draw(st.booleans()):
            mode = draw(modes)
            found[path] = Blob(mode, b"target" if mode == 0o120000 else draw(texts()))
    return found


@st.composite
def tree_edits(draw: st.DrawFn, tree: Tree) -> Tree:
    """Draw a changed version of *tree*: files edited, moved, copied, removed, of another mode."""
    found = dict(tree)
    for _ in range(draw(st.integers(1, 3))):
        path, other = draw(st.sampled_from(PATHS)), draw(st.sampled_from(PATHS))
        match draw(st.sampled_from(["edit", "edit", "move", "copy", "remove", "mode", "new"])):
            case "edit" if path in found and found[path].mode != 0o120000:
                found[path] = Blob(found[path].mode, draw(edits(found[path].data)))
            case "move" if path in found:
                found[other] = found.pop(path)
            case "copy" if path in found:
                found[other] = found[path]
            case "remove":
                found.pop(path, None)
            case "mode" if path in found and found[path].mode != 0o120000:
                found[path] = Blob(found[path].mode ^ 0o111, found[path].data)
            case "new":
                found[other] = Blob(0o100644, draw(texts()))
            case _:
                pass
    return found


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository whose object store and index the examples use."""
    return make_repository(tmp_path_factory.mktemp("apply") / "repository")


@quick
@given(data=st.data())
def test_one_file_gives_what_git_apply_gives(repository: Path, data: st.DataObject) -> None:
    old = data.draw(texts())
    diff = file_diff(repository, old, data.draw(edits(old)), data.draw(st.integers(0, 4)))
    if data.draw(st.integers(0, 3)) == 0:
        by = data.draw(st.sampled_from([-3, -1, 1, 4, 100]))
        diff = re.sub(rb"@@ -(\d+)", lambda match: b"@@ -%d" % max(int(match[1]) + by, 0), diff)
        diff = re.sub(rb"(@@ -\S+ )\+(\d+)", lambda match: match[1] + b"+%d" % max(int(match[2]) + by, 0), diff)
    base = data.draw(edits(old))
    if data.draw(st.booleans()):
        base = data.draw(texts()).rstrip(b"\n") + b"\n" + base
    compare(repository, {"file": Blob(0o100644, base)}, diff)


@quick
@given(data=st.data())
def test_a_tree_gives_what_git_apply_gives(repository: Path, data: st.DataObject) -> None:
    old = data.draw(trees())
    new = data.draw(tree_edits(old))
    flags = data.draw(st.sampled_from([("-M",), ("-M", "-C", "--find-copies-harder"), ("--no-renames",)]))
    shape = ("diff-tree", "-r", "-p", "--binary", "--full-index", *flags)
    diff = git(repository, *shape, write_tree(repository, old), write_tree(repository, new))
    if data.draw(st.booleans()):  # one patch whose parts touch the same paths again
        last = data.draw(tree_edits(new))
        diff += git(repository, *shape, write_tree(repository, new), write_tree(repository, last))
    base = data.draw(st.one_of(st.just(old), tree_edits(old)))
    compare(repository, base, diff)


def file_diff(repository: Path, old: bytes, new: bytes, context: int) -> bytes:
    """Return git's diff between two versions of one file."""
    (repository / "old").write_bytes(old)
    (repository / "new").write_bytes(new)
    diff = run_git(repository, "diff", "--no-index", "--full-index", f"-U{context}", "old", "new").stdout
    return diff.replace(b"a/old", b"a/file").replace(b"b/new", b"b/file")


def write_tree(repository: Path, tree: Tree) -> str:
    """Write a tree object (and leave it in the index)."""
    fill_index(repository, tree)
    return git(repository, "write-tree").decode().strip()


def fill_index(repository: Path, tree: Tree) -> None:
    """Make the index hold *tree* and nothing else."""
    folder = repository / ".git" / "blobs"
    folder.mkdir(exist_ok=True)
    for number, blob in enumerate(tree.values()):
        (folder / f"{number}").write_bytes(blob.data)
    names = "".join(f"{folder}/{number}\n" for number in range(len(tree)))
    ids = git(repository, "hash-object", "-w", "--no-filters", "--stdin-paths", stdin=names.encode()).decode().split()
    (repository / ".git" / "index").unlink(missing_ok=True)
    lines = [f"{blob.mode:o} {one}\t{path}\n" for one, (path, blob) in zip(ids, tree.items(), strict=True)]
    git(repository, "update-index", "--index-info", stdin="".join(lines).encode())


def compare(repository: Path, base: Tree, diff: bytes) -> None:
    """Apply *diff* to *base* with git and with ptlint; both must refuse it, or give the same tree."""
    if not diff:
        return
    fill_index(repository, base)
    done = run_git(repository, "apply", "--cached", stdin=diff)
    try:
        patch = patch_of(diff)
    except CorruptPatch:
        assert done.returncode != 0
        return
    state = State(Snapshot(BlobTree(base)))
    applied = apply_patch(state.snapshot, patch)
    told = f"{base}\n{diff.decode('latin-1')}\n{done.stderr.decode()}\n{applied.status}"
    assert applied.status.applied == (done.returncode == 0), told
    if applied.status.applied:
        listing = git(repository, "ls-files", "-s", "-z").split(b"\0")[:-1]
        expected = {line.partition(b"\t")[2].decode(): (int(line[:6], 8), line[7:47].decode()) for line in listing}
        assert entries(applied.state, base, {file.path for file in patch.files}) == expected, told
    else:
        assert applied.status.reason


def entries(state: State, base: Tree, touched: set[str]) -> dict[str, tuple[int, str]]:
    """Return mode and blob id of everything in a state."""
    blobs = {path: state.blob(path) for path in {*base, *touched}}
    return {path: (blob.mode, blob_id_of(blob.data)) for path, blob in blobs.items() if blob is not None}
