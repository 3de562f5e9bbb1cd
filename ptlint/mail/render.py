"""Files of a patch written as a git diff again."""

from collections.abc import Iterable

from ptlint.core.patch import FilePatch, Hunk


def render_files(files: Iterable[FilePatch]) -> bytes:
    """Return *files* as git would print them; reading the result gives the same files back."""
    return b"".join(_render_file(file) for file in files)


def _render_file(file: FilePatch) -> bytes:
    old, new = file.old_path or file.path, file.path
    lines = [b"diff --git %s %s" % (_quoted("a/" + old), _quoted("b/" + new))]
    lines += _extended(file)
    if file.hunks:
        lines.append(b"--- " + (_side("a/" + old) if file.old_path else b"/dev/null"))
        lines.append(b"+++ " + (_side("b/" + new) if file.new_path else b"/dev/null"))
    text = b"\n".join(lines) + b"\n"
    return text + b"".join(_render_hunk(hunk) for hunk in file.hunks) + (file.binary or b"")


def _extended(file: FilePatch) -> list[bytes]:
    lines: list[bytes] = []
    if file.is_rename or file.is_copy:
        word = b"rename" if file.is_rename else b"copy"
        lines += [
            word + b" from " + _quoted(file.old_path or file.path),
            word + b" to " + _quoted(file.path),
        ]
    changes_mode = file.old_mode != file.new_mode
    if file.old_path is None:
        lines.append(b"new file mode %06o" % (file.new_mode or 0o100644))
    elif file.new_path is None:
        lines.append(b"deleted file mode %06o" % (file.old_mode or 0o100644))
    elif changes_mode and file.old_mode is not None and file.new_mode is not None:
        lines += [b"old mode %06o" % file.old_mode, b"new mode %06o" % file.new_mode]
    if file.old_blob and file.new_blob:
        same = file.old_path and file.new_path and not changes_mode and file.new_mode is not None
        mode = b" %06o" % file.new_mode if same and file.new_mode is not None else b""
        lines.append(b"index %s..%s%s" % (file.old_blob.encode(), file.new_blob.encode(), mode))
    return lines


def _render_hunk(hunk: Hunk) -> bytes:
    section = b" " + hunk.section if hunk.section else b""
    header = b"@@ -%d,%d +%d,%d @@%s\n" % (hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count, section)
    lines = [
        line.kind.encode() + line.text + (b"\n" if line.newline else b"\n\\ No newline at end of file\n")
        for line in hunk.lines
    ]
    return header + b"".join(lines)


def _side(path: str) -> bytes:
    """Return a name for a ``---`` line; git ends one that holds a space with a tab."""
    name = _quoted(path)
    return name + b"\t" if b" " in name and not name.startswith(b'"') else name


def _quoted(path: str) -> bytes:
    raw = path.encode("utf-8", "surrogateescape")
    if all(32 <= byte < 127 and byte not in b'"\\' for byte in raw):
        return raw
    return b'"%s"' % b"".join(_escaped(byte) for byte in raw)


def _escaped(byte: int) -> bytes:
    if byte in b'"\\':
        return b"\\" + bytes([byte])
    return bytes([byte]) if 32 <= byte < 127 else b"\\%03o" % byte
