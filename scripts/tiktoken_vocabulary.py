"""Put OpenAI's vocabularies where tiktoken looks for them, from a package that carries them, without tiktoken's download.

Usage:  npm pack js-tiktoken && python scripts/tiktoken_vocabulary.py js-tiktoken-*.tgz [FOLDER]

js-tiktoken is under the MIT licence. A vocabulary is written only if its SHA-256 is the one that tiktoken asks for; the
folder is $TIKTOKEN_CACHE_DIR, or where tiktoken looks without it. Prompt files are then counted exactly, offline.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
from pathlib import Path

from planner.inputs.token_counts import TIKTOKEN_FILES, tiktoken_file


def main() -> None:
    """Write every vocabulary that the package holds and tiktoken would accept."""
    package, *folder = sys.argv[1:]
    with tarfile.open(package) as archive:
        for name, (_, digest) in TIKTOKEN_FILES.items():
            member = archive.extractfile(f"package/dist/ranks/{name}.cjs")
            content = vocabulary(member.read().decode() if member is not None else "")
            if hashlib.sha256(content).hexdigest() != digest:
                sys.exit(f"{package}: {name} is not the vocabulary that tiktoken asks for")
            file = Path(*folder) / tiktoken_file(name).name if folder else tiktoken_file(name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            print(f"{name}: {file}")


def vocabulary(module: str) -> bytes:
    """Return tiktoken's form of the ranks in a module: a token in base64 and its rank in each line."""
    text = module[module.find("{") : module.rfind("}") + 1] or '{"bpe_ranks": ""}'
    ranks: list[tuple[int, str]] = []
    for line in filter(None, json.loads(text)["bpe_ranks"].split("\n")):
        _, first, *tokens = line.split(" ")
        ranks.extend((int(first) + place, token) for place, token in enumerate(tokens))
    return "".join(f"{token} {rank}\n" for rank, token in sorted(ranks)).encode()


if __name__ == "__main__":
    main()
