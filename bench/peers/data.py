"""LLaMA-Factory's own preprocessing of a file of conversations, with a process for every core.

Takes the options of `tunesmith bench data` and prints the same figures as one JSON line. The time is
that of its `get_dataset`: reading the file, bringing rows into its shape, template and tokens.
"""
import argparse
import importlib.machinery
import json
import os
import sys
import tempfile
import time
import types
import zlib

# Only rows with sound need it, and its builds rarely fit the installed torch.
sound = types.ModuleType("torchaudio")
sound.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
sys.modules["torchaudio"] = sound

options = argparse.ArgumentParser()
options.add_argument("--model", required=True)
options.add_argument("--file", required=True)
options.add_argument("--template", required=True)
options.add_argument("--length", type=int, default=4096)
asked = options.parse_args()

room = tempfile.TemporaryDirectory()
os.environ["HF_DATASETS_CACHE"] = os.path.join(room.name, "cache")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["DISABLE_VERSION_CHECK"] = "1"

from llamafactory.data import get_dataset, get_template_and_fix_tokenizer  # noqa: E402
from llamafactory.hparams import DataArguments, ModelArguments  # noqa: E402
from transformers import AutoTokenizer, Seq2SeqTrainingArguments  # noqa: E402

info = {
    "rows": {
        "file_name": os.path.abspath(asked.file),
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    }
}
with open(os.path.join(room.name, "dataset_info.json"), "w") as file:
    json.dump(info, file)

workers = len(os.sched_getaffinity(0))
data = DataArguments(
    template=asked.template,
    dataset="rows",
    dataset_dir=room.name,
    cutoff_len=asked.length,
    preprocessing_num_workers=workers,
    overwrite_cache=True,
)
tokenizer = AutoTokenizer.from_pretrained(asked.model, padding_side="right")
template = get_template_and_fix_tokenizer(tokenizer, data)
training = Seq2SeqTrainingArguments(output_dir=room.name, do_train=True, use_cpu=True)
start = time.perf_counter()
rows = get_dataset(
    template,
    ModelArguments(model_name_or_path=asked.model),
    data,
    training,
    stage="sft",
    tokenizer=tokenizer,
)["train_dataset"]
seconds = time.perf_counter() - start

sample = 0
for row in rows.select(range(min(100, len(rows)))):
    for token, label in zip(row["input_ids"], row["labels"]):
        sample = zlib.crc32(f"{token},{int(label != -100)};".encode(), sample)
tokens = sum(len(ids) for batch in rows.iter(batch_size=1000) for ids in batch["input_ids"])
print(
    json.dumps(
        {
            "rows": len(rows),
            "tokens": tokens,
            "seconds": round(seconds, 3),
            "megabytes_per_second": round(os.path.getsize(asked.file) / 1e6 / seconds, 3),
            "rows_per_second": round(len(rows) / seconds, 1),
            "sample": sample,
            "processors": workers,
        }
    )
)
