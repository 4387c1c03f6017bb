"""Trains with transformers and peft as their users do: bf16, AdamW, SDPA attention, all cores.

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
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

options = argparse.ArgumentParser()
options.add_argument("--model", required=True)
options.add_argument("--method", default="lora", choices=["lora", "qlora", "full"])
options.add_argument("--batch", type=int, default=4)
options.add_argument("--seq", type=int, default=512)
options.add_argument("--steps", type=int, default=6)
options.add_argument("--recompute", default="none", choices=["none", "block"])
asked = options.parse_args()

torch.manual_seed(0)
torch.set_num_threads(len(os.sched_getaffinity(0)))
four_bit = BitsAndBytesConfig(
    load_in_4bit=True,
    bnb_4bit_quant_type="nf4",
    bnb_4bit_use_double_quant=True,
    bnb_4bit_compute_dtype=torch.bfloat16,
)
model = AutoModelForCausalLM.from_pretrained(
    asked.model,
    dtype=torch.bfloat16,
    attn_implementation="sdpa",
    quantization_config=four_bit if asked.method == "qlora" else None,
)
if asked.recompute == "block":
    model.gradient_checkpointing_enable()
    model.enable_input_require_grads()
if asked.method != "full":
    model = get_peft_model(
        model, LoraConfig(r=16, lora_alpha=32, lora_dropout=0.0, target_modules="all-linear")
    )
trained = [p for p in model.parameters() if p.requires_grad]
if asked.method != "full":
    for p in trained:
        p.data = p.data.float()
optimizer = torch.optim.AdamW(trained, lr=1e-4, fused=True)
words = min(8000, model.config.vocab_size)
model.train()

seconds = []
first_step = 0.0
for step in range(asked.steps):
    ids = torch.randint(3, words, (asked.batch, asked.seq))
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16):
        loss = model(input_ids=ids, labels=ids).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    seconds.append(time.perf_counter() - start)
    if step == 0:
        first_step = time.time() - psutil.Process().create_time()
    print(f"step {step} loss {loss.item():.4f}", file=sys.stderr, flush=True)

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
