"""A BPE vocabulary over characters with bytes to fall back on, as the tokenizers library learns it.

Usage: text_fallback_training.py OUTDIR with tokenizers 0.23.3.
"""
import json
import pathlib
import sys

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

OUT = pathlib.Path(sys.argv[1])
OUT.mkdir(parents=True, exist_ok=True)
CORPUS = (pathlib.Path(__file__).parent / "text_inputs" / "multilingual.txt").read_text(encoding="utf-8").splitlines()

tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always", split=True)
special = ["<unk>", "<s>", "</s>"] + [f"<0x{value:02X}>" for value in range(256)]
tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(
    vocab_size=1500, min_frequency=2, special_tokens=special, show_progress=False))
model = json.loads(tokenizer.to_str())["model"]
(OUT / "corpus.json").write_text(json.dumps(CORPUS, indent=0) + "\n")
(OUT / "expected.json").write_text(json.dumps({"vocab": model["vocab"], "merges": model["merges"]}) + "\n")
