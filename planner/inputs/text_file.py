"""The text of an input file, or the reason why it is none."""

from __future__ import annotations

from pathlib import Path

from planner.errors import Fault, InputError

MAX_BYTES = 8 * 1024 * 1024  #: far above any book; a scenario of this size is a mistake


def read_text(path: Path, name: str) -> str:
    """Return the text of a file that should be YAML; ``name`` is what messages call it.

    Raises
    ------
    InputError
        When there is no such file, or it is too large, binary or not UTF-8.
    """
    try:
        raw = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except FileNotFoundError:
        raise whole_file_error(name, "a file that exists", "nothing at this path") from None
    except IsADirectoryError:
        raise whole_file_error(name, "a file", "a folder") from None
    except OSError as error:
        raise whole_file_error(name, "a readable file", error.strerror or str(error)) from None
    if raw is None:
        raise whole_file_error(
            name, f"at most {MAX_BYTES // 1024**2} MiB of YAML", f"{path.stat().st_size:,} bytes"
        )
    if b"\0" in raw:
        raise whole_file_error(name, "a YAML text file", "binary data (it holds NUL bytes)")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        fault = Fault(
            file=name,
            key="",
            line=line,
            column=column,
            expected="UTF-8 text",
            found=f"the byte 0x{raw[error.start]:02x}",
        )
        raise InputError((fault,), cure="save the file as UTF-8") from None


def whole_file_error(name: str, expected: str, found: str) -> InputError:
    """Return the error of a file as a whole, which no line can be blamed for."""
    return InputError((Fault(file=name, key="", expected=expected, found=found),))
