"""One training method of trl as its users run it: bf16, AdamW, SDPA attention, all cores.

Takes the options of `tunesmith bench method` and prints the same figures as one JSON line. Rows are
made-up words, half prompt and half answer; methods that draw answers draw four to each prompt.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
import time

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    TrainerCallback,
)

from shared import FOUR_BIT, tokenizer_of

GROUP = 4

options = argparse.ArgumentParser()
options.add_argument("--model", required=True)
options.add_argument("--goal", required=True)
options.add_argument("--weights", default="lora", choices=["lora", "qlora", "full"])
options.add_argument("--batch", type=int, default=4)
options.add_argument("--seq", type=int, default=512)
options.add_argument("--steps", type=int, default=3)
asked = options.parse_args()

torch.manual_seed(0)
torch.set_num_threads(len(os.sched_getaffinity(0)))
half = asked.seq // 2
draws = asked.goal in ("grpo", "ppo")
pairs = asked.goal in ("dpo", "orpo", "simpo", "cpo", "rm")
seconds = []

loading = dict(
    dtype=torch.bfloat16,
    attn_implementation="sdpa",
    quantization_config=FOUR_BIT if asked.weights == "qlora" else None,
)
if asked.goal == "rm":
    model = AutoModelForSequenceClassification.from_pretrained(asked.model, num_labels=1, **loading)
else:
    model = AutoModelForCausalLM.from_pretrained(asked.model, **loading)
words = model.config.vocab_size
used = min(8000, words)
tokenizer = tokenizer_of(words)
model.config.pad_token_id = tokenizer.pad_token_id


def text(length):
    return "".join(f"w{i} " for i in torch.randint(3, used, (length,)).tolist())


def rows():
    count = asked.steps * (asked.batch * GROUP if draws else asked.batch)
    for i in range(count // 2 if pairs else count):
        if draws:
            yield {"prompt": text(half)}
        elif asked.goal == "sft":
            yield {"text": text(asked.seq - 1)}
        elif asked.goal == "kto":
            yield {"prompt": text(half), "completion": text(half - 1), "label": i % 2 == 1}
        else:
            yield {"prompt": text(half), "chosen": text(half - 1), "rejected": text(half - 1)}


class Clock(TrainerCallback):
    def on_step_begin(self, *_, **__):
        self.start = time.perf_counter()

    def on_step_end(self, *_, **__):
        seconds.append(time.perf_counter() - self.start)
        print(f"step {len(seconds) - 1}: {seconds[-1]:.1f} s", file=sys.stderr, flush=True)


def rewards(completions, **_):
    return [float(len(completion) % 97) / 97 for completion in completions]


def trainer():
    """The trainer, its settings beside the common ones, and what it wants besides."""
    if asked.goal == "sft":
        from trl import SFTConfig, SFTTrainer

        return SFTTrainer, SFTConfig, dict(max_length=asked.seq), {}
    if asked.goal == "dpo":
        from trl import DPOConfig, DPOTrainer

        return DPOTrainer, DPOConfig, dict(max_length=asked.seq), {}
    if asked.goal == "kto":
        from trl import KTOConfig, KTOTrainer

        return KTOTrainer, KTOConfig, dict(max_length=asked.seq), {}
    if asked.goal == "rm":
        from trl import RewardConfig, RewardTrainer

        return RewardTrainer, RewardConfig, dict(max_length=asked.seq), {}
    if asked.goal == "orpo":
        from trl.experimental.orpo import ORPOConfig, ORPOTrainer

        return ORPOTrainer, ORPOConfig, dict(max_length=asked.seq), {}
    if asked.goal in ("simpo", "cpo"):
        from trl.experimental.cpo import CPOConfig, CPOTrainer

        kind = dict(loss_type="simpo", cpo_alpha=0.0) if asked.goal == "simpo" else {}
        return CPOTrainer, CPOConfig, dict(max_length=asked.seq, **kind), {}
    if asked.goal == "grpo":
        from trl import GRPOConfig, GRPOTrainer

        drawing = dict(
            num_generations=GROUP,
            max_completion_length=half,
            gradient_accumulation_steps=GROUP,
            shuffle_dataset=False,
        )
        return GRPOTrainer, GRPOConfig, drawing, dict(reward_funcs=rewards)
    sys.exit(f"trl has no {asked.goal}")


kind, config, own, besides = trainer()
per_step = asked.batch // 2 if pairs else asked.batch
lora = LoraConfig(
    r=16,
    lora_alpha=32,
    lora_dropout=0.0,
    target_modules="all-linear",
    task_type="SEQ_CLS" if asked.goal == "rm" else "CAUSAL_LM",
)
kind(
    model=model,
    args=config(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=per_step,
        max_steps=asked.steps,
        learning_rate=1e-5,
        bf16=True,
        use_cpu=True,
        gradient_checkpointing=False,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        logging_strategy="no",
        **own,
    ),
    train_dataset=Dataset.from_list(list(rows())),
    processing_class=tokenizer,
    peft_config=None if asked.weights == "full" else lora,
    callbacks=[Clock()],
    **besides,
).train()

median = statistics.median(seconds[1:] or seconds)
documents = asked.batch * GROUP if draws else asked.batch
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(
    json.dumps(
        {
            "tokens_per_second": round(documents * asked.seq / median, 1),
            "peak_rss_gib": round(peak / 2**20, 3),
        }
    )
)
