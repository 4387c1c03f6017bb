"""Trains with transformers and peft as their users do: bf16, AdamW, SDPA attention, all cores;
DPO with trl.

Takes the options of `tunesmith bench train` and prints the same figures as one JSON line.
"""
import argparse
import json
import os
import statistics
import sys
import time

import psutil
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from shared import FOUR_BIT

options = argparse.ArgumentParser()
options.add_argument("--model", required=True)
options.add_argument("--method", default="lora", choices=["lora", "qlora", "full", "dpo"])
options.add_argument("--batch", type=int, default=4)
options.add_argument("--seq", type=int, default=512)
options.add_argument("--steps", type=int, default=6)
options.add_argument("--recompute", default="none", choices=["none", "attention", "selective", "block"])
asked = options.parse_args()

torch.manual_seed(0)
torch.set_num_threads(len(os.sched_getaffinity(0)))
model = AutoModelForCausalLM.from_pretrained(
    asked.model,
    dtype=torch.bfloat16,
    attn_implementation="sdpa",
    quantization_config=FOUR_BIT if asked.method == "qlora" else None,
)
if asked.recompute != "none" and asked.method != "dpo":
    model.gradient_checkpointing_enable()
    model.enable_input_require_grads()
seconds = []
first_step = 0.0


def count(start, loss):
    """A step that began at `start` has ended."""
    global first_step
    seconds.append(time.perf_counter() - start)
    if len(seconds) == 1:
        first_step = time.time() - psutil.Process().create_time()
    print(f"step {len(seconds) - 1} loss {loss}", file=sys.stderr, flush=True)


words = min(8000, model.config.vocab_size)
lora = LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear")


def train():
    wrapped = model if asked.method == "full" else get_peft_model(model, lora)
    trained = [p for p in wrapped.parameters() if p.requires_grad]
    if asked.method != "full":
        for p in trained:
            p.data = p.data.float()
    optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
    wrapped.train()
    for step in range(asked.steps):
        ids = torch.randint(3, words, (asked.batch, asked.seq))
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16):
            loss = wrapped(input_ids=ids, labels=ids).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        count(start, f"{loss.item():.4f}")


def train_pairs():
    """Pairs of answers to a prompt of half a document each, as text of made-up words."""
    import tempfile

    from datasets import Dataset
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, TrainerCallback
    from trl import DPOConfig, DPOTrainer

    table = {f"w{i}": i for i in range(words)} | {"<unk>": words, "<end>": words + 1}
    plain = Tokenizer(models.WordLevel(table, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, unk_token="<unk>", eos_token="<end>", pad_token="<end>"
    )

    def text(length):
        return "".join(f"w{i} " for i in torch.randint(3, words, (length,)).tolist())

    half = asked.seq // 2
    rows = [
        {"prompt": text(half), "chosen": text(half - 1), "rejected": text(half - 1)}
        for _ in range(asked.steps * asked.batch // 2)
    ]

    class Clock(TrainerCallback):
        def on_step_begin(self, *_, **__):
            self.start = time.perf_counter()

        def on_step_end(self, *_, **__):
            count(self.start, "-")

    DPOTrainer(
        model=model,
        args=DPOConfig(
            output_dir=tempfile.mkdtemp(),
            per_device_train_batch_size=asked.batch // 2,
            max_steps=asked.steps,
            max_length=asked.seq,
            learning_rate=1e-4,
            bf16=True,
            use_cpu=True,
            gradient_checkpointing=asked.recompute != "none",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            logging_strategy="no",
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=lora,
        callbacks=[Clock()],
    ).train()


if asked.method == "dpo":
    train_pairs()
else:
    train()

median = statistics.median(seconds[1:] or seconds)
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(
    json.dumps(
        {
            "tokens_per_second": round(asked.batch * asked.seq / median, 1),
            "peak_rss_gib": round(peak / 2**20, 3),
            "first_step_seconds": round(first_step, 2),
        }
    )
)
