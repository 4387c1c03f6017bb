"""PPO of trl as its users run it: bf16, AdamW, SDPA attention, all cores.

trl removed PPO; this is its last release with it, in an environment of its own. Takes the options of
`tunesmith bench method` and prints the same figures as one JSON line. Each prompt has four answers.
As in trl's own recipe the values come from a second model of the same size, which trains with all its
weights; `--small-values` gives it one layer only, and the reward model always has one layer. With
`--weights qlora` the policy alone is quantised.
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
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    TrainerCallback,
)
from trl import PPOConfig, PPOTrainer

from shared import FOUR_BIT, tokenizer_of

GROUP = 4

options = argparse.ArgumentParser()
options.add_argument("--model", required=True)
options.add_argument("--goal", required=True, choices=["ppo"])
options.add_argument("--weights", default="lora", choices=["lora", "qlora", "full"])
options.add_argument("--batch", type=int, default=4)
options.add_argument("--seq", type=int, default=256)
options.add_argument("--steps", type=int, default=3)
options.add_argument("--small-values", action="store_true")
asked = options.parse_args()

torch.manual_seed(0)
torch.set_num_threads(len(os.sched_getaffinity(0)))
half = asked.seq // 2
answers = asked.batch * GROUP
loading = dict(dtype=torch.bfloat16, attn_implementation="sdpa")
model = AutoModelForCausalLM.from_pretrained(
    asked.model, quantization_config=FOUR_BIT if asked.weights == "qlora" else None, **loading
)
words = model.config.vocab_size
tokenizer = tokenizer_of(words, padding_side="left")


def scorer(layers):
    """A model with a head of one number; all layers of the policy, or random ones."""
    if layers is None:
        own = AutoModelForSequenceClassification.from_pretrained(
            asked.model, num_labels=1, **loading
        )
    else:
        config = AutoConfig.from_pretrained(asked.model, num_labels=1, num_hidden_layers=layers)
        own = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
    own.config.pad_token_id = tokenizer.pad_token_id
    return own


class Clock(TrainerCallback):
    """A step is drawing, looking back and all updates; its beginning has no callback."""

    seconds = []

    def on_train_begin(self, *_, **__):
        self.start = time.perf_counter()

    def on_step_end(self, *_, **__):
        now = time.perf_counter()
        self.seconds.append(now - self.start)
        self.start = now
        print(f"step {len(self.seconds) - 1}: {self.seconds[-1]:.1f} s", file=sys.stderr, flush=True)


lora = LoraConfig(
    r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear", task_type="CAUSAL_LM"
)
full = asked.weights == "full"
prompts = [
    {"input_ids": torch.randint(3, min(8000, words), (half,)).tolist()}
    for _ in range(asked.steps * answers)
]
trainer = PPOTrainer(
    args=PPOConfig(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=asked.batch,
        gradient_accumulation_steps=GROUP,
        local_rollout_forward_batch_size=answers,
        num_mini_batches=1,
        num_ppo_epochs=4,
        total_episodes=asked.steps * answers,
        response_length=half,
        temperature=1.0,
        learning_rate=1e-5,
        bf16=True,
        use_cpu=True,
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        num_sample_generations=0,
    ),
    processing_class=tokenizer,
    model=model,
    ref_model=AutoModelForCausalLM.from_pretrained(asked.model, **loading) if full else None,
    reward_model=scorer(1),
    value_model=scorer(1 if asked.small_values else None),
    train_dataset=Dataset.from_list(prompts),
    eval_dataset=Dataset.from_list(prompts[:4]),
    peft_config=None if full else lora,
    callbacks=[Clock()],
)
# With a quantised policy trl leaves norms in fp32 and the head in bf16; only autocast brings the two
# together when it draws answers.
with torch.autocast("cpu", torch.bfloat16, enabled=asked.weights == "qlora"):
    trainer.train()

median = statistics.median(Clock.seconds[1:] or Clock.seconds)
with open("/proc/self/status") as status:
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(
    json.dumps(
        {
            "tokens_per_second": round(answers * asked.seq / median, 1),
            "peak_rss_gib": round(peak / 2**20, 3),
        }
    )
)
