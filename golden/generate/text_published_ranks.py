"""What tiktoken makes of hostile texts with its published rank files, given as a folder.

The files themselves are not kept here: the test reads the same ones from a library's jar."""
import json
import sys
import unicodedata
from pathlib import Path

import tiktoken
import tiktoken.load
from hostile_strings import texts

COUNT, SEED = 260, 11
NAMES = ["r50k_base", "p50k_base", "cl100k_base", "o200k_base"]
OUT = Path(__file__).parent.parent / "text" / "published_ranks.jsonl"


def encodings(folder):
    import tiktoken_ext.openai_public as public
    load = tiktoken.load.load_tiktoken_bpe
    local = lambda url, expected_hash=None: load(str(folder / url.rsplit("/", 1)[1]), expected_hash)
    public.load_tiktoken_bpe = local
    return {name: tiktoken.Encoding(**getattr(public, name)()) for name in NAMES}


if __name__ == "__main__":
    known = encodings(Path(sys.argv[1]))
    with open(OUT, "w", encoding="ascii") as out:
        for text in texts(COUNT, SEED):
            if any(unicodedata.category(c) == "Cn" for c in text):
                continue  # the libraries know different versions of Unicode
            row = {"text": text}
            for name, encoding in known.items():
                row[name] = encoding.encode(text, allowed_special="all")
            out.write(json.dumps(row, separators=(",", ":")) + "\n")
